"""The tree of outcomes of a program: each branch is worked out once, shots walk on it.

A node is a halt of the firmware together with all that the world knows of the past; two halts that
go on in the same way are one node. What a walk meets for the first time it asks for: the firmware
goes on from the halt with those outcomes, the world plans what that plays.

Counters are left out of a node. The firmware is run with a counter far from its end, and the edge
holds for all values from which the same steps do not reach the end; where they would, with the
value itself, and the edge holds for that alone.

So is the setting, the point of a sweep: where the firmware goes on without a look at it, the edge
holds for all points. The walk counts settings by their numbers, in the order in which they are met,
as one more counter.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.execution import tree_walk as w
from podium.sim_instruments.execution.firmware import (
    CannotBranch,
    Decision,
    Firmware,
    Halt,
    Reached,
    Unbounded,
    WorldPlan,
)
from podium.sim_instruments.execution.node_tables import NodeTables
from podium.sim_instruments.execution.segment_tables import SegmentTables
from podium.sim_instruments.physics.driven_feedline import LevelPath
from podium.sim_instruments.physics.session_plan import PlanMoment, SegmentStep, WindowStep

FAR: Final = 1 << 30
"""A counter that is far from its end."""
FAR_MAX: Final = 1 << 20
"""Most that a counter goes down between two halts."""
FEW: Final = 256
"""Nodes of which nobody asks how often they are met ..."""
FEW_EACH: Final = 48
"""... and so many more for each setting, or place of a program that is written out: a sweep goes
through all its points before it comes back to the first."""
SETTINGS_MAX: Final = 2_000
"""More, or so many places, are no sweep, or one whose points are hardly met again."""
ANY: Final = (w.MORE, -1, 0)
"""Guard of an edge that holds for all settings, and leaves them as they are."""
WORTH: Final = 4
"""Steps for each node that make a tree worth walking on: below, a run is played as it comes."""
NODES_MAX: Final = 20_000
"""Kept at a time: about 20 kB each."""
DECISIONS_MAX: Final = 60
FIRST_ROOM: Final = 4096


@dataclass(frozen=True, slots=True, eq=False)
class _Node:
    halt: Halt
    moment: PlanMoment
    windows: tuple[WindowStep, ...]
    past: dict[int, int] = field(default_factory=dict)
    """By ns from here: the number of what the world knows of the past then."""


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """All that came of a run."""

    edges: NDArray[np.int64]
    """Those that were taken, in their order."""
    at_ns: NDArray[np.int64]
    """When the halt was at which each began."""
    done: tuple[object, ...]
    """What the firmware did on each edge of the tree."""
    begun: object
    """What the firmware did up to its first halt."""
    begun_ns: int


class OutcomeTree:
    """One run on its tree."""

    def __init__(
        self, firmware: Firmware, begun: Reached, plan: WorldPlan, places: int, scopes: bool
    ) -> None:
        """``begun``: the first halt; ``places``: how many listeners there may be; ``scopes``:
        whether traces are wanted.
        """
        self._firmware, self._plan = firmware, plan
        self._nodes: list[_Node] = []
        self._number_of: dict[Hashable, int] = {}
        self._left: _Node | None = None
        """From which the firmware goes on."""
        self._sought: tuple[Hashable, int] | None = None
        """The content that was looked for last, of the firmware and of the plan."""
        self._pasts: dict[Hashable, int] = {}
        self._places: set[Hashable] = set()
        """Of the program, where halts were."""
        self._settings: list[Hashable] = []
        self._setting_of: dict[Hashable, int] = {}
        self._done: list[object] = []
        self._window_count = 0
        """Of the node that is being made."""
        if begun.halt is None:
            raise CannotBranch("nothing is asked")
        self._begun = begun
        self._counters = len(begun.counters)
        self._tables = NodeTables(self._counters + 1)
        self._segments: SegmentTables | None = None
        first = self._node(begun.halt)
        self._segments = self._filled()
        counters = *begun.counters, self._setting(begun.setting)
        self._walker = self._walker_of(first, counters, places, scopes)

    def _setting(self, setting: Hashable) -> int:
        """Return the number of a setting."""
        number = self._setting_of.setdefault(setting, len(self._settings))
        if number == len(self._settings):
            if number >= SETTINGS_MAX:
                raise CannotBranch("hardly two shots are alike in their settings")
            self._settings.append(setting)
        return number

    def _filled(self) -> SegmentTables:
        if self._segments is None:
            self._segments = SegmentTables(self._plan.qubits)
        return self._segments

    def _walker_of(
        self, first: int, counters: tuple[int, ...], places: int, scopes: bool
    ) -> w.Walker:
        qubits = len(self._plan.qubits)
        where = np.zeros(w.WHERE_SIZE, np.int64)
        where[w.NODE], where[w.DECIDED], where[w.SEEN] = first, -1, scopes
        where[w.AT_NS] = self._nodes[first].halt.at_ns
        return w.Walker(
            run=np.array([self._plan.run], np.uint64),
            where=where,
            needs=np.zeros(4, np.int64),
            state=self._filled().first_states(),
            readings=np.zeros(qubits, np.int64),
            epoch_end=self._filled().epoch_ends(),
            path=np.zeros((qubits, 2), np.int64),
            changes=np.zeros((qubits, w.PATH_ROOM, 2), np.int64),
            counters=np.array(counters, np.int64),
            counts=np.zeros(places, np.int64),
            values=np.zeros((places, FIRST_ROOM), np.complex128),
            starts=np.zeros((places, FIRST_ROOM), np.int64),
            log=np.zeros(FIRST_ROOM, np.int64),
            last=np.zeros(1024, np.complex128),
            given=np.zeros(1, np.complex128),
            seen_node=np.full((places, 2), -1, np.int64),
            seen_path=np.zeros((places, qubits, 2), np.int64),
            seen_changes=np.zeros((places, qubits, w.PATH_ROOM, 2), np.int64),
            jumps=np.zeros((w.JUMP_ROOM, 3), np.int64),
        )

    def walk(self) -> Walked:
        """Walk to the end of the program. Raises CannotBranch, and whatever the world refuses."""
        segments, tables = self._filled(), self._tables
        while True:
            status = w.walk_on(
                tables.nodes(),
                segments.segments(),
                segments.qubits(),
                tables.windows(),
                self._walker,
            )
            first, second, third = self._walker.needs.tolist()[:3]
            if status == w.OVER:
                return self._walked()
            if status == w.NEEDS_EDGE:
                self._add_edge()
            elif status == w.NEEDS_MOVE:
                segments.add_move(first, int(self._walker.state[first]), second)
            elif status == w.NEEDS_EPOCH:
                self._walker.epoch_end[first] = segments.reach(first, second)
            elif status == w.NEEDS_POPULATIONS:
                segments.add_populations(first, second)
            elif status == w.NEEDS_AFTER:
                segments.add_after(first, second, third)
            elif status == w.NEEDS_WHOLE:
                tables.add_whole(first, second, third)
            elif status == w.NEEDS_VALUE:
                self._walker.given[0] = tables.integral_of(first).along(self._paths(first))
                self._walker.where[w.GIVEN] = 1
            elif status == w.NEEDS_DECISION:
                self._walker.where[w.DECIDED] = self._decided(first)
            else:
                self._make_room()

    def _paths(self, window: int) -> list[LevelPath]:
        integral = self._tables.integral_of(window)
        return _paths(self._walker.path, self._walker.changes, integral.qubits)

    def _decided(self, number: int) -> int:
        decision = self._tables.decisions[number]
        value0, value1 = self._walker.last[self._tables.heard_in(number)].tolist()
        return int(decision.exactly(value0, value1))

    def _make_room(self) -> None:
        walker = self._walker
        self._walker = walker._replace(
            values=np.concatenate([walker.values, np.zeros_like(walker.values)], axis=1),
            starts=np.concatenate([walker.starts, np.zeros_like(walker.starts)], axis=1),
            log=np.concatenate([walker.log, np.zeros_like(walker.log)]),
        )

    def _add_edge(self) -> None:
        walker = self._walker
        logged = int(walker.where[w.LOGGED])
        few = FEW + FEW_EACH * (max(len(self._settings), len(self._places)) - 1)
        many = len(self._nodes) > few or len(self._places) > SETTINGS_MAX
        if many and logged < WORTH * len(self._nodes):
            raise CannotBranch("hardly two shots are alike")
        number = int(walker.where[w.NODE])
        node, code = self._nodes[number], int(walker.where[w.CODE])
        self._left = node
        bits = [code >> k & 1 for k in range(int(walker.where[w.DECISIONS]))]
        reached, guard = self._followed(node, bits, walker.counters.tolist())
        child, apart_ns = w.END, 0
        if reached.halt is not None:
            child = self._node(reached.halt)
            apart_ns = reached.halt.at_ns - node.halt.at_ns
        self._tables.add_edge(number, code, child, apart_ns, guard)
        self._done.append(reached.done)

    def _followed(
        self, node: _Node, bits: list[int], actual: list[int]
    ) -> tuple[Reached, list[tuple[int, int, int]]]:
        """Let the firmware go on; return how far, and for which counters and setting that holds.

        ``actual``: the counters, then the number of the setting.
        """
        exact: set[int] = set()
        *_, number = actual
        setting = self._settings[number]
        while True:
            tried = [actual[c] if c in exact else FAR for c in range(self._counters)]
            bounded = len(exact) == self._counters
            try:
                reached = self._firmware.go_on(
                    node.halt.moment, bits, tried, setting, self._is_known, bounded=bounded
                )
            except Unbounded as endless:
                exact |= self._innermost(endless.loops, exact, actual)
                continue
            guard: list[tuple[int, int, int]] = []
            for c, after in enumerate(reached.counters):
                down = FAR - after
                if c in exact:
                    guard.append((w.EXACTLY, actual[c], after))
                elif 0 <= down < FAR_MAX and actual[c] > down:
                    guard.append((w.MORE, down, down))
                else:
                    exact.add(c)
            if len(guard) == self._counters:
                after = self._setting(reached.setting)
                guard.append((w.EXACTLY, number, after) if reached.used else ANY)
                return reached, guard

    def _innermost(
        self, loops: Sequence[Sequence[int]], exact: set[int], actual: list[int]
    ) -> set[int]:
        """Return the counter of each loop, not exact so far, that has the least to go.

        Most likely it is the innermost.
        """
        left = [[c for c in loop if c not in exact] for loop in loops]
        if not any(left):
            left = [[c for c in range(self._counters) if c not in exact]]
        return {min(loop, key=lambda c: actual[c]) for loop in left if loop}

    def _is_known(self, content: Hashable, at_ns: int) -> bool:
        """Tell whether there is a node of a halt behind the one that was left."""
        self._sought = content, self._past(at_ns)
        return self._sought in self._number_of

    def _past(self, at_ns: int) -> int:
        """Return the number of what the world knows of the past at a time behind that halt."""
        left = self._left
        since_ns = 0 if left is None else at_ns - left.halt.at_ns
        found = None if left is None else left.past.get(since_ns)
        if found is None:
            if left is not None:
                self._plan.go_back(left.moment)
            found = self._pasts.setdefault(self._plan.content(at_ns), len(self._pasts))
            if left is not None:
                left.past[since_ns] = found
        return found

    def _node(self, halt: Halt) -> int:
        """Return the number of the node of a halt behind the one that was left."""
        if self._sought is None or self._sought[0] is not halt.content:
            self._is_known(halt.content, halt.at_ns)
        content = self._sought
        number = self._number_of.get(content)
        if number is not None:
            return number
        number = len(self._nodes)
        if number >= NODES_MAX or len(halt.decisions) > DECISIONS_MAX:
            raise CannotBranch("the tree has too many branches")
        if self._left is not None:
            self._plan.go_back(self._left.moment)
        steps = self._plan.go_on(halt.drives, halt.captures, halt.listeners, halt.at_ns)
        windows = tuple(step for step in steps if isinstance(step, WindowStep))
        self._window_count = 0
        rows = [self._row(step, halt) for step in steps]
        if len(windows) > 1024:
            raise CannotBranch("more than 1024 windows are asked for at a time")
        found = {(step.train, step.element): k for k, step in enumerate(windows)}
        rows += [self._decision(one, found) for one in halt.decisions]
        self._tables.add_node(rows, len(windows))
        self._number_of[content] = number
        self._places.add(halt.place)
        self._nodes.append(_Node(halt, self._plan.moment(), windows))
        return number

    def _row(self, step: SegmentStep | WindowStep, halt: Halt) -> tuple[int, int, int]:
        if isinstance(step, SegmentStep):
            return w.SEGMENT, step.qubit, self._filled().number_of(step.qubit, step.segment)
        start_ns = int(halt.captures[step.train].start_ns[step.element]) - halt.at_ns
        number = self._tables.add_window(step, start_ns, self._window_count)
        self._window_count += 1
        return w.WINDOW, number, 0

    def _decision(
        self, decision: Decision, found: dict[tuple[int, int], int]
    ) -> tuple[int, int, int]:
        first, second = (found[one] for one in decision.windows)
        return w.DECIDE, self._tables.add_decision(decision, first, second), 0

    def _walked(self) -> Walked:
        walker, tables = self._walker, self._tables
        edges = walker.log[: int(walker.where[w.LOGGED])].copy()
        apart = tables.edge_columns()[edges, 3]
        begun_ns = self._nodes[0].halt.at_ns
        at_ns = begun_ns + np.concatenate([np.zeros(1, np.int64), np.cumsum(apart[:-1])])
        return Walked(
            edges,
            at_ns,
            tuple(self._done),
            self._begun.done,
            begun_ns,
        )

    def heard(self, place: int) -> tuple[NDArray[np.int64], NDArray[np.complex128]]:
        """Return when each window of a listener opened, ns, and its value, in the order asked."""
        count = int(self._walker.counts[place])
        return self._walker.starts[place, :count], self._walker.values[place, :count]

    def values(self, place: int, opened_ns: NDArray[np.int64]) -> NDArray[np.complex128]:
        """Return a listener's values in the order of time.

        Raises CannotBranch where its windows were not opened at just these times, ascending.
        """
        starts, values = self.heard(place)
        order = np.argsort(starts, kind="stable")
        if not np.array_equal(starts[order], opened_ns):
            raise CannotBranch("windows were walked that nobody opens")
        return np.asarray(values[order], np.complex128)

    def remember(self, place: int) -> None:
        """Let the world show a trace of the last window of a listener."""
        number, window = self._walker.seen_node[place].tolist()
        if number < 0:
            return
        node, step = self._nodes[number], self._tables.steps[window]
        first = self._plan.qubits
        paths: list[LevelPath] = []
        if step.integral is not None:
            changes = self._walker.seen_changes[place]
            paths = _paths(self._walker.seen_path[place], changes, step.integral.qubits)
        else:
            paths = [LevelPath(0) for _ in first]
        self._plan.go_back(node.moment)
        _, values = self.heard(place)
        self._plan.remember(step, paths, complex(values[-1]))


def _paths(
    path: NDArray[np.int64], changes: NDArray[np.int64], qubits: tuple[int, ...]
) -> list[LevelPath]:
    found: list[LevelPath] = []
    for q in qubits:
        level, count = path[q].tolist()
        if count > w.PATH_ROOM:
            raise CannotBranch("a qubit jumps too often")
        at, to = changes[q, :count, 0].tolist(), changes[q, :count, 1].tolist()
        found.append(LevelPath(level, at, to))
    return found
