"""Finds how far slow noise turns the members of a block of gates.

A detuning d of a member, constant over the block, acts there as ``exp(-2j pi d A)`` does to first
order, with A the member's excitation number as the gates turn it, added up over time (Magnus, in
the frame of the gates). What gates turn back and forth adds up to much less than the block lasts.
Gates count as far as they act on states of two excitations at most (of as many as there are
members), of which what leaks is left out.
Populations then hold frequencies in d of no more than the spread of A's eigenvalues. The second
order, with the commutators, is counted as a shift that grows as d squared.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.gate_programs import Program
from podium.sim_instruments.physics.joint.slow_noise_nodes import stray_hz
from podium.sim_instruments.physics.noise import Quadrature
from podium.sim_instruments.physics.phase_factors import phase_factors

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
Complexes = NDArray[np.complex128]
MARGIN = 1.5
"""Spreads are taken so much larger: harmonics of gates and decoherence are left out of them."""
SQUARED = 5.0
"""A shift of s that grows as the square of the noise is averaged by few nodes as a spread of the
root of 5 s is: by two as s squared, by three as its cube."""


def reach_ns(
    program: Program,
    unitaries: tuple[Complexes, Complexes],
    level: Numbers,
    nodes: Sequence[Quadrature],
) -> list[float]:
    """Return for how long each member's slow noise, as it would without gates, turns it as far.

    ``unitaries``: (S, n, n) of the program's maps between the levels that count, and (S, N, N) of
    what may follow them; ``level`` (N, M): of each member in each dressed level; ``nodes``: of the
    noise of each member.
    """
    count = unitaries[0].shape[1]
    level = level[:count]
    sums, apart = noise_sums(
        toggled(
            unitaries[0],
            program.maps,
            np.ascontiguousarray(unitaries[1][:, :count, :count]),
            program.unitaries,
            phase_factors(program.turns[:, :count]),
            program.spans,
            level.astype(np.float64),
            np.flatnonzero(np.all(level <= 1, axis=1)),
        )
    )
    rates = [2e-9 * np.pi * stray_hz(one) for one in nodes]
    squared = [
        sum(0.5 * one * rate * _spread(1j * apart[m, k]) for k, one in enumerate(rates))
        for m, rate in enumerate(rates)
    ]
    return [
        MARGIN * float(np.hypot(_spread(own), np.sqrt(SQUARED * more) / rate if rate else 0.0))
        for own, more, rate in zip(sums, squared, rates, strict=True)
    ]


def _spread(operator: Complexes) -> float:
    values = np.linalg.eigvalsh(operator)
    return float(values[-1] - values[0])


def levels_counted(level: Numbers) -> int:
    """Return how many dressed levels count, of those with these levels of each member, (N, M)."""
    return int(np.sum(level.sum(axis=1) <= level.shape[1]))


def noise_sums(own: Complexes) -> tuple[Complexes, Complexes]:
    """Return sums of :func:`toggled`, (M, n, n), and of commutators with what came before.

    Those are (M, M, n, n).
    """
    members, size = own.shape[1:3]
    until = np.cumsum(own, axis=0)
    before = np.ascontiguousarray(np.moveaxis(until - own, 0, 1)).reshape(members, -1, size)
    rows = np.moveaxis(own, 0, 2).reshape(members, size, -1)
    products = rows[:, None] @ before[None]
    return until[-1], products - np.conj(np.swapaxes(products, -1, -2))


@njit(cache=True, nogil=True, fastmath=True)
def toggled(
    of_maps: Any,
    which: Any,
    of_flux: Any,
    behind: Any,
    near: Any,
    spans: Any,
    level: Any,
    first: Any,
) -> Any:
    """Return each member's number before each map, times its span, (S, M, n, n).

    Between the ``first`` states (n,), as the gates turn it. ``near`` (S, N): factors of levels
    before each map.
    """
    size, members = level.shape
    count = first.size
    states = np.zeros((size, count), np.complex128)
    for k in range(count):
        states[first[k], k] = 1.0
    after = np.empty_like(states)
    own = np.zeros((which.size, members, count, count), np.complex128)
    for s in range(which.size):
        for i in range(size):
            for k in range(count):
                states[i, k] *= near[s, i]
        for m in range(members):
            weigh(states, spans[s], level, m, own[s, m])
        multiply(of_maps[which[s]], states, after)
        states, after = after, states
        if behind[s] >= 0:
            multiply(of_flux[behind[s]], states, after)
            states, after = after, states
    return own


@njit(cache=True, nogil=True, fastmath=True)
def multiply(one: Any, states: Any, out: Any) -> None:
    """Fill ``out`` (N, n) with a matrix times states, each of which is 1 in size again."""
    for k in range(out.shape[1]):
        size = 0.0
        for i in range(out.shape[0]):
            value = 0j
            for j in range(out.shape[0]):
                value += one[i, j] * states[j, k]
            out[i, k] = value
            size += value.real**2 + value.imag**2
        size = 1.0 / np.sqrt(size)
        for i in range(out.shape[0]):
            out[i, k] *= size


@njit(cache=True, nogil=True, fastmath=True)
def weigh(states: Any, span: float, level: Any, member: int, own: Any) -> None:
    """Add a member's number between states (N, n), times a span, to ``own`` (n, n)."""
    for i in range(states.shape[0]):
        if level[i, member]:
            for j in range(own.shape[0]):
                value = span * level[i, member] * np.conj(states[i, j])
                for k in range(own.shape[0]):
                    own[j, k] += value * states[i, k]


@njit(cache=True, nogil=True)
def fill_unitaries(maps: Any, used: Any, low: Any, high: Any, found: Any) -> None:
    """Fill ``found`` (K, n, n) with the unitaries of N levels that are nearest to ``used`` maps,
    [from, to].

    As far as they are between the first n. To the projector on the first level belongs |u><u|, to
    |a><0| what has U|a> in its rows of u.
    """
    size, pairs, count = low.max() + 1, low.size, found.shape[1]
    image = np.empty((size, size), np.complex128)
    vector = np.empty(size, np.complex128)
    place = np.zeros(size, np.int64)
    for p in range(pairs):
        if high[p] == 0:
            place[low[p]] = p
    for k in used:
        one = maps[k]
        unpack_column(one, 0, -1, low, high, image)
        largest = 0
        for i in range(size):
            if image[i, i].real > image[largest, largest].real:
                largest = i
        vector[:] = image[:, largest] / np.sqrt(image[largest, largest].real)
        vector /= np.sqrt(np.sum(np.abs(vector) ** 2))
        for a in range(count):
            if a:
                unpack_column(one, size + place[a], size + pairs + place[a], low, high, image)
            column = image @ vector if a else vector.copy()
            found[k, :, a] = (column / np.sqrt(np.sum(np.abs(column) ** 2)))[:count]


@njit(cache=True, nogil=True)
def unpack_column(one: Any, real: int, imaginary: int, low: Any, high: Any, image: Any) -> None:
    """Fill ``image`` (N, N) with what a map makes of |a><b|, that has these places if packed.

    ``imaginary`` -1: of |a><a|.
    """
    size, pairs = image.shape[0], low.size
    root = np.sqrt(0.5)
    for i in range(size):
        image[i, i] = one[real, i]
        if imaginary >= 0:
            image[i, i] = root * complex(one[real, i], -one[imaginary, i])
    for p in range(pairs):
        x, y = one[real, size + p], one[real, size + pairs + p]
        lower, upper = complex(x, y) * root, complex(x, -y) * root
        if imaginary >= 0:
            v, w = one[imaginary, size + p], one[imaginary, size + pairs + p]
            lower = root * (lower - 1j * root * complex(v, w))
            upper = root * (upper - 1j * root * complex(v, -w))
        image[low[p], high[p]] = lower
        image[high[p], low[p]] = upper
