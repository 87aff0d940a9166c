"""The run protocol as an agent keeps it: once each step, in order, never after an end."""

import asyncio
import threading

import pytest

from podium.control.bus import messages
from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import Failed, RunId, ask
from podium.control.program.serialise import to_json

RUN = RunId(17, 3)


class Talk:
    """Says one thing to the agent, returns its answer."""

    def __init__(self, bus: MemoryBus, key: str) -> None:
        self.bus = bus
        self.key = key

    async def __call__(self, request: object, expected: type) -> object:
        return await ask(self.bus, self.key, request, expected, messages.Pending, timeout_s=10)


@pytest.fixture
async def talk(example, bench, open_agent):
    bus = MemoryBus()
    async with open_agent(example, bench, bus):
        bench.done.clear()
        yield Talk(bus, messages.agent_key(example.name, "room"))


async def prepared(talk, trial, run: RunId = RUN) -> messages.Prepared:
    answer = await talk(messages.Prepare(run, to_json(trial())), messages.Prepared)
    assert isinstance(answer, messages.Prepared), answer
    return answer


def token(answer: messages.Prepared, lease_s: float = 10.0, run: RunId = RUN) -> messages.Arm:
    return messages.Arm(run, answer.program_hash, answer.epochs, lease_s)


async def test_each_step_is_done_once_however_often_it_is_asked_for(talk, trial, bench) -> None:
    first = await prepared(talk, trial)
    assert await prepared(talk, trial) == first
    for _ in range(2):
        assert await talk(token(first), messages.Armed) == messages.Armed()
    fired = await talk(messages.Fire(RUN), messages.Fired)
    assert await talk(messages.Fire(RUN), messages.Fired) == fired
    for _ in range(2):
        reported = await talk(messages.Report(RUN, 10), messages.Reported)
        assert isinstance(reported, messages.Reported)
    steps = [f"cluster_a.{s}" for s in ("load", "arm", "start", "wait", "collect")]
    assert bench.done == steps


async def test_steps_out_of_order_are_refused_and_end_the_run_safely(talk, trial, bench) -> None:
    await prepared(talk, trial)
    answer = await talk(messages.Fire(RUN), messages.Fired)
    assert isinstance(answer, Failed)
    assert "is prepared; it cannot be fired" in answer.message
    assert "cluster_a.start" not in bench.done
    assert "cluster_a.safe" in bench.done


async def test_a_run_that_is_not_in_hand_is_refused(talk, trial, bench) -> None:
    await prepared(talk, trial)
    answer = await talk(messages.Fire(RunId(17, 99)), messages.Fired)
    assert isinstance(answer, Failed)
    assert "17-00099 is not the one in hand (17-00003)" in answer.message


async def test_an_older_run_is_stale(talk, trial) -> None:
    await prepared(talk, trial)
    await talk(messages.Abort(RUN, "enough"), messages.Done)
    answer = await talk(messages.Prepare(RunId(17, 2), to_json(trial())), messages.Prepared)
    assert isinstance(answer, Failed)
    assert "run 17-00002 is stale: 17-00003 was seen" in answer.message


async def test_a_second_run_waits_for_the_end_of_the_first(talk, trial) -> None:
    await prepared(talk, trial)
    answer = await talk(messages.Prepare(RunId(17, 4), to_json(trial())), messages.Prepared)
    assert isinstance(answer, Failed)
    assert "busy with run 17-00003" in answer.message


async def test_a_token_of_another_program_or_epoch_is_refused(talk, trial, bench) -> None:
    answer = await prepared(talk, trial)
    wrong = messages.Arm(RUN, "00" * 32, answer.epochs, 10.0)
    refused = await talk(wrong, messages.Armed)
    assert isinstance(refused, Failed)
    assert "prepare again" in refused.message
    run = RunId(17, 4)
    answer = await prepared(talk, trial, run)
    refused = await talk(messages.Arm(run, answer.program_hash, {"house": 7}, 10.0), messages.Armed)
    assert isinstance(refused, Failed)
    assert "epochs {'house': 7}" in refused.message
    assert "cluster_a.arm" not in bench.done


async def test_a_cluster_that_was_connected_anew_since_prepare_is_not_armed(
    talk, trial, bench
) -> None:
    answer = await prepared(talk, trial)
    bench.hooks["cluster_a.arm"] = _breaking
    assert isinstance(await talk(token(answer), messages.Armed), Failed)
    bench.hooks.clear()
    run = RunId(17, 4)
    second = await prepared(talk, trial, run)
    assert second.epochs == {"house": 2}
    stale = messages.Arm(run, answer.program_hash, answer.epochs, 10.0)
    assert isinstance(await talk(stale, messages.Armed), Failed)


def _breaking() -> None:
    raise OSError("connection reset")


async def test_without_fire_an_armed_agent_stands_down_at_the_end_of_its_lease(
    talk, trial, bench
) -> None:
    safe = threading.Event()
    bench.hooks["cluster_a.safe"] = safe.set
    answer = await prepared(talk, trial)
    await talk(token(answer, lease_s=0.05), messages.Armed)
    assert await asyncio.to_thread(safe.wait, 10)
    fired = await talk(messages.Fire(RUN), messages.Fired)
    assert isinstance(fired, Failed)
    assert "no FIRE within the lease" in fired.message
    assert "cluster_a.start" not in bench.done


async def test_fire_ends_the_lease(talk, trial, bench) -> None:
    answer = await prepared(talk, trial)
    gate = threading.Event()
    bench.hooks["cluster_a.wait"] = lambda: gate.wait(10) and None
    await talk(token(answer, lease_s=0.05), messages.Armed)
    await talk(messages.Fire(RUN), messages.Fired)
    await asyncio.sleep(0.1)
    gate.set()
    reported = await talk(messages.Report(RUN, 10), messages.Reported)
    assert isinstance(reported, messages.Reported)


async def test_abort_is_honoured_in_every_state_and_is_idempotent(talk, trial, bench) -> None:
    for number, steps in enumerate(("", "arm", "arm fire"), 10):
        run = RunId(17, number)
        bench.done.clear()
        gate = threading.Event()
        bench.hooks["cluster_a.wait"] = lambda gate=gate: gate.wait(10) and None
        answer = await prepared(talk, trial, run)
        if "arm" in steps:
            await talk(token(answer, run=run), messages.Armed)
        if "fire" in steps:
            await talk(messages.Fire(run), messages.Fired)
        aborting = asyncio.ensure_future(talk(messages.Abort(run, "enough"), messages.Done))
        gate.set()
        assert await aborting == messages.Done()
        assert await talk(messages.Abort(run, "enough"), messages.Done) == messages.Done()
        assert bench.done.count("cluster_a.safe") == 1
        late = await talk(messages.Arm(run, answer.program_hash, answer.epochs, 1), messages.Armed)
        if not steps:
            assert isinstance(late, Failed)
            assert "aborted: enough" in late.message


async def test_abort_of_a_run_that_is_not_in_hand_changes_nothing(talk, trial, bench) -> None:
    await prepared(talk, trial)
    assert await talk(messages.Abort(RunId(1, 1), "?"), messages.Done) == messages.Done()
    assert "cluster_a.safe" not in bench.done


async def test_a_run_that_is_being_prepared_can_be_aborted(talk, trial, bench) -> None:
    reached, gate = threading.Event(), threading.Event()

    def hold() -> None:
        reached.set()
        gate.wait(10)

    bench.hooks["cluster_a.load"] = hold
    preparing = asyncio.ensure_future(prepared_or_failed(talk, trial))
    assert await asyncio.to_thread(reached.wait, 10)
    aborting = asyncio.ensure_future(talk(messages.Abort(RUN, "enough"), messages.Done))
    await asyncio.sleep(0.02)
    gate.set()
    assert await aborting == messages.Done()
    assert isinstance(await preparing, Failed)
    assert "cluster_a.safe" in bench.done


async def prepared_or_failed(talk, trial) -> object:
    return await talk(messages.Prepare(RUN, to_json(trial())), messages.Prepared)


async def test_biases_stay_while_a_run_is_on(talk, trial, bench) -> None:
    await prepared(talk, trial)
    moved = await talk(
        messages.Begin("t", messages.Bias({"node_a.q0.flux": 0.1}), 5), messages.Done
    )
    assert isinstance(moved, Failed)
    assert "biases stay while run 17-00003 is on" in moved.message
