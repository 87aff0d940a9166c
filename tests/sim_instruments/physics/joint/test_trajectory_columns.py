"""Trajectories of a cluster, against its density matrix where that is small enough."""

import numpy as np
import pytest
from tests.benches.physics.five_transmons import Row
from tests.benches.thoroughness import sampled

from podium.sim_instruments.physics.joint.block_steps import block_steps
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.cluster_signals import Group, GroupSteps, intervals_of
from podium.sim_instruments.physics.joint.joint_blocks import JointColumns, joint_blocks
from podium.sim_instruments.physics.joint.slow_noise_nodes import noise_nodes
from podium.sim_instruments.physics.joint.trajectory_columns import TrajectoryColumns
from podium.sim_instruments.physics.joint.trajectory_groups import (
    DrivenPart,
    HeldPart,
    TrajectoryGroups,
)
from podium.sim_instruments.physics.noise import Quadrature, quadrature

NONE_HZ = quadrature(0.0)


def columns(
    row: Row, waits_ns: int = 0, nodes: Quadrature = NONE_HZ, span_ns: float = 1.0
) -> tuple[JointColumns, TrajectoryColumns, ClusterPoint]:
    """Return a row's columns by density matrices and by trajectories, and its point."""
    point = row.point()
    members = row.signals()
    intervals = intervals_of(members)
    lit = np.array([row.now_ns + waits_ns])
    blocks = joint_blocks(intervals, lit, lit + 1500, point.frame_hz, "all")
    exact = JointColumns(point, members, intervals, blocks, [nodes] * row.count)
    drawn = TrajectoryColumns(point, members, intervals, blocks, [(nodes, span_ns)] * row.count)
    return exact, drawn, point


def apart(row: Row, *starts: tuple[int, ...], waits_ns: int = 0) -> float:
    """Return by how much populations differ at most."""
    exact, drawn, point = columns(row, waits_ns)
    numbers = [point.basis.index(*start) for start in starts]
    return max(float(np.abs(exact.column(0, n) - drawn.column(0, n)).max()) for n in numbers)


@pytest.mark.parametrize(
    ("t1_s", "most"),
    sampled([(1.0, 1e-5), (33e-6, 4e-4), (4e-6, 1e-3)], kept=[(33e-6, 4e-4)]),
)
def test_two_transmons_come_to_the_populations_of_their_density_matrix(
    t1_s: float, most: float
) -> None:
    """At 4 us every third shot loses an excitation, or is dephased."""
    row = Row(2, t1_s)
    row.ghz()
    row.turn([0, 1], 0.5, 0.1)
    assert apart(row, (0, 0), (1, 0), waits_ns=300) < most


@pytest.mark.parametrize(
    ("t1_s", "most"), sampled([(1.0, 1e-5), (6e-6, 1e-3)], kept=[(6e-6, 1e-3)])
)
def test_three_transmons_do(t1_s: float, most: float) -> None:
    row = Row(3, t1_s)
    row.turn([0, 1], 0.5, 0.25)
    row.cz(0)
    row.turn([2], 0.5, 0.25)
    row.cz(1)
    for k in range(3):
        row.turn([k], 0.5, 0.1)
    assert apart(row, (0, 0, 0)) < most


def test_slow_noise_is_in_the_mean() -> None:
    """It dephases a superposition of one by a third in a microsecond."""
    row = Row(2, 1.0)
    row.turn([0], 0.5)
    row.now_ns += 1_000
    row.turn([0], 0.5)
    noise = noise_nodes((0.0, 150e3), 1_100.0)
    exact, drawn, _ = columns(row, 0, noise, 1_100.0)
    still, _, _ = columns(row)
    assert np.abs(exact.column(0, 0) - drawn.column(0, 0)).max() < 5e-4
    assert np.abs(exact.column(0, 0) - still.column(0, 0)).max() > 0.1


def test_drives_that_share_a_neighbour_are_played_row_by_row() -> None:
    row = Row(3)
    row.turn([0, 1], 0.5)
    row.turn([0], 0.5)
    row.turn([2], 0.5)
    members = row.signals()
    groups = TrajectoryGroups(row.point(), GroupSteps(row.point(), members))
    first, alone, far = (groups.prepared(one) for one in _groups(row))
    assert all(isinstance(part, HeldPart) for _, part in first.parts)
    assert all(isinstance(part, DrivenPart) for one in (alone, far) for _, part in one.parts)


def _groups(row: Row) -> list[Group]:
    members = row.signals()
    intervals = intervals_of(members)
    lit = np.array([row.now_ns])
    blocks = joint_blocks(intervals, lit, lit + 1500, row.point().frame_hz, "all")
    _, rows, _ = blocks.rows(intervals, 0)
    assert rows is not None
    return [step.group for step in block_steps(rows, row.count, row.point().frame_hz)]


def test_a_world_plays_a_ghz_state_of_five_and_the_same_for_the_same_seed() -> None:
    row = Row()
    row.ghz()
    answers, again = (row.world().play(row.run(50)) for _ in range(2))
    for answer, same in zip(answers, again, strict=True):
        assert answer.integrated.size == 50
        assert np.array_equal(answer.integrated, same.integrated)
