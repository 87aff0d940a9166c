"""The drift filter against clocks that drift, drawn by a model of their own."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import stats
from tests.benches.thoroughness import sampled

from podium.control.timebase.drift_filter import DriftFilter, DriftModel, OutOfOrder, SkewJumped
from podium.control.timebase.epochs import EpochMoved, Epochs
from podium.control.timebase.skew import LOOPBACK, PHOTON_SCAN, Cable, Pair, SkewMeasured
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai

PAIR = Pair("node_a.q0.drive", "node_b.q0.drive")
BEGIN = Tai(1_900_000_000, 0)
THEN, NOW = Epochs.of({"node_a": 4, "node_b": 2}), Epochs.of({"node_a": 5, "node_b": 2})
MODEL = DriftModel()
RANDOM_FS, SYSTEMATIC_FS, ROOM_K = 20_000.0, 50_000.0, 295.0
FALSE_ALARM = 1e-6
"""Of each test on pulls, were its seed drawn anew."""


def tai(after_s: float) -> Tai:
    return Tai.from_fs(BEGIN.total_fs + int(after_s * FS_PER_S))


def measured(value_fs: int, after_s: float, **others) -> SkewMeasured:
    given = SkewMeasured(PAIR, value_fs, RANDOM_FS, SYSTEMATIC_FS, tai(after_s), ROOM_K, THEN)
    return replace(given, **others)


@dataclass
class Clocks:
    """Many pairs of clocks at once, moved on in small steps; nothing of it is the filter's."""

    count: int
    seed: int
    step_s: float = 30.0

    def __post_init__(self) -> None:
        self.draw = np.random.default_rng(self.seed)
        self.offset_fs = self.draw.uniform(-3e7, 3e7, self.count)
        self.rate = self.draw.normal(0, MODEL.rate_fs_s, self.count)
        self.coefficient = self.draw.normal(0, MODEL.coefficient_fs_k, self.count)
        self.bias_fs = {
            way: self.draw.normal(0, SYSTEMATIC_FS, self.count) for way in (LOOPBACK, PHOTON_SCAN)
        }
        self.room_k = np.full(self.count, ROOM_K)
        self.after_s = 0.0

    def move(self, steps: int) -> None:
        root = math.sqrt(self.step_s)
        for _ in range(steps):
            self.offset_fs += self.rate * self.step_s
            self.offset_fs += self.draw.normal(0, MODEL.offset_walk_fs * root, self.count)
            self.rate += self.draw.normal(0, MODEL.rate_walk_fs_s * root, self.count)
            self.after_s += self.step_s
        day = 2 * math.pi * self.after_s / 86_400
        self.room_k = ROOM_K + 0.5 * math.sin(day) + self.draw.normal(0, 0.2, self.count)

    def skew_fs(self):
        return self.offset_fs + self.coefficient * (self.room_k - ROOM_K)

    def measure(self, way: str, epochs: Epochs, systematic_fs=SYSTEMATIC_FS, random_fs=RANDOM_FS):
        found = self.skew_fs() + self.bias_fs[way] + self.draw.normal(0, RANDOM_FS, self.count)
        return [
            measured(
                round(value),
                self.after_s,
                temperature_k=float(room_k),
                way=way,
                epochs=epochs,
                systematic_fs=systematic_fs,
                random_fs=random_fs,
            )
            for value, room_k in zip(found, self.room_k, strict=True)
        ]


def pulls(seed: int, model: DriftModel = MODEL, relock: bool = False, **measured_as):
    """Return (true - believed) / sigma of 800 pairs, each once, at a time when none is measured."""
    clocks = Clocks(800, seed)
    filters: list[DriftFilter] = []
    epochs = THEN
    for number in range(9):
        way = PHOTON_SCAN if number % 4 == 3 else LOOPBACK
        if relock and number == 5:
            clocks.offset_fs += clocks.draw.uniform(-8e6, 8e6, clocks.count)
            clocks.rate = clocks.draw.normal(0, MODEL.rate_fs_s, clocks.count)
            epochs = NOW
        found = clocks.measure(way, epochs, **measured_as)
        filters = (
            [one.after(each) for one, each in zip(filters, found, strict=True)]
            if filters
            else [DriftFilter.begin(each, model) for each in found]
        )
        clocks.move(int(clocks.draw.integers(20, 100)))
    expected = [
        one.skew(tai(clocks.after_s), float(room_k), epochs, sigma_k=0.0)
        for one, room_k in zip(filters, clocks.room_k, strict=True)
    ]
    off_fs = clocks.skew_fs() - np.array([one.value_fs for one in expected])
    return off_fs / np.array([one.sigma_fs for one in expected])


def surprise(of_pulls) -> float:
    """Return how improbable these pulls are if they come from a normal distribution of sigma 1."""
    count = len(of_pulls)
    chi2 = stats.chi2(count).cdf(np.sum(of_pulls**2))
    mean = stats.norm.cdf(np.mean(of_pulls) * math.sqrt(count))
    return 2 * min(chi2, 1 - chi2, mean, 1 - mean)


@pytest.mark.parametrize("relock", sampled([False, True], kept=[True]))
def test_the_true_skew_lies_within_sigma_as_often_as_sigma_says(relock: bool) -> None:
    assert surprise(pulls(seed=1, relock=relock)) > FALSE_ALARM


def test_a_filter_that_averages_cable_errors_away_is_found_out() -> None:
    folded = {"systematic_fs": 0.0, "random_fs": math.hypot(RANDOM_FS, SYSTEMATIC_FS)}
    assert surprise(pulls(seed=1, **folded)) < FALSE_ALARM


def test_a_filter_that_forgets_the_drift_is_found_out() -> None:
    still = DriftModel(offset_walk_fs=30.0, rate_walk_fs_s=0.0, rate_fs_s=5.0)
    assert surprise(pulls(seed=1, model=still)) < FALSE_ALARM


def test_sigma_grows_with_time_and_never_falls_below_what_the_cables_allow() -> None:
    known = DriftFilter.begin(measured(1_000_000, 0))
    for number in range(1, 40):
        known = known.after(measured(1_000_000, 60.0 * number))
    later = [known.skew(tai(2_400 + s), ROOM_K, THEN).sigma_fs for s in (0, 60, 3_600, 86_400)]
    assert later == sorted(later)
    assert later[0] >= SYSTEMATIC_FS
    assert later[-1] > 1.5 * later[0]


def test_another_way_of_measuring_brings_it_below_what_the_cables_allow() -> None:
    known = DriftFilter.begin(measured(1_000_000, 0))
    scan = measured(1_060_000, 60, way=PHOTON_SCAN, random_fs=1_000.0, systematic_fs=2_000.0)
    skew = known.after(scan).skew(tai(61), ROOM_K, THEN)
    assert skew.sigma_fs < 10_000
    assert skew.value_fs == pytest.approx(1_060_000, abs=5_000)


def test_what_a_loopback_tells_is_freed_of_its_cables() -> None:
    cables = (Cable(25_000_000, 30_000.0), Cable(24_000_000, 40_000.0))
    found = SkewMeasured.by_loopback(PAIR, 1_500_000, 5_000.0, cables, BEGIN, ROOM_K, THEN)
    assert (found.value_fs, found.random_fs, found.systematic_fs) == (500_000, 5_000.0, 50_000.0)


def test_an_uncertain_temperature_makes_the_skew_uncertain() -> None:
    known = DriftFilter.begin(measured(0, 0))
    sharp = known.skew(tai(1), ROOM_K, THEN, sigma_k=0.0).sigma_fs
    blurred = known.skew(tai(1), ROOM_K, THEN, sigma_k=1.0).sigma_fs
    assert blurred == pytest.approx(math.hypot(sharp, MODEL.coefficient_fs_k))


def test_a_moved_epoch_is_refused_and_not_corrected() -> None:
    known = DriftFilter.begin(measured(1_000_000, 0))
    with pytest.raises(EpochMoved, match=r"node_a.q0.drive against .*: node_a: epoch 4 then, 5"):
        known.skew(tai(1), ROOM_K, NOW)
    again = known.after(measured(-7_000_000, 60, epochs=NOW))
    assert again.skew(tai(61), ROOM_K, NOW).value_fs == pytest.approx(-7_000_000, abs=1_000)
    with pytest.raises(EpochMoved, match="epoch 5 then, 4 now"):
        again.skew(tai(61), ROOM_K, THEN)


def test_a_jump_under_one_epoch_is_not_taken() -> None:
    known = DriftFilter.begin(measured(1_000_000, 0))
    with pytest.raises(SkewJumped, match="5000000 fs was measured, 1000000 fs"):
        known.after(measured(5_000_000, 60))


def test_what_comes_out_of_order_is_refused() -> None:
    known = DriftFilter.begin(measured(1_000_000, 60))
    with pytest.raises(OutOfOrder, match="60 s before the latest measurement"):
        known.after(measured(1_000_000, 0))
    with pytest.raises(OutOfOrder):
        known.skew(tai(0), ROOM_K, THEN)


def test_another_pair_is_not_mixed_in() -> None:
    other = replace(measured(0, 1), pair=Pair("node_c.q0.drive", "node_b.q0.drive"))
    with pytest.raises(ValueError, match=r"this is node_a.q0.drive against"):
        DriftFilter.begin(measured(0, 0)).after(other)


@pytest.mark.parametrize(
    "wrong",
    [{"random_fs": 0.0}, {"systematic_fs": -1.0}, {"random_fs": math.nan}, {"temperature_k": 0.0}],
)
def test_measurements_without_an_error_or_a_temperature_are_refused(wrong) -> None:
    with pytest.raises(ValueError, match=r"skew of node_a.q0.drive against"):
        measured(0, 0, **wrong)


class Regression:
    """The same skew by Gaussian process regression: all measurements at once, no filter.

    The offset is ``x0 + r0 t + a W(t) + b`` times the integral of another ``W``, of covariance
    ``a^2 min(s, t) + b^2 m^2 (3 M - m) / 6`` with m, M the earlier and the later of s and t
    (Rasmussen and Williams, Gaussian Processes for Machine Learning, Eq. 6.28). ``x0`` may be
    anything, and after a re-lock it and the rate are drawn anew.
    """

    ANYTHING_FS = 1e9

    def __init__(self, model: DriftModel) -> None:
        self.model = model
        self.found: list[SkewMeasured] = []

    def _prior(self, one: SkewMeasured, other: SkewMeasured) -> float:
        """Return the covariance of two skews, without errors of measurement."""
        model = self.model
        sensitivity = (one.temperature_k - ROOM_K) * (other.temperature_k - ROOM_K)
        common = model.coefficient_fs_k**2 * sensitivity
        if one.epochs != other.epochs:
            return common
        began = min(each.at for each in self.found if each.epochs == one.epochs)
        s, t = sorted((each.at - began) / FS_PER_S for each in (one, other))
        walks = model.offset_walk_fs**2 * s + model.rate_walk_fs_s**2 * s**2 * (3 * t - s) / 6
        return common + self.ANYTHING_FS**2 + model.rate_fs_s**2 * s * t + walks

    def _of_measurement(self, one: SkewMeasured, other: SkewMeasured) -> float:
        same = one.random_fs**2 if one is other else 0.0
        return same + (one.systematic_fs**2 if one.way == other.way else 0.0)

    def skew(self, after_s: float, temperature_k: float, epochs: Epochs) -> tuple[float, float]:
        """Return value and sigma, fs."""
        wanted = measured(0, after_s, temperature_k=temperature_k, epochs=epochs)
        pairs = [[(one, other) for other in self.found] for one in self.found]
        within = [
            [self._prior(*pair) + self._of_measurement(*pair) for pair in row] for row in pairs
        ]
        across = np.array([self._prior(one, wanted) for one in self.found], np.longdouble)
        gain = solve(np.array(within, np.longdouble), across)
        value = gain @ np.array([one.value_fs for one in self.found], np.longdouble)
        variance = self._prior(wanted, wanted) - gain @ across
        return float(value), math.sqrt(float(variance))


def solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the solution of a small linear system in long doubles, which numpy.linalg is not."""
    rows = np.concatenate([matrix, right[:, None]], axis=1)
    for k in range(len(rows)):
        pivot = k + int(np.argmax(np.abs(rows[k:, k])))
        rows[[k, pivot]] = rows[[pivot, k]]
        rows[k] /= rows[k, k]
        for other in range(len(rows)):
            if other != k:
                rows[other] -= rows[other, k] * rows[k]
    return rows[:, -1]


MODELS = {
    "as assumed": MODEL,
    "offset walks": DriftModel(offset_walk_fs=3_000.0, rate_walk_fs_s=0.0, rate_fs_s=0.01),
    "rate walks": DriftModel(offset_walk_fs=0.0, rate_walk_fs_s=0.3, rate_fs_s=0.01),
    "rate unknown": DriftModel(offset_walk_fs=1.0, rate_walk_fs_s=0.0, rate_fs_s=50.0),
    "warm": DriftModel(offset_walk_fs=10.0, rate_walk_fs_s=0.0, coefficient_fs_k=3e6),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("relock", [False, True])
def test_the_filter_tells_what_regression_over_all_measurements_tells(name, relock) -> None:
    model, draw = MODELS[name], np.random.default_rng(7)
    regression, after_s = Regression(model), 0.0
    known: DriftFilter | None = None
    for number in range(7):
        found = measured(
            0,
            after_s,
            way=PHOTON_SCAN if number in (2, 5) else LOOPBACK,
            random_fs=20_000.0 + 5_000.0 * number,
            systematic_fs=70_000.0 if number in (2, 5) else SYSTEMATIC_FS,
            temperature_k=ROOM_K + 0.3 * (number % 3),
            epochs=NOW if relock and number >= 4 else THEN,
        )
        expected_fs, sigma_fs = (
            regression.skew(after_s, found.temperature_k, found.epochs)
            if number not in ((0, 4) if relock else (0,))
            else (-3e6, 1e5)
        )
        value_fs = round(expected_fs + draw.normal(0, 1) * math.hypot(sigma_fs, RANDOM_FS))
        found = replace(found, value_fs=value_fs)
        regression.found.append(found)
        known = DriftFilter.begin(found, model) if known is None else known.after(found)
        for later_s in (0.0, 60.0, 40_000.0):
            skew = known.skew(tai(after_s + later_s), ROOM_K + 0.7, found.epochs, sigma_k=0.0)
            value, sigma = regression.skew(after_s + later_s, ROOM_K + 0.7, found.epochs)
            assert skew.sigma_fs == pytest.approx(sigma, rel=1e-5), (number, later_s)
            assert skew.value_fs == pytest.approx(value, abs=1 + 1e-4 * sigma), (number, later_s)
        after_s += float(draw.integers(100, 5_000))


def test_a_temperature_that_nobody_measured_is_in_the_sigma_from_the_first_measurement_on() -> None:
    blind = replace(MODEL, measured_k=0.3, temperature_k=0.0)
    of_room_fs = 0.3 * MODEL.coefficient_fs_k
    known = DriftFilter.begin(measured(0, 0), blind)
    sigma_fs = known.skew(tai(0), ROOM_K, THEN).sigma_fs
    assert sigma_fs == pytest.approx(math.hypot(RANDOM_FS, SYSTEMATIC_FS, of_room_fs), rel=1e-9)
    still = replace(blind, offset_walk_fs=0.0, rate_walk_fs_s=0.0, rate_fs_s=0.0)
    known = DriftFilter.begin(measured(0, 0), still)
    for number in range(1, 4):
        known = known.after(measured(0, number))
    # Four measurements in rooms that differ by chance: their scatter is averaged, not the cables'.
    of_one = math.hypot(RANDOM_FS, of_room_fs)
    sigma_fs = known.skew(tai(3), ROOM_K, THEN).sigma_fs
    assert sigma_fs == pytest.approx(math.hypot(of_one / 2, SYSTEMATIC_FS), rel=1e-9)


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_jump_begins_at_six_sigma_of_what_was_expected(sign: int) -> None:
    still = DriftModel(offset_walk_fs=0.0, rate_walk_fs_s=0.0, rate_fs_s=0.0)
    known = DriftFilter.begin(measured(0, 0), still)
    # Of two measurements the cables drop out: each is off by its random error.
    sigma_fs = RANDOM_FS * math.sqrt(2)
    known.after(measured(round(sign * 5.99 * sigma_fs), 60))
    with pytest.raises(SkewJumped):
        known.after(measured(round(sign * 6.01 * sigma_fs), 60))


@pytest.mark.parametrize("delays_ns", [(1, 2), (2, 1)])
def test_other_delays_of_the_triggers_begin_the_offset_anew(delays_ns) -> None:
    known = DriftFilter.begin(measured(0, 0, delays_ns=(2, 2)))
    with pytest.raises(SkewJumped):
        known.after(measured(9_000_000, 60, delays_ns=(2, 2)))
    again = known.after(measured(9_000_000, 60, delays_ns=delays_ns))
    assert again.skew(tai(60), ROOM_K, THEN).value_fs == pytest.approx(9_000_000, abs=1_000)
