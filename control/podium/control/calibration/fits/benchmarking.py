"""Fits the decays of randomised benchmarking with leakage.

A sequence of Cliffords ends, were it ideal, in a basis state that was drawn with it. Returned less
a quarter of what is left in the computational subspace, the mean over draws is one exponential
without offset (randomised targets: Harper et al., Phys. Rev. A 99, 052350 (2019)). What is left in
that subspace is another (Wood and Gambetta, Phys. Rev. A 97, 032306 (2018), Sec. III), and both
together are the error of a Clifford (their Eq. 14).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import hypot, sqrt

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import (
    Bound,
    FitFailed,
    fit_least_squares,
)

Array = NDArray[np.float64]

STATES = 4
"""Dimension of the computational subspace of two qubits."""
HEIGHT = 0.4
"""Least height of the decay at length 0, of what ideal pulses and readout have: 3/4 of two qubits.
"""
SEEN = 5.0
"""Sigmas by which the decay must stand out of its noise."""
SCATTERED = 9.0
"""Chi2 per degree of freedom from which on the points lie on no exponential."""
UNEVEN = 3.0
"""The same of leakage, from which on its sigma is as much wider. What leaks coherently adds up as
amplitudes, and goes as a decay does in the mean over many draws alone; by chance it is so once in
20 times (two degrees of freedom)."""
UNSTEADY = 100.0
"""The same, from which on leakage is no decay, whatever its sigma."""
SEEPAGE = (0.05, 3.0)
"""Prior of what returns from leakage in a Clifford, median and the factor that is one sigma.
ASSUMED: T1 of level 2, and gates that lift to it also lower from it; it tells where leakage is too
little to show a bend."""
SEEPAGES = np.geomspace(1e-3, 0.6, 160)
"""Those that are looked at."""
MORE_RETURNS = 1.35
"""What returns from leakage in a Clifford with a gate interleaved, over what does in one without.
ASSUMED: level 2 decays in both, and a CZ of 90 ns makes it 1.3 times as long; gates, which lift and
lower, are 1.7 times as many. 1.37 in the model of decision 134."""
COHERENT = 1 / 10
"""Of how draws scatter, see :func:`draw_growth`: as it is where two fifths of a gate's error are
coherent (decision 134). ASSUMED for all: where less is, sigmas are a few per cent too large."""
STEPS = 8
"""Of Gauss-Newton; each doubles the digits."""
PASSES = 2
"""Of a fit of the decay: the second one has the draws' scatter by the curve of the first. By what
is seen, a mean that chance has lowered would count for more."""


@dataclass(frozen=True, slots=True, eq=False)
class Populations:
    """Populations at the end of sequences, corrected for the readout."""

    lengths: Array
    """Cliffords of the sequences, the recovery left out; shape (n,)."""
    returned: Array
    """Of the drawn basis state, shape (n, draws)."""
    inside: Array
    """Of the computational subspace, shape (n, draws); all 1 where readout tells no 2."""
    returned_variance: Array
    """Of ``returned - inside / 4`` by the shots alone, shape (n, draws)."""
    inside_variance: Array
    """Of ``inside`` by the shots alone, shape (n, draws)."""
    states: int = STATES
    """Dimension of the computational subspace."""

    @property
    def signal(self) -> Array:
        """Return the signal that decays without offset, shape (n, draws)."""
        return self.returned - self.inside / self.states


@dataclass(frozen=True, slots=True, eq=False)
class Decay:
    """Holds the decay over one set of sequences."""

    height: float
    decay: float
    """Of the signal, per Clifford."""
    decay_sigma: float
    leakage: float = 0.0
    """Out of the computational subspace, per Clifford; 0 where it is not read."""
    leakage_sigma: float = 0.0
    seepage: float = 0.0
    """Back into it, per Clifford."""
    lost: float = 0.0
    """Out of the computational subspace at length 0."""
    leakage_scatter: float = 1.0
    """Sigmas of leakage are so much wider than shots and draws make them."""
    leakage_weights: Array = field(default_factory=lambda: np.zeros(0))
    """By how much leakage grows with what is outside at each length, shape (n,)."""
    together: float = 0.0
    """Correlation of what the decay is short of 1 with leakage: see :func:`correlation`."""
    curves: Array = field(default_factory=lambda: np.zeros((3, 0)))
    """Leakage of the best curve for each of :data:`SEEPAGES`, its variance, chi2; shape (3, b), or
    (3, 0) where level 2 is not read."""
    states: int = STATES

    @property
    def error(self) -> float:
        """Mean error of a Clifford in the computational subspace (Wood and Gambetta, Eq. 14)."""
        return ((self.states - 1) * (1 - self.decay) + self.leakage) / self.states

    @property
    def error_sigma(self) -> float:
        """One standard deviation of :attr:`error`."""
        lost = (self.states - 1) * self.decay_sigma
        return _of_sum(lost, self.leakage_sigma, self.together) / self.states

    def signal(self, lengths: Array) -> Array:
        """Return the fitted signal at ``lengths``."""
        return np.asarray(self.height * self.decay**lengths)

    def outside(self, lengths: Array) -> Array:
        """Return the fitted population out of the subspace at ``lengths``."""
        return _outside(lengths, self.leakage, self.seepage, self.lost)


def _outside(lengths: Array, leakage: float, seepage: float, lost: float) -> Array:
    both = leakage + seepage
    left = (1 - both) ** lengths
    rest = lengths if abs(both) < 1e-12 else (1 - left) / both
    return np.asarray(leakage * rest + lost * left)


def spread_of(values: Array, variance: Array, growth: Array) -> Array:
    """Return sigmas of the means over draws, shape (n,), from (n, draws).

    By the shots; what draws scatter more than that comes on top of it: as ``growth``, shape (n,),
    says, by a factor that fits all lengths.
    """
    by_shots = variance.mean(axis=1)
    factor = max(0.0, _factor(values.var(axis=1, ddof=1) - by_shots, by_shots, growth))
    return np.asarray(np.sqrt((by_shots + factor * growth) / values.shape[1]))


def _factor(seen: Array, by_shots: Array, growth: Array) -> float:
    """Return the factor of ``growth`` that fits the variances ``seen``, all shape (n,).

    Those are known worse where shots scatter more, about as much as draws do.
    """
    size = max(float(np.mean(growth)), 1e-300)
    weights = growth / (by_shots + growth * float(np.mean(by_shots)) / size) ** 2
    return float(weights @ seen) / max(float(weights @ growth), 1e-300)


def draw_growth(lengths: Array, signal: Array) -> Array:
    """Return how the variance of draws grows with their length, shape (n,), but for a factor.

    Cliffords have none to three gates, whose errors add up: what a draw lacks of the mean is a
    random walk of ``lengths`` steps, times the mean ``signal``, shape (n,). Coherent errors add up
    as amplitudes with random signs: what they cost a draw scatters by as much as it is.
    """
    return np.asarray((lengths + COHERENT * lengths**2) * signal**2)


def correlation(first: Array, second: Array) -> float:
    """Return the correlation of two results by what each draw adds to them, both (n, draws).

    A draw whose amplitudes of leakage add up comes back less often, too: to take the one for
    independent of the other makes their sum a fifth too sure. Shots have a part in it.
    """
    first, second = (one - one.mean(axis=1, keepdims=True) for one in (first, second))
    size = sqrt(float(np.sum(first**2)) * float(np.sum(second**2)))
    return float(np.sum(first * second)) / max(size, 1e-300)


def _of_sum(first: float, second: float, together: float) -> float:
    """Return the sigma of the sum of two values with these sigmas and this correlation."""
    return sqrt(first**2 + second**2 + 2 * together * first * second)


@dataclass(frozen=True, slots=True)
class DecayRatio:
    """By how much faster sequences with a gate behind each Clifford decay, per Clifford."""

    value: float
    sigma: float
    together: float = 0.0
    """Correlation of what it is short of 1 with what the gate adds to leakage."""


def decay_ratio(
    reference: Populations, interleaved: Populations, decays: "tuple[Decay, Decay]"
) -> DecayRatio:
    """Return the ratio of the decays of two scans that have their draws in common.

    Of the mean signals it is one exponential of the length, from 1 on: preparation, recovery and
    readout are the same with and without gates. So is what draws have in common, a draw of many
    gates comes back less often in both, and what is left of it is seen in their differences.
    ``decays``: of both scans. Raises FitFailed where the ratio is no exponential.
    """
    lengths, base = reference.lengths, reference.signal.mean(axis=1)
    seen = interleaved.signal.mean(axis=1)
    first = decays[1].decay / decays[0].decay
    left = first ** lengths[:, None]
    spread = spread_of(
        interleaved.signal - left * reference.signal,
        interleaved.returned_variance + left**2 * reference.returned_variance,
        draw_growth(lengths, decays[1].signal(lengths)),
    )

    def model(v: Mapping[str, float]) -> Array:
        return np.asarray(v["ratio"] ** lengths * base)

    found = fit_least_squares(model, seen, spread, [{"ratio": first}], {"ratio": Bound(0.0, 1.1)})
    if found.chi2 > SCATTERED:
        raise FitFailed(
            "sequences with gates between do not come back less often by one factor a Clifford: "
            f"the points scatter {sqrt(found.chi2):.1f} times as much as shots and draws explain"
        )
    by_ratio = lengths * found.values["ratio"] ** lengths * base / spread**2
    before, behind = decays
    together = 0.0
    if before.leakage_weights.size and behind.leakage_weights.size:
        added = before.leakage_weights[:, None] * reference.inside
        added -= behind.leakage_weights[:, None] * interleaved.inside
        short = left * reference.signal - interleaved.signal
        together = correlation(by_ratio[:, None] * short, added)
    return DecayRatio(found.values["ratio"], found.sigmas["ratio"], together)


def fit_decay_of(populations: Populations, *, leaks: bool) -> Decay:
    """Fit both decays; ``leaks``: the readout tells level 2.

    Raises FitFailed where sequences do not come back more often than by chance, where they come
    back whatever their length, and where the points lie on no exponential.
    """
    lengths = populations.lengths
    signal = populations.signal.mean(axis=1)

    def model(v: Mapping[str, float]) -> Array:
        return np.asarray(v["height"] * v["decay"] ** lengths)

    first = max(float(signal[0]), 0.05)
    starts = [{"height": first, "decay": decay} for decay in (0.999, 0.99, 0.96, 0.9, 0.7)]
    bounds = {"height": Bound(-0.5, 1.5), "decay": Bound(0.0, 1.02)}
    smooth = signal
    for _ in range(PASSES):
        growth = draw_growth(lengths, smooth)
        spread = spread_of(populations.signal, populations.returned_variance, growth)
        found = fit_least_squares(model, signal, spread, starts, bounds)
        smooth = model(found.values)
    v, s = found.values, found.sigmas
    ideal = 1 - 1 / populations.states
    if not v["height"] > max(HEIGHT * ideal, SEEN * s["height"]):
        raise FitFailed(
            "sequences come back to where they should no more often than by chance: the decay has "
            f"a height of {v['height']:.3f} ± {s['height']:.3f} in place of {ideal:g}"
        )
    if not 1 - v["decay"] > SEEN * s["decay"]:
        raise FitFailed(
            f"no decay is seen up to {lengths[-1]:.0f} Cliffords: {1 - v['decay']:.5f} ± "
            f"{s['decay']:.5f} a Clifford"
        )
    if found.chi2 > SCATTERED:
        raise FitFailed(
            "what comes back is no exponential of the length: the points scatter "
            f"{sqrt(found.chi2):.1f} times as much as their shots and draws explain"
        )
    decay = Decay(v["height"], v["decay"], s["decay"], states=populations.states)
    if not leaks:
        return decay
    decay = _with_leakage(decay, populations)
    # of a line through logarithms: its slope by each length
    weights = (model(v) / spread) ** 2
    off = (lengths - weights @ lengths / weights.sum()) * weights / model(v)
    leaked = -decay.leakage_weights[:, None] * populations.inside
    return replace(decay, together=correlation(-off[:, None] * populations.signal, leaked))


def _with_leakage(decay: Decay, populations: Populations) -> Decay:
    """Return a decay with leakage, seepage, and what is outside at length 0. Raises FitFailed.

    Means over :data:`SEEPAGES`, each as likely as its best curve and the prior make it. Little
    leakage shows no bend: a lot of it which comes back and a little which stays look alike there,
    and the best of all curves is too sure of its leakage. Where points scatter by more than
    :data:`UNEVEN`, sigmas are as much wider.
    """
    lengths = populations.lengths
    seen = 1 - populations.inside.mean(axis=1)
    spread = spread_of(populations.inside, populations.inside_variance, lengths)
    leakage, lost, variance, weights = _curves(lengths, seen, spread)
    chi2 = _chi2(lengths, seen, spread, leakage, lost)
    per_degree = float(chi2.min()) / max(lengths.size - 3, 1)
    if per_degree > UNSTEADY:
        raise FitFailed(
            "what leaves the computational subspace does not saturate as leakage does: the points "
            f"scatter {sqrt(per_degree):.0f} times as much as their shots and draws explain, up to "
            f"{seen.max() * 100:.0f} % out of it. `error_budget` tells what one gate leaks; of a "
            "CZ by flux `gate_gap` and `gate_level` take it back"
        )
    wider = per_degree if per_degree > UNEVEN else 1.0
    variance, chi2 = variance * wider, chi2 / wider
    chance = _chance(chi2)
    mean, sigma = _mean_of(chance, leakage, variance)
    return replace(
        decay,
        leakage=mean,
        leakage_sigma=sigma,
        seepage=float(chance @ SEEPAGES),
        lost=float(chance @ lost),
        leakage_scatter=sqrt(wider),
        leakage_weights=chance @ weights,
        curves=np.stack([leakage, variance, chi2]),
    )


def _chance(chi2: Array) -> Array:
    """Return how likely each of :data:`SEEPAGES` is, by the chi2 of its curves and the prior."""
    median, factor = SEEPAGE
    off = np.log(SEEPAGES / median) / np.log(factor)
    chance = np.exp((chi2.min() - chi2 - off**2) / 2)
    return np.asarray(chance / chance.sum())


def _mean_of(chance: Array, values: Array, variance: Array) -> tuple[float, float]:
    """Return the mean of values that are so likely, and its sigma."""
    mean = float(chance @ values)
    return mean, sqrt(float(chance @ (variance + (values - mean) ** 2)))


def _curves(lengths: Array, seen: Array, spread: Array) -> tuple[Array, Array, Array, Array]:
    """Return the best leakage for each of :data:`SEEPAGES`, what is lost, the leakage's variance.

    By Gauss-Newton, all at once; shape (b,) each; and by how much leakage grows with each of what
    is ``seen``, (b, n).
    """
    leakage, lost = np.zeros(SEEPAGES.size), np.full(SEEPAGES.size, float(seen[0]))
    for _ in range(STEPS):
        both = np.clip(SEEPAGES + leakage, 1e-6, 0.95)[:, None]
        left, less = (1 - both) ** lengths, lengths * (1 - both) ** (lengths - 1)
        rest = (1 - left) / both
        by_leakage = rest + leakage[:, None] * (less - rest) / both - lost[:, None] * less
        rows = np.stack([by_leakage, left], axis=2) / spread[:, None]
        off = (seen - leakage[:, None] * rest - lost[:, None] * left) / spread
        covariance = np.linalg.inv(np.einsum("bni,bnj->bij", rows, rows))
        step = np.einsum("bij,bnj,bn->bi", covariance, rows, off)
        leakage, lost = np.clip(leakage + step[:, 0], -0.2, 0.9), lost + step[:, 1]
    weights = np.einsum("bj,bnj->bn", covariance[:, 0], rows) / spread
    return leakage, lost, covariance[:, 0, 0], weights


def _chi2(lengths: Array, seen: Array, spread: Array, leakage: Array, lost: Array) -> Array:
    outside = [
        _outside(lengths, one, back, gone)
        for one, back, gone in zip(leakage, SEEPAGES, lost, strict=True)
    ]
    return np.asarray((((seen - np.array(outside)) / spread) ** 2).sum(axis=1))


@dataclass(frozen=True, slots=True)
class GateError:
    """The error of the interleaved gate."""

    error: float
    error_sigma: float
    leakage: float
    leakage_sigma: float
    bound: float
    """The error of the gate lies within so much of ``error``, whatever the errors are like."""
    bound_sigma: float


def gate_error(reference: Decay, interleaved: Decay, ratio: DecayRatio) -> GateError:
    """Return the error of the gate from both decays (Magesan et al., PRL 109, 080505 (2012)).

    With leakage: of the gate itself what it adds to that of a Clifford. ``ratio``: of the second
    decay over the first. Raises FitFailed where the gate seems to undo errors.
    """
    left = 1 - reference.leakage - reference.seepage
    added, added_sigma = _added_leakage(reference, interleaved)
    leakage, leakage_sigma = added / left, added_sigma / left
    error = ((STATES - 1) * (1 - ratio.value) + leakage) / STATES
    sigma = _of_sum((STATES - 1) * ratio.sigma, leakage_sigma, ratio.together) / STATES
    if error < -SEEN * sigma:
        raise FitFailed(
            f"sequences with gates between decay less than those without: an error of {error:.5f} "
            f"± {sigma:.5f}"
        )
    bound = systematic_bound(reference.decay, interleaved.decay)
    step = max(reference.decay_sigma, 1e-9)
    moved = systematic_bound(min(reference.decay + step, 1.0), interleaved.decay)
    other = max(interleaved.decay_sigma, 1e-9)
    moved_too = systematic_bound(reference.decay, interleaved.decay + other)
    doubt = hypot(moved - bound, moved_too - bound)
    return GateError(error, sigma, leakage, leakage_sigma, bound, max(doubt, 1e-9))


def _added_leakage(reference: Decay, interleaved: Decay) -> tuple[float, float]:
    """Return by how much more the second leaks in a Clifford, and its sigma.

    What comes back is not known, and in both leakages the same but for :data:`MORE_RETURNS`.
    """
    if not (reference.curves.size and interleaved.curves.size):
        return 0.0, 0.0
    further = np.log(SEEPAGES * MORE_RETURNS)
    one, its, how = (np.interp(further, np.log(SEEPAGES), row) for row in interleaved.curves)
    other, others, likely = reference.curves
    return _mean_of(_chance(how + likely), one - other, its + others)


def systematic_bound(reference: float, interleaved: float) -> float:
    """Return how far the error of the gate may lie from the estimate, whatever errors are like.

    Magesan et al., Phys. Rev. Lett. 109, 080505 (2012), Eq. 5: the smaller of two bounds. For
    coherent errors it is wide.
    """
    d = STATES
    near = (d - 1) / d * (abs(reference - interleaved / reference) + (1 - reference))
    squared = d**2 - 1
    missing = max(1 - reference, 0.0)
    far = 2 * squared * missing / (reference * d**2)
    far += 4 * sqrt(missing) * sqrt(squared) / reference
    return min(near, far)
