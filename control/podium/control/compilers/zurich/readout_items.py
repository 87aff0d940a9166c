"""Pulses and windows of readout frames, in samples of a quantum analyzer channel."""

from dataclasses import dataclass

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.placing import (
    Carrier,
    PlacedFrame,
    PlacedPulse,
    PlacedWindow,
    in_ticks,
)
from podium.control.compilers.points import FloatArray, IntArray, describe, where_first
from podium.control.compilers.zurich.starts import check_apart, check_retuned, first_ticks
from podium.control.program.program import Axis
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.zurich.awg_limits import BAND_HZ, SHF_RATE_HZ


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A pulse or a window in ticks."""

    frame: str
    what: PlacedPulse | PlacedWindow
    start: IntArray
    late_fs: IntArray
    """By how much it begins later, see ``starts``."""
    samples: int
    turns: FloatArray
    """Phase of its carrier continued back to the shot's start; of no use by itself."""
    offset_hz: FloatArray
    restarts: bool
    """Its carrier begins anew with every pulse of its frame."""


def items_of(placed: PlacedFrame, lo_hz: float, axes: tuple[Axis, ...], rest_fs: int) -> list[Item]:
    """Return what a frame does; ``rest_fs``: of a skew, below a sample; it moves soft pulses.

    Raises :class:`DoesNotFit` and :class:`OffGridError`.
    """
    made = []
    name, restarts = placed.frame.name, placed.frame.restarts
    these: tuple[PlacedPulse | PlacedWindow, ...] = (*placed.pulses, *placed.windows)
    for one in these:
        where = f"{name}: statement {one.statement}"
        late_fs = np.zeros((1,) * len(axes), np.int64)
        if isinstance(one, PlacedPulse):
            what = f"{where} (Play)"
            start, late_fs, length = first_ticks(one, SHF_RATE_HZ, what, axes, rest_fs)
        else:
            what = f"{where} (Capture)"
            check_retuned(one.carrier, SHF_RATE_HZ, what, axes)
            start = in_ticks(one.start_fs, SHF_RATE_HZ, what, axes)
            duration = np.array(one.duration_fs)
            length = int(in_ticks(duration, SHF_RATE_HZ, f"{where}, its duration", ()))
        hz = one.carrier.frequency_hz - lo_hz
        far = np.abs(hz) > BAND_HZ
        if far.any():
            at = where_first(far, axes)
            raise DoesNotFit(
                f"{name}: {one.carrier.frequency_hz[at]:.12g} Hz is {hz[at] / 1e6:+.6g} MHz "
                f"from the local oscillator at {lo_hz:.12g} Hz "
                f"({describe(at, far.shape, axes)}); at most {BAND_HZ / 1e6:g} MHz"
            )
        made.append(Item(name, one, start, late_fs, length, turns_of(one.carrier), hz, restarts))
    pulses = [one for one in made if isinstance(one.what, PlacedPulse)]
    apart = [(one.what.statement, one.start, one.late_fs, one.samples, ()) for one in pulses]
    check_apart(name, apart, axes)
    return made


def turns_of(carrier: Carrier) -> FloatArray:
    """Return the phase of a carrier continued back to the shot's start."""
    turns = carrier.turns
    for one in carrier.retuned:
        moved_hz = one.from_hz - one.to_hz
        turns = turns + np.where(one.counts, moved_hz * (one.at_fs / FS_PER_S), 0.0)
    return turns
