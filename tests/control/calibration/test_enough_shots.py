"""Shots that sigmas need: more of what lives long, fewer where the sigma would be far below."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.calibration.synthetic_data import NODE, MadeRunner, known, no_line

from podium.control.calibration.bench import Bench
from podium.control.calibration.enough_shots import (
    ADDED_TIMES,
    AIMED_AT,
    ENOUGH,
    FEWEST,
    MOST,
    WITHIN,
    enough_shots,
    measure_on,
)
from podium.control.calibration.enough_shots import further_shots as further_of_decay
from podium.control.calibration.fits.least_squares import Fit, FitFailed
from podium.control.calibration.routines.single_shot import (
    KNOWN,
    LEAST_COUNTED,
    MOST_RUNS,
    _Clouds,
    _counted_to,
    _told_apart,
    further_shots,
)
from podium.control.calibration.sequences import all_pulses
from podium.control.facility.facility import Qubit

SHOTS, RELATIVE = 1000, 0.03


def bench_with_t1(t1_s: float | None, thoroughness: float = 1.0) -> Bench:
    runner = MadeRunner(no_line, 1)
    record = known(runner.facility)
    template = record.get(f"{NODE}.q0.f01")
    assert template is not None
    if t1_s is None:
        record.replace(one for name, one in record.all().items() if not name.endswith(".t1"))
    for k in range(3):
        if t1_s is not None:
            record.put([replace(template, name=f"{NODE}.q{k}.t1", value=t1_s * (1 - 0.1 * k))])
    qubits = tuple(runner.facility.qubits().values())
    return Bench(runner, NODE, qubits, record, lambda _: None, thoroughness=thoroughness)


@pytest.mark.parametrize("t1_s", [20e-6, 45e-6])
def test_the_longest_lived_qubit_gets_the_sigma_that_is_wanted(t1_s: float) -> None:
    bench = bench_with_t1(t1_s)
    found = enough_shots(bench, bench.qubits, "t1", SHOTS, RELATIVE)
    sigma = RELATIVE * t1_s * np.sqrt(SHOTS / found)
    assert sigma == pytest.approx(ENOUGH * bench.qubits[0].design["t1"].spread, rel=0.01)


@pytest.mark.parametrize(("t1_s", "share"), [(2e-6, FEWEST), (300e-6, MOST), (None, 1.0)])
def test_shots_stay_within_bounds_and_as_usual_where_nothing_is_known(
    t1_s: float | None, share: float
) -> None:
    bench = bench_with_t1(t1_s)
    assert enough_shots(bench, bench.qubits, "t1", SHOTS, RELATIVE) == round(share * SHOTS)


def test_a_rough_scan_is_a_share_of_the_usual_one() -> None:
    bench = bench_with_t1(20e-6, thoroughness=0.3)
    assert enough_shots(bench, bench.qubits, "t1", SHOTS, RELATIVE) == 0.3 * SHOTS


def test_shots_are_added_where_the_worst_sigma_came_out_too_wide() -> None:
    bench = bench_with_t1(30e-6)
    spread = bench.qubits[0].design["t2_ramsey"].spread
    sigmas = {"q0": 0.9 * WITHIN, "q1": 0.23, "q2": None}

    def fit(qubit: Qubit) -> Fit:
        sigma = sigmas[qubit.element]
        if sigma is None:
            raise FitFailed("no fringes")
        return Fit({"decay": 25e-6}, {"decay": sigma * spread}, np.eye(1), ("decay",), 1.0, 100)

    more = further_of_decay(bench.qubits, "t2_ramsey", fit, 200)
    assert 0.23 * np.sqrt(200 / (200 + more)) == pytest.approx(AIMED_AT, rel=0.01)
    sigmas["q1"] = 0.99 * WITHIN
    assert further_of_decay(bench.qubits, "t2_ramsey", fit, 200) == 0


@pytest.mark.parametrize(("kept_up", "runs"), [(0, 1), (1, 2), (9, ADDED_TIMES)])
async def test_shots_are_added_again_where_the_scatter_has_grown_with_them(
    kept_up: int, runs: int
) -> None:
    bench, counts = bench_with_t1(None), [200]
    spread = bench.qubits[0].design["t2_ramsey"].spread

    def fit(_: Qubit) -> Fit:
        # As if the scatter of the first runs were said to be too large once they are there.
        grown = 1.4 ** min(kept_up, len(counts) - 1)
        sigma = grown * 0.23 * np.sqrt(200 / sum(counts)) * spread
        return Fit({"decay": 25e-6}, {"decay": sigma}, np.eye(1), ("decay",), 1.0, 100)

    async def run(shots: int) -> None:
        counts.append(shots)

    await measure_on(bench.qubits, "t2_ramsey", fit, counts, run)
    assert len(counts) == 1 + runs
    if kept_up < 9:
        assert fit(bench.qubits[0]).sigmas["decay"] < WITHIN * spread


def clouds(shots: int, wrong: float) -> _Clouds:
    """Return clouds far apart, of which that share is read as the other one."""
    rng = np.random.default_rng(5)

    def read(state: float, count: int) -> np.ndarray:
        place = np.where(rng.random(count) < wrong, 1 - state, state)
        return place + rng.normal(0, 0.05, count) + 1j * rng.normal(0, 0.05, count)

    rest = np.stack([read(0, 200), read(1, 200)], axis=1)
    herald = rng.normal(0, 0.05, (shots, 3)) + 0j
    after = np.stack([read(0, shots), read(1, shots), read(1, shots)], axis=1)
    return _Clouds(rest, (herald,), after)


@pytest.mark.parametrize("wrong", [0.0005, 0.004, 0.2])
def test_further_single_shots_bring_the_counted_sigma_to_what_is_wanted(wrong: float) -> None:
    shots = 20_000
    first = clouds(shots, wrong)
    [(_, seen)] = _told_apart({"q": first})
    further = further_shots([(seen.sigma, KNOWN)], shots)
    ground, excited = (len(one) for one in first.heralded())
    sigma = np.sqrt(wrong * (1 - wrong) * (1 / ground + 1 / excited)) / 2
    needed = min(max((sigma / KNOWN) ** 2, 1.0), MOST_RUNS)
    assert shots + sum(further) == pytest.approx(needed * shots, rel=0.2)
    assert all(one <= shots for one in further)


def test_qubits_that_are_not_told_apart_need_no_further_shots() -> None:
    assert _told_apart({"q": clouds(2000, 0.5)}) == []
    assert further_shots([], 2000) == ()


def test_the_less_is_known_of_what_is_taken_out_the_better_are_errors_counted() -> None:
    """A thermal population that is known badly is in the fidelity's sigma as well."""
    [(_, seen)] = _told_apart({"q": clouds(20_000, 0.004)})
    name, wanted = f"{NODE}.q0", []
    for doubt in (1e-5, 0.01, 0.041, 0.12):
        bench = bench_with_t1(300e-6)
        template = bench.record.get(f"{name}.f01")
        assert template is not None
        entry = replace(template, name=f"{name}.thermal_population", value=0.01, sigma=doubt)
        bench.record.put([replace(entry, unit="1")])
        wanted.append(_counted_to(bench, all_pulses(bench, bench.qubits), name, seen))
    assert KNOWN > wanted[0] > 1.02 * wanted[1] > 1.02 * wanted[2] == 1.02 * LEAST_COUNTED
    assert wanted[3] > KNOWN, "where it would not help, nothing is counted further"
