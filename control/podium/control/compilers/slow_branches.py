"""Cuts a program where a result is needed on a controller that no wire takes it to.

Results travel within one controller family's own network. To another controller the client carries
them: the run ends there, and another one, made of the branch that is taken, begins some time later.
A shot is then a series of runs; what qubits hold is kept by themselves meanwhile, and decays.

A cut is a barrier of all frames. Frequencies that were set and phases that were shifted before it
hold behind it. Carriers begin anew: what a qubit's phase is against its drive is lost at a cut,
unless a frame turns a whole number of times while it waits.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.compilers.clocks import waits_fs
from podium.control.program.conditions import Condition
from podium.control.program.program import (
    Axis,
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
    walk,
)

Clocks = dict[str, NDArray[np.int64]]
Places = Mapping[str, str]
"""By frame: the controller that plays it."""


class CannotCut(ValueError):
    """A program cannot be cut at its slow branches; the message names what would be right."""


@dataclass(frozen=True, slots=True)
class SlowCondition:
    """A condition on results that other controllers than their own need."""

    condition: Condition
    measured_at: tuple[str, ...]
    """Controllers that capture."""
    needed_at: tuple[str, ...]
    """Controllers that play, capture or shift where it is met or not."""
    left_fs: int
    """From the end of the last window to the first statement that depends on it, at least."""


@dataclass(frozen=True, slots=True)
class ShotState:
    """Holds what one shot's earlier parts have left: results, and how its frames stand."""

    results: Mapping[str, int] = field(default_factory=dict)
    """By capture, 0 or 1."""
    frequency_hz: Mapping[str, float] = field(default_factory=dict)
    """Of frames whose frequency was set."""
    turns: Mapping[str, float] = field(default_factory=dict)
    """By which frames' phases were shifted."""


@dataclass(frozen=True, slots=True)
class ProgramPart:
    """A part of a shot that is one run."""

    body: tuple[Statement, ...]
    """As in the whole program, branches resolved that earlier parts decide."""
    rest: tuple[Statement, ...]
    """Behind the cut; empty: this is the last part."""
    program: Program | None
    """One shot of it, on the frames of controllers that have something to do; None: nobody has."""
    length_fs: int
    captures: tuple[str, ...]


def controllers_of(program: Program, ports: Mapping[str, frozenset[str] | set[str]]) -> Places:
    """Return which controller plays each frame; ``ports``: by controller, those that it serves.

    Frames at ports that nobody serves are left out: the run itself will say so.
    """
    by_port = {port: name for name, served in ports.items() for port in served}
    return {one.name: by_port[one.port] for one in program.frames if one.port in by_port}


def slow_conditions(program: Program, places: Places) -> tuple[SlowCondition, ...]:
    """Return all conditions of a validated program on results of other controllers."""
    made = _capture_places(program.body, places)
    shape = (1,) * len(program.axes)
    clocks = {one.name: np.zeros(shape, np.int64) for one in program.frames}
    return tuple(_slow(program.body, clocks, {}, made, places, program.axes))


def without_wires(
    slow: Sequence[SlowCondition], wires: Collection[tuple[str, str]]
) -> tuple[SlowCondition, ...]:
    """Return those of ``slow`` whose results no wire carries; ``wires``: from whom to whom."""
    return tuple(
        one
        for one in slow
        if any(
            (source, sink) not in wires
            for source in one.measured_at
            for sink in one.needed_at
            if source != sink
        )
    )


def next_part(
    program: Program, body: Sequence[Statement], before: ShotState, places: Places
) -> ProgramPart:
    """Return what of ``body`` is played until a result has to travel.

    Raises :class:`CannotCut`.
    """
    made = _capture_places(program.body, places)
    clocks = {one.name: np.zeros((), np.int64) for one in program.frames}
    played: list[Statement] = []
    captured: set[str] = set()
    todo = list(body)
    while todo:
        statement = todo.pop(0)
        if isinstance(statement, RepeatUntil):
            _check_loop(statement, made, places, captured)
        if isinstance(statement, If):
            asked = set(statement.condition.captures)
            if not asked & captured:
                todo[:0] = _taken(statement, before.results, clocks)
                continue
            if _must_travel(statement, made, places, captured):
                todo.insert(0, statement)
                break
        captured |= {one.name for _, one in walk((statement,)) if isinstance(one, Capture)}
        _advance(clocks, statement, ())
        played.append(statement)
    length_fs = max((int(clock) for clock in clocks.values()), default=0)
    part = _program_of(program, played, before, places, length_fs)
    return ProgramPart(tuple(played), tuple(todo), part, length_fs, tuple(sorted(captured)))


def after(part: ProgramPart, before: ShotState, found: Mapping[str, int]) -> ShotState:
    """Return how the shot stands behind ``part``, whose captures gave ``found``."""
    results = {**before.results, **found}
    frequency_hz, turns = dict(before.frequency_hz), dict(before.turns)
    for statement in _done(part.body, results):
        if isinstance(statement, SetFrequency):
            frequency_hz[statement.frame] = float(_number(statement.frequency_hz))
        if isinstance(statement, ShiftPhase):
            shifted = turns.get(statement.frame, 0.0) + float(_number(statement.turns))
            turns[statement.frame] = shifted % 1.0
    return ShotState(results, frequency_hz, turns)


def check_cuts(program: Program) -> None:
    """Raise :class:`CannotCut` for a program that sweeps: each of its shots is several runs."""
    if program.axes:
        axes = ", ".join(axis.name for axis in program.axes)
        raise CannotCut(
            f"{program.name} sweeps {axes}, and a run that is cut plays one point: run it once for "
            "each point"
        )
    if any(isinstance(one, SwapPhases) for _, one in walk(program.body)):
        raise CannotCut(
            f"{program.name} swaps the phases of frames, as an iSWAP by flux does, and phases "
            "begin anew with each part of a run that is cut"
        )
    if program.trace:
        raise CannotCut(f"{program.name} asks for a raw trace; a run that is cut keeps none")


def _number(value: Value) -> float:
    given = as_set(value)
    if isinstance(given, int | float):
        return given
    raise CannotCut(f"{given} is swept; a run that is cut plays one point")


def _done(body: Sequence[Statement], results: Mapping[str, int]) -> Iterator[Statement]:
    """Yield what is done of ``body``, loops left out: no frame is shifted in one twice alike."""
    for statement in body:
        match statement:
            case If(condition, then, orelse):
                yield from _done(then if condition.met(results) else orelse, results)
            case RepeatUntil(inner):
                if any(isinstance(one, SetFrequency | ShiftPhase) for _, one in walk(inner)):
                    raise CannotCut(
                        "a frame is shifted in a loop before a cut, and how often is not known "
                        "behind it; shift it outside of the loop"
                    )
            case _:
                yield statement


def _capture_places(body: Sequence[Statement], places: Places) -> dict[str, str]:
    captures = (one for _, one in walk(body) if isinstance(one, Capture))
    return {one.name: places.get(one.frame, "") for one in captures}


def _acting(body: Sequence[Statement], places: Places) -> set[str]:
    """Return the controllers that do something in ``body``."""
    doing = (Play, Capture, SetFrequency, ShiftPhase)
    return {places.get(one.frame, "") for _, one in walk(body) if isinstance(one, doing)}


def _travels(condition: Condition, at: set[str], made: Mapping[str, str]) -> bool:
    return any(at - {made[name]} for name in condition.captures if name in made)


def _must_travel(branch: If, made: Mapping[str, str], places: Places, captured: set[str]) -> bool:
    """Tell whether a branch, or one in it, cannot be decided by its own controller in this part."""
    for _, one in walk((branch,)):
        match one:
            case If(condition, then, orelse):
                inside = {s.name for _, s in walk((*then, *orelse)) if isinstance(s, Capture)}
                here = captured | inside | _captures_in((branch,))
                if _travels(condition, _acting((*then, *orelse), places), made):
                    return True
                if not set(condition.captures) <= here:
                    return True
            case RepeatUntil(body, condition):
                if _travels(condition, _acting(body, places), made):
                    return True
    return False


def _captures_in(body: Sequence[Statement]) -> set[str]:
    return {one.name for _, one in walk(body) if isinstance(one, Capture)}


def _check_loop(
    loop: RepeatUntil, made: Mapping[str, str], places: Places, captured: set[str]
) -> None:
    here = captured | _captures_in(loop.body)
    for _, one in walk((loop,)):
        match one:
            case RepeatUntil(body, condition):
                at, asked = _acting(body, places), condition
            case If(condition, then, orelse):
                at, asked = _acting((*then, *orelse), places), condition
            case _:
                continue
        if _travels(asked, at, made) or not set(asked.captures) <= here:
            names = ", ".join(asked.captures)
            raise CannotCut(
                f"a loop depends on {names}, which another controller or an earlier part of the "
                "shot measures: a loop is played by one controller in one part; write its turns "
                "out as branches"
            )


def _taken(branch: If, results: Mapping[str, int], clocks: Clocks) -> list[Statement]:
    """Return the branch that is taken, with the waits that make it as long as the other one."""
    begun = dict(clocks)
    ends = []
    for way in (branch.then, branch.orelse):
        now = dict(begun)
        for statement in way:
            _advance(now, statement, ())
        ends.append(now)
    met = branch.condition.met(results)
    mine, other = ends if met else ends[::-1]
    waits = [
        Delay((name,), int(other[name] - mine[name])) for name in mine if other[name] > mine[name]
    ]
    return [*(branch.then if met else branch.orelse), *waits]


def _advance(clocks: Clocks, statement: Statement, axes: tuple[Axis, ...]) -> None:
    """Set the clocks to where they are behind a statement."""
    match statement:
        case Play(frame, waveform):
            clocks[frame] = clocks[frame] + waveform.duration_fs
        case Delay(frames, duration):
            step = waits_fs(duration, "Delay", axes)
            for name in frames:
                clocks[name] = clocks[name] + (step if axes else int(np.asarray(step).reshape(())))
        case Barrier(frames):
            latest = clocks[frames[0]]
            for name in frames:
                latest = np.maximum(latest, clocks[name])
            clocks.update(dict.fromkeys(frames, latest))
        case If(_, then, orelse):
            other = dict(clocks)
            for one in then:
                _advance(clocks, one, axes)
            for one in orelse:
                _advance(other, one, axes)
            clocks.update({name: np.maximum(at, other[name]) for name, at in clocks.items()})
        case RepeatUntil(body, _, at_most):
            for _ in range(at_most):
                for one in body:
                    _advance(clocks, one, axes)
        case _:
            pass


def _slow(
    body: Sequence[Statement],
    clocks: Clocks,
    closed: dict[str, NDArray[np.int64]],
    made: Mapping[str, str],
    places: Places,
    axes: tuple[Axis, ...],
) -> Iterator[SlowCondition]:
    """Yield the slow conditions of ``body``; ``closed``: when each window has ended."""
    for statement in body:
        match statement:
            case Capture(frame, name, duration_fs, delay_fs):
                closed[name] = clocks[frame] + delay_fs + duration_fs
            case If(condition, then, orelse):
                yield from _judged(condition, (*then, *orelse), clocks, closed, made, places)
                for way in (then, orelse):
                    yield from _slow(way, dict(clocks), closed, made, places, axes)
            case RepeatUntil(inner, condition):
                yield from _slow(inner, dict(clocks), closed, made, places, axes)
                yield from _judged(condition, inner, clocks, closed, made, places)
        _advance(clocks, statement, axes)


def _judged(
    condition: Condition,
    body: Sequence[Statement],
    clocks: Clocks,
    closed: Mapping[str, NDArray[np.int64]],
    made: Mapping[str, str],
    places: Places,
) -> Iterator[SlowCondition]:
    at = _acting(body, places)
    if not _travels(condition, at, made):
        return
    measured = {made[name] for name in condition.captures}
    doing = (Play, Capture, SetFrequency, ShiftPhase)
    frames = {one.frame for _, one in walk(body) if isinstance(one, doing)}
    begins = [clocks[frame] for frame in frames if {places.get(frame, "")} - measured]
    begins = begins or [clocks[frame] for frame in frames]
    ends = [closed[name] for name in condition.captures if name in closed]
    left = [int((begin - end).min()) for begin in begins for end in ends]
    yield SlowCondition(
        condition, tuple(sorted(measured)), tuple(sorted(at - measured or at)), min(left, default=0)
    )


def _program_of(
    program: Program,
    body: Sequence[Statement],
    before: ShotState,
    places: Places,
    length_fs: int,
) -> Program | None:
    """Return one shot of ``body`` for the controllers that play or capture in it."""
    heard = {places.get(one.frame) for _, one in walk(body) if isinstance(one, Play | Capture)}
    kept = [one for one in program.frames if places.get(one.name) in heard]
    if not kept:
        return None
    names = tuple(one.name for one in kept)
    clocks = {one.name: np.zeros((), np.int64) for one in program.frames}
    turned = [ShiftPhase(name, before.turns[name]) for name in names if before.turns.get(name)]
    trimmed: list[Statement] = [*turned, *_trimmed(body, clocks, set(names))]
    ends_fs = max(int(clocks[name]) for name in names)
    trimmed.append(Barrier(names))
    if length_fs > ends_fs:
        trimmed.append(Delay(names[:1], length_fs - ends_fs))
    frames = tuple(
        replace(one, frequency_hz=before.frequency_hz.get(one.name, one.frequency_hz))
        for one in kept
    )
    first = not before.results
    return replace(
        program,
        frames=frames,
        body=tuple(trimmed),
        shots=1,
        keep_shots=True,
        settle_fs=program.settle_fs if first else 0,
    )


def _trimmed(body: Sequence[Statement], clocks: Clocks, kept: set[str]) -> Iterator[Statement]:
    """Yield ``body`` without the frames that are not kept; what is waited for there is a wait."""
    for statement in body:
        match statement:
            case Delay(frames, duration):
                if mine := tuple(name for name in frames if name in kept):
                    yield Delay(mine, duration)
            case Barrier(frames):
                mine = tuple(name for name in frames if name in kept)
                if mine:
                    yield Barrier(mine)
                    latest = max(int(clocks[name]) for name in frames)
                    behind = latest - max(int(clocks[name]) for name in mine)
                    if behind:
                        yield Delay(mine, behind)
            case If(condition, then, orelse):
                ways = (tuple(_trimmed(way, dict(clocks), kept)) for way in (then, orelse))
                yield If(condition, *ways)
            case RepeatUntil(inner, condition, at_most):
                yield RepeatUntil(tuple(_trimmed(inner, dict(clocks), kept)), condition, at_most)
            case Play(frame) | Capture(frame) | SetFrequency(frame) | ShiftPhase(frame):
                if frame in kept:
                    yield statement
        _advance(clocks, statement, ())
