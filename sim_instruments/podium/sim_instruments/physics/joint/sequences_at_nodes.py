"""Long sequences of gates beside couplers that rest.

Flux noise shifts a coupler by some 50 kHz, far more than maps follow in halves. It is in its lowest
level, so that this turns nothing but while its flux pulses bring it down. Sequences are played at
each node of that noise: what is driven has the same maps there, flux pulses have their own.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.cluster_signals import GroupSteps
from podium.sim_instruments.physics.joint.gate_programs import Program
from podium.sim_instruments.physics.joint.gate_reference import FEWER
from podium.sim_instruments.physics.joint.gate_sequences import GateSequences, NoMaps
from podium.sim_instruments.physics.joint.gate_templates import BlockRows
from podium.sim_instruments.physics.joint.slow_noise_nodes import on_grid
from podium.sim_instruments.physics.noise import Quadrature

Array = NDArray[np.float64]
GRID_HZ = 5e3
"""Steps of a coupler's noise, so that runs share maps of flux pulses: it moves a qubit by a
hundredth of that."""
LOST = 5e-2
"""Population that leaves the states which maps have, at most, where these are of
:data:`.gate_reference.FEWER` excitations. It is counted as theirs that have so many, which it came
from; what comes back of it to fewer, by two decays of several, is left out. Sequences that lose
more are followed, for minutes."""


class SequencesAtNodes:
    """Plays the blocks of a run by maps, where it can; populations are means over the noise."""

    def __init__(
        self,
        point: ClusterPoint,
        steps: GroupSteps,
        nodes: Sequence[Quadrature],
        resting: Sequence[bool],
    ) -> None:
        """``nodes``: slow noise of each member, Hz; ``resting``: couplers that nothing drives."""
        self._each: list[GateSequences] = []
        self._is_last = point.basis.number == FEWER
        rest_hz, self._weight = on_grid(
            [one if rests else _alone(0.0) for one, rests in zip(nodes, resting, strict=True)]
        )
        for hz in (GRID_HZ * np.rint(rest_hz / GRID_HZ)).tolist():
            every = zip(nodes, hz, resting, strict=True)
            own = [_alone(value) if rests else one for one, value, rests in every]
            self._each.append(GateSequences(point, steps, own, resting))

    @property
    def size_bytes(self) -> int:
        """Return how much memory its maps take."""
        return sum(one.size_bytes for one in self._each)

    def programs(self, rows: BlockRows) -> tuple[Program, ...]:
        """Return a block as maps at each node. Raises :class:`.NoMaps`."""
        return tuple(one.program(rows) for one in self._each)

    def populations(
        self, programs: Sequence[Program], waits: Sequence[tuple[int, int]], start: int
    ) -> dict[tuple[int, int], Array]:
        """Return what :meth:`.GateSequences.populations` does. Raises :class:`.NoMaps`.

        What loses more than :data:`LOST` is not among them.
        """
        found = [
            one.populations(program, waits, start)
            for one, program in zip(self._each, programs, strict=True)
        ]
        keys = set.intersection(*(set(one) for one in found))
        every = {key: self._mean([one[key] for one in found]) for key in keys}
        if self._each[0].is_whole:
            return every
        kept = {key: self._whole(one, 1.0) for key, one in every.items() if one.sum() > 1 - LOST}
        if (0, start) not in kept:
            raise NoMaps
        return kept

    def populations_behind(
        self, state: NDArray[np.complex128], programs: Sequence[Program], last_ns: int
    ) -> Array:
        """Return what :meth:`.GateSequences.populations_behind` does. Raises :class:`.NoMaps`."""
        found = self._mean(
            [
                one.populations_behind(state, program, last_ns)
                for one, program in zip(self._each, programs, strict=True)
            ]
        )
        if self._each[0].is_whole:
            return found
        total = float(np.trace(state).real)
        if found.sum() < total - LOST:
            raise NoMaps
        return self._whole(found, total)

    def _whole(self, populations: Array, total: float) -> Array:
        """Return populations with what has left the maps' states."""
        last = np.where(self._is_last, populations, 0.0)
        lost = max(0.0, total - float(populations.sum()))
        return np.asarray(populations + lost * last / max(float(last.sum()), 1e-300))

    def _mean(self, each: Sequence[Array]) -> Array:
        if len(each) == 1:
            return each[0]
        return np.asarray(self._weight @ np.stack(each))


def _alone(hz: float) -> Quadrature:
    return Quadrature(np.array([hz]), np.ones(1))
