"""A bench whose data a pair in formulas makes, for routines that benchmark its gate."""

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


def bench_of(make: object, seed: int) -> Bench:
    record = known(FACILITY)
    runner = MadeRunner(make, seed, facility=FACILITY)  # type: ignore[arg-type]
    qubits = tuple(FACILITY.qubits().values())
    return Bench(runner, "node_a", qubits, record, keep=lambda _: None, edges=(EDGE,))


async def measured(routine: str, pair: BenchmarkedPair, seed: int) -> tuple[Outcome, Stored]:
    bench = bench_of(pair, seed)
    know_gates(FACILITY, bench.known_now.record)
    (outcome,) = [one async for one in bring_up(bench, (routine,))]
    found = bench.record.all()
    return outcome, {
        name.rpartition(".")[2]: one for name, one in found.items() if name.startswith(EDGE.name)
    }
