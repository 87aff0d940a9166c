"""Pass 1: give every statement its instant, in nanoseconds, at all points of the axes at once."""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from podium.control.compilers.clocks import later, waits_fs
from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.guards import Guard, Mark, steps
from podium.control.compilers.points import (
    FloatArray,
    IntArray,
    describe,
    values_of,
    where_first,
)
from podium.control.program.envelopes import duration_ns, first_sample, is_hard
from podium.control.program.program import (
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    Play,
    Program,
    SetFrequency,
    ShiftPhase,
    Value,
    parameter_in,
)
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
    """A change of a frame's phase that hangs on what is measured, with its instant."""

    statement: int
    start_ns: IntArray
    turns: FloatArray
    guard: Guard
    given: Value = 0.0
    """The turns as the program has them, where they depend on a parameter."""


Placed: TypeAlias = PlacedPlay | PlacedCapture | PlacedTuning | PlacedShift


@dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """A change of a frame's phase with its instant."""

    at_fs: IntArray
    turns: FloatArray
    given: Value


@dataclass(frozen=True, slots=True, eq=False)
class FrameTimeline:
    """What one frame does in a shot, in the program's order."""

    frame: Frame
    placed: tuple[Placed, ...]

    @property
    def heard(self) -> bool:
        """Whether anything is played or captured on the frame."""
        return any(isinstance(item, PlacedPlay | PlacedCapture) for item in self.placed)

    @property
    def guarded(self) -> bool:
        """Whether something on it hangs on what is measured."""
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
    axes = program.axes
    clock_fs = {f.name: np.zeros((1,) * len(axes), np.int64) for f in program.frames}
    shifts: dict[str, list[Shift]] = {f.name: [] for f in program.frames}
    turned = {f.name: np.zeros((1,) * len(axes)) for f in program.frames}
    by_parameter: set[str] = set()
    """Frames whose phase depends on a parameter from here on."""
    placed: dict[str, list[Placed]] = {frame.name: [] for frame in program.frames}
    openings: dict[int, IntArray] = {}
    """When windows open, by the identity of the array of their starts."""
    branches: list[dict[str, IntArray]] = []
    """Of each branch that is open: clocks where it began, or where its first way has ended."""
    for index, statement, guard in steps(program.body):
        where = f"statement {index} ({type(statement).__name__})"
        match statement:
            case Mark.BEGIN:
                branches.append(dict(clock_fs))
            case Mark.ELSE:
                branches[-1], clock_fs = clock_fs, branches[-1]
            case Mark.END:
                ended = branches.pop()
                clock_fs = {name: np.maximum(at, ended[name]) for name, at in clock_fs.items()}
            case Play(frame, waveform, amplitude):
                start, late_fs = _between(waveform, clock_fs[frame])
                length = duration_ns(waveform) + (late_fs is not None and is_hard(waveform))
                values = values_of(amplitude, axes)
                placed[frame].append(
                    PlacedPlay(
                        index,
                        start,
                        length,
                        waveform,
                        values,
                        turned[frame],
                        0.0 if parameter_in(amplitude) is None else amplitude,
                        tuple(s.given for s in shifts[frame]) if frame in by_parameter else (),
                        late_fs,
                        guard,
                    )
                )
                clock_fs[frame] = clock_fs[frame] + waveform.duration_fs
            case Capture(frame, name, duration_fs, delay_fs):
                opening_fs = clock_fs[frame] + delay_fs
                start = _ns(opening_fs, where, axes)
                openings[id(start)] = opening_fs
                length = int(_ns(np.array(duration_fs), where, ()))
                # Its turns are completed below: later shifts may count.
                placed[frame].append(
                    PlacedCapture(index, name, start, length, turned[frame], (), guard)
                )
            case Delay(frames, duration):
                step_fs = waits_fs(duration, where, axes)
                for frame in frames:
                    clock_fs[frame] = later(clock_fs[frame], step_fs, where)
            case Barrier(frames):
                latest = np.zeros((1,) * len(axes), np.int64)
                for frame in frames:
                    latest = np.maximum(latest, clock_fs[frame])
                for frame in frames:
                    clock_fs[frame] = latest
            case SetFrequency(frame, _) if guard:
                raise DoesNotFit(
                    f"{where}: the frequency of {frame!r} would depend on what is measured; a "
                    "sequencer changes it in every case: play the branch on a frame of its own"
                )
            case SetFrequency(frame, frequency):
                start = _ns(clock_fs[frame], where, axes)
                given = 0.0 if parameter_in(frequency) is None else frequency
                placed[frame].append(PlacedTuning(index, start, values_of(frequency, axes), given))
            case ShiftPhase(frame, turns) if guard:
                start = _ns(clock_fs[frame], where, axes)
                given = 0.0 if parameter_in(turns) is None else turns
                placed[frame].append(
                    PlacedShift(index, start, values_of(turns, axes), guard, given)
                )
            case ShiftPhase(frame, turns):
                shifts[frame].append(Shift(clock_fs[frame], values_of(turns, axes), turns))
                turned[frame] = turned[frame] + shifts[frame][-1].turns
                if parameter_in(turns) is not None:
                    by_parameter.add(frame)
    latest = np.zeros((1,) * len(axes), np.int64)
    for clock in clock_fs.values():
        latest = np.maximum(latest, clock)
    return Timeline(
        axes,
        tuple(
            FrameTimeline(
                frame,
                tuple(
                    _with_shifts(item, openings[id(item.start_ns)], shifts[frame.name], axes)
                    if isinstance(item, PlacedCapture)
                    else item
                    for item in placed[frame.name]
                ),
            )
            for frame in program.frames
        ),
        _ns(latest, "the end of the shot", axes),
    )


def _with_shifts(
    capture: PlacedCapture,
    opening_fs: IntArray,
    shifts: list[Shift],
    axes: tuple[Axis, ...],
) -> PlacedCapture:
    """Return ``capture`` with the phase that its frame has when the window opens."""
    turns = np.zeros((1,) * len(axes))
    given: list[Value] = []
    for shift in shifts:
        counts = shift.at_fs <= opening_fs
        if counts.all():
            turns = turns + shift.turns
            given.append(shift.given)
        elif counts.any():
            turns = turns + np.where(counts, shift.turns, 0.0)
            given.append(shift.given)
    if all(parameter_in(one) is None for one in given):
        given = []
    return replace(capture, turns=turns, shifts=tuple(given))


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
