"""Give every statement its instant, in femtoseconds, at all points of the axes at once.

No grid and no family: a compiler takes from here to its own ticks, or refuses.
"""

from dataclasses import dataclass, field, replace

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
class Turned:
    """A phase shift that hangs on what is measured."""

    guard: Guard
    turns: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class PlacedPulse:
    """A pulse with its instant; arrays broadcast to the axes, as all here."""

    statement: int
    start_fs: IntArray
    waveform: Waveform
    amplitude: FloatArray
    carrier: Carrier
    guard: Guard = ()
    """What must have been measured for it to happen."""
    turned: tuple[Turned, ...] = ()
    """Phase shifts of the frame up to here that are not in its carrier."""


@dataclass(frozen=True, slots=True, eq=False)
class PlacedWindow:
    """A capture with the instant at which it opens."""

    statement: int
    name: str
    start_fs: IntArray
    duration_fs: int
    carrier: Carrier
    discriminator: Discriminator | None = None
    guard: Guard = ()
    """As of a pulse."""


@dataclass(frozen=True, slots=True, eq=False)
class PlacedFrame:
    """What one frame does in a shot, in the program's order."""

    frame: Frame
    pulses: tuple[PlacedPulse, ...]
    windows: tuple[PlacedWindow, ...]
    tunings: tuple[tuple[int, FloatArray], ...]
    """Index of each SetFrequency of the frame, and its frequency."""
    turned: tuple[Turned, ...] = ()
    """All phase shifts that hang on what is measured."""


@dataclass(frozen=True, slots=True, eq=False)
class PlacedShot:
    """A shot at all points."""

    axes: tuple[Axis, ...]
    frames: tuple[PlacedFrame, ...]
    """Those that play or capture."""
    shot_fs: IntArray
    """How long the shot is."""


@dataclass(slots=True)
class _Clock:
    frame: Frame
    at_fs: IntArray
    shifts: list[tuple[IntArray, FloatArray]]
    tunings: list[tuple[int, IntArray, FloatArray]]
    now: Carrier
    """By all that was said so far: what the next pulse has."""
    pulses: list[PlacedPulse]
    windows: list[tuple[int, Capture, IntArray, Guard]]
    turned: list[Turned] = field(default_factory=list)


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
            tuple(clock.pulses),
            tuple(_window(clock, *one, axes) for one in clock.windows),
            tuple((index, hz) for index, _, hz in clock.tunings),
            tuple(clock.turned),
        )
        for clock in clocks.values()
        if clock.pulses or clock.windows
    )
    return PlacedShot(axes, frames, latest)


def _clock(frame: Frame, zero: IntArray) -> _Clock:
    hz = np.full(zero.shape, frame.frequency_hz)
    return _Clock(frame, zero, [], [], Carrier(hz, np.zeros(zero.shape)), [], [])


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
            clock.pulses.append(
                PlacedPulse(
                    index,
                    begins,
                    waveform,
                    values_of(amplitude, axes),
                    clock.now,
                    guard,
                    tuple(clock.turned),
                )
            )
            clock.at_fs = later(begins, np.asarray(waveform.duration_fs), where)
        case Capture(frame, _, _, delay_fs):
            clock = clocks[frame]
            opens = later(clock.at_fs, np.asarray(delay_fs), where)
            clock.windows.append((index, statement, opens, guard))
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
            clock.tunings.append((index, clock.at_fs, hz))
            counts = np.ones((1,) * len(axes), np.bool_)
            retuned = Retuning(clock.at_fs, now.frequency_hz, hz, counts)
            clock.now = Carrier(hz, now.turns, (*now.retuned, retuned))
        case ShiftPhase(frame, turns) if guard:
            clocks[frame].turned.append(Turned(guard, values_of(turns, axes)))
        case ShiftPhase(frame, turns):
            clock = clocks[frame]
            shift = values_of(turns, axes)
            clock.shifts.append((clock.at_fs, shift))
            clock.now = replace(clock.now, turns=clock.now.turns + shift)
        case _:
            raise DoesNotFit(f"{where}: this compiler knows no {type(statement).__name__}")


def _carrier(clock: _Clock, at_fs: IntArray, axes: tuple[Axis, ...]) -> Carrier:
    """Return the carrier of a frame at an instant, by all that was said of it so far."""
    turns = np.zeros((1,) * len(axes))
    for since_fs, shift in clock.shifts:
        counts = since_fs <= at_fs
        turns = turns + (shift if counts.all() else np.where(counts, shift, 0.0))
    hz = np.full((1,) * len(axes), clock.frame.frequency_hz)
    retuned = []
    for _, since_fs, to_hz in clock.tunings:
        counts = np.asarray(since_fs <= at_fs)
        if counts.any():
            retuned.append(Retuning(since_fs, hz, to_hz, counts))
            hz = to_hz if counts.all() else np.where(counts, to_hz, hz)
    return Carrier(hz, turns, tuple(retuned))


def _window(
    clock: _Clock,
    index: int,
    capture: Capture,
    opens_fs: IntArray,
    guard: Guard,
    axes: tuple[Axis, ...],
) -> PlacedWindow:
    """Return a window; what is said later and holds when it opens counts as well."""
    carrier = _carrier(clock, opens_fs, axes)
    return PlacedWindow(
        index,
        capture.name,
        opens_fs,
        capture.duration_fs,
        carrier,
        capture.discriminator,
        guard,
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
