"""A run is cut into shots at dark moments of a feedline, and equal shots get one number.

A shot begins where the fields have rung down, no window is open and no qubit is driven. Two shots
are alike when the same pieces and windows come at the same times from their beginnings, with the
same phases against the first on each line. What a qubit meets before its first drive depends on the
shot before as well: a *step* is a pair of shots that follow each other. A run of half a million
shots seldom holds more than a few hundred steps, so that all but chance is worked out on a short
run that holds each of them once (:mod:`.short_run`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import (
    PHASE_STEP,
    EqualArrays,
    distinct,
    mixed,
)
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain
from podium.sim_instruments.physics.worker_threads import share_out

LEAST_SHOTS = 64
"""Runs of fewer shots are played event by event."""
WORTH_CUTTING = 4
"""A run is shortened where its short form holds at most one in so many of its shots."""
LONG_RUN = 100_000
"""Elements of trains whose shots are worth the way to other threads."""
ITEM, PHASE_PLACE = np.uint64(0x632BE59BD9B4E019), np.uint64(40)
"""An element's word is its time within the shot, with its phase above the first 40 bits (18 min),
and so often the first number as its piece says."""
FEW = 16
"""Elements of a train in a shot that are taken one by one: a view of them takes as long as ten."""
PASSES = 4
"""Beginnings of shots are moved behind what straddles them at most so many times."""


@dataclass(frozen=True, slots=True, eq=False)
class LineTrain:
    """One train of a run as far as shots go; times in those of the feedline's tones."""

    train: PulseTrain | CaptureTrain
    line: int
    """Trains of one line share a first phase."""
    later_ns: int
    """Added to its times."""
    busy_ns: int = 0
    """How long after the end of an element no shot begins."""
    leads: bool = False
    """Whether shots may be cut between its elements: it carries tones."""
    phased: bool = True
    """Whether its phases count."""

    @property
    def _item(self) -> NDArray[np.int32]:
        train = self.train
        return train.window if isinstance(train, CaptureTrain) else train.piece

    @property
    def item(self) -> NDArray[np.int32]:
        """Return the index of the piece or window of each element."""
        return self.item_of(self.train)

    @staticmethod
    def item_of(train: PulseTrain | CaptureTrain) -> NDArray[np.int32]:
        """Return the same of any train."""
        item = train.window if isinstance(train, CaptureTrain) else train.piece
        return np.require(item, np.int32, ["C", "W"])

    @property
    def start_ns(self) -> NDArray[np.int64]:
        """Return when each element begins, as compiled functions want it."""
        return np.require(self.train.start_ns, np.int64, ["C", "W"])

    @property
    def turns(self) -> NDArray[np.float64]:
        """Return the phase of each element, as compiled functions want it."""
        return np.require(self.train.phase_turns, np.float64, ["C", "W"])

    def told_by(self, phased: bool) -> object:
        """Return what is equal for trains that cut shots into the same kinds: arrays they share."""
        train = self.train
        phase = (self.line, id(train.phase_turns)) if phased else None
        return id(train.start_ns), self.later_ns, id(self._item), phase

    def sharing(self, arrays: EqualArrays) -> "LineTrain":
        """Return the train with arrays that others have as well, where they are equal."""
        train, item = self.train, self._item
        start_ns, turns = arrays.one_of(train.start_ns), arrays.one_of(train.phase_turns)
        shared = arrays.one_of(item)
        if start_ns is train.start_ns and turns is train.phase_turns and shared is item:
            return self
        if isinstance(train, CaptureTrain):
            capture = replace(train, start_ns=start_ns, phase_turns=turns, window=shared)
            return replace(self, train=capture)
        pulses = replace(train, start_ns=start_ns, phase_turns=turns, piece=shared)
        return replace(self, train=pulses)

    def ringing(self, busy_ns: int) -> "LineTrain":
        """Return the train with tones that ring down for another time."""
        return replace(self, busy_ns=busy_ns) if self.leads else self

    def lasts_ns(self) -> NDArray[np.int64]:
        """Return how long each piece or window keeps its line busy; -1: it is silent."""
        if isinstance(self.train, CaptureTrain):
            return np.array([window.duration_ns for window in self.train.windows], np.int64)
        return np.array(
            [
                piece.duration_ns + self.busy_ns
                if piece.duration_ns > 0 and (piece.level != 0 or bool(np.any(piece.samples)))
                else -1
                for piece in self.train.pieces
            ],
            np.int64,
        )


@dataclass(frozen=True, slots=True, eq=False)
class ShotKinds:
    """The shots of a run; N shots, C steps."""

    begin_ns: NDArray[np.int64]
    """Shape (N,): when each begins."""
    step: NDArray[np.int32]
    """Shape (N,): number of the pair (shot before, shot); the first shot has one of its own."""
    example: NDArray[np.int64]
    """Shape (C,): the first shot of each step."""


@njit(cache=True, nogil=True)
def _propose(start: Any, item: Any, lasts: Any, low: Any, high: Any) -> int:
    """Fill ``low`` and ``high`` with the pauses of one train; return how many there are."""
    count = 0
    end = np.int64(0)
    sounded = False
    for k in range(start.size):
        if lasts[item[k]] < 0:
            continue
        if sounded and start[k] >= end:
            low[count] = end
            high[count] = start[k]
            count += 1
        end = start[k] + lasts[item[k]]
        sounded = True
    return count


@njit(cache=True, nogil=True)
def _first_from(start: Any, low: int, before: int) -> int:
    """Return the first row from ``low`` on that begins at ``before`` or later.

    Steps are doubled until one is too far: the row is near, or among hundreds of one shot.
    """
    high, step = low, 1
    while high < start.size and start[high] < before:
        low = high + 1
        high += step
        step *= 2
    high = min(high, start.size)
    while low < high:
        middle = (low + high) // 2
        if start[middle] < before:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def _push(start: Any, item: Any, lasts: Any, later: int, low: Any) -> bool:
    """Move beginnings ``low``, ascending, behind what straddles them; say whether any was."""
    moved = False
    longest = max(0, lasts.max())
    reach = low[0] if low.size else 0
    k = 0
    for shot in range(low.size):
        # What began before an earlier beginning, and lasts no longer than to here, moves nothing.
        end = max(low[shot], reach)
        k = _first_from(start, k, end - later - longest)
        while k < start.size and start[k] + later < end:
            last = lasts[item[k]]
            if last >= 0:
                end = max(end, start[k] + later + last)
            k += 1
        reach = end
        moved |= end != low[shot]
        low[shot] = end
    return moved


@njit(cache=True, nogil=True)
def _fingerprint(
    start: Any,
    item: Any,
    turns: Any,
    phased: bool,
    salt: int,
    later: int,
    begin: Any,
    base: Any,
    total: Any,
    shots: Any,
) -> None:
    """Add a train's elements to the fingerprints ``total`` (N,) of shots that begin at ``begin``.

    To those from the first to before the second of ``shots``. ``base`` holds the first phase of the
    line in each of these, NaN: it has none yet.
    """
    salted = np.uint64(0x9E3779B97F4A7C15) * np.uint64(salt)
    low = _first_from(start, 0, begin[shots[0]] - later) if shots[0] else 0
    for shot in range(shots[0], shots[1]):
        high = start.size
        if shot + 1 < begin.size:
            high = _first_from(start, low, begin[shot + 1] - later)
        after = later - begin[shot]
        own = shot - shots[0]
        if phased and high > low and np.isnan(base[own]):
            base[own] = turns[low]
        if high - low < FEW:
            for k in range(low, high):
                word = np.uint64(start[k] + after) + salted
                if phased:
                    word += _phase_word(turns[k], base[own]) << PHASE_PLACE
                total[shot] += mixed(word + np.uint64(item[k]) * ITEM)
        elif phased:
            given = start[low:high], item[low:high], turns[low:high]
            total[shot] += _phased(*given, after, salted, base[own])
        else:
            total[shot] += _unphased(start[low:high], item[low:high], after, salted)
        low = high


@njit(cache=True, nogil=True)
def _phase_word(turns: float, base: float) -> Any:
    """Return a phase against ``base`` as a whole number of :data:`PHASE_STEP` within a turn."""
    steps = np.int64(round(1.0 / PHASE_STEP))
    relative = turns - base
    relative -= np.floor(relative)
    near = np.int64(relative * steps + 0.5)
    return np.uint64(near if near < steps else near - steps)


@njit(cache=True, nogil=True)
def _unphased(start: Any, item: Any, later: int, salted: Any) -> Any:
    """Return the sum of elements' words; without a branch, so that it goes many at a time."""
    found = np.uint64(0)
    for k in range(start.size):
        found += mixed(np.uint64(start[k] + later) + salted + np.uint64(item[k]) * ITEM)
    return found


@njit(cache=True, nogil=True)
def _phased(start: Any, item: Any, turns: Any, later: int, salted: Any, base: float) -> Any:
    """Return the same with phases against ``base``."""
    found = np.uint64(0)
    for k in range(start.size):
        here = np.uint64(start[k] + later) + salted + (_phase_word(turns[k], base) << PHASE_PLACE)
        found += mixed(here + np.uint64(item[k]) * ITEM)
    return found


@njit(cache=True, nogil=True)
def _add_lasting(begin: Any, total: Any) -> None:
    """Add how long each shot lasts, which tells when the next one's first drive comes."""
    for shot in range(begin.size - 1):
        total[shot] += mixed(np.uint64(begin[shot + 1] - begin[shot]))


def shot_kinds(trains: Sequence[LineTrain]) -> ShotKinds | None:
    """Cut a run into shots; None where it has few, or hardly two that are alike.

    They lie between the tones of the train that has the most.
    """
    tones = [one for one in trains if one.leads]
    if not tones:
        return None
    lead = max(tones, key=lambda one: one.train.start_ns.size)
    size = lead.train.start_ns.size
    if size < LEAST_SHOTS:
        return None
    lasts = [one.lasts_ns() for one in trains]
    straddling = _each_once(trains, lasts)
    low, high = np.empty(size, np.int64), np.empty(size, np.int64)
    count = _propose(lead.start_ns, lead.item, lead.lasts_ns(), low, high)
    low, high = low[:count], high[:count]
    for _ in range(PASSES):
        moved = False
        for one, last in straddling:
            moved |= bool(_push(one.start_ns, one.item, last, one.later_ns, low))
        if not moved:
            break
    else:
        return None
    begins = low[low <= high]
    if begins.size + 1 < LEAST_SHOTS:
        return None
    first = min(int(t.train.start_ns[0]) + t.later_ns for t in trains if t.train.start_ns.size)
    begin = np.append(min(first, int(begins[0])), begins)
    return _numbered(trains, begin)


def _each_once(
    trains: Sequence[LineTrain], lasts: Sequence[NDArray[np.int64]]
) -> list[tuple[LineTrain, NDArray[np.int64]]]:
    """Return the trains that play, one of those that keep the feedline busy at the same times."""
    found: dict[object, tuple[LineTrain, NDArray[np.int64]]] = {}
    for number, (one, last) in enumerate(zip(trains, lasts, strict=True)):
        if not one.train.start_ns.size:
            continue
        key: object = number
        if (last == last[0]).all():  # which of its elements plays when does not count
            key = id(one.train.start_ns), one.later_ns, int(last[0])
        found.setdefault(key, (one, last))
    return list(found.values())


def merged_kinds(
    trains: Sequence[LineTrain], kinds: ShotKinds, closed: NDArray[np.bool_]
) -> ShotKinds | None:
    """Return kinds of shots of which some are one with those that follow; None as above.

    ``closed`` (C,): by step, whether the next shot may begin behind it.
    """
    begin = kinds.begin_ns[np.append(True, closed[kinds.step[:-1]])]
    return _numbered(trains, begin) if begin.size >= LEAST_SHOTS else None


def _numbered(trains: Sequence[LineTrain], begin: NDArray[np.int64]) -> ShotKinds | None:
    total = np.zeros(begin.size, np.uint64)
    known: set[object] = set()
    each: list[tuple[LineTrain, bool, int]] = []
    for number, one in sorted(enumerate(trains), key=lambda pair: pair[1].line):
        if not one.train.start_ns.size:
            continue
        phased = one.phased and not isinstance(one.train, CaptureTrain)
        told = one.told_by(phased)
        if told in known:
            continue  # it adds nothing that tells two shots apart
        known.add(told)
        each.append((one, phased, number + 1))

    def add(share: slice) -> None:
        line, base = -1, np.zeros(0)
        for one, phased, salt in each:
            if one.line != line:
                line, base = one.line, np.full(share.stop - share.start, np.nan)
            given = one.start_ns, one.item, one.turns, phased, salt, one.later_ns
            _fingerprint(*given, begin, base, total, (share.start, share.stop))

    size = sum(one.train.start_ns.size for one, _, _ in each)
    share_out(add, begin.size, worth=size > LONG_RUN)
    _add_lasting(begin, total)
    kind, first = distinct(total.view(np.int64).reshape(-1, 1))
    if WORTH_CUTTING * first.size > begin.size:
        return None
    pair = kind.astype(np.int64)
    pair[1:] += first.size * (1 + kind[:-1].astype(np.int64))
    step, example = distinct(pair.reshape(-1, 1))
    if WORTH_CUTTING * 2 * example.size > begin.size:
        return None
    return ShotKinds(begin, step, example)
