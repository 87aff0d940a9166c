"""What people ask by hand never meets a run or a moving bias."""

import asyncio
import threading

import pytest
from tests.benches.runs.at_once import RUN, Talk

from podium.control.bus import messages
from podium.control.bus.manual_access import Answered, Ask, Release
from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import Failed
from podium.control.runs.errors import RunRefused
from podium.control.runs.messages import Fire, FireTaken, Refusal


@pytest.fixture
async def talk(example, bench, open_agent, trial):
    bus = MemoryBus()
    async with open_agent(example, bench, bus):
        yield await Talk.to(bus, messages.agent_key(example.name, "room"), trial)


@pytest.mark.parametrize("instrument", ["cluster_a", "thermometry_a"])
async def test_asking_and_releasing_are_refused_while_armed(talk, instrument) -> None:
    await talk.arm(await talk.prepared())
    for request in (Ask(instrument, "*IDN?", None, False, "me"), Release(instrument, "me")):
        answer = await talk.ask(request, Answered)
        assert isinstance(answer, Failed)
        assert (answer.kind, "not now: run 17-00003 is armed" in answer.message) == (
            "refused",
            True,
        )
    assert isinstance(await talk(Fire(RUN, None)), FireTaken)


async def test_a_run_that_needs_a_released_instrument_is_refused_and_plays_nothing(
    lab, bench, trial
) -> None:
    await lab.release("lo_q2")
    bench.done.clear()
    with pytest.raises(RunRefused, match=r"lo_q2: it was released to .*--back"):
        await lab.run(trial(port="node_a.q2.drive"))
    assert not any(".load" in step or ".start" in step for step in bench.done)
    await lab.run(trial())  # this one does not need it
    await lab.take_back("lo_q2")
    await lab.run(trial(port="node_a.q2.drive"))
    assert "lo_q2.connect" in bench.done  # what was known of it went with the old connection
    assert any(step.startswith("lo_q2.tone") for step in bench.done)


@pytest.fixture
def slowly(monkeypatch):
    """Setting by hand takes until the second event is set; the first says that it has begun."""
    from podium.control.agent import manual_access

    reached, go_on = threading.Event(), threading.Event()

    def slow(box: object, what: str, value: object) -> Answered:
        reached.set()
        go_on.wait(30)
        return Answered(value, "")

    monkeypatch.setattr(manual_access, "_written", slow)
    yield reached, go_on
    go_on.set()


async def test_an_agent_begins_nothing_while_an_instrument_is_being_set(talk, slowly):
    reached, go_on = slowly
    asked = Ask("lo_q2", "power", -3, True, "me")
    setting = asyncio.ensure_future(talk.ask(asked, Answered))
    assert await asyncio.to_thread(reached.wait, 10)
    bias = messages.Begin("t", messages.Bias({"node_a.q0.flux": 0.1}), 5)
    for request in (bias, asked):
        answer = await talk.ask(request, messages.Done)
        assert isinstance(answer, Failed)
        assert "lo_q2 is being set by hand" in answer.message
    refusal = await talk.prepare()
    assert isinstance(refusal, Refusal)
    assert "lo_q2 is being set by hand" in refusal.reason
    go_on.set()
    assert await setting == Answered(-3, "")


async def test_what_is_asked_meanwhile_waits_its_turn(lab, bench, trial, slowly) -> None:
    reached, go_on = slowly
    setting = asyncio.ensure_future(lab.ask("lo_q2", "power", -3, write=True))
    assert await asyncio.to_thread(reached.wait, 10)
    run = asyncio.ensure_future(lab.run(trial()))
    bias = asyncio.ensure_future(lab.bias({"node_a.q0.flux": 0.1}))
    await lab.status()
    assert not any(".load" in step or ".ramp" in step for step in bench.done)
    go_on.set()
    assert await setting == -3
    data = await run
    await bias
    asked = (await lab.status()).asked
    assert asked[0].what == "set lo_q2 power to -3"
    then = {f"run {data.attrs['run']} trial", "bias node_a.q0.flux to 0.1 V"}
    assert {one.what for one in asked[1:]} == then
    assert [(one.number, one.state) for one in asked] == [(n, "done") for n in (1, 2, 3)]
