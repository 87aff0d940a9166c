"""Products and exponentials of small real matrices, compiled."""

from typing import Any

import numpy as np
from numba import njit

TAYLOR_ORDER = 11
TAYLOR_NORM = 0.5
"""0.5**12 / 12! = 5e-13: the error of one exponential before squaring."""
SMALL = 6
"""Matrices of at most so many rows are multiplied without BLAS."""
NOTHING = 1e-25
"""Smaller terms of an exponential are left out: a nanosecond of jumps needs five of them."""


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
