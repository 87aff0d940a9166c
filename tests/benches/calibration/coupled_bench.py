"""A bench with one edge of the two-qubit example, whose data a coupled pair makes."""

from dataclasses import replace

from tests.benches.calibration.coupled_pair import CoupledPair
from tests.benches.calibration.synthetic_data import MadeRunner, known
from tests.benches.docs.pages import ROOT

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.outcome import Outcome
from podium.control.facility.load import load_facility

FACILITY = load_facility(ROOT / "examples" / "two_qubit" / "facility.yaml")
EDGE = FACILITY.edges()["node_a.q0_q1"]


def bench_of(pair: CoupledPair, seed: int) -> Bench:
    """Return the bench; the pair's qubits are known, its gate is not."""
    runner = MadeRunner(pair, seed, facility=FACILITY)
    qubits = tuple(FACILITY.qubits().values())
    return Bench(runner, "node_a", qubits, known(FACILITY), keep=lambda _: None, edges=(EDGE,))


async def with_a_gate(pair: CoupledPair, seed: int, duration_s: float, routine: str) -> Outcome:
    """Carry out a routine on a pair whose gate has its amplitude and so long a duration."""
    bench = bench_of(pair, seed)
    pair.place = EdgePulses.of(bench, EDGE).resonance()
    some = next(iter(bench.record.all().values()))
    values = {"gate_amplitude": pair.place, "gate_duration": duration_s}
    bench.record.put(
        [replace(some, name=f"{EDGE.name}.{k}", value=v, sigma=1e-9) for k, v in values.items()]
    )
    (outcome,) = [one async for one in bring_up(bench, (routine,))]
    assert outcome.failures == {}
    return outcome
