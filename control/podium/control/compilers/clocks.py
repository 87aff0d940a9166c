"""Clocks of frames as statements move them on: femtoseconds at all points of the axes at once."""

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.points import IntArray, describe, values_of, where_first
from podium.control.program.program import Affine, Axis, Value, as_set
from podium.firmware_interfaces.exact_time import FS_PER_S, OffGridError

CLOCK_MAX_FS = 2**63 - 1
"""The latest time within a shot, 2.56 h."""


def waits_fs(duration: Value, where: str, axes: tuple[Axis, ...]) -> IntArray:
    """Return a delay at all points; whole numbers stay as they are, however long.

    Raises :class:`OffGridError` for one that is no whole femtosecond, :class:`DoesNotFit` for one
    of more than 2.56 h.
    """
    duration = as_set(duration)
    if not isinstance(duration, Affine) and isinstance(duration, int | np.integer):
        if duration > CLOCK_MAX_FS:
            raise _too_late(where)
        return np.full((1,) * len(axes), int(duration), np.int64)
    time_fs = values_of(duration, axes)
    whole = np.rint(time_fs)
    off = np.abs(whole - time_fs) > 1e-3
    if off.any():
        index = where_first(off, axes)
        raise OffGridError(
            f"{where}: {time_fs[index]} fs is not a whole number of femtoseconds "
            f"({describe(index, time_fs.shape, axes)})"
        )
    return whole.astype(np.int64)


def later(clock_fs: IntArray, step_fs: IntArray, where: str) -> IntArray:
    """Return clocks moved on; :class:`DoesNotFit` where a shot would last more than 2.56 h."""
    moved = clock_fs + step_fs
    if (moved < clock_fs).any():  # past the greatest number it begins anew below zero
        raise _too_late(where)
    return np.asarray(moved)


def _too_late(where: str) -> DoesNotFit:
    hours = CLOCK_MAX_FS / FS_PER_S / 3600
    return DoesNotFit(
        f"{where}: the shot would last longer than {hours:.3g} h; times are 64-bit numbers of "
        "femtoseconds: let it wait for less, or make several shots of it"
    )
