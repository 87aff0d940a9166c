"""Plays a teleported CNOT on density matrices of four qubits: control, both halves, target."""

from functools import reduce

import numpy as np

from podium.control.calibration.fits.teleported_gate import SETTINGS, CnotSetting

I2, X, Y, Z = (
    np.array(one, complex)
    for one in ([[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]])
)
CZ = np.diag([1.0, 1, 1, -1])
PAULI = {"x": X, "y": Y, "z": Z}
C, A, B, T = range(4)


def about(turns: float, angle: float = np.pi / 2) -> np.ndarray:
    """A pulse about an axis of the equator."""
    axis = np.cos(2 * np.pi * turns) * X + np.sin(2 * np.pi * turns) * Y
    return np.cos(angle / 2) * I2 - 1j * np.sin(angle / 2) * axis


def on(operator: np.ndarray, qubit: int) -> np.ndarray:
    return reduce(np.kron, [operator if k == qubit else I2 for k in range(4)])


def together(one: int) -> np.ndarray:
    """A cz of a qubit and the next one."""
    return np.kron(np.kron(np.eye(2**one), CZ), np.eye(2 ** (2 - one)))


def pair(fidelity: float, phase: float) -> np.ndarray:
    """|01> + exp(i phase) |10>, with as much of all else as a Werner state has."""
    ket = np.array([0, 1, np.exp(1j * phase), 0]) / np.sqrt(2)
    weight = (4 * fidelity - 1) / 3
    return weight * np.outer(ket, ket.conj()) + (1 - weight) * np.eye(4) / 4


def eigenstate(axis: str, sign: float) -> np.ndarray:
    return (I2 + sign * PAULI[axis]) / 2


def chances(setting: CnotSetting, shared: np.ndarray, excited: float = 0.0) -> np.ndarray:
    """Of all outcomes, (16,): control, halves and target read as 1, the first the highest bit.

    ``excited``: how often a data qubit begins in 1.
    """
    control, target = (
        eigenstate(axis, sign * (1 - 2 * excited))
        for axis, sign in zip(setting.prepared, setting.signs, strict=True)
    )
    rho = reduce(np.kron, [control, shared, target])
    steps = [
        on(about(-0.25), A) @ on(about(-0.25), T),
        together(C) @ together(B),
        on(about(0.25), A) @ on(about(0.25), T),
        on(about(-0.25 + setting.turn), B),
    ]
    for axis, qubit in zip(setting.read, (C, T), strict=True):
        if axis != "z":
            steps.append(on(about({"x": -0.25, "y": 0.0}[axis]), qubit))
    for step in steps:
        rho = step @ rho @ step.conj().T
    return np.maximum(np.diag(rho).real, 0)


def shots_of(shared: np.ndarray, count: int, seed: int = 3) -> np.ndarray:
    """What control, halves and target are read as, (4, shots, settings)."""
    return drawn_of(chances_of_all(shared), count, seed)


def chances_of_all(shared: np.ndarray, excited: float = 0.0) -> np.ndarray:
    """Of all outcomes of all settings, (settings, 16)."""
    each = np.stack([chances(one, shared, excited) for one in SETTINGS])
    return each / each.sum(axis=1, keepdims=True)


def drawn_of(each: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Shots of what :func:`chances_of_all` returns, (4, shots, settings)."""
    rng = np.random.default_rng(seed)
    drawn = np.stack([rng.choice(16, count, p=one) for one in each], axis=1)
    return np.stack([(drawn >> bit) & 1 == 1 for bit in (3, 2, 1, 0)])
