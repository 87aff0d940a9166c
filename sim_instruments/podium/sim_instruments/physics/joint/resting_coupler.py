"""Plays drives to the members of a cluster whose tunable coupler rests, without the coupler.

A coupler far above its neighbours stays where it is while they are driven: what couples is in their
dressed levels. So a group in which it moves little is played to the dressed levels of the others,
which are fewer by the number of its levels, change in no exchange, and need no more than a step of
a whole nanosecond. A state of the cluster is a block for each pair of the coupler's levels; each
goes through the same group, and turns and fades by what the coupler itself does meanwhile.

Left out are what a drive does to the excitation that a dressed level has in its neighbour (at an
exchange g and a detuning D from the coupler or the other end, (g/D)**2 of the drive, far off
resonance), and what an excited coupler shifts: it holds what a gate has leaked.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint, dressed_levels
from podium.sim_instruments.physics.joint.cluster_signals import STILL_HZ, Group, GroupSteps
from podium.sim_instruments.physics.joint.density_evolution import Steps, basis_of, channels
from podium.sim_instruments.physics.joint.elements import Cluster

Array = NDArray[np.float64]
Complexes = NDArray[np.complex128]
FAR = 7.0
"""Rates of exchange by which a resting coupler is away from its neighbours, at least."""
MOVED_HZ = 100e6
"""A coupler that flux moves by less, a tail of a pulse, rests: levels follow it."""
TABLE = 9
"""Places within that at which dressed levels are worked out."""
NOTHING = 1e-13
"""A block that has less is left out."""


@dataclass(frozen=True, slots=True, eq=False)
class RestingCoupler:
    """A cluster without its one coupler, in dressed levels."""

    point: ClusterPoint
    """Of the other members; states are their dressed levels, as product states."""
    members: tuple[int, ...]
    """Their numbers in the whole cluster."""
    coupler: int
    index: NDArray[np.int64]
    """Shape (L, d): states of the whole cluster by the coupler's level and their number here."""
    coupler_hz: Array
    """Shape (L,): dressed levels of the coupler, the others in 0."""
    frame_hz: float
    """Frequency of the frame in which states of the whole cluster are kept."""
    own: Cluster
    """The coupler alone."""
    moves_hz: Array
    """Shape (T,): by how much flux moves the coupler in the table."""
    ladders_hz: Array
    """Shape (T, M, L): the members' dressed ladders there."""

    @classmethod
    def of(cls, whole: ClusterPoint) -> "RestingCoupler | None":
        """Return it for a cluster with one coupler that is far from its neighbours, else None."""
        couplers = [m for m, one in enumerate(whole.qubits) if one.name in whole.chip.couplers]
        if any(one.count < 3 for one in whole.cluster.elements):
            return None  # a defect is near
        if len(couplers) != 1 or whole.cluster.shifts or whole.cluster.joint_hz is not None:
            return None
        (coupler,) = couplers
        members = tuple(m for m in range(len(whole.qubits)) if m != coupler)
        elements, basis = whole.cluster.elements, whole.basis
        for one in whole.cluster.exchanges:
            if coupler in (one.one, one.other):
                end = one.other if one.one == coupler else one.one
                above_hz = elements[coupler].levels_hz[1] - elements[end].levels_hz[1]
                if above_hz < FAR * abs(one.strength_hz) + MOVED_HZ:
                    return None
        count = max(one.count for one in elements)
        moves = np.linspace(-MOVED_HZ, MOVED_HZ, TABLE)
        ladders = np.zeros((TABLE, len(members), count))
        for k, moved_hz in enumerate(moves.tolist()):
            for m, ladder in enumerate(_ladders(whole, coupler, members, moved_hz)):
                ladders[k, m, : ladder.size] = ladder
        at_rest = _ladders(whole, coupler, members, 0.0)
        kept = tuple(
            replace(elements[m], levels_hz=ladder)
            for m, ladder in zip(members, at_rest, strict=True)
        )
        small = Cluster(kept, ())
        point = _dressed_point(whole, small, members, coupler)
        index = np.array(
            [
                [basis.index(*_with(coupler, level, row)) for row in point.basis.level.tolist()]
                for level in range(elements[coupler].count)
            ]
        )
        first = int(np.flatnonzero(np.all(point.basis.level == 0, axis=1))[0])
        coupler_hz = whole.energies_hz[index[:, first]] - whole.energies_hz[index[0, first]]
        own = Cluster((elements[coupler],), ())
        return cls(point, members, coupler, index, coupler_hz, whole.frame_hz, own, moves, ladders)

    def takes(self, group: Group, steps: GroupSteps) -> bool:
        """Tell whether a group drives members while all flux rests, but for tails of pulses."""
        if all(one.is_flux for one in group.played):
            return False
        moved = np.abs(steps.moved_hz(group)).max(axis=0, initial=0.0)
        return bool(moved[self.coupler] < MOVED_HZ and np.all(moved[list(self.members)] < STILL_HZ))

    def reduced(self, steps: GroupSteps, group: Group) -> tuple[Steps, int, float]:
        """Return the rows of the others, as :meth:`.GroupSteps.steps` returns those of all."""
        rows, beats, frame_hz = steps.steps(group)
        members = list(self.members)
        fine = rows.levels_hz.shape[1] // group.duration_ns
        moved_hz = np.repeat(steps.moved_hz(group)[:, self.coupler], fine)
        at_rest = self.ladders_hz[TABLE // 2]
        levels = np.zeros((1, rows.levels_hz.shape[1], len(members), at_rest.shape[1]))
        for m, (number, own) in enumerate(zip(members, self.point.cluster.elements, strict=True)):
            shift = rows.levels_hz[0, :, number] - steps.levels_at_rest(number)
            levels[0, :, m, : own.count] = own.levels_hz + shift[:, : own.count]
            if np.any(moved_hz):
                for n in range(1, own.count):
                    levels[0, :, m, n] += (
                        np.interp(moved_hz, self.moves_hz, self.ladders_hz[:, m, n]) - at_rest[m, n]
                    )
        drive = None if rows.drive_hz is None else rows.drive_hz[:, :, members]
        none = np.zeros((1, levels.shape[1], 0))
        return Steps(rows.step_ns, levels, none, drive), beats, frame_hz

    def play(
        self, state: Complexes, duration_ns: int, play: Callable[[Complexes], Complexes]
    ) -> Complexes:
        """Return dressed states (K, C, D, D) of the whole cluster after a group.

        ``play``: takes Hermitian states (K, C, d, d) of the others through it.
        """
        levels = len(self.index)
        fade, jumps = channels(self.own, basis_of(self.own), (float(duration_ns),))
        number = np.arange(levels)
        turn_hz = self.coupler_hz - self.frame_hz * number
        turned = np.exp(-2e-9j * np.pi * duration_ns * (turn_hz[:, None] - turn_hz[None, :]))
        apart = self.point.basis.number
        frame = 1e-9 * (self.frame_hz - self.point.frame_hz) * duration_ns
        back = np.exp(2j * np.pi * ((frame * (apart[:, None] - apart[None, :])) % 1.0))
        after = np.zeros_like(state)
        populations = {}
        for c in range(levels):
            for d in range(c + 1):
                block = state[..., self.index[c][:, None], self.index[d][None, :]]
                if np.abs(block).max(initial=0.0) < NOTHING:
                    continue
                real = 0.5 * (block + np.conj(np.swapaxes(block, -1, -2)))
                played = play(real)
                if c != d:
                    played = played + 1j * play(-1j * (block - real))
                played = played * back
                if c == d:
                    populations[c] = played
                    continue
                played = played * (turned[c, d] * fade[0, c, d])
                after[..., self.index[c][:, None], self.index[d][None, :]] = played
                other = np.conj(np.swapaxes(played, -1, -2))
                after[..., self.index[d][:, None], self.index[c][None, :]] = other
        for c, played in populations.items():
            for d in range(levels):
                if jumps[0, 0, d, c]:
                    rows, columns = self.index[d][:, None], self.index[d][None, :]
                    after[..., rows, columns] += jumps[0, 0, d, c] * played
        return after


@lru_cache(maxsize=8)
def resting_coupler(whole: ClusterPoint) -> RestingCoupler | None:
    """Return the coupler of a cluster, worked out once for each point."""
    return RestingCoupler.of(whole)


@dataclass(frozen=True, slots=True, eq=False)
class RestingSteps:
    """Turns groups into steps of the others alone."""

    resting: RestingCoupler
    whole: GroupSteps
    _taken: dict[Group, bool] = field(default_factory=dict)

    def takes(self, group: Group) -> bool:
        """Tell whether the coupler rests in a group; each is looked at once."""
        if group not in self._taken:
            self._taken[group] = self.resting.takes(group, self.whole)
        return self._taken[group]

    def steps(self, group: Group) -> tuple[Steps, int, float]:
        """Return rows as :meth:`.GroupSteps.steps` does."""
        return self.resting.reduced(self.whole, group)

    def still_turns(self, group: Group) -> Array | None:
        """Return None: what is played to the others alone has drives."""
        return None


def _with(coupler: int, level: int, others: list[int]) -> tuple[int, ...]:
    """Return the levels of all members."""
    return (*others[:coupler], level, *others[coupler:])


def _ladders(
    whole: ClusterPoint, coupler: int, members: tuple[int, ...], moved_hz: float
) -> list[Array]:
    """Return each member's dressed levels, all others in 0, with the coupler moved so far."""
    elements = list(whole.cluster.elements)
    if moved_hz:
        own = elements[coupler]
        levels = own.levels_hz + moved_hz * np.arange(own.count)
        elements[coupler] = replace(own, levels_hz=levels)
        energies, _ = dressed_levels(replace(whole.cluster, elements=tuple(elements)))
    else:
        energies = whole.energies_hz
    basis, count = whole.basis, len(elements)
    found = []
    for m in members:
        states = [
            basis.index(*(n if k == m else 0 for k in range(count)))
            for n in range(elements[m].count)
        ]
        found.append(np.asarray(energies[states] - energies[states[0]]))
    return found


def _dressed_point(
    whole: ClusterPoint, small: Cluster, members: tuple[int, ...], coupler: int
) -> ClusterPoint:
    """Return the point of the others, whose product states are dressed levels of the whole."""
    basis = basis_of(small)
    rows = basis.level.tolist()
    energies = np.array([whole.energies_hz[whole.basis.index(*_with(coupler, 0, r))] for r in rows])
    energies = energies - energies[0]
    alone = sum(one.levels_hz[basis.level[:, e]] for e, one in enumerate(small.elements))
    cluster = replace(small, joint_hz=np.asarray(energies - alone))
    return ClusterPoint(
        tuple(whole.qubits[m] for m in members),
        whole.chip,
        whole.biases_v,
        cluster,
        energies,
        np.eye(basis.size),
    )
