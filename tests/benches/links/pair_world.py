"""A world of entangled pairs as density matrices, tracked beside the link layer's labels.

Pairs are meant to be ``(|00> + |11>)/sqrt 2``. It shares no formula with the layer: decay is by
Kraus operators, swaps and checks are circuits on the matrices.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.links.network import Ends

Matrix = NDArray[np.complex128]
FS_PER_S = 10**15
EYE = np.eye(2)
PAULIS = (EYE, np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1]))
BELL = np.array([1, 0, 0, 1], dtype=np.complex128) / math.sqrt(2)
BELLS = [np.kron(EYE, pauli) @ BELL for pauli in PAULIS]
WRONG: Matrix = np.outer(BELLS[2], BELLS[2].conj())
"""What an operation leaves that went wrong: nothing of the Bell state."""


def fidelity(rho: Matrix) -> float:
    """Return the overlap with the Bell state."""
    return float((BELL.conj() @ rho @ BELL).real)


def werner(value: float) -> Matrix:
    """Return a Werner pair, by its four chances."""
    chances = [value, *[(1 - value) / 3] * 3]
    return sum(p * np.outer(b, b.conj()) for p, b in zip(chances, BELLS, strict=True))


def one_error(value: float, which: int) -> Matrix:
    """Return a pair whose only error is one Pauli."""
    other = BELLS[which]
    return value * np.outer(BELL, BELL.conj()) + (1 - value) * np.outer(other, other.conj())


def random_pair(least: float, drawn: np.random.Generator) -> Matrix:
    """Return a pair of some fidelity of at least ``least``, of no particular form.

    Half of them are no better than that; some have one kind of error alone, and some a phase
    between the Bell state and its error, so that the excited state weighs more.
    """
    value = least + (1 - least) * max(0.0, drawn.uniform(-0.5, 0.5))
    form = drawn.integers(4)
    if form == 0:
        return one_error(value, 1 + int(drawn.integers(3)))
    vector = drawn.normal(size=(4, 4)) + 1j * drawn.normal(size=(4, 4))
    vector -= np.outer(BELL, BELL.conj() @ vector)
    noise = vector @ vector.conj().T
    if form == 1:
        rest = (1 - value) * noise / np.trace(noise).real
        return value * np.outer(BELL, BELL.conj()) + rest
    other = -BELLS[3] if form == 2 else vector[:, 0] / np.linalg.norm(vector[:, 0])
    state = math.sqrt(value) * BELL + math.sqrt(1 - value) * other
    return np.outer(state, state.conj())


def decay(seconds: float, t1_s: float, t2_s: float, excited: float) -> Matrix:
    """Return the Kraus operators of one waiting qubit, shape (n, 2, 2).

    ``excited``: its population when warm.
    """
    gone = 1 - math.exp(-seconds / t1_s)
    dephasing = math.exp(-seconds * (1 / t2_s - 1 / (2 * t1_s)))
    stay, cold, warm = math.sqrt(1 - gone), 1 - excited, excited
    found = np.zeros((4, 2, 2), dtype=np.complex128)
    found[0] = np.diag([1, stay]) * math.sqrt(cold)
    found[1, 0, 1] = math.sqrt(gone * cold)
    found[2] = np.diag([stay, 1]) * math.sqrt(warm)
    found[3, 1, 0] = math.sqrt(gone * warm)
    flip = (1 - dephasing) / 2
    return np.concatenate((math.sqrt(1 - flip) * found, math.sqrt(flip) * PAULIS[3] @ found))


def applied(rho: Matrix, kraus: Matrix, place: int) -> Matrix:
    """Return a pair after a map of one of its qubits."""
    indices = ("nxa,abcd,nyc->xbyd", "nxb,abcd,nyd->axcy")[place]
    found = np.einsum(indices, kraus, rho.reshape(2, 2, 2, 2), kraus.conj(), optimize=False)
    return found.reshape(4, 4)


def swapped(left: Matrix, right: Matrix) -> Matrix:
    """Return the outer pair after a Bell measurement of the inner qubits and its correction."""
    whole = np.kron(left, right)  # qubits a b c d; b and c are measured
    found = np.zeros((4, 4), dtype=np.complex128)
    for bell, pauli in zip(BELLS, PAULIS, strict=True):
        project = np.kron(np.kron(EYE, bell.conj().reshape(1, 4)), EYE)
        outer = project @ whole @ project.conj().T
        fix = np.kron(EYE, pauli)
        found += fix @ outer @ fix.conj().T
    return found


def cnot(qubits: int, control: int, target: int) -> Matrix:
    """Return the gate on some of ``qubits``."""
    size = 2**qubits
    gate = np.zeros((size, size))
    for state in range(size):
        bit = state >> (qubits - 1 - control) & 1
        gate[state ^ (bit << (qubits - 1 - target)), state] = 1
    return gate


def checked(kept: list[Matrix], sacrificed: Matrix) -> tuple[list[Matrix], float]:
    """Return each kept pair and the chance, after a check by circuits on twirled pairs."""
    pairs = [*kept, sacrificed]
    qubits = 2 * len(pairs)
    whole = np.array([[1.0]])
    for one in pairs:
        whole = np.kron(whole, werner(fidelity(one)))
    for index in range(len(kept)):
        for side in range(2):
            gate = cnot(qubits, 2 * index + side, qubits - 2 + side)
            whole = gate @ whole @ gate.T
    size = 4 ** len(kept)
    blocks = whole.reshape(size, 4, size, 4)
    rest = blocks[:, 0, :, 0] + blocks[:, 3, :, 3]  # both ends read the same
    chance = float(np.trace(rest).real)
    found = []
    for index in range(len(kept)):
        shape = (4**index, 4, 4 ** (len(kept) - 1 - index))
        found.append(np.einsum("aibajb->ij", rest.reshape(*shape, *shape)) / chance)
    return found, chance


@dataclass(frozen=True, slots=True)
class TrueStation:
    """What a station's qubits and operations truly are."""

    t1_s: float
    t2_s: float
    excited: float
    operation_error: float


@dataclass(slots=True)
class TruePair:
    """A pair as it is."""

    ends: Ends
    rho: Matrix
    at_fs: int


class PairWorld:
    """All pairs that there are, and what time does to them."""

    def __init__(self, stations: dict[str, TrueStation], drawn: np.random.Generator) -> None:
        self.stations, self.drawn = stations, drawn
        self.pairs: dict[int, TruePair] = {}

    def made(self, number: int, ends: Ends, rho: Matrix, now_fs: int) -> None:
        """Add a pair."""
        self.pairs[number] = TruePair(ends, rho, now_fs)

    def state(self, number: int, now_fs: int) -> Matrix:
        """Return a pair as it is now."""
        pair = self.pairs[number]
        seconds = (now_fs - pair.at_fs) / FS_PER_S
        for place, name in enumerate(pair.ends):
            one = self.stations[name]
            kraus = decay(seconds, one.t1_s, one.t2_s, one.excited)
            pair.rho = applied(pair.rho, kraus, place)
        pair.at_fs = now_fs
        return pair.rho

    def swap(self, number: int, hub: str, left: int, right: int, now_fs: int) -> None:
        """Join two pairs, both of which are gone then."""
        ends, states = [], []
        for which in (left, right):
            rho, pair = self.state(which, now_fs), self.pairs[which]
            inner = pair.ends.index(hub)
            if inner != (1 if which == left else 0):
                rho = _turned(rho)
            ends.append(pair.ends[1 - inner])
            states.append(rho)
        error = self.stations[hub].operation_error
        rho = (1 - error) * swapped(*states) + error * WRONG
        if ends[0] > ends[1]:
            ends, rho = ends[::-1], _turned(rho)
        del self.pairs[left], self.pairs[right]
        self.made(number, (ends[0], ends[1]), rho, now_fs)

    def check(self, kept: list[int], sacrificed: int, now_fs: int) -> bool:
        """Check pairs by another one; tell whether they have passed, else they are gone."""
        states = [self.state(one, now_fs) for one in kept]
        found, chance = checked(states, self.state(sacrificed, now_fs))
        ends = self.pairs[sacrificed].ends
        error = sum(self.stations[name].operation_error for name in ends)
        passing = (1 - error) * chance + error  # what went wrong passes, in the worst case
        passed = bool(self.drawn.random() < passing)
        for number, rho in zip(kept, found, strict=True):
            if passed:
                good = (1 - error) * chance / passing
                self.pairs[number].rho = good * rho + (1 - good) * WRONG
            else:
                del self.pairs[number]
        del self.pairs[sacrificed]
        return passed

    def spoil(self, number: int) -> None:
        """Take a pair's phase away: its frame is not known any longer."""
        self.pairs[number].rho = np.diag(np.diag(self.pairs[number].rho))


def _turned(rho: Matrix) -> Matrix:
    """Return a pair with its qubits in the other order."""
    return rho.reshape(2, 2, 2, 2).transpose(1, 0, 3, 2).reshape(4, 4)
