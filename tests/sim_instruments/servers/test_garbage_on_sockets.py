"""Whatever comes over a socket is the trouble of that connection alone."""

import asyncio
import errno
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.benches.servers.garbage import KINDS, Attempt, attempt
from tests.benches.servers.socket_client import Client, client

from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.serving import ServedLaboratory, open_serving

CLUSTER = "cluster_a"
AT_ONCE = 20
WITHIN_S = 30.0
NOT_BY_LINES = ("hislip", "vxi11")
"""Ports where nobody is answered who sends a line."""


@asynccontextmanager
async def watched(
    facility, twin_file
) -> AsyncIterator[tuple[ServedLaboratory, list[dict[str, Any]]]]:
    """Serve the example; what breaks down within the loop is collected."""
    broken: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context))
    async with open_serving(facility, twin_file, WorldClock(ClockMode.LEAP)) as serving:
        yield serving, broken


def sockets(serving: ServedLaboratory) -> list[tuple[str, str]]:
    """Return instrument and port of every TCP socket of the laboratory."""
    return [(name, port) for name, one in serving.served.items() for port in one.listening.ports]


async def tell(serving: ServedLaboratory, place: tuple[str, str], told: Attempt) -> None:
    """Send an attempt over a connection of its own, hear what comes at once, and hang up."""
    async with client(serving, *place) as one:
        for piece in told.pieces:
            one.tell(piece)
            await asyncio.sleep(0)
        try:
            await one.writer.drain()
            one.writer.write_eof()
            async with asyncio.timeout(WITHIN_S):
                while await one.reader.read(1 << 16):
                    pass
        except OSError as error:
            cut = isinstance(error, ConnectionError) or error.errno == errno.ENOTCONN
            if not cut:  # a TimeoutError is one, too
                raise


async def try_many(
    serving: ServedLaboratory, broken: list[dict[str, Any]], seed: int, count: int
) -> None:
    """Tell every socket garbage; whoever else is connected goes on as if nothing had happened."""
    chance = random.Random(seed)
    places = sockets(serving)
    asked = [place for place in places if place[1] not in NOT_BY_LINES]
    async with asyncio.TaskGroup() as opening:
        opened = [opening.create_task(_open(serving, place)) for place in asked]
    bystanders = [task.result() for task in opened]
    said = [await one.ask(b"*IDN?\n") for one in bystanders]
    attempts = [(chance.choice(places), attempt(chance)) for _ in range(count)]
    for first in range(0, count, AT_ONCE):
        some = attempts[first : first + AT_ONCE]
        async with asyncio.TaskGroup() as tasks:
            for place, told in some:
                tasks.create_task(tell(serving, place, told))
        assert not broken, f"one of {some!r:.2000}: {broken[0]}"
        which = chance.randrange(len(asked))
        assert await bystanders[which].ask(b"*IDN?\n") == said[which], asked[which]
    for one, known in zip(bystanders, said, strict=True):
        assert await one.ask(b"*IDN?\n") == known
        one.writer.close()


async def _open(serving: ServedLaboratory, place: tuple[str, str]) -> Client:
    listening = serving.served[place[0]].listening
    return Client(*await asyncio.open_connection(listening.host, listening.ports[place[1]]))


async def assert_plays(serving: ServedLaboratory) -> None:
    """After a reset the cluster runs a program, as on its first day."""
    program = b"set_mrk 2\nacquire 0,0,4000\nstop 5"
    async with client(serving, CLUSTER) as cmm, client(serving, CLUSTER, "slot2") as module:
        cmm.tell(b"*RST\n")
        assert await cmm.ask(b"*OPC?\n") == b"1\r\n"
        module.tell(b"*CLS\nSEQuencer0:PROGram #2%d%s\n" % (len(program), program))
        module.tell(b'SEQuencer0:ACQ:ALISt:ACQuisition:NEW "a",1\n')
        module.tell(b'SEQuencer0:ACQ:ALISt:ACQuisition:INDex "a",0\n')
        module.tell(b"SEQuencer0:ARM\nSEQuencer0:START\n")
        async with asyncio.timeout(WITHIN_S):
            while b"RUNNING" in (state := await module.ask(b"SEQuencer0:STATE?\n")):
                pass
        assert state.startswith(b"OKAY;STOPPED;5;"), state
        assert await module.ask(b"SYSTem:ERRor:COUNt?\n") == b"0\r\n"


@pytest.mark.slow
async def test_two_thousand_attempts_leave_everybody_else_alone(facility, twin_file) -> None:
    async with watched(facility, twin_file) as (serving, broken):
        await try_many(serving, broken, seed=1, count=2_000)
        await assert_plays(serving)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(2, 12))
async def test_a_hundred_thousand_attempts_leave_everybody_else_alone(
    facility, twin_file, seed
) -> None:
    async with watched(facility, twin_file) as (serving, broken):
        await try_many(serving, broken, seed, count=10_000)
        await assert_plays(serving)


async def test_a_gigabyte_that_is_announced_takes_no_memory_and_holds_nobody_up(
    facility, twin_file
) -> None:
    async with watched(facility, twin_file) as (serving, broken):
        async with client(serving, CLUSTER, "slot2") as greedy:
            greedy.tell(b"SEQuencer0:PROGram #9999999999" + b"x" * 1000)
            await greedy.writer.drain()
            async with client(serving, CLUSTER, "slot2") as other:
                assert b"QRM" in await other.ask(b"*IDN?\n")
                assert b"at most" in await other.ask(b"SYSTem:ERRor:NEXT?\n")
            greedy.tell(b"\n*OPC?\n")
            assert await greedy.hear() == b"1\r\n"
        assert not broken


def test_every_kind_of_garbage_is_among_the_attempts_and_is_what_its_name_says() -> None:
    chance = random.Random(1)
    tried = [attempt(chance) for _ in range(2_000)]
    assert {one.kind for one in tried} == KINDS.keys()
    assert all(one.pieces for one in tried)
    claims = [b"".join(one.pieces) for one in tried if one.kind == "a claim"]
    assert any(b"#9999999999" in claim for claim in claims)
    assert all(len(claim) < 200_000 for claim in claims)
