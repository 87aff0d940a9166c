"""Fires that a client asks of the agent directly, as the coordinator has granted."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.client.gates import Gate, raising, reached

from podium.control.agent import direct_fires as of_agent
from podium.control.bus.bus import NoAnswer
from podium.control.bus.direct_fires import FireDirectly, fires_key
from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import coordinator_key
from podium.control.bus.queue import AskQueue, QueueNews, Reservation, Reserve
from podium.control.bus.wire import BadMessage, decode
from podium.control.client import direct_fires as of_client
from podium.control.client.coordinator_client import CoordinatorClient
from podium.control.client.lab import Lab
from podium.control.coordinator import fire_grants
from podium.control.coordinator.coordinator import Coordinator
from podium.control.program.program import Parameter, Play
from podium.control.runs.errors import RunError, RunFailed, RunRefused
from podium.drivers.errors import ProtocolError

STEPS = [f"cluster_a.{step}" for step in ("load", "arm", "start", "wait", "collect")]


class WatchedBus(MemoryBus):
    """A bus that knows what was asked, and loses some answers."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.lose = 0
        """So many of the next answers to direct fires are lost."""

    async def request(self, key: str, payload: bytes, timeout_s: float) -> bytes:
        self.asked.append(key)
        answer = await super().request(key, payload, timeout_s)
        if "/fires/" in key and self.lose and _is_fire(payload):
            self.lose -= 1
            raise NoAnswer("lost")
        return answer

    def count(self, key: str) -> int:
        return self.asked.count(key)


def _is_fire(payload: bytes) -> bool:
    try:
        decode(payload, FireDirectly)
    except BadMessage:
        return False
    return True


@pytest.fixture
def patient(monkeypatch):
    """Let grants last as long as a busy computer may take for a test."""
    monkeypatch.setattr(of_client, "DIRECTLY_S", 60.0)
    monkeypatch.setattr(fire_grants, "AGENT_S", 60.0)
    monkeypatch.setattr(fire_grants, "QUIET_S", 60.0)


@pytest.fixture
def watched() -> WatchedBus:
    return WatchedBus()


@pytest.fixture
async def lab(example, bench, open_lab, watched, patient):
    async with open_lab(example, bench, watched) as lab:
        yield lab


@pytest.fixture
def one_number(trial):
    one = trial(points=1)
    body = (replace(one.body[0], amplitude=Parameter("height", 0.25)), *one.body[1:])
    assert isinstance(body[0], Play)
    return replace(one, axes=(), keep_shots=True, body=body)


def client(bus, facility) -> CoordinatorClient:
    return CoordinatorClient(bus, facility.name, "ann@desk")


@pytest.fixture
def queue(watched, example):
    """Return what asks for the queue."""
    return lambda: client(watched, example).ask(AskQueue(), QueueNews)


async def until(asked, is_so):
    """Return what is ``asked`` for, once it is so."""
    for _ in range(1000):
        told = await asked()
        if is_so(told):
            return told
        await asyncio.sleep(0.01)
    raise AssertionError("it never was so")


async def granted(lab: Lab, program):
    """Return a program that was fired once, so that more fires are granted."""
    prepared = await lab.prepare(program)
    await prepared.fire()
    return prepared


async def test_after_the_first_the_coordinator_is_not_asked(
    lab, bench, example, watched, one_number
) -> None:
    prepared = await granted(lab, one_number)
    bench.done.clear()
    before = watched.count(coordinator_key(example.name))
    fired = [await prepared.fire(height=0.1 * k) for k in range(3)]
    assert watched.count(coordinator_key(example.name)) == before
    assert watched.count(fires_key(example.name, "room")) == 3
    assert bench.done == STEPS * 3
    assert [one.run[-5:] for one in fired] == ["00002", "00003", "00004"]
    np.testing.assert_array_equal(fired[0]["q0"], 1 + 2j)


async def test_what_is_loaded_has_the_numbers_of_the_fire(lab, bench, one_number) -> None:
    prepared = await granted(lab, one_number)
    await prepared.fire(height=-0.125)
    fired = bench.clusters[-1].program
    await lab.run(one_number, parameters={"height": -0.125})
    assert bench.clusters[-1].program == fired


async def test_after_a_while_the_coordinator_is_asked_again(
    lab, example, watched, one_number, monkeypatch
) -> None:
    monkeypatch.setattr(of_client, "DIRECTLY_S", 0.0)
    prepared = await granted(lab, one_number)
    await prepared.fire()
    assert watched.count(fires_key(example.name, "room")) == 0


async def test_no_more_are_fired_directly_than_were_granted(
    lab, example, watched, one_number, monkeypatch
) -> None:
    monkeypatch.setattr(fire_grants, "GRANTED", 2)
    prepared = await granted(lab, one_number)
    runs = [(await prepared.fire()).run[-5:] for _ in range(4)]
    assert runs == ["00002", "00003", "00004", "00005"]
    assert watched.count(fires_key(example.name, "room")) == 3


async def test_whoever_waits_goes_first_and_interrupts_nothing(
    lab, bench, example, watched, one_number, trial, queue
) -> None:
    other = Lab(example, watched, "somebody else")
    prepared = await granted(lab, one_number)
    gate = Gate()
    bench.hooks["cluster_a.wait"] = gate
    bench.done.clear()
    async with asyncio.TaskGroup() as tasks:
        fired = tasks.create_task(prepared.fire())
        await reached(gate)
        run = tasks.create_task(other.run(trial()))
        await until(queue, lambda news: news.waiting)
        assert "cluster_a.safe" not in bench.done
        gate.open.set()
    np.testing.assert_array_equal(fired.result()["q0"], 1 + 2j)
    assert run.result().attrs["run"] > fired.result().run
    assert bench.done == STEPS * 2
    direct = watched.count(fires_key(example.name, "room"))
    assert (await prepared.fire()).run > run.result().attrs["run"]
    assert watched.count(fires_key(example.name, "room")) == direct + 1  # that tells it is over


async def test_biases_are_moved_between_two_fires(lab, one_number) -> None:
    prepared = await granted(lab, one_number)
    await prepared.fire()
    await lab.bias({"node_a.q0.flux": 0.01})
    await prepared.fire()


async def test_of_who_is_quiet_the_turn_is_given_back(lab, one_number, monkeypatch, queue) -> None:
    monkeypatch.setattr(fire_grants, "QUIET_S", 0.05)
    await granted(lab, one_number)
    await until(queue, lambda news: not news.on)


async def test_while_it_goes_on_the_queue_shows_it(lab, one_number, queue) -> None:
    await granted(lab, one_number)
    (on,) = (await queue()).on
    assert (on.what, on.kind) == ("fire trial", "fire")


@pytest.mark.parametrize(("begins_s", "direct"), [(5.0, 0), (3600.0, 1)])
async def test_of_what_is_reserved_soon_nothing_is_granted(
    lab, example, watched, one_number, queue, begins_s, direct
) -> None:
    now_s = (await queue()).at_s
    wanted = Reserve(("room",), now_s + begins_s, now_s + 7200.0, "ann@desk", "a lecture")
    await client(watched, example).ask(wanted, Reservation)
    prepared = await granted(lab, one_number)
    await prepared.fire()
    assert watched.count(fires_key(example.name, "room")) == direct


async def test_a_lost_answer_is_asked_for_again_and_nothing_is_played_twice(
    lab, bench, watched, one_number
) -> None:
    prepared = await granted(lab, one_number)
    bench.done.clear()
    watched.lose = 2
    fired = await prepared.fire()
    assert bench.done == STEPS
    np.testing.assert_array_equal(fired["q0"], 1 + 2j)


@pytest.mark.parametrize("held_in", ["cluster_a.load", "cluster_a.wait"])
async def test_who_fires_hears_again_and_again_that_it_goes_on(
    lab, bench, example, watched, one_number, monkeypatch, held_in
) -> None:
    prepared = await granted(lab, one_number)
    monkeypatch.setattr(of_agent, "WITHIN_S", 0.01)
    bench.hooks[held_in] = gate = Gate()
    asked = watched.count(fires_key(example.name, "room"))
    async with asyncio.TaskGroup() as tasks:
        fired = tasks.create_task(prepared.fire())
        await reached(gate)
        await until(_nothing, lambda _: watched.count(fires_key(example.name, "room")) > asked + 2)
        gate.open.set()
    np.testing.assert_array_equal(fired.result()["q0"], 1 + 2j)


async def test_what_fails_is_told_and_the_next_is_asked_of_the_coordinator(
    lab, bench, example, watched, one_number
) -> None:
    prepared = await granted(lab, one_number)
    bench.hooks["cluster_a.collect"] = raising(ProtocolError("cluster_a: no answer to *IDN?"))
    with pytest.raises(RunFailed, match=r"run \d+-00002: .*no answer to"):
        await prepared.fire()
    assert (await lab.status()).runs_failed == 1
    assert watched.count(fires_key(example.name, "room")) == 1
    bench.hooks.clear()
    await lab.ready(10)
    with pytest.raises(RunRefused, match="clock was reset since the program was prepared"):
        await prepared.fire()  # the connection was made anew
    assert watched.count(fires_key(example.name, "room")) == 1


async def test_what_is_refused_directly_is_refused_in_the_same_words(
    lab, bench, one_number
) -> None:
    prepared = await granted(lab, one_number)
    with pytest.raises(RunRefused, match=r"'height' = 1.25: the amplitude of statement 0 is 1.25"):
        await prepared.fire(height=1.25)
    await prepared.fire()


async def test_cancelled_it_returns_once_outputs_are_safe(lab, bench, one_number) -> None:
    prepared = await granted(lab, one_number)
    bench.hooks["cluster_a.collect"] = lambda: bench.clusters[-1].until_interrupted()
    bench.done.clear()
    async with asyncio.TaskGroup() as tasks:
        fired = tasks.create_task(prepared.fire())
        await until(_nothing, lambda _: "cluster_a.collect" in bench.done)
        fired.cancel()
    assert fired.cancelled()
    assert "cluster_a.safe" in bench.done
    bench.hooks.clear()
    await prepared.fire()


async def test_somebody_may_stop_it_by_its_id(lab, bench, one_number) -> None:
    prepared = await granted(lab, one_number)
    bench.hooks["cluster_a.wait"] = lambda: bench.clusters[-1].until_interrupted()
    async with asyncio.TaskGroup() as tasks:
        fired = tasks.create_task(_error_of(prepared))
        status = await until(lab.status, lambda one: "run" in one.agents[0].doing)
        await lab.stop(status.agents[0].doing.split()[1], "enough")
    assert "enough" in fired.result()


async def _refused(prepared) -> str:
    for _ in range(500):
        try:
            await prepared.fire()
        except RunRefused as error:
            return str(error)
        except RunFailed as error:  # it was on when the coordinator greeted the agent
            if "its coordinator was replaced" not in str(error):
                raise
        await asyncio.sleep(0.01)
    return ""


async def _nothing() -> None:
    """Ask nobody."""


async def _error_of(prepared) -> str:
    try:
        await prepared.fire()
    except RunError as error:
        return str(error)
    return ""


async def test_another_coordinator_grants_nothing_that_one_before_has(
    example, bench, open_agent, watched, one_number, patient
) -> None:
    async with open_agent(example, bench, watched):
        lab = Lab(example, watched)
        async with Coordinator(example, watched).running():
            await lab.ready(10)
            prepared = await granted(lab, one_number)
        async with Coordinator(example, watched).running():
            await lab.ready(10)
            # It may take a moment until it has greeted the agent.
            assert "the coordinator was started anew" in await _refused(prepared)


async def test_all_are_counted_and_are_one_entry(lab, one_number, monkeypatch) -> None:
    monkeypatch.setattr(fire_grants, "GRANTED", 2)
    prepared = await granted(lab, one_number)
    for _ in range(4):  # two directly, one asked of the coordinator, one directly
        await prepared.fire()
    other = await lab.prepare(one_number)
    await other.fire()  # has the agent, so what was granted was recalled
    status = await lab.status()
    assert [one.state for one in status.asked] == ["done"]
    assert [one.what for one in status.asked] == ["fire trial, 6 times"]
    assert status.runs_done == 6
