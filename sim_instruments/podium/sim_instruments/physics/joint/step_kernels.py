"""Kernels of a cluster's evolution: held Hamiltonians between exact channels of decoherence.

A step in which the Hamiltonian is held is ``2 * pairs`` equal parts. The unitary of a part is exact
(Taylor series, scaled and squared; where there is no drive, in the blocks of the excitation number,
which are too small for BLAS). Decoherence acts between parts, with the weights of Simpson's rule:
each of its channels is exact, so states stay positive with trace 1, and the error is of fourth
order in a part's length and of first order in the rates (Strang's splitting is of second order in
the length).

States are (D, D) matrices of which only block pairs (a, b) with a >= b are worked on.
"""

from typing import Any

import numpy as np
from numba import njit

TAYLOR_NORM = 2.0
"""Largest norm of one exponent before squaring."""
TAYLOR_REST = 1e-13
"""The first term that is left out is smaller than this."""
WHOLE_NORM = 1.0
"""Largest norm of an exponent of all states at once before squaring."""
EDGE, ODD, EVEN = 0, 1, 2
"""Simpson's weights of a part's length: 1/3 at a step's ends, 4/3 and 2/3 between parts."""


@njit(cache=True, nogil=True, fastmath=True)
def multiply_blocks(
    left: Any,
    middle: float,
    scale: complex,
    right: Any,
    a0: int,
    a1: int,
    b0: int,
    b1: int,
    out: Any,
) -> None:
    """Fill ``out[a0:a1, b0:b1]`` with scale * (left - middle) times right of these blocks.

    Rows of ``right`` are those of ``left``, ``a0:a1``; elements of the left side that are 0 cost
    nothing.
    """
    for i in range(a0, a1):
        for j in range(b0, b1):
            out[i, j] = 0.0
        for k in range(a0, a1):
            value = left[i, k]
            if i == k:
                value = value - middle
            if value != 0.0:
                value = value * scale
                for j in range(b0, b1):
                    out[i, j] += value * right[k, j]


@njit(cache=True, nogil=True, fastmath=True)
def middle_and_norm(matrix: Any, low: int, high: int) -> Any:
    """Return the middle of a block's diagonal, and the norm of what is left (largest row sum)."""
    least, most = matrix[low, low].real, matrix[low, low].real
    for i in range(low, high):
        least = min(least, matrix[i, i].real)
        most = max(most, matrix[i, i].real)
    middle = 0.5 * (least + most)
    norm = 0.0
    for i in range(low, high):
        row = abs(matrix[i, i] - middle)
        for j in range(low, high):
            if i != j:
                row += abs(matrix[i, j])
        norm = max(norm, row)
    return middle, norm


@njit(cache=True, nogil=True, fastmath=True)
def block_unitary(matrix: Any, low: int, high: int, span: float, out: Any, work: Any) -> None:
    """Fill ``out[low:high, low:high]`` with exp(-1j * matrix * span) of that block.

    ``matrix`` (D, D) Hermitian, rad/ns; ``work`` (D, D) is overwritten.
    """
    middle, norm = middle_and_norm(matrix, low, high)
    norm *= span
    squarings = 0
    while norm > TAYLOR_NORM:
        norm *= 0.5
        squarings += 1
    order = 1
    term = norm * norm / 2
    while term > TAYLOR_REST:
        order += 1
        term *= norm / (order + 1)
    factor = -1j * span * 0.5**squarings
    for i in range(low, high):
        for j in range(low, high):
            out[i, j] = 1.0 if i == j else 0.0
    for r in range(order, 0, -1):
        multiply_blocks(matrix, middle, factor / r, out, low, high, low, high, work)
        for i in range(low, high):
            work[i, i] += 1.0
            for j in range(low, high):
                out[i, j] = work[i, j]
    for _ in range(squarings):
        multiply_blocks(out, 0.0, 1.0 + 0j, out, low, high, low, high, work)
        for i in range(low, high):
            for j in range(low, high):
                out[i, j] = work[i, j]
    turn = np.exp(-1j * middle * span)
    for i in range(low, high):
        for j in range(low, high):
            out[i, j] *= turn


@njit(cache=True, nogil=True, fastmath=True)
def whole_unitary(matrix: Any, span: float, out: Any, work: Any) -> None:
    """Fill ``out`` (D, D) with exp(-1j * matrix * span): the series in powers of the fourth power.

    (Paterson and Stockmeyer, SIAM J. Comput. 2, 60 (1973): order 16 in six products of BLAS.)
    ``matrix`` (D, D) Hermitian, rad/ns; ``work`` (D, D) is overwritten.
    """
    size = matrix.shape[0]
    middle, norm = middle_and_norm(matrix, 0, size)
    norm *= span
    squarings = 0
    while norm > WHOLE_NORM:
        norm *= 0.5
        squarings += 1
    quarters = 1
    rest = norm**5 / 120  # the first term that is left out
    while rest > TAYLOR_REST:
        for r in range(4 * quarters + 2, 4 * quarters + 6):
            rest *= norm / r
        quarters += 1
    power = np.empty((5, size, size), np.complex128)
    factor = -1j * span * 0.5**squarings
    for i in range(size):
        for j in range(size):
            power[0, i, j] = 1.0 if i == j else 0.0
            power[1, i, j] = factor * matrix[i, j]
        power[1, i, i] -= factor * middle
    for r in range(2, 5):
        np.dot(power[r - 1], power[1], power[r])
    first = 1.0  # over the factorial of four times the quarter
    for r in range(1, 4 * (quarters - 1) + 1):
        first /= r
    for quarter in range(quarters - 1, -1, -1):
        one = first / (4 * quarter + 1)
        two = one / (4 * quarter + 2)
        three = two / (4 * quarter + 3)
        if quarter == quarters - 1:
            four = three / (4 * quarter + 4)
            for i in range(size):
                for j in range(size):
                    work[i, j] = four * power[4, i, j]
        else:
            np.dot(power[4], out, work)
        for i in range(size):
            for j in range(size):
                out[i, j] = work[i, j] + first * power[0, i, j] + one * power[1, i, j]
                out[i, j] += two * power[2, i, j] + three * power[3, i, j]
        for r in range(4 * quarter, max(4 * quarter - 4, 0), -1):
            first *= r
    for _ in range(squarings):
        np.dot(out, out, work)
        out[:, :] = work
    turn = np.exp(-1j * middle * span)
    for i in range(size):
        for j in range(size):
            out[i, j] *= turn


@njit(cache=True, nogil=True, fastmath=True)
def fill_hamiltonian(
    diagonal: Any,
    exchange: Any,
    hops: Any,
    hop_size: Any,
    drive: Any,
    lifts: Any,
    lift_size: Any,
    driven: bool,
    out: Any,
) -> None:
    """Fill ``out`` (D, D) with the Hamiltonian of a step, rad/ns.

    ``hops`` (H, 3): two states and the exchange that joins them, ``hop_size`` (H,) times its
    strength; ``lifts`` (R, 3): the upper state, the lower, and the element that is driven.
    """
    for i in range(out.shape[0]):
        for j in range(out.shape[0]):
            out[i, j] = 0.0
        out[i, i] = diagonal[i]
    for h in range(hops.shape[0]):
        value = exchange[hops[h, 2]] * hop_size[h]
        out[hops[h, 0], hops[h, 1]] += value
        out[hops[h, 1], hops[h, 0]] += value
    if driven:
        for r in range(lifts.shape[0]):
            value = drive[lifts[r, 2]] * lift_size[r]
            out[lifts[r, 0], lifts[r, 1]] += value
            out[lifts[r, 1], lifts[r, 0]] += np.conj(value)


@njit(cache=True, nogil=True, fastmath=True)
def turn_pair(unitary: Any, state: Any, work: Any, a0: int, a1: int, b0: int, b1: int) -> None:
    """Multiply state[a0:a1, b0:b1] by U from the left and U+ from the right."""
    multiply_blocks(unitary, 0.0, 1.0 + 0j, state, a0, a1, b0, b1, work)
    for i in range(a0, a1):
        for j in range(b0, b1):
            total = 0j
            for k in range(b0, b1):
                total += work[i, k] * np.conj(unitary[j, k])
            state[i, j] = total


@njit(cache=True, nogil=True, fastmath=True)
def decohere(
    state: Any, pairs: Any, block: Any, fade: Any, jumps: Any, groups: Any, with_level: Any
) -> None:
    """Apply an exact channel of decoherence to the block pairs of a state.

    ``fade`` (D, D): factor of each matrix element; ``jumps`` (E, L, L): populations' maps;
    ``groups`` (G, 3): two states with element e in its ground state, and e.
    """
    levels = jumps.shape[1]
    value = np.empty(levels, np.complex128)
    for q in range(pairs.shape[0]):
        a, b = pairs[q, 0], pairs[q, 1]
        for i in range(block[a], block[a + 1]):
            for j in range(block[b], block[b + 1]):
                state[i, j] *= fade[i, j]
    for g in range(groups.shape[0]):
        i, j, e = groups[g, 0], groups[g, 1], groups[g, 2]
        count = 0
        for n in range(levels):
            if with_level[e, n, i] >= 0:
                value[n] = state[with_level[e, n, i], with_level[e, n, j]]
                count += 1
        for m in range(count):
            total = 0j
            for n in range(count):
                total += jumps[e, m, n] * value[n]
            state[with_level[e, m, i], with_level[e, m, j]] = total


@njit(cache=True, nogil=True)
def is_as_before(diagonal: Any, exchange: Any, drive: Any, point: int, step: int) -> bool:
    """Tell whether a step has the Hamiltonian of the one before."""
    if step == 0:
        return False
    for i in range(diagonal.shape[2]):
        if diagonal[point, step, i] != diagonal[point, step - 1, i]:
            return False
    for i in range(exchange.shape[2]):
        if exchange[point, step, i] != exchange[point, step - 1, i]:
            return False
    same = True
    for i in range(drive.shape[2]):
        same = same and drive[point, step, i] == drive[point, step - 1, i]
    return same


@njit(cache=True, nogil=True)
def fill_unitary(
    diagonal: Any,
    exchange: Any,
    hops: Any,
    hop_size: Any,
    drive: Any,
    lifts: Any,
    lift_size: Any,
    block: Any,
    span: float,
    matrix: Any,
    unitary: Any,
    work: Any,
) -> bool:
    """Fill the unitary of a part of a step; return whether something drives (one block then)."""
    driven = False
    for e in range(drive.size):
        driven = driven or drive[e] != 0.0
    fill_hamiltonian(diagonal, exchange, hops, hop_size, drive, lifts, lift_size, driven, matrix)
    if driven:
        whole_unitary(matrix, span, unitary, work)
    else:
        for k in range(block.size - 1):
            block_unitary(matrix, block[k], block[k + 1], span, unitary, work)
    return driven


@njit(cache=True, nogil=True)
def turn(unitary: Any, driven: bool, state: Any, pairs: Any, block: Any, work: Any) -> None:
    """Apply the unitary of a part to a state."""
    size = state.shape[0]
    if driven:
        for i in range(size):
            for j in range(i + 1, size):
                state[i, j] = np.conj(state[j, i])
        np.dot(unitary, state, work)
        np.dot(work, np.conj(unitary).T, state)
        return
    for q in range(pairs.shape[0]):
        a, b = pairs[q, 0], pairs[q, 1]
        turn_pair(unitary, state, work, block[a], block[a + 1], block[b], block[b + 1])


@njit(cache=True, nogil=True)
def evolve_states(
    diagonal: Any,
    exchange: Any,
    drive: Any,
    hops: Any,
    hop_size: Any,
    lifts: Any,
    lift_size: Any,
    block: Any,
    pairs: Any,
    groups: Any,
    with_level: Any,
    fade: Any,
    jumps: Any,
    decays: bool,
    parts: int,
    part_ns: float,
    saved: Any,
    states: Any,
    populations: Any,
) -> None:
    """Take ``states`` (P, C, D, D) through S steps; fill ``populations`` (P, M, C, D).

    ``diagonal`` (P, S, D), ``exchange`` (P, S, X), ``drive`` (P, S, E): of each point, rad/ns.
    ``fade`` (3, D, D) and ``jumps`` (3, E, L, L): channels of the three weights. ``saved`` (M,):
    populations are kept after so many steps, ascending. Upper block pairs are left unset.
    """
    points, steps, size = diagonal.shape
    matrix = np.zeros((size, size), np.complex128)
    unitary = np.zeros((size, size), np.complex128)
    work = np.zeros((size, size), np.complex128)
    for p in range(points):
        driven = False
        kept = 0
        for s in range(steps + 1):
            wanted = kept < saved.size and saved[kept] == s
            if decays and s > 0:
                for c in range(states.shape[1]):
                    k = EDGE if wanted or s == steps else EVEN
                    decohere(states[p, c], pairs, block, fade[k], jumps[k], groups, with_level)
            if wanted:
                for c in range(states.shape[1]):
                    for i in range(size):
                        populations[p, kept, c, i] = states[p, c, i, i].real
                kept += 1
            if decays and s < steps and (wanted or s == 0):
                for c in range(states.shape[1]):
                    decohere(
                        states[p, c], pairs, block, fade[EDGE], jumps[EDGE], groups, with_level
                    )
            if s == steps:
                break
            if not is_as_before(diagonal, exchange, drive, p, s):
                driven = fill_unitary(
                    diagonal[p, s],
                    exchange[p, s],
                    hops,
                    hop_size,
                    drive[p, s],
                    lifts,
                    lift_size,
                    block,
                    part_ns,
                    matrix,
                    unitary,
                    work,
                )
            for c in range(states.shape[1]):
                for r in range(parts):
                    if r > 0 and decays:
                        k = ODD if r % 2 else EVEN
                        decohere(states[p, c], pairs, block, fade[k], jumps[k], groups, with_level)
                    turn(unitary, driven, states[p, c], pairs, block, work)
