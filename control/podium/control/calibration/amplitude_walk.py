"""Measures a phase over growing amplitudes in steps so small that whole turns are never lost."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.parameters.entry import NotMeasured

T = TypeVar("T")
GROWTH = 1.5
"""So much steeper the phase may become from one step to the next."""
MOST_POINTS = 40


@dataclass(frozen=True, slots=True)
class Pace:
    """Says how a walk goes: amplitudes are shares of what the design expects."""

    begin: float
    step: float
    """The longest step."""
    shortest: float
    turns: float
    """A step should turn the phase so far: less than half a turn tells how far."""
    enough: float
    """Turns at which the walk ends."""


async def walk(
    pace: Pace,
    most: float,
    measure: Callable[[float], Awaitable[T]],
    phase_of: Callable[[T, float], float],
) -> list[tuple[float, T]]:
    """Return shares and what was measured there, from 0 on.

    ``measure``: measures at a share. ``phase_of``: the phase of what was measured, that nearest to
    the second argument, turns; where it raises FitFailed or NotMeasured half of the step is tried,
    down to the shortest. Then the walk ends, as where shares reach ``most``.
    """
    found: list[tuple[float, T]] = []
    before, last, slope, share = 0.0, 0.0, 0.0, pace.begin
    for _ in range(2 * MOST_POINTS):
        if len(found) == MOST_POINTS or share >= most:
            break
        row = await measure(share)
        try:
            turns = phase_of(row, last + slope * (share - before))
        except (FitFailed, NotMeasured):
            if share - before < 2 * pace.shortest:
                break
            share = (before + share) / 2
            continue
        found.append((share, row))
        slope, last = (turns - last) / (share - before), turns
        if abs(turns) >= pace.enough:
            break
        step = pace.turns / max(GROWTH * abs(slope), 1e-9)
        before, share = share, share + min(pace.step, max(pace.shortest, step))
    return found
