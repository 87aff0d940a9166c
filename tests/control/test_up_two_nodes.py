"""Two nodes start together through ``podium up``, each agent a process of its own."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from tests.control.triggered_bench import Node, together
from tests.control.two_nodes_up import TWO_NODES, in_time
from tests.control.upped import Up, podium

from podium.control.lab import join_facility
from podium.firmware_interfaces.exact_time import FS_PER_NS

TOGETHER_NS = 12
"""Uncorrected: a sample of either input, both clocks and cables."""


@pytest.fixture(scope="module")
def up(tmp_path_factory) -> Iterator[Up]:
    up = Up(tmp_path_factory.mktemp("up"), TWO_NODES, 14)
    yield up
    up.close()


def began_fs(up: Up, connector: str) -> dict[str, list[int]]:
    """Return by instrument when runs have begun to leave a connector, TAI."""
    found: dict[str, list[int]] = {}
    for line in podium("twin", "played", "--endpoints", up.endpoints).stdout.splitlines():
        one = json.loads(line)
        if one["connector"] == connector:
            found.setdefault(one["instrument"], []).append(one["at_fs"][0])
    return found


async def test_both_nodes_play_by_one_start_between_processes(up) -> None:
    coordinator = json.loads(up.state.read_text())["coordinator"]
    async with join_facility(TWO_NODES, coordinator, up.endpoints) as lab:
        program = together([Node("a"), Node("b")])
        data = await in_time(lab, lambda: lab.run(program, corrected=False))
        assert set(json.loads(data.attrs["starts"])) == {"cluster_a", "cluster_b"}
        seen = await in_time(lab, lambda: lab.loopback(starts={}))
    for counts in seen.counts.values():
        assert counts.tolist() == [1] * 16
    for connector in ("slot2.out0", "slot4.marker2"):
        began = await asyncio.to_thread(began_fs, up, connector)
        # the latest counts: starts before it may have been partial, and were discarded
        apart_fs = began["cluster_b"][-1] - began["cluster_a"][-1]
        assert abs(apart_fs) < TOGETHER_NS * FS_PER_NS
    kept = up.state.with_suffix(".epochs")
    assert {file.stem for file in kept.glob("*.json")} == {
        *("ticks_a", "ticks_b", "ticks_tagger", "plane_a", "plane_b", "plane_room")
    }
