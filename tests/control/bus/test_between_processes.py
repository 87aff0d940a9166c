"""The bus between two processes: who dies is seen at once, who freezes within the lease."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
import pytest

from podium.control.bus.bus import NoAnswer, Presence
from podium.control.bus.zenoh_bus import ZenohBus
from podium.control.bus.zenoh_config import LEASE_MS

CHILD = """
import asyncio, sys
from podium.control.bus.zenoh_bus import ZenohBus

async def echo(payload):
    return payload[::-1]

async def main(listen, connect):
    bus = await ZenohBus.open([listen], [connect])
    async with bus.serve("podium/x/child", echo), bus.announce("podium/x/child"):
        print("here", flush=True)
        await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


def free_endpoint() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp/127.0.0.1:{probe.getsockname()[1]}"


@asynccontextmanager
async def child(endpoint: str) -> AsyncIterator[asyncio.subprocess.Process]:
    command = [sys.executable, "-c", CHILD, free_endpoint(), endpoint]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
async def bus_and_endpoint() -> AsyncIterator[tuple[ZenohBus, str]]:
    endpoint = free_endpoint()
    bus = await ZenohBus.open([endpoint])
    yield bus, endpoint
    await bus.close()


async def test_a_request_crosses_to_another_process_quickly(bus_and_endpoint) -> None:
    bus, endpoint = bus_and_endpoint
    async with bus.watch("podium/x/*") as changes, child(endpoint):
        async with asyncio.timeout(20):
            assert await anext(changes) == Presence("podium/x/child", True)
        times = []
        for _ in range(50):
            began = time.perf_counter()
            assert await bus.request("podium/x/child", b"abc", 10.0) == b"cba"
            times.append(time.perf_counter() - began)
        assert sorted(times)[25] < 0.05  # a loaded machine; alone it takes under a millisecond


@pytest.mark.parametrize(
    ("number", "within_s"), [(signal.SIGKILL, 5.0), (signal.SIGSTOP, 5.0 + LEASE_MS / 1000)]
)
async def test_who_dies_or_freezes_is_seen_and_asking_it_ends(
    bus_and_endpoint, number, within_s
) -> None:
    bus, endpoint = bus_and_endpoint
    async with bus.watch("podium/x/*") as changes, child(endpoint) as process:
        async with asyncio.timeout(20):
            assert await anext(changes) == Presence("podium/x/child", True)
        os.kill(process.pid, number)
        async with asyncio.timeout(within_s):
            assert await anext(changes) == Presence("podium/x/child", False)
        with pytest.raises(NoAnswer):
            await bus.request("podium/x/child", b"", 1.0)


async def test_all_listening_sockets_are_on_loopback(bus_and_endpoint) -> None:
    bus, endpoint = bus_and_endpoint
    async with bus.watch("podium/x/*") as changes, child(endpoint) as process:
        async with asyncio.timeout(20):
            assert await anext(changes) == Presence("podium/x/child", True)
        for pid in (process.pid, os.getpid()):
            hosts = {
                one.laddr.ip
                for one in psutil.Process(pid).net_connections("inet")
                if one.status == psutil.CONN_LISTEN or one.type == socket.SOCK_DGRAM
            }
            assert hosts == {"127.0.0.1"}


async def test_one_who_comes_back_is_seen_again(bus_and_endpoint) -> None:
    bus, endpoint = bus_and_endpoint
    async with bus.watch("podium/x/*") as changes, asyncio.timeout(60):
        for _ in range(2):
            async with child(endpoint):
                assert await anext(changes) == Presence("podium/x/child", True)
                assert await bus.request("podium/x/child", b"ab", 10.0) == b"ba"
            assert await anext(changes) == Presence("podium/x/child", False)
