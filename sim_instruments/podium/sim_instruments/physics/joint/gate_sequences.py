"""Long sequences of gates as products of maps that are looked up: see :mod:`.gate_maps`.

A block of a run becomes a list of maps with turns of dressed levels between them. It is played to
all joint levels that a reading may have left, at all nodes of the slow noise, at once: behind a
long wait they differ in a few ways only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.cluster_point import OWN, ClusterPoint
from podium.sim_instruments.physics.joint.cluster_signals import (
    Group,
    GroupSteps,
    MemberSignals,
    Played,
    Step,
)
from podium.sim_instruments.physics.joint.density_evolution import Steps, channels
from podium.sim_instruments.physics.joint.gate_maps import (
    KNOWN,
    GateMap,
    group_map,
    wait_map,
)
from podium.sim_instruments.physics.joint.gate_reference import reference_of

Array = NDArray[np.float64]
LARGEST_KEPT = 20
"""States of the largest maps: 400 x 400 numbers."""
LONGEST_WAIT_NS = 1_000
"""Losses that differ from the reference's by a step act to first order for so long."""
DETUNED_TURNS = 2e-3
"""Largest turn of an excitation by detuning from the reference, or by slow noise about its mean,
during one group: detunings count to second order, slow noise as :mod:`.group_player` has it."""
MANY_WAYS = 6
"""Starts that differ in more ways are played one by one, as they are asked for."""
MANY_GROUPS, REPEATED = 40, 8
"""A block of more groups that differ in more than phases has each so often: a map takes the time
of some dozen plays of its group."""
ALIKE = 1e-6
"""Ways in which starts differ by less, of a population, are left out."""


class NoMaps(ValueError):
    """A block is not played by maps."""


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A block of S maps, in order."""

    maps: NDArray[np.int64]
    turns: Array
    """Shape (S, N): of the dressed levels before each."""
    spans: Array
    """Shape (S,), ns: for which they are detuned before each."""
    phases: Array
    """Shape (S,): of the second driven member's drive against the first's, turns."""


class GateSequences:
    """Plays the blocks of a run by maps, where it can."""

    def __init__(
        self,
        point: ClusterPoint,
        members: Sequence[MemberSignals],
        node_hz: Array,
        weight: Array,
    ) -> None:
        """``node_hz`` (K, M): slow noise of each member; ``weight`` (K,)."""
        self._point = point
        self._reference = reference_of(point)
        self._kept = self._reference.kept
        self._stray_hz = node_hz - node_hz.mean(axis=0)
        self._detuned_hz = self._reference.detuned_hz + node_hz.mean(axis=0)
        higher = self._reference.higher_hz + node_hz @ point.basis.level.T
        self._moved = 1e-9 * higher[:, : self._kept]
        self._weight = weight
        self._steps = GroupSteps(self._reference.point, members)
        self._shapes = [self._steps.contents(m) for m in range(len(members))]
        self._numbers: dict[object, int] = {}
        self._maps: list[Array] = []
        self._stack = np.zeros((0, self._kept**2, self._kept**2))
        self._around: list[int] = []
        """Of each map, how many harmonics follow it, cosines and sines."""

    def program(self, steps: Sequence[Step]) -> Program:
        """Return a block as maps. Raises :class:`NoMaps`."""
        own = np.diag(self._reference.point.vectors) ** 2
        if self._kept > LARGEST_KEPT or own.min() < OWN:
            raise NoMaps
        distinct = {(one.group.duration_ns, _plain(one.group)) for one in steps}
        if len(distinct) > max(MANY_GROUPS, len(steps) // REPEATED):
            raise NoMaps
        return self._program(steps)

    def populations(
        self, since_ns: int, program: Program, last_ns: int, start: int
    ) -> dict[int, Array]:
        """Return populations (D,) at the end, from a joint level, and from others that it gives.

        ``since_ns``, ``last_ns``: waits before and behind, in which phases do not count.
        """
        basis, kept = self._point.basis, self._kept
        starts = _relaxed(self._point, since_ns)
        ways, sizes, which = np.linalg.svd(starts[:kept], full_matrices=False)
        count = max(1, int(np.sum(sizes > ALIKE * sizes[0])))
        levels = list(range(basis.size))
        if count > MANY_WAYS:
            levels, count = [start], 1
            ways, sizes, which = starts[:kept, [start]], np.ones(1), np.ones((1, 1))
        columns = np.repeat(ways[:, None, :count] * sizes[:count], len(self._weight), axis=1)
        states = np.zeros((kept * kept, len(self._weight) * count))
        states[:kept] = columns.reshape(kept, -1)
        low, high = np.tril_indices(kept, -1)
        end = play_maps(
            self._stacked(),
            np.array(self._around, np.int64),
            program.maps,
            program.turns,
            program.spans,
            program.phases,
            self._moved,
            low,
            high,
            states,
        )
        mean = np.einsum("k,ikr->ir", self._weight, end[:kept].reshape(kept, -1, count))
        found = np.zeros((basis.size, len(levels)))
        found[:kept] = mean @ which[:count]
        found = np.maximum(_relaxed(self._point, last_ns) @ found, 0.0)
        return {level: found[:, k] for k, level in enumerate(levels)}

    def _stacked(self) -> Array:
        if len(self._stack) < len(self._maps):
            self._stack = np.stack(self._maps)
        return self._stack

    def _program(self, steps: Sequence[Step]) -> Program:
        basis, kept = self._point.basis, self._kept
        level, number = basis.level[:kept], basis.number[:kept]
        apart_hz = self._point.frame_hz - self._reference.point.frame_hz
        apart: Array = 1e-9 * apart_hz * number.astype(np.float64)
        maps, ahead_of, spans, phases = list[int](), list[Array](), list[float](), list[float]()
        turns: Array = np.zeros(kept)
        span = 0.0

        def add(place: int, duration_ns: int, phase: float) -> None:
            nonlocal turns, span
            maps.append(place)
            ahead_of.append(turns)
            spans.append(span + 0.5 * duration_ns)
            phases.append(phase)
            turns, span = apart * duration_ns, 0.5 * duration_ns

        def wait(span_ns: int) -> None:
            nonlocal turns, span
            if not maps:
                add(self._wait(span_ns), span_ns, 0.0)
                return
            # turns of each member commute with a wait
            maps[-1] = self._fused(maps[-1], self._wait(span_ns))
            turns, span = turns + apart * span_ns, span + span_ns

        for step in steps:
            if step.wait_ns > 0:
                wait(step.wait_ns)
            group = step.group
            still = self._still(group)
            if still is not None:
                turns = turns - 0.5 * still[:kept]
                wait(group.duration_ns)
                turns = turns - 0.5 * still[:kept]
                continue
            own = {one.member: one.turns for one in group.played if not one.is_flux}
            each = list(own.values())
            common = each[0] if each else 0.0
            ahead = level @ np.array([own.get(m, common) for m in range(level.shape[1])])
            phase = each[1] - each[0] if len(each) == 2 else 0.0
            turns = turns + ahead
            add(self._group(group), group.duration_ns, phase)
            turns = turns - ahead
        return Program(
            np.array(maps, np.int64),
            np.array(ahead_of).reshape(-1, kept),
            np.array(spans, np.float64),
            np.array(phases, np.float64),
        )

    def _fused(self, place: int, wait: int) -> int:
        """Return where a map with a wait behind it is."""
        key = (place, wait)
        if key not in self._numbers:
            count = 1 + self._around[place]
            self._numbers[key] = len(self._maps)
            self._maps += [self._maps[wait] @ one for one in self._maps[place : place + count]]
            self._around += [count - 1] * count
        return self._numbers[key]

    def _still(self, group: Group) -> Array | None:
        if any(not one.is_flux for one in group.played):
            return None
        return self._steps.still_turns(group)

    def _wait(self, span_ns: int) -> int:
        if span_ns > LONGEST_WAIT_NS:
            raise NoMaps
        reference = self._reference
        key = (span_ns,)
        if key not in self._numbers:
            known = KNOWN.find((reference.key, span_ns), lambda: wait_map(reference, span_ns))
            self._numbers[key] = self._add(known)
        return self._numbers[key]

    def _group(self, group: Group) -> int:
        plain = _plain(group)
        number = self._numbers.get(plain)
        if number is not None:
            return number
        driven = [one.member for one in plain if not one.is_flux]
        fluxes = len(plain) - len(driven)
        most = max(np.abs(self._detuned_hz).max(), np.abs(self._stray_hz).max(initial=0.0))
        turned = 1e-9 * group.duration_ns * float(most)
        if len(set(driven)) < len(driven) or len(driven) > 2 or (fluxes and len(driven) > 1):
            raise NoMaps
        if turned > DETUNED_TURNS:
            raise NoMaps
        key = (
            self._reference.key,
            group.duration_ns,
            tuple(
                (
                    one.member,
                    one.is_flux,
                    self._shapes[one.member][one.is_flux][one.shape],
                    one.offset_ns,
                    one.skip_ns,
                    one.lasts_ns,
                )
                for one in plain
            ),
        )

        def steps_at(phase: float) -> tuple[Steps, int, float]:
            ahead = {member: phase * k for k, member in enumerate(driven)}
            played = tuple(
                one if one.is_flux else replace(one, turns=ahead[one.member]) for one in plain
            )
            return self._steps.steps(Group(group.duration_ns, played))

        def made() -> GateMap:
            return group_map(self._reference, group.duration_ns, steps_at, driven)

        self._numbers[plain] = self._add(KNOWN.find(key, made))
        return self._numbers[plain]

    def _add(self, known: GateMap) -> int:
        place = len(self._maps)
        self._maps.append(known.at(self._detuned_hz, self._reference.more_loss))
        self._maps += known.harmonics
        self._around += [len(known.harmonics)] * (1 + len(known.harmonics))
        return place


def _plain(group: Group) -> tuple[Played, ...]:
    """Return what a group plays, but for its phases."""
    return tuple(replace(one, turns=0.0) for one in group.played)


def _relaxed(point: ClusterPoint, span_ns: int) -> Array:
    """Return populations (D, D) behind a wait, from each joint level."""
    basis = point.basis
    found = np.ones((basis.size, basis.size))
    _, jumps = channels(point.cluster, basis, (float(max(span_ns, 0)),))
    for e in range(basis.level.shape[1]):
        own = basis.level[:, e]
        found = found * jumps[0, e][own[:, None], own[None, :]]
    return found


@njit(cache=True, nogil=True)
def play_maps(
    maps: Any,
    around: Any,
    which: Any,
    turns: Any,
    spans: Any,
    phases: Any,
    moved: Any,
    low: Any,
    high: Any,
    states: Any,
) -> Any:
    """Return packed states (n, K * r) behind all maps.

    ``turns`` (S, N) and ``spans`` (S,), ns: of dressed levels before each map; ``moved`` (K, N):
    turns a ns; ``low``, ``high``: the places of coherences, as :func:`.group_maps.pack` has them.
    """
    nodes, size = moved.shape
    each = states.shape[1] // nodes
    pairs = low.size
    factor = np.empty((nodes, size), np.complex128)
    for s in range(which.size):
        for k in range(nodes):
            for i in range(size):
                turned = turns[s, i] - spans[s] * moved[k, i]
                angle = 2.0 * np.pi * (turned - np.floor(turned))
                factor[k, i] = complex(np.cos(angle), np.sin(angle))
        for p in range(pairs):
            real, imaginary = size + p, size + pairs + p
            for k in range(nodes):
                f = factor[k, low[p]] * np.conj(factor[k, high[p]])
                for c in range(k * each, (k + 1) * each):
                    a, b = states[real, c], states[imaginary, c]
                    states[real, c] = a * f.real - b * f.imag
                    states[imaginary, c] = a * f.imag + b * f.real
        after = np.dot(maps[which[s]], states)
        for h in range(around[which[s]]):
            angle = 2.0 * np.pi * phases[s] * (h // 2 + 1)
            factor_h = np.cos(angle) if h % 2 == 0 else np.sin(angle)
            after += factor_h * np.dot(maps[which[s] + 1 + h], states)
        states = after
    return states
