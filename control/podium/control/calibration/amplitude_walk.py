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

    def length(self, slope: float) -> float:
        """Return the length of a step where the phase turns so fast."""
        turning = self.turns / max(GROWTH * abs(slope), 1e-9)
        return min(self.step, max(self.shortest, turning))


@dataclass(frozen=True, slots=True)
class Begun:
    """Where another walk goes on."""

    share: float
    turns: float
    slope: float
    """Turns by the whole of what the design expects."""


async def walk(
    pace: Pace,
    most: float,
    measure: Callable[[float], Awaitable[T]],
    phase_of: Callable[[T, float], float],
    begun: Begun | None = None,
) -> list[tuple[float, T]]:
    """Return shares and what was measured there, from 0 on, or from behind ``begun``.

    ``measure``: measures at a share. ``phase_of``: the phase of what was measured, that nearest to
    the second argument, turns; where it raises FitFailed or NotMeasured half of the step is tried,
    down to the shortest. Then the walk ends, as where shares reach ``most``.
    """
    found: list[tuple[float, T]] = []
    before, last, slope, share = 0.0, 0.0, 0.0, pace.begin
    if begun is not None:
        before, last, slope = begun.share, begun.turns, begun.slope
        share = before + pace.length(slope)
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
        before, share = share, share + pace.length(slope)
    return found
