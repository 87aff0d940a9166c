"""Renders what a program means, as samples: the reference, slow and obvious.

One shot at one point of the axes is walked statement by statement in exact integers; no
other code in the house shares this walk, so that every compiler can be judged by it.

The carrier of a frame at ``t`` after the shot's start has the phase
``shifts so far + integral of (frequency - reference) from 0 to t`` in turns: phases refer to
the start of the shot, and to a local oscillator at ``reference_hz`` of the port.
Of a frame that ``restarts``, it is the phase since its latest pulse began.
Statements at one instant act together: a capture has the phase and the frequency
that its frame has, all shifts of that instant included, when its window opens.

A pulse may start between two nanoseconds: its envelope is sampled later or earlier by what is
between, its carrier is that of each sample's instant.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from podium.control.program.conditions import Condition
from podium.control.program.envelopes import first_sample, sample_envelope
from podium.control.program.program import (
    Affine,
    Barrier,
    Capture,
    Delay,
    If,
    Play,
    Program,
    RepeatUntil,
    SetFrequency,
    ShiftPhase,
    Statement,
    SwapPhases,
    Value,
    as_set,
    variables,
)
from podium.control.program.waveforms import Waveform
from podium.firmware_interfaces.exact_time import FS_PER_NS, OffGridError

Rounded = Mapping[tuple[int | str, str], float]
"""Quantities as a hardware holds them, in place of what was asked. Keys: (number of the
statement, see ``walk``, ``amplitude`` | ``level`` | ``frequency`` | ``phase`` | ``shift``) or
(name of the frame, ``frequency``). ``level`` is the amplitude where the envelope is 1, ``phase``
the phase that all shifts up to this statement add up to, ``shift`` what a shift adds."""

Outcomes = Mapping[str, Sequence[int]]
"""By capture: its results in this shot, 0 or 1, one for each time that it is made."""


class OutcomeMissing(ValueError):
    """A branch depends on a result that was not given; name it in ``outcomes``."""


@dataclass(frozen=True, slots=True)
class RenderedCapture:
    """One window of one shot."""

    name: str
    frame: str
    start_ns: int
    """From the start of the shot."""
    duration_ns: int
    frequency_hz: float
    """Absolute."""
    phase_turns: float
    """Of the frame's carrier when the window opens, about the reference, 0 to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class RenderedShot:
    """One shot at one point."""

    duration_ns: int
    samples: dict[str, NDArray[np.complex128]]
    """By frame, shape (duration_ns,): full scale is 1, complex baseband about the reference."""
    captures: tuple[RenderedCapture, ...]


@dataclass(slots=True)
class _FrameHistory:
    clock_fs: int
    frequencies: list[tuple[int, float]]
    """(from ns, Hz)"""
    shifts: list[tuple[int, float]]
    """(at fs, turns)"""
    restarts: bool
    begun_ns: list[int] = field(default_factory=list)
    """When its pulses begin."""


@dataclass(slots=True)
class _Results:
    """Holds the results of captures so far."""

    given: Outcomes
    made: dict[str, int] = field(default_factory=dict)

    def take(self, capture: str) -> None:
        self.made[capture] = self.made.get(capture, 0) + 1

    def meet(self, condition: Condition) -> bool:
        return condition.met({name: self._last(name) for name in condition.captures})

    def _last(self, capture: str) -> int:
        count = self.made.get(capture, 0)
        known = self.given.get(capture, ())
        if not 0 < count <= len(known):
            raise OutcomeMissing(
                f"a branch depends on result {count} of capture {capture!r} in this shot, of which "
                f"{len(known)} are given"
            )
        return known[count - 1]


def render(
    program: Program,
    point: tuple[int, ...],
    reference_hz: Mapping[str, float] | None = None,
    rounded: Rounded | None = None,
    envelope: Callable[[Waveform, int], NDArray[np.complex128]] = sample_envelope,
    *,
    rest_fs: int = 0,
    outcomes: Outcomes | None = None,
) -> RenderedShot:
    """Return the shot at ``point`` (one index for each axis).

    ``reference_hz`` gives the local oscillator by port (0 where it is missing). ``rounded``
    and ``envelope`` put a hardware's numbers in place of the ideal ones. ``rest_fs``: by how
    much the shot comes later than the grid, see :func:`first_sample`. ``outcomes`` say which
    branches are taken. Raises :class:`OffGridError` for a window, a change of frequency or an end
    of the shot that is not at a whole nanosecond, and :class:`OutcomeMissing`.
    """
    values = _point_values(program, point)
    walk = _Walk(program, values, rounded or {}, rest_fs, _Results(outcomes or {}))
    walk.happens(program.body, 0, taken=True)
    end_ns = _ns(max(frame.clock_fs for frame in walk.history.values()))
    lo_hz = {f.name: (reference_hz or {}).get(f.port, 0.0) for f in program.frames}
    samples = {frame.name: np.zeros(end_ns, np.complex128) for frame in program.frames}
    for index, start_fs, play in walk.plays:
        riding = walk.history[play.frame]
        start_ns, late_fs = first_sample(play.waveform, start_fs, rest_fs)
        shape = envelope(play.waveform, late_fs)
        amplitude = walk.rounded.get((index, "amplitude"), _number(play.amplitude, values))
        level = walk.rounded.get((index, "level"), amplitude)
        shift = walk.rounded.get((index, "phase"), _shift(riding, start_fs))
        each_ns = start_ns + np.arange(len(shape))
        phase_turns = shift + _carrier(riding, each_ns, lo_hz[play.frame])
        samples[play.frame][start_ns : start_ns + len(shape)] += np.where(
            shape == 1, level, amplitude * shape
        ) * np.exp(2j * np.pi * phase_turns)
    windows = tuple(walk.window(*one, lo_hz[one[2].frame]) for one in walk.captures)
    return RenderedShot(end_ns, samples, windows)


class _Walk:
    """Goes through the statements of one shot, and notes what each frame does when."""

    def __init__(
        self,
        program: Program,
        values: Mapping[str, float],
        rounded: Rounded,
        rest_fs: int,
        results: _Results,
    ) -> None:
        self.values, self.rounded, self.rest_fs, self.results = values, rounded, rest_fs, results
        self.history = {
            frame.name: _FrameHistory(
                0,
                [(0, rounded.get((frame.name, "frequency"), frame.frequency_hz))],
                [],
                frame.restarts,
            )
            for frame in program.frames
        }
        self.plays: list[tuple[int, int, Play]] = []
        """Index of the statement, start in fs."""
        self.captures: list[tuple[int, int, Capture]] = []
        """Index of the statement, when it opens in ns."""

    def happens(self, body: Sequence[Statement], first: int, *, taken: bool) -> int:
        """Walk ``body``, whose first statement has number ``first``; return the number behind it.

        What is not ``taken`` takes its time and does nothing.
        """
        index = first
        for statement in body:
            behind = index + 1
            match statement:
                case Play():
                    self._play(index, statement, taken=taken)
                case Capture(frame, name, _, delay_fs):
                    if taken:
                        opens_ns = _ns(self.history[frame].clock_fs + delay_fs)
                        self.captures.append((index, opens_ns, statement))
                        self.results.take(name)
                case Delay(frames, duration):
                    for frame in frames:
                        self.history[frame].clock_fs += _whole_fs(_number(duration, self.values))
                case Barrier(frames):
                    latest = max((self.history[frame].clock_fs for frame in frames), default=0)
                    for frame in frames:
                        self.history[frame].clock_fs = latest
                case SetFrequency(frame, frequency):
                    hz = self.rounded.get((index, "frequency"), _number(frequency, self.values))
                    if taken:
                        riding = self.history[frame]
                        riding.frequencies.append((_ns(riding.clock_fs), hz))
                case ShiftPhase(frame, turns):
                    shift = self.rounded.get((index, "shift"), _number(turns, self.values))
                    if taken:
                        self.history[frame].shifts.append((self.history[frame].clock_fs, shift))
                case SwapPhases(one, other):
                    self._swap(self.history[one], self.history[other], taken=taken)
                case If():
                    behind = self._branch(index, statement, taken=taken)
                case RepeatUntil(inner, condition, at_most):
                    again = taken
                    for _ in range(at_most):
                        behind = self.happens(inner, index + 1, taken=again)
                        again = again and not self.results.meet(condition)
            index = behind
        return index

    def _play(self, index: int, play: Play, *, taken: bool) -> None:
        riding = self.history[play.frame]
        if taken:
            self.plays.append((index, riding.clock_fs, play))
            starts_ns = first_sample(play.waveform, riding.clock_fs, self.rest_fs)[0]
            riding.begun_ns.append(starts_ns)
        riding.clock_fs += play.waveform.duration_fs

    def _swap(self, first: _FrameHistory, second: _FrameHistory, *, taken: bool) -> None:
        now_fs = first.clock_fs = second.clock_fs = max(first.clock_fs, second.clock_fs)
        turns = [
            _shift(one, now_fs) + float(_oscillator(one, np.array([now_fs / FS_PER_NS]), 0.0)[0])
            for one in (first, second)
        ]
        if taken:
            first.shifts.append((now_fs, turns[1] - turns[0]))
            second.shifts.append((now_fs, turns[0] - turns[1]))

    def _branch(self, index: int, branch: If, *, taken: bool) -> int:
        """Walk both branches, of which one is taken; all frames then wait for the longer one."""
        met = taken and self.results.meet(branch.condition)
        begun = {name: one.clock_fs for name, one in self.history.items()}
        middle = self.happens(branch.then, index + 1, taken=met)
        left = {name: one.clock_fs for name, one in self.history.items()}
        for name, clock_fs in begun.items():
            self.history[name].clock_fs = clock_fs
        behind = self.happens(branch.orelse, middle, taken=taken and not met)
        for name, clock_fs in left.items():
            self.history[name].clock_fs = max(clock_fs, self.history[name].clock_fs)
        return behind

    def window(self, index: int, start_ns: int, capture: Capture, lo_hz: float) -> RenderedCapture:
        """Return a capture's window once all statements were walked."""
        riding = self.history[capture.frame]
        shift = self.rounded.get((index, "phase"), _shift(riding, start_ns * FS_PER_NS))
        turned = _carrier(riding, np.array([start_ns]), lo_hz)
        return RenderedCapture(
            name=capture.name,
            frame=capture.frame,
            start_ns=start_ns,
            duration_ns=_ns(capture.duration_fs),
            frequency_hz=[hz for since, hz in riding.frequencies if since <= start_ns][-1],
            phase_turns=float(shift + turned[0]) % 1,
        )


def _number(value: Value, values: Mapping[str, float]) -> float:
    value = as_set(value)
    if isinstance(value, Affine):
        return value.offset + value.scale * values[str(value.variable)]
    return value


def _point_values(program: Program, point: tuple[int, ...]) -> dict[str, float]:
    where = {
        variable.name: index
        for axis, index in zip(program.axes, point, strict=True)
        for variable in axis.variables
    }
    return {name: v.value(where[name]) for name, v in variables(program.axes).items()}


def _shift(frame: _FrameHistory, at_fs: int) -> float:
    return sum(turns for since, turns in frame.shifts if since <= at_fs)


def _oscillator(
    frame: _FrameHistory, at_ns: NDArray[np.int64] | NDArray[np.float64], lo_hz: float
) -> NDArray[np.float64]:
    """Turns of the carrier about the local oscillator since the shot's start, shifts left out."""
    turns = np.zeros(len(at_ns))
    forever = at_ns.max(initial=0)
    ends = [since for since, _ in frame.frequencies[1:]] + [forever]
    for (since, hz), end in zip(frame.frequencies, ends, strict=True):
        turns += (hz - lo_hz) * np.maximum(0, np.minimum(end, at_ns) - since) * 1e-9
    return turns


def _carrier(frame: _FrameHistory, at_ns: NDArray[np.int64], lo_hz: float) -> NDArray[np.float64]:
    """Turns of the carrier about the local oscillator, shifts left out."""
    turns = _oscillator(frame, at_ns, lo_hz)
    begun = [since for since in frame.begun_ns if since <= at_ns[0]] if frame.restarts else []
    if begun:
        turns -= _oscillator(frame, np.array([max(begun)]), lo_hz)
    return turns


def _whole_fs(time_fs: float) -> int:
    whole = round(time_fs)
    if abs(time_fs - whole) > 1e-3:
        raise OffGridError(f"{time_fs} fs is between {int(time_fs)} fs and {int(time_fs) + 1} fs")
    return whole


def _ns(time_fs: int) -> int:
    whole, rest = divmod(time_fs, FS_PER_NS)
    if rest:
        raise OffGridError(f"{time_fs} fs is between {whole} ns and {whole + 1} ns")
    return whole
