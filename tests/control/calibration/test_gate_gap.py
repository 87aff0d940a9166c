"""Of the gaps that leave half a turn that is taken in which least passes from 10 to 01."""

from dataclasses import replace

import pytest
from tests.benches.calibration.coupled_pair import CoupledPair
from tests.benches.calibration.synthetic_data import MadeRunner, known
from tests.benches.docs.pages import ROOT

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.gate_losses import GateLosses
from podium.control.facility.load import load_facility

FACILITY = load_facility(ROOT / "examples" / "two_qubit" / "facility.yaml")
EDGE = FACILITY.edges()["node_a.q0_q1"]
DURATION_NS = 70
PAIR = CoupledPair(half_rate_hz=0.5e9 / DURATION_NS, swap=0.05)


async def swapped(seed: int, juncture: float) -> float:
    """Return what a pulse with the gap that was found takes from 10 to 01."""
    pair = replace(PAIR, juncture=juncture)
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
    values = {"gate_amplitude": pair.place, "gate_duration": 1e-9 * DURATION_NS}
    bench.record.put(
        [replace(some, name=f"{EDGE.name}.{k}", value=v, sigma=1e-9) for k, v in values.items()]
    )
    (outcome,) = [one async for one in bring_up(bench, ("gate_gap",))]
    assert outcome.failures == {}
    gap, level = (
        outcome.measured[f"{EDGE.name}.gate_{name}"].value for name in ("gap", "gap_level")
    )
    return pair.swapped(DURATION_NS, round(gap * 1e9), level)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("juncture", [0.1, 0.25, 0.35])
async def test_the_gap_in_which_less_passes_is_taken(
    juncture: float, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who does not look at it takes the shortest, in which more than twice as much does."""
    found = await swapped(seed, juncture)
    monkeypatch.setattr(GateLosses, "swapped", lambda *_: (0.0, 1e-3))
    assert found < 0.5 * await swapped(seed, juncture)
