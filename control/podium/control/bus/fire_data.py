"""Defines how the data of a fire go over the bus: what is alike of all captures as one array.

What an array costs is mostly that it is one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from podium.control.bus.messages import CaptureData, Time


@dataclass(frozen=True, slots=True, eq=False)
class FireData:
    """Carries the data of one fire."""

    started: Time
    """The facility's clock just before the start."""
    names: tuple[str, ...]
    """Captures of one shape, without traces and no clicks."""
    i: NDArray[Any]
    """Of each of them, in their order; shape (captures, [shots,] *axes)."""
    q: NDArray[Any]
    counts: NDArray[Any]
    results: NDArray[Any] | None
    """As in ``CaptureData``; same shape."""
    others: Mapping[str, CaptureData]
    """All other captures, by name."""

    def __post_init__(self) -> None:
        arrays = [self.i, self.q, self.counts]
        if self.results is not None:
            arrays.append(self.results)
        if {one.shape[:1] for one in arrays} != {(len(self.names),)}:
            shapes = ", ".join(str(one.shape) for one in arrays)
            raise ValueError(f"{len(self.names)} captures have arrays of shapes {shapes}")

    @property
    def captures(self) -> dict[str, CaptureData]:
        """Return the data of all captures, by name; arrays are views."""
        i, q, counts, results = self.i, self.q, self.counts, self.results
        alike = {
            name: CaptureData(
                i[k, ...],
                q[k, ...],
                counts[k, ...],
                None,
                None,
                False,
                None if results is None else results[k, ...],
            )
            for k, name in enumerate(self.names)
        }
        return {**alike, **self.others} if self.others else alike
