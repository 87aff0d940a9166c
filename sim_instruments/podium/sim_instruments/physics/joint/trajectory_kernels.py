"""Kernels of pure states of a cluster: one trajectory a row, (T, D).

Exponentials of a Hamiltonian act by their Taylor series, sparse. Between them each trajectory
stays, its amplitudes damped, or jumps.
"""

from typing import Any

import numpy as np
from numba import njit

from podium.sim_instruments.physics.noise import philox, unit

NORM = 6.0
"""Largest norm of an exponent whose series is summed at once."""
LEFT_OUT = 1e-13
"""Of an exponential: the first term that is left out is smaller."""
DEPHASING = -1
"""In the place of a level: a channel that multiplies by ``n - 1/2``."""


@njit(cache=True, nogil=True, fastmath=True)
def turn_rows(states: Any, which: Any, factor: Any) -> None:
    """Multiply each row of ``states`` (T, D) by its row of ``factor`` (K, D)."""
    for t in range(states.shape[0]):
        for i in range(states.shape[1]):
            states[t, i] *= factor[which[t], i]


@njit(cache=True, nogil=True, fastmath=True)
def exponent_norm(diagonal: Any, upper: Any, value: Any, shift: float) -> float:
    """Return the largest sum of a row of a Hermitian matrix: :func:`play_rows` has its form."""
    total = np.zeros(diagonal.size)
    for i in range(diagonal.size):
        total[i] = abs(diagonal[i] - shift)
    for h in range(value.size):
        total[upper[h, 0]] += abs(value[h])
        total[upper[h, 1]] += abs(value[h])
    return float(total.max())


@njit(cache=True, nogil=True, fastmath=True)
def series(
    state: Any, diagonal: Any, upper: Any, value: Any, shift: float, span: float, work: Any
) -> None:
    """Multiply a state (D,) by exp(-1j * span * (H - shift)); ``work`` (2, D)."""
    size = state.size
    bound = exponent_norm(diagonal, upper, value, shift) * span
    parts = max(1, int(np.ceil(bound / NORM)))
    step, bound = span / parts, bound / parts
    for _ in range(parts):
        for i in range(size):
            work[0, i] = state[i]
        rest, order = 1.0, 0
        while rest > LEFT_OUT or order < bound:
            order += 1
            rest *= bound / order
            factor = -1j * step / order
            for i in range(size):
                work[1, i] = (diagonal[i] - shift) * work[0, i]
            for h in range(value.size):
                i, j = upper[h, 0], upper[h, 1]
                work[1, i] += value[h] * work[0, j]
                work[1, j] += np.conj(value[h]) * work[0, i]
            for i in range(size):
                work[0, i] = factor * work[1, i]
                state[i] += work[0, i]


@njit(cache=True, nogil=True, fastmath=True)
def play_rows(
    states: Any,
    diagonal: Any,
    exchange: Any,
    drive: Any,
    hops: Any,
    hop_size: Any,
    lifts: Any,
    lift_size: Any,
    row_ns: float,
) -> None:
    """Take ``states`` (T, D) through rows in which everything is held.

    ``diagonal`` (R, D), ``exchange`` (R, X), ``drive`` (R, E): rad/ns; the rest is
    :class:`.density_evolution.Operators`.
    """
    count = hop_size.size + lift_size.size
    upper = np.zeros((count, 2), np.int64)
    value = np.zeros(count, np.complex128)
    work = np.zeros((2, states.shape[1]), np.complex128)
    for r in range(diagonal.shape[0]):
        used = 0
        for h in range(hop_size.size):
            upper[used, 0], upper[used, 1] = hops[h, 0], hops[h, 1]
            value[used] = exchange[r, hops[h, 2]] * hop_size[h]
            used += 1
        for h in range(lift_size.size):
            if drive[r, lifts[h, 2]] != 0.0:
                upper[used, 0], upper[used, 1] = lifts[h, 0], lifts[h, 1]
                value[used] = drive[r, lifts[h, 2]] * lift_size[h]
                used += 1
        shift = 0.5 * (diagonal[r].min() + diagonal[r].max())
        common = np.exp(-1j * shift * row_ns)
        for t in range(states.shape[0]):
            series(states[t], diagonal[r], upper[:used], value[:used], shift, row_ns, work)
            for i in range(states.shape[1]):
                states[t, i] *= common


@njit(cache=True, nogil=True, fastmath=True)
def fill_turn(
    diagonal: Any, upper: Any, raising: Any, falling: Any, drive: Any, step_ns: float, out: Any
) -> None:
    """Multiply ``out`` (N, N), rows are states, by what a drive (steps,) makes of them.

    ``diagonal`` (N,) and ``drive``: rad/ns; elements of the drive at ``upper`` (h, 2) are
    ``raising`` (h,) and, of its conjugate, ``falling`` (h,).
    """
    work = np.zeros((2, diagonal.size), np.complex128)
    shift = 0.5 * (diagonal.min() + diagonal.max())
    for k in range(drive.size):
        value = drive[k] * raising + np.conj(drive[k]) * falling
        for t in range(out.shape[0]):
            series(out[t], diagonal, upper, value, shift, step_ns, work)
    out *= np.exp(-1j * shift * step_ns * drive.size)


@njit(cache=True, nogil=True)
def jump(state: Any, element: int, to: int, of: int, level: Any, with_level: Any) -> None:
    """Let a state (D,) go through a channel, and normalise it."""
    total = 0.0
    if of == DEPHASING:
        for i in range(state.size):
            state[i] *= level[i, element] - 0.5
            total += state[i].real ** 2 + state[i].imag ** 2
    else:
        before = state.copy()
        for i in range(state.size):
            state[i] = 0.0
        for i in range(state.size):
            if level[i, element] == of:
                state[with_level[element, to, i]] = before[i]
                total += before[i].real ** 2 + before[i].imag ** 2
    scale = 1.0 / np.sqrt(total)
    for i in range(state.size):
        state[i] *= scale


@njit(cache=True, nogil=True)
def stay_or_jump(
    states: Any,
    first: int,
    damp: Any,
    share: Any,
    rates: Any,
    channel: Any,
    level: Any,
    with_level: Any,
    key: Any,
    step: int,
) -> None:
    """Let normalised rows from ``first`` on stay or jump.

    ``damp`` (D,): of amplitudes that stay; ``rates`` (C, D): of each channel from each state,
    ``share`` (D,): for how long, ns; ``channel`` (C, 3): element, level to and level from.
    """
    for t in range(first, states.shape[0]):
        stays = 0.0
        for i in range(states.shape[1]):
            held = states[t, i].real ** 2 + states[t, i].imag ** 2
            stays += held * damp[i] ** 2
        word, other = philox(key, np.uint64(t), np.uint64(step))
        if unit(word) < stays:
            scale = 1.0 / np.sqrt(stays)
            for i in range(states.shape[1]):
                states[t, i] *= scale * damp[i]
            continue
        each = np.zeros(channel.shape[0])
        for c in range(channel.shape[0]):
            for i in range(states.shape[1]):
                held = states[t, i].real ** 2 + states[t, i].imag ** 2
                each[c] += held * rates[c, i] * share[i]
        rest, found = unit(other) * each.sum(), 0
        for c in range(channel.shape[0]):
            if rest >= 0.0 and each[c] > 0.0:
                found = c
                rest -= each[c]
        jump(states[t], channel[found, 0], channel[found, 1], channel[found, 2], level, with_level)
