"""Plays groups of pulses to a cluster's dressed states, at each node of the members' slow noise."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.cluster_signals import Group, GroupSteps
from podium.sim_instruments.physics.joint.density_evolution import detuned
from podium.sim_instruments.physics.joint.group_maps import (
    MAPPED,
    WORTH_A_MAP,
    GroupChain,
    GroupPropagator,
    coarse_propagator,
    flux_propagator,
    held_propagator,
    hermitian_units,
    pack,
    unpack,
)
from podium.sim_instruments.physics.joint.held_beats import held_beat
from podium.sim_instruments.physics.joint.plasmon_drive import (
    PlasmonLevels,
    back_of,
    plasmon_propagator,
)
from podium.sim_instruments.physics.joint.resting_coupler import RestingSteps, resting_coupler
from podium.sim_instruments.physics.worker_threads import side_by_side

STRAY_TURNS = 2e-3
"""A group in which slow noise turns less has it before and after: what that leaves out changes sign
with the noise, and goes with the square of this in the mean."""
STRAY_FLUX_TURNS = 0.1
"""The same of flux pulses in a cluster with a coupler: what they change of how much noise turns
levels, some hundredths, is left out."""
LONG_NS, LONG_PARTS = 200, 1000
"""A group that lasts longer, or has more parts, is worth the way to other threads: its nodes are
worked out side by side."""
KEPT_BYTES = 96_000_000
"""Memory of the propagators that are kept, and as much of maps."""


@dataclass(frozen=True, slots=True, eq=False)
class _MadeAnew:
    """A group at nodes that take too much memory: each is worked out whenever it is asked for."""

    at: Callable[[NDArray[np.float64]], GroupPropagator | GroupChain]
    every: Sequence[NDArray[np.float64]]

    def __len__(self) -> int:
        return len(self.every)

    def __iter__(self) -> Iterator[GroupPropagator | GroupChain]:
        return map(self.at, self.every)


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """A group at K nodes, or at their mean alone."""

    nodes: tuple[GroupPropagator | GroupChain, ...] | _MadeAnew
    back: NDArray[np.complex128]
    """Shape (D, D): from the frame of the group to that of the cluster."""
    vectors: NDArray[np.float64] | None
    """Shape (D, D): [what the propagators are of, dressed level]; None: these are the same."""

    @property
    def size_bytes(self) -> int:
        """Return how much memory its propagators take."""
        if isinstance(self.nodes, _MadeAnew):
            return 0
        return sum(one.size_bytes for one in self.nodes)


class GroupPlayer:
    """Plays groups; what repeats is worked out once."""

    def __init__(
        self,
        point: ClusterPoint,
        group_steps: GroupSteps | RestingSteps,
        node_hz: NDArray[np.float64],
    ) -> None:
        """``node_hz`` (K, M): the slow noise of each member at each node."""
        self._point = point
        self._group_steps = group_steps
        self._node_hz = node_hz
        self._prepared: OrderedDict[Group, _Prepared] = OrderedDict()
        self._maps: OrderedDict[Group, NDArray[np.float64]] = OrderedDict()
        self._met: Counter[Group] = Counter()
        self._still: dict[Group, NDArray[np.float64] | None] = {}
        self._bytes = 0
        number = point.basis.number
        self._apart = number[:, None] - number[None, :]
        self._mean_hz = node_hz.mean(axis=0)
        stray = (node_hz - self._mean_hz) @ point.basis.level.T
        self._stray_hz = stray[:, :, None] - stray[:, None, :]
        self._halves: dict[int, NDArray[np.complex128]] = {}
        self._plasmon_levels: PlasmonLevels | None = None
        self._others: tuple[RestingSteps, GroupPlayer] | None = None
        """Play what reaches the members alone while their coupler rests."""
        resting = resting_coupler(point)
        if resting is not None and isinstance(group_steps, GroupSteps):
            others = RestingSteps(resting, group_steps)
            own_hz = node_hz[:, list(resting.members)]
            self._others = others, GroupPlayer(resting.point, others, own_hz)

    def still_turns(self, group: Group) -> NDArray[np.float64] | None:
        """Return by how many turns a group turns dressed levels, (D,), if it does nothing else."""
        if group not in self._still:
            self._still[group] = self._group_steps.still_turns(group)
        return self._still[group]

    def play(self, state: NDArray[np.complex128], group: Group) -> NDArray[np.complex128]:
        """Return dressed states (K, C, D, D) after a group."""
        if len(self._node_hz) == 1 or not self._is_short(group):
            return self._played(state, group)
        if group.duration_ns not in self._halves:
            turned = 0.5e-9 * group.duration_ns * self._stray_hz
            self._halves[group.duration_ns] = np.exp(-2j * np.pi * turned)[:, None]
        half = self._halves[group.duration_ns]
        return np.asarray(self._played(state * half, group) * half)

    def _is_short(self, group: Group) -> bool:
        """Tell whether slow noise turns so little meanwhile that it may act before and after."""
        stray = float(np.abs(self._stray_hz).max(initial=0.0))
        large = self._point.basis.size > MAPPED and all(one.is_flux for one in group.played)
        most = STRAY_FLUX_TURNS if large else STRAY_TURNS
        return 1e-9 * group.duration_ns * stray < most

    def _played(self, state: NDArray[np.complex128], group: Group) -> NDArray[np.complex128]:
        if self._others is not None and self._rests_in(group):
            steps, others = self._others
            # What is short here is so there: slow noise has turned it already.
            short = len(self._node_hz) == 1 or self._is_short(group)
            play = others._played if short else others.play
            return steps.resting.play(state, group.duration_ns, lambda one: play(one, group))
        size = self._point.basis.size
        known = self._maps.get(group)
        if known is None:
            prepared = self._prepare(group)
            self._met[group] += state.shape[0] * state.shape[1] // len(prepared.nodes)
            if size > MAPPED or self._met[group] < WORTH_A_MAP:
                return self._directly(state, prepared)
            known = self._map(group)
        moved = known @ np.swapaxes(pack(state), -1, -2)
        return unpack(np.swapaxes(moved, -1, -2), size)

    def _rests_in(self, group: Group) -> bool:
        """Tell whether the coupler rests while others are driven."""
        return self._others is not None and self._others[0].takes(group)

    def play_turned(
        self, state: NDArray[np.complex128], group: Group, turns: ArrayLike
    ) -> NDArray[np.complex128]:
        """Play a group whose drives of each member are ahead by so many turns, (M,) or (C, M)."""
        if not np.any(turns):
            return self.play(state, group)
        ahead = np.asarray(turns) @ self._point.basis.level.T
        turned = np.exp(2j * np.pi * ((ahead[..., :, None] - ahead[..., None, :]) % 1.0))
        return np.asarray(self.play(state * turned, group) * np.conj(turned))

    def _directly(
        self, state: NDArray[np.complex128], prepared: _Prepared
    ) -> NDArray[np.complex128]:
        vectors = prepared.vectors
        bare = state if vectors is None else vectors @ state @ vectors.T
        if len(prepared.nodes) == 1:
            (only,) = prepared.nodes
            flat = bare.reshape(-1, *bare.shape[2:])
            after = only.play(flat).reshape(bare.shape)
        else:
            kept = prepared.nodes if isinstance(prepared.nodes, tuple) else ()
            long = bool(kept) and kept[0].length > LONG_PARTS
            after = np.stack(
                side_by_side(lambda one, own: one.play(own), prepared.nodes, bare, worth=long)
            )
        after = after * prepared.back
        return np.asarray(after if vectors is None else vectors.T @ after @ vectors)

    def _prepare(self, group: Group) -> _Prepared:
        known = self._prepared.get(group)
        if known is not None:
            self._prepared.move_to_end(group)
            return known
        found = self._of_plasmon(group) or self._of_exchange(group)
        self._prepared[group] = found
        self._bytes += found.size_bytes
        while self._bytes > KEPT_BYTES and len(self._prepared) > 1:
            _, gone = self._prepared.popitem(last=False)
            self._bytes -= gone.size_bytes
        return found

    def _of_plasmon(self, group: Group) -> _Prepared | None:
        """Return a group in which a plasmon is driven; None: none is."""
        if isinstance(self._group_steps, RestingSteps):
            return None
        driven = self._group_steps.driven_plasmon(group)
        if driven is None:
            return None
        if self._plasmon_levels is None:
            self._plasmon_levels = PlasmonLevels(self._point)
        levels = self._plasmon_levels
        every = [self._mean_hz] if self._is_short(group) else list(self._node_hz)
        nodes = [plasmon_propagator(levels, self._point.cluster, driven, hz) for hz in every]
        return _Prepared(tuple(nodes), back_of(levels, driven), None)

    def _of_exchange(self, group: Group) -> _Prepared:
        """Return a group by drives of 0-1 and flux, in which members exchange excitations."""
        point, steps = self._point, self._group_steps
        alone = all(one.is_flux for one in group.played)
        lasts_ns = None
        if alone and point.basis.size <= MAPPED and isinstance(steps, GroupSteps):
            rows, lasts_ns = steps.held_steps(group)
            beats, frame_hz = 1, point.frame_hz
        else:
            rows, beats, frame_hz = steps.steps(group)
        held = held_beat(point.cluster, rows, beats)

        def at(node_hz: NDArray[np.float64]) -> GroupPropagator | GroupChain:
            here = detuned(rows, node_hz)
            if lasts_ns is not None:
                return held_propagator(point.cluster, here, lasts_ns, frame_hz)
            if alone and point.basis.size > MAPPED:
                return flux_propagator(point.cluster, here, frame_hz)
            return coarse_propagator(point.cluster, here, beats, frame_hz, held)

        every = [self._mean_hz] if self._is_short(group) else list(self._node_hz)
        first, *others = every
        own = at(first)
        nodes: tuple[GroupPropagator | GroupChain, ...] | _MadeAnew = _MadeAnew(at, every)
        if not others or len(every) * own.size_bytes <= KEPT_BYTES:
            nodes = (own, *side_by_side(at, others, worth=group.duration_ns > LONG_NS))
        turned = 1e-9 * (point.frame_hz - frame_hz) * group.duration_ns
        back = np.exp(2j * np.pi * ((turned * self._apart) % 1.0))
        return _Prepared(nodes, back, point.vectors)

    def _map(self, group: Group) -> NDArray[np.float64]:
        """Return the group as real matrices (K or 1, D * D, D * D), [to, from]."""
        units = hermitian_units(self._point.basis.size)
        prepared = self._prepare(group)
        every = np.broadcast_to(units, (len(prepared.nodes), *units.shape))
        found = np.swapaxes(pack(self._directly(every, prepared)), -1, -2)
        found = np.ascontiguousarray(found)
        self._maps[group] = found
        if len(self._maps) * found.nbytes > KEPT_BYTES and len(self._maps) > 1:
            gone, _ = self._maps.popitem(last=False)
            self._met[gone] = 0
        return found
