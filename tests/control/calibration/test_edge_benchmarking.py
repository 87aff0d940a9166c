"""Benchmarking finds errors and leakage that a pair in formulas has, with honest sigmas."""

import numpy as np
import pytest
from tests.benches.calibration.benchmarked_bench import EDGE, FACILITY, bench_of, measured
from tests.benches.calibration.benchmarked_pair import BenchmarkedPair
from tests.benches.calibration.coupled_pair import CoupledPair, populations
from tests.benches.calibration.synthetic_data import know_gates
from tests.benches.thoroughness import cases

from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.catalogue import EDGE_BRING_UP
from podium.control.calibration.edge_benchmarking import PlayedGates, levels_program
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.two_qubit_cliffords import draw
from podium.control.program.program import Delay

LINES = ("cryoscope", "flux_delay")
JUDGES = ("bell_state", "interleaved_benchmarking", "error_budget")
GATES = tuple(one for one in EDGE_BRING_UP if one not in (*LINES, *JUDGES))


async def pulls(pair: BenchmarkedPair, seeds: range) -> dict[str, np.ndarray]:
    """Return (found - true) / sigma of all that is found, over seeds."""
    true = {
        "clifford_error": pair.clifford_error,
        "clifford_leakage": pair.clifford_leakage,
        "gate_error": pair.gate_error,
        "gate_leakage": pair.leakage,
    }
    off: dict[str, list[float]] = {name: [] for name in true}
    for seed in seeds:
        for routine in ("randomised_benchmarking", "interleaved_benchmarking"):
            outcome, found = await measured(routine, pair, seed)
            assert outcome.failures == {}, seed
            for name in true.keys() & {one.rpartition(".")[2] for one in outcome.measured}:
                off[name].append((found[name].value - true[name]) / found[name].sigma)
    return {name: np.array(one) for name, one in off.items()}


async def test_a_pair_in_formulas_is_found() -> None:
    worlds = cases(1, 2)
    found = await pulls(BenchmarkedPair(), range(worlds))
    assert all(np.all(np.abs(one) < 5) for one in found.values()), found
    assert all(len(one) == worlds for one in found.values())


async def test_by_gates_that_were_calibrated_sequences_come_back_to_their_targets() -> None:
    """Frames turn as the pair of levels does, whose flux pulses are no ideal CZ."""
    pair = CoupledPair()
    bench = bench_of(pair, 5)
    pair.place = 1.02 * EdgePulses.of(bench, EDGE).resonance()
    assert not any([one.failures async for one in bring_up(bench, GATES)])
    gates = PlayedGates.of(EdgePulses.of(bench, EDGE))
    for length in (1, 8):
        for k in range(4):
            drawn = draw(length, (9, length, k), interleaved=bool(k % 2))
            chances = populations(pair, gates.program(drawn, 16, "sequence"))[0]
            assert chances[[0, 1, 3, 4][drawn.target]] > 0.98


async def test_a_shot_begins_when_what_the_one_before_left_is_forgotten() -> None:
    """Level 2 decays over 1: ``2 exp(-t / T1)`` of it is in 1 then."""
    bench = bench_of(BenchmarkedPair(), 1)
    know_gates(FACILITY, bench.known_now.record)
    p = EdgePulses.of(bench, EDGE)
    drawn = draw(4, (9, 4, 0))
    programs = (
        PlayedGates.of(p).program(drawn, 16, "sequence"),
        levels_program(p, 16, second=True),
    )
    t1_s = max(bench.best(one.qubit, "t1") for one in p.both)
    for program in programs:
        wait = program.body[0]
        assert isinstance(wait, Delay)
        assert 2 * np.exp(-1e-15 * wait.duration_fs / t1_s) < 5e-4


async def test_each_benchmarking_draws_sequences_of_its_own() -> None:
    """And the same again where its first run is the same one, as in a refit."""
    played = []
    for seed in (1, 1, 2):
        bench = bench_of(BenchmarkedPair(left=0.8, leakage=0.0), seed)
        know_gates(FACILITY, bench.known_now.record)
        _ = [one async for one in bring_up(bench, ("randomised_benchmarking",))]
        played.append([one.attrs["program_json"] for one in bench.runner.datasets[1:7]])
    assert played[0] == played[1]
    assert not set(played[0]) & set(played[2])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "pair", [BenchmarkedPair(), BenchmarkedPair(left=0.995, leakage=5e-4), BenchmarkedPair(0.96)]
)
async def test_errors_scatter_as_their_sigmas_say(pair: BenchmarkedPair) -> None:
    found = await pulls(pair, range(1000, 1040))
    for name, one in found.items():
        # what comes back of leakage is doubted, and is the same in all of these
        least = 0.4 if name.endswith("leakage") else 0.7
        assert least < np.std(one) < 1.4, name
        assert abs(np.mean(one)) < 0.7, name
