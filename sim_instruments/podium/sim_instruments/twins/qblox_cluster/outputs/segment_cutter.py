"""From a sequencer's events to stretches of signal, of which equal ones are found.

A trace may come in parts, and a long one is cut in parts: a stretch goes on from one to the next,
and no key is kept twice. Of a part that comes again and again a few passes are gone through.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import distinct
from podium.sim_instruments.twins.qblox_cluster.outputs.segment_kernel import (
    KEY_COLUMNS,
    PHASE_TURN,
    segments,
)
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    PASSES,
    RealTimeTrace,
    RepeatedTrace,
)

ROWS_AT_A_TIME = 1 << 15
_NOTHING_YET = np.array([0, 0, -1, -1, 0, 0, -1, 0, -1, 0, -1, 0, 0, 0, 0, 0, 0], np.int64)
"""See the end of :func:`segments`."""


_Words = NDArray[np.int32]
_Columns = tuple[
    NDArray[np.int64],
    NDArray[np.int8],
    _Words,
    _Words,
    _Words,
    _Words,
    _Words,
    _Words,
    _Words,
    NDArray[np.int64],
]
"""Of a trace, in the order in which :func:`segments` takes them."""
_Segments = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]
"""Start, phase and number of some segments."""


class SegmentCutter:
    """Cuts what one sequencer puts out on one line into segments; see :func:`segments`."""

    def __init__(
        self,
        wave_lengths: NDArray[np.int64],
        modulated: bool,
        switch_ns: NDArray[np.int64],
        switch_on: NDArray[np.bool_],
    ) -> None:
        self._rules = wave_lengths, modulated, switch_ns, switch_on
        self._state = _NOTHING_YET.copy()
        self._numbers: dict[bytes, int] = {}
        self._keys: list[NDArray[np.int64]] = []
        self._found: list[_Segments] = []
        self._waiting: _Columns | None = None
        """Rows of which the last is gone through once it is known what follows it."""
        self._first, self._end_ns = 0, 0
        """The first of them that was not, and when the trace ends."""

    def segments(
        self, traces: Iterable[RealTimeTrace | RepeatedTrace]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
        """Return start, phase and number of each segment, (m,), and the key of each number.

        ``traces``: the parts of one, in their order.
        """
        for trace in traces:
            if isinstance(trace, RepeatedTrace):
                self._repeat(trace)
            elif len(trace):
                self._take(_columns(trace), trace.end_ns)
        if self._waiting is not None:
            self._cut(self._waiting, self._first, len(self._waiting[0]), self._end_ns, final=True)
        if not self._found:
            none = np.zeros(0, np.int64)
            return none, none, none.astype(np.int32), np.zeros((0, KEY_COLUMNS), np.int64)
        return *_joined(self._found), np.array(self._keys, np.int64)

    def _take(self, columns: _Columns, end_ns: int) -> None:
        """Go through the rows that wait; these wait from now on."""
        self._end_ns = end_ns
        if self._waiting is not None:
            last = len(self._waiting[0]) - 1
            self._cut(self._waiting, self._first, last, end_ns)
            # the last row has not been gone through; the one before it may be looked at
            keep = max(last - 1, 0)
            rest: Sequence[NDArray[np.signedinteger]] = self._waiting
            more: Sequence[NDArray[np.signedinteger]] = columns
            both = zip(rest, more, strict=True)
            joined = (np.concatenate([old[keep:], new]) for old, new in both)
            columns = cast(_Columns, tuple(joined))
            self._first = last - keep
        self._waiting = columns

    def _repeat(self, trace: RepeatedTrace) -> None:
        """Go through the passes that are written out, and through the others if they are alike.

        Of those the last is looked at: rows behind it may be of its last instant.
        """
        self._take(_columns(trace.begin), trace.end_ns)
        columns = self._waiting
        assert columns is not None
        each = len(trace) // PASSES
        begin = len(columns[0]) - len(trace)
        ends: list[_PassEnd] = []
        for until in range(begin + each, len(columns[0]), each):
            already = len(self._found)
            self._cut(columns, self._first, until, trace.end_ns)
            self._first = until
            ends.append(_PassEnd(int(columns[0][until]), self._state.copy(), self._found[already:]))
        more = trace.times - PASSES
        again = self._again(trace, *ends[-2:])
        if again is None:
            step = max(ROWS_AT_A_TIME // each, 1)
            for first in range(0, more, step):
                ahead = np.arange(first + 1, min(first + step, more) + 1)
                self._take(_later(columns, each, ahead, trace), trace.end_ns)
            return
        self._found += again
        self._state = ends[-1].moved(ends[-2], trace.step_ns, more)
        self._waiting = _later(columns, each + 1, np.array([more]), trace)
        self._first = 1

    def _again(
        self, trace: RepeatedTrace, before: "_PassEnd", last: "_PassEnd"
    ) -> list[_Segments] | None:
        """Return the segments of the passes behind two that were gone through; None: they differ.

        They do where what a pass finds is not what the one before found, a step later.
        """
        lengths, _, switch_ns, _ = self._rules
        more, switch = trace.times - PASSES, int(last.state[0])
        if (
            switch < switch_ns.size
            and switch_ns[switch] <= last.time_ns + (more + 1) * trace.step_ns
        ):
            return None
        if before.standing(lengths) != last.standing(lengths):
            return None
        if not last.found and not before.found:
            return []
        if not last.found or not before.found:
            return None
        (start0, phase0, number0), (start, phase, number) = map(_joined, (before.found, last.found))
        if not np.array_equal(number0, number) or np.any(start - start0 != trace.step_ns):
            return None
        passes = np.arange(1, more + 1)[:, None]
        turned = (phase + passes * ((phase - phase0) % PHASE_TURN)) % PHASE_TURN
        starts = start + passes * trace.step_ns
        return [(starts.ravel(), turned.ravel(), np.tile(number, more))]

    def _cut(
        self,
        columns: _Columns,
        first: int,
        last: int,
        end_ns: int,
        *,
        final: bool = False,
    ) -> None:
        """Go through rows from ``first`` up to ``last``; ``final``: and to the end."""
        lengths, modulated, switch_ns, switch_on = self._rules
        while first < last or final:
            until = min(first + ROWS_AT_A_TIME, last)
            over = final and until == last
            start, phase, keys = segments(
                *columns,
                end_ns,
                lengths,
                modulated,
                switch_ns,
                switch_on,
                first,
                until,
                over,
                self._room(columns[0], first, until, over),
                self._state,
            )
            number, example = distinct(keys)
            own = np.array([self._number(keys[row]) for row in example], np.int32)
            if start.size:
                self._found.append((start.copy(), phase.copy(), own[number]))
            if over:
                return
            first = until

    def _room(self, time_ns: NDArray[np.signedinteger], first: int, until: int, over: bool) -> int:
        """Return how many segments may end at these rows, and at what a switch does by then."""
        switch_ns = self._rules[2]
        by = switch_ns.size if over else int(np.searchsorted(switch_ns, time_ns[until - 1]))
        return until - first + max(by - int(self._state[0]), 0) + 2

    def _number(self, key: NDArray[np.int64]) -> int:
        number = self._numbers.setdefault(key.tobytes(), len(self._keys))
        if number == len(self._keys):
            self._keys.append(key.copy())
        return number


@dataclass(frozen=True, slots=True, eq=False)
class _PassEnd:
    """A cut at the end of a pass, before the first row of the next."""

    time_ns: int
    """Of that row."""
    state: NDArray[np.int64]
    found: Sequence[_Segments]
    """In this pass."""

    def standing(self, lengths: NDArray[np.int64]) -> list[int]:
        """Return what decides how the cut goes on, times counted from here, but for a phase."""
        stands = self.state.copy()
        for played, since in ((2, 4), (3, 5)):
            wave, into = int(stands[played]), self.time_ns - int(stands[since])
            sounds = wave >= 0 and into < lengths[wave]
            stands[played], stands[since] = (wave, into) if sounds else (-1, 0)
        stands[6] = self.time_ns - stands[6] if stands[6] >= 0 else -1
        stands[7] = 0
        return [int(one) for one in stands]

    def moved(self, before: "_PassEnd", step_ns: int, passes: int) -> NDArray[np.int64]:
        """Return the state after so many passes more, like this one and the one before."""
        state = self.state.copy()
        state[4:6] += passes * step_ns
        if state[6] >= 0:
            state[6] += passes * step_ns
            state[7] = (state[7] + passes * (state[7] - before.state[7])) % PHASE_TURN
        return state


def _joined(found: Sequence[_Segments]) -> _Segments:
    start, phase, number = (np.concatenate(one) for one in zip(*found, strict=True))
    return start, phase, number


def _later(
    columns: _Columns, rows: int, passes: NDArray[np.int64], trace: RepeatedTrace
) -> _Columns:
    """Return the last rows once for each number of passes, so many passes later."""
    time, *others, phase = (column[len(column) - rows :] for column in columns)
    ahead = passes[:, None]
    repeated = [np.tile(column, passes.size) for column in others]
    turned = (phase + ahead * trace.phase) % PHASE_TURN
    return cast(_Columns, ((time + ahead * trace.step_ns).ravel(), *repeated, turned.ravel()))


def _columns(trace: RealTimeTrace) -> _Columns:
    return (
        trace.time_ns,
        trace.kind,
        trace.wave0,
        trace.wave1,
        trace.gain0,
        trace.gain1,
        trace.offs0,
        trace.offs1,
        trace.nco_freq,
        trace.nco_phase,
    )
