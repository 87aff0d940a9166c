"""A hidden value with its unit, as a perfect measurement would find it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Truth:
    """A value that a perfect measurement would find."""

    value: float
    unit: str
    """``Hz``, ``s``, ``V``, ``rad`` or ``1``."""
