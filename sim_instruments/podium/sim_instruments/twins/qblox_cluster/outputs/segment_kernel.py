"""From a sequencer's events to stretches of signal: the hot loops."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

KEY_COLUMNS = 10
"""wave0, into0, wave1, into1, gain0, gain1, offset0, offset1, frequency, duration."""

PHASE_TURN = 1_000_000_000
"""One turn in the NCO's unit of 1e-9 turns."""
_STEPS_PER_HZ = 4
_PLAY = 1  # EventKind.PLAY, a plain number for the compiler


@njit(cache=True, nogil=True)
def advance_phase(phase: int, frequency: int, duration_ns: int) -> int:
    """Return ``phase`` (1e-9 turns) after ``duration_ns`` at ``frequency`` (0.25 Hz), wrapped.

    Exact but for the last 1e-9 turn, which is floored. The product fits 64 bit since whole
    multiples of 4 s are whole turns.
    """
    steps = frequency * (duration_ns % (_STEPS_PER_HZ * PHASE_TURN))
    return (phase + steps // _STEPS_PER_HZ) % PHASE_TURN


@njit(cache=True, nogil=True)
def fill_turns(time_ns: NDArray[np.int64], hz: int, out: NDArray[np.float64]) -> None:
    """Fill ``out`` with the phase of an oscillator, in turns, that was 0 at time 0.

    Whole numbers throughout, so that it holds to 1e-9 turns however long the run is.
    """
    for k in range(time_ns.size):
        out[k] = np.float64(time_ns[k] % PHASE_TURN * hz % PHASE_TURN) * 1e-9


@njit(cache=True, nogil=True)
def segments(
    time_ns: NDArray[np.int64],
    kind: NDArray[np.int8],
    wave0: NDArray[np.int32],
    wave1: NDArray[np.int32],
    gain0: NDArray[np.int32],
    gain1: NDArray[np.int32],
    offs0: NDArray[np.int32],
    offs1: NDArray[np.int32],
    frequency: NDArray[np.int32],
    phase: NDArray[np.int64],
    end_ns: int,
    wave_lengths: NDArray[np.int64],
    modulated: bool,
    switch_ns: NDArray[np.int64],
    switch_on: NDArray[np.bool_],
    row: int,
    until: int,
    final: bool,
    size: int,
    state: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Cut what one sequencer puts out into stretches during which nothing but time changes.

    The first ten arguments are the columns of a trace; ``wave_lengths`` holds the samples
    of each waveform index; the output's switch is as ``switch_on[k]`` says from
    ``switch_ns[k]`` on (ascending, off before the first). Rows from ``row`` up to ``until`` are
    gone through, and to ``end_ns`` if ``final``; else one row more is there to be looked at, and
    ``state`` says how to go on. ``size``: room for so many stretches.

    Returns start (ns, shape (m,)), phase of the NCO there (1e-9 turns, (m,)), and the
    key of each stretch, shape (m, 10), see :data:`KEY_COLUMNS`: waveform index (-1 none)
    and how far into it the stretch begins, for both paths; then gains, offsets, frequency
    and duration. Silent stretches are left out, and silence at the end of a stretch is
    cut off, so that equal pulses have equal keys whatever follows them.
    """
    rows = len(time_ns)
    switches = len(switch_ns)
    start = np.empty(size, np.int64)
    start_phase = np.empty(size, np.int64)
    keys = np.empty((size, KEY_COLUMNS), np.int64)
    count = 0

    switch, on = state[0], state[1] != 0
    played0, played1, since0, since1 = state[2], state[3], state[4], state[5]
    # start of the stretch being built (-1: none), and what it began with
    open_ns, open_phase = state[6], state[7]
    w0, i0, w1, i1 = state[8], state[9], state[10], state[11]
    g0, g1, o0, o1, f = state[12], state[13], state[14], state[15], state[16]

    while row < until or (final and switch < switches):
        take_row = switch >= switches or (row < rows and time_ns[row] <= switch_ns[switch])
        now = time_ns[row] if take_row else switch_ns[switch]
        if now >= end_ns:
            break
        started = False
        if take_row:
            if kind[row] == _PLAY:
                if wave0[row] >= 0:
                    played0, since0, started = wave0[row], now, True
                if wave1[row] >= 0:
                    played1, since1, started = wave1[row], now, True
            row += 1
            # rows of one instant count as their last
            if row < rows and time_ns[row] == now:
                if open_ns >= 0 and started:
                    count = _close(
                        start, start_phase, keys, count, open_ns, open_phase, now,
                        w0, i0, w1, i1, g0, g1, o0, o1, f, wave_lengths,
                    )  # fmt: skip
                    open_ns = -1
                continue
        else:
            on = switch_on[switch]
            switch += 1
        if row == 0:
            continue
        here = row - 1
        last0 = wave_lengths[played0] if played0 >= 0 else 0
        last1 = wave_lengths[played1] if played1 >= 0 else 0
        n_w0, n_i0, n_g0 = _active(played0, now - since0, gain0[here], last0)
        n_w1, n_i1, n_g1 = _active(played1, now - since1, gain1[here], last1)
        n_o0, n_o1 = int(offs0[here]), int(offs1[here])
        # nothing is built of silence: what was open is over, and neither phase matters
        sounds = on and (n_w0 >= 0 or n_w1 >= 0 or n_o0 != 0 or n_o1 != 0)
        now_f, now_phase = 0, 0
        if sounds and modulated:
            now_f, now_phase = int(frequency[here]), int(phase[here])
            if now != time_ns[here]:
                now_phase = advance_phase(now_phase, now_f, now - time_ns[here])
        if open_ns >= 0:
            if sounds and not started:
                dt = now - open_ns
                last0 = wave_lengths[w0] if w0 >= 0 else 0
                last1 = wave_lengths[w1] if w1 >= 0 else 0
                e_w0, e_i0, e_g0 = _active(w0, i0 + dt, g0, last0)
                e_w1, e_i1, e_g1 = _active(w1, i1 + dt, g1, last1)
                if (
                    n_w0 == e_w0 and n_i0 == e_i0 and n_g0 == e_g0
                    and n_w1 == e_w1 and n_i1 == e_i1 and n_g1 == e_g1
                    and n_o0 == o0 and n_o1 == o1 and now_f == f
                ):  # fmt: skip
                    slip = (now_phase - advance_phase(open_phase, f, dt)) % PHASE_TURN
                    if slip <= 2 or slip >= PHASE_TURN - 2:
                        continue
            count = _close(
                start, start_phase, keys, count, open_ns, open_phase, now,
                w0, i0, w1, i1, g0, g1, o0, o1, f, wave_lengths,
            )  # fmt: skip
            open_ns = -1
        if sounds:
            open_ns = now
            open_phase = now_phase
            w0, i0, g0 = n_w0, n_i0, n_g0
            w1, i1, g1 = n_w1, n_i1, n_g1
            o0, o1, f = n_o0, n_o1, now_f
    if open_ns >= 0 and final:
        count = _close(
            start, start_phase, keys, count, open_ns, open_phase, end_ns,
            w0, i0, w1, i1, g0, g1, o0, o1, f, wave_lengths,
        )  # fmt: skip
    state[0], state[1] = switch, on
    state[2], state[3], state[4], state[5] = played0, played1, since0, since1
    state[6], state[7] = open_ns, open_phase
    state[8], state[9], state[10], state[11] = w0, i0, w1, i1
    state[12], state[13], state[14], state[15], state[16] = g0, g1, o0, o1, f
    return start[:count], start_phase[:count], keys[:count]


@njit(cache=True, nogil=True, inline="always")
def _active(wave: int, into: int, gain: int, length: int) -> tuple[int, int, int]:
    """Return (wave, into, gain), or nothing when the waveform is over or its gain is zero.

    ``length``: of the waveform. An array as an argument would cost more than the rest.
    """
    if wave < 0 or gain == 0 or into >= length:
        return -1, 0, 0
    return int(wave), int(into), int(gain)


@njit(cache=True, nogil=True, inline="always")
def _close(
    start: NDArray[np.int64],
    start_phase: NDArray[np.int64],
    keys: NDArray[np.int64],
    count: int,
    open_ns: int,
    open_phase: int,
    now: int,
    w0: int, i0: int, w1: int, i1: int, g0: int, g1: int, o0: int, o1: int, f: int,
    wave_lengths: NDArray[np.int64],
) -> int:  # fmt: skip
    """Write the stretch from ``open_ns`` to ``now`` down unless it is silent."""
    duration = now - open_ns
    if o0 == 0 and o1 == 0:
        longest = 0
        if w0 >= 0:
            longest = wave_lengths[w0] - i0
        if w1 >= 0:
            longest = max(longest, wave_lengths[w1] - i1)
        duration = min(duration, longest)
    if duration <= 0:
        return count
    start[count] = open_ns
    start_phase[count] = open_phase
    row = keys[count]
    row[0], row[1], row[2], row[3] = w0, i0, w1, i1
    row[4], row[5], row[6], row[7] = g0, g1, o0, o1
    row[8], row[9] = f, duration
    return count + 1
