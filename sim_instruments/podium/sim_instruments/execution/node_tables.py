"""Nodes, edges, windows and decisions of a tree, as its compiled loop reads them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.execution.columns import Column
from podium.sim_instruments.execution.firmware import Decision
from podium.sim_instruments.execution.tree_walk import RULE_SIZE, Nodes, Windows
from podium.sim_instruments.physics.session_plan import Integral, WindowStep


class NodeTables:
    """Tables that grow with a tree."""

    def __init__(self, counters: int) -> None:
        self._node_steps = Column((2,), np.int64)
        self._node_edge = Column((), np.int64, -1)
        self._node_windows = Column((), np.int64)
        self._step = Column((3,), np.int64)
        self._edges = Column((4,), np.int64)
        self._guard = Column((counters, 3), np.int64)
        self._window = Column((4,), np.int64)
        self._turned = Column((), np.complex128)
        self._leaked = Column((), np.complex128)
        self._sigma = Column((), np.float64)
        self._key = Column((), np.uint64)
        self._integral = Column((4,), np.int64)
        self._passed = Column((), np.complex128)
        self._gain = Column((), np.float64)
        self._whole = Column((1, 4), np.complex128)
        self._has_whole = Column((1, 4), np.int64)
        self._decision = Column((2,), np.int64)
        self._rule = Column((RULE_SIZE,), np.float64)
        self.steps: list[WindowStep] = []
        """By number of the window."""
        self.decisions: list[Decision] = []
        self._integrals: list[Integral] = []
        self._integral_of: dict[tuple[int, int, int, int], int] = {}

    def add_node(self, rows: Sequence[tuple[int, int, int]], windows: int) -> None:
        """Add a node with its steps."""
        first = self._step.count
        for row in rows:
            self._step.append(row)
        self._node_steps.append((first, first + len(rows)))
        self._node_edge.append(-1)
        self._node_windows.append(windows)

    def add_edge(
        self,
        node: int,
        code: int,
        child: int,
        apart_ns: int,
        guard: Sequence[tuple[int, int, int]],
    ) -> None:
        """Add an edge behind a node."""
        number = self._edges.append((self._node_edge.all[node], code, child, apart_ns))
        self._guard.append(np.array(guard, np.int64).reshape(-1, 3))
        self._node_edge.all[node] = number

    def add_window(self, step: WindowStep, start_ns: int, index: int) -> int:
        """Add a window, the index-th of its node; return its number."""
        integral = -1 if step.integral is None else self._number_of(step.integral)
        self._turned.append(step.turned)
        self._leaked.append(step.leaked)
        self._sigma.append(step.sigma)
        self._key.append(np.uint64(step.noise_key))
        self.steps.append(step)
        return self._window.append((step.place, integral, start_ns, index))

    def _number_of(self, one: Integral) -> int:
        content = one.qubits[0], one.driven.number, one.number, one.open_at
        number = self._integral_of.setdefault(content, len(self._integrals))
        if number == len(self._integrals):
            self._integrals.append(one)
            many = len(one.qubits)
            if many > self._whole.all.shape[1]:
                for column in (self._whole, self._has_whole):
                    column.widen((many, column.all.shape[2]))
            self._integral.append((one.qubits[0], many, one.length, one.window.duration_ns))
            self._passed.append(one.passed())
            self._gain.append(one.gain)
            self._whole.append(0)
            self._has_whole.append(0)
        return number

    def add_whole(self, number: int, m: int, level: int) -> None:
        """Add what a resonator takes of an integral while its qubit keeps a level."""
        if level >= self._whole.all.shape[2]:
            for column in (self._whole, self._has_whole):
                column.widen((column.all.shape[1], level + 4))
        self._whole.all[number, m, level] = self._integrals[number].taken(m, level)
        self._has_whole.all[number, m, level] = 1

    def integral_of(self, window: int) -> Integral:
        """Return the integral of a window."""
        return self._integrals[int(self._window.all[window, 1])]

    def add_decision(self, decision: Decision, first: int, second: int) -> int:
        """Add a decision by two windows of a node; return its number."""
        self.decisions.append(decision)
        self._rule.append(decision.rule)
        return self._decision.append((first, second))

    def heard_in(self, decision: int) -> NDArray[np.int64]:
        """Return which windows of its node a decision depends on."""
        return np.asarray(self._decision.all[decision], np.int64)

    def edge_columns(self) -> NDArray[np.int64]:
        """Return the columns of all edges."""
        return np.asarray(self._edges.all, np.int64)

    def nodes(self) -> Nodes:
        """Return the tree as it is now."""
        return Nodes(
            self._node_steps.all,
            self._node_edge.all,
            self._node_windows.all,
            self._step.all,
            self._edges.all,
            self._guard.all,
        )

    def windows(self) -> Windows:
        """Return windows, integrals and decisions as they are now."""
        return Windows(
            self._window.all,
            self._turned.all,
            self._leaked.all,
            self._sigma.all,
            self._key.all,
            self._integral.all,
            self._passed.all,
            self._gain.all,
            self._whole.all,
            self._has_whole.all,
            self._decision.all,
            self._rule.all,
        )
