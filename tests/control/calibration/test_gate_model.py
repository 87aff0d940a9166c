"""The model of a pulsed pair agrees with dense evolution of nine levels, and with differences."""

import numpy as np
import pytest
from scipy.linalg import expm

from podium.control.calibration.gate_model import Draw, GateModel, PairLevels

LEVELS = PairLevels(6.02e9, 5.40e9, (-175e6, -180e6), 5.2e6, 3.0, 0.4, 0.012)
MEETING = LEVELS.period * LEVELS.meeting_share()


def some_pulse(rng: np.random.Generator) -> np.ndarray:
    half = MEETING * np.concatenate([[0.6], np.ones(32), [0.2]]) * rng.normal(1, 0.02, 34)
    return np.concatenate([half, -half[::-1]])


def dense(samples: np.ndarray) -> tuple[complex, complex, complex]:
    """Amplitudes of 10, 01 and 11 in their dressed states, by nine levels and expm."""
    lower = np.diag([1.0, np.sqrt(2)], 1)
    moved, still = np.kron(lower, np.eye(3)), np.kron(np.eye(3), lower)

    def hamiltonian(at: float) -> np.ndarray:
        f01 = float(LEVELS.f01_hz(np.array([at]))[0])
        share = (LEVELS.top_hz - f01) / (LEVELS.top_hz - LEVELS.meeting_hz)
        bends = LEVELS.anharmonicities_hz[0] * (1 + LEVELS.growth * share), -180e6
        half = 0.5e-9 * (f01 - LEVELS.still_hz)
        found = np.zeros((9, 9))
        for number, bend, sign in ((moved, bends[0], 1), (still, bends[1], -1)):
            count = number.T @ number
            found += sign * half * count + 0.5e-9 * bend * (count @ count - count)
        hop = 1e-9 * LEVELS.exchange_hz * np.sqrt(f01 / LEVELS.meeting_hz)
        less = 1 + LEVELS.anharmonicities_hz[0] / (
            2 * (LEVELS.meeting_hz - LEVELS.anharmonicities_hz[0])
        )
        both = moved.T @ still + still.T @ moved
        one = (np.add.outer([0, 0, 0, 1, 1, 1, 2, 2, 2], [0, 0, 0, 1, 1, 1, 2, 2, 2])) == 1
        return found + hop * both * np.where(one & (np.abs(both) < 1.1), 1 / less, 1.0)

    _, vectors = np.linalg.eigh(hamiltonian(0.0))
    names = np.argmax(np.abs(vectors), axis=0)
    whole = np.eye(9, dtype=complex)
    for one in samples:
        whole = expm(-2j * np.pi * hamiltonian(float(one))) @ whole
    own = {k: vectors[:, list(names).index(k)] for k in (3, 1, 4)}
    return tuple(own[k] @ whole @ own[k] for k in (3, 1, 4))  # type: ignore[return-value]


def test_what_a_pulse_does_is_that_of_dense_evolution() -> None:
    samples = some_pulse(np.random.default_rng(1))
    first, second, both = dense(samples)
    [played] = GateModel([Draw(LEVELS, np.eye(samples.size))]).played(samples)
    assert played.lost == pytest.approx(1 - abs(both) ** 2, abs=1e-9)
    assert played.swapped == pytest.approx(1 - abs(first) ** 2, abs=1e-9)
    ahead = np.angle(first * second / both) / (2 * np.pi)
    assert np.exp(2j * np.pi * (played.conditional - ahead)) == pytest.approx(1, abs=1e-8)
    phases = np.array([0, np.angle(second), np.angle(first), np.angle(both)])
    block = np.exp(1j * phases) * np.abs([1, second, first, both])
    best = max(
        abs(np.sum(block * np.exp(-1j * np.array([a, a + b, a + c, a + b + c + np.pi])))) ** 2
        for a in np.linspace(-0.2, 0.2, 5)
        for b in phases[1] + np.linspace(-0.3, 0.3, 31)
        for c in phases[2] + np.linspace(-0.3, 0.3, 31)
    )
    kept = 3 + abs(both) ** 2
    assert played.infidelity == pytest.approx(1 - (best + kept) / 20, rel=5e-3)


def test_the_slope_is_that_of_differences() -> None:
    rng = np.random.default_rng(2)
    samples, count = some_pulse(rng), 68
    late = 0.7 * np.eye(count + 2, count) + 0.3 * np.eye(count + 2, count, -1)
    chips = [Draw(LEVELS, np.eye(count + 2, count)), Draw(LEVELS, late, 1e-3)]
    model = GateModel(chips)
    value, slope = model.error(samples)
    assert value == pytest.approx(np.mean([one.infidelity for one in model.played(samples)]))
    for k in (0, 1, 20, 33, 34, 50, 67):
        step = np.zeros(count)
        step[k] = 1e-6
        apart = model.error(samples + step)[0] - model.error(samples - step)[0]
        assert slope[k] == pytest.approx(apart / 2e-6, rel=1e-4, abs=1e-6)
