"""Two nodes of the example start together: agents, drivers and twins as a facility has them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.control.triggered_bench import Node, together
from tests.control.two_nodes_up import TWO_NODES, TwoNodes, two_nodes_up

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import write_world

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

A, B = Node("a"), Node("b")
TOGETHER_NS = 12
"""Uncorrected: a sample of either input, both clocks and cables."""


@pytest.fixture(scope="module")
def twin_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("two_nodes") / "twin.yaml"
    write_world(sample(TWO_NODES, 3), path)
    return path


@pytest.fixture
async def up(twin_file, tmp_path) -> AsyncIterator[TwoNodes]:
    async with two_nodes_up(twin_file, tmp_path) as here:
        yield here


async def test_both_nodes_play_within_a_few_ns_of_each_other(up) -> None:
    data = await up.run(together([A, B]))
    a, b = (up.began(f"cluster_{one}", "slot2.out0") for one in "ab")
    assert abs(b - a) < TOGETHER_NS * FS_PER_NS
    print(data.attrs, b - a)
    assert set(up.played()) == {"cluster_a", "cluster_b", "wrtd_a", "wrtd_b"}, "the room stays out"
