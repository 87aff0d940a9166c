"""Populations at the end of a block of a cluster that is too large for a density matrix.

A block begins with a joint level. The wait before its first pulse makes of it a mixture of joint
levels, exactly: nothing is coherent in it. From each of these levels, trajectories are followed
through the pulses (:mod:`.jump_trajectories`), as many of :data:`TRAJECTORIES` as its share in that
mixture is at most, whichever level the block began with: what follows a passive reset is worked out
once for all outcomes of the reading before. The wait behind the last pulse is a mixture again.

Slow noise acts in halves before and after each part of a pulse or a wait. A level's nodes of it are
as few as a stated error in means, over its share, allows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.counter_based_random import key
from podium.sim_instruments.physics.joint.block_steps import JointBlocks, block_steps
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.cluster_signals import (
    GroupSteps,
    Intervals,
    MemberSignals,
    Step,
)
from podium.sim_instruments.physics.joint.density_evolution import channels
from podium.sim_instruments.physics.joint.gate_maps import TURN_A_WAIT
from podium.sim_instruments.physics.joint.gate_templates import BlockRows
from podium.sim_instruments.physics.joint.jump_trajectories import Ensemble, JumpChannels, Start
from podium.sim_instruments.physics.joint.slow_noise_nodes import (
    NOISE_ERROR,
    fewer_nodes,
    on_grid,
)
from podium.sim_instruments.physics.joint.trajectory_groups import TrajectoryGroups
from podium.sim_instruments.physics.noise import Quadrature

TRAJECTORIES = 4096
"""Of a block that always begins alike. Each that jumps has a weight of one over it."""
FEWEST = 8
"""Trajectories from a level that is hardly met."""
FAINT = 2e-5
"""Joint levels that weigh less at the first pulse are left out."""
NEARLY_ALIKE = 1.5
"""Where the largest shares that levels can have add up to less, all starts are nearly alike."""
GONE_A_PART = 0.01
"""Largest probability of a jump in one part of a wait."""
MOST_NODES = 512
"""Nodes of slow noise from one level; of more, so many are taken evenly by weight."""


@dataclass(slots=True, eq=False)
class _Played:
    """Shapes of a block, from its first one to the end of its last."""

    ends_ns: int
    steps: Sequence[Step]
    share: dict[int, float] = field(default_factory=dict)
    """Of joint levels at the first pulse that were followed, the share for which they were."""
    after: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    """Populations behind the last pulse, from such a level."""


class TrajectoryColumns:
    """Does what :class:`.joint_blocks.JointColumns` does, without coherence behind a reading."""

    starts = None

    def __init__(
        self,
        point: ClusterPoint,
        members: Sequence[MemberSignals],
        intervals: Intervals,
        blocks: JointBlocks,
        nodes: Sequence[tuple[Quadrature, float]],
    ) -> None:
        """``nodes``: the slow noise of each member, Hz, and for how long it turns it, ns."""
        self._point = point
        self._intervals = intervals
        self._blocks = blocks
        self._nodes = nodes
        self._group_steps = GroupSteps(point, members)
        self._groups = TrajectoryGroups(point, self._group_steps)
        self._channels = JumpChannels(point.cluster, point.basis)
        self._energies_hz = point.energies_hz - point.frame_hz * point.basis.number
        self._zz_hz = point.zz_hz
        self._played: dict[bytes, _Played] = {}
        names = "+".join(qubit.name for qubit in point.qubits)
        self._key = key(0, names, "jumps")

    def column(self, kind: int, start: int) -> NDArray[np.float64]:
        """Return the populations (D,) at the reading of a kind of blocks, from a joint level."""
        number = int(self._blocks.example[kind])
        wait_ns, rows, read_ns = self._blocks.rows(self._intervals, number)
        begins = self._one(start)
        if rows is None:
            return self._decayed(begins, wait_ns)
        begins = self._decayed(begins, wait_ns)
        played = self._laid_out(rows)
        levels = np.flatnonzero(begins >= FAINT)
        self._follow(played, wait_ns, levels, begins)
        after = np.stack([played.after[level] for level in levels.tolist()])
        share = begins[levels] / begins[levels].sum()
        return self._decayed(share @ after, read_ns - played.ends_ns)

    def columns(
        self, asked: tuple[int, int], others: Sequence[tuple[int, int]]
    ) -> dict[tuple[int, int], NDArray[np.float64]]:
        """Return the same of what was ``asked`` for: ``others`` would take as long again."""
        return {asked: self.column(*asked)}

    def _one(self, level: int) -> NDArray[np.float64]:
        found = np.zeros(self._point.basis.size)
        found[level] = 1.0
        return found

    def _laid_out(self, rows: BlockRows) -> _Played:
        content = rows.content
        if content not in self._played:
            steps = block_steps(rows, len(self._point.qubits), self._point.frame_hz)
            self._played[content] = _Played(int(rows.end_ns.max()), steps)
        return self._played[content]

    def _decayed(self, populations: NDArray[np.float64], span_ns: int) -> NDArray[np.float64]:
        """Return populations (D,) after a wait."""
        if span_ns <= 0:
            return populations
        basis = self._point.basis
        _, jumps = channels(self._point.cluster, basis, (float(span_ns),))
        for e, element in enumerate(self._point.cluster.elements):
            ground = basis.level[:, e] == 0
            place = basis.with_level[e, : element.count][:, ground]
            after = populations.copy()
            after[place] = jumps[0, e, : element.count, : element.count] @ populations[place]
            populations = after
        return populations

    def _most(self, wait_ns: int) -> NDArray[np.float64]:
        """Return the largest shares that joint levels can have behind a wait, (D,)."""
        point = self._point
        _, jumps = channels(point.cluster, point.basis, (float(max(wait_ns, 0)),))
        each = jumps[0].max(axis=2)[np.arange(len(point.qubits)), point.basis.level]
        return np.asarray(each.prod(axis=1))

    def _follow(
        self,
        played: _Played,
        wait_ns: int,
        levels: NDArray[np.int64],
        begins: NDArray[np.float64],
    ) -> None:
        """Follow trajectories from joint levels that are not known as well as they weigh."""
        if all(begins[level] <= played.share.get(level, 0.0) for level in levels.tolist()):
            return
        most = self._most(wait_ns)
        if most.sum() < NEARLY_ALIKE:
            levels = np.flatnonzero(most >= FAINT)
        wanted = {
            level: min(float(most[level]), 1.0)
            for level in levels.tolist()
            if most[level] > played.share.get(level, 0.0)
        }
        ensemble = Ensemble(
            self._channels,
            [self._start(level, share) for level, share in wanted.items()],
            self._key,
        )
        for step in played.steps:
            self._wait(ensemble, step.wait_ns)
            self._play(ensemble, step)
        found = ensemble.populations()
        played.share |= wanted
        played.after |= dict(zip(wanted, found, strict=True))

    def _start(self, level: int, share: float) -> Start:
        nodes = [fewer_nodes(one, span_ns, NOISE_ERROR / share) for one, span_ns in self._nodes]
        node_hz, weight = on_grid(nodes)
        if len(weight) > MOST_NODES:
            even = (np.arange(MOST_NODES) + 0.5) / MOST_NODES
            node_hz = node_hz[np.searchsorted(np.cumsum(weight), even)]
            weight = np.full(MOST_NODES, 1.0 / MOST_NODES)
        many = max(FEWEST, int(np.ceil(TRAJECTORIES * share)))
        return Start(self._one(level).astype(np.complex128), node_hz, weight, many)

    def _play(self, ensemble: Ensemble, step: Step) -> None:
        turns = self._group_steps.still_turns(step.group)
        if turns is not None:
            self._wait(ensemble, step.group.duration_ns, turns)
            return
        ahead = np.exp(2j * np.pi * ((self._point.basis.level @ np.array(step.turns)) % 1.0))
        ensemble.turn(ahead)
        self._groups.prepared(step.group).play(ensemble)
        ensemble.turn(np.conj(ahead))

    def _wait(
        self, ensemble: Ensemble, span_ns: int, turns: NDArray[np.float64] | None = None
    ) -> None:
        """Let time pass; ``turns`` (D,): by which flux turns the levels meanwhile."""
        if span_ns <= 0:
            return
        turned = 1e-9 * span_ns * self._energies_hz
        if turns is not None:
            turned = turned + turns
        gone = span_ns * float(self._channels.leaving.max()) / GONE_A_PART
        shifted = 2e-9 * np.pi * self._zz_hz * span_ns / TURN_A_WAIT
        parts = max(1, int(np.ceil(max(gone, shifted))))
        half = np.exp(-2j * np.pi * ((0.5 * turned / parts) % 1.0))
        part_ns = span_ns / parts
        for _ in range(parts):
            ensemble.turn(half)
            ensemble.drift(0.5 * part_ns)
            ensemble.decohere(part_ns)
            ensemble.turn(half)
            ensemble.drift(0.5 * part_ns)
