"""Shots of few kinds are drawn in one pass: levels and jumps of a qubit, values of a listener.

The random numbers are those of :mod:`.walk` and :mod:`.noise`, by the same keys and counters.
"""

from typing import Any

import numpy as np
from numba import njit

from podium.sim_instruments.physics.noise import gaussian_at, philox, unit
from podium.sim_instruments.physics.walk import drawn, first_level, jumps_after, pace_at

JUMPED = np.uint8(128)
"""Added to a level that is left before its episode ends."""
MARGIN = 1e-9
"""By so much the bound below which nothing jumps is kept away from its exact place."""


@njit(cache=True, nogil=True)
def no_jump_below(kind: Any, begin_ns: Any, end_ns: Any, rates: Any, pace: Any) -> Any:
    """Return bounds (R, L): a draw below one says that a level stays to the end of an episode."""
    levels = rates.shape[0]
    out = np.full((kind.size, levels), 2.0)
    for r in range(kind.size):
        for level in range(levels):
            leaving = rates[:, level].sum()
            if leaving > 0.0 and end_ns[r] > begin_ns[r]:
                spent = pace_at(pace, kind[r], level, float(end_ns[r]))
                spent -= pace_at(pace, kind[r], level, float(begin_ns[r]))
                out[r, level] = np.exp(-leaving * spent) * (1.0 - MARGIN)
    return out


@njit(cache=True, nogil=True)
def walk_steps(
    step: Any,
    tables: Any,
    stays: Any,
    rates: Any,
    pace: Any,
    equilibrium: Any,
    fraction: float,
    key: Any,
    run: Any,
    level_out: Any,
    jumps: Any,
) -> int:
    """Fill ``level_out`` (S,) of all readings of a run; return how many jumps there were.

    ``tables``: fields of :class:`.short_run.StepTables` in their order; ``stays``: what
    :func:`no_jump_below` says. ``jumps`` (J, 3) as :func:`.walk.walk` fills it.
    """
    first, begins, matrix, kind, begin_ns, end_ns = tables
    levels = rates.shape[0]
    total = np.empty((kind.size, levels))
    for r in range(kind.size):
        for n in range(levels):
            total[r, n] = matrix[r, n].sum()
    level = first_level(equilibrium, key, run)
    known = level
    count = 0
    i = 0
    for s in range(step.size):
        for r in range(first[step[s]], first[step[s] + 1]):
            if begins[r]:
                known = level
            word, other = philox(key, run, np.uint64(i) << np.uint64(16))
            level = drawn(matrix[r, known], total[r, known], unit(word))
            u = unit(other)
            level_out[i] = level
            if u >= stays[r, level]:
                before = count
                read = level
                level, count = jumps_after(
                    level,
                    kind[r],
                    float(begin_ns[r]),
                    float(end_ns[r]),
                    rates,
                    pace,
                    fraction,
                    key,
                    run,
                    i,
                    u,
                    jumps,
                    count,
                )
                if count > before:
                    level_out[i] = read | JUMPED
            i += 1
    return count


@njit(cache=True, nogil=True)
def step_values(
    step: Any,
    readings: Any,
    first: Any,
    sort: Any,
    reading_at: Any,
    tone_at: Any,
    ordinal: Any,
    tone_count: Any,
    base: Any,
    whole: Any,
    scale: Any,
    sigma: Any,
    level: Any,
    jump_first: Any,
    jump_reading: Any,
    jump_taken: Any,
    tone_turns: Any,
    turns: Any,
    key: Any,
    run: Any,
    out: Any,
) -> None:
    """Fill ``out`` (n,) with the values of one listener's windows, noise included.

    ``readings``, ``tone_count`` (C,): how many readings, and elements of the train that
    ``tone_turns`` belongs to, the shot of each step has. Its windows are at ``first`` (C + 1,):
    ``sort``, an index into ``base`` (D,), ``whole`` (D, Q, L), ``scale`` and ``sigma`` (D,);
    ``reading_at``, the shot's reading that tells the level (-1: all are in 0); ``tone_at``, the
    element whose phase counts (-1: none does); and ``ordinal`` among this listener's windows of
    one episode. ``level`` (Q, S). Jumped readings of qubit q are
    ``jump_reading[jump_first[q] : jump_first[q + 1]]``, and ``jump_taken`` (J, ordinals) says what
    its resonator takes then.
    """
    qubits = level.shape[0]
    at_jump = jump_first[:-1].copy()
    reading = 0
    tone = 0
    element = 0
    last_turns = 0.0
    turned = 1.0 + 0j
    for s in range(step.size):
        c = step[s]
        for w in range(first[c], first[c + 1]):
            d = sort[w]
            value = base[d]
            if reading_at[w] >= 0:
                r = reading + reading_at[w]
                for q in range(qubits):
                    n = level[q, r]
                    if n < JUMPED:
                        value -= whole[d, q, n]
                    else:
                        j = at_jump[q]
                        while jump_reading[j] < r:
                            j += 1
                        at_jump[q] = j
                        value -= jump_taken[j, ordinal[w]]
            apart = -turns[element]
            if tone_at[w] >= 0:
                apart += tone_turns[tone + tone_at[w]]
            if apart != last_turns:
                last_turns = apart
                angle = 2.0 * np.pi * apart
                turned = complex(np.cos(angle), np.sin(angle))
            noise = gaussian_at(key, run, np.uint64(element))
            out[element] = value * scale[d] * turned + sigma[d] * noise
            element += 1
        reading += readings[c]
        tone += tone_count[c]
