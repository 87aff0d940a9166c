"""The thermal population from shots that follow each other before the qubit forgets."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import stats
from tests.benches.calibration.honest_sigmas import assert_honest
from tests.benches.calibration.synthetic_data import NODE, Asked, MadeRunner, known
from tests.benches.thoroughness import sampled

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.preparation_errors import herald_timings
from podium.control.calibration.readout_jumps import JumpsByLine, ReadoutJumps, readout_jumps
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.routines.thermal_population import KNOWN, _chain
from podium.control.calibration.sequences import Pulses
from podium.control.facility.facility import DriveWiring
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


LAG_S, PULSE_S = 1.4e-6, 52e-9
NOT_IN_ONE = float(-np.expm1(-(LAG_S + PULSE_S / 2) / 33e-6))
"""Decayed between the pulse and a readout that comes late."""


class Chain:
    """A qubit at rest, read again and again: how long it stays in 0 and in 1 is drawn."""

    def __init__(self, population: float, t1_s: float, off_v: complex = 0j) -> None:
        self.population, self.t1_s, self.off_v = population, t1_s, off_v

    def states(self, count: int, dark_s: float, rng: np.random.Generator) -> np.ndarray:
        """Return each shot's state as it is seen; it begins in 0."""
        jumps, seen, blind_s, probe_s = reading()
        lifts, falls, early = (
            share * float(-np.expm1(-after_s / self.t1_s))
            for share, after_s in (
                (self.population, dark_s + blind_s),
                (1 - self.population, dark_s + probe_s + jumps.hastened_s),
                (1.0, seen.fallen_below),
            )
        )
        lifts += (1 - lifts) * self.population * seen.lifted_above / self.t1_s
        if lifts == 0:
            return np.zeros(count, dtype=int)
        stays = np.empty(2 * int(10 + 2 * count * lifts), dtype=int)
        stays[::2] = rng.geometric(lifts, stays.size // 2)
        stays[1::2] = rng.geometric(falls, stays.size // 2)
        assert stays.sum() > count
        # Of the last readings in 1 some are lost: the qubit falls while they begin.
        lost = rng.random(stays.size // 2) < early / falls
        stays[1::2] -= lost
        stays[2::2] += lost[:-1]
        return np.repeat(np.arange(stays.size) % 2, stays)[:count]

    def __call__(self, asked: Asked, rng: np.random.Generator) -> np.ndarray:
        count = asked.program.shots
        waits = [one.duration_fs for one in asked.program.body if isinstance(one, Delay)]
        dark_s = sum(float(one) for one in waits) * 1e-15  # type: ignore[arg-type]
        state = self.states(count, dark_s, rng)
        sigma = 2e-3 * np.where(state == 1, SIGMAS[1], SIGMAS[0])
        noise = rng.normal(0, sigma, (2, count))
        places = np.array([1e-3, -1e-3])  # as the made parameters have them
        return places[state] + noise[0] + 1j * noise[1] + self.off_v


@cache
def reading() -> tuple[ReadoutJumps, JumpsByLine, float, float]:
    """Return the jumps during a readout, and how they show by the threshold.

    And for how long it is blind as a herald, and its pulse's length, s: as worked out where
    ``test_readout_jumps`` judges it.
    """
    runner = MadeRunner(Chain(0, 1))
    (qubit,) = [q for q in runner.facility.qubits().values() if q.element == "q0"]
    bench = Bench(runner, NODE, (qubit,), known(runner.facility), keep=lambda _: None)
    one, reference = Pulses(bench, qubit), levels(bench, qubit)
    jumps = readout_jumps(one)
    seen = jumps.by_line(THRESHOLD, reference.ground_variance)
    return jumps, seen, jumps.herald_is_blind_s(reference), 1e-9 * one.probe_ns


def bench_of(make: Chain, seed: int, thoroughness: float = THOROUGHNESS) -> Bench:
    """Return a bench with the errors of the readout as single shots would have found them."""
    runner = MadeRunner(make, seed)
    record = known(runner.facility)
    qubit = runner.facility.qubits()[f"{NODE}.q0"]
    apart = 1 - sum(ERRORS.values())
    lifted = make.population * 1.5e-6 / t1_known() * apart
    early = float(-np.expm1(-reading()[1].fallen_below / t1_known()))
    as_prepared = {
        "rare_false_excited": ERRORS["rare_false_excited"] + lifted,
        "rare_false_ground": ERRORS["rare_false_ground"] + (NOT_IN_ONE + early) * apart,
        "thermal_population": 0.8 * make.population,
        "t2_echo": 2 * t1_known(),
        "readout_lag": LAG_S,
    }
    t1 = record.get(f"{qubit.name}.t1")
    assert t1 is not None
    for name, value in as_prepared.items():
        entry = record.get(f"{qubit.name}.{name}") or replace(t1, name=f"{qubit.name}.{name}")
        record.put([replace(entry, value=float(value))])
    return Bench(runner, NODE, (qubit,), record, keep=lambda _: None, thoroughness=thoroughness)


async def measured(make: Chain, seed: int, thoroughness: float = THOROUGHNESS) -> Outcome:
    bench = bench_of(make, seed, thoroughness)
    (outcome,) = [one async for one in bring_up(bench, ("thermal_population",))]
    return outcome


async def population_of(make: Chain, seed: int) -> Measured:
    outcome = await measured(make, seed)
    assert outcome.failures == {}
    return outcome.measured[f"{NODE}.q0.thermal_population"]


def t1_known() -> float:
    facility = MadeRunner(Chain(0, 1)).facility
    return facility.qubits()[f"{NODE}.q0"].design["t1"].value


def test_lifts_that_are_seen_twice_are_as_many_as_are_drawn() -> None:
    """Of a warm qubit, so that a per cent shows: what falls early in a readout makes more of it."""
    population, dark_s, count = 0.05, 7e-6, 8_000_000
    make = Chain(population, t1_known())
    rng = np.random.default_rng(8)
    state = make.states(count, dark_s, rng)
    up = state + rng.normal(0, np.take(SIGMAS, state)) > THRESHOLD
    drawn = np.mean((up[1:-1] & up[2:])[state[:-2] == 0])
    bench = bench_of(make, 0)
    (qubit,) = bench.qubits
    timing = herald_timings([Pulses(bench, qubit)])[qubit.name]
    share = _chain(bench, qubit, dark_s, timing)
    assert share(population) == pytest.approx(drawn, rel=7e-3)
    early = reading()[1].fallen_below / t1_known()
    assert early > 7e-3, "would show"


@pytest.mark.parametrize("sets", sampled((60, 600), kept=(60,)))
async def test_correlated_shots_scatter_by_their_sigma(sets: int) -> None:
    truth = 0.02
    make = Chain(truth, t1_known())
    found = [await population_of(make, seed) for seed in range(sets)]
    assert_honest({"population": np.array([(one.value - truth) / one.sigma for one in found])})
    if sets == 60:
        pulls = [(one.value - truth) / one.sigma for one in found]
        assert 0.72 < np.std(pulls) < 1.28  # of fixed seeds; 3 sigma of such a scatter


async def test_what_has_decayed_before_a_readout_is_no_error_of_it() -> None:
    """Of a warm qubit that would make a sigma or two of one scan."""
    truth = 0.08
    make = Chain(truth, t1_known())
    found = [await population_of(make, seed) for seed in range(24)]
    mean = np.mean([one.value for one in found])
    sigma = np.mean([one.sigma for one in found]) / np.sqrt(len(found))
    assert 2 * truth * NOT_IN_ONE > 4 * sigma  # of both readouts that find 1
    assert abs(mean - truth) < 4 * sigma


async def test_of_a_cold_qubit_there_is_a_sigma_all_the_same() -> None:
    found = [await population_of(Chain(0.0, t1_known()), seed) for seed in range(20)]
    pulls = np.array([one.value / one.sigma for one in found])
    assert np.all(np.abs(pulls) < 5)
    assert all(1e-5 < one.sigma < 3e-3 for one in found)


async def test_shots_that_lie_where_no_cloud_is_are_refused() -> None:
    """Across the line between both clouds as well: the projection does not see that."""
    outcome = await measured(Chain(0.02, t1_known(), off_v=0.8e-3j), seed=1)
    (reason,) = outcome.failures.values()
    assert "are read where single shots have found 0 and 1" in reason
    assert outcome.measured == {}


@pytest.mark.parametrize("truth", [0.003, 0.012])
async def test_as_many_shots_are_taken_as_the_sigma_needs(truth: float) -> None:
    """Where the population is known roughly: of a warm qubit several times as many."""
    found = (await measured(Chain(truth, t1_known()), 3, thoroughness=1.0)).measured
    (one,) = found.values()
    assert 0.85 * KNOWN < one.sigma < 1.05 * KNOWN
    assert abs(one.value - truth) < 5 * one.sigma


@pytest.mark.parametrize(("apart_hz", "found"), [(3e6, False), (-8e6, False), (30e6, True)])
async def test_beside_a_carrier_that_leaks_nothing_is_taken_for_heat(
    apart_hz: float, found: bool
) -> None:
    runner = MadeRunner(Chain(0.04, t1_known()), 1)
    (qubit,) = [q for q in runner.facility.qubits().values() if q.element == "q2"]
    wiring = runner.facility.wiring[qubit.drive_port]
    assert isinstance(wiring, DriveWiring)
    assert wiring.modulator is not None
    record = known(runner.facility)
    entry = record.get(f"{qubit.name}.f01")
    assert entry is not None
    record.put([replace(entry, value=wiring.lo_hz + apart_hz)])
    bench = Bench(runner, NODE, (qubit,), record, keep=lambda _: None, thoroughness=THOROUGHNESS)
    (outcome,) = [one async for one in bring_up(bench, ("thermal_population",))]
    assert (f"{qubit.name}.thermal_population" in outcome.measured) == found
    if not found:
        assert "lo_q2" in outcome.failures[qubit.name]
        assert "wiring > node_a.q2.drive > lo" in outcome.failures[qubit.name]
