"""Windows are summed over the field of a resonator whose qubit jumps from level to level.

A shot's field is that of the level at hand, and a difference that rings down since the last jump
(:mod:`.readout`). What jumps do to it is worked out once for all windows. Windows are summed side
by side, sample by sample: their sums stand next to each other, so that the processor adds several
at once.
"""

from typing import Any

import numpy as np
from numba import njit

from podium.sim_instruments.physics.field import ring


@njit(cache=True, nogil=True)
def gather(field: Any, open_at: int, start: complex, step: complex, weights: Any, span: int) -> Any:
    """Sum ``weight[j] * field[open_at + j] * start * step**j`` over j = 0 ... span - 1.

    Samples before the field's first are zero; ``weights`` may be empty (all 1).
    """
    total = 0j
    first = max(0, -open_at)
    last = min(span, field.size - open_at)
    turn = start * step**first
    if weights.size:
        for j in range(first, last):
            total += weights[j] * field[open_at + j] * turn
            turn *= step
    else:
        for j in range(first, last):
            total += field[open_at + j] * turn
            turn *= step
    return total


@njit(cache=True, nogil=True)
def gather_parts(
    field: Any,
    pull: Any,
    half_kappa: float,
    open_at: int,
    start: complex,
    step: complex,
    weights: Any,
    span: int,
    before: Any,
    tail: Any,
) -> None:
    """Fill what a jump at sample k needs: ``before`` and ``tail``, both of shape (N + 1,).

    ``before[k]``: the sum of :func:`gather` over samples earlier than k. ``tail[k]``: the same
    sum from sample k on of a field that is 1 at sample k and then rings down freely.
    """
    decay = np.empty(field.size, np.complex128)
    ring_down(pull, half_kappa, decay)
    turn = first_turn(start, step, open_at)
    turns = np.empty(field.size, np.complex128)
    before[0] = 0j
    for k in range(field.size):
        j = k - open_at
        weight = 0j
        if 0 <= j < span:
            weight = weights[j] if weights.size else 1.0 + 0j
        turns[k] = weight * turn
        before[k + 1] = before[k] + turns[k] * field[k]
        turn *= step
    tail[field.size] = 0j
    for k in range(field.size - 1, -1, -1):
        tail[k] = turns[k] + decay[k] * tail[k + 1]


@njit(cache=True, nogil=True)
def first_turn(start: complex, step: complex, open_at: int) -> Any:
    """Return the turn of sample 0 where that of sample ``open_at`` is ``start``."""
    return start * np.exp(complex(0.0, -np.angle(step) * open_at))


@njit(cache=True, nogil=True)
def ring_down(pull: Any, half_kappa: float, decay: Any) -> None:
    """Fill ``decay`` (N,): what is left of a field one sample later, at the pull after each."""
    for k in range(pull.size):
        if k and pull[k] == pull[k - 1]:
            decay[k] = decay[k - 1]
        else:
            decay[k] = np.exp(complex(-half_kappa, pull[k]))


@njit(cache=True, nogil=True)
def gather_tones(
    envelope: Any, change: Any, open_at: int, start: Any, step: Any, weights: Any, span: int
) -> complex:
    """Return the sum of :func:`gather` over tones (Q, N), each with its start and step (Q,).

    ``change``: what :func:`.field.changed` says of them. Turns are added up side by side while
    amplitudes are held: a sum is good to some 1e-13.
    """
    tones, length = envelope.shape
    first, last = max(0, -open_at), min(span, length - open_at)
    turn, steps, held = np.empty((2, tones)), np.empty((2, tones)), np.zeros((2, tones))
    for q in range(tones):
        now = start[q] * step[q] ** first
        turn[0, q], turn[1, q] = now.real, now.imag
        steps[0, q], steps[1, q] = step[q].real, step[q].imag
    total = 0j
    for j in range(first, last):
        weight = weights[j] if weights.size else 1.0 + 0j
        real, imag = weight.real, weight.imag
        for q in range(tones):
            held[0, q] += real * turn[0, q] - imag * turn[1, q]
            held[1, q] += real * turn[1, q] + imag * turn[0, q]
        for q in range(tones):
            kept = turn[0, q]
            turn[0, q] = kept * steps[0, q] - turn[1, q] * steps[1, q]
            turn[1, q] = kept * steps[1, q] + turn[1, q] * steps[0, q]
        if j == last - 1 or change[open_at + j + 1]:
            for q in range(tones):
                total += envelope[q, open_at + j] * complex(held[0, q], held[1, q])
                held[0, q] = held[1, q] = 0.0
    return total


@njit(cache=True, nogil=True)
def follow_jumps(
    level: Any,
    jump_shot: Any,
    jump_at: Any,
    jump_to: Any,
    response: Any,
    pull: Any,
    half_kappa: float,
    sample: Any,
    decay: Any,
    apart: Any,
) -> None:
    """Fill what each jump does to its shot's field, whatever window is summed.

    Arguments as of :func:`path_sums`. ``sample`` (J,): the first that sees the new level;
    ``decay`` (J,): what is left at it of the difference before, of which a shot's first has none;
    ``apart`` (J,): the difference from there on.
    """
    levels, length = response.shape
    turned = np.zeros((levels, length + 1))
    for n in range(levels):
        for k in range(length):
            turned[n, k + 1] = turned[n, k] + pull[n, k]
    shot = np.int64(-1)
    now, at = 0, 0
    difference = 0j
    for j in range(jump_shot.size):
        k = min(max(jump_at[j], 0), length)
        if jump_shot[j] != shot:
            shot = jump_shot[j]
            now, difference, left = level[shot], 0j, 1.0 + 0j
        else:
            left = np.exp(complex(-half_kappa * (k - at), turned[now, k] - turned[now, at]))
        after = jump_to[j]
        difference = response[now, k] + difference * left - response[after, k] if k < length else 0j
        sample[j], decay[j], apart[j] = k, left, difference
        now, at = after, k


@njit(cache=True, nogil=True)
def sum_jumped(
    first: int,
    level: int,
    jump_shot: Any,
    jump_to: Any,
    sample: Any,
    decay: Any,
    apart: Any,
    row: Any,
    before: Any,
    tail: Any,
    out: Any,
) -> int:
    """Fill ``out`` (W,) with the windows' sums of the shot that jump ``first`` is of.

    Return the first jump of the next; see :func:`follow_jumps`. ``row`` (L, N + 1): where
    ``before`` and ``tail`` (R, 2, W) have each level and sample. They and ``out`` (2, W) hold real
    and imaginary parts.
    """
    shot, now, at = jump_shot[first], jump_to[first], sample[first]
    apart_re, apart_im = apart[first].real, apart[first].imag
    until = row[level, at]
    for w in range(out.shape[1]):
        out[0, w], out[1, w] = before[until, 0, w], before[until, 1, w]
    j = first + 1
    while j < jump_shot.size and jump_shot[j] == shot:
        since, until = row[now, at], row[now, sample[j]]
        left_re, left_im = decay[j].real, decay[j].imag
        for w in range(out.shape[1]):
            rest_re, rest_im = tail[until, 0, w], tail[until, 1, w]
            ring_re = tail[since, 0, w] - (left_re * rest_re - left_im * rest_im)
            ring_im = tail[since, 1, w] - (left_re * rest_im + left_im * rest_re)
            out[0, w] += before[until, 0, w] - before[since, 0, w]
            out[1, w] += before[until, 1, w] - before[since, 1, w]
            out[0, w] += apart_re * ring_re - apart_im * ring_im
            out[1, w] += apart_re * ring_im + apart_im * ring_re
        apart_re, apart_im = apart[j].real, apart[j].imag
        now, at = jump_to[j], sample[j]
        j += 1
    since, until = row[now, at], row[now, row.shape[1] - 1]
    for w in range(out.shape[1]):
        ring_re, ring_im = tail[since, 0, w], tail[since, 1, w]
        out[0, w] += before[until, 0, w] - before[since, 0, w]
        out[1, w] += before[until, 1, w] - before[since, 1, w]
        out[0, w] += apart_re * ring_re - apart_im * ring_im
        out[1, w] += apart_re * ring_im + apart_im * ring_re
    return j


@njit(cache=True, nogil=True)
def path_sums(
    level: Any,
    jump_shot: Any,
    jump_at: Any,
    jump_to: Any,
    response: Any,
    pull: Any,
    half_kappa: float,
    before: Any,
    tail: Any,
    total: Any,
) -> None:
    """Replace ``total`` (shots,), the sums without jumps, for the shots that have jumps.

    ``response``, ``pull`` (L, N): see :func:`.field.ring`; ``before``, ``tail`` (L, N + 1): see
    :func:`gather_parts`; levels that no path visits may hold anything. Jumps are in order; those
    past N change nothing.
    """
    sample = np.empty(jump_shot.size, np.int64)
    decay = np.empty(jump_shot.size, np.complex128)
    apart = np.empty(jump_shot.size, np.complex128)
    follow_jumps(
        level,
        jump_shot,
        jump_at,
        jump_to,
        response,
        pull,
        half_kappa,
        sample,
        decay,
        apart,
    )
    row = np.arange(before.size).reshape(before.shape)
    sums = (
        before.view(np.float64).reshape(before.size, 2, 1),
        tail.view(np.float64).reshape(tail.size, 2, 1),
    )
    out = np.empty((2, 1))
    j = 0
    while j < jump_shot.size:
        shot = jump_shot[j]
        j = sum_jumped(j, level[shot], jump_shot, jump_to, sample, decay, apart, row, *sums, out)
        total[shot] = complex(out[0, 0], out[1, 0])


@njit(cache=True, nogil=True)
def gather_windows(
    response: Any,
    open_at: Any,
    span: Any,
    start: Any,
    step: Any,
    weights: Any,
    weight_at: Any,
    row: Any,
    whole: Any,
    turns: Any,
    before: Any,
) -> None:
    """Sum W windows over the fields (L, N) of all levels, sample by sample.

    ``whole`` (L, W) receives :func:`gather` of each. Where jumps follow (``turns`` is not empty),
    ``before`` (R, 2, W) receives the sums of :func:`gather_parts`, level n at sample k in the row
    ``row[n, k]`` (-1: it is not asked for), and ``turns`` (N, 2, W) the weighted turns of windows.
    Real and imaginary parts lie apart, so that the processor takes several at once.
    """
    levels, length = response.shape
    windows = open_at.size
    opens, closes = np.empty(windows, np.int64), np.empty(windows, np.int64)
    changes = np.zeros(length + 1, np.bool_)
    turn_re, turn_im = np.zeros(windows), np.zeros(windows)
    step_re, step_im = step.real.copy(), step.imag.copy()
    one, other = np.empty(windows), np.empty(windows)
    for w in range(windows):
        opens[w] = max(open_at[w], 0)
        closes[w] = min(open_at[w] + span[w], length)
        if opens[w] < closes[w]:
            changes[opens[w]] = changes[closes[w]] = True
    real, imag = np.zeros((levels, windows)), np.zeros((levels, windows))
    for k in range(length):
        if changes[k]:
            for w in range(windows):
                if k == opens[w] and k < closes[w]:
                    turn = start[w] * step[w] ** (k - open_at[w])
                    turn_re[w], turn_im[w] = turn.real, turn.imag
                elif k == closes[w]:
                    turn_re[w] = turn_im[w] = 0.0
        for w in range(windows):
            one[w], other[w] = turn_re[w], turn_im[w]
        for w in range(windows if weights.size else 0):
            if weight_at[w] < weight_at[w + 1] and opens[w] <= k < closes[w]:
                weighted = weights[weight_at[w] + k - open_at[w]] * complex(one[w], other[w])
                one[w], other[w] = weighted.real, weighted.imag
        for w in range(windows):
            kept = turn_re[w]
            turn_re[w] = kept * step_re[w] - turn_im[w] * step_im[w]
            turn_im[w] = kept * step_im[w] + turn_im[w] * step_re[w]
        if turns.size:
            for w in range(windows):
                turns[k, 0, w], turns[k, 1, w] = one[w], other[w]
        for n in range(levels):
            if turns.size and row[n, k] >= 0:
                for w in range(windows):
                    before[row[n, k], 0, w], before[row[n, k], 1, w] = real[n, w], imag[n, w]
            a, b = response[n, k].real, response[n, k].imag
            for w in range(windows):
                real[n, w] += one[w] * a - other[w] * b
                imag[n, w] += one[w] * b + other[w] * a
    for n in range(levels):
        for w in range(windows):
            whole[n, w] = complex(real[n, w], imag[n, w])
            if turns.size and row[n, length] >= 0:
                before[row[n, length], 0, w], before[row[n, length], 1, w] = real[n, w], imag[n, w]


@njit(cache=True, nogil=True)
def gather_ring_down(decay: Any, turns: Any, row: Any, tail: Any) -> None:
    """Fill ``tail`` (R, 2, W) as :func:`gather_parts`, rows and turns as :func:`gather_windows`.

    ``decay`` (L, N) as :func:`ring_down` fills it.
    """
    levels, length = decay.shape
    windows = turns.shape[2]
    real, imag = np.zeros((levels, windows)), np.zeros((levels, windows))
    for n in range(levels):
        if row[n, length] >= 0:
            for w in range(windows):
                tail[row[n, length], 0, w] = tail[row[n, length], 1, w] = 0.0
    for k in range(length - 1, -1, -1):
        for n in range(levels):
            a, b = decay[n, k].real, decay[n, k].imag
            for w in range(windows):
                kept = real[n, w]
                real[n, w] = turns[k, 0, w] + (a * kept - b * imag[n, w])
                imag[n, w] = turns[k, 1, w] + (a * imag[n, w] + b * kept)
            if row[n, k] >= 0:
                for w in range(windows):
                    tail[row[n, k], 0, w], tail[row[n, k], 1, w] = real[n, w], imag[n, w]


@njit(cache=True, nogil=True)
def rows_needed(level: Any, jump_shot: Any, jump_to: Any, sample: Any, row: Any) -> int:
    """Number levels and samples (L, N + 1) that :func:`sum_jumped` asks for; return how many."""
    row[:] = -1
    shot = np.int64(-1)
    now, last = 0, row.shape[1] - 1
    for j in range(jump_shot.size):
        if jump_shot[j] != shot:
            shot = jump_shot[j]
            now = level[shot]
        row[now, sample[j]] = 0
        now = jump_to[j]
        row[now, sample[j]] = row[now, last] = 0
    count = 0
    for n in range(row.shape[0]):
        for k in range(row.shape[1]):
            if row[n, k] == 0:
                row[n, k] = count
                count += 1
    return count


@njit(cache=True, nogil=True)
def take_windows(
    envelope: Any,
    change: Any,
    detuning: Any,
    start_phase: Any,
    fraction: float,
    pull_hz: Any,
    n_crit: Any,
    half_kappa: float,
    photons_per: float,
    coupling: float,
    length: int,
    open_at: Any,
    span: Any,
    start: Any,
    step: Any,
    weights: Any,
    weight_at: Any,
    level: Any,
    jump_shot: Any,
    jump_at: Any,
    jump_to: Any,
    taken: Any,
) -> None:
    """Fill ``taken`` (shots, W or more): what one resonator takes of each window in each shot.

    Tones as :func:`.field.ring` has them, ``pull_hz``, ``n_crit`` for each level; ``open_at``,
    ``span``, ``start``, ``step`` (W,) as :func:`gather` has them, the weights of window w at
    ``weights[weight_at[w] : weight_at[w + 1]]``; ``level`` and jumps as in :func:`path_sums`.
    """
    place = np.full(pull_hz.size, -1, np.int64)
    for shot in range(level.size):
        place[level[shot]] = 0
    for j in range(jump_to.size):
        place[jump_to[j]] = 0
    levels = 0
    for n in range(place.size):
        if place[n] == 0:
            place[n] = levels
            levels += 1
    # from here on levels are counted among those that are met
    met = np.empty(level.size, np.int64)
    for shot in range(level.size):
        met[shot] = place[level[shot]]
    to = np.empty(jump_to.size, np.int64)
    for j in range(jump_to.size):
        to[j] = place[jump_to[j]]
    low_hz, critical = np.empty(levels), np.empty(levels)
    for n in range(place.size):
        if place[n] >= 0:
            low_hz[place[n]], critical[place[n]] = pull_hz[n], n_crit[n]
    response = np.empty((levels, length), np.complex128)
    pull = np.empty((levels, length))
    ring(
        envelope,
        change,
        detuning,
        start_phase,
        fraction,
        low_hz,
        critical,
        half_kappa,
        photons_per,
        np.int64(1),
        response,
        pull,
    )
    jumps, windows = jump_at.size, open_at.size
    sample = np.empty(jumps, np.int64)
    left, apart = np.empty(jumps, np.complex128), np.empty(jumps, np.complex128)
    row = np.empty((levels, length + 1 if jumps else 0), np.int64)
    rows = 0
    if jumps:
        follow_jumps(met, jump_shot, jump_at, to, response, pull, half_kappa, sample, left, apart)
        rows = rows_needed(met, jump_shot, to, sample, row)
    turns = np.empty((length if jumps else 0, 2, windows))
    whole = np.empty((levels, windows), np.complex128)
    before, tail = np.empty((rows, 2, windows)), np.empty((rows, 2, windows))
    gather_windows(
        response, open_at, span, start, step, weights, weight_at, row, whole, turns, before
    )
    if jumps:
        decay = np.empty((levels, length), np.complex128)
        for n in range(levels):
            ring_down(pull[n], half_kappa, decay[n])
        gather_ring_down(decay, turns, row, tail)
    whole *= coupling
    total = np.empty((2, windows))
    j = 0
    for shot in range(level.size):
        if j < jumps and jump_shot[j] == shot:
            j = sum_jumped(
                j, met[shot], jump_shot, to, sample, left, apart, row, before, tail, total
            )
            for w in range(windows):
                taken[shot, w] = coupling * complex(total[0, w], total[1, w])
        else:
            for w in range(windows):
                taken[shot, w] = whole[met[shot], w]
