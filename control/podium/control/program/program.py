"""Defines the pulse program: statements on ports and frames, in OpenPulse's words.

A program is a frozen value. Two equal programs compare and hash equal. Times are kept as
integer femtoseconds, and may be given in nanoseconds (``ns=``) where that is a whole number of
them; nothing here knows an instrument.

Meaning. The body is one shot. Every frame has a clock of its own that starts at 0
with the shot. ``Play`` and ``Capture`` advance the clock of their frame by their
duration, except that a capture runs alongside what its frame plays: it does not
advance the clock. ``Delay`` advances the clocks it names. ``Barrier`` sets the clocks
it names to the latest of them. A shot ends when the latest clock ends; all frames
start the next shot together. Shots repeat over the axes: for each of ``shots``
repetitions, all points of the axes are visited, the last axis fastest.

Where hardware keeps time in ticks, a pulse may still start between two of them; windows, changes of
frequency and the end of the shot may not.
What is measured decides in ``If`` and ``RepeatUntil`` what is played, and never how long it takes:
times do not depend on results.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Self

from podium.control.program.conditions import Condition, Discriminator
from podium.control.program.durations import NotATime, Ns, exact, fs_of_ns, given_time
from podium.control.program.waveforms import Waveform


@dataclass(frozen=True, slots=True, init=False, match_args=False)
class Linear:
    """``count`` values from ``start`` to ``stop``, both included: ``start + k * step``."""

    start: float
    """In the variable's unit; an integer (femtoseconds) for times."""
    step: float
    count: int

    def __init__(self, start: float, stop: float, count: int) -> None:
        """Raise ``ValueError`` for ends that are no numbers and counts that are not whole."""
        if not isinstance(count, Integral):
            raise ValueError(f"Linear({start}, {stop}, {count}): its last word counts the values")
        if count == 1 and start != stop:
            raise ValueError(f"Linear({start}, {stop}, 1): one value cannot lie at both ends")
        apart = (exact(stop) - exact(start)) / max(count - 1, 1)
        whole = isinstance(start, Integral) and apart.denominator == 1
        self._set(start, int(apart) if whole else float(apart), int(count))

    @classmethod
    def steps(cls, start: float, step: float, count: int) -> Self:
        """Return ``count`` values from ``start`` on, ``step`` apart."""
        values = cls.__new__(cls)
        values._set(start, step, count)
        return values

    def _set(self, start: float, step: float, count: int) -> None:
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "step", step)
        object.__setattr__(self, "count", count)


@dataclass(frozen=True, slots=True)
class Table:
    """Values given one by one."""

    values: tuple[float, ...]

    @property
    def count(self) -> int:
        """Number of values."""
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Variable:
    """A quantity that changes from point to point of an axis."""

    name: str
    """Unique within the program; becomes the name of the coordinate in the dataset."""
    unit: str
    """One of ``fs`` (times, integers), ``Hz``, ``turn``, ``1``; ``ns`` is made ``fs``."""
    values: Linear | Table

    def __post_init__(self) -> None:
        """Keep nanoseconds as femtoseconds; raises ``NotATime`` where they are not whole."""
        if self.unit != "ns":
            return
        match self.values:
            case Linear(start=start, step=step, count=count):
                values: Linear | Table = Linear.steps(
                    fs_of_ns(start, f"variable {self.name!r} from"),
                    fs_of_ns(step, f"variable {self.name!r} in steps of"),
                    count,
                )
            case Table(given):
                values = Table(tuple(fs_of_ns(one, f"variable {self.name!r}") for one in given))
        object.__setattr__(self, "unit", "fs")
        object.__setattr__(self, "values", values)

    def value(self, index: int) -> float:
        """Return the value at point ``index`` (an int when the unit is fs)."""
        match self.values:
            case Linear(start=start, step=step):
                return start + index * step
            case Table(values):
                return values[index]


@dataclass(frozen=True, slots=True)
class Axis:
    """One sweep. All its variables have the same number of values and step together."""

    name: str
    """Becomes the dimension of the dataset."""
    variables: tuple[Variable, ...]

    @property
    def count(self) -> int:
        """Number of points."""
        return self.variables[0].values.count


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that changes from run to run, not within one: compiled once, then put in its place.

    Wherever a name stands in a program it has the same value.
    """

    name: str
    value: float
    """In the unit of the place where it stands; an integer (femtoseconds) for times."""


@dataclass(frozen=True, slots=True)
class Affine:
    """``offset + scale * variable``: how a statement refers to a swept variable, or a parameter."""

    variable: str | Parameter
    """A variable of an axis by its name, or a parameter."""
    scale: float = 1
    offset: float = 0


Value = float | Affine | Parameter
"""A number, a swept variable or a parameter; in the unit of the place where it stands."""


def as_set(value: Value) -> float | Affine:
    """Return ``value`` with parameters as they are set: a number, or what is swept."""
    if isinstance(value, Parameter):
        return value.value
    if isinstance(value, Affine) and isinstance(value.variable, Parameter):
        return value.offset + value.scale * value.variable.value
    return value


def parameter_in(value: Value) -> Parameter | None:
    """Return the parameter on which ``value`` depends, if it is one."""
    inner = value.variable if isinstance(value, Affine) else value
    return inner if isinstance(inner, Parameter) else None


@dataclass(frozen=True, slots=True)
class Frame:
    """A carrier on a port: every pulse played on it rides on the same oscillator."""

    name: str
    """Unique within the program, e.g. ``q0.drive``."""
    port: str
    """Port of the facility, e.g. ``node_a.q0.drive`` or ``node_a.q0.readout``."""
    frequency_hz: float
    """Carrier at the start of every shot."""
    restarts: bool = False
    """The carrier begins anew, at phase 0, with every pulse. For readouts: tones on one feedline
    leak into each other's windows, and so leak the same whenever they are played together."""


@dataclass(frozen=True, slots=True)
class Play:
    """Play ``waveform`` scaled by ``amplitude`` (1 = full scale of the port's output, |.| <= 1)."""

    frame: str
    waveform: Waveform
    amplitude: Value = 1.0


@dataclass(frozen=True, slots=True, init=False)
class Capture:
    """Demodulate what comes back on the frame's port at the frame's frequency and average it.

    Does not advance the frame's clock: to listen while a pulse is played, the capture stands
    before the play. The window has the frequency and the phase that the frame has when it opens,
    shifts at that very instant included. ``name`` is the name of the result.
    """

    frame: str
    name: str
    duration_fs: int
    delay_fs: int = 0
    """How long after the frame's clock the window opens (the time of flight goes here)."""
    discriminator: Discriminator | None = None
    """Makes a result of the record, 0 or 1: the data have it too, and conditions can be on it."""

    def __init__(
        self,
        frame: str,
        name: str,
        duration_fs: int | None = None,
        delay_fs: int | None = None,
        discriminator: Discriminator | None = None,
        *,
        ns: Ns | None = None,
        delay_ns: Ns | None = None,
    ) -> None:
        """Take times in femtoseconds, or in nanoseconds: ``Capture("ro", "q0", ns=800)``."""
        if delay_fs is None and delay_ns is None:
            delay_fs = 0
        object.__setattr__(self, "frame", frame)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "duration_fs", given_time("Capture ns", duration_fs, ns))
        object.__setattr__(self, "delay_fs", given_time("Capture delay_ns", delay_fs, delay_ns))
        object.__setattr__(self, "discriminator", discriminator)


@dataclass(frozen=True, slots=True, init=False)
class Delay:
    """Advance the clocks of ``frames`` by a duration >= 0: ``Delay(("drive",), ns=40)``."""

    frames: tuple[str, ...]
    duration_fs: Value

    def __init__(
        self, frames: tuple[str, ...], duration_fs: Value | None = None, *, ns: Ns | None = None
    ) -> None:
        """Take nanoseconds, or femtoseconds; what is swept stands for all of the duration."""
        if isinstance(ns, Affine | Parameter):
            raise NotATime(
                f"Delay ns = {ns}: what is swept is a time by itself: Delay(frames, {ns})"
            )
        object.__setattr__(self, "frames", frames)
        object.__setattr__(self, "duration_fs", given_time("Delay ns", duration_fs, ns))


@dataclass(frozen=True, slots=True)
class Barrier:
    """Set the clocks of ``frames`` to the latest of them."""

    frames: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetFrequency:
    """Change the frame's carrier, Hz; its phase is continuous. Holds until the shot ends."""

    frame: str
    frequency_hz: Value


@dataclass(frozen=True, slots=True)
class ShiftPhase:
    """Add ``turns`` to the frame's phase (a virtual Z). Holds until the shot ends."""

    frame: str
    turns: Value


@dataclass(frozen=True, slots=True)
class SwapPhases:
    """Give each frame the phase that the other's carrier has at this instant, shifts included.

    Both wait for the later one. What an excitation is handed over with, when two qubits are brought
    together at any time: behind it each frame goes on at its own frequency. Holds until the shot
    ends.
    """

    first: str
    second: str


@dataclass(frozen=True, slots=True)
class If:
    """Do ``then`` where ``condition`` is met, else ``orelse``: both take the same time.

    Each frame's clock goes on from where the later of the two branches leaves it. A branch that is
    not taken plays, captures and shifts nothing. A phase that is shifted in a branch stays so until
    the shot ends, where the branch was taken.
    """

    condition: Condition
    """On captures that were made before, in every case."""
    then: tuple["Statement", ...]
    orelse: tuple["Statement", ...] = ()


@dataclass(frozen=True, slots=True)
class RepeatUntil:
    """Do ``body``, and again until ``condition`` is met, at most ``at_most`` times.

    It takes the time of ``at_most`` times in any case: what is not repeated is waited for. Where
    the condition was never met the program goes on all the same; an ``If`` on it tells which it
    was. A capture in it has one result, the last; its data are the mean over the times that it was
    made, and how often that was.
    """

    body: tuple["Statement", ...]
    condition: Condition
    """On captures of the body."""
    at_most: int


Statement = (
    Play | Capture | Delay | Barrier | SetFrequency | ShiftPhase | SwapPhases | If | RepeatUntil
)


@dataclass(frozen=True, slots=True)
class Program:
    """One experiment: a shot, swept over axes and repeated."""

    name: str
    frames: tuple[Frame, ...]
    body: tuple[Statement, ...]
    axes: tuple[Axis, ...] = ()
    shots: int = 1
    keep_shots: bool = False
    """True: every shot has a record of its own (dimension ``shot``). False: shots are averaged."""
    settle_fs: int = 0
    """Wait before the first shot, made by the hardware: a bias that was just set settles."""
    trace: bool = False
    """True: the raw trace of the last shot's captures is wanted as well."""
    results_after_fs: int | None = None
    """A result is taken to be there so long behind its window; None: as long as the controller's
    manual says. A condition that is met earlier finds no result: so the latency is measured."""
    result_latencies: tuple[tuple[str, int], ...] = ()
    """By line that carries results from one controller to another (``a_to_b``): so long behind its
    window a result is there, fs, as measured. One that is not named: as the facility file says of
    its cable and manuals of the rest, and later by all that they leave open."""


def variables(axes: Sequence[Axis]) -> dict[str, Variable]:
    """Return all variables of ``axes`` by name."""
    return {variable.name: variable for axis in axes for variable in axis.variables}


_BRANCHING = frozenset({If, RepeatUntil})


def walk(body: Sequence[Statement]) -> Iterable[tuple[int, Statement]]:
    """Return all statements with their numbers: each before what is in it, in order of writing.

    Without branches the numbers are the indices in the body.
    """
    if _BRANCHING.isdisjoint(map(type, body)):
        return enumerate(body)
    return enumerate(_deep(body))


def _deep(body: Sequence[Statement]) -> Iterator[Statement]:
    for statement in body:
        yield statement
        match statement:
            case If(_, then, orelse):
                yield from _deep((*then, *orelse))
            case RepeatUntil(inner):
                yield from _deep(inner)


def played_ports(program: Program) -> frozenset[str]:
    """Return the ports on which anything is played or captured."""
    frames = {one.frame for _, one in walk(program.body) if isinstance(one, Play | Capture)}
    return frozenset(one.port for one in program.frames if one.name in frames)


def has_branches(program: Program) -> bool:
    """Return whether what is played depends on what is measured."""
    return not _BRANCHING.isdisjoint(map(type, program.body))
