"""Populations and coherences under incoherent jumps and white dephasing, compiled.

Populations p follow dp/dt = W p, where W[to, from] are the rates and columns add up to zero; a
coherence fades by half of all rates out of its two levels, and by dephasing.
"""

from typing import Any

import numpy as np
from numba import njit

from podium.sim_instruments.physics.small_matrices import copy_into, exponential, multiply

SPAN_NORM, SPAN_TERMS = 1.0, 19
"""A map of jumps is a polynomial of so many terms up to that norm: 1 / 19! = 8e-18 is left out."""


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
