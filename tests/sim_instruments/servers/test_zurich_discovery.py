"""Discovery on a socket of loopback; the vendor's own client is a referee of its own."""

import asyncio
import json
import socket

import pytest
from tests.benches.zurich.discovery import QUESTION
from tests.benches.zurich.sockets import opened

from podium.firmware_interfaces.zurich import discovery
from podium.sim_instruments.servers.zurich_discovery import NoDiscoveryError, answering_discovery

__all__ = ["opened"]
WITHIN_S = 20.0


@pytest.fixture
def taken():
    """Yield a UDP port of loopback that somebody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as somebody:
        somebody.bind((discovery.HOST, 0))
        yield somebody.getsockname()[1]


async def ask(question: bytes, port: int) -> dict[str, object]:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        asking.bind((discovery.HOST, 0))
        async with asyncio.timeout(WITHIN_S):
            await loop.sock_sendto(asking, question, (discovery.HOST, port))
            return json.loads(await loop.sock_recv(asking, 65536))


async def test_the_next_port_is_taken_where_the_first_is_and_garbage_is_dropped(
    opened, monkeypatch, taken
):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((discovery.HOST, 0))
        second = free.getsockname()[1]
    monkeypatch.setattr(discovery, "PORTS", (taken, second))
    async with opened() as serving, answering_discovery(serving) as port:
        assert port == second
        (served,) = (one for one in serving.served.values() if one.model == "zurich")
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.setblocking(False)
            await loop.sock_sendto(stranger, b"\xff" * 100, (discovery.HOST, port))
        (server,) = (await ask(QUESTION, port))["servers"]
        assert server["addresses"] == [served.listening.host]
        assert server["port"] == str(served.listening.ports["data_server"])
        assert {one["serial"] for one in server["devices"]} == {
            device.name.upper() for device in served.twin.devices
        }
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as after:
        after.bind((discovery.HOST, second))  # let go of


async def test_discovery_says_so_where_all_ports_are_taken(opened, monkeypatch, taken):
    monkeypatch.setattr(discovery, "PORTS", (taken,))
    async with opened() as serving:
        with pytest.raises(NoDiscoveryError, match=f"{taken} of 127.0.0.1 are taken"):
            async with answering_discovery(serving):
                pass
