"""A process from counts: ways that are known, with readouts that err, and a phase on the way."""

import numpy as np
import pytest

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.process import (
    INPUTS,
    average_fidelity,
    inputs_of,
    likeliest_process,
    outcomes,
    process_fidelity,
    process_tomography,
)
from podium.control.calibration.fits.two_qubit_state import turned
from podium.control.calibration.links.entangled_pair import PHASES
from podium.control.calibration.links.transfer_process import phase_of_way, read_rotations

CONFUSION = np.array([[0.97, 0.05], [0.03, 0.95]])


def way(eta: float, phase_turns: float = 0.0, kept: float = 1.0) -> list[np.ndarray]:
    """Kraus operators: 1 arrives with chance ``eta``, turned; ``kept``: of its phase."""
    turn = np.exp(2j * np.pi * phase_turns)
    arrives = np.diag([1, np.sqrt(eta) * turn])
    lost = np.array([[0, np.sqrt(1 - eta)], [0, 0]], np.complex128)
    z = np.diag([1, -1])
    return [np.sqrt((1 + kept) / 2) * arrives, np.sqrt((1 - kept) / 2) * z @ arrives, lost]


def choi_of(kraus: list[np.ndarray]) -> np.ndarray:
    vectors = [k.T.reshape(-1) for k in kraus]  # sum over i of |i> (x) K |i>
    return sum(np.outer(v, v.conj()) for v in vectors)


def arrived(kraus: list[np.ndarray], rho: np.ndarray) -> np.ndarray:
    return sum(k @ rho @ k.conj().T for k in kraus)


def chances(kraus: list[np.ndarray], confusion: np.ndarray) -> np.ndarray:
    """What is read in each setting, by density matrices alone."""
    found = []
    for rho, u in zip(inputs_of(), read_rotations(), strict=True):
        end = u @ arrived(kraus, rho) @ u.conj().T
        found.append(confusion @ np.diag(end).real)
    return np.array(found)


@pytest.mark.parametrize("eta", [1.0, 0.77, 0.3])
def test_a_way_that_loses_photons_is_found_behind_readouts_that_err(eta: float) -> None:
    kraus = way(eta, kept=0.9)
    measured = outcomes(inputs_of(), read_rotations(), CONFUSION)
    found = likeliest_process(chances(kraus, CONFUSION), measured)
    assert np.allclose(found, choi_of(kraus), atol=5e-3)
    assert np.allclose(np.einsum("iaja->ij", found.reshape(2, 2, 2, 2)), np.eye(2), atol=1e-9)
    closed = (1 + eta + 2 * 0.9 * np.sqrt(eta)) / 4
    assert process_fidelity(found) == pytest.approx(closed, abs=1e-3)
    uncorrected = outcomes(inputs_of(), read_rotations(), np.eye(2))
    worse = likeliest_process(chances(kraus, CONFUSION), uncorrected)
    assert process_fidelity(worse) < closed - 0.02


def test_the_average_of_states_is_that_of_states() -> None:
    """Over the six inputs, which are a design: exact, by density matrices."""
    kraus = way(0.77, kept=0.9)
    states = inputs_of()[::3]
    assert len(states) == len(INPUTS)
    mean = np.mean([np.trace(rho @ arrived(kraus, rho)).real for rho in states])
    assert average_fidelity(process_fidelity(choi_of(kraus))) == pytest.approx(mean, abs=1e-12)


@pytest.mark.parametrize("turns", [0.0, 0.13, 0.5, 0.81])
def test_the_phase_of_the_way_is_found_and_taken_out(turns: float) -> None:
    kraus, shots = way(0.7, turns), 100_000
    sent = turned(np.pi / 2, 0.0)[:, [0]]
    after = arrived(kraus, sent @ sent.conj().T)
    means = []
    for sweep in np.linspace(0.0, 1.0, PHASES):
        u = turned(np.pi / 2, sweep)
        end = np.diag(u @ after @ u.conj().T).real
        means.append(end[0] - end[1])
    found = phase_of_way(np.array(means), shots)
    assert (found - turns + 0.5) % 1.0 == pytest.approx(0.5, abs=1e-3)
    measured = outcomes(inputs_of(), read_rotations(found), np.eye(2))
    choi = likeliest_process(chances(kraus, np.eye(2)), measured)
    assert process_fidelity(choi) == pytest.approx((1 + np.sqrt(0.7)) ** 2 / 4, abs=2e-3)


def test_a_way_without_a_phase_is_refused() -> None:
    noise = 0.01 * np.random.default_rng(1).normal(size=PHASES)
    with pytest.raises(FitFailed, match="has no phase"):
        phase_of_way(noise, 2500)


def test_the_sigma_is_the_scatter_of_data_drawn_anew() -> None:
    kraus, shots = way(0.77, kept=0.95), 2500
    measured = outcomes(inputs_of(), read_rotations(), CONFUSION)
    rng, closed = np.random.default_rng(3), (1 + 0.77 + 2 * 0.95 * np.sqrt(0.77)) / 4
    p = chances(kraus, CONFUSION)
    drawn = [
        process_tomography(np.array([rng.multinomial(shots, one) for one in p], float), measured)
        for _ in range(12)
    ]
    found = np.array([one.fidelity for one in drawn])
    sigma = drawn[0].fidelity_sigma
    assert abs(found.mean() - closed) < 5 * sigma / np.sqrt(len(found))
    assert 0.5 * sigma < found.std(ddof=1) < 1.7 * sigma
    assert sigma == pytest.approx(0.004, rel=0.5)
