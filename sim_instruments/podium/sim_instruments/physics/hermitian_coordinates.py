"""Real coordinates of Hermitian matrices, and maps of them, compiled.

First the populations, then real and minus imaginary part of each coherence [a, b], a < b. States
are stacks of matrices, shape (C, L, L), or their coordinates, shape (L*L, C), which maps of shape
(L*L, L*L) act on.
"""

from typing import Any

import numpy as np
from numba import njit

from podium.sim_instruments.physics.small_matrices import copy_into


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
def apply_map(matrix: Any, state: Any, spare: Any) -> None:
    """Replace coordinates ``state`` (L*L, C) by ``matrix @ state``; ``spare`` is overwritten."""
    np.dot(matrix, state, spare)
    copy_into(spare, state)


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
