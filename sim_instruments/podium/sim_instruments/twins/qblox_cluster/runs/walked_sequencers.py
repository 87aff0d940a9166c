"""Rows and triggers of a run's sequencers as they were walked, one halt after another.

Times are ns from the start of the run.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.execution.outcome_tree import OutcomeTree, Walked
from podium.sim_instruments.execution.walked_rows import gathered
from podium.sim_instruments.physics.signals import CaptureAnswer
from podium.sim_instruments.twins.qblox_cluster.inputs.input_stage import listening, measured
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    Ending,
    EventKind,
    RealTimeTrace,
)
from podium.sim_instruments.twins.qblox_cluster.runs.group_playback import THRESHOLD_TRIGGER_NS
from podium.sim_instruments.twins.qblox_cluster.runs.outcome_content import COLUMNS, row_columns
from podium.sim_instruments.twins.qblox_cluster.runs.outcome_ways import Done
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun
from podium.sim_instruments.twins.qblox_cluster.trigger_network import DEAD_NS

_ACQUIRES: Final = (EventKind.ACQUIRE, EventKind.ACQUIRE_WEIGHED)


class WalkedSequencers:
    """The rows of all sequencers, and the triggers that came."""

    def __init__(
        self, runs: Sequence[SequencerRun], tree: OutcomeTree, found: Walked, begin_ns: int
    ) -> None:
        """``begin_ns``: time 0 of the walk."""
        done = [found.begun, *found.done]
        self._done = [one for one in done if isinstance(one, Done)]
        if len(self._done) < len(done):
            raise TypeError("not done by this firmware")
        self._runs, self._tree = tuple(runs), tree
        self._found, self._begin_ns = found, begin_ns

    def triggers(self) -> NDArray[np.int64] | None:
        """Return times and addresses of all triggers that came, ascending, shape (2, n).

        Those of outcomes that were not decided are among them. None: one of these would have kept
        a decided one off the network.
        """
        known = [[(t.time_ns, t.address) for t in done.triggers] for done in self._done]
        decided = self._gathered(known)
        if not any(done.undecided for done in self._done):
            return decided
        pulses = [decided, *self._undecided()]
        both = np.concatenate(pulses, axis=1)
        both = both[:, np.argsort(both[0], kind="stable")]
        kept = _taken(both[0])
        if not np.isin(decided[0], both[0][kept]).all():
            return None
        return np.ascontiguousarray(both[:, kept])

    def _undecided(self) -> list[NDArray[np.int64]]:
        """Return the pulses of outcomes that were not decided, by sender; see :meth:`triggers`."""
        ends, senders = self._gathered([done.undecided for done in self._done])
        found: list[NDArray[np.int64]] = []
        for number in np.flatnonzero(np.bincount(senders)).tolist():
            ends_ns, above = self._measured(number)
            configuration = self._runs[number].configuration
            sent = np.isin(ends_ns, ends[senders == number]) & (above == configuration.trigger_on)
            times = ends_ns[sent] + THRESHOLD_TRIGGER_NS
            found.append(np.stack([times, np.full_like(times, configuration.trigger_address)]))
        return found

    def _measured(self, number: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return end and bit of each acquisition of a sequencer. Raises CannotBranch."""
        rows, times, phases = self._rows(number)
        words = self._words(number)
        picked = np.isin(words[COLUMNS.index("kind")], _ACQUIRES)[rows]
        columns: dict[str, Any] = dict(zip(COLUMNS, words[:, rows[picked]], strict=True))
        trace = RealTimeTrace(
            time_ns=times[picked],
            nco_phase=phases[picked],
            **columns,
            bin=np.zeros(int(picked.sum()), np.int32),
            end_ns=int(times[-1]),
            ending=Ending.STOPPED,
            flags=(),
            exit_code=0,
            instructions=0,
            log=(),
        )
        listened = listening(self._runs[number], trace)
        if listened is None:
            return np.zeros(0, np.int64), np.zeros(0, np.bool_)
        answers = [
            CaptureAnswer(
                self._tree.values(2 * number + path, train.start_ns - self._begin_ns), None
            )
            for path, train in enumerate(listened.trains)
        ]
        return listened.start_ns + listened.duration_ns, measured(listened, answers)[0]

    def did(self, number: int, trace: RealTimeTrace) -> bool:
        """Tell whether a sequencer did, row by row, what a trace has; bins are not compared."""
        rows, times, phases = self._rows(number)
        if len(rows) != len(trace) or not np.array_equal(times, trace.time_ns):
            return False
        if not np.array_equal(phases, trace.nco_phase):
            return False
        words = self._words(number)
        return all(
            _same(values, rows, column)
            for values, column in zip(words, row_columns(trace), strict=True)
        )

    def _rows(self, number: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return which of all rows a sequencer did, one after another; their times and phases."""
        rows64 = [done.rows64[number] for done in self._done]
        sizes = np.array([one.shape[1] for one in rows64], np.int64)
        rows, counts, at_ns = gathered(sizes, self._found, self._begin_ns)
        times, phases = np.concatenate(rows64, axis=1)
        return rows, times[rows] + np.repeat(at_ns, counts), phases[rows]

    def _words(self, number: int) -> NDArray[np.int32]:
        """Return :data:`COLUMNS` of all rows of a sequencer, shape (12, n)."""
        return np.concatenate([done.rows32[number] for done in self._done], axis=1)

    def _gathered(self, pairs: Sequence[Sequence[tuple[int, int]]]) -> NDArray[np.int64]:
        """Return a time and a number of what came on each edge, one after another, shape (2, n)."""
        sizes = np.array([len(one) for one in pairs], np.int64)
        rows, counts, at_ns = gathered(sizes, self._found, self._begin_ns)
        known = np.array([one for some in pairs for one in some], np.int64).reshape(-1, 2).T
        return np.stack([known[0][rows] + np.repeat(at_ns, counts), known[1][rows]])


def _taken(arrival_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which pulses the network takes, of arrivals in ascending order."""
    if not len(arrival_ns) or np.diff(arrival_ns).min(initial=DEAD_NS) >= DEAD_NS:
        return np.arange(len(arrival_ns))
    found: list[int] = []
    free_ns = arrival_ns[0]
    for number, at_ns in enumerate(arrival_ns.tolist()):
        if at_ns >= free_ns:
            found.append(number)
            free_ns = at_ns + DEAD_NS
    return np.array(found, np.int64)


def _same(values: NDArray[np.int32], rows: NDArray[np.int64], column: NDArray[np.int32]) -> bool:
    if values.size and (values == values[0]).all():
        return bool((column == values[0]).all())
    return bool(np.array_equal(values[rows], column))
