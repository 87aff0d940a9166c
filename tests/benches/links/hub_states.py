"""Shots of three qubits in a state over a hub, by matrices alone."""

import numpy as np

from podium.control.calibration.fits.shared_by_three import GHZ, PHASES, SharedForm
from podium.control.calibration.fits.two_qubit_state import turned

SHOTS = 20_000
CONFUSIONS = [
    np.array([[1 - e, g], [e, 1 - g]]) for e, g in ((0.02, 0.05), (0.03, 0.04), (0.01, 0.06))
]


def kets(phase: float) -> np.ndarray:
    state = np.zeros(8, complex)
    state[0b110], state[0b001] = 1, np.exp(1j * phase)
    return state / np.sqrt(2)


def drawn(
    rho: np.ndarray,
    rng: np.random.Generator,
    form: SharedForm = GHZ,
    errors: list[np.ndarray] = CONFUSIONS,
    shots: int = SHOTS,
) -> np.ndarray:
    """Shots (3, shots, settings) of a state, by matrices alone, with readouts that err."""
    found = []
    for k in range(PHASES + 1):
        turns = (k - 1) / PHASES if k else 0.0
        # a qubit whose axis stands is turned in every setting
        parts = [
            turned(np.pi / 2, sign * turns) if k or not sign else np.eye(2) for sign in form.signs
        ]
        u = np.kron(np.kron(parts[0], parts[1]), parts[2])
        chance = np.diag(u @ rho @ u.conj().T).real
        told = np.kron(np.kron(errors[0], errors[1]), errors[2]) @ chance
        number = rng.choice(8, size=shots, p=told / told.sum())
        found.append([number >> 2 & 1, number >> 1 & 1, number & 1])
    return np.moveaxis(np.array(found, bool), 0, 2)
