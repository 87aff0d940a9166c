"""One output's filters over a stream of steps: sample by sample where it moves, by leaps elsewhere.

Filters are linear and do not change in time, so their order is free: here the FIR comes first.
Then, between two steps of the input, all is a recursion with a constant, which powers of one
matrix carry over any number of samples. A part of a run leaves a few numbers to the next: filters
go on through a run of which the rest is not known yet.

What leaves is what would leave from rest and what is left of earlier: where the latter rounds no
word otherwise, equal stretches of a run leave alike.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster import limits
from podium.sim_instruments.execution.linear_recursion import (
    GROWTH,
    ROUNDED,
    STILL,
    carry,
    doubled,
)
from podium.sim_instruments.twins.qblox_cluster.outputs.predistortion import OutputShaping

LEAPS = 48
"""Powers of two that are kept: leaps of up to 2**47 samples."""


class FilterChain:
    """The filters of one output on their way through a run: they take what comes in part by part.

    Exponential filter: y = x + amp (s - x), where s follows x with its time constant
    (qblox-instruments 1.4.1, ``exponential_overshoot_correction``). ASSUMED: the inverse high-pass
    filter adds the running sum of its input over its time constant.
    """

    def __init__(self, shaping: OutputShaping) -> None:
        self._alpha = np.array([-np.expm1(-1 / tau) for tau, _ in shaping.exponentials], np.float64)
        self._gain = np.array([amp for _, amp in shaping.exponentials], np.float64)
        self._rate = 0.0 if shaping.high_pass_ns is None else 1 / shaping.high_pass_ns
        self._fir = np.array(shaping.fir, np.float64)
        self._powers = _powers(self._alpha, self._gain, self._rate)
        self._rest()

    def _rest(self) -> None:
        """Be as at the start of a run, with 0 coming in."""
        self._state = np.zeros(len(self._alpha) + 2)
        self._past = np.zeros(len(self._fir))
        self._place = np.array([0, 0, len(self._fir), 0], np.int64)
        """Time come to, place in ``_past``, samples since a change, word that leaves."""
        self._level = np.zeros(1)
        """What comes in."""
        self._margin = np.array([0.5])
        """By how much no word was rounded otherwise."""

    @property
    def known_ns(self) -> int:
        """Return until when all that leaves has been returned."""
        return int(self._place[0])

    def advance(
        self, time_ns: NDArray[np.int64], level: NDArray[np.float64], end_ns: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], bool]:
        """Go on to ``end_ns``; return what leaves the converter: (times, words) of each change.

        Also return whether any word overflowed. ``level[k]`` (in steps of the converter) comes in
        from ``time_ns[k]`` (ascending, not before the time come to) on; what comes in then holds in
        the next part, too. Words are within 5/8 of a step of what exact filters give, however a run
        is parted.
        """
        times, words, over = _walk(
            time_ns,
            level,
            end_ns,
            self._fir,
            self._alpha,
            self._gain,
            self._rate,
            self._powers,
            self._state,
            self._past,
            self._place,
            self._level,
            self._margin,
        )
        return times, words, bool(over)

    def response(
        self, time_ns: NDArray[np.int64], level: NDArray[np.float64], end_ns: int
    ) -> "Response":
        """Return what the same filters make of a stretch that meets them at rest.

        Arguments as of :meth:`advance`, from the first sample of the stretch on.
        """
        chain = copy(self)
        chain._rest()
        return Response(*chain.advance(time_ns, level, end_ns), chain)

    def advance_over(self, kinds: NDArray[np.int64], responses: Sequence["Response"]) -> int:
        """Go on over stretches that leave word for word as from rest; return how many those are.

        ``kinds``: of each of the stretches to come, which response is its; -1: none. What is left
        of earlier ones is a sum by itself, the filters being linear: it changes no word where it is
        less than what leaves from rest is away from being rounded otherwise. Where a leap ends may
        depend on it: words are as near as where a run is parted. Nothing passes a high-pass, which
        forgets nothing.
        """
        if not self.is_quiet or self._rate:
            return 0
        after = [one.after for one in responses]
        margin = np.array([one._margin[0] if one.is_quiet else -1.0 for one in after])
        lasts_ns = np.array([one.known_ns for one in after])
        ends = np.array([one._state for one in after])
        passed = pass_stretches(
            kinds, margin, lasts_ns, ends, self._state, self._gain, self._powers
        )
        self._place[0] += lasts_ns[kinds[:passed]].sum()
        return int(passed)

    @property
    def is_quiet(self) -> bool:
        """Tell whether nothing comes in, FIR and all, and nothing leaves."""
        return bool(
            self._place[2] >= len(self._fir)
            and not self._place[3]
            and not self._level[0]
            and not self._state[-1]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """Holds words that leave filters at rest when a stretch of a run comes in, in ns from it."""

    time_ns: NDArray[np.int64]
    words: NDArray[np.int64]
    """Of each change of what leaves the converter."""
    overflowed: bool
    after: FilterChain
    """The filters when the stretch is over."""


def _powers(
    alpha: NDArray[np.float64], gain: NDArray[np.float64], rate: float
) -> NDArray[np.float64]:
    """Return the matrices that carry (states, sum, input) over 1, 2, 4 ... samples."""
    stages = len(alpha)
    one = np.zeros((stages + 2, stages + 2))
    passed = np.zeros(stages + 2)
    passed[-1] = 1.0
    for j in range(stages):
        one[j] = alpha[j] * passed
        one[j, j] += 1 - alpha[j]
        passed = (1 - gain[j]) * passed + gain[j] * one[j]
    one[stages] = rate * passed
    one[stages, stages] += 1.0
    one[-1, -1] = 1.0
    return doubled(one, LEAPS)


@njit(cache=True, nogil=True)
def _walk(
    time_ns: NDArray[np.int64],
    level: NDArray[np.float64],
    end_ns: int,
    fir: NDArray[np.float64],
    alpha: NDArray[np.float64],
    gain: NDArray[np.float64],
    rate: float,
    powers: NDArray[np.float64],
    state: NDArray[np.float64],
    past: NDArray[np.float64],
    place: NDArray[np.int64],
    held: NDArray[np.float64],
    margin: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], bool]:
    stages, taps = len(alpha), len(fir)
    nearest = margin[0]
    now, at, since, last = place[0], place[1], place[2], place[3]
    value = held[0]
    times = np.empty(1024, np.int64)
    words = np.empty(1024, np.int64)
    fresh, rest, weight = np.empty(stages + 1), 1 - gain, np.abs(gain) * alpha
    passed, moves = state[stages + 1], 0.0
    for j in range(stages):
        moves += weight[j] * abs(passed - state[j])
        passed = rest[j] * passed + gain[j] * state[j]
    moves = GROWTH * moves + rate * abs(passed)
    power = 0
    count = 0
    over = False
    for i in range(-1, len(time_ns)):
        if i >= 0:
            if time_ns[i] >= end_ns:
                break
            value, since = level[i], 0
        stop = min(time_ns[i + 1], end_ns) if i + 1 < len(time_ns) else end_ns
        while now < stop:
            leap = 1
            if since < taps:
                past[at] = value
                total = 0.0
                for k in range(taps):
                    total += fir[k] * past[at - k]  # a negative index counts from the end
                at = (at + 1) % taps
                state[stages + 1] = total
                since += 1
            else:
                if moves * (stop - now) < STILL:
                    leap = stop - now
                elif moves < STILL / 2:
                    while power and ((moves * (1 << power) >= STILL) or (1 << power) > stop - now):
                        power -= 1  # from the last leap on, which was about as long
                    while moves * (2 << power) < STILL and (2 << power) <= stop - now:
                        power += 1
                    leap = 1 << power
            # One pass takes a sample, finds what leaves, and by how much that moves at most.
            if leap > 1 and leap == 1 << power:
                for row in range(stages + 1):  # as carry does: a call takes as long as this
                    total = 0.0
                    for column in range(stages + 2):
                        total += powers[power, row, column] * state[column]
                    fresh[row] = total
                for row in range(stages + 1):
                    state[row] = fresh[row]
            elif leap > 1:
                carry(state, leap, powers)
            passed, moves = state[stages + 1], 0.0
            for j in range(stages):
                if leap == 1:
                    state[j] += alpha[j] * (passed - state[j])
                moves += weight[j] * abs(passed - state[j])
                passed = rest[j] * passed + gain[j] * state[j]
            moves = GROWTH * moves + rate * abs(passed)
            if leap == 1:
                state[stages] += rate * passed
            now += leap
            out = passed + state[stages]
            word = int(np.rint(out))
            nearest = min(nearest, 0.5 - abs(out - word))
            if word > limits.DAC_MAX or word < limits.DAC_MIN:
                over = True
                word = min(max(word, limits.DAC_MIN), limits.DAC_MAX)
            if word != last:
                if count == len(times):
                    times = np.concatenate((times, np.empty(count, np.int64)))
                    words = np.concatenate((words, np.empty(count, np.int64)))
                times[count] = now - 1
                words[count] = word
                count += 1
                last = word
    place[0], place[1], place[2], place[3] = now, at, since, last
    held[0], margin[0] = value, nearest
    return times[:count], words[:count], over


@njit(cache=True, nogil=True)
def pass_stretches(
    kinds: Any, margin: Any, lasts_ns: Any, ends: Any, state: Any, gain: Any, powers: Any
) -> int:
    """Return how many stretches leave as they do from rest, and carry the state over them.

    Of each kind of ``kinds``: by how much no word was rounded otherwise, how long it is, and the
    states (kinds, S) it ends with. What an exponential follows with lies between its state and what
    comes in, which is no more than what the ones before it let pass.
    """
    for g in range(len(kinds)):
        kind, left = kinds[g], 0.0
        for j in range(len(gain)):
            follows = max(left, abs(state[j]))
            left = abs(1.0 - gain[j]) * left + abs(gain[j]) * follows
        if kind < 0 or left + ROUNDED >= margin[kind]:
            return g
        carry(state, lasts_ns[kind], powers)
        state += ends[kind]
    return len(kinds)
