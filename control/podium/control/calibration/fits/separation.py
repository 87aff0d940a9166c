"""How to read a qubit best: far apart, before it decays.

How far apart 0 and 1 are read, in units of one shot's noise, is a smooth hill over frequency and
amplitude of the probe. With the length it grows as the resonator fills and the noise averages
out, which needs no measurement: the integration of a record could as well be cut afterwards. What
is in 1 decays meanwhile, the faster the more photons there are (Slichter et al., Phys. Rev. Lett.
109, 153601 (2012)). Both are found from measured settings, and the fidelity that follows is
greatest at one of them.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import FitFailed, look_at

Array = NDArray[np.float64]
LOWEST_FIDELITY = 0.6
"""Below, the best setting tells 0 from 1 hardly better than a coin."""
SEEN = 6.0
"""0 and 1 must be that many sigmas of their distance apart at some setting: of 100 settings, noise
alone has one that far apart in fewer than one of 10**6 maps."""
USED = 0.7
"""Settings whose distance is at least exp(-this) of the greatest shape the hill."""
FEWEST = 12
"""So many at least."""
CLEAR = 3.0
"""Lost shots are counted at settings that have 0 and 1 at least that far apart."""
GRID = (25, 25, 31)
"""Frequencies, amplitudes and lengths at which the fidelity is worked out."""
LENGTHS = (0.4, 2.0)
"""Lengths that are considered, in those of the settings measured."""
SHAPE = 0.02
"""Share by which a distance may lie off a quadratic hill."""
UNUSUAL = 0.6
"""Share by which what photons do to the decay may differ from what is expected, one sigma."""
MISSED = 1.05e-3
"""Fidelity by which what is counted at the setting found falls short of the best, beside what noise
and preparation are known to cost. Half of it is the setting: a hill is no quadratic form, photons
hasten decay otherwise. Half is what is left of errors of pi pulses, heralds and thresholds.
ASSUMED: as large as in trials on 66 qubits of known parameters ..."""
MISSED_SIGMA = 2.5e-4
"""... and scattering as there."""
DRAWS = 40
"""Hills drawn within the doubt of the one found, to see what the doubt costs."""


@dataclass(frozen=True, slots=True, eq=False)
class Separations:
    """What was read at n settings, arrays of shape (n,)."""

    frequency_hz: Array
    log_amplitude: Array
    length_s: Array
    """Of the pulse."""
    distance: Array
    """Of the means of 0 and 1, in units of one shot's noise."""
    sigma: Array
    shots: Array
    """Of each state."""
    lost: Array
    """How many of those prepared in 1 lie on the side of 0."""


@dataclass(frozen=True, slots=True, eq=False)
class BestSetting:
    """The setting that promises most."""

    frequency_hz: float
    log_amplitude: float
    length_s: float
    sigmas: tuple[float, float, float]
    """Of these three: how far the best one moves within the doubt of the hill."""
    distance: float
    """Of 0 and 1 there, in units of one shot's noise."""
    fidelity: float
    """Expected: 1 - (P(1|0) + P(0|1)) / 2."""
    loss: float
    """Fidelity that the doubt about the setting costs, on average."""
    loss_sigma: float
    inside: bool
    """No coordinate is the outermost one that was measured."""


@dataclass(frozen=True, slots=True)
class Window:
    """What happens to a qubit and its resonator while it is read, by time."""

    t1_s: float
    arrives_s: float
    """From when the state was there to the arrival of the pulse."""
    opens_s: float
    """From there to the opening of the window; it closes with the pulse."""
    fills_s: float
    """In which the resonator's field comes within 1/e of where it goes: 1 / (pi kappa)."""
    critical_amplitude: float
    """At which photons about double the decay: as many as the critical number. ASSUMED: strong
    probes pull the line towards them, so that they are on resonance wherever they are."""

    def grown(self, length_s: Array) -> Array:
        """Return the distance of 0 and 1 for pulses of that length, up to a factor.

        The mean over the window of a field that fills, times the root of the window's length.
        """
        window = np.maximum(length_s - self.opens_s, 1e-10)
        missing = np.exp(-self.opens_s / self.fills_s) - np.exp(-length_s / self.fills_s)
        return np.asarray((window - self.fills_s * missing) / np.sqrt(window))


def overlap_of(distance: Array) -> Array:
    """Return the share of a Gaussian cloud beyond the middle between two, for their distance."""
    from scipy.special import ndtr  # heavy

    return np.asarray(ndtr(-distance / 2))


def share_lost(length_s: Array, growth: Array | float, window: Window) -> Array:
    """Return the share of 1 that decays so early that it is read as 0.

    Before the window opens, all of it; within the window, the record lies evenly between both
    clouds, and half of it on either side (Gambetta et al., Phys. Rev. A 76, 012325 (2007), Sec.
    III). ``growth``: by what the photons multiply the rate once the pulse is there.
    """
    half = np.maximum(length_s - window.opens_s, 0.0) / 2
    folds = window.arrives_s + (window.opens_s + half) * growth
    return np.asarray(1 - np.exp(-folds / window.t1_s))


def expected_fidelity(distance: Array, lost: Array) -> Array:
    """Return 1 - (P(1|0) + P(0|1)) / 2 with the threshold halfway between the clouds."""
    overlap = overlap_of(distance)
    return np.asarray(1 - overlap - lost * (1 - 2 * overlap) / 2)


@dataclass(frozen=True, slots=True, eq=False)
class Hill:
    """The distance as a function of the setting, and how photons hasten the decay."""

    middle: Array
    """Frequency and logarithm of the amplitude, shape (2,)."""
    scale: Array
    """Shape (2,)."""
    terms: Array
    """Of the logarithm of the distance: 1, x, y, xx, xy, yy; shape (6,)."""
    growth: float
    """Of the decay with the square of the amplitude."""
    window: Window

    def distance(self, frequency_hz: Array, log_amplitude: Array, length_s: Array) -> Array:
        """Return the distance; shapes broadcast."""
        x = (frequency_hz - self.middle[0]) / self.scale[0]
        y = (log_amplitude - self.middle[1]) / self.scale[1]
        height = sum(t * one for t, one in zip(self.terms, _columns(x, y), strict=True))
        return np.asarray(np.exp(height) * self.window.grown(length_s) * 1e3)

    def fidelity(self, frequency_hz: Array, log_amplitude: Array, length_s: Array) -> Array:
        """Return the expected fidelity; shapes broadcast."""
        growth = 1 + self.growth * np.exp(2 * log_amplitude)
        return expected_fidelity(
            self.distance(frequency_hz, log_amplitude, length_s),
            share_lost(length_s, growth, self.window),
        )


def _columns(x: Array, y: Array) -> tuple[Array, ...]:
    return np.ones_like(x), x, y, x**2, x * y, y**2


def best_setting(seen: Separations, window: Window) -> BestSetting:
    """Return the setting within what was measured that has the greatest expected fidelity.

    Raises FitFailed when no setting tells 0 from 1, or too few do.
    """
    look_at(seen.distance)
    clear = seen.distance / seen.sigma
    if float(np.max(clear)) < SEEN:
        raise FitFailed(
            f"no setting tells 0 from 1: of {len(clear)}, the best has them "
            f"{np.max(clear):.1f} sigma apart"
        )
    use = _near_the_top(seen)
    hill, covariance = _hill(seen, use, window)
    hill, growth_sigma = _hastened(hill, seen, use)
    typical = float(np.mean(seen.length_s[use]))
    axes = (
        np.linspace(seen.frequency_hz[use].min(), seen.frequency_hz[use].max(), GRID[0]),
        np.linspace(seen.log_amplitude[use].min(), seen.log_amplitude[use].max(), GRID[1]),
        np.linspace(LENGTHS[0] * typical, LENGTHS[1] * typical, GRID[2]),
    )
    f, a, length = np.meshgrid(*axes, indexing="ij")
    grid = (f, a, length)
    shaped = _near_used(seen, use, hill, axes[0], axes[1])
    fidelity = np.where(shaped[..., None], hill.fidelity(f, a, length), 0.0)
    at = np.unravel_index(int(np.argmax(fidelity)), fidelity.shape)
    best = float(fidelity[at])
    if best < LOWEST_FIDELITY:
        raise FitFailed(
            f"no setting tells 0 from 1: the best would be right in {best * 100:.1f} % of the "
            "shots, a coin in 50 %"
        )
    moved, losses = _doubt(hill, covariance, growth_sigma, grid, at, shaped)
    place = [float(axis[k]) for axis, k in zip(axes, at, strict=True)]
    steps = [float(axis[1] - axis[0]) for axis in axes]
    found = [float(np.hypot(m, s)) for m, s in zip(moved, steps, strict=True)]
    inside = all(0 < k < len(axis) - 1 for axis, k in zip(axes[:2], at[:2], strict=True))
    return BestSetting(
        place[0],
        place[1],
        place[2],
        sigmas=(found[0], found[1], found[2]),
        distance=float(hill.distance(f[at], a[at], length[at])),
        fidelity=best,
        loss=float(np.mean(losses)) + MISSED,
        loss_sigma=float(np.hypot(np.std(losses), MISSED_SIGMA)),
        inside=inside,
    )


def _near_the_top(seen: Separations) -> NDArray[np.bool_]:
    """Return which settings shape the hill: those of a length that are nearly as far apart."""
    use = np.zeros(len(seen.distance), dtype=bool)
    for length in np.unique(seen.length_s):
        own = np.flatnonzero(seen.length_s == length)
        size = np.log(np.maximum(seen.distance[own], seen.sigma[own]))
        order = np.argsort(size)[::-1]
        near = size > float(np.mean(size[order[:3]])) - USED
        near[order[:FEWEST]] = True
        use[own[near]] = True
    return use


def _near_used(
    seen: Separations,
    use: NDArray[np.bool_],
    hill: Hill,
    frequencies_hz: Array,
    log_amplitudes: Array,
) -> NDArray[np.bool_]:
    """Return where the nearest of all settings measured is one that shapes the hill.

    Elsewhere a setting was found too low to shape it: what the hill says there is extrapolated
    past what was seen. Shape (frequencies, amplitudes).
    """
    x = (frequencies_hz[:, None, None] - seen.frequency_hz) / hill.scale[0]
    y = (log_amplitudes[:, None] - seen.log_amplitude) / hill.scale[1]
    return np.asarray(use[np.argmin(x**2 + y**2, axis=-1)])


def _hill(seen: Separations, use: NDArray[np.bool_], window: Window) -> tuple[Hill, Array]:
    """Fit the hill to the settings used; return it with the covariance of its terms."""
    middle = np.array([np.mean(seen.frequency_hz[use]), np.mean(seen.log_amplitude[use])])
    scale = np.array([np.std(seen.frequency_hz[use]), np.std(seen.log_amplitude[use])])
    if not np.all(scale > 0):
        raise FitFailed("settings that all share a frequency or an amplitude tell no hill")
    x = (seen.frequency_hz[use] - middle[0]) / scale[0]
    y = (seen.log_amplitude[use] - middle[1]) / scale[1]
    size = np.maximum(seen.distance[use], seen.sigma[use])
    height = np.log(size / (window.grown(seen.length_s[use]) * 1e3))
    # A quadratic form is a hill only so far: what it misses counts as noise of each setting.
    weight = 1 / np.hypot(seen.sigma[use] / size, SHAPE)
    columns = np.stack(_columns(x, y), axis=1) * weight[:, None]
    if np.linalg.matrix_rank(columns) < columns.shape[1]:
        raise FitFailed("the settings lie on too few lines to tell a hill")
    terms, *_ = np.linalg.lstsq(columns, height * weight, rcond=None)
    covariance = np.linalg.inv(columns.T @ columns)
    return Hill(middle, scale, np.asarray(terms), 0.0, window), np.asarray(covariance)


def _hastened(hill: Hill, seen: Separations, use: NDArray[np.bool_]) -> tuple[Hill, float]:
    """Return the hill with what photons do to the decay, and the sigma of that.

    From the shots that were lost, and from what is expected of photons.
    """
    usual = 1 / hill.window.critical_amplitude**2
    clear = use & (seen.distance > CLEAR)
    power = np.exp(2 * seen.log_amplitude[clear])
    overlap = overlap_of(seen.distance[clear])
    slow = share_lost(seen.length_s[clear], 1.0, hill.window)
    expected = overlap + slow * (1 - 2 * overlap)
    weight = np.sqrt(seen.shots[clear] / np.maximum(expected, 1 / seen.shots[clear]))
    excess = (seen.lost[clear] / seen.shots[clear] - expected) * weight
    # What the preparation gets wrong is lost at all settings alike: the first column.
    columns = np.stack([np.ones_like(slow), slow * (1 - 2 * overlap) * power], axis=1)
    rows = np.vstack([columns * weight[:, None], [0.0, 1 / (usual * UNUSUAL)]])
    (_, growth), *_ = np.linalg.lstsq(rows, np.append(excess, 1 / UNUSUAL), rcond=None)
    sigma = float(np.sqrt(np.linalg.pinv(rows.T @ rows)[1, 1]))
    return replace(hill, growth=max(0.0, float(growth))), sigma


def _doubt(
    hill: Hill,
    covariance: Array,
    growth_sigma: float,
    grid: tuple[Array, Array, Array],
    at: tuple[np.intp, ...],
    shaped: NDArray[np.bool_],
) -> tuple[Array, Array]:
    """Return how far the best setting moves, shape (3,), and what each hill drawn would lose."""
    random = np.random.default_rng(0)
    thin = tuple(slice(None, None, 2) for _ in GRID)
    f, a, length = grid
    places, losses = [], []
    changes = random.multivariate_normal(np.zeros(len(hill.terms)), covariance, DRAWS)
    faster = hill.growth + growth_sigma * random.standard_normal(DRAWS)
    for change, growth in zip(changes, faster.tolist(), strict=True):
        other = replace(hill, terms=hill.terms + change, growth=max(0.0, growth))
        fidelity = other.fidelity(f[thin], a[thin], length[thin])
        fidelity = np.where(shaped[thin[:2]][..., None], fidelity, 0.0)
        there = np.unravel_index(int(np.argmax(fidelity)), fidelity.shape)
        here = other.fidelity(f[at], a[at], length[at])
        places.append([float(axis[thin][there] - axis[at]) for axis in grid])
        losses.append(max(float(fidelity[there] - here), 0.0))
    return np.sqrt(np.mean(np.square(places), axis=0)), np.array(losses)
