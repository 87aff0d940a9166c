"""The length of a gate is that of which loss and swap together cost least."""

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
LOSES_LEAST_NS, CHOSEN_NS, NEAREST_NS = 69.4, 68, 70
"""11 is back after the first; the last is the even length nearest to it."""
APART_HZ = 12 / (CHOSEN_NS * 1e-9)
"""By which 10 lies above 01 in a pulse: what its edges take across is undone after that length."""


def bench_of(seed: int) -> Bench:
    record, pair = known(FACILITY), CoupledPair(swap=0.08, juncture=0.0)
    pair = replace(pair, half_rate_hz=0.5e9 / LOSES_LEAST_NS, apart_in_pulse_hz=APART_HZ)
    assert pair.swapped(CHOSEN_NS) < 1e-6
    assert 0.4 * pair.swapped(NEAREST_NS) > 5e-3
    bench = Bench(
        MadeRunner(pair, seed, facility=FACILITY),
        "node_a",
        tuple(FACILITY.qubits().values()),
        record,
        keep=lambda _: None,
        edges=(EDGE,),
    )
    pair.place = EdgePulses.of(bench, EDGE).resonance()
    some = next(iter(record.all().values()))
    values = {"gate_amplitude": pair.place, "gate_duration": 70e-9}
    record.put(
        [
            replace(some, name=f"{EDGE.name}.{name}", value=v, sigma=1e-9)
            for name, v in values.items()
        ]
    )
    return bench


async def length_ns(seed: int) -> int:
    bench = bench_of(seed)
    (outcome,) = [one async for one in bring_up(bench, ("leakage",))]
    assert outcome.failures == {}
    return round(outcome.measured[f"{EDGE.name}.gate_duration"].value * 1e9)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_length_that_swaps_less_is_taken_though_it_loses_more(seed: int) -> None:
    assert await length_ns(seed) == CHOSEN_NS


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_who_does_not_look_at_the_swap_takes_the_length_that_loses_least(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GateLosses, "swapped", lambda *_: (0.0, 1e-3))
    assert await length_ns(seed) == NEAREST_NS
