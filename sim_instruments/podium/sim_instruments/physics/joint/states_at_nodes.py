"""Takes a cluster's dressed states through waits and groups, at nodes of the slow noise."""

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.cluster_signals import Group, GroupSteps
from podium.sim_instruments.physics.joint.density_evolution import channels
from podium.sim_instruments.physics.joint.elements import Cluster
from podium.sim_instruments.physics.joint.exact_wait import waited
from podium.sim_instruments.physics.joint.gate_maps import MOST_PARTS, decohered, wait_parts
from podium.sim_instruments.physics.joint.group_player import GroupPlayer

Complexes = NDArray[np.complex128]


class StatesAtNodes:
    """Follows states (K, C, D, D): dressed levels in the frame of the cluster, at K nodes."""

    def __init__(
        self, point: ClusterPoint, steps: GroupSteps, node_hz: NDArray[np.float64]
    ) -> None:
        """``node_hz`` (K, M): the slow noise of each member at each node."""
        self._point = point
        self._player = GroupPlayer(point, steps, node_hz)
        self.count = len(node_hz)
        basis = point.basis
        energies = point.energies_hz - point.frame_hz * basis.number
        noisy = energies + node_hz @ basis.level.T
        self._turn_hz = noisy[:, :, None] - noisy[:, None, :]

    def still_turns(self, group: Group) -> NDArray[np.float64] | None:
        """Return by how many turns a group turns dressed levels, (D,), if it does nothing else."""
        return self._player.still_turns(group)

    def spread(self, state: Complexes) -> Complexes:
        """Return states at all nodes, where they may be at one alone."""
        if state.shape[0] == self.count:
            return state
        return np.repeat(state, self.count, axis=0)

    def follow(
        self, state: Complexes, wait_ns: int, group: Group, turns: NDArray[np.float64]
    ) -> Complexes:
        """Return states (K, C, D, D) after a wait and the group behind it.

        ``turns`` (C, M): by which drives of each member are ahead of the group's, for each state.
        """
        state = self.wait(state, wait_ns, coherent=True)
        still = self._player.still_turns(group)
        if still is None:
            return self._player.play_turned(state, group, turns)
        return self.wait(state, group.duration_ns, coherent=True, turns=still)

    def wait(
        self,
        state: Complexes,
        span_ns: int,
        *,
        coherent: bool,
        turns: NDArray[np.float64] | None = None,
        cluster: Cluster | None = None,
    ) -> Complexes:
        """Return states after a wait; in parts where coherences count.

        ``turns`` (D,): by which flux turns the levels meanwhile; ``cluster``: its decoherence.

        An excitation that is lost in the middle ends the shift of its neighbours' phases.
        """
        if span_ns <= 0:
            return state
        point = self._point
        cluster = cluster or point.cluster
        parts = wait_parts(point, span_ns) if coherent else 1
        if parts > MOST_PARTS:
            turn_hz = self._turn_hz
            if turns is not None:
                turn_hz = turn_hz + 1e9 / span_ns * (turns[:, None] - turns[None, :])
            return waited(state, cluster, turn_hz, span_ns)
        span = span_ns / parts
        fade, jumps = channels(cluster, point.basis, (span / 2,))
        turned_by = self._turn_hz * 1e-9 * span
        if turns is not None:
            turned_by = turned_by + (turns[:, None] - turns[None, :]) / parts
        turn = np.exp(-2j * np.pi * (turned_by % 1.0))[:, None]
        for _ in range(parts):
            state = decohered(state, point.basis, cluster, fade[0], jumps[0])
            state = decohered(state * turn, point.basis, cluster, fade[0], jumps[0])
        return state
