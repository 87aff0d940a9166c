"""Finds the best readout of a qubit: states far apart, before it decays.

How far apart 0 and 1 are read, in units of one shot's noise, is a smooth hill over frequency and
amplitude of the probe (:mod:`.separation_hill`). With the length it grows as the resonator fills
and the noise averages out, which needs no measurement: the integration of a record could as well be
cut afterwards. What is in 1 decays meanwhile, the faster the more photons there are
(:mod:`.photon_decay`). Both follow from one law of the resonator (:mod:`.driven_resonator`), whose
constants the distances tell. The fidelity that follows is greatest at one setting.
"""

from collections.abc import Sequence
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
from podium.control.calibration.fits.photon_decay import fit_photon_decay
from podium.control.calibration.fits.readout_window import ThirdLevel, Window
from podium.control.calibration.fits.separation_hill import Hill, Separations, fit_hill

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
GRID = (17, 17, 21)
"""Frequencies, amplitudes and lengths at which the fidelity is worked out."""
QUARTER = 4
"""Of the range of the first two, in steps."""
THRESHOLD_EVERY = 4
"""At every so many of the lengths the best threshold is sought: between them it is a straight line,
to 0.004 of the way from 0 to 1, and a part in 1,000 of what is read wrongly."""
DRAWS = 30
"""Hills drawn within the doubt of the one found, to see what the doubt costs ..."""
SEARCHED = 10
"""... and where it only tells where to measure next."""
FIRST_REACH, DEEPEST = 0.06, 1 / 3
"""Drawn hills are looked at where the fidelity falls short of the best one by this share of what is
read wrongly there; their own best settings should lie within this part of it."""

LEAST_STEP = 1e-4
"""Of the differences by which a fidelity is expanded: far above what rounding leaves of them."""


@dataclass(frozen=True, slots=True)
class Form:
    """Describes the hill's model within the settings that shape it."""

    off: float
    """Share by which a distance may lie off it."""
    lengths: tuple[float, float]
    """Those that are considered, in lengths of the settings measured."""
    missed: float
    """By what share of 1 - F the fidelity at the setting found falls short of the best one, beside
    what noise is known to cost: when the window opens is not searched, settings lie on a grid, and
    the hill is no such form. ASSUMED, of trials on qubits of known parameters ..."""
    missed_sigma: float
    """... and its scatter."""
    flat: float
    """Where the best setting is the outermost one, and one within the middle half of what was
    measured falls short of it by no more than this share of 1 - F, that one is chosen."""


WIDE_FORM = Form(
    off=0.02,
    lengths=(0.4, 2.0),
    missed=0.01,
    missed_sigma=0.02,
    flat=0.0,
)
"""Of all settings that are nearly as far apart as the best."""
TOP_FORM = Form(
    off=0.003,
    lengths=(0.7, 1.4),
    missed=0.001,
    missed_sigma=0.004,
    flat=0.004,
)
"""Of one map as narrow as the hill is flat: along a ridge the best of some drawn hills may lie at
its edge, by a millionth of the fidelity."""


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


def told_resonator(
    seen: Separations,
    window: Window,
    earlier: Separations | None = None,
    near: DrivenResonator | None = None,
) -> KnownResonator:
    """Return the resonator that the distances at all settings tell.

    ``earlier``: settings that shape the hill no longer; ``near``: what fewer settings have told.
    Raises FitFailed where no setting tells 0 from 1.
    """
    _check_apart(seen)
    rows = [seen] if earlier is None else [earlier, seen]
    names = ("frequency_hz", "log_amplitude", "length_s", "distance", "sigma")
    f, a, length, apart, sigma = (
        np.concatenate([getattr(one, name) for one in rows]) for name in names
    )
    return fit_resonator(window.known, window.opens_s, f, a, length, apart, sigma, near)


def best_setting(
    seen: Separations, window: Window, form: Form = WIDE_FORM, draws: int = DRAWS
) -> BestSetting:
    """Return the setting within what was measured that has the greatest expected fidelity.

    ``window``: with the resonator that all settings tell (:func:`told_resonator`). ``draws``: hills
    within the doubt of the one found that are looked at. Raises FitFailed when no setting tells 0
    from 1, or too few do.
    """
    _check_apart(seen)
    use = _near_the_top(seen)
    hill, covariance = fit_hill(seen, use, window, form.off, window.known.resonator)
    hill, of_growth = fit_photon_decay(hill, seen, use, window.known)
    axes = _axes(seen, use, form)
    # Only where settings were measured that shape the hill: shape (places, 1), then lengths.
    places = np.argwhere(_near_used(seen, use, hill, axes[0], axes[1]))
    if not len(places):
        raise FitFailed("the settings that shape the hill lie too far apart")
    settings = axes[0][places[:, :1]], axes[1][places[:, 1:]]
    # Beside the best setting of the hill found there may be a cliff: the setting is chosen that is
    # the best of all hills that it may be, on average.
    law = hill.law(*settings, axes[2][None])
    third = hill.third(*settings, axes[2][None], law)
    clouds = hill.clouds(*settings, law, third)
    threshold = best_thresholds(hill, settings, law, third)
    expected = clouds.fidelity(threshold)
    hills = _hills(hill, covariance, of_growth, draws)
    looked_at, each = _near_the_best(hills, hill, settings, law, third, threshold, expected)

    def place_of(number: int) -> tuple[int, int, int]:
        place, length = np.unravel_index(looked_at[number], expected.shape)
        return int(places[place, 0]), int(places[place, 1]), int(length)

    average = each.mean(axis=0)
    top = _top(average, places[looked_at // expected.shape[1]], form.flat)
    at, chosen = place_of(top), np.unravel_index(looked_at[top], expected.shape)
    here = [axis[k] for axis, k in zip(axes, at, strict=True)]
    best = float(expected[chosen])
    if best < LOWEST_FIDELITY:
        raise FitFailed(
            f"no setting tells 0 from 1: the best would be right in {best * 100:.1f} % of the "
            "shots, a coin in 50 %"
        )
    tops = [place_of(int(np.argmax(one))) for one in each]
    losses = np.array([one.max() - one[top] for one in each])
    moved = [
        np.sqrt(np.mean([(axis[one[k]] - here[k]) ** 2 for one in tops]))
        for k, axis in enumerate(axes)
    ]
    place = [float(one) for one in here]
    steps = [float(axis[1] - axis[0]) for axis in axes]
    found = [float(np.hypot(m, s)) for m, s in zip(moved, steps, strict=True)]
    return BestSetting(
        place[0],
        place[1],
        place[2],
        sigmas=(found[0], found[1], found[2]),
        distance=float(clouds.distance[chosen]),
        fidelity=best,
        loss=float(np.mean(losses)) + form.missed * (1 - best),
        loss_sigma=float(np.hypot(np.std(losses), form.missed_sigma * (1 - best))),
        inside=bool(_inside(np.array(at[:2]))),
    )


def _top(average: Array, places: NDArray[np.int64], flat: float) -> int:
    """Return the number of the setting to choose: the best one on average, if not at the edge.

    There it is the best one of the middle, or else of all but the edge, if that falls short of it
    by little.
    ``average``: fidelities, (n,). ``places``: in :data:`GRID`, of frequency and amplitude, (n, 2).
    """
    best = int(np.argmax(average))
    if _inside(places[best]):
        return best
    for from_edge in (QUARTER, 1):
        within = int(np.argmax(np.where(_inside(places, from_edge), average, -np.inf)))
        if _inside(places[within]) and average[best] - average[within] <= flat * (
            1 - average[best]
        ):
            return within
    return best


def _inside(places: NDArray[np.int64], from_edge: int = 1) -> NDArray[np.bool_]:
    """Return which places of :data:`GRID`, shape (..., 2), lie so many steps from its edge."""
    last = np.array(GRID[:2]) - 1
    return np.asarray(np.all((places >= from_edge) & (places <= last - from_edge), axis=-1))


def best_thresholds(
    hill: Hill, settings: tuple[Array, Array], law: Integrated, third: ThirdLevel | None
) -> Array:
    """Return the best thresholds, shape (places, lengths), interpolated along the lengths."""
    shape = law.distance.shape
    some = np.arange(0, shape[1], THRESHOLD_EVERY)
    sought = np.zeros(shape, dtype=bool)
    sought[:, some] = True
    f, a = (np.broadcast_to(one, shape)[sought] for one in settings)
    clouds = hill.clouds(f, a, law.of(sought), None if third is None else third.of(sought))
    found = clouds.best_threshold().reshape(shape[0], len(some))
    below = np.minimum(np.arange(shape[1]) // THRESHOLD_EVERY, len(some) - 2)
    share = np.arange(shape[1]) / THRESHOLD_EVERY - below
    return np.asarray(found[:, below] + share * (found[:, below + 1] - found[:, below]))


def _near_the_best(
    hills: Sequence[Hill],
    hill: Hill,
    settings: tuple[Array, Array],
    law: Integrated,
    third: ThirdLevel | None,
    threshold: Array,
    expected: Array,
) -> tuple[NDArray[np.int64], Array]:
    """Return which settings may be the best one of a hill, and the fidelity of each hill there.

    ``hill``: the one found, of which ``hills`` are drawn. Arrays have the shape (places, lengths),
    ``settings`` (places, 1); returned are flat indices, (n,), and fidelities, (hills, n). Looked
    at are settings that fall short of the best of ``expected`` by little, and by more where the
    best of some hill lies beyond :data:`DEEPEST` of that.
    """
    short = np.max(expected) - expected
    reach = FIRST_REACH * (1 - float(np.max(expected)))
    f, a = (np.broadcast_to(one, expected.shape) for one in settings)
    while True:
        near = ~(short > reach)
        of_third = None if third is None else third.of(near)
        own = f[near], a[near], law.of(near), of_third
        each = drawn_fidelities(hills, hill, *own, threshold[near])
        deepest = float(np.max(short[near][np.argmax(each, axis=1)]))
        if deepest <= DEEPEST * reach or near.all():
            return np.flatnonzero(near), each
        reach = 1.5 * deepest / DEEPEST


def drawn_fidelities(
    hills: Sequence[Hill],
    hill: Hill,
    frequency_hz: Array,
    log_amplitude: Array,
    law: Integrated,
    third: ThirdLevel | None,
    threshold: Array,
) -> Array:
    """Return the fidelity of each of ``hills`` at n settings, shape (hills, n).

    A setting's fidelity depends on the logarithm of the distance and on what photons do, which
    differ from hill to hill by little: to second order in both about ``hill``, by differences over
    as much as they scatter.
    """
    here = frequency_hz, log_amplitude
    apart = np.stack([np.log(one.correction(*here) / hill.correction(*here)) for one in hills])
    faster = np.stack([one.tilt(*here) - hill.tilt(*here) for one in hills])
    x, y = (np.maximum(np.std(one, axis=0), LEAST_STEP) for one in (apart, faster))

    def at(of_x: float, of_y: float) -> Array:
        distance = law.distance * hill.correction(*here) * np.exp(of_x * x)
        growth = hill.tilt(*here) + of_y * y
        clouds = hill.window.clouds(distance, law, growth[..., None], third)
        return clouds.fidelity(threshold)

    middle, right, up = at(0, 0), at(1, 0), at(0, 1)
    left, down, both = at(-1, 0), at(0, -1), at(1, 1)
    u, v = apart / x, faster / y
    slopes = u * (right - left) / 2 + v * (up - down) / 2
    bends = u**2 * (right - 2 * middle + left) / 2 + v**2 * (up - 2 * middle + down) / 2
    return np.asarray(middle + slopes + bends + u * v * (both - right - up + middle))


def _check_apart(seen: Separations) -> None:
    """Raise FitFailed where no setting tells 0 from 1."""
    look_at(seen.distance)
    clear = seen.distance / seen.sigma
    if float(np.max(clear)) < SEEN:
        raise FitFailed(
            f"no setting tells 0 from 1: of {len(clear)}, the best has them "
            f"{np.max(clear):.1f} sigma apart"
        )


def _axes(seen: Separations, use: NDArray[np.bool_], form: Form) -> tuple[Array, Array, Array]:
    """Return the frequencies, logarithms of amplitudes and lengths of :data:`GRID`."""
    typical = float(np.mean(seen.length_s[use]))
    shortest, longest = form.lengths
    return (
        np.linspace(seen.frequency_hz[use].min(), seen.frequency_hz[use].max(), GRID[0]),
        np.linspace(seen.log_amplitude[use].min(), seen.log_amplitude[use].max(), GRID[1]),
        np.linspace(shortest * typical, longest * typical, GRID[2]),
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


def _hills(hill: Hill, covariance: Array, of_growth: Array, draws: int) -> tuple[Hill, ...]:
    """Draw hills within the doubt of the one found."""
    random = np.random.default_rng(0)
    changes = random.multivariate_normal(np.zeros(len(hill.terms)), covariance, draws)
    faster = random.multivariate_normal(np.zeros(3), of_growth, draws)
    return tuple(
        replace(
            hill,
            terms=hill.terms + change,
            growth=max(0.0, hill.growth + more),
            uneven=(hill.uneven[0] + by_width, hill.uneven[1] + by_amplitude),
        )
        for change, (more, by_width, by_amplitude) in zip(changes, faster.tolist(), strict=True)
    )
