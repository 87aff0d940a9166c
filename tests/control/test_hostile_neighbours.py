"""Damaged messages from everybody who may write, on every key that he may write, while runs go on.

Whoever is let in and is broken must harm nobody but himself: nobody ends, and the same comes out.
"""

import asyncio
import json
import random
from collections import Counter
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from typing import Any

import numpy as np
import psutil
import pytest
import xarray as xr
from tests.benches.bus.message_mutants import mutant, sample
from tests.benches.bus.thrown_mutants import Target, targets
from tests.benches.nodes.podium_up import EXAMPLE, Up, wait_for
from tests.benches.nodes.several_nodes import facility_file
from tests.benches.nodes.triggered import PATIENCE, Node, agent_of, long_lead, ready, together

from podium.control.bus import messages, news
from podium.control.bus.bus import Answerer, Bus, BusError
from podium.control.bus.log_publisher import publish_log
from podium.control.bus.memory import MemoryBus
from podium.control.bus.process_bus import open_bus
from podium.control.bus.wire import encode
from podium.control.client.facility_access import join_facility
from podium.control.client.lab import Lab
from podium.control.coordinator.coordinator import Coordinator
from podium.control.facility.load import load_facility
from podium.control.program.program import (
    Affine,
    Axis,
    Capture,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    SetFrequency,
    Variable,
)
from podium.control.program.waveforms import Square
from podium.control.runs import attendance
from podium.control.runs.errors import RunError
from podium.control.security.access import MayI, access_key
from podium.control.web.app import drawing, make_app
from podium.control.web.bus_subscriptions import follow_bus
from podium.control.web.pages import TOPICS
from podium.control.web.picture import FacilityPicture

ANSWER_S = 10.0
NS = 10**6
STEP_HZ = 0.5e6


async def throw(bus: Bus, target: Target, count: int, seed: int, *, sound: bool = True) -> int:
    """Throw mutants at a key; return how many there were."""
    thrown = 0
    for payload in target.payloads(count, seed, sound=sound):
        thrown += 1
        if target.does == "publish":
            await bus.publish(target.key, payload)
            continue
        with suppress(BusError):  # an answer that says no is as good as none
            await bus.request(target.key, payload, ANSWER_S)
    return thrown


def outcome(data: xr.Dataset) -> xr.Dataset:
    """Return the data of a run without what differs from run to run."""
    kept = ("program_hash", "facility_hash", "quantised")
    found = data.copy()
    found.attrs = {name: data.attrs[name] for name in kept}
    return found


async def test_damaged_messages_end_nobody_and_change_no_result(
    example, bench, open_lab, trial
) -> None:
    bus, picture = MemoryBus(), FacilityPicture(example)
    async with (
        open_lab(example, bench, bus) as lab,
        follow_bus(picture, bus),
        publish_log(bus, example.name, "coordinator"),
    ):
        _, hub = make_app(picture, bus)
        async with drawing(hub):
            stream = hub.stream(("headline", *TOPICS["now"]))
            assert await anext(stream)
            before = outcome(await lab.run(trial()))
            thrown: Counter[str] = Counter()
            for target in targets(example.name, "room"):
                thrown[target.does] += await throw(bus, target, 50, seed=3)
            after = outcome(await lab.run(trial()))
            xr.testing.assert_identical(before, after)
            async with asyncio.timeout(30):
                assert await anext(stream)  # the page is still drawn
            assert (await lab.status()).agents[0].doing == "idle"
            await stream.aclose()
    assert thrown["publish"] >= 12 * 50
    assert thrown["ask"] > 400


async def test_an_agent_that_answers_nonsense_harms_nobody_else(
    example, bench, open_lab, trial
) -> None:
    bus, picture = MemoryBus(), FacilityPicture(example)
    rng = random.Random(4)
    asked = 0

    def nonsense(kind: type):
        async def answer(_: bytes) -> bytes:
            nonlocal asked
            asked += 1
            return mutant(encode(sample(kind, rng)), rng)

        return answer

    here = messages.agent_key(example.name, "odd")
    async with open_lab(example, bench, bus) as lab, follow_bus(picture, bus):
        before = outcome(await lab.run(trial()))
        for kind in (messages.Welcome, messages.AgentStatus, messages.Failed) * 5:
            async with (
                bus.serve(here, nonsense(kind)),
                bus.serve(news.past_events_key(example.name, "odd"), nonsense(news.PastEvents)),
                bus.announce(here),
            ):
                status = await lab.status()
                assert any(one.agent == "room" for one in status.agents)
        xr.testing.assert_identical(before, outcome(await lab.run(trial())))
    assert asked > 30


async def dip_hz(lab: Lab) -> float:
    """Return where q0's resonator is found."""
    frequency = Variable("frequency", "Hz", Linear.steps(7.24e9, STEP_HZ, 81))
    program = Program(
        name="resonator of q0",
        frames=(Frame("readout", "node_a.q0.readout", 7.26e9),),
        body=(
            SetFrequency("readout", Affine("frequency")),
            Delay(("readout",), 1000 * NS),
            Capture("readout", "q0", 800 * NS, delay_fs=360 * NS),
            Play("readout", Square(1000 * NS), 0.01),
            Delay(("readout",), 160 * NS),
        ),
        axes=(Axis("probe", (frequency,)),),
        shots=1000,
    )
    data = await lab.run(program)
    return float(data.frequency[int(np.hypot(data.q0_i, data.q0_q).values.argmin())])


@pytest.mark.slow
async def test_a_thousand_damaged_messages_at_each_key_end_no_process(tmp_path) -> None:
    up = Up(tmp_path)
    try:
        pids = {child.pid for child in up.children()}
        place = json.loads(up.state.read_text())["coordinator"]
        facility = load_facility(EXAMPLE, up.endpoints)
        async with AsyncExitStack() as stack:
            lab = await stack.enter_async_context(join_facility(EXAMPLE, place, up.endpoints))
            before = await dip_hz(lab)
            found = [one for one in targets(facility.name, "room") if one.member.role != "router"]
            buses = {}
            for member in {one.member for one in found}:
                opened = open_bus(facility, member, meet=place)
                bus = buses[member] = await stack.enter_async_context(opened)
                await bus.request(access_key(facility.name), encode(MayI("", "", "")), ANSWER_S)
            # Some heartbeats stay sound and say that the agent was started anew: what it has in
            # hand is rightly lost. So these come while nothing runs; it has to be heard again.
            beats = [one for one in found if messages.Heartbeat in one.kinds]
            for one in beats:
                assert await throw(buses[one.member], one, 1000, seed=5) > 500
            await asyncio.to_thread(wait_for, lambda: up.status()[0] == 0, up.log)
            throwing = asyncio.gather(
                *(
                    throw(buses[one.member], one, 1000, seed=5, sound=one not in beats)
                    for one in found
                )
            )
            meanwhile = [await dip_hz(lab)]
            while not throwing.done():
                meanwhile.append(await dip_hz(lab))
            assert sum(await throwing) > 500 * len(found)
            assert max(abs(one - before) for one in meanwhile) <= STEP_HZ
            await asyncio.to_thread(wait_for, lambda: up.status()[0] == 0, up.log)
            assert up.status()[1]["runs_failed"] == 0
        assert {child.pid for child in up.children()} == pids
        assert all(psutil.pid_exists(pid) for pid in pids)
        assert "; it is started again" not in up.log.read_text()
        for process in ("coordinator", "page"):
            assert f"{process} WARNING messages discarded" in up.log.read_text()
    finally:
        up.close()


class SpoilingBus:
    """The bus of an agent whose answers are damaged from some time on."""

    def __init__(self, bus: MemoryBus, rng: random.Random) -> None:
        self._bus = bus
        self._rng = rng
        self.spoils = False
        self.spoilt = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    def serve(self, key: str, answer: Answerer) -> AbstractAsyncContextManager[None]:
        async def spoiling(payload: bytes) -> bytes:
            answered = await answer(payload)
            if not self.spoils:
                return answered
            self.spoilt += 1
            return mutant(answered, self._rng)

        return self._bus.serve(key, spoiling)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
async def test_an_agent_whose_answers_are_damaged_spoils_no_start_of_others(
    tmp_path, monkeypatch, seed
) -> None:
    monkeypatch.setattr(attendance, "STALE_S", 5.0)  # all share one loop
    facility = load_facility(facility_file(tmp_path, 3))
    bus = MemoryBus()
    odd = SpoilingBus(bus, random.Random(seed))
    nodes = [Node(letter) for letter in "abc"]
    async with AsyncExitStack() as stack:
        for node in nodes:
            place = odd if node.letter == "c" else bus
            await stack.enter_async_context(agent_of(facility, place, node))
        coordinator = Coordinator(facility, bus, patience=PATIENCE, lead=long_lead())
        await stack.enter_async_context(coordinator.running())
        lab = Lab(facility, bus)
        await ready(lab, 3)
        before = outcome(await lab.run(together(nodes[:2])))
        odd.spoils = True
        for _ in range(3):
            with suppress(RunError, TimeoutError):
                async with asyncio.timeout(1):
                    await lab.run(together(nodes))
        xr.testing.assert_identical(before, outcome(await lab.run(together(nodes[:2]))))
        odd.spoils = False
        await ready(lab, 3)
        await lab.run(together(nodes))
    assert odd.spoilt > 3
