"""Samples of a weak drive are not split; exponentials of the whole generator judge them."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import expm

from podium.sim_instruments.physics.jump_maps import fade_rates
from podium.sim_instruments.physics.propagators import (
    WEAK,
    held_unitary,
    play_samples,
)

Complexes = NDArray[np.complex128]
DIAGONAL = 2e-9 * np.pi * np.array([0.3e6, 0.0, -250e6, -760e6])
STRENGTH = 2.2 * np.sqrt([1.0, 2.0, 3.0])
RATES = 1e-9 * np.array(
    [[0, 25e3, 0, 0], [100, 0, 50e3, 0], [0, 200, 0, 75e3], [0, 0, 300, 0]], dtype=float
)
LEVELS = len(DIAGONAL)
STEP_NS = 1.0


def columns() -> Complexes:
    found = np.zeros((LEVELS, LEVELS, LEVELS), np.complex128)
    for n in range(LEVELS):
        found[n, n, n] = 1.0
    return found


def generator(sample: complex, fading: NDArray[np.float64]) -> Complexes:
    """Return what turns a density matrix, row behind row, while a sample is held; 1/ns."""
    hamiltonian = np.diag(DIAGONAL).astype(np.complex128)
    for n, strength in enumerate(STRENGTH):
        hamiltonian[n + 1, n] = strength * np.conj(sample)
        hamiltonian[n, n + 1] = strength * sample
    one = np.eye(LEVELS)
    found = -1j * (np.kron(hamiltonian, one) - np.kron(one, hamiltonian.T))
    found -= np.diag(fading.ravel())
    for to in range(LEVELS):
        for start in range(LEVELS):
            found[to * (LEVELS + 1), start * (LEVELS + 1)] += RATES[to, start]
            found[start * (LEVELS + 1), start * (LEVELS + 1)] -= RATES[to, start]
    return np.asarray(found)


def judged(samples: Complexes) -> Complexes:
    fading, state = fade_rates(RATES, 2e-6), columns().reshape(LEVELS, -1).T
    for sample in samples.tolist():
        state = expm(generator(sample, fading) * STEP_NS) @ state
    return np.asarray(state.T.reshape(LEVELS, LEVELS, LEVELS))


def played(samples: Complexes) -> Complexes:
    found = columns()
    play_samples(found, samples, STEP_NS, DIAGONAL, STRENGTH, RATES, fade_rates(RATES, 2e-6))
    return found


def a_pulse_and_a_tone(strongest: float) -> Complexes:
    """Return a pulse, and a tone at the line from 1 to 2 whose samples turn by ``strongest``."""
    each = np.arange(40)
    pulse = 0.028 * np.exp(-(((each - 19.5) / 8) ** 2))
    tone = strongest / STRENGTH.max() * np.exp(2j * np.pi * (0.1 - 0.25 * np.arange(200)))
    return np.concatenate([pulse, tone, np.zeros(3), pulse[:7]]).astype(np.complex128)


@pytest.mark.parametrize("of_weak", [0.05, 0.5, 0.99])
def test_weak_samples_do_what_the_generator_does(of_weak: float) -> None:
    samples = a_pulse_and_a_tone(of_weak * WEAK)
    without = a_pulse_and_a_tone(0.0)
    wanted = judged(samples)
    assert np.abs(wanted - judged(without)).max() > 100 * 2e-6, "the tone is felt"
    assert np.abs(played(samples) - wanted).max() < 4e-6


def test_samples_about_the_limit_of_weakness_do_alike() -> None:
    below, above = (played(a_pulse_and_a_tone(share * WEAK)) for share in (1 - 1e-9, 1 + 1e-9))
    assert np.abs(below - above).max() < 4e-6


def test_nothing_played_is_a_wait() -> None:
    silence = np.zeros(50, np.complex128)
    assert np.abs(played(silence) - judged(silence)).max() < 1e-12


def test_a_weak_sample_is_one_unitary() -> None:
    weakest = WEAK / STRENGTH.max()
    work = np.empty((LEVELS, LEVELS), np.complex128)
    wanted = np.empty_like(work)
    sample = 0.97 * weakest * np.exp(0.7j)
    held_unitary(DIAGONAL, STRENGTH * np.conj(sample), STEP_NS, wanted, work)
    none = np.zeros((LEVELS, LEVELS))
    state = np.stack([np.outer(np.eye(LEVELS)[0], np.eye(LEVELS)[0])]).astype(np.complex128)
    play_samples(state, np.array([sample]), STEP_NS, DIAGONAL, STRENGTH, none, none)
    assert np.abs(state[0] - np.outer(wanted[:, 0], wanted[:, 0].conj())).max() < 1e-13


@pytest.mark.parametrize("strongest", [0.5 * WEAK, 20 * WEAK, 1.5])
def test_many_samples_turn_as_each_of_them_does(strongest: float) -> None:
    """Unitaries of many samples are those of a series of their size; one sample has its own."""
    rng = np.random.default_rng(4)
    samples = strongest / STRENGTH.max() * rng.random(60) * np.exp(2j * np.pi * rng.random(60))
    one_by_one = columns()
    for sample in samples:
        alone = np.array([sample])
        fading = fade_rates(RATES, 2e-6)
        play_samples(one_by_one, alone, STEP_NS, DIAGONAL, STRENGTH, RATES, fading)
    assert np.abs(played(samples) - one_by_one).max() < 1e-12
