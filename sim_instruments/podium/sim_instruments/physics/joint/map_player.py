"""Plays maps of gates in a row to packed states.

Maps and states are in single precision here: populations behind 1,400 maps are good to 7e-6. A map
is kept [from, to]: OpenBLAS multiplies states by such a one in a tenth less time.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import distinct
from podium.sim_instruments.physics.joint.gate_programs import Program
from podium.sim_instruments.physics.joint.noise_reach import (
    fill_unitaries,
    levels_counted,
    reach_ns,
)
from podium.sim_instruments.physics.known_values import KnownValues
from podium.sim_instruments.physics.noise import Quadrature
from podium.sim_instruments.physics.phase_factors import phase_factors

Array = NDArray[np.float64]
Singles = NDArray[np.float32]
Numbers = NDArray[np.int64]
Complexes = NDArray[np.complex128]
COLUMNS = 16
"""Columns of states are filled up to a multiple of this where there are more than half as many:
a product of 169 x 169 numbers with 14 columns takes a fifth longer than with 16."""
TURN_STEPS = 2**30
"""Turns that round to the same of so many steps are the same."""
KEPT = KnownValues[Singles](64_000_000, lambda one: one.nbytes)
"""Maps with their harmonics, by all that they are worked out from: other runs take them."""


class MapPlayer:
    """Keeps the maps of a run, and plays programs of them."""

    def __init__(self, number: Numbers) -> None:
        """``number`` (N,): excitations of the dressed levels that maps have, ascending."""
        count = number.size
        self._stack = np.empty((64, count**2, count**2), np.float32)
        """Over packed states, [from, to]; longer than there are maps."""
        self.around: list[int] = []
        """Of each map, how many harmonics follow it, cosines and sines."""
        self._content: dict[int, Hashable] = {}
        """By the number of a map that other runs may have, all that it is worked out from."""
        self.unitaries: list[Complexes] = [np.eye(count, dtype=np.complex128)]
        self._block: Numbers = np.append(np.flatnonzero(np.diff(number, prepend=-1)), count)
        self._nearest = np.zeros((0, count, count), np.complex128)
        self._is_known = np.zeros(0, np.bool_)
        """Whether what is nearest to a map is among these, between the levels that count."""

    @property
    def size_bytes(self) -> int:
        """Return how much memory its maps take."""
        return self.maps.nbytes

    @property
    def maps(self) -> Singles:
        """Return all maps, (K, n, n), [from, to]."""
        return self._stack[: len(self.around)]

    def add(self, harmonics: int = 0) -> tuple[int, Singles]:
        """Take a map and its harmonics; return its number, and where to write them.

        That is of shape (1 + harmonics, n, n), [from, to].
        """
        place = len(self.around)
        self.around += [harmonics] * (1 + harmonics)
        while len(self._stack) < len(self.around):
            self._stack = np.concatenate([self._stack, np.empty_like(self._stack)])
        return place, self._stack[place : len(self.around)]

    def add_known(
        self, content: Hashable, fill: Callable[[Singles], None], harmonics: int = 0
    ) -> int:
        """Take a map and its harmonics, from an earlier run where one had them; return its number.

        ``content``: all that it is worked out from; ``fill`` writes it where it is new.
        """
        number, found = self.add(harmonics)

        def made() -> Singles:
            fill(found)
            return found.copy()

        found[:] = KEPT.find(content, made)
        self._content[number] = content
        return number

    def _add_of(
        self,
        numbers: Sequence[int],
        how: Hashable,
        fill: Callable[[Singles], None],
        harmonics: int = 0,
    ) -> int:
        """Take a map that is worked out from others, which other runs have where they have those.

        ``how``: what else it depends on; a number of -1 stands for none.
        """
        contents = [self._content.get(one) for one in numbers if one >= 0]
        if None not in contents:
            signs = tuple(one >= 0 for one in numbers)
            return self.add_known((how, signs, *contents), fill, harmonics)
        number, found = self.add(harmonics)
        fill(found)
        return number

    def add_between(self, place: int, before: int, behind: int) -> int:
        """Take a map that is there, and its harmonics, between two without.

        ``before``, ``behind``: their numbers; -1: there is none.
        """
        harmonics = self.around[place]

        def fill(found: Singles) -> None:
            one = self._stack[place : place + 1 + harmonics]
            if before >= 0:
                one = self._stack[before] @ one
            if behind >= 0:
                np.matmul(one, self._stack[behind], out=found)
            else:
                found[:] = one

        return self._add_of((place, before, behind), "between", fill, harmonics)

    def add_pair(self, first: int, second: int, turns: Array) -> int:
        """Take a map, then turns (N,) of the levels, in :data:`TURN_STEPS`, then another, in one.

        In double precision: what is rounded off a map adds up over hundreds of plays.
        """
        steps = turn_steps(turns)

        def fill(found: Singles) -> None:
            count = steps.size
            low, high = np.tril_indices(count, -1)
            factors = phase_factors((steps[low] - steps[high]) / TURN_STEPS)
            cosine, sine = factors.real, factors.imag
            one, half = self._stack[first].astype(np.float64), count + low.size
            x, y = one[:, count:half].copy(), one[:, half:].copy()
            one[:, count:half] = cosine * x - sine * y
            one[:, half:] = cosine * y + sine * x
            found[0] = one @ self._stack[second].astype(np.float64)

        return self._add_of((first, second), steps.tobytes(), fill)

    def add_turned(self, content: Hashable, made: Callable[[], tuple[Array, Complexes]]) -> int:
        """Take a map, [to, from], with a unitary behind it; ``content``: see :meth:`add_known`."""

        def fill(found: Singles) -> None:
            one, unitary = made()
            turned = one.astype(np.float32)
            turn_packed(unitary, self._blocks_of(unitary), turned)
            found[0] = turned.T

        return self.add_known(content, fill)

    def _blocks_of(self, unitary: Complexes) -> Numbers:
        """Return where blocks of a matrix begin and end: those of excitations, or all of it."""
        own = self._block if is_blocks(unitary, self._block) else self._block[[0, -1]]
        return np.asarray(own)

    def populations(self, program: Program, states: Array, moved: Array) -> Array:
        """Return populations (N, C) behind a program, from packed states (n, C).

        ``moved`` (N, C): turns a ns by which levels are off.
        """
        count = len(moved)
        span, first = distinct(program.spans.view(np.int64).reshape(-1, 1))
        columns = states.shape[1]
        more = -columns % COLUMNS if columns > COLUMNS // 2 else 0
        moved, states = (np.pad(one, ((0, 0), (0, more))) for one in (moved, states))
        high, low = np.tril_indices(len(moved), -1)  # in the order of packed coherences
        far = phase_factors(-program.spans[first][:, None, None] * (moved[high] - moved[low]))
        near = phase_factors(program.turns)
        end = play_maps(
            self.maps,
            np.array(self.around, np.int64),
            program.maps,
            near.real.astype(np.float32, order="C"),
            near.imag.astype(np.float32, order="C"),
            far.real.astype(np.float32, order="C"),
            far.imag.astype(np.float32, order="C"),
            span,
            program.phases,
            np.stack(self.unitaries),
            program.unitaries,
            self._block,
            states.astype(np.float32),
        )
        return np.asarray(end[:count, :columns], np.float64)

    def reach_ns(
        self, program: Program, level: Numbers, nodes: Sequence[Quadrature]
    ) -> list[float]:
        """Return for how long slow noise turns each member in effect: see :mod:`.noise_reach`.

        ``level`` (N, M): of each member in each dressed level.
        """
        maps, count = self.maps, levels_counted(level)
        more = len(maps) - self._is_known.size
        fresh = np.zeros((more, count, count))
        self._nearest = np.concatenate([self._nearest[:, :count, :count], fresh])
        self._is_known = np.append(self._is_known, np.zeros(more, np.bool_))
        used = np.zeros(len(maps), np.bool_)
        used[program.maps] = True
        unknown = np.flatnonzero(used & ~self._is_known)
        fill_unitaries(maps, unknown, *np.tril_indices(len(level), -1), self._nearest)
        self._is_known[unknown] = True
        return reach_ns(program, (self._nearest, np.stack(self.unitaries)), level, nodes)


def turn_steps(turns: Array) -> Numbers:
    """Return turns in whole steps, 0 ... :data:`TURN_STEPS` - 1."""
    return np.asarray(np.rint(turns * TURN_STEPS).astype(np.int64) % TURN_STEPS)


@njit(cache=True, nogil=True, fastmath=True)
def play_maps(
    maps: Any,
    around: Any,
    which: Any,
    near: Any,
    near_i: Any,
    far: Any,
    far_i: Any,
    span: Any,
    phases: Any,
    unitaries: Any,
    behind: Any,
    block: Any,
    states: Any,
) -> Any:
    """Return packed states (n, C) behind all ``maps`` (K, n, n), [from, to].

    ``near`` (and ``near_i``) (S, N): factors of dressed levels before each map, and with them
    ``far`` (and ``far_i``) (U, P, C) of the ``span`` (S,) by pairs of levels, in the order of
    coherences in :func:`.group_maps.pack`. ``behind`` (S,): which of the ``unitaries`` (U, N, N),
    in blocks, follows each map; -1: none.
    """
    size = near.shape[1]
    after, mixed = np.empty_like(states), np.empty_like(maps[0])
    one = np.array([0, size])
    for s in range(which.size):
        turn_coherences(near[s], near_i[s], far[span[s]], far_i[span[s]], states)
        number = which[s]
        if around[number]:
            add_harmonics(maps, number, around[number], phases[s], mixed)
            np.dot(mixed.T, states, after)
        else:
            np.dot(maps[number].T, states, after)
        states, after = after, states
        if behind[s] >= 0:
            unitary = unitaries[behind[s]]
            turn_packed(unitary, block if is_blocks(unitary, block) else one, states)
    return states


@njit(cache=True, nogil=True, fastmath=True)
def add_harmonics(maps: Any, number: int, count: int, phase: float, out: Any) -> None:
    """Fill ``out`` (n, n) with a map at a phase, in turns, of one member's drive."""
    every, found = maps.reshape(maps.shape[0], -1), out.reshape(-1)
    mean, parts = every[number], np.empty(2, maps.dtype)
    for h in range(0, count, 2):
        angle = 2.0 * np.pi * phase * (h // 2 + 1)
        parts[0], parts[1] = np.cos(angle), np.sin(angle)
        cosine, sine = parts[0], parts[1]
        even, odd = every[number + 1 + h], every[number + 2 + h]
        if h == 0:
            for k in range(found.size):
                found[k] = mean[k] + cosine * even[k] + sine * odd[k]
        else:
            for k in range(found.size):
                found[k] += cosine * even[k] + sine * odd[k]


@njit(cache=True, nogil=True, fastmath=True)
def turn_coherences(near: Any, near_i: Any, far: Any, far_i: Any, states: Any) -> None:
    """Turn packed states (n, C) by phase factors of levels, (N,), and of pairs of them, (P, C)."""
    size, columns = near.size, states.shape[1]
    pairs = far.shape[0]
    p = 0
    for i in range(size):
        for j in range(i):
            x0 = near[i] * near[j] + near_i[i] * near_i[j]
            y0 = near_i[i] * near[j] - near[i] * near_i[j]
            for c in range(columns):
                x, y = x0 * far[p, c] - y0 * far_i[p, c], x0 * far_i[p, c] + y0 * far[p, c]
                a, b = states[size + p, c], states[size + pairs + p, c]
                states[size + p, c] = a * x - b * y
                states[size + pairs + p, c] = a * y + b * x
            p += 1


@njit(cache=True, nogil=True)
def is_blocks(unitary: Any, block: Any) -> bool:
    """Tell whether a matrix (N, N) is 0 outside its blocks."""
    for k in range(block.size - 1):
        for i in range(block[k], block[k + 1]):
            for j in range(block[k + 1], unitary.shape[0]):
                if unitary[i, j] != 0 or unitary[j, i] != 0:
                    return False
    return True


@njit(cache=True, nogil=True, fastmath=True)
def turn_packed(unitary: Any, block: Any, states: Any) -> None:
    """Turn packed states (n, C) by a unitary (N, N) that consists of blocks."""
    size, columns = unitary.shape[0], states.shape[1]
    pairs = size * (size - 1) // 2
    state = np.zeros((2, size, size * columns), states.dtype)
    half = np.zeros((2, size, size, columns), states.dtype)
    flat = half.reshape(2, size, size * columns)
    parts = np.empty((3, size, size), states.dtype)
    parts[0], parts[1] = unitary.real, unitary.imag
    parts[2, 0, 0], parts[2, 0, 1] = np.sqrt(0.5), np.sqrt(2.0)
    root = parts[2, 0, 0]
    p = size
    for i in range(size):
        for c in range(columns):
            state[0, i, i * columns + c] = states[i, c]
        for j in range(i):
            for c in range(columns):
                x, y = root * states[p, c], root * states[p + pairs, c]
                state[0, i, j * columns + c] = x
                state[0, j, i * columns + c] = x
                state[1, i, j * columns + c] = y
                state[1, j, i * columns + c] = -y
            p += 1
    for k in range(block.size - 1):
        for i in range(block[k], block[k + 1]):
            for m in range(block[k], block[k + 1]):
                x, y = parts[0, i, m], parts[1, i, m]
                for c in range(size * columns):
                    a, b = state[0, m, c], state[1, m, c]
                    flat[0, i, c] += x * a - y * b
                    flat[1, i, c] += x * b + y * a
    states[:, :] = 0.0
    root = parts[2, 0, 1]
    p = size
    for i in range(size):
        for k in range(block.size - 1):
            for j in range(block[k], min(block[k + 1], i + 1)):
                for m in range(block[k], block[k + 1]):
                    x, y = parts[0, j, m], parts[1, j, m]
                    if i == j:
                        for c in range(columns):
                            states[i, c] += x * half[0, i, m, c] + y * half[1, i, m, c]
                        continue
                    x, y = root * x, root * y
                    for c in range(columns):
                        a, b = half[0, i, m, c], half[1, i, m, c]
                        states[p, c] += x * a + y * b
                        states[p + pairs, c] += x * b - y * a
                if i != j:
                    p += 1
