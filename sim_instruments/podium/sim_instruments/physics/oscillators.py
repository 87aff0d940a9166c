"""Phases of microwave oscillators: frequency times the time of the clock that they follow."""

from podium.firmware_interfaces.exact_time import FS_PER_S


def turns_of(frequency_hz: float, local_fs: int) -> float:
    """Return the phase of an oscillator at a time of its clock, in turns from 0 to 1.

    Exact, then rounded once, for frequencies on a grid of 1 mHz and any time.
    """
    whole = 1000 * FS_PER_S
    return round(frequency_hz * 1000) * local_fs % whole / whole
