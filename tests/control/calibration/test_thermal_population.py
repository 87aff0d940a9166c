"""The thermal population from shots that follow each other before the qubit forgets."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq
from tests.benches.calibration.honest_sigmas import assert_honest
from tests.benches.calibration.synthetic_data import NODE, Asked, MadeRunner, known, zero

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.preparation_errors import herald_is_blind_s
from podium.control.calibration.routines.thermal_population import COUNTED
from podium.control.calibration.sequences import Pulses
from podium.control.parameters.entry import Measured
from podium.control.program.program import Delay

THOROUGHNESS = 0.25
SIGMAS = (np.sqrt(0.03), np.sqrt(0.04))
"""Of both clouds along their line, in its length: as the parameters of the made facility say."""
THRESHOLD = 0.589
ERRORS = {
    "rare_false_excited": stats.norm.sf(THRESHOLD / SIGMAS[0]),
    "rare_false_ground": stats.norm.sf((1 - THRESHOLD) / SIGMAS[1]),
}


KELVIN_PER_HZ = 6.62607015e-34 / 1.380649e-23


LAG_S, PULSE_S = 1.4e-6, 52e-9
NOT_IN_ONE = float(-np.expm1(-(LAG_S + PULSE_S / 2) / 33e-6))
"""Decayed between the pulse and a readout that comes late: more than from level 2 would show."""


class Chain:
    """A qubit at rest, read again and again: a Markov chain of three states."""

    def __init__(self, population: float, t1_s: float, off_v: complex = 0j) -> None:
        self.population, self.t1_s, self.off_v = population, t1_s, off_v

    def second(self) -> float:
        """Return the population of level 2 at the temperature that the one of level 1 tells."""
        if self.population == 0:
            return 0.0
        design = MadeRunner(zero).facility.qubits()[f"{NODE}.q0"].design
        lines_hz = np.cumsum([0, design["f01"].value, design["anharmonicity"].value])
        levels_hz = np.array([0, lines_hz[1], lines_hz[1] + lines_hz[2]])

        def shares(log_kelvin: float) -> np.ndarray:
            weights = np.exp(-levels_hz * KELVIN_PER_HZ / np.exp(log_kelvin))
            return np.asarray(weights / weights.sum())

        kelvin = brentq(lambda x: shares(x)[1] - self.population, np.log(0.01), np.log(0.3))
        return float(shares(kelvin)[2])

    def states(self, count: int, wait_s: float, rng: np.random.Generator) -> np.ndarray:
        """Return each shot's state: with what has not relaxed since, that of the shot before."""
        anew = rng.random(count) > np.exp(-wait_s / self.t1_s)
        anew[0] = True
        latest = np.maximum.accumulate(np.where(anew, np.arange(count), 0))
        drawn, second = rng.random(count), self.second()
        states = np.where(drawn < self.population, 1, np.where(drawn > 1 - second, 2, 0))
        return np.asarray(states[latest])

    def __call__(self, asked: Asked, rng: np.random.Generator) -> np.ndarray:
        count = asked.program.shots
        waits = [one.duration_fs for one in asked.program.body if isinstance(one, Delay)]
        dark_s = sum(float(one) for one in waits) * 1e-15  # type: ignore[arg-type]
        state = self.states(count, dark_s + blind_s(), rng)
        sigma = 2e-3 * np.where(state == 1, SIGMAS[1], SIGMAS[0])
        noise = rng.normal(0, sigma, (2, count))
        places = np.array([1e-3, -1e-3, -0.5e-3 + 0.8e-3j])  # as the made parameters have them
        return places[state] + noise[0] + 1j * noise[1] + self.off_v


@cache
def blind_s() -> float:
    """Return for how long a herald takes for 0 what is lifted meanwhile, s."""
    runner = MadeRunner(Chain(0, 1))
    (qubit,) = [q for q in runner.facility.qubits().values() if q.element == "q0"]
    bench = Bench(runner, NODE, (qubit,), known(runner.facility), keep=lambda _: None)
    return herald_is_blind_s(Pulses(bench, qubit))


async def measured(make: Chain, seed: int, thoroughness: float = THOROUGHNESS) -> Outcome:
    runner = MadeRunner(make, seed)
    record = known(runner.facility)
    qubit = runner.facility.qubits()[f"{NODE}.q0"]
    apart = 1 - sum(ERRORS.values())
    lifted = make.population * 1.5e-6 / t1_known() * apart
    as_prepared = {
        "rare_false_excited": ERRORS["rare_false_excited"] + lifted,
        "rare_false_ground": ERRORS["rare_false_ground"] + NOT_IN_ONE * apart,
        "thermal_population": 0.8 * make.population,
        "t2_echo": 2 * t1_known(),
        "readout_lag": LAG_S,
    }
    t1 = record.get(f"{qubit.name}.t1")
    assert t1 is not None
    for name, value in as_prepared.items():
        entry = record.get(f"{qubit.name}.{name}") or replace(t1, name=f"{qubit.name}.{name}")
        record.put([replace(entry, value=float(value))])
    bench = Bench(runner, NODE, (qubit,), record, keep=lambda _: None, thoroughness=thoroughness)
    (outcome,) = [one async for one in bring_up(bench, ("thermal_population",))]
    return outcome


async def population_of(make: Chain, seed: int) -> Measured:
    outcome = await measured(make, seed)
    assert outcome.failures == {}
    return outcome.measured[f"{NODE}.q0.thermal_population"]


def t1_known() -> float:
    facility = MadeRunner(Chain(0, 1)).facility
    return facility.qubits()[f"{NODE}.q0"].design["t1"].value


@pytest.mark.parametrize("sets", [200, pytest.param(600, marks=pytest.mark.slow)])
async def test_correlated_shots_scatter_by_their_sigma(sets: int) -> None:
    truth = 0.02
    make = Chain(truth, t1_known())
    found = [await population_of(make, seed) for seed in range(sets)]
    assert_honest({"population": np.array([(one.value - truth) / one.sigma for one in found])})
    if sets == 200:
        pulls = [(one.value - truth) / one.sigma for one in found]
        assert 0.85 < np.std(pulls) < 1.15  # of fixed seeds; 3 sigma of such a scatter


async def test_neither_level_2_nor_what_has_decayed_is_taken_for_1() -> None:
    """Of a warm qubit each would make a sigma or two of one scan."""
    truth = 0.08
    make = Chain(truth, t1_known())
    found = [await population_of(make, seed) for seed in range(24)]
    mean = np.mean([one.value for one in found])
    sigma = np.mean([one.sigma for one in found]) / np.sqrt(len(found))
    assert make.second() * 0.8 > 8 * sigma
    assert truth * NOT_IN_ONE > 4 * sigma
    assert abs(mean - truth) < 4 * sigma


async def test_of_a_cold_qubit_there_is_a_sigma_all_the_same() -> None:
    found = [await population_of(Chain(0.0, t1_known()), seed) for seed in range(40)]
    pulls = np.array([one.value / one.sigma for one in found])
    assert np.all(np.abs(pulls) < 5)
    assert all(1e-5 < one.sigma < 3e-3 for one in found)


async def test_shots_that_lie_where_no_cloud_is_are_refused() -> None:
    """Across the line between both clouds as well: the projection does not see that."""
    outcome = await measured(Chain(0.02, t1_known(), off_v=0.8e-3j), seed=1)
    (reason,) = outcome.failures.values()
    assert "are read where single shots have found 0 and 1" in reason
    assert outcome.measured == {}


@pytest.mark.parametrize("truth", [0.003, 0.02])
async def test_as_many_shots_are_taken_as_the_sigma_needs(truth: float) -> None:
    """Where the population is known roughly: of a warm qubit several times as many."""
    found = (await measured(Chain(truth, t1_known()), 3, thoroughness=1.0)).measured
    (one,) = found.values()
    assert 0.85 * COUNTED < one.sigma < 1.25 * COUNTED
    assert abs(one.value - truth) < 5 * one.sigma
