"""The best gate by a carrier that a world allows: what it is, and what it costs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from podium.sim_instruments.physics.joint import carrier_truth, gate_truth
from podium.sim_instruments.physics.joint.carrier_truth import CarrierPulse, best_carrier
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.gate_knobs import NoSuchEdge, gate_knobs
from podium.sim_instruments.physics.joint.gate_truth import CoherentGate, edge_point, judged
from podium.sim_instruments.physics.sampling import sample

EXAMPLE = Path(__file__).parents[4] / "examples" / "two_qubit" / "facility_carrier.yaml"
WORLD = sample(EXAMPLE, 1)
CHIP = WORLD.chip()
(EDGE,) = CHIP.edges
POINT = edge_point(CHIP, EDGE, CHIP.sweet_spots_v())
GATE = CoherentGate(POINT, EDGE, 0.4)


@pytest.fixture(scope="module")
def pulse() -> CarrierPulse:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(carrier_truth, "APART", (6.0,))
        found = best_carrier(POINT, EDGE, GATE)
    assert found is not None
    return found


def apart_hz(point: ClusterPoint) -> float:
    """11 from 20, the 2 of the higher end."""
    low, high = sorted((one.levels_hz for one in point.qubits[:2]), key=lambda one: float(one[1]))
    return abs(float(high[2] - high[1] - low[1]))


def test_an_edge_says_that_its_cz_is_a_carrier() -> None:
    assert EDGE.carrier
    assert WORLD.nodes["node_a"].edges["q0_q1"].carrier


def test_it_takes_11_away_and_brings_it_back(pulse: CarrierPulse) -> None:
    assert abs(pulse.frequency_hz - apart_hz(POINT)) < 5e6
    kept = GATE.kept(pulse.samples())
    assert kept[pulse.lasts_ns // 2] < 0.1
    assert kept[-1] > 0.98
    assert GATE.error(pulse.samples()) < 0.01


def test_another_carrier_or_height_is_worse(pulse: CarrierPulse) -> None:
    least = GATE.error(pulse.samples())
    for other in (
        replace(pulse, frequency_hz=pulse.frequency_hz + 1e6),
        replace(pulse, frequency_hz=pulse.frequency_hz - 1e6),
        replace(pulse, quanta=1.2 * pulse.quanta),
    ):
        assert GATE.error(other.samples()) > 2 * least


def test_decoherence_is_in_what_it_is_judged_by(
    pulse: CarrierPulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slow noise, which is played at 27 nodes, costs more; ``test_gate_truth.py`` says how much."""
    still = [(np.zeros(len(POINT.qubits)), 1.0)]
    monkeypatch.setattr(gate_truth, "noise_nodes", lambda _: still)
    infidelity, leakage = judged(POINT, EDGE, pulse)
    lost_1_ns = 0.4e-9 * sum(
        float(one.rates_1_s[0, 1] + one.rates_1_s[1, 0]) + one.dephasing_1_s
        for one in POINT.qubits[:2]
    )
    assert infidelity > GATE.error(pulse.samples()) + 0.8 * lost_1_ns * pulse.lasts_ns
    assert 0 < leakage < infidelity < 0.05


def test_edges_are_raised_cosines(pulse: CarrierPulse) -> None:
    samples = pulse.samples()
    assert samples.size == pulse.lasts_ns
    assert abs(samples[0]) < 0.02 * pulse.quanta
    assert np.abs(samples).max() <= pulse.quanta


def test_no_budget_of_pulses_is_told_of_it() -> None:
    with pytest.raises(NoSuchEdge, match=r"has a carrier on the flux of node_a\.c01"):
        gate_knobs(WORLD, EDGE.name, None)


def test_an_iswap_by_a_coupler_is_that_of_a_carrier_and_goes_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No pulse without a carrier brings 01 and 10 together, which are 100 MHz apart there."""
    chip = sample(EXAMPLE.with_name("facility_coupler.yaml"), 1).chip()
    (edge,) = chip.edges
    assert (edge.gate, edge.carrier) == ("iswap", False)
    point = edge_point(chip, edge, chip.sweet_spots_v())
    monkeypatch.setattr(carrier_truth, "APART", (6.0,))
    gate = CoherentGate(point, edge, 0.4)
    found = best_carrier(point, edge, gate)
    assert found is not None
    low, high = sorted(float(one.levels_hz[1]) for one in point.qubits[:2])
    assert abs(found.frequency_hz - (high - low)) < 5e6
    kept = gate.kept(found.samples())
    assert kept[-1] < 0.02
    assert kept.max() > 0.98
    assert gate.error(found.samples()) < 0.02
    told = gate_truth.gate_truth(chip, chip.sweet_spots_v())
    assert told[f"{edge.name}.iswap_infidelity"].value < 0.05
    assert told[f"{edge.name}.iswap_carrier"].value == pytest.approx(found.frequency_hz)
