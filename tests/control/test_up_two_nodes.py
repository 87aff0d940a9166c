"""Two nodes through ``podium up``, each agent a process of its own.

They start together, and what happens to one agent's process does not touch the other's.
"""

import asyncio
import json
import os
import signal
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
from tests.benches.thoroughness import sampled

from podium.control.bus.zenoh_config import LEASE_MS
from podium.control.client.facility_access import join_facility
from podium.control.client.lab import Lab
from podium.control.coordinator.agent_directory import GONE_S
from podium.control.program.program import Program
from podium.control.runs.errors import RunError
from podium.firmware_interfaces.exact_time import FS_PER_NS

NOTICED_S = 1.0
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


# One of them is killed, or stands still


def agent_pid(up: Up, name: str) -> int:
    return up.child("agent", "--name", name).pid


async def noticed_s(lab: Lab, agent: str) -> tuple[float, str]:
    """Return after how long the status says that an agent is missing, and its words."""
    begun = time.monotonic()
    while True:
        missing = [one for one in (await lab.status()).missing if one.startswith(f"agent {agent}")]
        if missing:
            return time.monotonic() - begun, missing[0]
        assert time.monotonic() - begun < 20
        await asyncio.sleep(0.02)


async def back(lab: Lab, agent: str) -> None:
    """Return once an agent is there again, and all its instruments."""
    async with asyncio.timeout(60):
        while True:
            status = await lab.ready(60)
            here = [one.agent for one in status.agents]
            if agent in here and not status.missing:
                return


def test_every_node_has_an_agent_and_the_room_one(up) -> None:
    code, status = up.status()
    assert code == 0
    owned = {one["agent"]: [box["name"] for box in one["instruments"]] for one in status["agents"]}
    assert owned == {
        "node_a": ["cluster_a", "bias_q0", "lo_q2", "wrtd_a"],
        "node_b": ["cluster_b", "bias_b0", "lo_b2", "wrtd_b"],
        "room": ["thermometry_a", "thermometry_b", "rubidium", "switch", "tagger", "wrtd_room"],
    }
    told = answer_of("status", up.facility, "--state", up.state)
    assert "agent node_b: idle" in told


def coordinator_of(up: Up) -> str:
    return str(json.loads(up.state.read_text())["coordinator"])


@pytest.mark.parametrize("how", sampled([signal.SIGKILL, signal.SIGSTOP], kept=[signal.SIGSTOP]))
async def test_a_dead_or_frozen_agent_is_noticed_and_the_other_goes_on(up, how, trial) -> None:
    address, key = up.page()
    async with join_facility(up.facility, coordinator_of(up)) as lab, asyncio.timeout(120):
        await lab.run(trial())  # compiled once, and loaded
        long = trial(shots=10**6, port="node_b.q0.drive", readout="node_b.q0.readout")
        pid = agent_pid(up, "node_b")
        begun = asyncio.Event()
        running = asyncio.create_task(measure(lab, long, begun))
        await begun.wait()
        os.kill(pid, how)
        try:
            killed = time.monotonic()
            took_s, said = await noticed_s(lab, "node_b")
            assert took_s < NOTICED_S, said
            with pytest.raises(RunError, match="agent node_b is lost: "):
                await running
            given_up_s = LEASE_MS / 1000 + GONE_S if how is signal.SIGSTOP else NOTICED_S
            assert time.monotonic() - killed < given_up_s + NOTICED_S
            again = time.monotonic()
            await lab.run(trial())
            assert time.monotonic() - again < 5
            status = up.status()[1]
            here = {one["agent"] for one in status["agents"]}
            if how is signal.SIGSTOP or "node_b" not in here:  # else it is back already
                assert here == {"node_a", "room"}
                assert any("agent node_b: gone" in one for one in status["missing"])
            page = await asyncio.to_thread(
                httpx.get, f"{address}api/state", headers=key, timeout=60
            )
            assert (
                "agent node_b is gone: its process or the way to it" in page.text
                or how is signal.SIGKILL
            )
        finally:
            if how is signal.SIGSTOP:
                os.kill(pid, signal.SIGCONT)
        await back(lab, "node_b")
        assert (agent_pid(up, "node_b") == pid) == (how is signal.SIGSTOP)
        few = trial(port="node_b.q0.drive", readout="node_b.q0.readout")
        assert (await lab.run(few)).attrs["program"] == "trial"


async def measure(lab: Lab, program: Program, begun: asyncio.Event) -> None:
    async for _ in lab.stream(program, batch_shots=1):
        begun.set()
