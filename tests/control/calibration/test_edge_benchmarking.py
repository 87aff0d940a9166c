"""Benchmarking finds errors and leakage that a pair in formulas has, with honest sigmas."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from tests.benches.calibration.benchmarked_bench import EDGE, FACILITY, bench_of, measured
from tests.benches.calibration.benchmarked_pair import BenchmarkedPair
from tests.benches.calibration.coupled_pair import CoupledPair, populations
from tests.benches.calibration.synthetic_data import Asked, know_gates
from tests.benches.thoroughness import cases

from podium.control.calibration.bench import iq_of
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.catalogue import EDGE_BRING_UP
from podium.control.calibration.edge_benchmarking import (
    SHOTS,
    PlayedGates,
    benchmark,
    levels_program,
)
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.two_qubit_cliffords import draw
from podium.control.program.program import Delay, Program

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


@dataclass
class HotPair(BenchmarkedPair):
    """A pair of which each end begins in 1 in a share of the shots, as heralds see."""

    hot: float = 0.3
    begun: dict[int, tuple[Program, np.ndarray]] = field(default_factory=dict)

    def __call__(self, asked: Asked, rng: np.random.Generator) -> np.ndarray:
        program, end = asked.program, int(asked.element == "q1")
        if id(program) not in self.begun:
            shape = (2, program.shots, *asked.shape)
            self.begun[id(program)] = (program, rng.random(shape) < self.hot)
        in_1 = self.begun[id(program)][1][end]
        ground, excited = self.levels_v[:2]
        if "herald" in asked.capture:
            noise = rng.normal(0, self.noise_v, (2, *in_1.shape))
            return np.where(in_1, excited, ground) + noise[0] + 1j * noise[1]
        # a bit that is wrong at the beginning is so at the end
        return np.where(in_1, ground + excited, 0) + np.where(in_1, -1, 1) * super().__call__(
            asked, rng
        )


async def test_shots_that_began_in_1_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("podium.control.calibration.edge_pulses.polarisation", lambda *_: 0.4)
    bench = bench_of(HotPair(leakage=0.0), 3)
    know_gates(FACILITY, bench.known_now.record)
    p = EdgePulses.of(bench, EDGE)
    assert p.heralds
    (scan,) = await benchmark(p, Outcome("benchmarking", "Benchmarking"), (False,))
    for one in scan.assignments():
        assert np.diag(one.matrix)[:2].min() > 0.85
    counted = len(iq_of(scan.data[1][0], "q0")) * 0.7**2
    assert counted == pytest.approx(SHOTS, rel=0.05)
    found = scan.populations()
    pair = BenchmarkedPair(leakage=0.0)
    wanted = 0.75 * (1 - 4 / 3 * pair.clifford_error)
    assert found.signal[0].mean() == pytest.approx(wanted, abs=0.03)


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
