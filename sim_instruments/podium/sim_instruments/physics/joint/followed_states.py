"""Takes a cluster's dressed states through the steps of blocks, many side by side.

What begins alike is played once, and steps that differ in the phases of drives alone are played to
all of their states in one pass. States on the way are kept: what follows them may differ.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.cluster_signals import Step
from podium.sim_instruments.physics.joint.coherent_members import StatesBehindReadings
from podium.sim_instruments.physics.joint.states_at_nodes import StatesAtNodes

Complexes = NDArray[np.complex128]
KEPT_BYTES = 64_000_000
"""Memory of the states behind the first pulses of a block."""


@dataclass(frozen=True, slots=True)
class NumberedStep:
    """A step, and what it is known by."""

    step: Step
    number: int
    """Of the same, the same."""
    alike: int
    """The same for steps that differ in the phases of their drives alone."""


@dataclass(frozen=True, slots=True)
class Way:
    """A start, and what follows it."""

    start: int
    """A joint level, or the number of a state of :class:`.StatesBehindReadings`."""
    since_ns: int
    """The wait before the first step."""
    steps: tuple[NumberedStep, ...]
    ahead: int
    """So many of them are played at the mean of the slow noise, from a level."""


class FollowedStates:
    """Follows states (K, 1, D, D) at the nodes of the slow noise, or at their mean."""

    def __init__(
        self,
        at_nodes: StatesAtNodes,
        at_mean: StatesAtNodes,
        levels: int,
        starts: StatesBehindReadings | None,
    ) -> None:
        """``levels``: how many joint levels there are; ``starts``: of ways that begin otherwise."""
        self._at_nodes, self._at_mean = at_nodes, at_mean
        self._levels, self._starts = levels, starts
        self._known: OrderedDict[int, Complexes] = OrderedDict()
        self._bytes = 0
        self._numbers: dict[object, int] = {}

    def numbered(self, steps: Sequence[Step]) -> tuple[NumberedStep, ...]:
        """Return steps with what they are known by."""
        return tuple(
            NumberedStep(one, self._number(one), self._number((one.wait_ns, one.group)))
            for one in steps
        )

    def follow(self, ways: Sequence[Way]) -> list[Complexes]:
        """Return dressed states (K or 1, 1, D, D) at the end of each way."""
        paths = [self._path(way) for way in ways]
        states: dict[int, Complexes] = {}
        begun: dict[int, Way] = {}
        for way, path in zip(ways, paths, strict=True):
            known = next((number for number in reversed(path) if number in self._known), None)
            if known is None:
                begun[path[0]] = way
            else:
                states[known] = self._known[known]
        self._begin(begun, states)
        ends = {path[-1] for path in paths}
        for n in range(max(len(way.steps) for way in ways)):
            self._step(n, ways, paths, states)
            for path in paths:
                if n < len(path) and path[n] not in ends:
                    states.pop(path[n], None)
        return [states[path[-1]] for path in paths]

    def _path(self, way: Way) -> list[int]:
        """Return the numbers of what has been played, before and behind each step."""
        path = [self._number((way.start, way.since_ns, None))]
        for one in way.steps:
            path.append(self._number((path[-1], one.number)))
        return path

    def _begin(self, begun: Mapping[int, Way], states: dict[int, Complexes]) -> None:
        """Add the states behind the first waits of ways, by number."""
        alike: dict[tuple[int, bool, bool], list[int]] = {}
        for number, way in begun.items():
            is_level = way.start < self._levels
            key = way.since_ns, is_level, is_level and way.ahead > 0
            alike.setdefault(key, []).append(number)
        for (since_ns, is_level, is_mean), numbers in alike.items():
            at = self._at_mean if is_mean else self._at_nodes
            own = [self._begun(at.count, begun[number].start) for number in numbers]
            after = at.wait(np.concatenate(own, axis=1), since_ns, coherent=not is_level)
            self._keep(numbers, after, states)

    def _step(
        self,
        n: int,
        ways: Sequence[Way],
        paths: Sequence[Sequence[int]],
        states: dict[int, Complexes],
    ) -> None:
        """Play step ``n`` of those ways that have come to it; add what is behind it."""
        alike: dict[tuple[int, bool, int], dict[int, tuple[Complexes, Step]]] = {}
        for way, path in zip(ways, paths, strict=True):
            if n >= len(way.steps) or path[n] not in states or path[n + 1] in states:
                continue
            before, one = states[path[n]], way.steps[n]
            is_mean = way.start < self._levels and n < way.ahead and before.shape[0] == 1
            key = one.alike, is_mean, before.shape[0]
            alike.setdefault(key, {})[path[n + 1]] = before, one.step
        for (_, is_mean, _), each in alike.items():
            at = self._at_mean if is_mean else self._at_nodes
            own, steps = zip(*each.values(), strict=True)
            turns = np.array([step.turns for step in steps])
            together = at.spread(np.concatenate(own, axis=1))
            after = at.follow(together, steps[0].wait_ns, steps[0].group, turns)
            self._keep(tuple(each), after, states)

    def _begun(self, nodes: int, start: int) -> Complexes:
        """Return the dressed state (K, 1, D, D) of a start at so many nodes."""
        if start >= self._levels:
            assert self._starts is not None
            return self._starts.state(start)
        state = np.zeros((nodes, 1, self._levels, self._levels), np.complex128)
        state[:, 0, start, start] = 1.0
        return state

    def _number(self, played: object) -> int:
        """Return the number of what has been played: of the same, the same."""
        return self._numbers.setdefault(played, len(self._numbers))

    def _keep(self, numbers: Sequence[int], after: Complexes, states: dict[int, Complexes]) -> None:
        """Keep states (K or 1, C, D, D) by the numbers of what has been played to each."""
        for c, number in enumerate(numbers):
            states[number] = self._known[number] = after[:, c : c + 1].copy()
        self._bytes += after.nbytes
        while self._bytes > KEPT_BYTES and len(self._known) > 1:
            self._bytes -= self._known.popitem(last=False)[1].nbytes
