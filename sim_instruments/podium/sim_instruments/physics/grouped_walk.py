"""Shots of few kinds are drawn in one pass: levels and jumps of a qubit, values of a listener.

The random numbers are those of :mod:`.walk` and :mod:`.noise`, by the same keys and counters.
"""

from typing import Any

import numpy as np
from numba import njit

from podium.sim_instruments.physics.noise import WORDS_AT_ONCE, philox_row, unit
from podium.sim_instruments.physics.walk import first_level, jumps_after, pace_at

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
def level_bounds(matrix: Any) -> Any:
    """Return bounds (R, from, L - 1): a draw below bound n picks a level of 0 ... n.

    It picks that of :func:`.walk.drawn`, which subtracts one by one, but for draws within 1e-15 of
    a bound: comparisons wait neither for each other nor for a branch that is guessed.
    """
    readings, levels, _ = matrix.shape
    out = np.empty((readings, levels, levels - 1))
    for r in range(readings):
        for n in range(levels):
            total, reached = matrix[r, n].sum(), 0.0
            for m in range(levels - 1):
                reached += max(matrix[r, n, m], 0.0)
                out[r, n, m] = reached / total
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
    bound = level_bounds(matrix)
    words = np.empty(WORDS_AT_ONCE, np.uint64)
    others = np.empty(WORDS_AT_ONCE, np.uint64)
    level = first_level(equilibrium, key, run)
    known = level
    count = 0
    i = 0
    for s in range(step.size):
        for r in range(first[step[s]], first[step[s] + 1]):
            if begins[r]:
                known = level
            at = i % WORDS_AT_ONCE
            if at == 0:
                philox_row(key, run, i, 16, words, others)
            drawn, level = unit(words[at]), 0
            for n in range(levels - 1):
                level += 1 if drawn >= bound[r, known, n] else 0
            u = unit(others[at])
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
def sum_windows(
    step: Any,
    first_reading: Any,
    kind: Any,
    base: Any,
    taken: Any,
    whole: Any,
    level: Any,
    jump_first: Any,
    jump_reading: Any,
    jumped: Any,
    begin: Any,
    at_jump: Any,
    sums: Any,
) -> None:
    """Fill ``sums`` (n, W): what all windows hear of each reading from ``begin`` on, no noise.

    ``step``: of the shots that these readings lie in; ``kind[first_reading[c] :
    first_reading[c + 1]]``: of episode, of the readings of a step. ``base`` (U, W): what passes
    the resonators by; ``taken`` (R, W): what one of them takes, where a level is kept in the row
    ``whole`` (U, Q, L). ``level`` (Q, S). Jumped readings of qubit q are
    ``jump_reading[jump_first[q] : jump_first[q + 1]]``, in the rows ``jumped`` (J,); ``at_jump``
    (Q,), which is moved on, has the first of them that does not lie before ``begin``.
    """
    qubits = level.shape[0]
    passed, rows, out = base.view(np.float64), taken.view(np.float64), sums.view(np.float64)
    less = np.empty(qubits, np.int64)
    row = 0
    for s in range(step.size):
        for i in range(first_reading[step[s]], first_reading[step[s] + 1]):
            u = kind[i]
            for q in range(qubits):
                n = level[q, begin + row]
                if n < JUMPED:
                    less[q] = whole[u, q, n]
                else:
                    while jump_reading[at_jump[q]] < begin + row:
                        at_jump[q] += 1
                    less[q] = jumped[at_jump[q]]
            subtract_rows(passed[u], rows, less, out[row])
            row += 1


@njit(cache=True, nogil=True, inline="always")
def subtract_rows(whole: Any, rows: Any, which: Any, out: Any) -> None:
    """Fill ``out`` (N,) with ``whole`` less those rows (R, N), one after the other.

    Four at a time, so that what is left stays in a register meanwhile.
    """
    for w in range(out.size):
        out[w] = whole[w]
    fours = which.size // 4 * 4
    for q in range(0, fours, 4):
        a, b, c, d = rows[which[q]], rows[which[q + 1]], rows[which[q + 2]], rows[which[q + 3]]
        for w in range(out.size):
            out[w] = out[w] - a[w] - b[w] - c[w] - d[w]
    for q in range(fours, which.size):
        a = rows[which[q]]
        for w in range(out.size):
            out[w] -= a[w]


@njit(cache=True, nogil=True)
def fill_values(
    step: Any,
    readings: Any,
    first: Any,
    reading_at: Any,
    number: Any,
    tone_at: Any,
    tone_count: Any,
    scale: Any,
    sigma: Any,
    sums: Any,
    tone: int,
    tone_turns: Any,
    turns: Any,
    element: int,
    out: Any,
) -> Any:
    """Fill ``out`` from ``element`` on with one listener's values; return the next tone, element.

    ``out`` holds normal numbers, which become the noise.

    ``step``: of some shots that follow each other; ``readings``, ``tone_count`` (C,): how many
    readings, and elements of the train that ``tone_turns`` belongs to, the shot of each step has.
    Its windows are at ``first`` (C + 1,): ``reading_at``, the shot's reading that tells the level
    (-1: nothing sounds); ``number``, the place in the rows of ``sums``, of these shots' readings as
    :func:`sum_windows` fills them; ``tone_at``, the element whose phase counts, from ``tone`` on
    (-1: none does); ``scale`` and ``sigma``, of the noise.
    """
    reading = 0
    last_turns = 0.0
    turned = 1.0 + 0j
    for s in range(step.size):
        c = step[s]
        for w in range(first[c], first[c + 1]):
            value = 0j
            if reading_at[w] >= 0:
                value = sums[reading + reading_at[w], number[w]]
            apart = -turns[element]
            if tone_at[w] >= 0:
                apart += tone_turns[tone + tone_at[w]]
            if apart != last_turns:
                last_turns = apart
                angle = 2.0 * np.pi * apart
                turned = complex(np.cos(angle), np.sin(angle))
            out[element] = value * scale[w] * turned + sigma[w] * out[element]
            element += 1
        reading += readings[c]
        tone += tone_count[c]
    return tone, element
