"""Benchmarking finds errors and leakage that a pair in formulas has, with honest sigmas."""

import numpy as np
import pytest
from tests.benches.calibration.benchmarked_pair import BenchmarkedPair
from tests.benches.calibration.synthetic_data import MadeRunner, know_gates, known
from tests.benches.docs.pages import ROOT

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.outcome import Outcome
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import ParameterEntry

FACILITY = load_facility(ROOT / "examples" / "two_qubit" / "facility.yaml")
EDGE = FACILITY.edges()["node_a.q0_q1"]
Stored = dict[str, ParameterEntry]


async def measured(routine: str, pair: BenchmarkedPair, seed: int) -> tuple[Outcome, Stored]:
    record = known(FACILITY)
    know_gates(FACILITY, record)
    runner = MadeRunner(pair, seed, facility=FACILITY)
    qubits = tuple(FACILITY.qubits().values())
    bench = Bench(runner, "node_a", qubits, record, keep=lambda _: None, edges=(EDGE,))
    (outcome,) = [one async for one in bring_up(bench, (routine,))]
    found = record.all()
    return outcome, {
        name.rpartition(".")[2]: one for name, one in found.items() if name.startswith(EDGE.name)
    }


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
    found = await pulls(BenchmarkedPair(), range(2))
    assert all(np.all(np.abs(one) < 5) for one in found.values()), found
    assert all(len(one) == 2 for one in found.values())


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "pair", [BenchmarkedPair(), BenchmarkedPair(left=0.995, leakage=5e-4), BenchmarkedPair(0.96)]
)
async def test_errors_scatter_as_their_sigmas_say(pair: BenchmarkedPair) -> None:
    found = await pulls(pair, range(1000, 1040))
    for name, one in found.items():
        assert 0.7 < np.std(one) < 1.4, name
        assert abs(np.mean(one)) < 0.7, name
