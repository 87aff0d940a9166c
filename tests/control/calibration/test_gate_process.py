"""Process tomography finds what a gate of known errors does."""

import numpy as np
import pytest
from tests.benches.thoroughness import cases

from podium.control.calibration.fits import process
from podium.control.calibration.fits.process import of_unitary, process_tomography
from podium.control.calibration.fits.two_qubit_state import CZ, ISWAP, Confusion
from podium.control.calibration.routines.gate_process import effects_of


@pytest.mark.parametrize("gate", [CZ, pytest.param(ISWAP, marks=pytest.mark.slow)])
def test_two_qubits_processes_are_found_with_honest_sigmas(
    gate: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "RESAMPLED", cases(8, process.RESAMPLED))
    rng = np.random.default_rng(8)
    seen = effects_of(Confusion((0.01, 0.02), (0.03, 0.02)).matrix())
    ideal = of_unitary(gate)
    left = 0.94
    choi = left * np.outer(ideal, ideal.conj()) + (1 - left) * np.eye(16) / 4
    chances = np.einsum("soab,ba->so", seen, choi).real
    pulls = []
    for _ in range(cases(2, 3)):
        counts = rng.multinomial(400, chances / chances.sum(axis=1, keepdims=True))
        found = process_tomography(counts.astype(float), seen, gate)
        pulls.append((found.fidelity - (left + (1 - left) / 16)) / found.fidelity_sigma)
    assert np.abs(pulls).max() < 4
    assert np.std(pulls) > 0.2
