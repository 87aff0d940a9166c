"""Scatter of made-up repetitions. Seeds are fixed; an honest draw breaks a limit of 1e-6 once in a
million."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.campaign.synthetic_worlds import made_worlds, with_scans

from podium.control.campaign.repeatability import (
    RepeatedValue,
    RepeatSeries,
    repeatability,
    scatter_squares,
    series_of,
    starts_pull,
    two_scans,
)

CHANCE = 1e-6


def made_series(
    scatter: float, *, shift: float = 0.0, repeats: int = 20, qubits: int = 3
) -> list[RepeatSeries]:
    """Return T1 of three qubits, sigma 0.4 us; every other value is shifted by so many sigma."""
    draw = np.random.default_rng(11)
    made, sigma = [], 0.4e-6
    for qubit in range(qubits):
        noise = draw.standard_normal(repeats)
        values = tuple(
            RepeatedValue(33e-6 + sigma * (scatter * noise[k] + shift * (k % 2)), sigma, k % 2 > 0)
            for k in range(repeats)
        )
        made.append(RepeatSeries("relaxation", 2, True, f"node_a.q{qubit}.t1", values, 33e-6))
    return made


def test_honest_repetitions_scatter_by_their_sigma() -> None:
    (row,) = repeatability(made_series(1.0), CHANCE)
    assert (row.series, row.freedom, row.broken) == (3, 54, ())
    assert 0.7 < row.scatter < 1.3


@pytest.mark.parametrize(("scatter", "why"), [(0.5, "too large"), (2.0, "too small")])
def test_sigmas_wrong_by_two_are_seen_in_twenty_repetitions(scatter: float, why: str) -> None:
    (row,) = repeatability(made_series(scatter), CHANCE)
    assert why in row.broken[0]


def test_a_result_that_depends_on_the_start_is_seen_and_is_no_scatter() -> None:
    (row,) = repeatability(made_series(1.0, shift=3.0), CHANCE)
    assert 0.7 < row.scatter < 1.3
    assert row.starts > 5
    assert all(said.startswith("from two starts: ") for said in row.broken)
    assert row.broken


def test_the_scatter_is_about_the_weighted_mean_with_its_freedom_counted() -> None:
    values = [RepeatedValue(1.0, 1.0), RepeatedValue(3.0, 1.0)]
    assert scatter_squares(values) == (pytest.approx(2.0), 1)
    assert scatter_squares(values[:1]) == (0.0, 0)
    one_vague = [RepeatedValue(1.0, 1.0), RepeatedValue(3.0, 1e6)]
    assert scatter_squares(one_vague)[0] == pytest.approx(0.0, abs=1e-9)


def test_the_difference_of_two_starts_is_told_in_its_own_sigma() -> None:
    values = [RepeatedValue(1.0, 1.0), RepeatedValue(3.0, 1.0, True)]
    assert starts_pull(values) == pytest.approx(2 / 2**0.5)
    assert np.isnan(starts_pull(values[:1]))


@pytest.mark.parametrize(
    "change",
    [{"settled": False}, {"name": "node_a.q0.probe_amplitude"}],
    ids=["biases", "settings"],
)
def test_what_is_not_meant_to_agree_is_shown_and_not_judged(change: dict) -> None:
    (row,) = repeatability([replace(one, **change) for one in made_series(9.0)], CHANCE)
    assert row.scatter > 5
    assert row.broken == ()


def test_series_are_told_apart_by_world_step_and_parameter() -> None:
    def step(routine: str, t1: float) -> dict:
        one = {"value": t1, "sigma": 1e-6, "unit": "s"}
        return {"routine": routine, "measured": {"node_a.q0.t1": one}}

    steps = [step("relaxation", 1.0), step("sweet_spot", 2.0), step("relaxation", 3.0)]
    repetitions = [{"moved": bool(k), "steps": steps} for k in range(2)]
    truth = {"node_a.q0.t1": {"value": 33e-6, "unit": "s"}}
    results = [{"seed": k, "truth": truth, "repetitions": repetitions} for k in range(2)]
    found = series_of(results)
    keys = [(one.routine, one.nth, one.settled, len(one.values)) for one in found]
    assert keys == 2 * [
        ("relaxation", 1, False, 2),
        ("sweet_spot", 1, True, 2),
        ("relaxation", 2, True, 2),
    ]
    assert [v.moved for v in found[0].values] == [False, True]
    assert found[0].truth == 33e-6


@pytest.mark.parametrize("pull", [0.5, 1.0, 2.0])
def test_two_scans_in_one_bring_up_are_compared_over_all_worlds(pull: float) -> None:
    (one,) = two_scans([with_scans(record, pull) for record in made_worlds()])
    assert (one.routine, one.quantity, one.differences.count) == ("relaxation", "t1", 120)
    assert one.differences.rms == pytest.approx(pull, rel=0.25)
    assert bool(one.broken) == (pull != 1.0)


def test_two_scans_of_a_world_that_drifts_are_not_compared() -> None:
    drifting = [replace(with_scans(one, 9.0), options=("--drift",)) for one in made_worlds(4)]
    assert two_scans(drifting) == ()
