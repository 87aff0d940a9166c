"""The queue on instruments: who goes first, who waits for whom, safe points, news."""

import asyncio
import threading
import time
from dataclasses import replace

import pytest

from podium.control.agent.compiled_programs import CompiledPart, CompiledPrograms
from podium.control.bus.memory import MemoryBus
from podium.control.bus.progress import ProgressNews, progress_key
from podium.control.bus.queue import QueueNews, queue_key
from podium.control.bus.wire import decode
from podium.control.client.lab import Lab
from podium.control.program.serialise import from_json
from podium.control.runs.errors import RunRefused


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
async def ada(example, bench, bus, open_lab):
    async with open_lab(example, bench, bus), asyncio.timeout(10):
        yield Lab(example, bus, "ada@lab")


@pytest.fixture
def bob(ada, example, bus) -> Lab:
    return Lab(example, bus, "bob@lab")


@pytest.fixture
def held(bench):
    """A run that is asked for its data stays on until the event is set."""
    playing, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        playing.set()
        go_on.wait(30)

    bench.hooks["cluster_a.collect"] = hold
    yield playing, go_on
    go_on.set()


async def in_the_queue(
    lab: Lab, count: int, last: asyncio.Future[object] | None = None
) -> QueueNews:
    """Return the queue once so many wait, or once ``last`` has had its turn already."""
    while len((news := await lab.queue.news()).waiting) < count:
        if last is not None and last.done():
            break
        await asyncio.sleep(0.01)
    return news


async def test_who_waits_is_told_for_whom_and_urgent_work_goes_first(ada, bob, trial, held) -> None:
    playing, go_on = held
    tasks = [asyncio.ensure_future(ada.run(trial()))]
    assert await asyncio.to_thread(playing.wait, 10)
    for name, lab in (
        ("usual", bob),
        ("later", ada.at_priority(-1)),
        ("urgent", bob.at_priority(3)),
    ):
        tasks.append(asyncio.ensure_future(lab.run(replace(trial(), name=name))))
        news = await in_the_queue(ada, len(tasks) - 1)
    (on,) = news.on
    assert (on.by, on.kind, on.run) == ("ada@lab", "run", on.what.split()[1])
    assert [one.what for one in news.waiting] == ["run urgent", "run usual", "run later"]
    urgent, usual, _ = news.waiting
    assert urgent.behind == (on.ticket,)
    assert usual.behind == (urgent.ticket,)
    assert f"{on.what} is on, asked by ada@lab" in usual.why
    assert "and 1 more go first; its turn comes in about" in usual.why
    assert urgent.starts_s <= usual.starts_s <= news.waiting[2].starts_s
    go_on.set()
    data = await asyncio.gather(*tasks)
    order = sorted(data[1:], key=lambda one: one.attrs["run"])
    assert [one.attrs["program"] for one in order] == ["urgent", "usual", "later"]
    assert (await ada.queue.news()).on == ()


async def test_what_waits_is_compiled_meanwhile_and_once(ada, trial, held, monkeypatch) -> None:
    """Also where it is known how long such work takes."""
    playing, go_on = held
    compiled: list[str] = []
    usual, second = CompiledPrograms._part, threading.Event()

    def counted(own: CompiledPrograms, text: str, timed: bool) -> CompiledPart:
        compiled.append(from_json(text).name)
        if compiled[-1] == "second":
            second.set()
        return usual(own, text, timed)

    go_on.set()
    for name in ("first", "second"):
        await ada.run(replace(trial(), name=name))
    go_on.clear()
    playing.clear()
    monkeypatch.setattr(CompiledPrograms, "_part", counted)
    running = asyncio.ensure_future(ada.run(replace(trial(shots=7), name="first")))
    assert await asyncio.to_thread(playing.wait, 10)
    waiting = asyncio.ensure_future(ada.run(replace(trial(shots=7), name="second")))
    assert await asyncio.to_thread(second.wait, 10)
    assert not running.done()
    go_on.set()
    await asyncio.gather(running, waiting)
    assert compiled == ["first", "second"]


async def test_what_waits_is_cancelled_and_given_another_priority(ada, bob, trial, held) -> None:
    playing, go_on = held
    running = asyncio.ensure_future(ada.run(trial()))
    assert await asyncio.to_thread(playing.wait, 10)
    first = asyncio.ensure_future(bob.run(replace(trial(), name="first")))
    await in_the_queue(ada, 1)
    second = asyncio.ensure_future(bob.bias({"node_a.q0.flux": 0.01}))
    news = await in_the_queue(ada, 2)
    bias = next(one for one in news.waiting if one.kind == "bias")
    await ada.queue.set_priority(bias.ticket, 2)
    news = await ada.queue.news()
    assert [one.kind for one in news.waiting] == ["bias", "run"]
    await ada.queue.cancel(news.waiting[1].ticket, "not needed")
    with pytest.raises(RunRefused, match="run first: not needed, by ada@lab"):
        await first
    with pytest.raises(RunRefused, match="nothing waits"):
        await ada.queue.cancel(news.waiting[1].ticket)
    go_on.set()
    await asyncio.gather(running, second)


async def test_a_stream_lets_a_run_in_at_a_safe_point_and_no_bias(
    ada, bob, trial, example, bus
) -> None:
    let_in = bias = None
    done: list[str] = []
    async for data in ada.stream(trial(shots=40), batch_shots=4):
        if let_in is None:
            bias = asyncio.ensure_future(bob.at_priority(5).bias({"node_a.q0.flux": 0.01}))
            await in_the_queue(ada, 1)
            let_in = asyncio.ensure_future(bob.at_priority(6).run(replace(trial(), name="short")))
            let_in.add_done_callback(lambda _: done.append("short"))
            bias.add_done_callback(lambda _: done.append("bias"))
            await in_the_queue(ada, 2, let_in)
        if data.attrs["complete"]:
            done.append("stream")
    await asyncio.gather(let_in, bias)
    assert done.index("short") < done.index("stream") < done.index("bias")
    assert int(data.attrs["shots_done"]) == 40


async def test_a_reservation_keeps_others_out_and_lets_its_owner_in(ada, bob, trial) -> None:
    now_s = time.time()
    mine = await ada.queue.reserve("node_a", begins_s=now_s, ends_s=now_s + 3600, why="a demo")
    assert (mine.by, mine.agents) == ("ada", ("room",))
    with pytest.raises(RunRefused, match="reserved by ada then"):
        await bob.queue.reserve("node_a", begins_s=now_s + 60, ends_s=now_s + 7200)
    with pytest.raises(RunRefused, match="there is no node or agent 'node_z'"):
        await bob.queue.reserve("node_z", begins_s=now_s + 60, ends_s=now_s + 7200)
    waiting = asyncio.ensure_future(bob.run(replace(trial(), name="other")))
    news = await in_the_queue(ada, 1)
    assert news.reservations == (mine,)
    assert news.waiting[0].behind == (mine.id,)
    assert "room is reserved by ada; its turn comes in about 60 min" in news.waiting[0].why
    await ada.run(trial())
    assert not waiting.done()
    await ada.queue.give_back(mine.id)
    await waiting


async def test_queue_and_progress_are_news(ada, bob, trial, bus, example) -> None:
    async with (
        bus.subscribe(queue_key(example.name)) as queue,
        bus.subscribe(progress_key(example.name)) as told,
    ):
        async for _ in ada.stream(trial(shots=30), batch_shots=3):
            pass
        on, shares = [], []
        while not on or on[-1]:
            on.append(decode((await anext(queue))[1], QueueNews).on)
        while not shares or shares[-1] is not None:
            entries = decode((await anext(told))[1], ProgressNews).on
            shares.append(entries[0] if entries else None)
    assert any(entry.kind == "stream" for entries in on for entry in entries)
    first = shares[0]
    assert (first.kind, first.steps, first.title, first.by) == ("run", 30, "trial", "ada@lab")
    assert all(one.left_s is not None and one.left_s >= 0 for one in shares[:-1])
    assert [one.step for one in shares[:-1]] == sorted(one.step for one in shares[:-1])
