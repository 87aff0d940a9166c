"""The drift filter against clocks that drift, drawn by a model of their own."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import stats

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


@pytest.mark.parametrize("relock", [False, True])
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
