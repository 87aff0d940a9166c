"""Draws random sequences of single-qubit Cliffords, and lays their pulses out."""

from dataclasses import dataclass

import numpy as np

from podium.control.calibration.sequences import Pulses
from podium.control.calibration.two_qubit_cliffords import TURNS, Turn, unitary_of
from podium.control.program.program import ShiftPhase, Statement

PULSES_A_CLIFFORD = sum(1 for turn in TURNS if turn.pulse) / len(TURNS)
"""Five of six have one, a pi pulse or half of one; turns about Z are virtual."""


@dataclass(frozen=True, slots=True)
class DrawnTurns:
    """Random Cliffords, the last of which brings 0 to a basis state."""

    places: tuple[int, ...]
    """In TURNS: the drawn ones and the recovery."""
    target: int
    """0 or 1: what an ideal sequence ends in."""


def draw_turns(length: int, seed: tuple[int, ...]) -> DrawnTurns:
    """Draw ``length`` Cliffords and a target, both evenly, and append the recovery."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(TURNS), size=length)
    target = int(rng.integers(2))
    each = [unitary_of(turn) for turn in TURNS]
    state = np.array([1.0, 0.0], np.complex128)
    for place in drawn:
        state = each[int(place)] @ state
    back = [abs((one @ state)[target]) for one in each]
    return DrawnTurns((*map(int, drawn), int(np.argmax(np.round(back, 6)))), target)


def played_turns(p: Pulses, drawn: DrawnTurns) -> list[Statement]:
    """Return the pulses of a sequence."""
    return [one for place in drawn.places for one in played_turn(p, TURNS[place])]


def played_turn(p: Pulses, turn: Turn, behind: tuple[Statement, ...] = ()) -> list[Statement]:
    """Return a single-qubit Clifford; ``behind``: what follows its pulse, if it has one.

    A turn about Z turns the axes of all later pulses the other way.
    """
    body: list[Statement] = []
    if turn.before:
        body.append(ShiftPhase(p.drive, -turn.before / 4))
    if turn.pulse:
        body += [p.half_pi() if turn.pulse == 1 else p.pi(), *behind]
    if turn.after:
        body.append(ShiftPhase(p.drive, -turn.after / 4))
    return body
