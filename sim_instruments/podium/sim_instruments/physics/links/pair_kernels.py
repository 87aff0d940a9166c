"""The kernel of a link's evolution: a sparse generator, held in steps, by its Taylor series."""

from typing import Any

import numpy as np
from numba import njit

LARGEST_TURN = 4.0
"""Largest norm of generator times part of a step; longer steps are cut."""
MOST_TERMS = 32
"""Terms of a Taylor series at most."""


@njit(cache=True, nogil=True)  # fastmath makes vectors of its short rows: twice as slow
def multiply(
    first: Any, source: Any, sign: Any, values: Any, x: Any, out: Any, scale: float
) -> float:
    """Fill ``out`` (R,) with scale * generator * x; return its largest element's square."""
    most = 0.0
    for r in range(out.size):
        real = 0.0
        imag = 0.0
        for p in range(first[r], first[r + 1]):
            v = values[p]
            y = x[source[p]]
            b = sign[p] * y.imag
            real += v.real * y.real - v.imag * b
            imag += v.real * b + v.imag * y.real
        real *= scale
        imag *= scale
        out[r] = complex(real, imag)
        square = real * real + imag * imag
        if square > most:
            most = square
    return most


@njit(cache=True, nogil=True)
def evolve_pairs(
    first: Any,
    source: Any,
    sign: Any,
    static: Any,
    place: Any,
    kind: Any,
    size: Any,
    drive: Any,
    mode: Any,
    span: Any,
    norm: Any,
    tolerance_1_ns: float,
    x: Any,
    watched: Any,
    weight: Any,
    group: Any,
    seen: Any,
) -> None:
    """Take ``x`` (R,) through S held steps.

    ``static`` (M, V): values of the generator in each mode, 1/ns; ``place``, ``kind``, ``size``
    (T,): what the drives add to them, ``drive`` (S, K) times size; ``mode``, ``span`` (S,), ns;
    ``norm`` (S,): of each step's generator, 1/ns. ``seen`` (S + 1, G) is filled with sums of
    ``weight * x[watched]`` of each group, before and after each step.
    """
    values = np.zeros(static.shape[1], np.complex128)
    term = np.zeros_like(x)
    other = np.zeros_like(x)
    last = -1
    for w in range(watched.size):
        seen[0, group[w]] += weight[w] * x[watched[w]]
    for s in range(span.size):
        if mode[s] != last:
            for p in range(values.size):
                values[p] = static[mode[s], p]
            last = mode[s]
        else:
            for t in range(place.size):
                values[place[t]] = static[last, place[t]]
        for t in range(place.size):
            values[place[t]] += drive[s, kind[t]] * size[t]
        parts = max(1, int(np.ceil(span[s] * norm[s] / LARGEST_TURN)))
        part = span[s] / parts
        rest = (tolerance_1_ns * part) ** 2
        for _ in range(parts):
            for r in range(x.size):
                term[r] = x[r]
            before = 1.0
            for n in range(1, MOST_TERMS + 1):
                most = multiply(first, source, sign, values, term, other, part / n)
                term, other = other, term
                for r in range(x.size):
                    x[r] += term[r]
                # the next term is smaller by at least what this one is than the one before
                if most * most < rest * before or most == 0.0:
                    break
                before = most
        for w in range(watched.size):
            seen[s + 1, group[w]] += weight[w] * x[watched[w]]
