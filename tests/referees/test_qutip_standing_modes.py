"""QuTiP evolves two qubits, two resonators and a cable's mode as they are, and judges the modes."""

import numpy as np
import pytest
import qutip
from tests.benches.thoroughness import cases

from podium.sim_instruments.physics.links.remote_gates import (
    GateCable,
    GatePulse,
    GateQubit,
    TunedGate,
    coherent,
    gate_map,
)
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


@pytest.mark.parametrize("driven", [False, True])
def test_a_gate_over_virtual_modes_comes_out_as_of_qutip(driven: bool) -> None:
    """A pulse from its edges on, of three-level transmons and modes of two levels."""
    lifetimes = (2e-6, 1.5e-6), (3e-6, 1e-6)
    f01_hz = (5e9, 4.85e9) if driven else (5e9, 5.33e9)
    qubits = tuple(
        GateQubit(hz, -250e6, t1, t2) for hz, (t1, t2) in zip(f01_hz, lifetimes, strict=True)
    )
    cable = GateCable((qubits[0], qubits[1]), (4.825e9, 5.175e9), 20e6, 0.4e6)
    pulse = GatePulse(12e6 if driven else -78e6, 10)
    gate = TunedGate(pulse, f01_hz[1] if driven else 5e9, driven)
    dims = [3, 3, 2, 2]

    def lowering(k: int) -> qutip.Qobj:
        parts = [qutip.destroy(d) if n == k else qutip.qeye(d) for n, d in enumerate(dims)]
        return qutip.tensor(*parts)

    low = [lowering(k) for k in range(4)]
    count = [one.dag() * one for one in low]
    still = 0 * low[0]
    jumps = []
    for q, qubit in enumerate(cable.qubits):
        still += TURN * (qubit.f01_hz - gate.frame_hz) * count[q]
        still += TURN * qubit.anharmonicity_hz / 2 * count[q] * (count[q] - 1)
        up = [qutip.basis(3, n) for n in range(3)]
        for n in (1, 2):
            parts: list[qutip.Qobj] = [qutip.qeye(d) for d in dims]
            parts[q] = np.sqrt(1e-9 * n / qubit.t1_s) * up[n - 1] * up[n].dag()
            jumps.append(qutip.tensor(*parts))
        dephasing = 1 / qubit.t2_s - 0.5 / qubit.t1_s
        jumps.append(np.sqrt(2e-9 * dephasing) * count[q])
    for m, hz in enumerate(cable.modes_hz):
        still += TURN * (hz - gate.frame_hz) * count[2 + m]
        jumps.append(np.sqrt(TURN * cable.kappa_hz) * low[2 + m])
        for q in (0, 1):
            hop = TURN * cable.coupling_hz * (-1) ** (q * m) * low[q].dag() * low[2 + m]
            still += hop + hop.dag()
    moved = low[0] + low[0].dag() if driven else count[1]
    samples = TURN * pulse.samples_hz()
    shape = qutip.coefficient(np.append(samples, 0.0), tlist=np.arange(samples.size + 1.0), order=0)
    whole = qutip.QobjEvo([still, [moved, shape]])
    _, vectors = still.eigenstates()
    pairs = ((0, 0), (0, 1), (1, 0), (1, 1))
    bare = [
        qutip.tensor(*[qutip.basis(d, n) for d, n in zip(dims, (*pair, 0, 0), strict=True)])
        for pair in pairs
    ]
    dressed = []
    for one in bare:
        nearest = max(vectors, key=lambda vector: abs(one.overlap(vector)))
        dressed.append(nearest * np.sign(one.overlap(nearest).real))
    amplitudes = np.array([0.4, 0.5j, -0.6, 0.4 + 0.26j])
    amplitudes /= np.linalg.norm(amplitudes)
    start = sum(a * one for a, one in zip(amplitudes, dressed, strict=True))
    options = {"atol": 1e-11, "rtol": 1e-9, "progress_bar": "", "nsteps": 10**6, "max_step": 1.0}
    span = [0, float(samples.size)]
    for jumping, ours in ((True, gate_map(cable, gate)), (False, None)):
        after = qutip.mesolve(
            whole, start.proj(), span, jumps if jumping else [], options=options
        ).states[-1]
        expected = np.array([[(one.dag() * after * other) for other in dressed] for one in dressed])
        if ours is None:
            state = coherent(cable, gate) @ amplitudes
            found = np.outer(state, state.conj())
        else:
            found = np.einsum("a,b,abcd->cd", amplitudes, amplitudes.conj(), ours)
        assert np.abs(found - expected).max() < (1e-4 if jumping else 1e-6)
