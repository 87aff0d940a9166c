"""Small propagators of one driven multi-level qubit, compiled.

Rotating-wave approximation. The drive's signal is analytic, a tone is
``a * exp(+2j*pi*(f*t + phase))``, so in the frame in which level n turns with n times the
carrier the Hamiltonian over hbar is, in rad/ns,

    H[n, n] = 2 pi (E_n - n f_carrier + n noise),   H[n+1, n] = pi rabi ladder[n] conj(a)

with a full 0-1 Rabi frequency of ``rabi * |a|``. Jumps are incoherent (rates[to, from]),
white dephasing takes the coherence between n and m at ``dephasing * (n - m)**2``.

A sample that is held is one unitary between two halves of the exact channel of jumps and
dephasing (Strang, SIAM J. Numer. Anal. 5, 506 (1968)); a long constant level is one exponential
of the whole generator. States are stacks of Hermitian matrices, shape (C, L, L): all columns go
through the same signal. A generator acts on the real coordinates of a Hermitian
matrix: populations first, then real and minus imaginary part of each coherence [a, b], a < b.

A kernel that returns an array and is called by another kernel cannot be called from Python once
it comes out of Numba's cache ("'descr' is NULL", numba pull request 6141): those that
both sides want take their output as an argument.
"""

from typing import Any

import numpy as np
from numba import njit

SPLIT_NS = 2e4
"""A sample is split into sqrt(fastest jump rate * SPLIT_NS) parts of 1 ns, rounded up: the error
of a pi pulse of 40 ns on a transmon then stays below 4e-7 (judged against QuTiP)."""
WEAK = 2e-3
"""A held sample that turns neighbouring levels by less, rad, is not split, and its unitary is a
polynomial of it. Populations that 200 ns of such samples move by 0.27 are then off by 3e-6 (judged
against exponentials of the whole generator), and split in two by 7e-7."""
WEAK_BLOCK = 4
"""So many weak samples are one unitary between two halves of their jumps and dephasing ..."""
FADED = 1e-3
"""... of which the fastest takes no more meanwhile. Populations are then off by 2e-6, coherences by
8e-6, where the samples alone leave 5e-8 and 3e-6 (judged as above, 200 ns)."""
POWERS = 5
"""Of that polynomial."""
TAYLOR_ORDER = 11
TAYLOR_NORM = 0.5
"""0.5**12 / 12! = 5e-13: the error of one exponential before squaring."""
SPAN_NORM, SPAN_TERMS = 1.0, 19
"""A map of jumps is a polynomial of so many terms up to that norm: 1 / 19! = 8e-18 is left out."""
SMALL = 6
"""Matrices of at most so many rows are multiplied without BLAS."""
NOTHING = 1e-25
"""Smaller terms of an exponential are left out: a nanosecond of jumps needs five of them."""


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


@njit(cache=True, nogil=True, fastmath=True)
def fill_turn(unitary: Any, out: Any) -> None:
    """Fill ``out`` (L*L, L*L) with the map of the coordinates of X that U X U^dagger is."""
    levels = unitary.shape[0]
    row = levels
    for a in range(levels):
        for b in range(a, levels):
            for n in range(levels):
                whole = unitary[a, n] * np.conj(unitary[b, n])
                if a == b:
                    out[a, n] = whole.real
                else:
                    out[row, n], out[row + 1, n] = whole.real, -whole.imag
            column = levels
            for i in range(levels):
                for j in range(i + 1, levels):
                    one = unitary[a, i] * np.conj(unitary[b, j])
                    other = unitary[a, j] * np.conj(unitary[b, i])
                    if a == b:
                        out[a, column] = 2.0 * one.real
                        out[a, column + 1] = 2.0 * one.imag
                    else:
                        out[row, column] = one.real + other.real
                        out[row, column + 1] = one.imag - other.imag
                        out[row + 1, column] = -(one.imag + other.imag)
                        out[row + 1, column + 1] = one.real - other.real
                    column += 2
            if a != b:
                row += 2


@njit(cache=True, nogil=True)
def fill_relaxation(jumps: Any, fade: Any, out: Any) -> None:
    """Fill ``out`` (L*L, L*L) with the map of the coordinates that :func:`relax_columns` does.

    ``fade`` may be complex.
    """
    levels = jumps.shape[0]
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[r, c] = jumps[r, c] if r < levels and c < levels else 0.0
    row = levels
    for a in range(levels):
        for b in range(a + 1, levels):
            out[row, row] = out[row + 1, row + 1] = fade[a, b].real
            out[row, row + 1], out[row + 1, row] = fade[a, b].imag, -fade[a, b].imag
            row += 2


@njit(cache=True, nogil=True)
def apply_map(matrix: Any, state: Any, spare: Any) -> None:
    """Replace coordinates ``state`` (L*L, C) by ``matrix @ state``; ``spare`` is overwritten."""
    np.dot(matrix, state, spare)
    copy_into(spare, state)


@njit(cache=True, nogil=True, fastmath=True)
def relax_columns(jumps: Any, fade: Any, columns: Any, work: Any) -> None:
    """Apply populations <- ``jumps`` @ populations, coherences <- ``fade`` * coherences.

    ``work`` needs room for L numbers in its first row.
    """
    count, levels, _ = columns.shape
    for c in range(count):
        for i in range(levels):
            total = 0.0
            for k in range(levels):
                total += jumps[i, k] * columns[c, k, k].real
            work[0, i] = total
        for i in range(levels):
            for j in range(levels):
                columns[c, i, j] = work[0, i] if i == j else columns[c, i, j] * fade[i, j]


@njit(cache=True, nogil=True)
def copy_into(given: Any, out: Any) -> None:
    """Copy a matrix. ``out[:] = given`` would have Numba compile the text of its error: seconds."""
    for i in range(given.shape[0]):
        for j in range(given.shape[1]):
            out[i, j] = given[i, j]


@njit(cache=True, nogil=True)
def multiply(first: Any, second: Any, out: Any) -> None:
    """Fill ``out`` with ``first @ second``, square and real."""
    size = first.shape[0]
    if size > SMALL:
        np.dot(first, second, out)
        return
    for i in range(size):
        for j in range(size):
            total = 0.0
            for k in range(size):
                total += first[i, k] * second[k, j]
            out[i, j] = total


@njit(cache=True, nogil=True)
def exponential(matrix: Any) -> Any:
    """Return exp(matrix) of a small real matrix."""
    size = matrix.shape[0]
    norm = 0.0
    for i in range(size):
        row = 0.0
        for j in range(size):
            row += abs(matrix[i, j])
        norm = max(norm, row)
    squarings = 0
    while norm > TAYLOR_NORM:
        norm *= 0.5
        squarings += 1
    scaled = matrix * 0.5**squarings
    order, term = 1, norm
    while order < TAYLOR_ORDER and term > NOTHING:
        order += 1
        term *= norm / order
    out = np.eye(size)
    work = np.empty((size, size))
    for k in range(order, 0, -1):
        multiply(scaled, out, work)
        for i in range(size):
            for j in range(size):
                out[i, j] = work[i, j] / k
            out[i, i] += 1.0
    for _ in range(squarings):
        multiply(out, out, work)
        out, work = work, out
    return out


@njit(cache=True, nogil=True)
def jump_generator(rates: Any) -> Any:
    """Return the generator of the populations under ``rates``, in the same unit."""
    levels = rates.shape[0]
    generator = rates.copy()
    for n in range(levels):
        generator[n, n] = 0.0
        generator[n, n] = -np.sum(generator[:, n])
    return generator


@njit(cache=True, nogil=True)
def jump_map(rates: Any, span_ns: float) -> Any:
    """Return exp(W * span), W the generator of the populations under ``rates`` (1/ns)."""
    return exponential(jump_generator(rates * span_ns))


@njit(cache=True, nogil=True)
def jump_maps(rates: Any, span_ns: Any, out: Any) -> None:
    """Fill ``out`` (G, L, L) with :func:`jump_map` of each span.

    Powers of the generator are worked out once: each map is a polynomial of its span, squared.
    """
    levels = rates.shape[0]
    generator = jump_generator(rates)
    norm = 0.0
    for i in range(levels):
        norm = max(norm, np.sum(np.abs(generator[i])))
    if norm > 0.0:
        generator /= norm
    power, work = np.eye(levels), np.empty((levels, levels))
    terms = np.empty((SPAN_TERMS, levels, levels))
    for k in range(SPAN_TERMS):
        copy_into(power, terms[k])
        multiply(generator, power, work)
        for i in range(levels):
            for j in range(levels):
                power[i, j] = work[i, j] / (k + 1)
    flat = terms.reshape(SPAN_TERMS, levels * levels)
    found = np.empty((levels, levels))
    for g in range(span_ns.size):
        share, squarings = norm * span_ns[g], 0
        while share > SPAN_NORM:
            share *= 0.5
            squarings += 1
        whole = found.reshape(levels * levels)
        for i in range(whole.size):
            whole[i] = flat[SPAN_TERMS - 1, i]
        for k in range(SPAN_TERMS - 2, -1, -1):
            for i in range(whole.size):
                whole[i] = whole[i] * share + flat[k, i]
        for _ in range(squarings):
            multiply(found, found, work)
            found, work = work, found
        copy_into(found, out[g])


@njit(cache=True, nogil=True)
def jump_through(rates: Any, spans_ns: Any, out: Any) -> None:
    """Fill ``out`` (L, L) with the map of the populations through a row of stretches.

    ``spans_ns`` (S, L): what stretch s is worth in ns for jumps out of each level.
    """
    copy_into(np.eye(rates.shape[0]), out)
    for s in range(spans_ns.shape[0]):
        copy_into(np.dot(jump_map(rates * spans_ns[s], 1.0), out), out)


@njit(cache=True, nogil=True)
def fade_rates(rates: Any, dephasing: float) -> Any:
    """Return the (L, L) rates at which coherences fade, 1/ns, of jump rates in 1/ns."""
    levels = rates.shape[0]
    out = np.zeros((levels, levels))
    for i in range(levels):
        for j in range(levels):
            if i != j:
                leaving = np.sum(rates[:, i]) - rates[i, i] + np.sum(rates[:, j]) - rates[j, j]
                out[i, j] = 0.5 * leaving + dephasing * (i - j) ** 2
    return out


@njit(cache=True, nogil=True)
def parts_of_a_step(step: float, rates: Any) -> int:
    """Return into how many parts a sample of ``step`` ns is split: see :data:`SPLIT_NS`."""
    fastest = 0.0
    for n in range(rates.shape[0]):
        fastest = max(fastest, np.sum(rates[:, n]))
    return max(1, int(np.ceil(np.sqrt(fastest * SPLIT_NS * step * step))))


@njit(cache=True, nogil=True)
def relaxations(spans_ns: Any, rates: Any, fading: Any) -> Any:
    """Return what relaxes before a unitary, (S + 1, S, L*L, L*L), by what came before and by it.

    ``spans_ns`` (S,): how long unitaries of each kind last; before: 0 nothing, else the kind and 1.
    Half of what is lost in a span comes before its unitary, and half behind.
    """
    size, kinds = fading.size, spans_ns.size
    halves = np.empty((kinds, size, size))
    out = np.empty((kinds + 1, kinds, size, size))
    for kind in range(kinds):
        half_ns = 0.5 * spans_ns[kind]
        fill_relaxation(jump_map(rates, half_ns), np.exp(-fading * half_ns), halves[kind])
        copy_into(halves[kind], out[0, kind])
    for before in range(kinds):
        for kind in range(kinds):
            np.dot(halves[kind], halves[before], out[before + 1, kind])
    return out


@njit(cache=True, nogil=True)
def weak_samples_at_once(step: float, rates: Any, fading: Any) -> int:
    """Return how many weak samples of ``step`` ns are played as one: 1 to :data:`WEAK_BLOCK`."""
    fastest = fading.max()
    for n in range(rates.shape[0]):
        fastest = max(fastest, np.sum(rates[:, n]))
    return max(1, int(min(float(WEAK_BLOCK), FADED / max(fastest * step, 1e-300))))


@njit(cache=True, nogil=True)
def are_weak(samples: Any, first: int, count: int, weakest: float) -> bool:
    """Tell whether there are so many samples from one on, and each is weak."""
    if first + count > samples.size:
        return False
    weak = True
    for k in range(first, first + count):
        weak &= abs(samples[k]) < weakest
    return weak


@njit(cache=True, nogil=True, fastmath=True)
def multiply_from_left(first: Any, second: Any, work: Any) -> None:
    """Replace ``second`` by ``first @ second``, complex."""
    levels = first.shape[0]
    for i in range(levels):
        for j in range(levels):
            total = 0j
            for k in range(levels):
                total += first[i, k] * second[k, j]
            work[i, j] = total
    for i in range(levels):
        for j in range(levels):
            second[i, j] = work[i, j]


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
    block = weak_samples_at_once(step, rates, fading)
    spans_ns = np.array([step / parts, step, block * step])  # a part, a weak sample, many of them
    relaxing = relaxations(spans_ns, rates, fading)
    unitary = np.empty((levels, levels), np.complex128)
    following = np.empty((levels, levels), np.complex128)
    work = np.empty((levels, levels), np.complex128)
    lower = np.empty(levels - 1, np.complex128)
    turn, both, spare = np.empty((size, size)), np.empty((size, size)), np.empty_like(state)
    weakest = WEAK / (step * max(strength.max(), 1e-300))
    powers = np.empty((0, levels, levels), np.complex128)
    left = 0  # of what came before half is left to relax
    before = -1  # what ``both`` relaxes of
    k = 0
    while k < samples.size:
        kind, count = 0, 1
        if abs(samples[k]) < weakest:
            if powers.size == 0:
                powers = weak_unitaries(diagonal, strength, step, weakest, work)
            kind = 1
            if block > 1 and are_weak(samples, k, block, weakest):
                kind, count = 2, block
            turned_unitary(powers, samples[k] / weakest, unitary)
            for m in range(k + 1, k + count):
                turned_unitary(powers, samples[m] / weakest, following)
                multiply_from_left(following, unitary, work)
        is_the_same = kind == 0 and left == 1 and samples[k] == samples[k - 1]
        if kind == 0 and not is_the_same:
            for n in range(levels - 1):
                lower[n] = strength[n] * np.conj(samples[k])
            held_unitary(diagonal, lower, spans_ns[0], unitary, work)
        if not is_the_same:
            fill_turn(unitary, turn)
            before = -1
        for _ in range(1 if kind else parts):
            if left != before:
                np.dot(turn, relaxing[left, kind], both)
                before = left
            apply_map(both, state, spare)
            left = kind + 1
        k += count
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
def weak_unitaries(diagonal: Any, strength: Any, step: float, weakest: float, work: Any) -> Any:
    """Return the unitary of a weak real sample as a polynomial of it, (POWERS, L, L).

    Of the sample over ``weakest``, which is real and below 1; other phases turn it. It is that
    through five samples: what it misses is of the order of ``WEAK**5``.
    """
    levels = diagonal.size
    at = np.empty((POWERS, levels, levels), np.complex128)
    for k in range(POWERS):
        lower = strength * complex(weakest * 0.5 * (k - 2), 0.0)
        held_unitary(diagonal, lower, step, at[k], work)
    odd, far = (at[3] - at[1]) / 2, (at[4] - at[0]) / 2
    even, further = (at[3] + at[1]) / 2 - at[2], (at[4] + at[0]) / 2 - at[2]
    out = np.empty((POWERS, levels, levels), np.complex128)
    copy_into(at[2], out[0])
    copy_into((8.0 * odd - far) / 3, out[1])
    copy_into((16.0 * even - further) / 3, out[2])
    copy_into((4.0 * far - 8.0 * odd) / 3, out[3])
    copy_into((4.0 * further - 16.0 * even) / 3, out[4])
    return out


@njit(cache=True, nogil=True, fastmath=True)
def turned_unitary(powers: Any, sample: complex, out: Any) -> None:
    """Fill ``out`` (L, L) with the unitary of a weak sample, over the weakest that is not.

    A phase of the sample turns level n by so many times as much.
    """
    levels = out.shape[0]
    size = abs(sample)
    turn = np.conj(sample) / size if size > 0.0 else 1.0 + 0j
    ahead = 1.0 + 0j
    for apart in range(levels):
        for j in range(levels - apart):
            i = j + apart
            value = powers[4, i, j]
            for k in range(3, -1, -1):
                value = value * size + powers[k, i, j]
            out[i, j] = value * ahead
            out[j, i] = value * np.conj(ahead)
        ahead *= turn


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
    relaxing = relaxations(np.array([part]), rates, fading)
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
def map_of_columns(columns: Any, out: Any) -> None:
    """Fill ``out`` (L*L, C) with the coordinates of columns; of what became of those of
    :func:`hermitian_basis`: with the map."""
    levels = columns.shape[1]
    for c in range(columns.shape[0]):
        for n in range(levels):
            out[n, c] = columns[c, n, n].real
        row = levels
        for i in range(levels):
            for j in range(i + 1, levels):
                out[row, c], out[row + 1, c] = columns[c, i, j].real, -columns[c, i, j].imag
                row += 2


@njit(cache=True, nogil=True)
def hermitian_basis(levels: int) -> Any:
    """Return the (L*L, L, L) matrices whose coordinates are the unit vectors."""
    out = np.zeros((levels * levels, levels, levels), np.complex128)
    for n in range(levels):
        out[n, n, n] = 1.0
    c = levels
    for i in range(levels):
        for j in range(i + 1, levels):
            out[c, i, j] = out[c, j, i] = 1.0
            out[c + 1, i, j], out[c + 1, j, i] = -1j, 1j
            c += 2
    return out


@njit(cache=True, nogil=True)
def coordinates(matrix: Any, out: Any) -> None:
    """Fill ``out`` (L*L,) with the real coordinates of a Hermitian matrix."""
    levels = matrix.shape[0]
    for n in range(levels):
        out[n] = matrix[n, n].real
    c = levels
    for i in range(levels):
        for j in range(i + 1, levels):
            out[c] = matrix[i, j].real
            out[c + 1] = -matrix[i, j].imag
            c += 2


@njit(cache=True, nogil=True)
def columns_of(state: Any, out: Any) -> None:
    """Fill ``out`` (C, L, L) with the Hermitian matrices of coordinates (L*L, C)."""
    levels = out.shape[1]
    for c in range(out.shape[0]):
        for n in range(levels):
            out[c, n, n] = state[n, c]
        row = levels
        for i in range(levels):
            for j in range(i + 1, levels):
                out[c, i, j] = complex(state[row, c], -state[row + 1, c])
                out[c, j, i] = complex(state[row, c], state[row + 1, c])
                row += 2


@njit(cache=True, nogil=True)
def map_columns(matrix: Any, columns: Any) -> None:
    """Apply a real (L*L, L*L) map of coordinates to each column."""
    before = np.empty((matrix.shape[0], columns.shape[0]))
    after = np.empty_like(before)
    map_of_columns(columns, before)
    np.dot(matrix, before, after)
    columns_of(after, columns)


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


@njit(cache=True, nogil=True)
def turn_phase(turns: float, columns: Any) -> None:
    """Multiply each element [a, b] of the columns by exp(2j * pi * (a - b) * turns)."""
    count, levels, _ = columns.shape
    unit = np.exp(2j * np.pi * (turns % 1.0))
    power = 1.0 + 0j
    for apart in range(1, levels):
        power *= unit
        for c in range(count):
            for b in range(levels - apart):
                columns[c, b + apart, b] *= power
                columns[c, b, b + apart] *= np.conj(power)
