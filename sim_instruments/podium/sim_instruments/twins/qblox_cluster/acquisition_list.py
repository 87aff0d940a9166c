"""The acquisition list of a sequencer: named bins, and a scope record each."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.messages import PartialEncoding, ScopePath, unsigned
from podium.sim_instruments.twins.qblox_cluster.refusal import (
    ILLEGAL_PARAMETER,
    OUT_OF_RANGE,
    TOO_MUCH_DATA,
    Refusal,
)
from podium.sim_instruments.twins.qblox_cluster.sequencer_run import empty_bins

EMPTY_SCOPE = (
    ScopePath(np.zeros(limits.SCOPE_SAMPLES, np.int32), False, 0),
    ScopePath(np.zeros(limits.SCOPE_SAMPLES, np.int32), False, 0),
)


@dataclass(slots=True)
class _Acquisition:
    index: int
    bins: NDArray[np.void]
    scope: tuple[ScopePath, ...]


class AcquisitionList:
    """Named acquisitions with an index each. Results add up until they are deleted."""

    def __init__(self) -> None:
        self._entries: dict[str, _Acquisition] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def total_bins(self) -> int:
        """Bins of all acquisitions together."""
        return sum(len(entry.bins) for entry in self._entries.values())

    def bin_counts(self) -> dict[int, int]:
        """Return the number of bins of each index."""
        return {entry.index: len(entry.bins) for entry in self._entries.values()}

    def new(self, name: str, bins: int, free: int) -> None:
        """Add an acquisition under the lowest free index; ``free`` bins are left in the module."""
        if name in self._entries:
            raise Refusal(ILLEGAL_PARAMETER, f"Acquisition {name} already in acquisition list")
        if bins < 1:
            raise Refusal(OUT_OF_RANGE, f"acquisition {name} of {bins} bins, at least 1 is needed")
        if bins > free:
            raise Refusal(
                TOO_MUCH_DATA,
                f"acquisition {name} of {bins} bins does not fit: {free} of {limits.BINS} are free",
            )
        taken = {entry.index for entry in self._entries.values()}
        index = next(n for n in range(limits.ACQUISITIONS + 1) if n not in taken)
        if index >= limits.ACQUISITIONS:
            raise Refusal(TOO_MUCH_DATA, f"at most {limits.ACQUISITIONS} acquisitions")
        self._entries[name] = _Acquisition(index, empty_bins(bins), EMPTY_SCOPE)

    def delete(self, name: str) -> None:
        """Remove ``name``; ``all`` (and, as the client sends it, an empty name) removes all."""
        if name.lower() in ("all", ""):
            self._entries.clear()
        else:
            self._entry(name)
            del self._entries[name]

    def delete_data(self, name: str) -> None:
        """Empty the bins and the scope record of ``name``, or of ``all``."""
        chosen = self._entries.values() if name.lower() in ("all", "") else [self._entry(name)]
        for entry in chosen:
            entry.bins = empty_bins(len(entry.bins))
            entry.scope = EMPTY_SCOPE

    def store_scope(self, name: str, scope: tuple[ScopePath, ...]) -> None:
        """Keep a scope record with ``name``."""
        self._entry(name).scope = scope

    def add(self, results: Mapping[int, NDArray[np.void]]) -> None:
        """Add the results of a run, by index, to the bins."""
        for entry in self._entries.values():
            more = results.get(entry.index)
            if more is None or len(more) != len(entry.bins):
                continue
            for column in ("path0", "path1", "threshold", "average_count"):
                entry.bins[column] += more[column]
            entry.bins["valid"] |= more["valid"]

    def set_index(self, name: str, index: int) -> None:
        """Give ``name`` another index, which must be free."""
        entry = self._entry(name)
        if not 0 <= index < limits.ACQUISITIONS:
            raise Refusal(
                OUT_OF_RANGE, f"acquisition index {index}, 0-{limits.ACQUISITIONS - 1} exist"
            )
        for other, its in self._entries.items():
            if its.index == index and other != name:
                raise Refusal(ILLEGAL_PARAMETER, f"acquisition index {index} in use by {other}")
        entry.index = index

    def index(self, name: str) -> int:
        """Return the index of ``name``."""
        return self._entry(name).index

    def bins(self, name: str) -> int:
        """Return the number of bins of ``name``."""
        return len(self._entry(name).bins)

    def name(self, index: int) -> str:
        """Return the name under ``index``."""
        for name, entry in self._entries.items():
            if entry.index == index:
                return name
        raise Refusal(ILLEGAL_PARAMETER, f"acquisition index {index} not in acquisition list")

    def payloads(self, encoding: PartialEncoding | None = None) -> list[bytes]:
        """Return the blocks in which the whole list is read."""
        blocks = [unsigned(len(self._entries))]
        for name, entry in self._entries.items():
            blocks += [name.encode(), unsigned(entry.index), *self.data(name, encoding)]
        return blocks

    def data(self, name: str, encoding: PartialEncoding | None = None) -> list[bytes]:
        """Return the blocks of one acquisition: the scope of both paths, then the bins."""
        entry = self._entry(name)
        blocks = [payload for path in entry.scope for payload in path.payloads()]
        if encoding is None:
            return [*blocks, entry.bins.tobytes()]
        return [*blocks, *encoding.payloads(entry.bins)]

    def _entry(self, name: str) -> _Acquisition:
        try:
            return self._entries[name]
        except KeyError:
            raise Refusal(
                ILLEGAL_PARAMETER, f"Acquisition {name} does not exist in acquisition list"
            ) from None
