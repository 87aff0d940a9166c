"""Tells lines apart that phases explain nearly alike, by further kinds of shots.

A weak reflection and the first exponential may change places: with another delay and another time
constant they leave nearly the same phases of the trains that are played first, and another step.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.line_phases import STEP_S, step_response
from podium.control.calibration.fits.line_places import (
    Model,
    Place,
    coordinates,
    inverse,
    slopes_of,
    values_at,
)
from podium.control.calibration.fits.ramsey_phase import nearest_turn
from podium.control.compilers.line_inverse import reflection_taps

Array = NDArray[np.float64]
JUDGED_S = (5e-9, 20e-6)
"""Where steps are compared."""
TIMES_S = (np.unique(np.round(np.geomspace(*JUDGED_S, 200) / STEP_S)) + 0.5) * STEP_S
"""The middle of nanoseconds."""
APART = 6e-4
"""Of a step: where possible lines differ by more, phases do not know what arrives to 1e-3."""
STRAYED = 2.0
"""Sigmas by which a line is looked at that is off where phases know the step least."""
FORETOLD = 0.1
"""Turns: a phase that a line foretells no better is not known to a turn."""
OTHER = 0.4
"""Turns by which two lines may differ in a phase: half a turn more is half a turn less."""
TELLS = 0.3
"""Squares, expected, by which a kind of shots has to tell lines apart to be played."""


def step_of(values: Mapping[str, float]) -> Array:
    """Return what arrives of a step in each ns of :data:`TIMES_S`, (n,), its high-pass apart."""
    bare = {name: one for name, one in values.items() if name != "high_pass"}
    once = step_response(TIMES_S, bare)
    again, later_s = values.get("reflection", 0.0), values.get("reflection_delay", 0.0)
    taps = reflection_taps((again, later_s), 1 / STEP_S)
    late = np.flatnonzero(taps[1:]) + 1
    for k in late.tolist():
        once = once + taps[k] * step_response(TIMES_S - k * STEP_S, bare)
    return once


def apart(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Return by which share two lines' steps differ at most."""
    return float(np.abs(step_of(one) / step_of(other) - 1).max())


def strayed(line: Place) -> dict[str, float]:
    """Return a line :data:`STRAYED` sigmas away, along the greatest doubt about its step."""
    names, at = tuple(line.values), coordinates(line.values)
    now = step_of(line.values)
    _, slopes = slopes_of(lambda values: step_of(values) / now, line.values)
    root = inverse(line.slopes)
    sigma = np.linalg.norm(slopes @ root, axis=1)
    worst = int(np.argmax(sigma))
    return values_at(names, at + STRAYED * root @ (slopes[worst] @ root) / sigma[worst])


def telling(model: Model, sigma: float, lines: Sequence[Place], count: int) -> list[int]:
    """Return which kinds of shots tell lines apart best, at most ``count`` of them.

    ``model`` foretells the phases of all kinds that there are, turns, each of which is measured to
    ``sigma``. One after another each is that of which two lines foretell phases that differ by most
    of their sigmas: those of both lines, as known by then, and its own (by Bayes, what separates
    both is the evidence of the phase under either). Where lines are three or more, the likeliest is
    set against the others in turns.
    """
    found: list[int] = []
    foretold = [slopes_of(model, line.values) for line in lines]
    doubts = [root @ root.T for root in (inverse(line.slopes) for line in lines)]
    while len(found) < count and len(lines) > 1:
        other = 1 + len(found) % (len(lines) - 1)
        variance = [np.sum((s @ c) * s, axis=1) for (_, s), c in zip(foretold, doubts, strict=True)]
        off = nearest_turn(foretold[0][0] - foretold[other][0], 0.0)
        gained = off**2 / (sigma**2 + variance[0] + variance[other])
        is_known = np.maximum(variance[0], variance[other]) < FORETOLD**2
        gained[~is_known | (np.abs(off) > OTHER)] = 0.0
        gained[found] = 0.0
        best = int(np.argmax(gained))
        if gained[best] < TELLS:
            break
        found.append(best)
        for k, (_, slopes) in enumerate(foretold):
            with_it = doubts[k] @ slopes[best]
            doubts[k] -= np.outer(with_it, with_it) / (sigma**2 + variance[k][best])
    return found
