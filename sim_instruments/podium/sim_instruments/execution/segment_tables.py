"""States, segments and outcomes of all qubits of a run, as the compiled loop reads them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.execution.columns import Column
from podium.sim_instruments.execution.tree_walk import Qubits, Segments
from podium.sim_instruments.physics.qubit_states import QubitStates, Segment
from podium.sim_instruments.physics.trajectory import KEEPS
from podium.sim_instruments.physics.walk import Pace

NEVER_NS = -(1 << 62)


class SegmentTables:
    """Tables that grow as states are met."""

    def __init__(self, qubits: Sequence[QubitStates]) -> None:
        self._states = tuple(qubits)
        most = max(one.drawn.levels for one in qubits)
        self._move_of = Column((16,), np.int32, -1)
        self._move = Column((3,), np.int64)
        self._least = Column((), np.float64)
        self._segment = Column((6,), np.int64)
        self._known = Column((), np.int64)
        self._populations = Column((most,), np.float64)
        self._after = Column((most,), np.int64, -1)
        self._segments: list[Segment] = []
        self._segment_of: dict[tuple[int, Segment], int] = {}
        self._state_of: dict[tuple[int, int], int] = {}
        self._own_state: list[int] = []
        """By number of the state: that within its qubit."""
        self._outcome_of: dict[tuple[int, int], int] = {}
        self._own_outcome: list[tuple[int, int]] = []
        """By number of the outcome: its qubit, and the number within it."""
        self._renewals = [one.renewals for one in qubits]
        self._paces: list[Pace] = []
        self._pace_of: dict[tuple[int, int], int] = {}
        self._fixed = _fixed(qubits, most)
        for q in range(len(qubits)):
            self._state(q, 0)

    def first_states(self) -> NDArray[np.int64]:
        """Return the states at the beginning, one for each qubit."""
        return np.array([self._state_of[q, 0] for q in range(len(self._states))], np.int64)

    def epoch_ends(self) -> NDArray[np.int64]:
        """Return when the present epoch of each qubit's slow noise ends, ns."""
        return np.array([one.branches.epoch_end_ns for one in self._states], np.int64)

    def reach(self, q: int, now_ns: int) -> int:
        """Begin another epoch; return when it ends."""
        self._states[q].reach(now_ns)
        self._renew(q)
        return self._states[q].branches.epoch_end_ns

    def _renew(self, q: int) -> None:
        """Forget the populations of a qubit if they have become others."""
        if self._states[q].renewals == self._renewals[q]:
            return
        self._renewals[q] = self._states[q].renewals
        for number, (owner, _) in enumerate(self._own_outcome):
            if owner == q:
                self._known.all[number] = 0

    def number_of(self, q: int, segment: Segment) -> int:
        """Return the number of a segment of a qubit."""
        number = self._segment_of.setdefault((q, segment), len(self._segments))
        if number < len(self._segments):
            return number
        self._segments.append(segment)
        joins_ns = NEVER_NS if segment.joins_ns is None else segment.joins_ns
        read = segment.read
        row = (0, joins_ns, 0, 0, 0, 0)
        if read is not None:
            pace = self._pace(q, read.driven)
            row = (1, joins_ns, read.begin, read.end, pace, int(read.fresh))
        self._segment.append(row)
        if number >= self._move_of.all.shape[1]:
            self._move_of.widen((2 * self._move_of.all.shape[1],))
        return number

    def _pace(self, q: int, driven: int) -> int:
        number = self._pace_of.setdefault((q, driven), len(self._paces))
        if number == len(self._paces):
            self._paces.append(self._states[q].branches.pace(driven))
            self._fixed = self._fixed._replace(pace=_joined(self._paces))
        return number

    def _state(self, q: int, own: int) -> int:
        number = self._state_of.setdefault((q, own), len(self._own_state))
        if number == len(self._own_state):
            self._own_state.append(own)
            self._move_of.append(-1)
        return number

    def _outcome(self, q: int, own: int) -> int:
        number = self._outcome_of.setdefault((q, own), len(self._own_outcome))
        if number == len(self._own_outcome):
            self._own_outcome.append((q, own))
            self._known.append(0)
            self._populations.append(0)
            self._after.append(-1)
        return number

    def add_move(self, q: int, state: int, segment: int) -> None:
        """Work out what a segment does to a state, and what is asked next as a rule."""
        lived = self._segments[segment]
        found = self._states[q].move(self._own_state[state], lived)
        kept, begun = self._outcome(q, found.kept), self._outcome(q, found.begun)
        number = self._move.append((kept, begun, int(found.joins)))
        self._least.append(found.least)
        self._move_of.all[state, segment] = number
        self._renew(q)
        if lived.read is None:
            self.add_after(q, begun, 0)
        elif not self._known.all[begun]:
            self.add_populations(q, begun)

    def add_populations(self, q: int, outcome: int) -> None:
        """Work out the populations of an outcome."""
        found = self._states[q].populations(self._own_outcome[outcome][1])
        self._populations.all[outcome, : found.size] = found
        self._known.all[outcome] = 1

    def add_after(self, q: int, outcome: int, level: int) -> None:
        """Work out which state follows an outcome in which the shot is in a level."""
        own = self._states[q].after(self._own_outcome[outcome][1], level)
        self._after.all[outcome, level] = self._state(q, own)

    def segments(self) -> Segments:
        """Return the tables as they are now."""
        return Segments(
            self._move_of.all,
            self._move.all,
            self._least.all,
            self._segment.all,
            self._known.all,
            self._populations.all,
            self._after.all,
        )

    def qubits(self) -> Qubits:
        """Return what stays the same of all qubits."""
        return self._fixed


def _fixed(qubits: Sequence[QubitStates], most: int) -> Qubits:
    rates = np.zeros((len(qubits), most, most))
    for q, one in enumerate(qubits):
        levels = one.drawn.levels
        rates[q, :levels, :levels] = one.branches.rates
    keys = [int(one.drawn.key) for one in qubits]
    none = np.zeros(0, np.int64)
    return Qubits(
        np.array([one.drawn.levels for one in qubits], np.int64),
        rates,
        np.array([one.drawn.fraction for one in qubits], np.float64),
        np.array(keys, np.uint64),
        np.array([key ^ KEEPS for key in keys], np.uint64),
        Pace(np.zeros(0), none, none, np.zeros(0)),
    )


def _joined(paces: Sequence[Pace]) -> Pace:
    sizes = [pace.values.size for pace in paces]
    first = np.concatenate([[0], np.cumsum(sizes[:-1])]).astype(np.int64)
    return Pace(
        np.concatenate([pace.values for pace in paces]),
        first,
        np.concatenate([pace.entries for pace in paces]),
        np.concatenate([pace.stride_ns for pace in paces]),
    )
