"""Refuses a tone that a microwave source does not reach."""

from typing import SupportsFloat

from podium.drivers.errors import Refused


def check_range(
    name: str, what: str, value: float, low: SupportsFloat, high: SupportsFloat, unit: str
) -> None:
    """Raise :class:`Refused` unless ``value`` is from ``low`` to ``high``, both included."""
    if not float(low) <= value <= float(high):
        raise Refused(
            f"{name} was asked for a {what} of {value:g} {unit}; "
            f"it goes from {float(low):g} to {float(high):g} {unit}"
        )
