"""The joint states that a cluster comes to in a run of which only the beginning is known.

A block is what is played from one reading to the next; it begins with a joint level, or with the
state that readings leave of members that stay coherent (:mod:`.coherent_members`). Equal blocks
have one number, and what they make of a beginning is worked out once, by the engine that plays
whole runs (:class:`.joint_blocks.JointColumns`). Nodes of the slow noise hold for an epoch of the
run and for coherent stretches up to a length; both double where that does not do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.branches import FIRST_EPOCH_NS
from podium.sim_instruments.physics.evolution import fading_of
from podium.sim_instruments.physics.joint.block_steps import JointBlocks
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.cluster_signals import (
    Intervals,
    MemberSignals,
    intervals_of,
    joined,
)
from podium.sim_instruments.physics.joint.coherent_members import KeptMembers
from podium.sim_instruments.physics.joint.joint_blocks import JointColumns, against_frame
from podium.sim_instruments.physics.joint.slow_noise_nodes import noise_nodes
from podium.sim_instruments.physics.noise import SlowNoise
from podium.sim_instruments.physics.operating_point import QubitPoint
from podium.sim_instruments.physics.schedule import FORGOTTEN

FIRST_SPAN_NS = 125
"""Each node of the slow noise of two members costs as much as a run without noise."""
STATES_MAX = 20_000
"""Pairs of a block and its beginning that are kept at a time."""


@dataclass(frozen=True, slots=True)
class _Passed:
    """A reading behind which members stayed coherent, with the block before it."""

    kind: int
    reading: int
    found: tuple[int, ...]
    after: tuple[int, ...]


class JointBranches:
    """All joint states of one cluster in one run; it has come to one of them."""

    def __init__(self, point: ClusterPoint, noises: Sequence[SlowNoise], start_s: float) -> None:
        """``noises``: slow noise of each member; ``start_s``: world time of the run's begin."""
        self.point = point
        self._noises = noises
        self._start_s = start_s
        self._epoch_end_ns = 0
        self._slow_hz = [(0.0, 0.0)] * len(noises)
        self._span_ns = FIRST_SPAN_NS
        self.fading = np.array([_fading(qubit) for qubit in point.qubits])
        """Shape (M,): how fast each member's coherence of 0 and 1 is lost, 1/ns."""
        self._members: list[MemberSignals] = []
        self._intervals: Intervals | None = None
        none = np.zeros(0, np.int64)
        self._blocks = JointBlocks(none, none, np.zeros(1, np.int64), none, none, np.zeros(0))
        self._kept: list[tuple[NDArray[np.bool_], Sequence[NDArray[np.complex128]], int]] = []
        self._columns: JointColumns | None = None
        self._ends: dict[tuple[int, int], NDArray[np.float64]] = {}
        """Populations that were asked for, by a block and its beginning."""
        self._start = self._first_level = 0
        """Where the cluster has come to, and the joint level from which it did."""
        self._passed: list[_Passed] = []

    def block(self, members: Sequence[MemberSignals], lasts_ns: int) -> int:
        """Return the number of a new block.

        ``members``: what is played to each, with all its shapes of the run, those of earlier blocks
        first; times count from the end of the reading before, phases from a frame that begins then.
        ``lasts_ns``: until the next reading.
        """
        own = intervals_of(members)
        turns = against_frame(own, np.zeros(own.start_ns.size, np.int64), self.point.frame_hz)
        old, count = self._blocks, self._blocks.kind.size
        self._members = list(members)
        self._intervals = own if self._intervals is None else joined(self._intervals, own)
        numbers = np.arange(count + 1, dtype=np.int64)
        self._blocks = JointBlocks(
            numbers,
            numbers,
            np.append(old.first_row, old.first_row[-1] + own.start_ns.size),
            np.append(old.since_ns, 0),
            np.append(old.reading_ns, lasts_ns),
            np.append(old.turns, turns),
        )
        if self._columns is not None:
            self._columns.grow(members, self._intervals, self._blocks)
        return count

    def reading(
        self, kept: NDArray[np.bool_], factors: Sequence[NDArray[np.complex128]], lasts_ns: int
    ) -> int:
        """Return the number of a new reading behind which members ``kept`` (M,) stay coherent.

        ``factors``: of each member, (L, L), what photons do to its coherences.
        """
        self._kept.append((kept, factors, lasts_ns))
        if self._columns is not None and self._columns.starts is not None:
            self._columns.starts.grow(self._kept_members())
        return len(self._kept) - 1

    def begin(self, level: int, now_ns: int) -> None:
        """Go on from a joint level at a time of the run."""
        if len(self._ends) > STATES_MAX:
            self._columns = None
        self._reach(now_ns)
        self._start = self._first_level = level
        self._passed = []

    def _reach(self, now_ns: int) -> None:
        """Begin another epoch of the slow noise if that of before is over, as a qubit does."""
        if now_ns < self._epoch_end_ns:
            return
        begin = self._epoch_end_ns
        while self._epoch_end_ns <= now_ns:
            begin = self._epoch_end_ns
            self._epoch_end_ns = max(2 * begin, FIRST_EPOCH_NS)
        duration_s = 1e-9 * (self._epoch_end_ns - begin)
        found = []
        for noise, qubit in zip(self._noises, self.point.qubits, strict=True):
            mean_hz, stray_hz = noise.over(self._start_s + 1e-9 * begin, duration_s)
            found.append((mean_hz, float(np.hypot(stray_hz, qubit.stray_hz))))
        if found != self._slow_hz:
            self._slow_hz, self._columns = found, None

    def lengthen(self, span_ns: int) -> None:
        """Make room for a coherent stretch; the state that was come to is worked out anew."""
        if span_ns <= self._span_ns:
            return
        while self._span_ns < span_ns:
            self._span_ns *= 2
        if any(stray for _, stray in self._slow_hz):
            self._columns = None

    def populations(self, kind: int, level: int | None = None) -> NDArray[np.float64]:
        """Return the populations (D,) at the end of a block, from where the cluster has come to.

        ``level``: from this joint level in its place.
        """
        columns = self._current()
        start = self._start if level is None else level
        if (kind, start) not in self._ends:
            self._ends[kind, start] = columns.column(kind, start)
        return self._ends[kind, start]

    def passed(
        self, kind: int, reading: int, found: NDArray[np.int64], after: NDArray[np.int64]
    ) -> None:
        """Go on from what a reading leaves: levels found, and come to when it is over, (M,)."""
        columns = self._current()
        one = _Passed(kind, reading, tuple(found.tolist()), tuple(after.tolist()))
        self._start = self._behind(columns, one)
        self._passed.append(one)

    def _behind(self, columns: JointColumns, one: _Passed) -> int:
        assert columns.starts is not None
        before = one.kind, self._start
        return columns.starts.behind(
            columns, before, one.reading, np.array(one.found), np.array(one.after)
        )

    def _current(self) -> JointColumns:
        """Return the columns at the nodes of now."""
        if self._columns is None:
            assert self._intervals is not None
            memory = [-np.log(FORGOTTEN) / one if one else np.inf for one in self.fading]
            nodes = [
                noise_nodes(slow, min(self._span_ns, longest))
                for slow, longest in zip(self._slow_hz, memory, strict=True)
            ]
            self._columns = JointColumns(
                self.point,
                self._members,
                self._intervals,
                self._blocks,
                nodes,
                self._kept_members(),
                is_whole=False,
            )
            self._ends.clear()
            passed, self._passed = self._passed, []
            self._start = self._first_level
            for one in passed:
                self._start = self._behind(self._columns, one)
                self._passed.append(one)
        return self._columns

    def _kept_members(self) -> KeptMembers:
        count = len(self._kept)
        parts = np.repeat(np.arange(count)[:, None], len(self._noises), axis=1)
        factors = [
            np.array([one[1][m] for one in self._kept], np.complex128).reshape(
                count, qubit.levels_hz.size, qubit.levels_hz.size
            )
            for m, qubit in enumerate(self.point.qubits)
        ]
        return KeptMembers(
            np.array([one[0] for one in self._kept], np.bool_).reshape(count, len(self._noises)),
            parts,
            factors,
            np.array([one[2] for one in self._kept], np.int64),
        )


def _fading(qubit: QubitPoint) -> float:
    return float(fading_of(qubit)[0, 1])
