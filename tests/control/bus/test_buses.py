"""One contract for both buses: what holds on the memory bus holds between processes."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from podium.control.bus.bus import AnswererFailed, Bus, BusError, NoAnswer, Presence
from podium.control.bus.memory import MemoryBus, matches
from podium.control.bus.process_bus import open_bus
from podium.control.bus.zenoh_bus import SMALL_BYTES, ZenohBus, loopback_only
from podium.control.facility.load import load_facility
from podium.control.facility.meeting_point import MeetingPoint, parse_endpoint
from podium.control.security.access import Member

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"


def free_endpoint() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp/127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture(params=["memory", "zenoh", "through a router", "at the coordinator"])
async def buses(request) -> AsyncIterator[tuple[Bus, Bus]]:
    if request.param == "memory":
        bus = MemoryBus()
        yield bus, bus
        return
    if request.param != "zenoh":
        async with met(request.param) as two:
            yield two
        return
    endpoint = free_endpoint()
    there = await ZenohBus.open([endpoint])
    here = await ZenohBus.open([free_endpoint()], [endpoint])
    yield here, there
    await here.close()
    await there.close()


@asynccontextmanager
async def met(how: str) -> AsyncIterator[tuple[Bus, Bus]]:
    """Open two buses of processes that meet on loopback, without certificates."""
    endpoint = parse_endpoint(free_endpoint())
    holder = "router" if how == "through a router" else "coordinator"
    meeting = MeetingPoint(holder, listen=endpoint, connect=endpoint, insecure=True)
    facility = replace(load_facility(EXAMPLE), name="x", bus=meeting)
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(open_bus(facility, Member(holder), agents=["a"]))
        if holder == "router":
            there = await stack.enter_async_context(open_bus(facility, Member("coordinator")))
        yield await stack.enter_async_context(open_bus(facility, Member("agent", "a"))), there


async def present(bus: Bus, pattern: str, count: int) -> None:
    seen = set()
    async with asyncio.timeout(10), bus.watch(pattern) as changes:
        async for change in changes:
            seen.add(change.key)
            if len(seen) == count:
                return


async def echo(payload: bytes) -> bytes:
    return payload[::-1]


async def test_a_request_is_answered_by_who_serves_the_key(buses) -> None:
    here, there = buses
    async with there.serve("podium/x/a", echo), there.announce("podium/x/a"):
        await present(here, "podium/x/a", 1)
        assert await here.request("podium/x/a", b"abc", 5.0) == b"cba"


async def test_a_large_answer_arrives_whole(buses) -> None:
    here, there = buses
    payload = bytes(range(256)) * 40_000
    async with there.serve("podium/x/a", echo), there.announce("podium/x/a"):
        await present(here, "podium/x/a", 1)
        assert await here.request("podium/x/a", payload, 10.0) == payload[::-1]


async def test_nobody_there_is_no_answer(buses) -> None:
    here, _ = buses
    with pytest.raises(NoAnswer, match="podium/x/nobody"):
        await here.request("podium/x/nobody", b"", 1.0)


async def test_an_answer_that_does_not_come_in_time_is_no_answer(buses) -> None:
    here, there = buses
    never = asyncio.Event()

    async def silent(payload: bytes) -> bytes:
        await never.wait()
        return payload

    async with there.serve("podium/x/a", silent), there.announce("podium/x/a"):
        await present(here, "podium/x/a", 1)
        with pytest.raises(NoAnswer, match="podium/x/a"):
            await here.request("podium/x/a", b"", 0.2)
        never.set()


async def test_one_who_raises_says_why_and_goes_on(buses) -> None:
    here, there = buses

    async def picky(payload: bytes) -> bytes:
        if payload == b"bad":
            raise ValueError("bad is bad")
        return payload

    async with there.serve("podium/x/a", picky), there.announce("podium/x/a"):
        await present(here, "podium/x/a", 1)
        with pytest.raises(AnswererFailed, match="ValueError: bad is bad"):
            await here.request("podium/x/a", b"bad", 5.0)
        assert await here.request("podium/x/a", b"good", 5.0) == b"good"


async def test_an_answer_may_come_by_itself(buses) -> None:
    """Of an answerer that returns a future, or raises before it does."""
    here, there = buses
    left: list[asyncio.Future[bytes]] = []
    begun = asyncio.Event()

    def promised(payload: bytes) -> "asyncio.Future[bytes]":
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        if payload == b"never":
            left.append(answer)
            begun.set()
        elif payload == b"bad":
            raise ValueError("bad is bad")
        elif payload == b"worse":
            answer.set_exception(ValueError("worse is bad"))
        else:
            asyncio.get_running_loop().call_soon(answer.set_result, payload[::-1])
        return answer

    async with (
        asyncio.TaskGroup() as tasks,
        there.serve("podium/x/a", promised),
        there.announce("podium/x/a"),
    ):
        await present(here, "podium/x/a", 1)
        for payload in (b"bad", b"worse"):
            with pytest.raises(AnswererFailed, match=f"ValueError: {payload.decode()} is bad"):
                await here.request("podium/x/a", payload, 5.0)
        assert await here.request("podium/x/a", b"ab", 5.0) == b"ba"

        async def asking() -> None:
            with pytest.raises(NoAnswer):
                await here.request("podium/x/a", b"never", 5.0)

        tasks.create_task(asking())
        await begun.wait()
    assert left[0].cancelled()


async def test_requests_are_answered_side_by_side(buses) -> None:
    here, there = buses
    both = asyncio.Barrier(2)

    async def meet(payload: bytes) -> bytes:
        await both.wait()
        return payload

    async with there.serve("podium/x/a", meet), there.announce("podium/x/a"):
        await present(here, "podium/x/a", 1)
        answers = await asyncio.gather(
            here.request("podium/x/a", b"1", 5.0), here.request("podium/x/a", b"2", 5.0)
        )
        assert answers == [b"1", b"2"]


async def test_all_who_match_are_asked_and_failures_left_out(buses) -> None:
    here, there = buses

    async def broken(payload: bytes) -> bytes:
        raise ValueError("no")

    async with (
        there.serve("podium/x/a", echo),
        there.serve("podium/x/b", echo),
        there.serve("podium/x/c", broken),
        there.announce("podium/x/c"),
    ):
        await present(here, "podium/x/*", 1)
        answers = await here.request_all("podium/x/*", b"ab", 5.0)
        assert answers == {"podium/x/a": b"ba", "podium/x/b": b"ba"}


async def test_leaving_ends_what_is_being_answered(buses) -> None:
    here, there = buses
    ended = asyncio.Event()
    begun = asyncio.Event()

    async def endless(payload: bytes) -> bytes:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return payload

    async with asyncio.TaskGroup() as tasks:
        async with there.serve("podium/x/a", endless), there.announce("podium/x/a"):
            await present(here, "podium/x/a", 1)

            async def asking() -> None:
                with pytest.raises(NoAnswer):
                    await here.request("podium/x/a", b"", 5.0)

            asked = tasks.create_task(asking())
            await begun.wait()
        assert ended.is_set()
        await asked


async def test_a_requester_who_gives_up_does_not_end_the_work(buses) -> None:
    here, there = buses
    begun, go, carried_out = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work(payload: bytes) -> bytes:
        begun.set()
        await go.wait()
        carried_out.set()
        return payload

    async with there.serve("podium/x/a", work), there.announce("podium/x/a"):
        await present(here, "podium/x/a", 1)
        asking = asyncio.ensure_future(here.request("podium/x/a", b"", 5.0))
        await begun.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        go.set()
        async with asyncio.timeout(5):
            await carried_out.wait()


async def test_what_is_published_arrives_in_order_and_nothing_is_lost(buses) -> None:
    here, there = buses
    async with there.subscribe("podium/x/*") as news, there.announce("podium/x/listening"):
        await present(here, "podium/x/listening", 1)
        got = []
        async with asyncio.timeout(20):
            # A subscription travels: the first messages may be sent before it has arrived.
            waiting = asyncio.ensure_future(anext(news))
            while not waiting.done():
                await here.publish("podium/x/hello", b"")
                await asyncio.wait({waiting}, timeout=0.02)
            for index in range(2000):
                await here.publish("podium/x/n", index.to_bytes(2, "big"))
            async for key, payload in news:
                if key == "podium/x/n":
                    got.append(int.from_bytes(payload, "big"))
                    if len(got) == 2000:
                        break
        assert got == list(range(2000))


async def test_who_is_there_is_seen_at_once_and_who_leaves_as_well(buses) -> None:
    here, there = buses
    async with asyncio.timeout(10):
        async with there.announce("podium/x/a"):
            await present(here, "podium/x/a", 1)
            async with here.watch("podium/x/*") as changes:
                assert await anext(changes) == Presence("podium/x/a", True)
                async with there.announce("podium/x/b"):
                    assert await anext(changes) == Presence("podium/x/b", True)
                assert await anext(changes) == Presence("podium/x/b", False)


@pytest.mark.parametrize(("size", "threads"), [(SMALL_BYTES - 1, 0), (SMALL_BYTES, 1)])
async def test_only_large_news_takes_a_thread(
    size: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = await ZenohBus.open([free_endpoint()])
    used: list[object] = []
    in_thread = asyncio.to_thread

    async def counted(work):
        used.append(work)
        return await in_thread(work)

    async with bus.subscribe("podium/x/*") as news:
        monkeypatch.setattr(asyncio, "to_thread", counted)
        await bus.publish("podium/x/a", bytes(size))
        monkeypatch.undo()
        assert await anext(news) == ("podium/x/a", bytes(size))
    await bus.close()
    assert len(used) == threads


async def test_a_closed_bus_says_so() -> None:
    bus = await ZenohBus.open([free_endpoint()])
    await bus.close()
    await bus.close()
    with pytest.raises(BusError, match="closed"):
        await bus.request("podium/x/a", b"", 1.0)


async def test_an_endpoint_that_is_taken_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        endpoint = f"tcp/127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(BusError, match=r"cannot listen on tcp/127\.0\.0\.1"):
            await ZenohBus.open([endpoint])


@pytest.mark.parametrize(
    "endpoint", ["tcp/0.0.0.0:7447", "tcp/[::]:7447", "tcp/192.168.0.7:7447", "tcp/lab:7447", "x"]
)
def test_an_endpoint_beyond_this_machine_is_refused(endpoint) -> None:
    with pytest.raises(ValueError, match="loopback"):
        loopback_only(endpoint)


@pytest.mark.parametrize("endpoint", ["tcp/127.0.0.1:7447", "tcp/127.3.2.1:1", "tcp/[::1]:7447"])
def test_a_loopback_endpoint_is_allowed(endpoint) -> None:
    assert loopback_only(endpoint) == endpoint


def test_a_star_stands_for_one_word() -> None:
    assert matches("podium/*/agent/*", "podium/x/agent/room")
    assert not matches("podium/*", "podium/x/agent")
    assert not matches("podium/*/agent", "podium/x/room")
