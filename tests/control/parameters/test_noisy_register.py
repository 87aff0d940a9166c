"""A few qubits as a density matrix: gates, waits and readouts with errors."""

import numpy as np
import pytest

from podium.control.parameters.noisy_register import NoisyRegister, ReadoutErrors, X

CNOT = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]], np.complex128)
H = np.array([[1, 1], [1, -1]], np.complex128) / np.sqrt(2)


def at_rest(qubits: int) -> NoisyRegister:
    rho = np.zeros((2**qubits,) * 2, np.complex128)
    rho[0, 0] = 1.0
    return NoisyRegister(rho)


def test_a_gate_between_neighbours_loses_as_much_as_its_process_infidelity_says() -> None:
    """Of 15 Paulis 12 move a computational state away."""
    error = 0.03
    after = at_rest(3).gate(X, 1).gate(CNOT, 1, error)
    assert after.qubits == 3
    assert after.populations()[0b011] == pytest.approx(1 - error * 12 / 15)
    assert after.populations().sum() == pytest.approx(1.0)


def test_what_waits_decays_and_loses_its_phase() -> None:
    decayed = at_rest(1).gate(X, 0).waited(0, 0.2, 0.1)
    assert decayed.populations() == pytest.approx([0.2, 0.8])
    dephased = at_rest(1).gate(H, 0).waited(0, 0.2, 0.1)
    assert dephased.rho[0, 1].real == pytest.approx(0.5 * np.sqrt(0.8) * (1 - 2 * 0.1))


def test_a_wrong_result_makes_the_wrong_thing_happen() -> None:
    errors = ReadoutErrors(false_one=0.03, false_zero=0.07)
    acts = {1: [(X, 0), (X, 1)]}
    told_one = at_rest(2).read_and_act(0, acts, errors)
    assert told_one.populations() == pytest.approx([0.97, 0, 0, 0.03])
    lost = at_rest(2).gate(X, 0).read_and_act(0, acts, errors)
    assert lost.populations() == pytest.approx([0, 0.93, 0.07, 0])
