"""The best readout setting, against readouts that are worked out in small steps of time."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr
from tests.benches.calibration.law_of_readout import (
    ARRIVES_S,
    EVEN,
    ONE,
    OPENS_S,
    T1_S,
    Uneven,
    distance,
    fidelity,
    lost_halfway,
    true_best,
)
from tests.benches.thoroughness import cases

from podium.control.calibration.fits import separation
from podium.control.calibration.fits.driven_resonator import (
    KnownResonator,
    resonator_of,
    vector_of,
)
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.readout_window import Clouds, ShelvedOne, Window, overlap_of
from podium.control.calibration.fits.separation import (
    TOP_FORM,
    WIDE_FORM,
    BestSetting,
    Form,
    _top,
    best_setting,
    best_thresholds,
    drawn_fidelities,
    told_resonator,
)
from podium.control.calibration.fits.separation_hill import Hill, Separations, fit_hill

KNOWN = KnownResonator(ONE, np.diag(np.square([0.1, 0.03, 0.2, 0.1, 0.8])))
WINDOW = Window(t1_s=T1_S, arrives_s=ARRIVES_S, opens_s=OPENS_S, known=KNOWN)
LENGTH_S = 800e-9
SEEDS = cases(4, 8)
WIDE = (7.2535e9 + np.linspace(-4.4e6, 2.4e6, 9), np.log(np.geomspace(0.035, 0.36, 8)))


def window_of(rng: np.random.Generator) -> Window:
    """Return what was known before of the qubit, off by its doubt."""
    sigma = np.sqrt(np.diag(KNOWN.covariance))
    off = resonator_of(vector_of(ONE) + sigma * rng.normal(size=5))
    return replace(WINDOW, known=replace(KNOWN, resonator=off))


def measured(
    rng: np.random.Generator,
    frequency: np.ndarray,
    log_amplitude: np.ndarray,
    shots: int,
    length_s: float = LENGTH_S,
    uneven: Uneven = EVEN,
) -> Separations:
    """Return what a map of these settings would give: medians of shots, and counts."""
    f, a = (one.ravel() for one in np.meshgrid(frequency, log_amplitude))
    sigma = np.sqrt(2 * np.pi / 2 / shots)
    true = distance(f, a, length_s)
    seen = np.hypot(true + rng.normal(0, sigma, f.size), rng.normal(0, sigma, f.size))
    counts = rng.binomial(shots, lost_halfway(f, a, length_s, uneven))
    return Separations(
        f,
        a,
        np.full(f.size, length_s),
        np.sqrt(np.maximum(seen**2 - 2 * sigma**2, 0)),
        np.full(f.size, sigma),
        np.full(f.size, float(shots)),
        counts.astype(float),
    )


def joined(*maps: Separations) -> Separations:
    names = Separations.__dataclass_fields__
    return Separations(*(np.concatenate([getattr(one, name) for one in maps]) for name in names))


def best_of(
    seen: Separations,
    window: Window,
    form: Form = WIDE_FORM,
    earlier: Separations | None = None,
) -> BestSetting:
    """Return the best setting by the law of the resonator that all settings tell."""
    known = told_resonator(seen, window, earlier)
    return best_setting(seen, replace(window, known=known), form)


@dataclass(frozen=True)
class Search:
    window: Window
    maps: Separations
    best: BestSetting


def search_of(seed: int) -> Search:
    """Measure a wide map and a narrow one about its best."""
    rng = np.random.default_rng(seed)
    window = window_of(rng)
    wide = measured(rng, *WIDE, 40)
    first = best_of(wide, window)
    steps = np.linspace(-0.15, 0.15, 5)
    near = (first.frequency_hz + 7e6 * steps, first.log_amplitude + np.log(10) * steps)
    both = joined(wide, measured(rng, *near, 240))
    return Search(window, both, best_of(both, window))


def top_of(search: Search, seed: int, shots: int, uneven: Uneven = EVEN) -> BestSetting:
    """Measure maps of the top alone until the best setting is inside."""
    rng, best, earlier = np.random.default_rng(1000 + seed), search.best, search.maps
    for _ in range(4):
        steps = np.linspace(-1, 1, 5)
        near = (best.frequency_hz + 0.6e6 * steps, best.log_amplitude + 0.22 * steps)
        last = measured(rng, *near, shots, best.length_s, uneven)
        best = best_of(last, search.window, TOP_FORM, earlier)
        if best.inside:
            break
        earlier = joined(earlier, last)
    return best


def lost_by(best: BestSetting, uneven: Uneven = EVEN) -> float:
    """Return what the setting misses of the greatest fidelity."""
    reached = fidelity(best.frequency_hz, best.log_amplitude, best.length_s, uneven)
    return true_best(uneven)[1] - reached


@pytest.fixture(scope="module")
def searches() -> list[Search]:
    return [search_of(seed) for seed in range(SEEDS)]


def test_the_best_setting_is_found_within_its_sigmas(searches: list[Search]) -> None:
    """Sigmas hold the steps of the grid that is searched as well: pulls are no wider than 1."""
    best, _ = true_best()
    found = [one.best for one in searches]
    places = np.array([[one.frequency_hz, one.log_amplitude, one.length_s] for one in found])
    pulls = (places - best) / np.array([one.sigmas for one in found])
    assert np.max(np.abs(pulls)) < 4
    assert np.all(np.sqrt(np.mean(pulls**2, axis=0)) < 1.3)
    assert np.all(np.sqrt(np.mean(pulls**2, axis=0)) > 0.05)
    assert np.all(np.std(places, axis=0) < [0.4e6, 0.2, 0.1e-6])


def test_the_loss_that_is_stated_is_the_loss_there_is(searches: list[Search]) -> None:
    found = [one.best for one in searches]
    true = np.array([lost_by(one) for one in found])
    assert np.all(true >= -1e-5)
    stated = np.array([one.loss for one in found])
    assert np.all(stated > 0)
    assert 0.2 < np.mean(true) / np.mean(stated) < 2.5
    sigma = np.array([one.loss_sigma for one in found])
    assert np.all(sigma >= [WIDE_FORM.missed_sigma * (1 - one.fidelity) for one in found])
    assert np.mean(np.abs(stated - true) < 2 * sigma) > 0.9
    expected = np.array([one.fidelity for one in found])
    assert np.mean(expected) == pytest.approx(true_best()[1], abs=1.5e-3)


def test_few_shots_are_said_to_miss_more() -> None:
    found = [best_of(measured(np.random.default_rng(s), *WIDE, 12), WINDOW) for s in range(5)]
    missed = np.mean([lost_by(one) for one in found])
    assert 0.4 < missed / np.mean([one.loss for one in found]) < 2


def test_a_narrow_map_that_shapes_the_hill_alone_misses_less(searches: list[Search]) -> None:
    tops = [top_of(one, seed, 2000) for seed, one in enumerate(searches)]
    losses = [lost_by(one) for one in tops]
    stated = [one.loss - TOP_FORM.missed * (1 - one.fidelity) for one in tops]
    assert all(t.loss_sigma < one.best.loss_sigma for t, one in zip(tops, searches, strict=True))
    assert np.mean(losses) < 0.8 * np.mean([lost_by(one.best) for one in searches])
    assert 0.2 < np.mean(losses) / np.mean(stated) < 2.5
    assert max(losses) < 3e-4, "photons grow faster than the square of the distance"


@pytest.mark.slow
def test_the_shots_lost_tell_where_photons_do_what_nobody_expects(
    searches: list[Search],
) -> None:
    """Taken for usual, the losses are many sigmas off."""
    uneven = (2.0, 0.8)
    for seed, search in enumerate(searches[:3]):
        best = top_of(search, seed, 10_000, uneven)
        true = lost_by(best, uneven)
        assert abs(best.loss - true) < 3 * np.hypot(best.loss_sigma, 1.7e-4)


def test_what_the_law_does_not_tell_is_a_quadratic_form_beside_it() -> None:
    rng = np.random.default_rng(9)
    law = measured(rng, *WIDE, 10**9)  # without noise that could be seen
    x = (law.frequency_hz - np.mean(law.frequency_hz)) / 2e6
    y = law.log_amplitude - np.mean(law.log_amplitude)
    form = np.exp(-0.3 * x + 0.25 * y + 0.1 * x * y - 0.05 * y**2)
    tilted = replace(law, distance=law.distance * form)
    use = law.distance > 1
    hill, _ = fit_hill(tilted, use, WINDOW, 0.01, ONE)
    found = hill.correction(tilted.frequency_hz[use], tilted.log_amplitude[use])
    # The factor between law and distances is not known beforehand.
    ratio = found / form[use]
    np.testing.assert_allclose(ratio, np.median(ratio), rtol=0.02)


def test_hills_are_drawn_where_one_may_have_its_best_setting(
    searches: list[Search], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is found is the same as where all settings are looked at, however few the shots are."""
    looked_at: list[int] = []
    fidelity = Clouds.fidelity

    def counted(clouds: Clouds, threshold: np.ndarray) -> np.ndarray:
        looked_at.append(clouds.distance.size)
        return fidelity(clouds, threshold)

    monkeypatch.setattr(Clouds, "fidelity", counted)

    def found_by(maps: Separations) -> tuple[tuple[object, ...], float]:
        looked_at.clear()
        best = best_of(maps, searches[0].window)
        at_all = looked_at.index(max(looked_at))  # of the hill found; drawn ones follow
        return astuple(best), float(np.mean(looked_at[at_all + 1 :])) / looked_at[at_all]

    shares = []
    for maps in (*(one.maps for one in searches[:2]), *(measured_by(k, 15) for k in (0, 1))):
        found, share = found_by(maps)
        shares.append(share)
        with monkeypatch.context() as patched:
            patched.setattr(separation, "FIRST_REACH", np.inf)
            assert found_by(maps) == (found, 1.0)
    assert min(shares) < 0.2


@pytest.mark.parametrize(("scatter", "off"), [(0.003, 1e-5), (0.01, 3e-4)])
def test_drawn_hills_have_the_fidelities_that_each_would_be_worked_out_to_have(
    scatter: float, off: float
) -> None:
    """Distances off by 1 and 4 %, of fidelities near 98.6 %: to second order."""
    rng = np.random.default_rng(11)
    hill, settings, lengths_s = some_hill()
    drawn = tuple(
        replace(
            hill,
            terms=hill.terms + rng.normal(0, scatter, 6),
            growth=float(1.0 + rng.normal(0, 0.2)),
            uneven=(float(rng.normal(0, 0.03)), float(rng.normal(0, 0.03))),
        )
        for _ in range(20)
    )
    law = hill.law(*settings, lengths_s)
    threshold = hill.clouds(*settings, law).best_threshold()
    f, a = (np.broadcast_to(one, law.distance.shape).ravel() for one in settings)
    every = law.of(np.ones(law.distance.shape, dtype=bool))
    told = drawn_fidelities(drawn, hill, f, a, every, None, threshold.ravel())
    each = np.stack([one.clouds(*settings, law).fidelity(threshold).ravel() for one in drawn])
    expected = hill.clouds(*settings, law).fidelity(threshold).ravel()
    near = expected > 1 - 1.3 * (1 - np.max(expected))
    assert np.ptp(each[:, near], axis=0).max() > 20 * off
    assert np.abs(told - each)[:, near].max() < off


@pytest.mark.parametrize(
    ("form", "higher", "inside"),
    [(TOP_FORM, 0.9, True), (TOP_FORM, 1.1, False), (replace(TOP_FORM, flat=0.0), 0.9, False)],
)
def test_the_edge_of_a_flat_top_is_chosen_only_where_it_is_worth_it(
    searches: list[Search], monkeypatch, form: Form, higher: float, inside: bool
) -> None:
    search = searches[0]
    steps = np.linspace(-1, 1, 5)
    near = (search.best.frequency_hz + 1e6 * steps, search.best.log_amplitude + 0.22 * steps)
    seen = measured(np.random.default_rng(7), *near, 1600)
    lowest = float(seen.frequency_hz.min())
    wrong = 0.01

    def flat(hills, hill, frequency_hz, *others) -> np.ndarray:
        edge = frequency_hz == lowest
        more = higher * TOP_FORM.flat * wrong * np.where(edge, 1.0, 0.0)
        return np.broadcast_to(1 - wrong + more, (len(hills), len(edge)))

    monkeypatch.setattr(separation, "drawn_fidelities", flat)
    best = best_of(seen, search.window, form)
    assert best.inside == inside
    quarter = 1e6 / 2
    if inside:
        assert abs(best.frequency_hz - search.best.frequency_hz) <= quarter + 1.0
        assert abs(best.log_amplitude - search.best.log_amplitude) <= 0.11 + 1e-6
    else:
        assert best.frequency_hz == lowest


def test_best_thresholds_between_lengths_are_a_straight_line() -> None:
    hill, settings, lengths_s = some_hill()
    law = hill.law(*settings, lengths_s)
    clouds = hill.clouds(*settings, law)
    told, sought = best_thresholds(hill, settings, law, None), clouds.best_threshold()
    assert np.ptp(sought) > 0.02
    np.testing.assert_allclose(told, sought, atol=0.004)
    right = clouds.fidelity(sought)
    assert np.all(np.abs(right - clouds.fidelity(told)) < 1e-3 * (1 - right))


def some_hill() -> tuple[Hill, tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Return a hill near its top, frequencies and amplitudes (places, 1), and lengths."""
    middle = np.array([7.2526e9, np.log(0.12)])
    hill = Hill(middle, np.array([4e5, 0.15]), np.zeros(6), 1.0, (0.0, 0.0), WINDOW, ONE)
    # The law gives distances up to a factor.
    frequency_hz, log_amplitude = middle[:, None, None]
    law = hill.law(frequency_hz, log_amplitude, np.array([[LENGTH_S]]))
    hill = replace(hill, terms=np.array([np.log(6 / law.distance.item()), 0, 0, 0, 0, 0]))
    f, a = np.meshgrid(middle[0] + np.linspace(-6e5, 6e5, 5), middle[1] + np.linspace(-0.2, 0.2, 5))
    lengths_s = LENGTH_S * np.linspace(0.7, 1.4, 21)
    return hill, (f.reshape(-1, 1), a.reshape(-1, 1)), lengths_s[None]


def measured_by(seed: int, shots: int) -> Separations:
    return measured(np.random.default_rng(seed), *WIDE, shots)


def test_noise_has_no_best_setting() -> None:
    for seed in range(200):
        rng = np.random.default_rng(seed)
        wide = measured(rng, *WIDE, 40)
        noise = np.hypot(*rng.normal(0, wide.sigma, (2, wide.sigma.size)))
        half = rng.binomial(40, 0.5, wide.sigma.size).astype(float)
        with pytest.raises(FitFailed, match="no setting tells 0 from 1: of 72, the best has"):
            best_of(replace(wide, distance=noise, lost=half), WINDOW)


def test_a_readout_that_is_hardly_better_than_a_coin_has_no_best_setting() -> None:
    rng = np.random.default_rng(5)
    many = measured(rng, *WIDE, 40_000)
    with pytest.raises(FitFailed, match="of the shots, a coin in 50 %"):
        best_of(replace(many, distance=many.distance / 40), WINDOW)


@pytest.mark.parametrize(("apart", "growth"), [(4.0, 0.0), (6.0, 1.5), (9.0, 1.5)])
def test_the_fidelity_is_that_of_drawn_shots(apart: float, growth: float) -> None:
    """Shots whose state decays at a time drawn for each; no threshold does better than told."""
    rng = np.random.default_rng(6)
    shots, length_s = 2_000_000, 1.2e-6
    law = ONE.ring_up(np.array([7.2526e9]), np.array([0.12]), length_s).integrated(
        OPENS_S, np.array([[length_s]]), 40
    )
    place, lit_s = law.place[0, 0], law.lit_s[0, 0]
    # The rate is that of T1 before the pulse arrives, and grows as photons do.
    part_s = length_s / 40
    folds = np.concatenate([[0.0], np.cumsum(part_s + growth * lit_s)])
    drawn_folds = rng.exponential(1.0, shots) * T1_S - ARRIVES_S
    part = np.searchsorted(folds, drawn_folds) - 1
    at = np.concatenate([place, [1.0]])[np.clip(part, 0, 40)]
    ones = apart * np.where(part < 0, 0.0, at) + rng.normal(0, 1, shots)
    zeros = rng.normal(0, 1, shots)
    wrong = [np.mean(zeros > t) + np.mean(ones < t) for t in apart * np.linspace(0.2, 0.55, 36)]
    clouds = WINDOW.clouds(np.array([[apart]]), law, growth, None)
    told = clouds.fidelity(clouds.best_threshold())
    assert float(overlap_of(np.array(apart))) == pytest.approx(stats.norm.sf(apart / 2))
    assert told.item() == pytest.approx(1 - min(wrong) / 2, abs=6e-4)


def drawn_fields(
    lines_hz: Sequence[float], frequency_hz: float, jumps_s: np.ndarray, length_s: float
) -> np.ndarray:
    """Integrate a weak probe's field by shots whose levels change, in closed form between jumps.

    ``lines_hz`` (k + 1): of each level that shots go through; ``jumps_s`` (n, k): when, ascending.
    """
    shots = len(jumps_s)
    ends = np.column_stack([np.minimum(jumps_s, length_s), np.full(shots, length_s)])
    begin, field, total = np.zeros(shots), np.zeros(shots, complex), np.zeros(shots, complex)
    for line_hz, end in zip(lines_hz, ends.T, strict=True):
        rate = 2j * np.pi * (line_hz - frequency_hz) - np.pi * ONE.kappa_hz
        still = -np.pi * ONE.kappa_hz / rate
        rung, opens = np.exp(rate * (end - begin)), np.clip(OPENS_S, begin, end)
        rung_since = rung - np.exp(rate * (opens - begin))
        total += still * (end - opens) + (field - still) * rung_since / rate
        begin, field = end, still + (field - still) * rung
    return total


@pytest.mark.parametrize(("line_share", "thermal"), [(1.2, 0.08), (0.8, 0.3), (1.0, 0.0)])
def test_shelved_the_fidelity_is_that_of_shots_drawn_from_2_to_1_to_0(
    line_share: float, thermal: float
) -> None:
    """Level 1 lies elsewhere than 2, which is read; 2 falls to 1 alone, and 0 is lifted to 1."""
    rng, shots, length_s, apart = np.random.default_rng(8), 30_000, 1.6e-6, 7.0
    two_s, one_s = 4e-6, 20e-6
    line_2_hz = ONE.excited_hz - ONE.ground_hz
    shelved = ShelvedOne(one_s, thermal, line_share * line_2_hz)
    window = replace(WINDOW, t1_s=two_s, arrives_s=0.0, shelved=shelved)
    weak = np.array([[7.2551e9]]), np.array([[np.log(1e-4)]]), np.array([[length_s]])
    hill = Hill(np.zeros(2), np.ones(2), np.zeros(6), 1.0, (0.0, 0.0), window, ONE)
    law = hill.law(*weak)
    clouds = window.clouds(np.array([[apart]]), law, 1.0, hill.third(*weak, law))
    in_0, in_1, in_2 = ONE.ground_hz + line_2_hz * np.array([0.0, line_share, 1.0])
    frequency_hz, still = float(weak[0][0, 0]), np.empty((1, 0))
    fall_s = np.cumsum(rng.exponential((two_s, one_s), (shots, 2)), axis=1)
    lift_s = rng.exponential(one_s / max(thermal, 1e-9), (shots, 1))
    zero, two = (drawn_fields([line], frequency_hz, still, length_s)[0] for line in (in_0, in_2))
    ones = drawn_fields([in_2, in_1, in_0], frequency_hz, fall_s, length_s)
    zeros = drawn_fields([in_0, in_1], frequency_hz, lift_s, length_s)
    places = [np.real((one - zero) / (two - zero)) * apart for one in (zeros, ones)]
    tried = apart * np.linspace(0.2, 0.75, 56)
    wrong = [np.mean(ndtr(places[0] - t) + ndtr(t - places[1])) for t in tried]
    told = clouds.fidelity(clouds.best_threshold()).item()
    sigma = 0.5 * np.sqrt(min(wrong) / shots)
    assert told == pytest.approx(1 - min(wrong) / 2, abs=0.06 * min(wrong) / 2 + 4 * sigma)
    as_if = replace(window, shelved=None).clouds(np.array([[apart]]), law, 1.0, None)
    assert as_if.fidelity(as_if.best_threshold()).item() < 1 - 2 * min(wrong) / 2


@pytest.mark.parametrize(("bend_hz", "width_hz"), [(3e6, 0.6e6), (4e6, 0.6e6), (5e6, 1.0e6)])
def test_no_setting_is_chosen_where_a_low_one_was_measured(bend_hz: float, width_hz: float) -> None:
    # A ridge that strong probes pull aside: a quadratic hill through its upper part goes on where
    # there is nothing.
    frequency, amplitude = (
        one.ravel()
        for one in np.meshgrid(np.linspace(-4.2e6, 1.2e6, 9), np.geomspace(0.01, 0.12, 8))
    )
    ridge = np.exp(-(((frequency + bend_hz * (amplitude / 0.12) ** 2) / width_hz) ** 2))
    apart = 60 * amplitude / np.hypot(1, amplitude / 0.09) * ridge
    each = np.ones(72)
    seen = Separations(
        frequency, np.log(amplitude), 600e-9 * each, apart, 0.03 * each, 4000 * each, 60 * each
    )
    best = best_of(seen, WINDOW)
    nearest = np.argmin(
        ((frequency - best.frequency_hz) / np.ptp(frequency)) ** 2
        + ((np.log(amplitude) - best.log_amplitude) / np.ptp(np.log(amplitude))) ** 2
    )
    assert apart[nearest] > 0.3 * apart.max()


def test_at_the_edge_of_a_flat_top_the_best_setting_that_is_inside_is_chosen() -> None:
    """Of the middle where that falls short by little, else of all but the edge; else the edge."""
    places = np.array([[0, 16], [1, 15], [8, 8]])
    for short_of_edge, short_of_middle, chosen in (
        (0.0001, 0.0030, 2),
        (0.0001, 0.0043, 1),
        (0.0050, 0.0060, 0),
    ):
        wrong = 0.01 * np.array([1.0, 1 + short_of_edge, 1 + short_of_middle])
        assert _top(1 - wrong, places, flat=0.004) == chosen
        assert _top(1 - wrong[:1], places[:1], flat=0.004) == 0
