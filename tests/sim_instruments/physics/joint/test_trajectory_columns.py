"""Trajectories of a cluster, against its density matrix where that is small enough."""

import time

import numpy as np
import pytest
from tests.benches.physics.five_transmons import Row

from podium.sim_instruments.physics.joint.cluster_signals import intervals_of
from podium.sim_instruments.physics.joint.joint_blocks import JointColumns, joint_blocks
from podium.sim_instruments.physics.joint.trajectory_columns import TrajectoryColumns
from podium.sim_instruments.physics.noise import Quadrature, quadrature

NONE_HZ = quadrature(0.0)


def columns(row: Row, waits_ns: int = 0, nodes: Quadrature = NONE_HZ, span_ns: float = 1.0):
    """Return a row's columns by density matrices and by trajectories, and its point."""
    point = row.point()
    members = row.signals()
    intervals = intervals_of(members)
    lit = np.array([row.now_ns + waits_ns])
    blocks = joint_blocks(intervals, lit, lit + 1500, point.frame_hz, "all")
    exact = JointColumns(point, members, intervals, blocks, [nodes] * row.count)
    drawn = TrajectoryColumns(point, members, intervals, blocks, [(nodes, span_ns)] * row.count)
    return exact, drawn, point


def apart(row: Row, *starts: tuple[int, ...], **others) -> float:
    """Return by how much populations differ at most."""
    exact, drawn, point = columns(row, **others)
    found = []
    for start in starts:
        number = point.basis.index(*start)
        t = time.process_time()
        a = exact.column(0, number)
        t1 = time.process_time()
        b = drawn.column(0, number)
        print(start, t1 - t, time.process_time() - t1, np.abs(a - b).max(), a.max(), b.sum())
        found.append(np.abs(a - b).max())
    return float(max(found))


@pytest.mark.parametrize(("t1_s", "most"), [(1.0, 1e-4), (33e-6, 5e-4), (4e-6, 2e-3)])
def test_two_transmons_come_to_the_populations_of_their_density_matrix(t1_s, most) -> None:
    row = Row(2, t1_s)
    row.ghz()
    row.turn([0, 1], 0.5, 0.1)
    assert apart(row, (0, 0), (1, 0), waits_ns=300) < most


@pytest.mark.parametrize(("t1_s", "most"), [(1.0, 1e-4), (6e-6, 2e-3)])
def test_three_transmons_do(t1_s, most) -> None:
    row = Row(3, t1_s)
    row.turn([0, 1], 0.5, 0.25)
    row.cz(0)
    row.turn([2], 0.5, 0.25)
    row.cz(1)
    row.turn([0, 1, 2], 0.5, 0.1)
    assert apart(row, (0, 0, 0)) < most
