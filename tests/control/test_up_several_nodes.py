"""A facility of two nodes: what happens to one agent's process does not touch the other's."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator

import httpx
import pytest
from tests.benches.command_line import answer_of
from tests.benches.nodes.podium_up import Up
from tests.benches.nodes.several_nodes import facility_file
from tests.benches.thoroughness import sampled

from podium.control.bus.zenoh_config import LEASE_MS
from podium.control.client.facility_access import join_facility
from podium.control.client.lab import Lab
from podium.control.coordinator.agent_directory import GONE_S
from podium.control.program.program import Program
from podium.control.runs.errors import RunError

NOTICED_S = 1.0


@pytest.fixture(scope="module")
def up(tmp_path_factory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("two")
    up = Up(folder, facility_file(folder, 2), instruments=7)
    yield up
    up.close()


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
        "node_a": ["cluster_a", "bias_q0", "lo_q2"],
        "node_b": ["cluster_b", "bias_q0_b", "lo_q2_b"],
        "room": ["thermometry_a"],
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
