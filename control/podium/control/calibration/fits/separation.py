"""Finds the best readout of a qubit: states far apart, before it decays.

How far apart 0 and 1 are read, in units of one shot's noise, is a smooth hill over frequency and
amplitude of the probe. With the length it grows as the resonator fills and the noise averages
out, which needs no measurement: the integration of a record could as well be cut afterwards. What
is in 1 decays meanwhile, the faster the more photons there are: by their share of the critical
number, about (Slichter et al., Phys. Rev. Lett. 109, 153601 (2012)). How many there are follows
from the resonator's law (:mod:`.driven_resonator`), whose constants the distances tell. The
fidelity that follows is greatest at one setting.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.driven_resonator import (
    DrivenResonator,
    Integrated,
    KnownResonator,
    fit_resonator,
)
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.readout_window import (
    Window,
    best_threshold,
    expected_fidelity,
    overlap_of,
)

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
GRID = (17, 17, 21)
"""Frequencies, amplitudes and lengths at which the fidelity is worked out."""
UNUSUAL = 0.3
"""Share by which what photons do to the decay may differ from what is expected, one sigma."""
LEAST_GROWTH = 0.02
"""Photons do not slow the decay."""
STEPS = 6
"""Of the fit of what photons do."""
UNEVEN = (0.03, 0.03)
"""The same where the probe is a resonator's width and a factor of e in amplitude off the middle of
the settings, beside what the doubt about the resonator does there. ASSUMED: the law holds so far."""
CONTRADICTED, CONTRADICTED_UNEVEN, CONTRADICTS = 1.0, (1.0, 0.35), 6.0
"""These shares where the shots lost contradict them: where the sum of squares left, of shots and of
what is expected, would be by so much less."""
ILL_PREPARED = 1.5e-3
"""Share of 1 that is lost before its readout begins, beside decay, at most one sigma."""
PARTS = 8
"""Of a pulse, in which what decays lies at one place: closer together than clouds are wide."""
DRAWS = 30
"""Hills drawn within the doubt of the one found, to see what the doubt costs."""


@dataclass(frozen=True, slots=True)
class Form:
    """Describes the hill's model within the settings that shape it."""

    off: float
    """Share by which a distance may lie off it."""
    lengths: tuple[float, float]
    """Those that are considered, in lengths of the settings measured."""
    missed: float
    """... and by what the fidelity at the setting found falls short of the best one, in units of
    1 - F, beside what noise is known to cost: a hill is no such form ..."""
    missed_sigma: float
    """... and its scatter."""


WIDE_FORM = Form(
    off=0.02,
    lengths=(0.4, 2.0),
    missed=0.057,
    missed_sigma=0.033,
)
"""Of all settings that are nearly as far apart as the best."""
TOP_FORM = Form(
    off=0.003,
    lengths=(0.7, 1.4),
    missed=0.005,
    missed_sigma=0.005,
)
"""Of one map as narrow as the hill is flat."""


@dataclass(frozen=True, slots=True, eq=False)
class Separations:
    """Holds readings at n settings, arrays of shape (n,)."""

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


@dataclass(frozen=True, slots=True, eq=False)
class Hill:
    """Gives the distance as a function of the setting, and how photons hasten the decay."""

    middle: Array
    """Frequency and logarithm of the amplitude, shape (2,)."""
    scale: Array
    """Shape (2,)."""
    terms: Array
    """Of the logarithm of the distance: 1, x, y, xx, xy, yy, and of a hill that only its top shapes
    xxx, xxy, xyy, yyy; shape (6,) or (10,)."""
    growth: float
    """By what share critical photons hasten the decay: about 1."""
    uneven: tuple[float, float]
    """By how much more, a resonator's width and a factor of e in amplitude above the middle."""
    window: Window
    resonator: DrivenResonator

    def correction(self, frequency_hz: Array, log_amplitude: Array) -> Array:
        """Return the distance over that of the resonator's law; shapes broadcast."""
        x = (frequency_hz - self.middle[0]) / self.scale[0]
        y = (log_amplitude - self.middle[1]) / self.scale[1]
        height = sum(t * one for t, one in zip(self.terms, _columns(x, y), strict=True))
        return np.asarray(np.exp(height))

    def away(self, frequency_hz: Array, log_amplitude: Array) -> tuple[Array, Array]:
        """Return how far settings are from the middle, in resonator widths and factors of e."""
        widths = (frequency_hz - self.middle[0]) / self.resonator.kappa_hz
        return np.asarray(widths), np.asarray(log_amplitude - self.middle[1])

    def law(self, frequency_hz: Array, log_amplitude: Array, length_s: Array) -> Integrated:
        """Return what the resonator's law says, decays in :data:`PARTS`.

        All arrays broadcast; the length goes along their last axis, the others do not.
        """
        f, a = np.broadcast_arrays(frequency_hz[..., 0], log_amplitude[..., 0])
        ring = self.resonator.ring_up(f, np.exp(a), float(np.max(length_s)))
        return ring.integrated(self.window.opens_s, length_s, PARTS)

    def tilt(self, frequency_hz: Array, log_amplitude: Array) -> Array:
        """Return what photons do to the decay, of what as many as are critical are known to do."""
        widths, folds = self.away(frequency_hz, log_amplitude)
        return np.asarray(self.growth * np.exp(self.uneven[0] * widths + self.uneven[1] * folds))

    def clouds(
        self, frequency_hz: Array, log_amplitude: Array, law: Integrated
    ) -> tuple[Array, float, Array, Array]:
        """Return what :func:`.expected_fidelity` takes; shapes of ``law``."""
        distance = law.distance * self.correction(frequency_hz, log_amplitude)
        growth = self.tilt(frequency_hz, log_amplitude)[..., None]
        return distance, *self.window.shares(law, growth), law.place


def _columns(x: Array, y: Array) -> tuple[Array, ...]:
    return np.ones_like(x * y), x, y, x**2, x * y, y**2


def best_setting(
    seen: Separations,
    window: Window,
    form: Form = WIDE_FORM,
    earlier: Separations | None = None,
) -> BestSetting:
    """Return the setting within what was measured that has the greatest expected fidelity.

    ``earlier``: settings that do not shape the hill, but tell the resonator's law. Raises FitFailed when no setting tells 0 from 1, or too few do.
    """
    look_at(seen.distance)
    clear = seen.distance / seen.sigma
    if float(np.max(clear)) < SEEN:
        raise FitFailed(
            f"no setting tells 0 from 1: of {len(clear)}, the best has them "
            f"{np.max(clear):.1f} sigma apart"
        )
    use = _near_the_top(seen)
    known = _resonator(seen, earlier, window)
    hill, covariance = _hill(seen, use, window, form, known.resonator)
    hill, of_growth = _hastened(hill, seen, use, known)
    typical = float(np.mean(seen.length_s[use]))
    shortest, longest = form.lengths
    axes = (
        np.linspace(seen.frequency_hz[use].min(), seen.frequency_hz[use].max(), GRID[0]),
        np.linspace(seen.log_amplitude[use].min(), seen.log_amplitude[use].max(), GRID[1]),
        np.linspace(shortest * typical, longest * typical, GRID[2]),
    )
    grid = np.meshgrid(*axes, indexing="ij", sparse=True)
    shaped = _near_used(seen, use, hill, axes[0], axes[1])
    # Beside the best setting of the hill found there may be a cliff: the setting is chosen that is
    # the best of all hills that it may be, on average.
    law, settings = hill.law(*grid), grid[:2]
    clouds = hill.clouds(*settings, law)
    threshold = best_threshold(*clouds)
    each = np.stack(
        [
            expected_fidelity(*one.clouds(*settings, law), threshold)
            for one in _hills(hill, covariance, of_growth)
        ]
    )
    each = np.where(shaped[..., None], each, 0.0)
    at = np.unravel_index(int(np.argmax(each.mean(axis=0))), GRID)
    here = [axis[k] for axis, k in zip(axes, at, strict=True)]
    best = float(expected_fidelity(*clouds, threshold)[at])
    if best < LOWEST_FIDELITY:
        raise FitFailed(
            f"no setting tells 0 from 1: the best would be right in {best * 100:.1f} % of the "
            "shots, a coin in 50 %"
        )
    tops = [np.unravel_index(int(np.argmax(one)), one.shape) for one in each]
    losses = np.array([one[top] - one[at] for one, top in zip(each, tops, strict=True)])
    moved = [
        np.sqrt(np.mean([(axis[top[k]] - here[k]) ** 2 for top in tops]))
        for k, axis in enumerate(axes)
    ]
    place = [float(one) for one in here]
    steps = [float(axis[1] - axis[0]) for axis in axes]
    found = [float(np.hypot(m, s)) for m, s in zip(moved, steps, strict=True)]
    inside = all(0 < k < len(axis) - 1 for axis, k in zip(axes[:2], at[:2], strict=True))
    return BestSetting(
        place[0],
        place[1],
        place[2],
        sigmas=(found[0], found[1], found[2]),
        distance=float(clouds[0][at]),
        fidelity=best,
        loss=float(np.mean(losses)) + form.missed * (1 - best),
        loss_sigma=float(np.hypot(np.std(losses), form.missed_sigma * (1 - best))),
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


def _resonator(
    seen: Separations, earlier: Separations | None, window: Window
) -> KnownResonator:
    """Return the resonator that the distances at all settings tell."""
    rows = [seen] if earlier is None else [earlier, seen]
    names = ("frequency_hz", "log_amplitude", "length_s", "distance", "sigma")
    columns = (np.concatenate([getattr(one, name) for one in rows]) for name in names)
    return fit_resonator(window.known, window.opens_s, *columns)


def _hill(
    seen: Separations,
    use: NDArray[np.bool_],
    window: Window,
    form: Form,
    resonator: DrivenResonator,
) -> tuple[Hill, Array]:
    """Fit the hill to the settings used; return it with the covariance of its terms."""
    middle = np.array([np.mean(seen.frequency_hz[use]), np.mean(seen.log_amplitude[use])])
    scale = np.array([np.std(seen.frequency_hz[use]), np.std(seen.log_amplitude[use])])
    if not np.all(scale > 0):
        raise FitFailed("settings that all share a frequency or an amplitude tell no hill")
    x = (seen.frequency_hz[use] - middle[0]) / scale[0]
    y = (seen.log_amplitude[use] - middle[1]) / scale[1]
    size = np.maximum(seen.distance[use], seen.sigma[use])
    hill = Hill(middle, scale, np.zeros(6), 1.0, (0.0, 0.0), window, resonator)
    places = (seen.frequency_hz[use], seen.log_amplitude[use], seen.length_s[use])
    law = hill.law(*(one[:, None] for one in places)).distance[:, 0]
    height = np.log(size / np.maximum(law, 1e-300))
    # A form of low order is a hill only so far: what it misses counts as noise of each setting.
    weight = 1 / np.hypot(seen.sigma[use] / size, form.off)
    columns = np.stack(_columns(x, y), axis=1) * weight[:, None]
    if np.linalg.matrix_rank(columns) < columns.shape[1]:
        raise FitFailed("the settings lie on too few lines to tell a hill")
    terms, *_ = np.linalg.lstsq(columns, height * weight, rcond=None)
    covariance = np.linalg.inv(columns.T @ columns)
    return replace(hill, terms=np.asarray(terms)), np.asarray(covariance)


def _hastened(
    hill: Hill, seen: Separations, use: NDArray[np.bool_], known: KnownResonator
) -> tuple[Hill, Array]:
    """Return the hill with what photons do to the decay, and its covariance, shape (3, 3).

    Of the growth and of both of :attr:`Hill.uneven`: from the shots that were lost, and from what
    is expected of photons.
    """
    clear, window = use & (seen.distance > CLEAR), hill.window
    if not np.any(clear):
        return hill, np.diag(np.square([CONTRADICTED, *CONTRADICTED_UNEVEN]))
    here, shots = (seen.frequency_hz[clear], seen.log_amplitude[clear]), seen.shots[clear]
    columns = (*(one[:, None] for one in here), seen.length_s[clear][:, None])
    overlap = overlap_of(seen.distance[clear])
    law = hill.law(*columns)
    # What a decay in each part adds to what is read as 0, with a threshold halfway.
    more = overlap_of(2 * seen.distance[clear, None] * (law.place[:, 0] - 0.5))
    more = more - overlap[:, None]
    before, each = window.shares(law, 1.0)
    # What is still in 1: with photons as expected, how many more there are changes it little.
    alive = (1 - before - np.cumsum(each, axis=-1) + each / 2)[:, 0] / window.t1_s
    slowly = before * (1 - 2 * overlap) + np.sum(law.waits_s[:, 0] * alive * more, axis=-1)
    faster = np.sum(law.lit_s[:, 0] * alive * more, axis=-1)
    lit = np.sum(law.lit_s[:, 0], axis=-1)
    away = hill.away(*here)
    shapes = np.stack([np.ones_like(overlap), *away], axis=1)
    # Of a resonator that is one sigma off: how many more photons there are, as such shapes.
    off = [
        np.linalg.lstsq(shapes, np.log(other / np.maximum(lit, 1e-300)), rcond=None)[0]
        for other in (
            np.sum(replace(hill, resonator=one).law(*columns).lit_s[:, 0], axis=-1)
            for one in known.others()
        )
    ]
    of_resonator = np.sum([np.outer(one, one) for one in off], axis=0)
    expected = np.array([0.0, 1.0, 0.0, 0.0])

    def fit(doubts: tuple[float, ...]) -> tuple[float, Array, Array]:
        """Return squares left, parameters and covariance. What the preparation gets wrong, the
        first one, is lost at all settings alike."""
        prior = np.diag(np.square([ILL_PREPARED, *doubts]))
        prior[1:, 1:] += of_resonator
        narrow = np.linalg.inv(np.linalg.cholesky(prior))
        at, rows, goal = expected.copy(), narrow, np.zeros(4)
        for _ in range(STEPS):
            rate = replace(hill, growth=1.0, uneven=(float(at[2]), float(at[3]))).tilt(*here)
            rate = rate * faster
            lost = overlap + slowly + at[0] + at[1] * rate
            weight = np.sqrt(shots / np.clip(lost, 1 / shots, 0.5))
            slopes = (np.ones_like(rate), rate, *(at[1] * rate * one for one in away))
            rows = np.vstack([np.stack(slopes, axis=1) * weight[:, None], narrow])
            left = (seen.lost[clear] / shots - lost) * weight
            goal = np.append(left, narrow @ (expected - at))
            change, *_ = np.linalg.lstsq(rows, goal, rcond=None)
            at = at + change
            at[1] = max(float(at[1]), LEAST_GROWTH)
        return float(np.sum(goal**2)), at, np.asarray(np.linalg.inv(rows.T @ rows))

    left, at, covariance = fit((UNUSUAL, *UNEVEN))
    wide = fit((CONTRADICTED, *CONTRADICTED_UNEVEN))
    if left - wide[0] > CONTRADICTS:
        _, at, covariance = wide
    found = replace(hill, growth=float(at[1]), uneven=(float(at[2]), float(at[3])))
    return found, covariance[1:, 1:]


def _hills(hill: Hill, covariance: Array, of_growth: Array) -> tuple[Hill, ...]:
    """Draw :data:`DRAWS` hills within the doubt of the one found."""
    random = np.random.default_rng(0)
    changes = random.multivariate_normal(np.zeros(len(hill.terms)), covariance, DRAWS)
    faster = random.multivariate_normal(np.zeros(3), of_growth, DRAWS)
    return tuple(
        replace(
            hill,
            terms=hill.terms + change,
            growth=max(0.0, hill.growth + more),
            uneven=(hill.uneven[0] + by_width, hill.uneven[1] + by_amplitude),
        )
        for change, (more, by_width, by_amplitude) in zip(changes, faster.tolist(), strict=True)
    )
