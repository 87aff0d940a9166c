"""Judges gates of two qubits by tomography of their own states.

With L lost from the lowest levels and F the process fidelity to the gate in them, the average
fidelity is ``(4 F + 1 - L) / 5`` (Wood and Gambetta, Phys. Rev. A 97, 032306 (2018)). Phases of
single qubits are free.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NODES = np.polynomial.hermite_e.hermegauss(3)
PAIRS = ((0, 0), (0, 1), (1, 0), (1, 1))
"""Levels of the two qubits, in the order of a gate's matrix."""


def coherent_infidelity(gate: str, block: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return the average infidelity of blocks of the lowest levels, (T, 4, 4), to the gate, (T,).

    ``1 - (|Tr U+ M|^2 + Tr M+ M) / 20`` (Pedersen et al., Phys. Lett. A 367, 47 (2007)).
    """
    wanted = gate_unitary(gate, block)
    overlap = np.abs(np.einsum("tab,tab->t", np.conj(wanted), block)) ** 2
    kept = np.einsum("tab,tab->t", np.conj(block), block).real
    return np.asarray(1 - (overlap + kept) / 20)


def gate_unitary(gate: str, block: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return the gate with the phases of single qubits that lie nearest to ``block`` (T, 4, 4)."""
    wanted = np.zeros(block.shape, np.complex128)
    if gate == "cz":
        base = np.angle(block[:, 0, 0])
        first, second, both = (np.angle(block[:, k, k]) - base for k in (2, 1, 3))
        # what the conditional phase misses is shared among the four, as least squares do
        missed = np.angle(-np.exp(1j * (both - first - second))) / 4
        phases = (base - missed, base + second + missed, base + first + missed)
        for k, phase in zip((0, 1, 2), phases, strict=True):
            wanted[:, k, k] = np.exp(1j * phase)
        wanted[:, 3, 3] = -np.exp(1j * (base + first + second + 3 * missed))
        return wanted
    one, other = np.angle(block[:, 1, 2]), np.angle(block[:, 2, 1])
    base, both = np.angle(block[:, 0, 0]), np.angle(block[:, 3, 3])
    # of an iSWAP 00 and 11 keep what 01 and 10 do not have: one - base + other - both = pi
    missed = np.angle(-np.exp(1j * (one + other - base - both))) / 4
    wanted[:, 0, 0], wanted[:, 3, 3] = np.exp(1j * (base + missed)), np.exp(1j * (both + missed))
    wanted[:, 1, 2], wanted[:, 2, 1] = np.exp(1j * (one - missed)), np.exp(1j * (other - missed))
    return wanted


def turned_cz(phases: tuple[float, float]) -> NDArray[np.complex128]:
    """Return a CZ, (4, 4), behind which frames are turned: of both qubits, in turns.

    A frame that is ahead sees its qubit behind.
    """
    first, second = (np.exp(-2j * np.pi * one) for one in phases)
    return np.diag([1.0 + 0j, second, first, -first * second])


def conditional_turns(moved: NDArray[np.complex128]) -> float:
    """Return by how many turns a process turns 11 beyond 01, 10 and half a turn."""
    of_11, of_01, of_10 = (np.angle(moved[k, 0, k, 0]) for k in (3, 1, 2))
    return float(np.angle(-np.exp(1j * (of_11 - of_01 - of_10))) / (2 * np.pi))


def process_infidelity(
    gate: str, moved: NDArray[np.complex128], wanted: NDArray[np.complex128] | None = None
) -> tuple[float, float]:
    """Return the average infidelity and the leakage of what becomes of |a><b|.

    ``moved`` (4, 4, 4, 4): axes a, b, and rows and columns of what it becomes. ``wanted`` (4, 4):
    None: the gate with the phases of single qubits that suit it best.
    """
    if wanted is None:
        block = np.zeros((1, 4, 4), np.complex128)
        if gate == "cz":
            block[0, range(4), range(4)] = [moved[a, 0, a, 0] for a in range(4)]
        else:
            for to, start in ((0, 0), (2, 1), (1, 2), (3, 3)):
                block[0, to, start] = moved[start, 0, to, 0]
        wanted = gate_unitary(gate, block)[0]
    process = np.einsum("ca,abcd,db->", np.conj(wanted), moved, wanted) / 16
    kept = sum(float(moved[a, a, b, b].real) for a in range(4) for b in range(4)) / 4
    return 1 - (4 * float(process.real) + kept) / 5, 1 - kept


def noise_nodes(sigmas_hz: Sequence[float]) -> list[tuple[NDArray[np.float64], float]]:
    """Return nodes of the two qubits' slow noise, and their weights."""
    value, weight = NODES
    weight = weight / weight.sum()
    rest = np.zeros(len(sigmas_hz) - 2)
    return [
        (np.append([a * sigmas_hz[0], b * sigmas_hz[1]], rest), float(u * v))
        for a, u in zip(value, weight, strict=True)
        for b, v in zip(value, weight, strict=True)
    ]
