"""What people ask by hand never meets a run or a moving bias."""

import asyncio
import threading

import pytest

from podium.control.bus import messages
from podium.control.bus.by_hand import Answered, Ask, Release
from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import Failed, RunId, ask
from podium.control.calibration.runner import RunRefused
from podium.control.program.serialise import to_json

RUN = RunId(17, 3)


@pytest.fixture
async def talk(example, bench, open_agent):
    bus = MemoryBus()
    async with open_agent(example, bench, bus):
        key = messages.agent_key(example.name, "room")

        async def say(request: object, expected: type) -> object:
            return await ask(bus, key, request, expected, timeout_s=10)

        yield say


@pytest.mark.parametrize("instrument", ["cluster_a", "thermometry_a"])
async def test_asking_and_releasing_are_refused_while_armed(talk, trial, instrument) -> None:
    prepared = await talk(messages.Prepare(RUN, to_json(trial())), messages.Prepared)
    await talk(messages.Arm(RUN, prepared.program_hash, prepared.epochs, 10.0), messages.Armed)
    for request in (Ask(instrument, "*IDN?", None, False, "me"), Release(instrument, "me")):
        answer = await talk(request, Answered)
        assert isinstance(answer, Failed)
        assert (answer.kind, "not now: run 17-00003 is armed" in answer.message) == (
            "refused",
            True,
        )
    assert await talk(messages.Fire(RUN), messages.Fired)


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


async def test_nothing_is_begun_while_an_instrument_is_being_set(
    lab, bench, trial, monkeypatch
) -> None:
    from podium.control.agent import by_hand

    reached, go_on = threading.Event(), threading.Event()

    def slow(box: object, what: str, value: object) -> Answered:
        reached.set()
        go_on.wait(30)
        return Answered(value, "")

    monkeypatch.setattr(by_hand, "_written", slow)
    setting = asyncio.ensure_future(lab.ask("lo_q2", "power", -3, write=True))
    try:
        assert await asyncio.to_thread(reached.wait, 10)
        with pytest.raises(RunRefused, match="lo_q2 is being set by hand"):
            await lab.run(trial())
        with pytest.raises(RunRefused, match="lo_q2 is being set by hand"):
            await lab.bias({"node_a.q0.flux": 0.1})
    finally:
        go_on.set()
    assert await setting == -3
    await lab.run(trial())
