"""Pure states of a cluster that is too large for a density matrix: quantum jumps.

Dalibard, Castin and Molmer, Phys. Rev. Lett. 68, 580 (1992): each trajectory is a pure state; every
so often it either stays, its amplitudes damped, or jumps. A jump takes one element from a level to
another, or is white dephasing, ``n - 1/2``: as a Lindblad operator that is as good as ``n``, and
leaves a superposition of 0 and 1 alone until it jumps.

Most trajectories never jump, and all of those are one state. :class:`Ensemble` follows it once,
with the probability that is left of it, and trajectories only from their first jump on. Those first
jumps are spread evenly over their probability, channel by channel. Later jumps are drawn, by
Philox: key, row, step.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.counter_based_random import uniform
from podium.sim_instruments.physics.joint.density_evolution import (
    Steps,
    basis_of,
    in_frame,
    operators,
)
from podium.sim_instruments.physics.joint.elements import Cluster
from podium.sim_instruments.physics.joint.product_basis import ProductBasis
from podium.sim_instruments.physics.joint.trajectory_kernels import (
    DEPHASING,
    jump,
    play_rows,
    stay_or_jump,
    turn_rows,
)

Complexes = NDArray[np.complex128]
ROOM = 256
"""Rows of an ensemble at first; they are doubled when they are used up."""


class JumpChannels:
    """All ways in which a cluster's elements jump, and what staying costs."""

    def __init__(self, cluster: Cluster, basis: ProductBasis) -> None:
        channels, rates = [], []
        for e, element in enumerate(cluster.elements):
            own = basis.level[:, e]
            for to, of in np.argwhere(element.rates_1_s > 0).tolist():
                channels.append((e, to, of))
                rates.append(1e-9 * element.rates_1_s[to, of] * (own == of))
            if element.dephasing_1_s > 0:
                channels.append((e, DEPHASING, DEPHASING))
                rates.append(2e-9 * element.dephasing_1_s * (own - 0.5) ** 2)
        self.channel = np.array(channels, np.int64).reshape(-1, 3)
        self.rates = np.array(rates, np.float64).reshape(-1, basis.size)
        """Shape (C, D): of each channel from each state, 1/ns."""
        self.leaving = self.rates.sum(axis=0)
        """Shape (D,), 1/ns."""
        self.level, self.with_level = basis.level, basis.with_level
        self._spans: dict[float, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

    def over(self, span_ns: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what amplitudes (D,) that stay are damped by, and for how long they can jump."""
        if span_ns not in self._spans:
            gone = self.leaving * span_ns
            share = np.full(gone.size, span_ns)
            share[gone > 0] *= -np.expm1(-gone[gone > 0]) / gone[gone > 0]
            self._spans[span_ns] = np.exp(-0.5 * gone), share
        return self._spans[span_ns]


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """A state in which trajectories begin, at K nodes of the slow noise."""

    state: Complexes
    """Shape (D,), normalised."""
    node_hz: NDArray[np.float64]
    """Shape (K, M)."""
    weight: NDArray[np.float64]
    """Shape (K,), adding up to 1."""
    trajectories: int
    """In all, those that never jump among them."""


class Ensemble:
    """Trajectories from several starts, one state a row."""

    def __init__(self, channels: JumpChannels, starts: Sequence[Start], key: int) -> None:
        self._channels, self._key, self._step = channels, key, 0
        sizes = [len(one.weight) for one in starts]
        self._still = sum(sizes)
        """The first rows have never jumped; their norm is the probability of that."""
        self._count = self._still
        self._rows = np.zeros((max(ROOM, 2 * self._still), channels.level.shape[0]), np.complex128)
        self._owner = np.zeros(len(self._rows), np.int64)
        self._node = np.zeros(len(self._rows), np.int64)
        self._owner[: self._still] = np.repeat(np.arange(len(starts)), sizes)
        self._node[: self._still] = np.arange(self._still)
        weight = np.concatenate([one.weight for one in starts])
        for row, owner in enumerate(self._owner[: self._still]):
            self._rows[row] = np.sqrt(weight[row]) * starts[owner].state
        self._trajectories = np.array([one.trajectories for one in starts])
        self._turn_hz = np.concatenate([one.node_hz for one in starts]) @ channels.level.T
        """Shape (rows that never jumped, D): by slow noise."""
        self._noise: dict[float, Complexes] = {}
        shape = len(starts), len(channels.channel)
        offsets = [uniform(key, number) for number in range(shape[0] * shape[1])]
        self._owed = np.array(offsets).reshape(shape)
        """By start and channel: how many first jumps are due."""

    @property
    def states(self) -> Complexes:
        """Return all rows, (T, D): a view."""
        return self._rows[: self._count]

    def turn(self, factor: Complexes) -> None:
        """Multiply all rows by ``factor`` (D,)."""
        turn_rows(self.states, np.zeros(self._count, np.int64), factor[None])

    def drift(self, span_ns: float) -> None:
        """Let slow noise turn the levels."""
        if not np.any(self._turn_hz):
            return
        if span_ns not in self._noise:
            self._noise[span_ns] = np.exp(-2j * np.pi * ((1e-9 * span_ns * self._turn_hz) % 1.0))
        turn_rows(self.states, self._node[: self._count], self._noise[span_ns])

    def decohere(self, span_ns: float) -> None:
        """Let rows stay or jump over a span."""
        channels = self._channels
        if span_ns <= 0 or not len(channels.channel):
            return
        damp, share = channels.over(span_ns)
        stay_or_jump(
            self.states,
            self._still,
            damp,
            share,
            channels.rates,
            channels.channel,
            channels.level,
            channels.with_level,
            np.uint64(self._key),
            self._step,
        )
        self._step += 1
        still = self._rows[: self._still]
        held = still.real**2 + still.imag**2
        self._jump_first((held * share) @ channels.rates.T)
        self._rows[: self._still] *= damp

    def _jump_first(self, probability: NDArray[np.float64]) -> None:
        """Add the trajectories whose first jump is now; ``probability`` (rows, C)."""
        channels = self._channels
        owner = self._owner[: self._still]
        due = probability * self._trajectories[owner, None]
        total = self._owed.copy()
        np.add.at(total, owner, due)
        if np.all(total < 1.0):
            self._owed = total
            return
        for row in range(self._still):
            self._owed[owner[row]] += due[row]
            for c in np.flatnonzero(self._owed[owner[row]] >= 1.0):
                while self._owed[owner[row], c] >= 1.0:
                    self._owed[owner[row], c] -= 1.0
                    self._add(row, *channels.channel[c].tolist())

    def _add(self, row: int, element: int, to: int, of: int) -> None:
        if self._count == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
            self._owner = np.concatenate([self._owner, np.zeros_like(self._owner)])
            self._node = np.concatenate([self._node, np.zeros_like(self._node)])
        new = self._count
        self._rows[new] = self._rows[row]
        jump(self._rows[new], element, to, of, self._channels.level, self._channels.with_level)
        self._owner[new], self._node[new] = self._owner[row], self._node[row]
        self._count += 1

    def populations(self) -> NDArray[np.float64]:
        """Return the populations (starts, D) of each start's mean state."""
        held = np.abs(self.states) ** 2
        found = np.zeros((len(self._trajectories), held.shape[1]))
        np.add.at(found, self._owner[: self._still], held[: self._still])
        jumped = np.zeros_like(found)
        np.add.at(jumped, self._owner[self._still : self._count], held[self._still :])
        whole = jumped.sum(axis=1)
        share = np.where(whole > 0, 1.0 - found.sum(axis=1), 0.0) / np.maximum(whole, 1.0)
        found += share[:, None] * jumped
        return np.asarray(found / found.sum(axis=1, keepdims=True))


def trajectories(
    cluster: Cluster, steps: Steps, states: Complexes, key: int, *, frame_hz: float = 0.0
) -> Complexes:
    """Return what becomes of pure states (T, D), normalised, one trajectory each.

    Every trajectory is drawn for itself; those of a longer list begin as those of a shorter one.
    ``steps`` are those of one point (P = 1). Raises ValueError for more.
    """
    if steps.levels_hz.shape[0] != 1:
        raise ValueError(f"trajectories have one point, not {steps.levels_hz.shape[0]}")
    basis = basis_of(cluster)
    rows = in_frame(cluster, basis, steps, frame_hz)
    channels = JumpChannels(cluster, basis)
    damp, share = channels.over(steps.step_ns)
    after = np.array(states, np.complex128)
    for s in range(steps.levels_hz.shape[1]):
        diagonal, exchange, drive = (one[0, s : s + 1] for one in rows)
        held = diagonal, exchange, drive, *operators(cluster, basis), 0.5 * steps.step_ns
        play_rows(after, *held)
        stay_or_jump(
            after,
            0,
            damp,
            share,
            channels.rates,
            channels.channel,
            channels.level,
            channels.with_level,
            np.uint64(key),
            s,
        )
        play_rows(after, *held)
    return after
