"""Long work goes on under its ticket, whoever asks for its end, and until it is cancelled."""

import asyncio

import pytest

from podium.control.bus.messages import RunId
from podium.control.bus.prepared_programs import ProgramFired
from podium.control.bus.tickets import (
    KEPT,
    KEPT_BYTES,
    KEPT_WHOLE,
    GivenUp,
    NoSuchTicket,
    OutcomeForgotten,
    Tickets,
)


async def work(answer: object, go: asyncio.Event | None = None) -> object:
    if go is not None:
        await go.wait()
    if isinstance(answer, Exception):
        raise answer
    return answer


async def test_its_end_is_what_the_work_returned_for_all_who_wait() -> None:
    go = asyncio.Event()
    async with Tickets.opened() as tickets:
        tickets.begin("a", lambda: work(7, go))
        tickets.begin("a", lambda: work(8, go))
        waiting = [asyncio.create_task(tickets.end("a", wait_s)) for wait_s in (None, 60.0)]
        await asyncio.sleep(0)
        go.set()
        assert await asyncio.gather(*waiting) == [7, 7]
        assert await tickets.end("a", 0.0) == 7


async def test_what_the_work_raised_is_raised_for_each_who_asks_and_ends_nothing_else() -> None:
    async with Tickets.opened() as tickets:
        tickets.begin("a", lambda: work(ValueError("no")))
        tickets.begin("b", lambda: work("done"))
        for _ in range(2):
            with pytest.raises(ValueError, match="no"):
                await tickets.end("a", None)
        assert await tickets.end("b", None) == "done"


async def test_whoever_waits_too_long_or_gives_up_waiting_ends_nothing() -> None:
    go = asyncio.Event()
    async with Tickets.opened() as tickets:
        tickets.begin("a", lambda: work("done", go))
        assert await tickets.end("a", 0.0) is None
        gone = asyncio.create_task(tickets.end("a", None))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait({gone})
        go.set()
        assert await tickets.end("a", None) == "done"


async def test_work_that_returns_nothing_is_over_all_the_same() -> None:
    async with Tickets.opened() as tickets:
        tickets.begin("a", lambda: work(None))
        async with asyncio.timeout(60):
            assert await tickets.end("a", None) is None


async def test_cancelled_work_is_given_up_for_who_waits_and_who_asks_later() -> None:
    async with Tickets.opened() as tickets:
        tickets.begin("a", lambda: work("done", asyncio.Event()))
        waiting = asyncio.create_task(tickets.end("a", None))
        await asyncio.sleep(0)
        await tickets.cancel("a")
        with pytest.raises(GivenUp):
            await waiting
        with pytest.raises(GivenUp):
            await tickets.end("a", None)
        await tickets.cancel("unknown")


async def test_the_oldest_that_has_ended_is_forgotten_first_and_what_is_on_never() -> None:
    go = asyncio.Event()
    async with Tickets.opened() as tickets:
        tickets.begin("on", lambda: work("done", go))
        for number in range(KEPT + 2):
            tickets.begin(str(number), lambda: work("over"))
            assert await tickets.end(str(number), None) == "over"
            await asyncio.sleep(0)
        tickets.begin("last", lambda: work("over"))
        assert tickets.known("on")
        assert tickets.known(str(KEPT + 1))
        with pytest.raises(NoSuchTicket):
            await tickets.end("0", None)
        go.set()
        assert await tickets.end("on", None) == "done"


async def test_of_much_that_was_brought_the_latest_alone_is_held() -> None:
    brought = [ProgramFired(RunId(1, k), bytes(KEPT_BYTES // 4)) for k in range(2 * KEPT_WHOLE)]
    begun = 0

    async def counted(k: int) -> object:
        nonlocal begun
        begun += 1
        return brought[k]

    async with Tickets.opened() as tickets:
        tickets.begin("small", lambda: work("done"))
        await tickets.end("small", None)
        for k in range(len(brought)):
            tickets.begin(f"{k}", lambda k=k: counted(k))
            assert await tickets.end(f"{k}", None) is brought[k]
        await asyncio.sleep(0)
        latest = range(len(brought) - KEPT_WHOLE, len(brought))
        assert [await tickets.end(f"{k}", None) for k in latest] == [brought[k] for k in latest]
        with pytest.raises(OutcomeForgotten, match="work under ticket 0 has brought"):
            await tickets.end("0", None)
        tickets.begin("0", lambda: counted(0))
        assert begun == len(brought), "begun once, however long ago"
        assert await tickets.end("small", None) == "done"


async def test_little_is_held_as_long_as_it_is_remembered() -> None:
    async with Tickets.opened() as tickets:
        for k in range(KEPT):
            tickets.begin(f"{k}", lambda k=k: work(ProgramFired(RunId(1, k), b"few")))
            await tickets.end(f"{k}", None)
        found = [await tickets.end(f"{k}", None) for k in range(KEPT)]
    assert [one.run.number for one in found] == list(range(KEPT))
