"""Plays maps of gates in a row to packed states."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.gate_programs import Program
from podium.sim_instruments.physics.joint.noise_reach import fill_unitaries, reach_ns
from podium.sim_instruments.physics.noise import Quadrature

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
Complexes = NDArray[np.complex128]


class MapPlayer:
    """Keeps the maps of a run, and plays programs of them."""

    def __init__(self, number: Numbers) -> None:
        """``number`` (N,): excitations of the dressed levels that maps have, ascending."""
        count = number.size
        self._stack = np.empty((64, count**2, count**2))
        """Over packed states; longer than there are maps."""
        self.around: list[int] = []
        """Of each map, how many harmonics follow it, cosines and sines."""
        self.unitaries: list[Complexes] = [np.eye(count, dtype=np.complex128)]
        self._block: Numbers = np.append(np.flatnonzero(np.diff(number, prepend=-1)), count)
        self._nearest = np.zeros((0, count, count), np.complex128)
        self._is_known = np.zeros(0, np.bool_)
        """Whether the unitary nearest to a map is among these."""

    @property
    def size_bytes(self) -> int:
        """Return how much memory its maps take."""
        return self.maps.nbytes

    @property
    def maps(self) -> Array:
        """Return all maps, (K, n, n)."""
        return self._stack[: len(self.around)]

    def add(self, maps: Sequence[Array]) -> int:
        """Take a map and its harmonics; return its number."""
        place = len(self.around)
        self.around += [len(maps) - 1] * len(maps)
        while len(self._stack) < len(self.around):
            self._stack = np.concatenate([self._stack, np.empty_like(self._stack)])
        for k, one in enumerate(maps, place):
            self._stack[k] = one
        return place

    def add_between(self, place: int, before: Array, behind: Array) -> int:
        """Take a map that is there, and its harmonics, between two that have few elements."""
        found = []
        for k in range(place, place + 1 + self.around[place]):
            one = np.empty_like(self._stack[k])
            put_between(self._stack[k], before, behind, one)
            found.append(one)
        return self.add(found)

    def populations(self, program: Program, states: Array, moved: Array) -> Array:
        """Return populations (N, C) behind a program, from packed states (n, C).

        ``moved`` (N, C): turns a ns by which levels are off.
        """
        count = len(moved)
        spans, span = np.unique(program.spans, return_inverse=True)
        far = np.exp(-2j * np.pi * ((spans[:, None, None] * moved) % 1.0))
        low, high = np.tril_indices(count, -1)
        end = play_maps(
            self.maps,
            np.array(self.around, np.int64),
            program.maps,
            program.turns,
            np.ascontiguousarray(far.real),
            np.ascontiguousarray(far.imag),
            span.reshape(-1).astype(np.int64),
            program.phases,
            low,
            high,
            np.stack(self.unitaries),
            program.unitaries,
            self._block,
            states,
        )
        return np.asarray(end[:count])

    def reach_ns(
        self, program: Program, level: Numbers, nodes: Sequence[Quadrature]
    ) -> list[float]:
        """Return for how long slow noise turns each member in effect: see :mod:`.noise_reach`.

        ``level`` (N, M): of each member in each dressed level.
        """
        maps = self.maps
        more = len(maps) - self._is_known.size
        self._nearest = np.concatenate([self._nearest, np.zeros((more, *self._nearest.shape[1:]))])
        self._is_known = np.append(self._is_known, np.zeros(more, np.bool_))
        fresh = np.unique(program.maps[~self._is_known[program.maps]])
        fill_unitaries(maps, fresh, *np.tril_indices(len(level), -1), self._nearest)
        self._is_known[fresh] = True
        return reach_ns(program, (self._nearest, np.stack(self.unitaries)), level, nodes)


@njit(cache=True, nogil=True)
def put_between(one: Any, before: Any, behind: Any, out: Any) -> None:
    """Fill ``out`` with ``behind @ one @ before`` (n, n), of which two have few elements."""
    size = out.shape[0]
    half = np.zeros((size, size))
    for k in range(size):
        for j in range(size):
            value = before[k, j]
            if value != 0.0:
                for i in range(size):
                    half[j, i] += one[i, k] * value
    out[:, :] = 0.0
    for i in range(size):
        for k in range(size):
            value = behind[i, k]
            if value != 0.0:
                for j in range(size):
                    out[i, j] += value * half[j, k]


@njit(cache=True, nogil=True)
def play_maps(
    maps: Any,
    around: Any,
    which: Any,
    turns: Any,
    far: Any,
    far_i: Any,
    span: Any,
    phases: Any,
    low: Any,
    high: Any,
    unitaries: Any,
    behind: Any,
    block: Any,
    states: Any,
) -> Any:
    """Return packed states (n, C) behind all maps.

    ``turns`` (S, N): of dressed levels before each map, and with them the factors ``far`` (and
    ``far_i``) (U, N, C) of the ``span`` (S,); ``low``, ``high``: the places of coherences, as
    :func:`.group_maps.pack` has them. ``behind`` (S,): which of the ``unitaries`` (U, N, N), in
    blocks, follows each map; -1: none.
    """
    size, columns = turns.shape[1], states.shape[1]
    real, imaginary = np.empty((size, columns)), np.empty((size, columns))
    one = np.array([0, size])
    for s in range(which.size):
        for i in range(size):
            angle = 2.0 * np.pi * (turns[s, i] - np.floor(turns[s, i]))
            a, b = np.cos(angle), np.sin(angle)
            for c in range(columns):
                x, y = far[span[s], i, c], far_i[span[s], i, c]
                real[i, c] = a * x - b * y
                imaginary[i, c] = a * y + b * x
        turn_coherences(real, imaginary, low, high, states)
        before, number = states, which[s]
        states = np.dot(maps[number], before)
        for h in range(around[number]):
            angle = 2.0 * np.pi * phases[s] * (h // 2 + 1)
            part = np.cos(angle) if h % 2 == 0 else np.sin(angle)
            states += part * np.dot(maps[number + 1 + h], before)
        if behind[s] >= 0:
            unitary = unitaries[behind[s]]
            turn_packed(unitary, block if is_blocks(unitary, block) else one, low, high, states)
    return states


@njit(cache=True, nogil=True)
def turn_coherences(real: Any, imaginary: Any, low: Any, high: Any, states: Any) -> None:
    """Turn packed states (n, C) by phase factors of levels, (N, C)."""
    size, pairs, columns = real.shape[0], low.size, states.shape[1]
    for p in range(pairs):
        i, j = low[p], high[p]
        for c in range(columns):
            x = real[i, c] * real[j, c] + imaginary[i, c] * imaginary[j, c]
            y = imaginary[i, c] * real[j, c] - real[i, c] * imaginary[j, c]
            a, b = states[size + p, c], states[size + pairs + p, c]
            states[size + p, c] = a * x - b * y
            states[size + pairs + p, c] = a * y + b * x


@njit(cache=True, nogil=True)
def is_blocks(unitary: Any, block: Any) -> bool:
    """Tell whether a matrix (N, N) is 0 outside its blocks."""
    for k in range(block.size - 1):
        for i in range(block[k], block[k + 1]):
            for j in range(block[k + 1], unitary.shape[0]):
                if unitary[i, j] != 0 or unitary[j, i] != 0:
                    return False
    return True


@njit(cache=True, nogil=True)
def turn_packed(unitary: Any, block: Any, low: Any, high: Any, states: Any) -> None:
    """Turn packed states (n, C) by a unitary (N, N) that consists of blocks."""
    size, pairs = unitary.shape[0], low.size
    state = np.empty((size, size), np.complex128)
    half = np.empty((size, size), np.complex128)
    root = np.sqrt(2.0)
    for c in range(states.shape[1]):
        for i in range(size):
            state[i, i] = states[i, c]
        for p in range(pairs):
            value = complex(states[size + p, c], states[size + pairs + p, c]) / root
            state[low[p], high[p]] = value
            state[high[p], low[p]] = np.conj(value)
        for k in range(block.size - 1):
            for i in range(block[k], block[k + 1]):
                for j in range(size):
                    total = 0j
                    for m in range(block[k], block[k + 1]):
                        total += unitary[i, m] * state[m, j]
                    half[i, j] = total
        for i in range(size):
            for k in range(block.size - 1):
                for j in range(block[k], min(block[k + 1], i + 1)):
                    total = 0j
                    for m in range(block[k], block[k + 1]):
                        total += half[i, m] * np.conj(unitary[j, m])
                    state[i, j] = total
        for i in range(size):
            states[i, c] = state[i, i].real
        for p in range(pairs):
            value = root * state[low[p], high[p]]
            states[size + p, c] = value.real
            states[size + pairs + p, c] = value.imag
