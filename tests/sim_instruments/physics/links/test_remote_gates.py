"""Gates over a cable whose modes are only virtually excited, against closed forms."""

from dataclasses import replace

import numpy as np
import pytest

from podium.sim_instruments.physics.links.remote_gates import (
    GateCable,
    GateQubit,
    average_fidelity,
    coherent,
    conditional_flip,
    controlled_z,
    cross_resonance,
    gate_map,
    judged,
)

MODES_HZ = (4.825e9, 5.175e9)
LIFETIMES_S = 40e-6, 30e-6


def cable(apart_hz: float, t1_s: float = 1.0, t2_s: float = 1.0) -> GateCable:
    """Two transmons halfway between two modes."""
    one, other = (GateQubit(5e9 + hz, -250e6, t1_s, t2_s) for hz in (0.0, apart_hz))
    return GateCable((one, other), MODES_HZ, 20e6, 0.0)


def rotation(angle: float, axis: tuple[float, float, float]) -> np.ndarray:
    x, y, z = np.array(axis) / np.linalg.norm(axis)
    return np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * np.array(
        [[z, x - 1j * y], [x + 1j * y, -z]]
    )


def test_a_controlled_z_takes_a_full_cycle_through_the_second_level() -> None:
    """``1 / (2 sqrt(2) J)`` with ``J = 2 g^2 / 175 MHz`` of the two modes."""
    asked = cable(330e6)
    gate = controlled_z(cable(330e6, *LIFETIMES_S))  # the shortest: without decay others are better
    assert gate.pulse.height_hz == pytest.approx(-80e6, abs=15e6)
    exchange_hz = 2 * 20e6**2 / 175e6
    # raised-cosine edges of 8 ns count for half of their length or less
    assert gate.pulse.top_ns == pytest.approx(1e9 / (2 * np.sqrt(2) * exchange_hz), abs=16)
    phases = np.angle(np.diag(coherent(asked, gate)))
    turned = phases[3] - phases[2] - phases[1] + phases[0]
    assert np.cos(turned) == pytest.approx(-1, abs=0.02)


def test_decoherence_costs_what_lifetimes_say() -> None:
    """Average infidelity of a gate at rest: ``2/5 t (1/T1 + 1/Tphi)`` of each qubit."""
    t1_s, t2_s = LIFETIMES_S
    asked = cable(330e6, t1_s, t2_s)
    gate = controlled_z(asked)
    found = judged(asked, gate)
    lost = found.coherent_fidelity - found.fidelity
    first = 2 * 0.4e-9 * gate.pulse.length_ns * (0.5 / t1_s + 1 / t2_s)
    assert lost == pytest.approx(first, rel=0.3)  # the second level decays twice as fast
    assert lost > first


def test_a_driven_control_turns_its_target_by_half_a_turn_more() -> None:
    asked = cable(-150e6, *LIFETIMES_S)
    gate = cross_resonance(asked)
    assert gate.driven
    block = coherent(asked, gate)
    low, high = block[:2, :2], block[2:, 2:]
    half = np.abs(np.trace(low.conj().T @ high)) / 2
    assert half < 0.12  # cos of half the angle between both
    assert 1 - np.abs(block[:2, 2:]).max() ** 2 > 0.99
    wanted = conditional_flip(block[None])[0]
    moved = np.einsum("ca,db->abcd", block, block.conj())
    assert average_fidelity(moved, wanted) > 0.99


@pytest.mark.parametrize("miss", [0.0, 0.1, -0.2])
def test_the_nearest_flip_shares_what_the_angle_misses(miss: float) -> None:
    """Of a conditional turn by ``pi - miss`` the fidelity is ``(4 cos^2(miss/4) + 1) / 5``."""
    rng = np.random.default_rng(4)
    before, axis = rotation(1.3, tuple(rng.normal(size=3))), tuple(rng.normal(size=3))
    block = np.zeros((4, 4), np.complex128)
    block[:2, :2] = before
    block[2:, 2:] = np.exp(0.7j) * before @ rotation(np.pi - miss, axis)
    wanted = conditional_flip(block[None])[0]
    assert wanted @ wanted.conj().T == pytest.approx(np.eye(4), abs=1e-12)
    moved = np.einsum("ca,db->abcd", block, block.conj())
    expected = (4 * np.cos(miss / 4) ** 2 + 1) / 5
    assert average_fidelity(moved, wanted) == pytest.approx(expected, abs=1e-12)


def test_what_leaves_the_qubits_counts_as_lost() -> None:
    moved = np.einsum("ca,db->abcd", 0.9 * np.eye(4), 0.9 * np.eye(4)).astype(np.complex128)
    assert average_fidelity(moved, np.eye(4, dtype=np.complex128)) == pytest.approx(0.81)


def test_without_decay_the_density_matrix_does_what_the_states_do() -> None:
    asked = cable(330e6)
    gate = controlled_z(asked)
    gate = replace(gate, pulse=replace(gate.pulse, top_ns=20))
    block = coherent(asked, gate)
    moved = gate_map(asked, gate)
    assert moved == pytest.approx(np.einsum("ca,db->abcd", block, block.conj()), abs=2e-5)
