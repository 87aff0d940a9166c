"""The filters between an HDAWG's sequencer and the converter of one output.

In this order (HDAWG user manual, "Precompensation Tab"): exponentials, high-pass, bounce, FIR.
What they are is in :mod:`podium.firmware_interfaces.zurich.precompensation`; the vendor's own
simulation judges them (``tests/referees/test_zurich_precompensation.py``).

Exponentials and high-pass take eight samples at once, and correct them alike. Between two changes
of what comes in they are a recursion with a constant, which powers of one matrix carry over any
number of blocks; FIR and bounce together are taps. ASSUMED: what is too large is cut at the
converter alone, not between filters; a clearing pulse (``setPrecompClear``) clears nothing.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.firmware_interfaces.zurich.precompensation import (
    BLOCK,
    BOUNCE_SAMPLES_MAX,
    EXPONENTIALS,
    ExponentialFilter,
    exponential_filter,
    high_pass_rate,
    latency_samples,
    rounded_taps,
)
from podium.sim_instruments.twins.zurich.nodes.node_settings import Setting, number, vector

WORD_MAX: Final = 32_767
WORD_MIN: Final = -32_768
"""Of a converter of 16 bits."""
LEAPS: Final = 40
"""Powers of two that are kept: leaps of up to 2**39 blocks."""
STILL: Final = 0.125
"""A leap is so long that the output moves by no more than this, in steps of the converter."""
_GROWTH: Final = 4.0
"""Bound on what later stages make of a change."""
PAST_BLOCKS: Final = 64
"""So many blocks go through the taps until those before are forgotten."""
_STATES: Final = 4
"""Of an exponential: what it follows with in the last two blocks, and their means."""


@dataclass(frozen=True, slots=True)
class Precompensation:
    """The filters of one output that are enabled."""

    exponentials: tuple[ExponentialFilter, ...] = ()
    high_pass: float = 0.0
    """Rate of the high-pass compensation; 0: not enabled."""
    taps: tuple[float, ...] = (1.0,)
    """Of bounce and FIR together, in samples."""
    latency: int = 0
    """Samples."""
    last: str = "exponentials/0"
    """The last of them, below ``precompensation``: what the converter cuts is its overflow."""


def precompensation_of(setting: Setting, output: str, rate_hz: float) -> Precompensation | None:
    """Return the filters of ``sigouts/N`` as its nodes are; None: they are bypassed."""
    at = f"{output}/precompensation"
    try:
        enabled = number(setting, f"{at}/enable")
    except KeyError:  # the option PC is not fitted
        return None
    if not enabled:
        return None
    used = [
        exponential_filter(
            number(setting, f"{at}/exponentials/{k}/timeconstant"),
            number(setting, f"{at}/exponentials/{k}/amplitude"),
            rate_hz,
        )
        for k in range(EXPONENTIALS)
        if number(setting, f"{at}/exponentials/{k}/enable")
    ]
    fades, bounces, fir = (
        bool(number(setting, f"{at}/{part}/enable")) for part in ("highpass/0", "bounces/0", "fir")
    )
    rate = 0.0
    if fades:
        rate = high_pass_rate(number(setting, f"{at}/highpass/0/timeconstant"), rate_hz)
    taps = np.array([1.0])
    if bounces:
        delay = round(number(setting, f"{at}/bounces/0/delay") * rate_hz)
        taps = np.zeros(min(delay, BOUNCE_SAMPLES_MAX) + 1)
        taps[0] = 1.0
        taps[-1] += number(setting, f"{at}/bounces/0/amplitude")
    if fir:
        node = f"{at}/fir/coefficients"
        taps = np.convolve(taps, rounded_taps(tuple(vector(setting(node), node).tolist())))
    last = np.flatnonzero(taps)
    kept = taps[: int(last[-1]) + 1] if len(last) else np.zeros(1)
    latency = latency_samples(len(used), high_pass=fades, bounce=bounces, fir=fir)
    end = "fir" if fir else "bounces/0" if bounces else "highpass/0" if fades else "exponentials/0"
    return Precompensation(tuple(used), rate, tuple(kept.tolist()), latency, end)


class FilterChain:
    """The filters of one output on their way through a run: they take what comes in part by part.

    They are at rest at the start, with 0 coming in. Their delay is not in what they return.
    """

    def __init__(self, filters: Precompensation) -> None:
        self._follows = np.array([one.follows for one in filters.exponentials], np.float64)
        self._gain = np.array([one.gain for one in filters.exponentials], np.float64)
        self._rate = filters.high_pass
        self._taps = np.array(filters.taps, np.float64)
        self._powers = _powers(self._follows, self._gain, self._rate)
        self._state = np.zeros(_STATES * len(self._follows) + 2)
        self._past = np.zeros(len(self._taps) + PAST_BLOCKS * BLOCK)
        self._place = np.array([0, len(self._taps), 0, 0], np.int64)
        """Block come to, samples in ``_past``, samples since a change, word that leaves."""
        self._level = np.zeros(2)
        """What comes in, and what left the exponentials and the high-pass last."""
        self._time: NDArray[np.int64] = np.zeros(0, np.int64)
        self._levels: NDArray[np.float64] = np.zeros(0)
        """What comes in later than the last block that was taken."""

    @property
    def known(self) -> int:
        """Return the sample before which all that leaves has been returned."""
        return int(self._place[0]) * BLOCK

    def advance(
        self, time: NDArray[np.int64], level: NDArray[np.float64], end: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], bool]:
        """Go on to the block that begins at ``end`` or follows it.

        Return what leaves the converter: (samples, words) of each change, and whether any was cut.
        ``level[k]`` (full scale 1) comes in from sample ``time[k]`` on (ascending, none before what
        was given last), and what comes in then holds in the next part, too.
        """
        time = np.concatenate([self._time, time])
        level = np.concatenate([self._levels, level])
        blocks = (end + BLOCK - 1) // BLOCK
        later = int(np.searchsorted(time, blocks * BLOCK))
        self._time, self._levels = time[later:], level[later:]
        times, words, cut = walk_blocks(
            time[:later],
            level[:later] * WORD_MAX,
            blocks,
            self._taps,
            self._follows,
            self._gain,
            self._rate,
            self._powers,
            self._state,
            self._past,
            self._place,
            self._level,
        )
        return times, words, bool(cut)


def _powers(
    follows: NDArray[np.float64], gain: NDArray[np.float64], rate: float
) -> NDArray[np.float64]:
    """Return the matrices that carry (states, sum, input) over 1, 2, 4 ... blocks."""
    size = _STATES * len(follows) + 2
    one = np.zeros((size, size))
    for column in range(size):
        state = np.zeros(size)
        state[column] = 1.0
        _block(state, np.full(BLOCK, state[-1]), np.zeros(BLOCK), follows, gain, rate)
        one[:, column] = state
    powers = [one]
    for _ in range(LEAPS - 1):
        powers.append(powers[-1] @ powers[-1])
    return np.array(powers)


@njit(cache=True, nogil=True)
def _block(state: Any, samples: Any, out: Any, follows: Any, gain: Any, rate: Any) -> Any:
    """Take one block through exponentials and high-pass; return how far the next may move."""
    moves = 0.0
    stages = len(follows)
    for n in range(BLOCK):
        out[n] = samples[n]
    for j in range(stages):
        at = _STATES * j
        mean = 0.0
        for n in range(BLOCK):
            mean += out[n]
        mean /= BLOCK
        step = follows[j] * ((state[at + 2] + state[at + 3]) / 2 - state[at + 1])
        fresh = state[at + 1] + step
        moves += abs(gain[j]) * (
            abs(fresh - state[at]) + follows[j] * abs(mean - fresh) + abs(mean - state[at + 2])
        )
        state[at + 1], state[at] = state[at], fresh
        state[at + 3], state[at + 2] = state[at + 2], mean
        for n in range(BLOCK):
            out[n] += gain[j] * (fresh - out[n])
    total = state[_STATES * stages]
    for n in range(BLOCK):
        total += out[n]
    moves += 2 * BLOCK * rate * abs(out[BLOCK - 1])
    state[_STATES * stages] = total
    for n in range(BLOCK):
        out[n] += rate * (2 * total - out[n])
    return moves


@njit(cache=True, nogil=True)
def _through_taps(taps: Any, used: Any, past: Any, at: int, sums: Any) -> None:
    """Fill in what leaves the taps for a block of ``past`` that begins at ``at``.

    Sums stay in the processor's registers: one by one, so that they are added side by side.
    """
    a = b = c = d = e = f = g = h = 0.0
    for tap in used:
        weight, k = taps[tap], np.uintp(at - tap)  # unsigned: no index counts from the end
        a += weight * past[k]
        b += weight * past[k + np.uintp(1)]
        c += weight * past[k + np.uintp(2)]
        d += weight * past[k + np.uintp(3)]
        e += weight * past[k + np.uintp(4)]
        f += weight * past[k + np.uintp(5)]
        g += weight * past[k + np.uintp(6)]
        h += weight * past[k + np.uintp(7)]
    sums[0], sums[1], sums[2], sums[3] = a, b, c, d
    sums[4], sums[5], sums[6], sums[7] = e, f, g, h


@njit(cache=True, nogil=True)
def walk_blocks(
    time: Any,
    level: Any,
    blocks: int,
    taps: Any,
    follows: Any,
    gain: Any,
    rate: float,
    powers: Any,
    state: Any,
    past: Any,
    place: Any,
    held: Any,
) -> Any:
    """Return changes of what leaves the filters (samples, words), and whether they were cut.

    ``level`` (n,) in words, from ``time`` (n,) on; ``powers``: see :func:`_powers`; the rest as
    :class:`FilterChain` keeps it.
    """
    stages, length = len(follows), len(taps)
    size = _STATES * stages + 2
    fresh = np.zeros(size)
    samples, out = np.zeros(BLOCK), np.zeros(BLOCK)
    gathered = taps.sum()
    used = np.flatnonzero(taps)
    sums = np.empty(BLOCK)
    block, at, settled, last = place[0], place[1], place[2], place[3]
    value, before = held[0], held[1]
    times, words = np.empty(1024, np.int64), np.empty(1024, np.int64)
    count, cut, following = 0, False, 0
    while block < blocks:
        begin = block * BLOCK
        changes = False
        for n in range(BLOCK):
            while following < len(time) and time[following] <= begin + n:
                changes = changes or level[following] != value
                value = level[following]
                following += 1
            samples[n] = value
        moves = _GROWTH * _block(state, samples, out, follows, gain, rate)
        even = out[0] == out[BLOCK - 1] and abs(out[0] - before) < STILL
        settled = settled + BLOCK if even and not changes else 0
        steady = settled > length + BLOCK  # what came lately differs by a part of a step
        before = out[BLOCK - 1]
        leap = 1
        if steady:
            upto = time[following] // BLOCK if following < len(time) else blocks
            left = upto - block - 1
            if left > 0 and moves * left < STILL:
                leap = left + 1
            elif moves < STILL / 2:
                while 2 * leap * moves < STILL and 2 * leap <= left:
                    leap *= 2
                leap = min(leap, left) + 1 if left > 0 else 1
        first = begin
        if steady:
            total = gathered * out[BLOCK - 1]
            word = int(np.rint(total))
            if word > WORD_MAX or word < WORD_MIN:
                cut = True
                word = min(max(word, WORD_MIN), WORD_MAX)
            past[:length] = out[BLOCK - 1]
            at = length
            if word != last:
                if count == len(times):
                    times = np.concatenate((times, np.empty(count, np.int64)))
                    words = np.concatenate((words, np.empty(count, np.int64)))
                times[count], words[count] = first, word
                count += 1
                last = word
        else:
            if at + BLOCK > len(past):
                past[:length] = past[at - length : at].copy()
                at = length
            past[at : at + BLOCK] = out
            _through_taps(taps, used, past, at, sums)
            at += BLOCK
            for n in range(BLOCK):
                total = sums[n]
                word = int(np.rint(total))
                if word > WORD_MAX or word < WORD_MIN:
                    cut = True
                    word = min(max(word, WORD_MIN), WORD_MAX)
                if word != last:
                    if count == len(times):
                        times = np.concatenate((times, np.empty(count, np.int64)))
                        words = np.concatenate((words, np.empty(count, np.int64)))
                    times[count], words[count] = first + n, word
                    count += 1
                    last = word
        state[size - 1] = value
        rest, power = leap - 1, 0
        while rest:
            if rest & 1:
                for row in range(size - 1):
                    total = 0.0
                    for column in range(size):
                        total += powers[power, row, column] * state[column]
                    fresh[row] = total
                for row in range(size - 1):
                    state[row] = fresh[row]
            rest >>= 1
            power += 1
        block += leap
    place[0], place[1], place[2], place[3] = block, at, settled, last
    held[0], held[1] = value, before
    return times[:count], words[:count], cut


@njit(cache=True, nogil=True)
def each_ns(time: Any, words: Any, before: int) -> Any:
    """Return changes of words, in samples of 2 GSa/s, as nanoseconds and twice their means.

    A nanosecond has two samples, whose mean is sent; the last word holds on. ``before``: the word
    before the first change.
    """
    count = len(time)
    ns, doubled = np.empty(2 * count, np.int64), np.empty(2 * count, np.int64)
    found, k = 0, 0
    while k < count:
        now = time[k] >> 1
        first = before
        if time[k] & 1 == 0:
            first = words[k]
            k += 1
        second = first
        if k < count and time[k] >> 1 == now:
            second = words[k]
            k += 1
        ns[found], doubled[found] = now, first + second
        found += 1
        if first != second and (k == count or time[k] >> 1 > now + 1):
            ns[found], doubled[found] = now + 1, 2 * second
            found += 1
        before = second
    return ns[:found], doubled[:found]
