"""Windows are summed over the field of a resonator whose qubit jumps from level to level.

A shot's field is that of the level at hand, and a difference that rings down since the last jump
(:mod:`.readout`). What jumps do to it is worked out once for all windows; windows are then summed
for all levels at once, sample by sample: each level's sum is a chain of its own.
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
    decay = np.empty((1, field.size), np.complex128)
    ring_down(pull, half_kappa, decay[0])
    gather_decaying(
        field.reshape(1, -1),
        decay,
        open_at,
        start,
        step,
        weights,
        span,
        before.reshape(1, -1),
        tail.reshape(1, -1),
    )


@njit(cache=True, nogil=True)
def ring_down(pull: Any, half_kappa: float, decay: Any) -> None:
    """Fill ``decay`` (N,): what is left of a field one sample later, at the pull after each."""
    for k in range(pull.size):
        if k and pull[k] == pull[k - 1]:
            decay[k] = decay[k - 1]
        else:
            decay[k] = np.exp(complex(-half_kappa, pull[k]))


@njit(cache=True, nogil=True)
def gather_levels(
    field: Any, open_at: int, start: complex, step: complex, weights: Any, span: int, out: Any
) -> None:
    """Fill ``out`` (L,) with :func:`gather` of each row of ``field`` (L, N)."""
    levels, length = field.shape
    for n in range(levels):
        out[n] = 0j
    first = max(0, -open_at)
    last = min(span, length - open_at)
    turn = start * step**first
    for j in range(first, last):
        for n in range(levels):
            if weights.size:
                out[n] += weights[j] * field[n, open_at + j] * turn
            else:
                out[n] += field[n, open_at + j] * turn
        turn *= step


@njit(cache=True, nogil=True)
def gather_decaying(
    field: Any,
    decay: Any,
    open_at: int,
    start: complex,
    step: complex,
    weights: Any,
    span: int,
    before: Any,
    tail: Any,
) -> None:
    """Do as :func:`gather_parts` does for each level: ``field`` (L, N), ``before`` (L, N + 1).

    ``decay`` (L, N) as :func:`ring_down` fills it.
    """
    levels, length = field.shape
    # the turn of sample k = 0, which is j = -open_at
    turn = start * np.exp(complex(0.0, -np.angle(step) * open_at))
    turns = np.empty(length, np.complex128)
    for n in range(levels):
        before[n, 0] = 0j
        tail[n, length] = 0j
    for k in range(length):
        j = k - open_at
        weight = 0j
        if 0 <= j < span:
            weight = weights[j] if weights.size else 1.0 + 0j
        turns[k] = weight * turn
        for n in range(levels):
            before[n, k + 1] = before[n, k] + turns[k] * field[n, k]
        turn *= step
    for k in range(length - 1, -1, -1):
        for n in range(levels):
            tail[n, k] = turns[k] + decay[n, k] * tail[n, k + 1]


@njit(cache=True, nogil=True)
def gather_tones(
    envelope: Any, open_at: int, start: Any, step: Any, weights: Any, span: int
) -> complex:
    """Return the sum of :func:`gather` over tones (Q, N), each with its start and step (Q,)."""
    total = 0j
    for q in range(envelope.shape[0]):
        total += gather(envelope[q], open_at, start[q], step[q], weights, span)
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
    ``decay`` (J,): what is left at it of the difference before; ``apart`` (J,): the difference
    from there on.
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
        if jump_shot[j] != shot:
            shot = jump_shot[j]
            now, at, difference = level[shot], 0, 0j
        k = min(max(jump_at[j], 0), length)
        left = np.exp(complex(-half_kappa * (k - at), turned[now, k] - turned[now, at]))
        after = jump_to[j]
        difference = response[now, k] + difference * left - response[after, k] if k < length else 0j
        sample[j], decay[j], apart[j] = k, left, difference
        now, at = after, k


@njit(cache=True, nogil=True)
def sum_jumped(
    level: Any,
    jump_shot: Any,
    jump_to: Any,
    sample: Any,
    decay: Any,
    apart: Any,
    before: Any,
    tail: Any,
    total: Any,
) -> None:
    """Replace ``total`` (shots,) for the shots that have jumps; see :func:`follow_jumps`."""
    length = before.shape[1] - 1
    j = 0
    while j < jump_shot.size:
        shot = jump_shot[j]
        now, at = level[shot], 0
        difference = 0j
        sum_ = 0j
        while j < jump_shot.size and jump_shot[j] == shot:
            k = sample[j]
            sum_ += (
                before[now, k]
                - before[now, at]
                + difference * (tail[now, at] - decay[j] * tail[now, k])
            )
            difference = apart[j]
            now, at = jump_to[j], k
            j += 1
        total[shot] = sum_ + before[now, length] - before[now, at] + difference * tail[now, at]


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
    sum_jumped(level, jump_shot, jump_to, sample, decay, apart, before, tail, total)


@njit(cache=True, nogil=True)
def take_windows(
    envelope: Any,
    change: Any,
    detuning: Any,
    start_phase: Any,
    fraction: float,
    pull_hz: Any,
    n_crit: float,
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
    sums: Any,
) -> None:
    """Take from ``sums`` (W, shots) what one resonator takes of each window in each shot.

    Tones as :func:`.field.ring` has them, ``pull_hz`` for each level (L,); ``open_at``, ``span``,
    ``start``, ``step`` (W,) as :func:`gather` has them, the weights of window w at
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
    low_hz = np.empty(levels)
    for n in range(place.size):
        if place[n] >= 0:
            low_hz[place[n]] = pull_hz[n]
    response = np.empty((levels, length), np.complex128)
    pull = np.empty((levels, length))
    ring(
        envelope,
        change,
        detuning,
        start_phase,
        fraction,
        low_hz,
        n_crit,
        half_kappa,
        photons_per,
        np.int64(1),
        response,
        pull,
    )
    jumps = jump_at.size
    sample = np.empty(jumps, np.int64)
    left, apart = np.empty(jumps, np.complex128), np.empty(jumps, np.complex128)
    decay = np.empty((levels, length if jumps else 0), np.complex128)
    if jumps:
        for n in range(levels):
            ring_down(pull[n], half_kappa, decay[n])
        follow_jumps(met, jump_shot, jump_at, to, response, pull, half_kappa, sample, left, apart)
    room = length + 1 if jumps else 0
    before = np.empty((levels, room), np.complex128)
    tail = np.empty((levels, room), np.complex128)
    whole = np.empty(levels, np.complex128)
    total = np.empty(level.size, np.complex128)
    for w in range(open_at.size):
        own = weights[weight_at[w] : weight_at[w + 1]]
        gather_levels(response, open_at[w], start[w], step[w], own, span[w], whole)
        for n in range(levels):
            whole[n] *= coupling
        for shot in range(level.size):
            total[shot] = whole[met[shot]]
        if jumps:
            gather_decaying(
                response, decay, open_at[w], start[w], step[w], own, span[w], before, tail
            )
            for n in range(levels):
                for k in range(room):
                    before[n, k] *= coupling
                    tail[n, k] *= coupling
            sum_jumped(met, jump_shot, to, sample, left, apart, before, tail, total)
        for shot in range(level.size):
            sums[w, shot] -= total[shot]
