"""A start at once as an agent keeps it: once each step, in order, never after an end."""

import asyncio
import threading

import pytest
from tests.benches.runs.at_once import LEASE_S, RUN, Talk

from podium.control.bus import messages
from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import Failed, RunId
from podium.control.runs.messages import (
    Abort,
    Arm,
    Armed,
    AskReport,
    Fire,
    FireTaken,
    Prepared,
    Refusal,
    Report,
    StoodDown,
    Token,
)
from podium.control.timebase.epochs import Epochs


@pytest.fixture
async def talk(example, bench, open_agent, trial):
    bus = MemoryBus()
    async with open_agent(example, bench, bus):
        bench.done.clear()
        yield await Talk.to(bus, messages.agent_key(example.name, "room"), trial)


async def test_each_step_is_done_once_however_often_it_is_asked_for(talk, bench) -> None:
    first = await talk.prepared()
    assert await talk.prepared() == first
    for _ in range(2):
        assert isinstance(await talk.arm(first), Armed)
    fired = await talk(Fire(RUN, None))
    assert isinstance(fired, FireTaken)
    assert await talk(Fire(RUN, None)) == fired
    for _ in range(2):
        report = await talk(AskReport(RUN))
        assert isinstance(report, Report)
        assert report.ended == ""
    steps = [f"cluster_a.{s}" for s in ("load", "arm", "start", "wait", "collect")]
    assert bench.done == steps


async def test_a_step_out_of_order_is_refused_and_nothing_of_it_is_done(talk, bench) -> None:
    prepared = await talk.prepared()
    refusal = await talk(Fire(RUN, None))
    assert isinstance(refusal, Refusal)
    assert "the run is prepared" in refusal.reason
    assert "cluster_a.start" not in bench.done
    assert isinstance(await talk.arm(prepared), Armed)


async def test_a_time_for_what_starts_at_once_is_refused_and_ends_the_run(talk, bench) -> None:
    await talk.arm(await talk.prepared())
    refusal = await talk(Fire(RUN, await talk.now()))
    assert isinstance(refusal, Refusal)
    assert "prepared to start at once, fired at a time" in refusal.reason
    assert isinstance(await talk(Abort(RUN, "so")), StoodDown)
    assert "cluster_a.start" not in bench.done
    assert "cluster_a.safe" in bench.done


async def test_a_run_that_is_not_in_hand_is_refused(talk) -> None:
    await talk.prepared()
    refusal = await talk(Fire(RunId(17, 99), None))
    assert isinstance(refusal, Refusal)
    assert "17-00099 is not the one in hand (17-00003)" in refusal.reason


async def test_an_older_run_is_stale(talk) -> None:
    await talk.prepared()
    await talk(Abort(RUN, "enough"))
    refusal = await talk.prepare(RunId(17, 2))
    assert isinstance(refusal, Refusal)
    assert (refusal.kind, refusal.reason) == ("stale", "17-00003 was seen")


async def test_a_newer_run_takes_the_place_of_the_one_in_hand(talk, bench) -> None:
    await talk.prepared()
    await talk.prepared(RunId(17, 4))
    assert bench.done == ["cluster_a.load", "cluster_a.safe", "cluster_a.load"]


async def test_a_token_of_another_program_or_epoch_is_refused(talk, bench) -> None:
    prepared = await talk.prepared()
    wrong = Token("00" * 32, prepared.epochs, prepared.minimum_lead_fs, LEASE_S)
    refusal = await talk(Arm(RUN, wrong))
    assert isinstance(refusal, Refusal)
    assert "the token names program 000000000000" in refusal.reason
    run = RunId(17, 4)
    prepared = await talk.prepared(run)
    moved = Epochs.of({"house": 7})
    token = Token(prepared.program_hash, moved, prepared.minimum_lead_fs, LEASE_S)
    refusal = await talk(Arm(run, token))
    assert isinstance(refusal, Refusal)
    assert (refusal.kind, refusal.reason) == ("epoch", "house: epoch 7 then, 1 now")
    assert "cluster_a.arm" not in bench.done


async def test_a_cluster_that_was_connected_anew_since_prepare_is_not_armed(talk, bench) -> None:
    first = await talk.prepared()
    bench.hooks["cluster_a.arm"] = _breaking
    assert isinstance(await talk.arm(first), Refusal)
    bench.hooks.clear()
    run = RunId(17, 4)
    second = await talk.prepared(run)
    assert second.epochs == Epochs.of({"house": 2})
    token = Token(first.program_hash, first.epochs, first.minimum_lead_fs, LEASE_S)
    assert isinstance(await talk(Arm(run, token)), Refusal)


def _breaking() -> None:
    raise OSError("connection reset")


async def test_without_fire_an_armed_agent_stands_down_at_the_end_of_its_lease(talk, bench) -> None:
    safe = threading.Event()
    bench.hooks["cluster_a.safe"] = safe.set
    await talk.arm(await talk.prepared(), lease_s=0.05)
    assert await asyncio.to_thread(safe.wait, 10)
    refusal = await talk(Fire(RUN, None))
    assert isinstance(refusal, Refusal)
    assert "no FIRE within the lease" in refusal.reason
    assert "cluster_a.start" not in bench.done


async def test_fire_ends_the_lease(talk, bench) -> None:
    prepared = await talk.prepared()
    gate = threading.Event()
    bench.hooks["cluster_a.wait"] = lambda: gate.wait(10) and None
    await talk.arm(prepared, lease_s=0.05)
    await talk(Fire(RUN, None))
    await asyncio.sleep(0.1)
    gate.set()
    report = await talk(AskReport(RUN))
    assert isinstance(report, Report)
    assert report.ended == ""


async def test_abort_is_honoured_in_every_state_and_is_idempotent(talk, bench) -> None:
    for number, steps in enumerate(("", "arm", "arm fire"), 10):
        run = RunId(17, number)
        bench.done.clear()
        gate = threading.Event()
        bench.hooks["cluster_a.wait"] = lambda gate=gate: gate.wait(10) and None
        prepared = await talk.prepared(run)
        if "arm" in steps:
            await talk.arm(prepared)
        if "fire" in steps:
            await talk(Fire(run, None))
        aborting = asyncio.ensure_future(talk(Abort(run, "enough")))
        gate.set()
        down = await aborting
        assert down == StoodDown("room", run, "fire" in steps)
        assert await talk(Abort(run, "enough")) == down
        assert bench.done.count("cluster_a.safe") == 1
        if not steps:
            late = await talk.arm(prepared)
            assert isinstance(late, Refusal)
            assert "the run is ended: enough" in late.reason


async def test_abort_of_a_run_that_is_not_in_hand_changes_nothing(talk, bench) -> None:
    await talk.prepared()
    assert isinstance(await talk(Abort(RunId(17, 1), "?")), StoodDown)
    assert "cluster_a.safe" not in bench.done


async def test_a_run_that_is_being_prepared_can_be_aborted(talk, bench) -> None:
    reached, gate = threading.Event(), threading.Event()

    def hold() -> None:
        reached.set()
        gate.wait(10)

    bench.hooks["cluster_a.load"] = hold
    preparing = asyncio.ensure_future(talk.prepare())
    assert await asyncio.to_thread(reached.wait, 10)
    aborting = asyncio.ensure_future(talk(Abort(RUN, "enough")))
    await asyncio.sleep(0.02)
    gate.set()
    assert isinstance(await aborting, StoodDown)
    assert isinstance(await preparing, Failed)
    assert "cluster_a.safe" in bench.done


async def test_what_could_not_be_made_safe_is_told_and_holds_up_nothing_else(talk, bench) -> None:
    await talk.prepared()
    bench.hooks["cluster_a.safe"] = _breaking
    down = await talk(Abort(RUN, "enough"))
    assert isinstance(down, StoodDown)
    assert "connection reset" in down.unsafe
    bench.hooks.clear()
    assert isinstance(await talk.prepared(RunId(17, 4)), Prepared)


async def test_biases_stay_while_a_run_is_on(talk) -> None:
    await talk.prepared()
    bias = messages.Begin("t", messages.Bias({"node_a.q0.flux": 0.1}), 5)
    moved = await talk.ask(bias, messages.Done)
    assert isinstance(moved, Failed)
    assert "biases stay while run 17-00003 is prepared" in moved.message


async def test_a_fire_that_is_said_again_while_a_slow_controller_starts_is_no_mistake(
    talk, bench
) -> None:
    await talk.arm(await talk.prepared())
    reached, gate = threading.Event(), threading.Event()

    def hold() -> None:
        reached.set()
        gate.wait(10)

    bench.hooks["cluster_a.start"] = hold
    first = asyncio.ensure_future(talk(Fire(RUN, None)))
    assert await asyncio.to_thread(reached.wait, 10)
    again = asyncio.ensure_future(talk(Fire(RUN, None)))
    await asyncio.sleep(0.02)
    gate.set()
    taken = await first
    assert isinstance(taken, FireTaken)
    assert await again == taken
    assert bench.done.count("cluster_a.start") == 1
