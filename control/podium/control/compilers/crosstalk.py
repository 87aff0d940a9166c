"""Adds to a program what lines play with the pulses of others, to take crosstalk away.

Each frame on a line that reaches other loops or qubits gets a companion on each of their lines: it
plays the same pulses at the same instants and with the same carrier, in the amplitude and the phase
that are a property of both ports. A companion waits, turns and is tuned with its frame. What the
program means, how long it takes and what it measures stay as they are; statements in messages are
counted with those of companions.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from podium.control.compilers.errors import DoesNotFit
from podium.control.facility.line_response import CANCEL_REACH_HZ, Cancel, LineResponse
from podium.control.program.program import (
    Affine,
    Barrier,
    Delay,
    Frame,
    If,
    Parameter,
    Play,
    Program,
    RepeatUntil,
    SetFrequency,
    ShiftPhase,
    Statement,
    SwapPhases,
    Value,
    walk,
)


@dataclass(frozen=True, slots=True)
class _Companion:
    """Of a frame, on another line."""

    name: str
    part: float
    """Of the frame's amplitude."""
    turns: float
    """Ahead of the frame's phase."""


def compensated(program: Program, lines: Mapping[str, LineResponse]) -> Program:
    """Return the program with companions; the very same one where it needs none.

    ``lines``: by port. Raises :class:`DoesNotFit` where phases of a frame with companions are
    swapped.
    """
    reached: defaultdict[str, list[tuple[str, Cancel]]] = defaultdict(list)
    for port, line in sorted(lines.items()):
        for one in line.cancels:
            reached[one.source].append((port, one))
    if not reached:
        return program
    played = {one.frame for _, one in walk(program.body) if isinstance(one, Play)}
    frames: list[Frame] = list(program.frames)
    companions: dict[str, tuple[_Companion, ...]] = {}
    for frame in program.frames:
        if frame.name not in played or frame.port not in reached:
            continue
        made = [
            (f"{frame.name} at {port}", port, one)
            for port, one in reached[frame.port]
            if one.at_hz is None or abs(frame.frequency_hz - one.at_hz) <= CANCEL_REACH_HZ
        ]
        frames += [replace(frame, name=name, port=port) for name, port, _ in made]
        if made:
            companions[frame.name] = tuple(_Companion(n, c.part, c.turns) for n, _, c in made)
    if not companions:
        return program
    ahead = (
        ShiftPhase(one.name, one.turns) for ones in companions.values() for one in ones if one.turns
    )
    body = (*ahead, *_body(program.body, companions))
    return replace(program, frames=tuple(frames), body=body)


def _body(
    body: Iterable[Statement], companions: Mapping[str, tuple[_Companion, ...]]
) -> tuple[Statement, ...]:
    return tuple(new for one in body for new in _with_companions(one, companions))


def _with_companions(
    one: Statement, companions: Mapping[str, tuple[_Companion, ...]]
) -> tuple[Statement, ...]:
    """Return a statement with what companions do at the same time."""
    match one:
        case Play(frame, waveform, amplitude):
            beside = companions.get(frame, ())
            return one, *(Play(c.name, waveform, _times(amplitude, c.part)) for c in beside)
        case SetFrequency(frame, _) | ShiftPhase(frame, _):
            return one, *(replace(one, frame=c.name) for c in companions.get(frame, ()))
        case Delay(frames, _) | Barrier(frames):
            beside = tuple(c for name in frames for c in companions.get(name, ()))
            return (replace(one, frames=(*frames, *(c.name for c in beside))) if beside else one,)
        case SwapPhases(first, second) if first in companions or second in companions:
            raise DoesNotFit(
                f"phases of {first!r} and {second!r} are swapped, and pulses of one of them reach "
                "other loops: that is not taken away; run without this crosstalk"
            )
        case If(condition, then, orelse):
            return (If(condition, _body(then, companions), _body(orelse, companions)),)
        case RepeatUntil(body):
            return (replace(one, body=_body(body, companions)),)
        case _:
            return (one,)


def _times(amplitude: Value, part: float) -> Value:
    """Return an amplitude, swept or not, times a number."""
    match amplitude:
        case Affine(variable, scale, offset):
            return Affine(variable, scale * part, offset * part)
        case Parameter():
            return Affine(amplitude, part)
        case _:
            return amplitude * part
