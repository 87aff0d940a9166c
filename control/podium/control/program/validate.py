"""Checks what holds for a program on any hardware; a compiler may rely on it.

All problems are collected and raised together: a person mends a program once.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from math import isfinite
from numbers import Real

from podium.control.program.branches import branch_problems
from podium.control.program.conditions import Discriminator
from podium.control.program.parameters import parameter_problems
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    If,
    Linear,
    Play,
    Program,
    RepeatUntil,
    SetFrequency,
    ShiftPhase,
    Statement,
    SwapPhases,
    Value,
    Variable,
    as_set,
    has_branches,
    variables,
    walk,
)
from podium.control.program.waveform_problems import waveform_problems, whole_problems
from podium.control.program.waveforms import Waveform

UNITS = ("fs", "Hz", "turn", "1")


class ProgramError(ValueError):
    """The program contradicts itself. Mend what the message names; nothing was compiled or run."""


def validate(program: Program) -> None:
    """Raise :class:`ProgramError` naming everything that is wrong with ``program``."""
    problems = [*_names(program), *_axes(program.axes), *_counts(program)]
    known = variables(program.axes)
    frames = {frame.name for frame in program.frames}
    seen: set[object] = set()
    valid: set[object] = set()
    fresh: list[tuple[int, Statement]] = []
    for index, statement in walk(program.body):
        match statement:  # long programs say the same again and again
            case Play(frame, waveform, amplitude):
                key: object = (frame, id(waveform), amplitude)
            case ShiftPhase(frame, turns):
                key = (frame, turns)
            case _:
                key = None
        if key in seen:
            continue
        if isinstance(statement, Play):  # often each has a waveform object of its own
            alike = (statement.frame, *_fields(statement.waveform), statement.amplitude)
            if alike in valid:
                continue
        fresh.append((index, statement))
        where = f"statement {index} ({type(statement).__name__})"
        wrong = [f"{where}: {text}" for text in _statement(statement, frames, known)]
        problems += wrong
        if key is not None and not wrong:
            seen.add(key)
            if isinstance(statement, Play):
                valid.add(alike)
    problems += _restarts(program)
    problems += parameter_problems(fresh, known)
    if has_branches(program):
        problems += branch_problems(program.body)
    if problems:
        raise ProgramError(f"program {program.name!r}: " + "; ".join(problems))


def _fields(waveform: Waveform) -> tuple[object, ...]:
    """Return its values with their types: 100 is whole, and 100.0, which equals it, is not."""
    values = [getattr(waveform, name) for name in waveform.__slots__]
    numbers = (one if isinstance(one, int | float) else id(one) for one in values)
    return (type(waveform), *map(type, values), *numbers)


def frames_of(statement: Statement) -> tuple[str, ...]:
    """Return the names of the frames that ``statement`` is about."""
    match statement:
        case Delay(frames, _) | Barrier(frames):
            return frames
        case Play(frame) | Capture(frame) | SetFrequency(frame) | ShiftPhase(frame):
            return (frame,)
        case SwapPhases(first, second):
            return (first, second)
        case If(_, then, orelse):
            return _frames_in((*then, *orelse))
        case RepeatUntil(body):
            return _frames_in(body)


def _frames_in(body: Iterable[Statement]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for one in body for name in frames_of(one)))


def _names(program: Program) -> Iterator[str]:
    captures = [s.name for _, s in walk(program.body) if isinstance(s, Capture)]
    swept = [variable.name for axis in program.axes for variable in axis.variables]
    for kind, names in (
        ("frame", [frame.name for frame in program.frames]),
        ("axis", [axis.name for axis in program.axes]),
        ("variable", swept),
        ("capture", captures),
    ):
        for name, count in Counter(names).items():
            if count > 1:
                yield f"{kind} {name!r} is there {count} times; names are unique"
    if program.keep_shots and any(axis.name == "shot" for axis in program.axes):
        yield "an axis is named 'shot', which is the dimension of the kept shots"


def _restarts(program: Program) -> Iterator[str]:
    restarting = {frame.name for frame in program.frames if frame.restarts}
    if not restarting:
        return
    for index, statement in walk(program.body):
        if isinstance(statement, ShiftPhase | SwapPhases):
            for frame in restarting.intersection(frames_of(statement)):
                yield (
                    f"statement {index} ({type(statement).__name__}): the carrier of frame "
                    f"{frame!r} restarts with every pulse, so that no shift lasts; leave it out, "
                    "or restarts"
                )


def _axes(axes: Iterable[Axis]) -> Iterator[str]:
    for axis in axes:
        if not axis.variables:
            yield f"axis {axis.name!r} has no variable"
            continue
        for variable in axis.variables:
            count = variable.values.count
            if count < 1:
                yield f"variable {variable.name!r} has {count} values; at least 1"
            if count != axis.count:
                yield (
                    f"axis {axis.name!r}: {variable.name!r} has {count} values, "
                    f"{axis.variables[0].name!r} has {axis.count}; they step together"
                )
            if variable.unit not in UNITS:
                yield f"variable {variable.name!r}: unit {variable.unit!r}; one of {UNITS}"


def _counts(program: Program) -> Iterator[str]:
    if program.shots < 1:
        yield f"{program.shots} shots; at least 1"
    yield from whole_problems(program.settle_fs, "settle_fs")
    if program.settle_fs < 0:
        yield f"settle_fs is {program.settle_fs}; at least 0"
    if program.results_after_fs is not None:
        yield from whole_problems(program.results_after_fs, "results_after_fs")
        if program.results_after_fs < 0:
            yield f"results_after_fs is {program.results_after_fs}; at least 0"
    for line, after_fs in program.result_latencies:
        yield from whole_problems(after_fs, f"the latency of {line}")
        if after_fs < 0:
            yield f"the latency of {line} is {after_fs} fs; at least 0"


def _statement(statement: Statement, frames: set[str], known: dict[str, Variable]) -> Iterator[str]:
    for frame in () if isinstance(statement, If | RepeatUntil) else frames_of(statement):
        if frame not in frames:
            yield f"no frame {frame!r}; there are {sorted(frames)}"
    match statement:
        case Play(_, waveform, amplitude):
            yield from waveform_problems(waveform)
            yield from _range(amplitude, known, -1, 1, "amplitude")
        case Capture(_, _, duration_fs, delay_fs, discriminator):
            yield from whole_problems(duration_fs, "duration_fs")
            yield from whole_problems(delay_fs, "delay_fs")
            if duration_fs <= 0:
                yield f"duration_fs is {duration_fs}; more than 0"
            if delay_fs < 0:
                yield f"delay_fs is {delay_fs}; at least 0"
            yield from _discriminator(discriminator)
        case Delay(_, duration):
            if not isinstance(duration, Affine):
                yield from whole_problems(as_set(duration), "duration_fs")
            yield from _range(duration, known, 0, float("inf"), "duration_fs")
        case SetFrequency(_, frequency):
            yield from _range(frequency, known, float("-inf"), float("inf"), "frequency_hz")
        case ShiftPhase(_, turns):
            yield from _range(turns, known, float("-inf"), float("inf"), "turns")
        case SwapPhases(first, second) if first == second:
            yield f"it swaps frame {first!r} with itself; two frames wanted"
        case SwapPhases() | Barrier() | If() | RepeatUntil():
            pass  # for the last two see branch_problems


def _discriminator(one: Discriminator | None) -> Iterator[str]:
    if one is None:
        return
    for what, value in (
        ("rotation_turns", one.rotation_turns),
        ("threshold_v", one.threshold_v),
    ):
        if not isinstance(value, Real) or not isfinite(value):
            yield f"{what} of its discriminator is {value!r}; a finite number"


def _range(
    value: Value, known: dict[str, Variable], low: float, high: float, what: str
) -> Iterator[str]:
    value = as_set(value)
    if not isinstance(value, Affine):
        if not low <= value <= high:
            yield f"{what} is {value}; from {low} to {high}"
        return
    variable = known.get(str(value.variable))
    if variable is None:
        yield f"no variable {value.variable!r}; there are {sorted(known)}"
        return
    if isinstance(variable.values, Linear):
        ends: Iterable[int] = {0, variable.values.count - 1}
    else:
        ends = range(variable.values.count)
    for index in ends:
        at = value.offset + value.scale * variable.value(index)
        if not low <= at <= high:
            yield f"{what} is {at} at point {index} of {value.variable!r}; from {low} to {high}"
            return
