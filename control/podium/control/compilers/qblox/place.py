"""Pass 1: the instants that ``compilers.placing`` gives, in nanoseconds; pulses may lie between."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from podium.control.compilers import placing
from podium.control.compilers.guards import Guard
from podium.control.compilers.placing import (
    PlacedItem,
    PlacedPulse,
    PlacedWindow,
    place_in_fs,
)
from podium.control.compilers.points import FloatArray, IntArray, describe, where_first
from podium.control.program.envelopes import duration_ns, first_sample, is_hard
from podium.control.program.program import Axis, Frame, Program, Value
from podium.control.program.waveforms import Waveform
from podium.firmware_interfaces.exact_time import FS_PER_NS, OffGridError


@dataclass(frozen=True, slots=True, eq=False)
class PlacedPlay:
    """A pulse with its instant."""

    statement: int
    """Index in the program's body."""
    start_ns: IntArray
    """Of its first sample from the start of the shot; broadcasts to the axes, as all arrays here.
    """
    duration_ns: int
    """How many samples it has."""
    waveform: Waveform
    amplitude: FloatArray
    turns: FloatArray
    """All phase shifts of the frame up to here."""
    given: Value = 0.0
    """The amplitude as the program has it, where it depends on a parameter."""
    shifts: tuple[Value, ...] = ()
    """All phase shifts up to here as the program has them, where one depends on a parameter."""
    late_fs: IntArray | None = None
    """By how much it starts later than ``start_ns``, see ``first_sample``; None: by nothing."""
    guard: Guard = ()
    """What must have been measured for it to happen."""


@dataclass(frozen=True, slots=True, eq=False)
class PlacedCapture:
    """A window with the instant at which it opens."""

    statement: int
    name: str
    start_ns: IntArray
    duration_ns: int
    turns: FloatArray
    """All phase shifts of the frame up to the instant at which the window opens."""
    shifts: tuple[Value, ...] = ()
    """As of a play."""
    guard: Guard = ()
    """As of a play."""


@dataclass(frozen=True, slots=True, eq=False)
class PlacedTuning:
    """A change of a frame's frequency with its instant."""

    statement: int
    start_ns: IntArray
    frequency_hz: FloatArray
    given: Value = 0.0
    """The frequency as the program has it, where it depends on a parameter."""


@dataclass(frozen=True, slots=True, eq=False)
class PlacedShift:
    """A change of a frame's phase that depends on what is measured, with its instant."""

    statement: int
    start_ns: IntArray
    turns: FloatArray
    guard: Guard
    given: Value = 0.0
    """The turns as the program has them, where they depend on a parameter."""


Placed: TypeAlias = PlacedPlay | PlacedCapture | PlacedTuning | PlacedShift


@dataclass(frozen=True, slots=True, eq=False)
class FrameTimeline:
    """Holds one frame's statements in a shot, in the program's order."""

    frame: Frame
    placed: tuple[Placed, ...]

    @property
    def heard(self) -> bool:
        """Return whether anything is played or captured on the frame."""
        return any(isinstance(item, PlacedPlay | PlacedCapture) for item in self.placed)

    @property
    def guarded(self) -> bool:
        """Return whether anything on the frame depends on what is measured."""
        return any(not isinstance(item, PlacedTuning) and item.guard for item in self.placed)


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """A shot at all points."""

    axes: tuple[Axis, ...]
    frames: tuple[FrameTimeline, ...]
    shot_ns: IntArray
    """Length of the shot."""


def place(program: Program) -> Timeline:
    """Return the timeline of a validated program.

    A pulse may start between two nanoseconds; :class:`OffGridError` for anything else that does.
    """
    shot = place_in_fs(program)
    return Timeline(
        shot.axes,
        tuple(
            FrameTimeline(one.frame, tuple(_in_ns(item, shot.axes) for item in one.items))
            for one in shot.frames
        ),
        _ns(shot.shot_fs, "the end of the shot", shot.axes),
    )


def _in_ns(item: PlacedItem, axes: tuple[Axis, ...]) -> Placed:
    match item:
        case PlacedPulse():
            start, late_fs = _between(item.waveform, item.start_fs)
            return PlacedPlay(
                item.statement,
                start,
                duration_ns(item.waveform) + (late_fs is not None and is_hard(item.waveform)),
                item.waveform,
                item.amplitude,
                item.carrier.turns,
                item.given,
                item.shifts,
                late_fs,
                item.guard,
            )
        case PlacedWindow():
            where = f"statement {item.statement} (Capture)"
            return PlacedCapture(
                item.statement,
                item.name,
                _ns(item.start_fs, where, axes),
                int(_ns(np.array(item.duration_fs), where, ())),
                item.carrier.turns,
                item.shifts,
                item.guard,
            )
        case placing.PlacedTuning():
            start = _ns(item.start_fs, f"statement {item.statement} (SetFrequency)", axes)
            return PlacedTuning(item.statement, start, item.frequency_hz, item.given)
        case placing.PlacedShift():
            start = _ns(item.start_fs, f"statement {item.statement} (ShiftPhase)", axes)
            return PlacedShift(item.statement, start, item.turns, item.guard, item.given)


def _between(waveform: Waveform, start_fs: IntArray) -> tuple[IntArray, IntArray | None]:
    """Return the first sample of a pulse, ns, and how much later it starts."""
    start_ns, late_fs = first_sample(waveform, start_fs)
    return start_ns, late_fs if late_fs.any() else None


def _ns(time_fs: IntArray, what: str, axes: tuple[Axis, ...]) -> IntArray:
    whole = time_fs // FS_PER_NS
    off = whole * FS_PER_NS != time_fs
    if off.any():
        index = where_first(off, axes)
        raise OffGridError(
            f"{what}: {int(time_fs[index])} fs is off the grid of 1 ns; nearest "
            f"{int(whole[index])} ns and {int(whole[index]) + 1} ns "
            f"({describe(index, time_fs.shape, axes)}); only pulses start between two ns"
        )
    return np.asarray(whole)
