"""The filters of one output over a run: sample by sample where they move, by leaps elsewhere.

Exponentials and high-pass take eight samples at once, and correct them alike. Between two changes
of what comes in they are a recursion with a constant, which powers of one matrix carry over any
number of blocks; FIR and bounce together are taps. ASSUMED: what is too large is cut at the
converter alone, not between filters; a clearing pulse (``setPrecompClear``) clears nothing.

Filters are linear: what leaves is what would leave from rest and what is left of earlier, and where
the latter rounds no word otherwise equal stretches of a run leave alike.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.firmware_interfaces.zurich.precompensation import BLOCK
from podium.sim_instruments.execution.linear_recursion import (
    GROWTH,
    ROUNDED,
    STILL,
    carry,
    doubled,
)
from podium.sim_instruments.twins.zurich.signals.precompensation import Precompensation

WORD_MAX: Final = 32_767
WORD_MIN: Final = -32_768
"""Of a converter of 16 bits."""
LEAPS: Final = 40
"""Powers of two that are kept: leaps of up to 2**39 blocks."""
PAST_BLOCKS: Final = 64
"""So many blocks go through the taps until those before are forgotten."""
_STATES: Final = 4
"""Of an exponential: what it follows with in the last two blocks, and their means."""


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
        self._rest()

    def _rest(self) -> None:
        self._state = np.zeros(_STATES * len(self._follows) + 2)
        self._past = np.zeros(len(self._taps) + PAST_BLOCKS * BLOCK)
        self._place = np.array([0, len(self._taps), 0, 0], np.int64)
        """Block come to, samples in ``_past``, samples since a change, word that leaves."""
        self._level = np.zeros(2)
        """What comes in, and what left the exponentials and the high-pass last."""
        self._margin = np.array([0.5, 0.5])
        """By how much no word was rounded otherwise: of any, and of those of the first taps."""
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
            self._margin,
        )
        return times, words, bool(cut)

    def response(
        self, time: NDArray[np.int64], level: NDArray[np.float64], samples: int
    ) -> "Response":
        """Return what the same filters make of a stretch of whole blocks that meets them at rest.

        Arguments as of :meth:`advance`, from the first sample of the stretch on.
        """
        chain = copy(self)
        chain._rest()
        return Response(*chain.advance(time, level, samples), chain)

    def advance_over(self, kinds: NDArray[np.int64], responses: "Responses") -> int:
        """Go on over stretches that leave word for word as from rest; return how many those are.

        ``kinds``: of each of the stretches to come, which response is its; -1: none. What is left
        of earlier ones is a sum by itself, the filters being linear: it changes no word where it is
        less than what leaves from rest is away from being rounded otherwise. Where a leap ends may
        depend on it: words are as near as where a run is parted. Nothing passes a high-pass, which
        forgets nothing.
        """
        passed = pass_stretches(
            kinds,
            (responses.margin, responses.held, responses.blocks, responses.state),
            self._state,
            self.held,
            float(np.abs(self._taps).sum()),
            (self._gain, self._rate, self._powers),
        )
        if passed:
            last = responses.each[int(kinds[passed - 1])].after
            self._past[:], self._level[:] = last._past, last._level
            self._place[1:] = last._place[1:]
            self._place[0] += responses.blocks[kinds[:passed]].sum()
        return int(passed)

    @property
    def held(self) -> float:
        """Return the largest sample that the taps still see."""
        at = self._place[1]
        return float(np.abs(self._past[at - len(self._taps) : at]).max())

    @property
    def margin(self) -> NDArray[np.float64]:
        """Return by how much no word was rounded otherwise: of any, and of those of the first taps.

        -1 where the last word has not come back to 0.
        """
        return np.full(2, -1.0) if self._place[3] else self._margin

    @property
    def state(self) -> NDArray[np.float64]:
        """Return the states of exponentials, the sum of the high-pass, and what comes in."""
        return self._state


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """Words that leave filters at rest when a stretch of a run comes in, in samples from it."""

    time: NDArray[np.int64]
    words: NDArray[np.int64]
    """Of each change of what leaves the converter."""
    cut: bool
    after: FilterChain
    """The filters when the stretch is over."""


@dataclass(frozen=True, slots=True, eq=False)
class Responses:
    """Responses to several stretches, and of each by how much a word was not another one."""

    each: tuple[Response, ...]
    margin: NDArray[np.float64]
    """Shape (responses, 2)."""
    held: NDArray[np.float64]
    blocks: NDArray[np.int64]
    state: NDArray[np.float64]

    @classmethod
    def of(cls, each: Sequence[Response]) -> "Responses":
        """Return them with what :meth:`FilterChain.advance_over` looks at, an array of each."""
        after = [one.after for one in each]
        return cls(
            tuple(each),
            np.array([one.margin for one in after]),
            np.array([one.held for one in after]),
            np.array([one.known // BLOCK for one in after]),
            np.array([one.state for one in after]),
        )


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
    return doubled(one, LEAPS)


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
    margin: Any,
) -> Any:
    """Return changes of what leaves the filters (samples, words), and whether they were cut.

    ``level`` (n,) in words, from ``time`` (n,) on; ``powers``: see :func:`_powers`; the rest as
    :class:`FilterChain` keeps it.
    """
    length = len(taps)
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
        moves = GROWTH * _block(state, samples, out, follows, gain, rate)
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
            past[:length] = before
            at = length
            sums[0] = gathered * before
        else:
            if at + BLOCK > len(past):
                past[:length] = past[at - length : at].copy()
                at = length
            past[at : at + BLOCK] = out
            _through_taps(taps, used, past, at, sums)
            at += BLOCK
        if count + BLOCK > len(times):
            times = np.concatenate((times, np.empty(len(times), np.int64)))
            words = np.concatenate((words, np.empty(len(words), np.int64)))
        for n in range(1 if steady else BLOCK):
            word = int(np.rint(sums[n]))
            near = 0.5 - abs(sums[n] - word)
            margin[0] = min(margin[0], near)
            if begin < length:
                margin[1] = min(margin[1], near)
            if word > WORD_MAX or word < WORD_MIN:
                cut = True
                word = min(max(word, WORD_MIN), WORD_MAX)
            if word != last:
                times[count], words[count] = begin + n, word
                count += 1
                last = word
        state[len(state) - 1] = value
        carry(state, leap - 1, powers)
        block += leap
    place[0], place[1], place[2], place[3] = block, at, settled, last
    held[0], held[1] = value, before
    return times[:count], words[:count], cut


@njit(cache=True, nogil=True)
def _left_over(state: Any, gain: Any, rate: float) -> float:
    """Return what leaves exponentials and high-pass at most from now on, where nothing comes in.

    What an exponential follows with lies between its states and what comes in.
    """
    most = 0.0
    for j in range(len(gain)):
        follows = max(most, np.abs(state[_STATES * j : _STATES * (j + 1)]).max())
        most += abs(gain[j]) * (follows + most)
    return np.inf if rate else most


@njit(cache=True, nogil=True)
def pass_stretches(
    kinds: Any, responses: Any, state: Any, held: float, weight: float, chain: Any
) -> int:
    """Return how many stretches leave as they do from rest, and carry the state over them.

    ``responses``: of each kind of ``kinds``, its margins, the largest of its ``past``, its blocks
    and the states it ends with; ``held``: the largest sample behind the taps, whose sum is
    ``weight``; ``chain``: gains, rate and powers.
    """
    margins, pasts, blocks, ends = responses
    gain, rate, powers = chain
    for g in range(len(kinds)):
        kind, left = kinds[g], _left_over(state, gain, rate)
        any_word, first_words = margins[kind]
        if kind < 0 or weight * left + ROUNDED >= any_word:
            return g
        if weight * max(left, held) + ROUNDED >= first_words:
            return g
        carry(state, blocks[kind], powers)
        state += ends[kind]
        held = pasts[kind] + left
    return len(kinds)
