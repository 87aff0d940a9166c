"""The length of a gate is the even one that loses least of 11."""

from dataclasses import replace

import pytest
from tests.benches.calibration.coupled_pair import CoupledPair
from tests.benches.calibration.synthetic_data import MadeRunner, known
from tests.benches.docs.pages import ROOT

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.facility.load import load_facility

FACILITY = load_facility(ROOT / "examples" / "two_qubit" / "facility.yaml")
EDGE = FACILITY.edges()["node_a.q0_q1"]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("back_ns", "chosen_ns"), [(68.4, 68), (69.6, 70), (71.5, 72)])
async def test_the_even_length_nearest_to_where_11_is_back_is_taken(
    back_ns: float, chosen_ns: int, seed: int
) -> None:
    """``back_ns``: after that 11 has been to 20 and back; what passes to 01 is no matter."""
    pair = CoupledPair(half_rate_hz=0.5e9 / back_ns, swap=0.02, juncture=0.0)
    bench = Bench(
        MadeRunner(pair, seed, facility=FACILITY),
        "node_a",
        tuple(FACILITY.qubits().values()),
        known(FACILITY),
        keep=lambda _: None,
        edges=(EDGE,),
    )
    pair.place = EdgePulses.of(bench, EDGE).resonance()
    some = next(iter(bench.record.all().values()))
    values = {"gate_amplitude": pair.place, "gate_duration": 70e-9}
    bench.record.put(
        [replace(some, name=f"{EDGE.name}.{k}", value=v, sigma=1e-9) for k, v in values.items()]
    )
    (outcome,) = [one async for one in bring_up(bench, ("leakage",))]
    assert outcome.failures == {}
    found = outcome.measured[f"{EDGE.name}.gate_duration"].value
    assert found == pytest.approx(1e-9 * chosen_ns)
