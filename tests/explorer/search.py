"""Goes through the states of a world: fewest faults first, then fewest steps.

``python -m tests.explorer --states 100000 --scenario "two nodes, two jobs"`` does so by itself.

A state that was seen is known by the 64 bits of its fingerprint. What led to each is kept as a
number, so that the shortest way to what breaks an invariant can be walked again and said.
"""

import time
from array import array
from collections import Counter
from dataclasses import dataclass, field

from tests.explorer.parts import Next, State
from tests.explorer.world import World


@dataclass
class Found:
    """What came of an exploration."""

    states: int = 0
    steps: int = 0
    faults: int = 0
    """All histories with fewer than so many faults were gone through."""
    deepest: int = 0
    seconds: float = 0.0
    ended: bool = False
    """Whether no state was left."""
    kinds: Counter[str] = field(default_factory=Counter)
    """Faults by kind, counted once for each step."""
    broken: tuple[tuple[str, str], ...] = ()
    trace: tuple[str, ...] = ()
    """How it came to that, in plain words."""
    sample: list[State] = field(default_factory=list)

    def __str__(self) -> str:
        rate = self.states / self.seconds if self.seconds else 0
        return (
            f"{self.states} states, {self.steps} steps, all with fewer than {self.faults} faults, "
            f"up to {self.deepest} steps deep, {self.seconds:.1f} s, {rate:.0f} states a second"
        )


class Search:
    """Explores a world; :meth:`run` once."""

    def __init__(self, world: World, most: int, *, sample: int = 0) -> None:
        """``most``: states; ``sample``: so many of them are kept, evenly spread."""
        self.world = world
        self._most = most
        self._every = max(1, most // sample) if sample else 0
        self._seen: set[int] = set()
        self._fingerprints = array("q")
        self._parents = array("q")

    def run(self) -> Found:
        found = Found()
        begun_s = time.perf_counter()
        layer: dict[int, tuple[State, int, int]] = {
            hash(self.world.first): (self.world.first, -1, 0)
        }
        while layer and len(self._seen) < self._most and not found.broken:
            last = found.faults >= self.world.scenario.faults
            layer = self._layer(layer, found, with_faults=not last)
            if len(self._seen) < self._most:  # what was cut off was not gone through
                found.faults += 1
        found.ended = not layer and len(self._seen) < self._most
        found.states = len(self._seen)
        found.seconds = time.perf_counter() - begun_s
        return found

    def _layer(
        self, begin: dict[int, tuple[State, int, int]], found: Found, *, with_faults: bool
    ) -> dict[int, tuple[State, int, int]]:
        """Go through all that follows without a further fault; return what follows with one."""
        seen, world, most = self._seen, self.world, self._most
        by_depth: dict[int, list[tuple[State, int]]] = {}
        for fingerprint, (state, parent, depth) in begin.items():
            if fingerprint not in seen and len(seen) < most:
                seen.add(fingerprint)
                by_depth.setdefault(depth, []).append((state, self._noted(fingerprint, parent)))
        after: dict[int, tuple[State, int, int]] = {}
        while by_depth:
            depth = min(by_depth)
            found.deepest = max(found.deepest, depth)
            following: list[tuple[State, int]] = by_depth.setdefault(depth + 1, [])
            for state, number in by_depth.pop(depth):
                if self._every and number % self._every == 0:
                    found.sample.append(state)
                room = len(after) + len(seen) < most
                for one in world.next(state, with_faults and room):
                    found.steps += 1
                    if one.broken:
                        found.broken = one.broken
                        found.trace = (*self._way_to(number), one.what)
                        return {}
                    fingerprint = hash(one.state)
                    if fingerprint in seen:
                        continue
                    if one.kind:
                        found.kinds[one.kind] += 1
                        if fingerprint not in after and len(after) + len(seen) < most:
                            after[fingerprint] = one.state, number, depth + 1
                    else:
                        seen.add(fingerprint)
                        following.append((one.state, self._noted(fingerprint, number)))
                if len(seen) >= most:
                    return {}
            if not following:
                del by_depth[depth + 1]
        return after

    def _noted(self, fingerprint: int, parent: int) -> int:
        self._fingerprints.append(fingerprint)
        self._parents.append(parent)
        return len(self._parents) - 1

    def _way_to(self, number: int) -> list[str]:
        """Walk the way to a state again and say its steps."""
        way = []
        while number >= 0:
            way.append(self._fingerprints[number])
            number = self._parents[number]
        state, words = self.world.first, []
        for fingerprint in reversed(way[:-1]):
            step = self._step_to(state, fingerprint)
            words.append(step.what)
            state = step.state
        return words

    def _step_to(self, state: State, fingerprint: int) -> Next:
        steps = self.world.next(state, faults=True)
        return next(one for one in steps if hash(one.state) == fingerprint)
