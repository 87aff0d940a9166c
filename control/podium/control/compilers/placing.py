"""Gives every statement its instant, in femtoseconds, at all points of the axes at once.

No grid and no family: a compiler takes from here to its own ticks, or refuses.
"""

from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from podium.control.compilers.clocks import later, waits_fs
from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.guards import Guard, Mark, steps
from podium.control.compilers.points import (
    BoolArray,
    FloatArray,
    IntArray,
    describe,
    values_of,
    where_first,
)
from podium.control.program.conditions import Discriminator
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
    Statement,
    SwapPhases,
    Value,
    parameter_in,
)
from podium.control.program.waveforms import Waveform
from podium.firmware_interfaces.exact_time import FS_PER_S, OffGridError


@dataclass(frozen=True, slots=True, eq=False)
class Retuning:
    """A change of a frame's carrier that has come about when something begins."""

    at_fs: IntArray
    from_hz: FloatArray
    to_hz: FloatArray
    counts: BoolArray
    """At which points it has come about."""


@dataclass(frozen=True, slots=True, eq=False)
class Carrier:
    """The carrier of a frame when something begins.

    Its phase at ``t`` after the shot's start is ``turns`` and, for each retuning that counts,
    ``(from_hz - to_hz) * at``, and ``frequency_hz * t``.
    """

    frequency_hz: FloatArray
    turns: FloatArray
    """All phase shifts of the frame up to here."""
    retuned: tuple[Retuning, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class PlacedShift:
    """A phase shift that depends on what is measured."""

    statement: int
    start_fs: IntArray
    guard: Guard
    turns: FloatArray
    given: Value = 0.0
    """The turns as the program has them, where they depend on a parameter."""


@dataclass(frozen=True, slots=True, eq=False)
class PlacedPulse:
    """A pulse with its instant; arrays broadcast to the axes, as all here."""

    statement: int
    """Index in the program's body."""
    start_fs: IntArray
    waveform: Waveform
    amplitude: FloatArray
    carrier: Carrier
    guard: Guard = ()
    """What must have been measured for it to happen."""
    turned: tuple[PlacedShift, ...] = ()
    """Phase shifts of the frame up to here that are not in its carrier."""
    given: Value = 0.0
    """The amplitude as the program has it, where it depends on a parameter."""
    shifts: tuple[Value, ...] = ()
    """All phase shifts up to here as the program has them, where one depends on a parameter."""


@dataclass(frozen=True, slots=True, eq=False)
class PlacedWindow:
    """A capture with the instant at which it opens."""

    statement: int
    name: str
    start_fs: IntArray
    duration_fs: int
    carrier: Carrier
    """With what is said later and holds when it opens."""
    discriminator: Discriminator | None = None
    guard: Guard = ()
    """As of a pulse."""
    shifts: tuple[Value, ...] = ()
    """As of a pulse."""


@dataclass(frozen=True, slots=True, eq=False)
class PlacedTuning:
    """A change of a frame's frequency with its instant."""

    statement: int
    start_fs: IntArray
    frequency_hz: FloatArray
    given: Value = 0.0
    """The frequency as the program has it, where it depends on a parameter."""


PlacedItem = PlacedPulse | PlacedWindow | PlacedTuning | PlacedShift
Item = TypeVar("Item", PlacedPulse, PlacedWindow, PlacedTuning, PlacedShift)


@dataclass(frozen=True, slots=True, eq=False)
class PlacedFrame:
    """Holds one frame's statements in a shot, in the program's order."""

    frame: Frame
    items: tuple[PlacedItem, ...]

    @property
    def pulses(self) -> tuple[PlacedPulse, ...]:
        """Return what is played."""
        return self._all(PlacedPulse)

    @property
    def windows(self) -> tuple[PlacedWindow, ...]:
        """Return what is captured."""
        return self._all(PlacedWindow)

    @property
    def tunings(self) -> tuple[PlacedTuning, ...]:
        """Return the changes of its frequency."""
        return self._all(PlacedTuning)

    @property
    def turned(self) -> tuple[PlacedShift, ...]:
        """Return all phase shifts that depend on what is measured."""
        return self._all(PlacedShift)

    @property
    def heard(self) -> bool:
        """Return whether anything is played or captured on the frame."""
        return any(isinstance(one, PlacedPulse | PlacedWindow) for one in self.items)

    def _all(self, kind: type[Item]) -> tuple[Item, ...]:
        return tuple(one for one in self.items if isinstance(one, kind))


@dataclass(frozen=True, slots=True, eq=False)
class PlacedShot:
    """A shot at all points."""

    axes: tuple[Axis, ...]
    frames: tuple[PlacedFrame, ...]
    shot_fs: IntArray
    """How long the shot is."""


@dataclass(frozen=True, slots=True, eq=False)
class _Shift:
    """A phase shift with its instant."""

    at_fs: IntArray
    turns: FloatArray
    given: Value


@dataclass(slots=True)
class _Clock:
    frame: Frame
    at_fs: IntArray
    now: Carrier
    """By all that was said so far: what the next pulse has."""
    shifts: list[_Shift] = field(default_factory=list)
    by_parameter: bool = False
    """Whether a shift so far depends on a parameter."""
    tunings: list[PlacedTuning] = field(default_factory=list)
    turned: list[PlacedShift] = field(default_factory=list)
    items: list[PlacedItem] = field(default_factory=list)


def place_in_fs(program: Program) -> PlacedShot:
    """Return where the statements of a validated program are.

    Raises :class:`OffGridError` for a time that is no whole femtosecond, :class:`DoesNotFit` for
    a statement of a kind that is not placed here, or for a shot of more than 2.56 h.
    """
    axes = program.axes
    zero = np.zeros((1,) * len(axes), np.int64)
    clocks = {one.name: _clock(one, zero) for one in program.frames}
    branches: list[dict[str, IntArray]] = []
    """Of each branch that is open: clocks where it began, or where its first way has ended."""
    for index, statement, guard in steps(program.body):
        if isinstance(statement, Mark):
            _branch(clocks, statement, branches)
        else:
            _step(clocks, index, statement, guard, axes)
    latest = zero
    for clock in clocks.values():
        latest = np.maximum(latest, clock.at_fs)
    frames = tuple(
        PlacedFrame(
            clock.frame,
            tuple(
                _complete(clock, one, axes) if isinstance(one, PlacedWindow) else one
                for one in clock.items
            ),
        )
        for clock in clocks.values()
    )
    return PlacedShot(axes, frames, latest)


def _clock(frame: Frame, zero: IntArray) -> _Clock:
    hz = np.full(zero.shape, frame.frequency_hz)
    return _Clock(frame, zero, Carrier(hz, np.zeros(zero.shape)))


def _branch(clocks: dict[str, _Clock], mark: Mark, open_ones: list[dict[str, IntArray]]) -> None:
    """Set the clocks of all frames where a branch begins, goes on to its second way, or ends."""
    now = {name: clock.at_fs for name, clock in clocks.items()}
    match mark:
        case Mark.BEGIN:
            open_ones.append(now)
        case Mark.ELSE:
            begun, open_ones[-1] = open_ones[-1], now
            for name, clock in clocks.items():
                clock.at_fs = begun[name]
        case Mark.END:
            ended = open_ones.pop()
            for name, clock in clocks.items():
                clock.at_fs = np.maximum(clock.at_fs, ended[name])


def _step(
    clocks: dict[str, _Clock],
    index: int,
    statement: Statement,
    guard: Guard,
    axes: tuple[Axis, ...],
) -> None:
    where = f"statement {index} ({type(statement).__name__})"
    match statement:
        case Play(frame, waveform, amplitude):
            clock = clocks[frame]
            begins = clock.at_fs
            clock.items.append(
                PlacedPulse(
                    index,
                    begins,
                    waveform,
                    values_of(amplitude, axes),
                    clock.now,
                    guard,
                    tuple(clock.turned),
                    _given(amplitude),
                    tuple(one.given for one in clock.shifts) if clock.by_parameter else (),
                )
            )
            clock.at_fs = later(begins, np.asarray(waveform.duration_fs), where)
        case Capture(frame, name, duration_fs, delay_fs, discriminator):
            clock = clocks[frame]
            opens = later(clock.at_fs, np.asarray(delay_fs), where)
            window = PlacedWindow(index, name, opens, duration_fs, clock.now, discriminator, guard)
            clock.items.append(window)
        case Delay(frames, duration):
            step_fs = waits_fs(duration, where, axes)
            for name in frames:
                clocks[name].at_fs = later(clocks[name].at_fs, step_fs, where)
        case Barrier(frames):
            latest = np.zeros((1,) * len(axes), np.int64)
            for name in frames:
                latest = np.maximum(latest, clocks[name].at_fs)
            for name in frames:
                clocks[name].at_fs = latest
        case SetFrequency(frame, _) if guard:
            raise DoesNotFit(
                f"{where}: the frequency of {frame!r} would depend on what is measured; play the "
                "branch on a frame of its own"
            )
        case SetFrequency(frame, frequency):
            clock = clocks[frame]
            hz, now = values_of(frequency, axes), clock.now
            clock.tunings.append(PlacedTuning(index, clock.at_fs, hz, _given(frequency)))
            clock.items.append(clock.tunings[-1])
            counts = np.ones((1,) * len(axes), np.bool_)
            retuned = Retuning(clock.at_fs, now.frequency_hz, hz, counts)
            clock.now = Carrier(hz, now.turns, (*now.retuned, retuned))
        case ShiftPhase(frame, turns) if guard:
            clock = clocks[frame]
            shift = PlacedShift(index, clock.at_fs, guard, values_of(turns, axes), _given(turns))
            clock.turned.append(shift)
            clock.items.append(shift)
        case ShiftPhase(frame, turns):
            _shift(clocks[frame], values_of(turns, axes), turns)
        case SwapPhases(first, second):
            _swap((clocks[first], clocks[second]), where, guard)
        case _:
            raise DoesNotFit(f"{where}: this compiler knows no {type(statement).__name__}")


def _shift(clock: _Clock, turns: FloatArray, given: Value) -> None:
    now = clock.now
    clock.shifts.append(_Shift(clock.at_fs, turns, given))
    clock.by_parameter = clock.by_parameter or parameter_in(given) is not None
    clock.now = Carrier(now.frequency_hz, now.turns + turns, now.retuned)


def _swap(clocks: tuple[_Clock, _Clock], where: str, guard: Guard) -> None:
    """Shift both frames by what their carriers' phases differ by at the later of their clocks."""
    for one in clocks:
        if guard or one.turned:
            raise DoesNotFit(
                f"{where}: the phase of {one.frame.name!r} depends on what is measured, so that it "
                "cannot be handed over; swap phases before the first branch that shifts them"
            )
        tuned = any(parameter_in(tuning.given) is not None for tuning in one.tunings)
        if one.by_parameter or tuned:
            raise DoesNotFit(
                f"{where}: the phase of {one.frame.name!r} depends on a parameter, and what is "
                "handed over is fixed when a program is compiled; give the number itself"
            )
    first, second = clocks
    at_fs = first.at_fs = second.at_fs = np.maximum(first.at_fs, second.at_fs)
    ahead = _turns_at(second.now, at_fs) - _turns_at(first.now, at_fs)
    ahead -= np.rint(ahead)
    for clock, turns in ((first, ahead), (second, -ahead)):
        # what is swept is compiled anew for other parameters: nobody adds it up from what was given
        _shift(clock, turns, float(turns.item()) if turns.size == 1 else 0.0)


def _turns_at(carrier: Carrier, at_fs: IntArray) -> FloatArray:
    """Return a carrier's phase, shifts included, so long after the shot's start."""
    turns = carrier.turns + carrier.frequency_hz * (at_fs / FS_PER_S)
    for one in carrier.retuned:
        turned = (one.from_hz - one.to_hz) * (one.at_fs / FS_PER_S)
        turns = turns + np.where(one.counts, turned, 0.0)
    return np.asarray(turns)


def _given(value: Value) -> Value:
    """Return a value as the program has it where it depends on a parameter, else 0."""
    return 0.0 if parameter_in(value) is None else value


def _complete(clock: _Clock, window: PlacedWindow, axes: tuple[Axis, ...]) -> PlacedWindow:
    """Return a window with the carrier of its instant: what is said later may count as well."""
    turns = np.zeros((1,) * len(axes))
    given: list[Value] = []
    for shift in clock.shifts:
        counts = shift.at_fs <= window.start_fs
        if counts.any():
            turns = turns + (shift.turns if counts.all() else np.where(counts, shift.turns, 0.0))
            given.append(shift.given)
    hz = np.full((1,) * len(axes), clock.frame.frequency_hz)
    retuned = []
    for tuning in clock.tunings:
        counts = np.asarray(tuning.start_fs <= window.start_fs)
        if counts.any():
            retuned.append(Retuning(tuning.start_fs, hz, tuning.frequency_hz, counts))
            hz = tuning.frequency_hz if counts.all() else np.where(counts, tuning.frequency_hz, hz)
    depends = any(parameter_in(one) is not None for one in given)
    return replace(
        window,
        carrier=Carrier(hz, turns, tuple(retuned)),
        shifts=tuple(given) if depends else (),
    )


def in_ticks(time_fs: IntArray, rate_hz: int, what: str, axes: tuple[Axis, ...]) -> IntArray:
    """Return times as ticks of a clock of ``rate_hz``; :class:`OffGridError` where they are none.

    Ticks that are no whole femtosecond (2.4 GHz) are met by every few of them alone.
    """
    common = int(np.gcd(FS_PER_S, rate_hz))
    step_fs, ticks = FS_PER_S // common, rate_hz // common
    whole = time_fs // step_fs
    off = whole * step_fs != time_fs
    if off.any():
        index = where_first(off, axes)
        below = int(whole[index])
        raise OffGridError(
            f"{what}: {int(time_fs[index])} fs is off the grid of {step_fs / 1e6:g} ns; nearest "
            f"{below * step_fs} fs and {(below + 1) * step_fs} fs "
            f"({describe(index, time_fs.shape, axes)})"
        )
    return np.asarray(whole * ticks)
