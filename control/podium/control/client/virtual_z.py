"""Lets a frame turn with the virtual Z of others: that of a gate with the drives it goes with."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from podium.control.program.program import (
    Affine,
    If,
    RepeatUntil,
    ShiftPhase,
    Statement,
    SwapPhases,
    Value,
    as_set,
)


class NotInStep(ValueError):
    """A drive's frame is turned by what is not known where the program is written."""


def follow_phases(
    body: Iterable[Statement], frame: str, followed: Mapping[str, float]
) -> tuple[Statement, ...]:
    """Return statements in which a frame turns by a share of what others turn by.

    ``followed``: that share, by the names of the others. Conditions and loops are gone through.
    Raises :class:`NotInStep` where one of the others swaps phases.
    """
    found: list[Statement] = []
    for one in body:
        match one:
            case If():
                then, orelse = (
                    follow_phases(part, frame, followed) for part in (one.then, one.orelse)
                )
                found.append(replace(one, then=then, orelse=orelse))
            case RepeatUntil():
                found.append(replace(one, body=follow_phases(one.body, frame, followed)))
            case SwapPhases() if {one.first, one.second} & followed.keys():
                raise NotInStep(
                    f"{one.first} and {one.second} swap phases before a gate by {frame}, which "
                    "has to follow them, and by how much they turn is worked out when the program "
                    f"is compiled: play the gate by {frame} first, or in a program of its own"
                )
            case ShiftPhase() if one.frame in followed:
                found += [one, ShiftPhase(frame, _times(one.turns, followed[one.frame]))]
            case _:
                found.append(one)
    return tuple(found)


def _times(value: Value, share: float) -> Value:
    value = as_set(value)
    if isinstance(value, Affine):
        return replace(value, scale=share * value.scale, offset=share * value.offset)
    return share * value
