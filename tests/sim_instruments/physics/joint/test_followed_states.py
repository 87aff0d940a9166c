"""States that are followed side by side, against each by itself."""

from collections.abc import Callable

import numpy as np
import pytest
from tests.benches.physics.five_transmons import Row

from podium.sim_instruments.physics.joint.cluster_signals import intervals_of
from podium.sim_instruments.physics.joint.group_player import GroupPlayer
from podium.sim_instruments.physics.joint.joint_blocks import JointColumns, joint_blocks
from podium.sim_instruments.physics.joint.joint_walk import FEWEST_SEEN, _likely
from podium.sim_instruments.physics.joint.slow_noise_nodes import noise_nodes

AXES = (0.0, 0.1, 0.1, 0.35)
"""Turns of the second transmon's drive against the first's, of a block each."""
STARTS = (0, 1, 4)


def columns_of_blocks() -> Callable[[], JointColumns]:
    """Return what makes columns of blocks that differ in phases, and one in a flux pulse."""
    row = Row(2, 33e-6)
    lit = []
    for number, axis in enumerate(AXES):
        row.turn([0], 0.5)
        row.turn([1], 0.5, axis)
        if number == 2:
            row.cz(0)
        row.turn([0, 1], 0.25, 0.2)
        lit.append(row.now_ns + 20)
        row.now_ns += 4_000
    point, members = row.point(), row.signals()
    intervals = intervals_of(members)
    begins = np.array(lit)
    blocks = joint_blocks(intervals, begins, begins + 1_500, point.frame_hz, "both")
    assert blocks.example.size == len(AXES)
    nodes = [noise_nodes((2e4, 6e4), 1_000.0), noise_nodes((-1e4, 5e4), 1_000.0)]
    return lambda: JointColumns(point, members, intervals, blocks, nodes)


def test_blocks_side_by_side_come_to_what_each_comes_to_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = columns_of_blocks()
    pairs = [(kind, start) for kind in range(len(AXES)) for start in STARTS]
    alone = {pair: made().column(*pair) for pair in pairs}
    passes = []
    play = GroupPlayer.play

    def counted(player, state, group):
        passes.append(group)
        return play(player, state, group)

    monkeypatch.setattr(GroupPlayer, "play", counted)
    one_by_one = made()
    for pair in pairs:
        one_by_one.column(*pair)
    each = len(passes)
    passes.clear()
    together = made().columns(pairs[0], pairs[1:])
    assert together.keys() == alone.keys()
    for pair in pairs:
        assert np.abs(together[pair] - alone[pair]).max() < 1e-12
        assert abs(together[pair].sum() - 1.0) < 1e-6
    assert len(passes) * len(STARTS) <= each
    assert np.abs(alone[0, 0] - alone[0, 1]).max() > 0.01
    assert np.abs(alone[1, 0] - alone[2, 0]).max() > 0.01


def test_what_is_known_already_is_gone_on_from() -> None:
    made = columns_of_blocks()
    whole = made().columns((0, 0), [(2, 0), (1, 1)])
    columns = made()
    columns.column(0, 0)
    columns.column(1, 1)
    again = columns.columns((0, 0), [(2, 0), (1, 1), (0, 0)])
    for pair, populations in whole.items():
        assert np.abs(again[pair] - populations).max() < 1e-12


def test_what_is_likely_is_asked_for_before_it_comes() -> None:
    """Of 100 readings of a kind a tenth begins from level 2, and one of 200 from level 3."""
    coming = np.array([1, 0, 1, 2], np.int64)
    outcomes = np.repeat([0, 2, 3], [179, 20, 1])
    number = np.full((4, 4), -1, np.int64)
    number[0, 0] = 7
    times = np.array([100, 100, 4, 100])
    found = _likely(coming, outcomes, times, number)
    assert found == [(0, 2), (1, 0), (1, 2), (2, 0)]
    assert _likely(coming, outcomes[: FEWEST_SEEN - 1], times, number) == []
