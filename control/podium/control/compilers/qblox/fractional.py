"""Pulses that start between two samples: which waveforms play them, and where they get in the way.

What the hardware starts, it starts at a whole nanosecond; what is between is in the samples (see
``first_sample`` and ``sample_envelope``). Each fraction is a waveform of its own, and points with
another fraction are code of their own.
"""

from dataclasses import dataclass

import numpy as np

from podium.control.compilers.errors import DoesNotFit, TooLarge
from podium.control.compilers.guards import exclusive
from podium.control.compilers.points import IntArray, describe, where_first
from podium.control.compilers.qblox.place import Placed, PlacedPlay
from podium.control.compilers.qblox.waveform_memory import NoRoom, ShapePart, WaveformMemory
from podium.control.program.envelopes import first_sample, is_hard
from podium.control.program.program import Axis
from podium.control.program.waveforms import Waveform
from podium.firmware_interfaces.exact_time import FS_PER_NS


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Waveforms of one pulse, and which of them is played at each point."""

    waves: tuple[tuple[int, int | None], ...]
    which: IntArray | None
    """None where there is one."""


def sampled_from(play: PlacedPlay, rest_fs: int) -> tuple[IntArray, IntArray | int]:
    """Return the first sample of a pulse, ns, and how much later it starts, fs.

    ``rest_fs``: by how much the whole shot comes later than the grid.
    """
    if play.late_fs is None:
        return play.start_ns, 0 if is_hard(play.waveform) else rest_fs
    if rest_fs == 0:
        return play.start_ns, play.late_fs
    return first_sample(play.waveform, play.start_ns * FS_PER_NS + play.late_fs, rest_fs)


def choose(
    memory: WaveformMemory, waveform: Waveform, part: ShapePart | None, late_fs: IntArray | int
) -> Choice:
    """Store the waveforms that a pulse (or a part of it) needs; raises :class:`DoesNotFit`."""
    if isinstance(late_fs, int):
        return Choice((memory.store(waveform, part, late_fs),), None)
    fractions, which = np.unique(late_fs, return_inverse=True)
    stored = [memory.store(waveform, part, int(one)) for one in fractions]
    waves = tuple(dict.fromkeys(stored))  # fractions less than an LSB apart are one
    if len(waves) == 1:
        return Choice(waves, None)
    number = np.array([waves.index(one) for one in stored], np.int64)
    return Choice(waves, number[which].reshape(late_fs.shape))


def in_parts(error: NoRoom, placed: tuple[Placed, ...]) -> DoesNotFit:
    """Return ``error`` as one that says that fewer points take less, where they do."""
    for item in placed:
        if isinstance(item, PlacedPlay) and item.late_fs is not None and item.late_fs.size > 1:
            return TooLarge(f"{error}; each fraction is one", error.needed, error.limit)
    return error


def check_shared_samples(frame: str, placed: tuple[Placed, ...], axes: tuple[Axis, ...]) -> None:
    """Raise :class:`DoesNotFit` where a pulse begins in the last sample of the one before it."""
    plays = [item for item in placed if isinstance(item, PlacedPlay)]
    if all(play.late_fs is None for play in plays):
        return
    for number, after in enumerate(plays):
        earlier = (one for one in reversed(plays[:number]) if not exclusive(one.guard, after.guard))
        before = next(earlier, None)
        if before is None:
            continue
        if (shared := after.start_ns < before.start_ns + before.duration_ns).any():
            at = where_first(shared, axes)
            raise DoesNotFit(
                f"{frame}: play {after.statement} {type(after.waveform).__name__} begins in the "
                f"last sample of play {before.statement} {type(before.waveform).__name__} "
                f"({describe(at, shared.shape, axes)}): both stand between two ns, and one has "
                "hard edges; let 1 ns pass between them, or play soft pulses (Gaussian, Drag, a "
                f"FlatTop whose edges last {FS_PER_NS} fs or more)"
            )
