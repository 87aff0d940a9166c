"""Shapes the pulse of a CZ, ns by ns, for the chip that measured gates leave possible.

Of a chip :class:`.gate_model.GateModel` needs some numbers better than routines give them: where
on the arc levels meet, how bent the arc is, how much of a ns an edge comes late, how fast levels
exchange, and what the line's correction has left. What pulses were seen to do tells them; samples
are then those with the least error, in the mean over chips that are drawn from what is left open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import Bound, Fit, fit_least_squares
from podium.control.calibration.gate_model import Draw, GateModel, PairLevels
from podium.control.parameters.entry import Measured

Array = NDArray[np.float64]
PRIOR = {
    "scale": (1.0, 0.006),
    "asymmetry": (0.0, 0.05),
    "late": (0.25, 0.2),
    "exchange": (1.0, 0.006),
    "early": (0.0, 0.001),
    "growth": (0.012, 0.006),
}
"""What is believed before a pulse is looked at, with one standard deviation: by what the amplitude
at which levels meet is larger than stored, how far the arc's asymmetry is from its design, what
share of a sample arrives one later (as half of a line's delay would have it), by what the exchange
is larger than stored, how much of a step is left in the first ns, and by what part the moved end's
anharmonicity is larger where levels meet: 0.007 by itself, the rest by its resonator (ASSUMED)."""
BOUNDS = {"late": Bound(0.0, 0.5), "asymmetry": Bound(-0.2, 0.2)}
LATE_STARTS = (0.05, 0.2, 0.35, 0.45)
EARLY_NS = 6.0
"""How long that lasts."""
BEHIND_NS = 2
"""What comes later than samples arrives within so many ns."""
BACKWARD = 0.05
"""A half goes no farther to the other side, of full scale."""
STEPS, MORE_STEPS = 150, 40
"""Of the search for one chip, and from there for all that are drawn."""
GAPS = (1, 2, 3)
"""Samples at the end of the first half at which the search begins at 0."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Tells what one pulse was seen to do."""

    samples: tuple[float, ...]
    """Of full scale, one each ns."""
    conditional: Measured
    """Turns."""
    lost: Measured
    """By 11, in one pulse."""
    swapped: Measured
    """From 10 to 01, in one pulse."""


@dataclass(frozen=True, slots=True, eq=False)
class ChipBelief:
    """Says which chips are possible."""

    levels: PairLevels
    """As stored: its period is that with which levels meet at ``meeting``."""
    meeting: float
    """Amplitude, of full scale, at which 11 and 20 should meet."""
    fit: Fit

    def likeliest(self, samples: int) -> Draw:
        """Return the chip that explains best what was seen, for so many samples."""
        return draw_of(self.levels, self.meeting, self.fit.values, samples)

    def draws(self, samples: int) -> tuple[Draw, ...]:
        """Return that chip and those one standard deviation away, on each axis of the doubt."""
        found = [self.likeliest(samples)]
        sizes, axes = np.linalg.eigh(self.fit.covariance)
        for size, axis in zip(sizes, axes.T, strict=True):
            step = np.sqrt(max(size, 0.0)) * axis
            for sign in (1.0, -1.0):
                values = {
                    name: self.fit.values[name] + sign * float(by)
                    for name, by in zip(self.fit.names, step, strict=True)
                }
                found.append(draw_of(self.levels, self.meeting, values, samples))
        return tuple(found)


def draw_of(levels: PairLevels, meeting: float, values: Mapping[str, float], samples: int) -> Draw:
    """Return a chip by the numbers of :data:`PRIOR`."""
    own = replace(
        levels,
        exchange_hz=levels.exchange_hz * values["exchange"],
        asymmetry=levels.asymmetry + values["asymmetry"],
        growth=values["growth"],
    )
    own = replace(own, period=meeting * values["scale"] / own.meeting_share())
    return Draw(own, line_matrix(samples, abs(values["late"]), values["early"]))


def line_matrix(samples: int, late: float, early: float) -> Array:
    """Return what arrives of samples, (samples + 2, samples).

    ``late``: the share of each that arrives one later; ``early``: what a step has too much at
    first, and loses with :data:`EARLY_NS`.
    """
    count = samples + BEHIND_NS
    taps = np.zeros(count)
    taps[:2] = 1 - late, late
    after = np.arange(count)
    step = early * EARLY_NS * -np.expm1(-1 / EARLY_NS) * np.exp(-after / EARLY_NS)
    taps = np.convolve(taps, np.append([1.0], np.zeros(count - 1)) + np.diff(step, prepend=0.0))
    rows = after[:, None] - np.arange(samples)[None, :]
    return np.where(rows >= 0, taps[np.clip(rows, 0, count - 1)], 0.0)


def learned(levels: PairLevels, meeting: float, trials: Sequence[Trial]) -> ChipBelief:
    """Return which chips are possible after what was seen. Raises FitFailed."""
    names = tuple(PRIOR)
    centre, spread = (np.array([PRIOR[name][k] for name in names]) for k in (0, 1))
    seen, doubt = list(centre), list(spread)
    by_length = sorted(trials, key=lambda one: len(one.samples))
    groups = [tuple(some) for _, some in groupby(by_length, key=lambda one: len(one.samples))]
    for one in by_length:
        seen += [0.0, one.lost.value, one.swapped.value]
        doubt += [one.conditional.sigma, one.lost.sigma, one.swapped.sigma]

    def model(values: Mapping[str, float]) -> Array:
        found = [values[name] for name in names]
        for some in groups:
            samples = np.array([one.samples for one in some])
            chip = draw_of(levels, meeting, values, samples.shape[1])
            each = GateModel([chip] * len(some)).played(samples)
            for played, one in zip(each, some, strict=True):
                off = (played.conditional - one.conditional.value + 0.5) % 1.0 - 0.5
                found += [off, played.lost, played.swapped]
        return np.array(found)

    begin = {name: PRIOR[name][0] for name in names}
    starts = [begin | {"late": late} for late in LATE_STARTS]
    fit = fit_least_squares(model, np.array(seen), np.array(doubt), starts, BOUNDS)
    return ChipBelief(levels, meeting, fit)


def shaped(belief: ChipBelief, samples: int, largest: float) -> tuple[Array, float]:
    """Return a pulse of so many samples (even), of full scale, and its mean error over the draws.

    Its second half is the first one backwards, with the other sign: its area is zero, and what a
    line keeps of the one is taken back. ``largest``: no sample goes farther.
    """
    chip = belief.likeliest(samples)
    one = GateModel([chip])
    found = [_searched(one, _begin(belief, samples, gap), largest, STEPS) for gap in GAPS]
    best = min(found, key=lambda one: one[1])[0]
    half, error = _searched(GateModel(belief.draws(samples)), best, largest, MORE_STEPS)
    return both_halves(half), error


def both_halves(half: Array) -> Array:
    """Return a half with its opposite behind it, backwards."""
    return np.concatenate([half, -half[::-1]])


def _begin(belief: ChipBelief, samples: int, gap: int) -> Array:
    """Return the half that a search begins at: to where levels meet, and to 0 at its end."""
    half = np.full(samples // 2, belief.meeting * belief.fit.values["scale"])
    half[0] *= 0.7
    half[-gap:] = 0.0
    return half


def _searched(model: GateModel, begin: Array, largest: float, steps: int) -> tuple[Array, float]:
    """Return the half with the least error that is found from another one, and that error."""
    from scipy.optimize import minimize  # heavy

    count = begin.size

    def error(half: Array) -> tuple[float, Array]:
        value, slope = model.error(both_halves(half))
        return value, slope[:count] - slope[: count - 1 : -1]

    found = minimize(
        error,
        begin,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-BACKWARD, largest)] * count,
        options={"maxiter": steps, "maxcor": 30, "ftol": 1e-10, "gtol": 1e-7},
    )
    return np.asarray(found.x), float(found.fun)
