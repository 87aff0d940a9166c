"""T2* of a qubit that loses its coherence within a few dozen pulses: turned sample by sample."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.calibration.synthetic_data import NODE, Asked, MadeRunner, known

from podium.control.calibration.bench import Bench
from podium.control.calibration.routines.ramsey import ramsey
from podium.control.program.envelopes import sample_envelope
from podium.control.program.program import Play

T2_S = 1.5e-6
SIGMA_RAD_NS = np.sqrt(2) / (1e9 * T2_S)
"""Of a detuning that stands still in a shot: the mean of exp(1j * d * t) is exp(-(t / T2*)**2)."""


def turned(states: np.ndarray, detuning: np.ndarray, drive: complex, ns: float = 1.0) -> np.ndarray:
    """Return (K, 2) states after so many ns; ``detuning`` (K,) and ``drive`` in rad/ns."""
    size = np.sqrt(detuning**2 + abs(drive) ** 2) + 1e-300
    half = size * ns / 2
    across = np.array([detuning / size, np.full(size.size, drive) / size])
    down, up = states.T
    sine = -1j * np.sin(half)
    return np.stack(
        [
            np.cos(half) * down + sine * (-across[0] * down + np.conj(across[1]) * up),
            np.cos(half) * up + sine * (across[1] * down + across[0] * up),
        ],
        axis=1,
    )


def excited_after(delay_ns: float, phase_turns: float, pulse: np.ndarray) -> float:
    """Return P(1) after both pulses, over all detunings."""
    node, weight = np.polynomial.hermite_e.hermegauss(24)
    states = np.tile(np.array([1, 0], np.complex128), (node.size, 1))
    detuning = SIGMA_RAD_NS * node
    for drive in pulse:
        states = turned(states, detuning, complex(drive))
    states = turned(states, detuning, 0j, delay_ns)
    for drive in pulse * np.exp(2j * np.pi * phase_turns):
        states = turned(states, detuning, complex(drive))
    return float(np.abs(states[:, 1]) ** 2 @ weight / weight.sum())


def fringes(asked: Asked, rng: np.random.Generator) -> np.ndarray:
    play = next(one for one in asked.program.body if isinstance(one, Play))
    pulse = sample_envelope(play.waveform).real
    pulse = pulse * (np.pi / 2) / pulse.sum()
    swept = (asked.swept[name].astype(float).ravel() for name in ("delay", "phase"))
    excited = [excited_after(1e-6 * d, p, pulse) for d, p in zip(*swept, strict=True)]
    shown = np.reshape(excited, asked.shape) + rng.normal(0, 1e-5, asked.shape)
    return 1e-3 * (1 - 2 * shown) + 0j


async def test_coherence_that_is_lost_in_the_pulses_is_not_missed_in_t2() -> None:
    runner = MadeRunner(fringes, 3)
    record = known(runner.facility)
    entry = record.get(f"{NODE}.q0.t2_ramsey")
    assert entry is not None
    record.put([replace(entry, value=T2_S, sigma=1e-3 * T2_S)])
    qubits = tuple(runner.facility.qubits().values())[:1]
    bench = Bench(runner, NODE, qubits, record, lambda _: None)
    await bench.begin((), qubits)
    outcome = await ramsey(bench, qubits)
    assert not outcome.failures, outcome.failures
    found = outcome.measured[f"{NODE}.q0.t2_ramsey"].value
    assert found == pytest.approx(T2_S, rel=1.5e-3), "from a pulse's end on it would be 4 % less"
