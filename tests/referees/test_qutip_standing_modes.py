"""QuTiP evolves two qubits, two resonators and a cable's mode as they are, and judges the modes."""

import numpy as np
import pytest
import qutip
from tests.benches.thoroughness import cases

from podium.sim_instruments.physics.links.standing_modes import (
    CableQubit,
    Oscillator,
    ShortCable,
    Stretch,
    dark_mode_cable,
    played,
)

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

TURN = 2e-9 * np.pi


def judged(
    qubits: tuple[CableQubit, CableQubit],
    oscillators: tuple[Oscillator, ...],
    exchange_hz: np.ndarray,
    couplings_hz: np.ndarray,
    schedule: tuple[Stretch, ...],
    state: np.ndarray,
) -> np.ndarray:
    """The qubits' state (4, 4) after a schedule, oscillators of two levels, by mesolve."""
    count = 2 + len(oscillators)

    def lowering(k: int) -> qutip.Qobj:
        return qutip.tensor(*[qutip.destroy(2) if n == k else qutip.qeye(2) for n in range(count)])

    low = [lowering(k) for k in range(count)]
    still = 0 * low[0]
    jumps = []
    for m, one in enumerate(oscillators):
        still += TURN * one.detuning_hz * low[2 + m].dag() * low[2 + m]
        jumps.append(np.sqrt(TURN * one.kappa_hz) * low[2 + m])
        for k in range(m):
            hop = TURN * exchange_hz[m, k] * low[2 + m].dag() * low[2 + k]
            still += hop + hop.dag()
    for q, qubit in enumerate(qubits):
        jumps.append(np.sqrt(1e-9 / qubit.t1_s) * low[q])
        jumps.append(np.sqrt(2e-9 * qubit.dephasing_1_s) * low[q].dag() * low[q])
    found = qutip.tensor(
        qutip.Qobj(state, dims=[[2, 2], [2, 2]]),
        *[qutip.basis(2, 0).proj()] * len(oscillators),
    )
    options = {"atol": 1e-12, "rtol": 1e-9, "progress_bar": "", "nsteps": 10**6}
    for stretch in schedule:
        whole = still
        for q in (0, 1):
            for m in range(len(oscillators)):
                hop = TURN * stretch.coupled[q] * couplings_hz[q, m] * low[q].dag() * low[2 + m]
                whole = whole + hop + hop.dag()
        found = qutip.mesolve(whole, found, [0, stretch.length_ns], jumps, options=options)
        found = found.states[-1]
    return np.asarray(found.ptrace([0, 1]).full())


def one_excitation(random: np.random.Generator) -> np.ndarray:
    """A mixed state of the qubits with one excitation at most."""
    root = random.normal(size=(3, 3)) + 1j * random.normal(size=(3, 3))
    state = np.zeros((4, 4), np.complex128)
    state[:3, :3] = root @ root.conj().T
    return state / np.trace(state)


def test_modes_of_a_cable_come_out_as_of_qutip() -> None:
    for seed in range(cases(3, 40)):
        random = np.random.default_rng(seed)
        qubits = CableQubit(5e-6, 4e-6), CableQubit(9e-6, 3e-6)
        modes = tuple(
            Oscillator(d, random.uniform(1e4, 1e6)) for d in (0.0, random.uniform(-5e7, 5e7))
        )
        couplings = random.uniform(-6e6, 6e6, (2, 2))
        schedule = tuple(
            Stretch(random.uniform(10, 60), coupled)
            for coupled in ((True, False), (True, True), (False, True))
        )
        state = one_excitation(random)
        found = played(ShortCable(qubits, modes, couplings), schedule, state[None])[0]
        expected = judged(qubits, modes, np.zeros((2, 2)), couplings, schedule, state)
        assert np.abs(found - expected).max() < 1e-5, seed


def test_a_dark_mode_comes_out_as_of_its_resonators_and_cable() -> None:
    """Decay by mode is an approximation: good to the square of width over distance."""
    qubits = CableQubit(8e-6, 6e-6), CableQubit(8e-6, 6e-6)
    sideband, hybrid = 2e6, 40e6
    parts = Oscillator(0.0, 20e3), Oscillator(0.0, 2e6), Oscillator(0.0, 20e3)
    exchange = hybrid * np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float64)
    couplings = np.array([[sideband, 0, 0], [0, 0, sideband]])
    schedule = (Stretch(1e9 / (2 * sideband), (True, True)),)
    state = np.zeros((4, 4), np.complex128)
    state[2, 2] = 1
    cable = dark_mode_cable(qubits, sideband, 20e3, 2e6, hybrid)
    found = played(cable, schedule, state[None])[0]
    expected = judged(qubits, parts, exchange, couplings, schedule, state)
    assert np.abs(found - expected).max() < 1e-3
    assert expected[1, 1].real > 0.9
