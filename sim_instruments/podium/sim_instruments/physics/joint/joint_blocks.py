"""Blocks of a run as a cluster meets them: from a joint level, through pulses, to a reading.

A reading begins another block. It finds a member in a level that is read, or has lost its coherence
before anything is played to the cluster again; others stay coherent (:mod:`.coherent_members`).
Phases count from the first drive since all members had a level: a common phase turns nothing. What
is left are phases of one member's drives against another's. Where nearly every shot has others (two
oscillators over a period that is no multiple of their beat), they are taken in steps of
1 / :data:`PHASES` of a turn: means over shots hold for everything that goes with less than so many
times that phase, and exchange hands over fewer excitations.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import (
    StretchNumbers,
    firsts,
    number_stretches,
    phase_word,
)
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.joint.block_steps import JointBlocks, block_steps
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.cluster_signals import (
    GroupSteps,
    Intervals,
    MemberSignals,
    Step,
)
from podium.sim_instruments.physics.joint.coherent_members import (
    KeptMembers,
    StatesBehindReadings,
)
from podium.sim_instruments.physics.joint.elements import Cluster
from podium.sim_instruments.physics.joint.followed_states import FollowedStates, NumberedStep, Way
from podium.sim_instruments.physics.joint.gate_programs import Program
from podium.sim_instruments.physics.joint.gate_sequences import NoMaps
from podium.sim_instruments.physics.joint.gate_templates import BlockRows
from podium.sim_instruments.physics.joint.group_maps import MAPPED
from podium.sim_instruments.physics.joint.sequences_at_nodes import SequencesAtNodes
from podium.sim_instruments.physics.joint.slow_noise_nodes import on_grid
from podium.sim_instruments.physics.joint.states_at_nodes import StatesAtNodes
from podium.sim_instruments.physics.noise import Quadrature

PHASES = 8
READING = -1
LAID_OUT_KEPT = 64
MAPPED_PULSES = 8
"""Blocks of so many pulses are played by maps: a map takes the time of some dozen plays, and runs
share it."""
MAPS_KEPT_BYTES = 100_000_000
"""Maps of a run beyond which they are forgotten and begun anew."""
LONG_AHEAD_NS = 500
"""What moves levels for longer before a block's first drive is played at the mean of the slow
noise: from a level, no phase counts there, and populations do not move with it. ASSUMED: what two
levels that meet exchange meanwhile is that at the mean."""
TOGETHER_BYTES = 16_000_000
"""Memory of the states that are followed side by side."""


def joint_blocks(
    intervals: Intervals,
    lit_ns: NDArray[np.int64],
    dark_ns: NDArray[np.int64],
    frame_hz: float,
    names: str,
    chain: NDArray[np.int64] | None = None,
) -> JointBlocks:
    """Cut what is played at the readings, (R,): from the first photon to the last.

    ``chain`` (R + 1,): blocks of one number are coherent with each other; None: each has its own.
    Raises NotSimulated where something is played to a member meanwhile.
    """
    block = np.searchsorted(lit_ns, intervals.start_ns, side="left")
    first_row = np.searchsorted(block, np.arange(lit_ns.size + 1))
    since = np.append(intervals.start_ns[:1] if intervals.start_ns.size else 0, dark_ns[:-1])
    since = since[: lit_ns.size].astype(np.int64)
    inside = block < lit_ns.size
    until = lit_ns[block[inside]]
    late_ns = intervals.end_ns[inside] - until
    early_ns = (since[block[inside]] - intervals.start_ns[inside])[block[inside] > 0]
    if np.any(late_ns > 0) or np.any(early_ns > 0):
        late, early = np.max(late_ns, initial=0), np.max(early_ns, initial=0)
        raise NotSimulated(
            f"something is played to {names}, which share one state, while there are photons in "
            f"the resonators of their feedline, until {late} ns after a readout begins or from "
            f"{early} ns before it has rung down: that is not simulated; let it end before a "
            "readout, and begin when that has rung down"
        )
    coherent = block if chain is None else chain[block]
    turns, loose = _phases(intervals, coherent, frame_hz)
    kinds = _numbered(intervals, block, first_row, since, lit_ns, turns - loose)
    exact = _numbered(intervals, block, first_row, since, lit_ns, turns)
    if exact.example.size > PHASES * kinds.example.size:
        turns = turns - loose + np.round(loose * PHASES) / PHASES
        exact = _numbered(intervals, block, first_row, since, lit_ns, turns)
    return JointBlocks(exact.kind, exact.example, first_row, since, lit_ns, turns)


def against_frame(
    intervals: Intervals, begin_ns: NDArray[np.int64], frame_hz: float
) -> NDArray[np.float64]:
    """Return each drive's phase from that of a frame which begins at ``begin_ns`` (n,); of flux 0.

    As groups have it: against the frame where the group begins.
    """
    group = np.searchsorted(intervals.first, np.arange(begin_ns.size), side="right") - 1
    elapsed = intervals.start_ns[intervals.first][group] - begin_ns if group.size else begin_ns
    against = intervals.turns - (1e-9 * frame_hz * elapsed) % 1.0
    against[intervals.is_flux] = 0.0
    return against


def _phases(
    intervals: Intervals, block: NDArray[np.int64], frame_hz: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each drive's phase from that of its chain's first drive, and its member's first.

    ``block`` (n,): the chain of each interval.
    """
    first = np.searchsorted(block, block)
    against = against_frame(intervals, intervals.start_ns[first], frame_hz)
    driven = np.flatnonzero(~intervals.is_flux)
    turns, loose = np.zeros(block.size), np.zeros(block.size)
    row = firsts(block[driven])
    base = np.zeros(int(block.max(initial=0)) + 1)
    base[block[driven[row]]] = against[driven[row]]
    turns[driven] = against[driven] - base[block[driven]]
    for member in np.unique(intervals.member):
        own = driven[intervals.member[driven] == member]
        of = np.zeros(base.size)
        row = firsts(block[own])
        of[block[own[row]]] = turns[own[row]]
        loose[own] = of[block[own]]
    return turns, loose


def _numbered(
    intervals: Intervals,
    block: NDArray[np.int64],
    first_row: NDArray[np.int64],
    since: NDArray[np.int64],
    lit: NDArray[np.int64],
    turns: NDArray[np.float64],
) -> StretchNumbers:
    """Number equal blocks alike: their shapes, times from the first, and the reading behind."""
    count = int(first_row[-1])
    row = np.arange(count, dtype=np.int64) + block[:count]
    whole = count + lit.size
    reading = first_row[1:] + np.arange(lit.size)
    first = first_row[:-1] + np.arange(lit.size)
    begin = np.where(
        first_row[1:] > first_row[:-1],
        np.append(intervals.start_ns, 0)[np.minimum(first_row[:-1], intervals.start_ns.size)],
        since,
    )
    what, shape = np.full(whole, READING, np.int64), np.zeros(whole, np.int64)
    at, phase = np.zeros(whole, np.int64), np.zeros(whole, np.int64)
    wait = np.zeros(whole, np.int64)
    what[row] = 2 * intervals.member[:count] + intervals.is_flux[:count]
    shape[row] = intervals.shape[:count]
    at[row] = intervals.start_ns[:count] - begin[block[:count]]
    at[reading] = lit - begin
    phase[row] = phase_word(turns[:count])
    wait[reading] = begin - since
    return number_stretches(first, [what, shape, at, phase, wait])


@dataclass(frozen=True, slots=True, eq=False)
class _LaidOut:
    """Shapes of a block, from its first one on."""

    ends_ns: int
    rows: BlockRows | None
    """None: nothing is played."""
    ahead: int
    """So many steps come before the first drive, where they last for long; else 0."""
    programs: tuple[Program, ...]
    """The same by maps, from there on; none: it is short, or they do not reach."""
    steps: tuple[NumberedStep, ...]
    """Of all shapes; none where maps play all of them."""


class JointColumns:
    """Populations at the end of a block, from each joint level that a run comes to."""

    def __init__(
        self,
        point: ClusterPoint,
        members: Sequence[MemberSignals],
        intervals: Intervals,
        blocks: JointBlocks,
        nodes: Sequence[Quadrature],
        kept: KeptMembers | None = None,
        *,
        is_whole: bool = True,
    ) -> None:
        """``nodes``: the slow noise of each member, Hz; ``kept``: members that stay coherent.

        ``is_whole``: whether all shapes of the run are known: maps of gates are made for them.
        """
        self._is_whole = is_whole
        self._point = point
        self._intervals = intervals
        self._blocks = blocks
        self._nodes = nodes
        node_hz, self._weight = on_grid(nodes)
        self.starts = None if kept is None else StatesBehindReadings(point, self._weight, kept)
        """Of blocks that follow readings behind which members stay coherent."""
        self._group_steps = GroupSteps(point, members)
        self._at_nodes = StatesAtNodes(point, self._group_steps, node_hz)
        mean_hz = self._weight @ node_hz
        self._at_mean = StatesAtNodes(point, self._group_steps, mean_hz[None])
        self._sequences: SequencesAtNodes | None = None
        self._resting = [
            qubit.name in point.chip.couplers and not one.drives.shapes
            for qubit, one in zip(point.qubits, members, strict=True)
        ]
        self._alike: dict[bytes, list[int]] | None = None
        """Kinds of blocks by what is played in them."""
        self._laid: OrderedDict[bytes, _LaidOut] = OrderedDict()
        self._ends: dict[tuple[int, int], NDArray[np.float64]] = {}
        self._followed = FollowedStates(
            self._at_nodes, self._at_mean, point.basis.size, self.starts
        )

    def grow(
        self, members: Sequence[MemberSignals], intervals: Intervals, blocks: JointBlocks
    ) -> None:
        """Take blocks that came later: what was there keeps its numbers."""
        self._group_steps.grow(members)
        self._intervals, self._blocks = intervals, blocks

    def columns(
        self, asked: tuple[int, int], others: Sequence[tuple[int, int]]
    ) -> dict[tuple[int, int], NDArray[np.float64]]:
        """Return the populations (D,) at readings, by kind of blocks and joint level it began from.

        ``others``: those that are likely to be asked for, too; they are among these where all take
        little longer together.
        """
        size = self._point.basis.size
        # In large clusters most of the time goes with the states.
        if asked in self._ends or size > MAPPED or self._is_mapped(asked[0]):
            return {asked: self.column(*asked)}
        most = TOGETHER_BYTES // (16 * size**2 * self._at_nodes.count)
        wanted = [asked, *(one for one in others[:most] if one != asked)]
        wanted = [one for one in wanted if not self._is_mapped(one[0])]
        found = self._populations(self._states(wanted, coherent=False))
        return dict(zip(wanted, found, strict=True))

    def _is_mapped(self, kind: int) -> bool:
        """Tell whether a kind of blocks is played by maps."""
        _, laid, _ = self._played(int(self._blocks.example[kind]))
        return bool(laid.programs)

    def column(self, kind: int, start: int) -> NDArray[np.float64]:
        """Return the populations (D,) at the reading of a kind of blocks.

        ``start``: a joint level, or the number of a state of :attr:`starts`.
        """
        if (kind, start) in self._ends:
            return self._ends[kind, start]
        if self._is_mapped(kind) and start < self._point.basis.size:
            try:
                return self._column_by_maps(kind, start)
            except NoMaps:
                self._forget_maps(kind)
        populations = self._populations(self.state(kind, start, coherent=False))
        return np.asarray(populations[0])

    def _column_by_maps(self, kind: int, start: int) -> NDArray[np.float64]:
        """Return the same of a kind of blocks that maps play. Raises :class:`.NoMaps`."""
        assert self._sequences is not None
        since_ns, laid, last_ns = self._played(int(self._blocks.example[kind]))
        if laid.ahead:
            way = Way(start, since_ns, laid.steps[: laid.ahead], laid.ahead)
            [before] = self._followed.follow([way])
            wait_ns = laid.steps[laid.ahead].step.wait_ns
            before = self._at_mean.wait(before, wait_ns, coherent=True)
            found = self._sequences.populations_behind(before[0, 0], laid.programs, last_ns)
            self._ends[kind, start] = found
            return found
        kinds = self._played_alike(kind)
        numbers = self._blocks.example[kinds].tolist()
        waits = [self._blocks.waits_ns(self._intervals, number) for number in numbers]
        every = self._sequences.populations(laid.programs, waits, start)
        self._ends |= {(kinds[k], level): column for (k, level), column in every.items()}
        return self._ends[kind, start]

    def _forget_maps(self, kind: int) -> None:
        """Have a kind of blocks followed from now on: too much of it leaves the maps' states."""
        _, laid, _ = self._played(int(self._blocks.example[kind]))
        assert laid.rows is not None
        self._laid[laid.rows.content] = self._laid_out(laid.rows, laid.ahead, ())

    def _populations(self, states: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Return the populations (C, D) of states (K, C, D, D), mean over the slow noise."""
        found = np.einsum("k,kcii->ci", self._weight, states).real
        return np.asarray(np.maximum(found, 0.0))

    def _played_alike(self, kind: int) -> list[int]:
        """Return this kind of blocks, and then all others in which the same is played."""
        if self._alike is None:
            self._alike = {}
            for k, number in enumerate(self._blocks.example.tolist()):
                _, rows, _ = self._blocks.rows(self._intervals, number)
                if rows is not None:
                    content = blake2b(rows.content, digest_size=16).digest()
                    self._alike.setdefault(content, []).append(k)
        found = next(kinds for kinds in self._alike.values() if kind in kinds)
        return [kind, *(k for k in found if k != kind)]

    def state(self, kind: int, start: int, *, coherent: bool) -> NDArray[np.complex128]:
        """Return dressed states (K, 1, D, D) at the reading of a kind of blocks.

        ``coherent``: whether more than their populations counts; ``start``: as :meth:`column`.
        """
        return self._states([(kind, start)], coherent=coherent)

    def _states(
        self, pairs: Sequence[tuple[int, int]], *, coherent: bool
    ) -> NDArray[np.complex128]:
        """Return the same (K, C, D, D) of C kinds, each with its start."""
        ways, last = [], []
        for kind, start in pairs:
            since_ns, laid, last_ns = self._played(int(self._blocks.example[kind]))
            steps = laid.steps or self._followed.numbered(self._steps(laid.rows))
            ways.append(Way(start, since_ns, steps, laid.ahead))
            last.append(last_ns)
        every = [self._at_nodes.spread(one) for one in self._followed.follow(ways)]
        found = np.empty((every[0].shape[0], len(every), *every[0].shape[2:]), np.complex128)
        for last_ns in set(last):
            own = [c for c, one in enumerate(last) if one == last_ns]
            together = np.concatenate([every[c] for c in own], axis=1)
            found[:, own] = self.wait(together, last_ns, coherent=coherent)
        return found

    def _ahead(self, rows: BlockRows) -> int:
        """Return how many steps come before the first drive, where they last for long."""
        driven = np.flatnonzero(~rows.is_flux)
        if driven.size and rows.begin_ns[driven[0]] <= LONG_AHEAD_NS:
            return 0
        steps = self._steps(rows)
        count = next(
            (n for n, one in enumerate(steps) if not all(p.is_flux for p in one.group.played)),
            len(steps),
        )
        lasts_ns = sum(
            one.group.duration_ns
            for one in steps[:count]
            if self._at_nodes.still_turns(one.group) is None
        )
        return count if lasts_ns > LONG_AHEAD_NS else 0

    def _steps(self, rows: BlockRows | None) -> list[Step]:
        if rows is None:
            return []
        return block_steps(rows, len(self._point.qubits), self._point.frame_hz)

    def _by_maps(self, rows: BlockRows | None, *, ahead: bool) -> tuple[Program, ...]:
        """Return a block as maps where it is long, or what is behind a long flux pulse.

        None of them where they do not reach.
        """
        if not self._is_whole or rows is None:
            return ()
        if any(one.levels_hz.size < 3 for one in self._point.qubits):
            return ()  # with a defect
        if not ahead and rows.pulses(self._group_steps) < MAPPED_PULSES:
            return ()
        if self._sequences is None or self._sequences.size_bytes > MAPS_KEPT_BYTES:
            self._sequences = SequencesAtNodes(
                self._point, self._group_steps, self._nodes, self._resting
            )
            self._laid.clear()  # with the numbers of maps that are gone
        try:
            return self._sequences.programs(rows)
        except NoMaps:
            return ()

    def _played(self, number: int) -> tuple[int, _LaidOut, int]:
        """Return the wait before a block's first group, what is played, and the wait behind."""
        wait_ns, rows, read_ns = self._blocks.rows(self._intervals, number)
        if rows is None:
            return wait_ns, _LaidOut(0, None, 0, (), ()), 0
        content = rows.content
        laid = self._laid.get(content)
        if laid is None:
            laid = self._lay_out(rows)
            self._laid[content] = laid
            if len(self._laid) > LAID_OUT_KEPT:
                self._laid.popitem(last=False)
        return wait_ns, laid, read_ns - laid.ends_ns

    def _lay_out(self, rows: BlockRows) -> _LaidOut:
        ahead = self._ahead(rows)
        rest = rows.from_first_drive(self._point.frame_hz) if ahead else rows
        return self._laid_out(rows, ahead, self._by_maps(rest, ahead=ahead > 0))

    def _laid_out(self, rows: BlockRows, ahead: int, programs: tuple[Program, ...]) -> _LaidOut:
        is_followed = not programs or ahead > 0
        steps = self._followed.numbered(self._steps(rows)) if is_followed else ()
        return _LaidOut(int(rows.end_ns.max()), rows, ahead, programs, steps)

    def wait(
        self,
        state: NDArray[np.complex128],
        span_ns: int,
        *,
        coherent: bool,
        cluster: Cluster | None = None,
    ) -> NDArray[np.complex128]:
        """Return dressed states after a wait, as :meth:`.StatesAtNodes.wait`."""
        return self._at_nodes.wait(state, span_ns, coherent=coherent, cluster=cluster)
