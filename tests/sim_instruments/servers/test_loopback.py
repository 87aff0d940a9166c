import asyncio
import errno
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from podium.sim_instruments.servers import loopback
from podium.sim_instruments.servers.loopback import (
    SHIFTS,
    InstrumentServers,
    NoAddressError,
    Place,
    draw_place,
    listen,
)


class Deaf(asyncio.Protocol):
    """Takes connections and says nothing."""


DOORS = {"scpi": (5025, Deaf), "module": (25002, Deaf)}


@asynccontextmanager
async def listening(doors, draw) -> AsyncIterator[InstrumentServers]:
    found = await listen(doors, draw)
    try:
        yield found
    finally:
        for server in found.servers:
            server.close()
            await server.wait_closed()


def drawn(*places: Place):
    """Draw these places in turn, the last one for ever."""
    left = list(places)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


@pytest.fixture
def place() -> Place:
    """A place of 127.0.0.0/8 that nobody else is likely to take."""
    return draw_place(random.Random(), "linux")


def test_on_linux_every_instrument_draws_a_loopback_address_of_its_own() -> None:
    rng = random.Random(1)
    places = [draw_place(rng, "linux") for _ in range(1000)]
    assert len({place.host for place in places}) > 990
    for place in places:
        first, second, _, last = map(int, place.host.split("."))
        assert (first, place.shift) == (127, 0)
        assert second != 0
        assert 1 <= last <= 254


def test_elsewhere_all_share_one_address_and_the_ports_move() -> None:
    rng = random.Random(1)
    places = [draw_place(rng, "darwin") for _ in range(100)]
    assert {place.host for place in places} == {"127.0.0.1"}
    assert {place.shift for place in places} <= set(SHIFTS)
    assert len(places) == 100


async def test_an_instrument_keeps_the_vendors_ports(place) -> None:
    async with listening(DOORS, drawn(place)) as found:
        assert (found.host, found.shift) == (place.host, 0)
        assert found.ports == {"scpi": 5025, "module": 25002}
        for port in found.ports.values():
            _, writer = await asyncio.open_connection(found.host, port)
            writer.transport.abort()


async def test_an_address_with_one_port_taken_is_drawn_again(place) -> None:
    other = draw_place(random.Random(), "linux")
    with socket.create_server((place.host, 25002)):
        async with listening(DOORS, drawn(place, other)) as found:
            assert found.host == other.host
        with socket.create_server((place.host, 5025)):
            pass  # what was opened before the taken port has been closed again


async def test_two_instruments_that_draw_the_same_address_end_up_apart(place) -> None:
    other = draw_place(random.Random(), "linux")
    draw = drawn(place, place, other)
    async with listening(DOORS, draw) as one, listening(DOORS, draw) as two:
        assert {one.host, two.host} == {place.host, other.host}


async def test_when_nothing_is_free_it_says_which_ports(place) -> None:
    with (
        socket.create_server((place.host, 5025)),
        pytest.raises(NoAddressError, match=r"ports \[5025, 25002\] free in 64 draws"),
    ):
        await listen(DOORS, drawn(place))


async def test_ports_that_are_closed_to_ordinary_users_become_free_ones(place) -> None:
    async with listening({"modbus": (502, Deaf), "scpi": (5025, Deaf)}, drawn(place)) as found:
        assert found.ports["modbus"] >= 1024
        assert found.ports["scpi"] == 5025


async def test_ports_that_move_keep_their_distances() -> None:
    rng = random.Random()
    async with listening(DOORS, lambda: draw_place(rng, "darwin")) as found:
        assert found.host == "127.0.0.1"
        assert found.ports == {"scpi": 5025 + found.shift, "module": 25002 + found.shift}


async def test_another_trouble_than_a_taken_port_is_told_at_once(monkeypatch, place) -> None:
    tries = []

    async def forbidden(doors, place):
        tries.append(place)
        raise PermissionError(errno.EACCES, "not allowed")

    monkeypatch.setattr(loopback, "_listen_at", forbidden)
    with pytest.raises(PermissionError):
        await listen(DOORS, drawn(place))
    assert len(tries) == 1
