"""Small propagators of one driven multi-level qubit, compiled.

Rotating-wave approximation. The drive's signal is analytic, a tone is
``a * exp(+2j*pi*(f*t + phase))``, so in the frame in which level n turns with n times the
carrier the Hamiltonian over hbar is, in rad/ns,

    H[n, n] = 2 pi (E_n - n f_carrier + n noise),   H[n+1, n] = pi rabi ladder[n] conj(a)

with a full 0-1 Rabi frequency of ``rabi * |a|``. Jumps are incoherent (rates[to, from]),
white dephasing takes the coherence between n and m at ``dephasing * (n - m)**2``.

A sample that is held is one unitary between two halves of the exact channel of jumps and
dephasing (Strang, SIAM J. Numer. Anal. 5, 506 (1968)); a long constant level is one exponential
of the whole generator. All of it acts on real coordinates (:mod:`.hermitian_coordinates`).

A kernel that returns an array and is called by another kernel cannot be called from Python once
it comes out of Numba's cache ("'descr' is NULL", numba pull request 6141): those that
both sides want take their output as an argument.
"""

from typing import Any

import numpy as np
from numba import njit

from podium.sim_instruments.physics.hermitian_coordinates import (
    apply_map,
    columns_of,
    coordinates,
    fill_relaxation,
    fill_turn,
    hermitian_basis,
    map_of_columns,
)
from podium.sim_instruments.physics.jump_maps import jump_map
from podium.sim_instruments.physics.small_matrices import (
    TAYLOR_NORM,
    TAYLOR_ORDER,
    copy_into,
    exponential,
)

SPLIT_NS = 2e4
"""A sample is split into sqrt(fastest jump rate * SPLIT_NS) parts of 1 ns, rounded up: the error
of a pi pulse of 40 ns on a transmon then stays below 4e-7 (judged against QuTiP)."""
WEAK = 2e-3
"""A held sample that turns neighbouring levels by less, rad, is not split. Populations that 200 ns
of such samples move by 0.27 are then off by 3e-6 (judged against exponentials of the whole
generator), and split in two by 7e-7."""
SERIES_ERROR = 1e-15
"""Of the unitary of a sample as a series of its size."""


@njit(cache=True, nogil=True, fastmath=True)
def held_unitary(diagonal: Any, lower: Any, step: float, out: Any, work: Any) -> None:
    """Fill ``out`` (L, L) with exp(-1j * H * step), H tridiagonal and Hermitian, rad/ns.

    ``diagonal`` (L,), ``lower`` (L-1,) complex: H[n+1, n]. ``work`` (L, L) is overwritten.
    """
    levels = diagonal.size
    middle = 0.5 * (diagonal.min() + diagonal.max())
    norm = 0.0
    for i in range(levels):
        row = abs(diagonal[i] - middle)
        if i > 0:
            row += abs(lower[i - 1])
        if i < levels - 1:
            row += abs(lower[i])
        norm = max(norm, row)
    norm *= step
    squarings = 0
    while norm > TAYLOR_NORM:
        norm *= 0.5
        squarings += 1
    factor = -1j * step * 0.5**squarings
    for i in range(levels):
        for j in range(levels):
            out[i, j] = 1.0 if i == j else 0.0
    for k in range(TAYLOR_ORDER, 0, -1):
        scale = factor / k
        for i in range(levels):
            for j in range(levels):
                total = (diagonal[i] - middle) * out[i, j]
                if i > 0:
                    total += lower[i - 1] * out[i - 1, j]
                if i < levels - 1:
                    total += np.conj(lower[i]) * out[i + 1, j]
                work[i, j] = scale * total
            work[i, i] += 1.0
        for i in range(levels):
            for j in range(levels):
                out[i, j] = work[i, j]
    for _ in range(squarings):
        for i in range(levels):
            for j in range(levels):
                total = 0j
                for k in range(levels):
                    total += out[i, k] * out[k, j]
                work[i, j] = total
        for i in range(levels):
            for j in range(levels):
                out[i, j] = work[i, j]


@njit(cache=True, nogil=True)
def parts_of_a_step(step: float, rates: Any) -> int:
    """Return into how many parts a sample of ``step`` ns is split: see :data:`SPLIT_NS`."""
    fastest = 0.0
    for n in range(rates.shape[0]):
        fastest = max(fastest, np.sum(rates[:, n]))
    return max(1, int(np.ceil(np.sqrt(fastest * SPLIT_NS * step * step))))


@njit(cache=True, nogil=True)
def relaxations(step: float, part: float, rates: Any, fading: Any) -> Any:
    """Return what relaxes before a sample, (3, 2, L*L, L*L), by what came before and by the sample.

    Before: 0 nothing, 1 a part of a split sample, 2 a weak sample, of which half is left each; the
    sample: 0 one that is split, 1 a weak one, half of which is taken ahead.
    """
    size = fading.size
    half, long = np.empty((size, size)), np.empty((size, size))
    fill_relaxation(jump_map(rates, 0.5 * part), np.exp(-fading * 0.5 * part), half)
    fill_relaxation(jump_map(rates, 0.5 * step), np.exp(-fading * 0.5 * step), long)
    out = np.empty((3, 2, size, size))
    copy_into(half, out[0, 0])
    copy_into(long, out[0, 1])
    fill_relaxation(jump_map(rates, part), np.exp(-fading * part), out[1, 0])
    np.dot(long, half, out[1, 1])
    np.dot(half, long, out[2, 0])
    fill_relaxation(jump_map(rates, step), np.exp(-fading * step), out[2, 1])
    return out


@njit(cache=True, nogil=True)
def play_coordinates(
    state: Any,
    samples: Any,
    step: float,
    diagonal: Any,
    strength: Any,
    rates: Any,
    fading: Any,
) -> None:
    """Send coordinates ``state`` (L*L, C) through samples: see :func:`play_samples`."""
    levels, size = diagonal.size, state.shape[0]
    parts = parts_of_a_step(step, rates)
    part = step / parts
    relaxing = relaxations(step, part, rates, fading)
    unitary = np.empty((levels, levels), np.complex128)
    work = np.empty((levels, levels), np.complex128)
    lower = np.empty(levels - 1, np.complex128)
    turn, both, spare = np.empty((size, size)), np.empty((size, size)), np.empty_like(state)
    weakest = WEAK / (step * max(strength.max(), 1e-300))
    given = diagonal, strength
    by_size = (
        sized_unitaries(samples, weakest, np.inf, part, given),
        sized_unitaries(samples, 0.0, weakest, step, given),
    )
    left = 0  # of what came before half is left to relax
    before = -1  # what ``both`` relaxes of
    for k in range(samples.size):
        weak = abs(samples[k]) < weakest
        if k == 0 or samples[k] != samples[k - 1]:
            series, largest = by_size[1] if weak else by_size[0]
            if series.shape[0]:
                turned_unitary(series, samples[k] / largest, unitary)
            else:
                for n in range(levels - 1):
                    lower[n] = strength[n] * np.conj(samples[k])
                held_unitary(diagonal, lower, step if weak else part, unitary, work)
            fill_turn(unitary, turn)
            before = -1
        now = 2 if weak else 1
        for _ in range(1 if weak else parts):
            if left != before:
                np.dot(turn, relaxing[left, now - 1], both)
                before = left
            apply_map(both, state, spare)
            left = now
    if left:
        apply_map(relaxing[0, left - 1], state, spare)


@njit(cache=True, nogil=True)
def play_samples(
    columns: Any,
    samples: Any,
    step: float,
    diagonal: Any,
    strength: Any,
    rates: Any,
    fading: Any,
) -> None:
    """Send the columns through held samples of ``step`` ns each, in the carrier's frame.

    ``diagonal`` (L,) rad/ns; ``strength`` (L-1,): H[n+1, n] for an amplitude of 1, rad/ns;
    ``rates`` [to, from] 1/ns, ``fading`` from :func:`fade_rates`.
    """
    state = np.empty((fading.size, columns.shape[0]))
    map_of_columns(columns, state)
    play_coordinates(state, samples, step, diagonal, strength, rates, fading)
    columns_of(state, columns)


@njit(cache=True, nogil=True)
def sized_unitaries(samples: Any, low: float, high: float, step: float, given: Any) -> Any:
    """Return the unitaries of samples of sizes from ``low`` to below ``high`` by their size.

    As a Chebyshev series (T, L, L) up to the largest of them, and that size; none (T = 0) where
    there are fewer different samples in a row than terms. ``given``: diagonal and strength. A term
    falls as ``2 turn**n / n!`` with the turn that the largest makes.
    """
    diagonal, strength = given
    levels, changes, largest = diagonal.size, 0, 0.0
    for k in range(samples.size):
        if low <= abs(samples[k]) < high and (k == 0 or samples[k] != samples[k - 1]):
            changes += 1
            largest = max(largest, abs(samples[k]))
    terms, last = 1, 2.0
    while last > SERIES_ERROR:
        last *= step * largest * strength.max() / terms
        terms += 1
    if changes <= terms or largest == 0.0:
        return np.zeros((0, levels, levels), np.complex128), largest
    out = np.zeros((terms, levels, levels), np.complex128)
    at, work = np.empty((levels, levels), np.complex128), np.empty((levels, levels), np.complex128)
    for k in range(terms):
        angle = np.pi * (k + 0.5) / terms
        held_unitary(diagonal, strength * complex(largest * np.cos(angle), 0.0), step, at, work)
        for n in range(terms):
            share = (2.0 if n else 1.0) * np.cos(n * angle) / terms
            for i in range(levels):
                for j in range(levels):
                    out[n, i, j] += share * at[i, j]
    return out, largest


@njit(cache=True, nogil=True, fastmath=True)
def turned_unitary(series: Any, sample: complex, out: Any) -> None:
    """Fill ``out`` (L, L) with the unitary of a sample, over :func:`sized_unitaries`' largest.

    A phase of the sample turns level n by so many times as much.
    """
    levels, size = out.shape[0], abs(sample)
    before, now = size, 1.0  # Chebyshev polynomials of it, T(-1) = T(1)
    for i in range(levels):
        for j in range(levels):
            out[i, j] = 0.0
    for n in range(series.shape[0]):
        for i in range(levels):
            for j in range(levels):
                out[i, j] += now * series[n, i, j]
        before, now = now, 2.0 * size * now - before
    turn = np.conj(sample) / size if size > 0.0 else 1.0 + 0j
    ahead = 1.0 + 0j
    for apart in range(1, levels):
        ahead *= turn
        for j in range(levels - apart):
            out[j + apart, j] *= ahead
            out[j, j + apart] *= np.conj(ahead)


@njit(cache=True, nogil=True)
def play_moved(
    state: Any,
    samples: Any,
    turning: Any,
    begins: Any,
    step: float,
    diagonal: Any,
    strength: Any,
    rates: Any,
    fading: Any,
) -> None:
    """Send coordinates ``state`` (L*L, C) through stretches of held samples at levels that move.

    ``samples`` (S,), 0 where nothing drives; ``turning`` (S, L): what comes on top of ``diagonal``,
    rad/ns; ``begins`` (S + 1,): the steps at which stretches begin, and the end. The rest is that
    of :func:`play_samples`. Undriven stretches are exact: they turn coherences alone, each its own,
    and that commutes with what is lost.
    """
    levels, size = diagonal.size, state.shape[0]
    parts = parts_of_a_step(step, rates)
    part = step / parts
    relaxing = relaxations(step, part, rates, fading)
    unitary = np.empty((levels, levels), np.complex128)
    work = np.empty((levels, levels), np.complex128)
    lower = np.empty(levels - 1, np.complex128)
    turns = np.empty((levels, levels), np.complex128)
    turn, both, spare = np.empty((size, size)), np.empty((size, size)), np.empty_like(state)
    driven = 0
    for s in range(samples.size):
        count = begins[s + 1] - begins[s]
        if samples[s] == 0:
            if driven:
                apply_map(relaxing[0, 0], state, spare)
            span = count * step
            for i in range(levels):
                for j in range(levels):
                    apart = diagonal[i] + turning[s, i] - diagonal[j] - turning[s, j]
                    turns[i, j] = np.exp(-(1j * apart + fading[i, j]) * span)
            fill_relaxation(jump_map(rates, span), turns, both)
            apply_map(both, state, spare)
            driven = 0
            continue
        for n in range(levels - 1):
            lower[n] = strength[n] * np.conj(samples[s])
        held_unitary(diagonal + turning[s], lower, part, unitary, work)
        fill_turn(unitary, turn)
        for k in range(count * parts):
            if k < 2:
                np.dot(turn, relaxing[driven, 0], both)
                driven = 1
            apply_map(both, state, spare)
    if driven:
        apply_map(relaxing[0, 0], state, spare)


@njit(cache=True, nogil=True)
def generator(diagonal: Any, lower: Any, rates: Any, fading: Any) -> Any:
    """Return the real (L*L, L*L) generator, 1/ns, of the coordinates for a constant drive."""
    levels = diagonal.size
    basis = hermitian_basis(levels)
    size = levels * levels
    out = np.empty((size, size))
    hamiltonian = np.zeros((levels, levels), np.complex128)
    for n in range(levels):
        hamiltonian[n, n] = diagonal[n]
        if n:
            hamiltonian[n, n - 1] = lower[n - 1]
            hamiltonian[n - 1, n] = np.conj(lower[n - 1])
    change = np.empty((levels, levels), np.complex128)
    column = np.empty(size)
    for c in range(size):
        state = basis[c]
        for i in range(levels):
            for j in range(levels):
                total = 0j
                for k in range(levels):
                    total += hamiltonian[i, k] * state[k, j] - state[i, k] * hamiltonian[k, j]
                change[i, j] = -1j * total - fading[i, j] * state[i, j]
        for i in range(levels):
            for k in range(levels):
                if i != k:
                    change[i, i] += rates[i, k] * state[k, k] - rates[k, i] * state[i, i]
        coordinates(change, column)
        for i in range(column.size):
            out[i, c] = column[i]
    return out


@njit(cache=True, nogil=True)
def held_map(
    level: complex, span_ns: float, diagonal: Any, strength: Any, rates: Any, fading: Any
) -> Any:
    """Return the exact real map of the coordinates for a level held over ``span_ns``."""
    return exponential(span_ns * generator(diagonal, strength * np.conj(level), rates, fading))


@njit(cache=True, nogil=True)
def samples_map(
    samples: Any, step: float, diagonal: Any, strength: Any, rates: Any, fading: Any
) -> Any:
    """Return the real map of the coordinates for held samples: see :func:`play_samples`."""
    out = np.eye(diagonal.size**2)
    play_coordinates(out, samples, step, diagonal, strength, rates, fading)
    return out
