"""Two nodes start together through ``podium up``, each agent a process of its own."""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from tests.benches.command_line import answer_of
from tests.benches.nodes.podium_up import PODIUM, Up
from tests.benches.nodes.triggered import Node, together
from tests.benches.nodes.two_nodes_up import TWO_NODES, in_time

from podium.control.client.facility_access import join_facility
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
    for line in answer_of("twin", "played", "--endpoints", up.endpoints).splitlines():
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


def calibrating(up: Up, node: str, folder: Path) -> "subprocess.Popen[str]":
    """Start ``podium calibrate`` of a node's first qubit."""
    words = [f"{node}.q0", "--state", up.state, "--out", folder / node]
    command = [*PODIUM, "calibrate", TWO_NODES, *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(list(map(str, command)), stdout=pipe, stderr=pipe, text=True)


@pytest.mark.slow
def test_two_nodes_calibrate_at_once_and_the_page_shows_and_stops_both(up, tmp_path) -> None:
    address, key = up.page()
    with ExitStack() as stack:
        page = stack.enter_context(httpx.Client(base_url=address, headers=key, timeout=60))
        nodes = ("node_a", "node_b")
        working = {one: stack.enter_context(calibrating(up, one, tmp_path)) for one in nodes}

        def cards() -> dict[str, dict]:
            return {one["nodes"][0]: one for one in page.get("/api/state").json()["runs"]}

        def until(condition) -> dict[str, dict]:
            give_up = time.monotonic() + 120
            while not condition(shown := cards()):
                assert time.monotonic() < give_up, (shown, up.log.read_text())
                time.sleep(0.05)
            return shown

        def at_work() -> bool:
            ended = [one.communicate() for one in working.values() if one.poll() is not None]
            assert not ended, ended
            shown = cards()
            return set(shown) == set(nodes) and all(one["run"] for one in shown.values())

        try:
            while not at_work():
                time.sleep(0.05)
            shown = cards()
            for node, card in shown.items():
                assert card["nodes"] == [node]
                assert (card["state"], card["steps"] > 1) == ("on", True)
                assert 1 <= card["step"] <= card["steps"]
                assert card["doing"]
            doing = {one["name"]: one["doing"] for one in page.get("/api/state").json()["nodes"]}
            assert all("step" in doing[node] for node in nodes)
            whole = page.get("/").text
            for node in nodes:
                assert f'data-stop="{shown[node]["id"]}"' in whole
                headers = {"X-Podium-Page": "stop", "Origin": address.rstrip("/")}
                answer = page.post(f"/api/runs/{shown[node]['id']}/stop", headers=headers)
                assert answer.status_code == 200, answer.text
                assert working[node].wait(60) == 1
                assert "stopped on the page" in working[node].communicate()[1]
                until(lambda one, node=node: node not in one)
                assert all(working[one].poll() is None for one in nodes[nodes.index(node) + 1 :])
        finally:
            for process in working.values():
                process.kill()
    assert up.status()[0] == 0
