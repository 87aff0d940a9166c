"""The field in a readout resonator under the tones of its feedline, nanosecond by nanosecond.

A resonator hangs beside the feedline. With ``s(t)`` the signal at the chip (square
roots of watts, analytic: a tone is ``exp(+2j*pi*f*t)``), kappa the total and kappa_c the
external energy decay rate (both directions together, rad/s), the stored response is

    dr/dt = (2j*pi*f_r - kappa/2) r + s,      s_out = s - (kappa_c/2) r

so that S21 = 1 - (kappa_c/2) / (kappa/2 + 2j*pi*(f - f_r)), the matched hanger of
Probst et al., Rev. Sci. Instrum. 86, 024706 (2015), and the photon number is
``(kappa_c/2) |r|**2 / (h f)``: in steady state on resonance 2 kappa_c P / (h f kappa**2).

The dispersive pull falls with the photon number, f_r(n) = bare + pull / sqrt(1 + n/n_crit):
the semi-classical Jaynes-Cummings frequency (Boissonneault, Gambetta, Blais, PRL 105,
100504 (2010)). ASSUMED for every level: a transmon's higher levels enter by their low-power
pull alone, and there is no bistable switching by noise.

Inside the kernels times are in ns and rates in rad/ns; responses are in sqrt(W) ns, in the
frame of the bare resonator.
"""

from typing import Any

import numpy as np
from numba import njit

PLANCK_J_S = 6.62607015e-34
PULL_TOLERANCE = 1e-7
"""Change of the pull, rad/ns, below which a step's exponentials are used again."""
REFRESH_NS = 8
"""The pull is held for at most so long, at its value expected for the middle of the hold."""


@njit(cache=True, nogil=True)
def changed(envelope: Any) -> Any:
    """Say for each nanosecond whether some tone's amplitude differs from the one before."""
    tones, length = envelope.shape
    out = np.zeros(length + 1, np.bool_)
    for k in range(1, length):
        for q in range(tones):
            if envelope[q, k] != envelope[q, k - 1]:
                out[k] = True
    return out


@njit(cache=True, nogil=True)
def _advance(
    r: complex,
    envelope: Any,
    k: Any,
    phasor: Any,
    detuning: Any,
    pull: float,
    half_kappa: float,
    step: float,
) -> complex:
    """One step from the given phasors of the tones; they are moved on by the step."""
    eigenvalue = complex(-half_kappa, pull)
    decay = np.exp(eigenvalue * step)
    r = r * decay
    for q in range(phasor.size):
        turn = np.exp(1j * detuning[q] * step)
        amplitude = envelope[q, k]
        if amplitude != 0:
            r += amplitude * phasor[q] * (turn - decay) / (1j * detuning[q] - eigenvalue)
        phasor[q] *= turn
    return r


@njit(cache=True, nogil=True)
def ring(
    envelope: Any,
    change: Any,
    detuning: Any,
    start_phase: Any,
    fraction: float,
    pull_hz: float,
    n_crit: float,
    half_kappa: float,
    photons_per: float,
    stride: Any,
    field: Any,
    pull: Any,
) -> None:
    """Fill ``field`` and ``pull`` (shape (M,)) at the times ``fraction + i * stride`` ns.

    ``envelope`` (Q, N): amplitude of tone q at the chip in each nanosecond, sqrt(W);
    ``change``: what :func:`changed` says of it; ``detuning`` (Q,): of the tones from the
    bare resonator, rad/ns; ``start_phase`` (Q,): their phases at time 0, rad; ``pull_hz``:
    of the low-power frequency from the bare one; ``photons_per``: photons for one |r|**2.
    Exact in the linear regime for amplitudes held over each nanosecond. ``pull[i]`` is
    the pull in rad/ns used after sample i.
    """
    tones, length = envelope.shape
    low = 2e-9 * np.pi * pull_hz
    phasor = np.empty(tones, np.complex128)
    gain = np.empty(tones, np.complex128)
    turn = np.empty(tones, np.complex128)
    for q in range(tones):
        phasor[q] = np.exp(1j * start_phase[q])
        turn[q] = np.exp(1j * detuning[q] * stride)
    r = 0j
    now = low
    if fraction > 0.0:
        r = _advance(r, envelope, np.int64(0), phasor, detuning, low, half_kappa, fraction)
    before, held, age = low, np.inf, 0
    decay = 0j
    ready = False
    for i in range(field.size):
        photons = photons_per * (r.real * r.real + r.imag * r.imag)
        now = low / np.sqrt(1.0 + photons / n_crit)
        field[i] = r
        start = i * stride
        if not ready or (age >= REFRESH_NS and abs(now - held) > PULL_TOLERANCE):
            # the pull wanted is that of the middle of the hold: extrapolate
            expected = now + 0.5 * (now - before) if ready else now
            before, held, age = now, expected, 0
            eigenvalue = complex(-half_kappa, held)
            decay = np.exp(eigenvalue * stride)
            for q in range(tones):
                gain[q] = (turn[q] - decay) / (1j * detuning[q] - eigenvalue)
            ready = True
        pull[i] = held
        if start >= length:  # after the last tone
            r *= decay
            age += stride
            continue
        steady = start + stride < length
        for k in range(start + 1, start + stride + 1):
            if k >= length or change[k]:
                steady = False
        if steady:
            r *= decay
            for q in range(tones):
                amplitude = envelope[q, start]
                if amplitude != 0:
                    r += amplitude * phasor[q] * gain[q]
                phasor[q] *= turn[q]
        else:
            for k in range(start, start + stride):
                if k >= length:
                    r *= np.exp(complex(-half_kappa, held))
                    continue
                if fraction < 1.0:
                    r = _advance(r, envelope, k, phasor, detuning, held, half_kappa, 1.0 - fraction)
                if fraction > 0.0:
                    if k + 1 < length:
                        r = _advance(
                            r, envelope, k + 1, phasor, detuning, held, half_kappa, fraction
                        )
                    else:
                        r *= np.exp(complex(-half_kappa, held) * fraction)
        age += stride


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
    gather_decaying(field, decay, open_at, start, step, weights, span, before, tail)


@njit(cache=True, nogil=True)
def ring_down(pull: Any, half_kappa: float, decay: Any) -> None:
    """Fill ``decay`` (N,): what is left of a field one sample later, at the pull after each."""
    for k in range(pull.size):
        decay[k] = np.exp(complex(-half_kappa, pull[k]))


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
    """Do as :func:`gather_parts` does; ``decay`` as :func:`ring_down` fills it."""
    length = field.size
    before[0] = 0j
    # the turn of sample k = 0, which is j = -open_at
    turn = start * np.exp(complex(0.0, -np.angle(step) * open_at))
    turns = np.empty(length, np.complex128)
    for k in range(length):
        j = k - open_at
        weight = 0j
        if 0 <= j < span:
            weight = weights[j] if weights.size else 1.0 + 0j
        turns[k] = weight * turn
        before[k + 1] = before[k] + turns[k] * field[k]
        turn *= step
    tail[length] = 0j
    for k in range(length - 1, -1, -1):
        tail[k] = turns[k] + decay[k] * tail[k + 1]


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

    ``response``, ``pull`` (L, N): see :func:`ring`; ``before``, ``tail`` (L, N + 1): see
    :func:`gather_parts`; levels that no path visits may hold anything. Jumps are in order; those
    past N change nothing.
    """
    length = response.shape[1]
    turned = np.zeros((pull.shape[0], length + 1))
    for n in range(pull.shape[0]):
        for k in range(length):
            turned[n, k + 1] = turned[n, k] + pull[n, k]
    j = 0
    while j < jump_shot.size:
        shot = jump_shot[j]
        now, at = level[shot], 0
        apart = 0j
        sum_ = 0j
        while j < jump_shot.size and jump_shot[j] == shot:
            k = min(max(jump_at[j], 0), length)
            decay = np.exp(complex(-half_kappa * (k - at), turned[now, k] - turned[now, at]))
            sum_ += (
                before[now, k] - before[now, at] + apart * (tail[now, at] - decay * tail[now, k])
            )
            after = jump_to[j]
            apart = response[now, k] + apart * decay - response[after, k] if k < length else 0j
            now, at = after, k
            j += 1
        total[shot] = sum_ + before[now, length] - before[now, at] + apart * tail[now, at]


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

    Tones as :func:`ring` has them, ``pull_hz`` for each level (L,); ``open_at``, ``span``,
    ``start``, ``step`` (W,) as :func:`gather` has them, the weights of window w at
    ``weights[weight_at[w] : weight_at[w + 1]]``; ``level`` and jumps as in :func:`path_sums`.
    """
    levels = pull_hz.size
    visited = np.zeros(levels, np.bool_)
    for shot in range(level.size):
        visited[level[shot]] = True
    for j in range(jump_to.size):
        visited[jump_to[j]] = True
    response = np.zeros((levels, length), np.complex128)
    pull = np.zeros((levels, length))
    for n in range(levels):
        if visited[n]:
            ring(
                envelope,
                change,
                detuning,
                start_phase,
                fraction,
                pull_hz[n],
                n_crit,
                half_kappa,
                photons_per,
                np.int64(1),
                response[n],
                pull[n],
            )
    decay = np.zeros((levels, length), np.complex128)
    if jump_at.size:
        for n in range(levels):
            if visited[n]:
                ring_down(pull[n], half_kappa, decay[n])
    room = length + 1 if jump_at.size else 0
    before = np.zeros((levels, room), np.complex128)
    tail = np.zeros((levels, room), np.complex128)
    whole = np.zeros(levels, np.complex128)
    total = np.empty(level.size, np.complex128)
    for w in range(open_at.size):
        own = weights[weight_at[w] : weight_at[w + 1]]
        for n in range(levels):
            if visited[n]:
                taken = gather(response[n], open_at[w], start[w], step[w], own, span[w])
                whole[n] = coupling * taken
        for shot in range(level.size):
            total[shot] = whole[level[shot]]
        if jump_at.size:
            for n in range(levels):
                if visited[n]:
                    gather_decaying(
                        response[n],
                        decay[n],
                        open_at[w],
                        start[w],
                        step[w],
                        own,
                        span[w],
                        before[n],
                        tail[n],
                    )
                    before[n] *= coupling
                    tail[n] *= coupling
            path_sums(
                level, jump_shot, jump_at, jump_to, response, pull, half_kappa, before, tail, total
            )
        for shot in range(level.size):
            sums[w, shot] -= total[shot]


@njit(cache=True, nogil=True)
def expose(
    envelope: Any,
    change: Any,
    detuning: Any,
    start_phase: Any,
    pull_hz: Any,
    n_crit: float,
    half_kappa: float,
    photons_per: float,
    stride: int,
    coherent: bool,
    pace: Any,
    exponent: Any,
) -> None:
    """Fill ``pace`` (L, M) and, if ``coherent``, ``exponent`` (L, L, M); see :mod:`.exposure`.

    Tones as :func:`ring` has them, from vacuum at time 0; ``pull_hz`` for each level (L,).
    """
    levels, count = pace.shape
    response = np.empty((levels, count), np.complex128)
    pull = np.empty((levels, count))
    for n in range(levels):
        ring(
            envelope,
            change,
            detuning,
            start_phase,
            0.0,
            pull_hz[n],
            n_crit,
            half_kappa,
            photons_per,
            stride,
            response[n],
            pull[n],
        )
        now = 0.0
        for k in range(count):
            r = response[n, k]
            before = now
            now = 1.0 + photons_per * (r.real * r.real + r.imag * r.imag) / n_crit
            pace[n, k] = pace[n, k - 1] + 0.5 * stride * (now + before) if k else 0.0
    if not coherent:
        return
    for a in range(levels):
        for b in range(a + 1, levels):
            total = 0j
            rate = 0j
            for k in range(count):
                r_a, r_b = response[a, k], response[b, k]
                off = r_a - r_b
                apart = photons_per * (off.real * off.real + off.imag * off.imag)
                overlap = r_a.real * r_b.real + r_a.imag * r_b.imag
                earlier = rate
                stark = photons_per * (pull[a, k] - pull[b, k]) * overlap
                rate = complex(-half_kappa * apart, -stark)
                if k:
                    total += 0.5 * stride * (rate + earlier)
                exponent[a, b, k] = total - 0.5 * apart
                exponent[b, a, k] = exponent[a, b, k].conjugate()


def photons_per_response(kappa_coupling_hz: float, frequency_hz: float) -> float:
    """Return the photon number that belongs to |r|**2 = 1 W ns**2."""
    return np.pi * kappa_coupling_hz * 1e-18 / (PLANCK_J_S * frequency_hz)
