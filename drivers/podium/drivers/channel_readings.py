"""The channels of an instrument as it reads them: values, and why others have none."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

Value = tuple[float, str]
"""A value in SI units, and its unit; what is on or open is 1, else 0, of unit ``1``."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A channel that has no valid value now."""

    unit: str
    why: str
    """In the box's own words, as far as it has any."""
    below: float | None = None
    """The box says that it is below this, in ``unit``, and no more; None: it does not."""


@dataclass(frozen=True, slots=True)
class ChannelReadings:
    """All channels of an instrument at one time. Each is in one of the two, none is 0 instead."""

    values: Mapping[str, Value]
    """Valid and finite ones."""
    missing: Mapping[str, Missing] = field(default_factory=dict)
    complaints: tuple[str, ...] = ()
    """What the instrument says is wrong with itself, in words."""

    @classmethod
    def of(cls, found: Mapping[str, Value | Missing], complaints: tuple[str, ...] = ()) -> Self:
        """Return channels apart: a value that is no finite number is missing."""
        values: dict[str, Value] = {}
        missing: dict[str, Missing] = {}
        for channel, one in found.items():
            if isinstance(one, Missing):
                missing[channel] = one
            elif math.isfinite(one[0]):
                values[channel] = (float(one[0]), one[1])
            else:
                missing[channel] = Missing(one[1], f"it says {one[0]}")
        return cls(values, missing, complaints)
