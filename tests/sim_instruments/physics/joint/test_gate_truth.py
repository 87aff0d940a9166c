"""What a world allows for a gate, against formulas for what limits it."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.coupled_chip import COUPLED, EXCHANGE_HZ, NAMES, POINT, SPOTS

from podium.sim_instruments.physics.chip import Edge
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint, cluster_point
from podium.sim_instruments.physics.joint.gate_truth import (
    CoherentGate,
    Pulse,
    best_pulse,
    crossing,
    judged,
    meeting_quanta,
)
from podium.sim_instruments.physics.joint.pulse_edges import rise
from podium.sim_instruments.physics.joint.tomography import gate_unitary

EDGE = Edge("node_a.q0_q1", NAMES, "cz", NAMES[0])
T1_S, T_PHI_S = 40e-6, 60e-6


def qubits(decays: bool, slow_hz: float = 0.0) -> ClusterPoint:
    """The two, with a decay from each level, dephasing and slow noise."""
    rates = np.diag(np.arange(1.0, 4) / T1_S, 1) if decays else np.zeros((4, 4))
    white = 1 / T_PHI_S if decays else 0.0
    these = [
        replace(one, rates_1_s=rates, dephasing_1_s=white, slow_sigma_hz=slow_hz)
        for one in POINT.qubits
    ]
    return cluster_point(these, COUPLED, SPOTS)


STILL = qubits(decays=False)
PULSE = best_pulse(STILL, EDGE)


def test_a_cz_is_one_return_of_11_from_20() -> None:
    assert PULSE is not None
    grown = STILL.growth(0, PULSE.quanta)[0]
    lasts_ns = 1e9 / (2 * np.sqrt(2) * EXCHANGE_HZ * grown)
    # an edge that is no resonance is shorter than the top by what it does not exchange
    assert lasts_ns - 2 < PULSE.top_ns + PULSE.rise_ns < lasts_ns + 2 + PULSE.rise_ns
    assert PULSE.quanta == pytest.approx(meeting_quanta(STILL, EDGE, 0), rel=0.03)
    infidelity, leakage = judged(STILL, EDGE, PULSE)
    assert 0 <= leakage < 2e-3
    assert 0 <= infidelity < 2e-3


def test_pulses_of_all_heights_and_tops_at_once_err_as_each_does() -> None:
    """Through the same levels; beside them the search's own pulse is the best of its heights."""
    assert PULSE is not None
    gate = CoherentGate(STILL, EDGE, 1.2 * PULSE.quanta)
    heights = PULSE.quanta * np.array([0.98, 1.0, 1.01])
    errors = gate.errors_of_tops(heights, rise(PULSE.rise_ns))
    for k, quanta in enumerate(heights.tolist()):
        for top_ns in (1, PULSE.top_ns):
            alone = gate.error(Pulse(quanta, top_ns, PULSE.rise_ns).samples())
            assert errors[k, top_ns] == pytest.approx(alone, abs=1e-9)
    assert errors[1, PULSE.top_ns] < 0.5 * errors[[0, 2], PULSE.top_ns].min()


@pytest.mark.parametrize(("gate", "factor"), [("cz", np.sqrt(2)), ("iswap", 1.0)])
def test_levels_of_a_gate_stay_apart_by_their_exchange(gate: str, factor: float) -> None:
    edge = replace(EDGE, gate=gate)
    meets = meeting_quanta(STILL, edge, 0)
    assert meets is not None
    quanta, gap_hz = crossing(STILL, edge, 1.02 * meets)
    # other levels push both, and the ladder of a transmon is no oscillator's
    assert quanta == pytest.approx(meets, rel=5e-3)
    assert gap_hz == pytest.approx(2 * factor * EXCHANGE_HZ * STILL.growth(0, quanta)[0], rel=0.02)


def test_decoherence_costs_what_the_formula_says() -> None:
    """2/5 t (1/T1 + 1/Tphi) of each qubit; and of 11, which is in 20 for half of the time, more."""
    assert PULSE is not None
    still, _ = judged(STILL, EDGE, PULSE)
    with_decay, _ = judged(qubits(decays=True), EDGE, PULSE)
    time_s = 1e-9 * PULSE.samples().size
    lost = 0.4 * time_s * 2 * (1 / T1_S + 1 / T_PHI_S)
    assert lost < with_decay - still < 1.35 * lost


def test_slow_noise_costs_its_square() -> None:
    """Two qubits that each are off by a frequency f: 4/5 (pi f t)**2 of each, to second order."""
    assert PULSE is not None
    still, _ = judged(STILL, EDGE, PULSE)
    noisy, _ = judged(qubits(decays=False, slow_hz=100e3), EDGE, PULSE)
    time_s = 1e-9 * PULSE.samples().size
    expected = 2 * 0.8 * (np.pi * 100e3 * time_s) ** 2
    assert noisy - still == pytest.approx(expected, rel=0.3)


@pytest.mark.parametrize("gate", ["cz", "iswap"])
def test_phases_of_single_qubits_are_free(gate: str) -> None:
    ideal = np.diag([1, 1, 1, -1]).astype(complex)
    if gate == "iswap":
        ideal = np.array([[1, 0, 0, 0], [0, 0, 1j, 0], [0, 1j, 0, 0], [0, 0, 0, 1]])
    one, other = (np.diag(np.exp(1j * np.array([0, phase]))) for phase in (0.7, -1.9))
    turned = np.exp(0.3j) * np.kron(one, other) @ ideal
    assert gate_unitary(gate, turned[None])[0] == pytest.approx(turned)
