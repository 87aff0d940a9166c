"""Loopback addresses: one for each simulated instrument, which keeps the vendor's ports there."""

import asyncio
import errno
import ipaddress
import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

PRIVILEGED_BELOW = 1024
"""Ports below are closed to ordinary users: what belongs there gets a free one."""
ATTEMPTS = 64
SHIFTS = range(10_000, 30_000)
"""Where instruments share one address, all ports of one are moved up by one of these."""


class NoAddressError(OSError):
    """No loopback address with the ports asked for was free. Close other simulations, or retry."""


@dataclass(frozen=True, slots=True)
class InstrumentServers:
    """The servers of one instrument, on one address."""

    host: str
    ports: Mapping[str, int]
    """The port that each door has got."""
    shift: int
    """How far above the vendor's usual ports they are (those of ordinary users)."""
    servers: tuple[asyncio.Server, ...]
    datagrams: tuple[asyncio.DatagramTransport, ...] = ()
    """Of the UDP ports."""


ProtocolFactory = Callable[[], asyncio.BaseProtocol]


@dataclass(frozen=True, slots=True)
class DatagramDoor:
    """A UDP port: its usual number, and who hears there."""

    usual: int
    factory: Callable[[], asyncio.DatagramProtocol]


@dataclass(frozen=True, slots=True)
class TlsDoor:
    """A TCP port behind TLS: its usual number, who answers there, and what the host shows."""

    usual: int
    factory: ProtocolFactory
    context: "Callable[[str], ssl.SSLContext]"
    """Of the host that it listens on."""


Door = tuple[int, ProtocolFactory] | DatagramDoor | TlsDoor
"""The vendor's usual port, and who answers there; a plain pair is a TCP port."""


@dataclass(frozen=True, slots=True)
class Place:
    """An address and ports at which an instrument may listen."""

    host: str
    shift: int = 0


def draw_place(rng: random.Random, platform: str = sys.platform) -> Place:
    """Draw a place. Only Linux has all of 127.0.0.0/8; elsewhere the ports move instead."""
    if platform != "linux":
        return Place("127.0.0.1", rng.choice(SHIFTS))
    # 127.0.x.y and the ends of each range are what other programs use by habit.
    return Place(f"127.{rng.randint(1, 254)}.{rng.randint(0, 254)}.{rng.randint(1, 254)}")


def at_host(host: str, shift: int | None, rng: random.Random) -> Callable[[], Callable[[], Place]]:
    """Return what draws places for each instrument anew, all on one address that is given.

    With ports moved up by ``shift`` and nowhere else; None: on the vendor's usual ports, and
    where these are taken, moved up by a number that is drawn. Raises :class:`NoAddressError`
    when ``host`` is no loopback address.
    """
    if not ipaddress.ip_address(host).is_loopback:
        raise NoAddressError(f"{host} is no loopback address; a twin lets everybody in")
    if shift is not None:
        return lambda: lambda: Place(host, shift)

    def for_one() -> Callable[[], Place]:
        usual = iter([Place(host)])
        return lambda: next(usual, None) or Place(host, rng.choice(SHIFTS))

    return for_one


async def listen(doors: Mapping[str, Door], draw: Callable[[], Place]) -> InstrumentServers:
    """Open all ``doors`` of one instrument, by name, at one place.

    A place that is taken is drawn again. Raises :class:`NoAddressError`, or OSError for
    whatever else stands in the way.
    """
    for _ in range(ATTEMPTS):
        place = draw()
        try:
            return await _listen_at(doors, place)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                raise
    raise NoAddressError(
        f"no loopback address had the ports {sorted(map(_usual, doors.values()))} free "
        f"in {ATTEMPTS} draws"
    )


def _usual(door: Door) -> int:
    return door[0] if isinstance(door, tuple) else door.usual


async def _listen_at(doors: Mapping[str, Door], place: Place) -> InstrumentServers:
    loop = asyncio.get_running_loop()
    servers: list[asyncio.Server] = []
    datagrams: list[asyncio.DatagramTransport] = []
    ports: dict[str, int] = {}
    try:
        for name, door in doors.items():
            usual = _usual(door)
            port = usual + place.shift if usual >= PRIVILEGED_BELOW else 0
            if isinstance(door, DatagramDoor):
                here = (place.host, port)
                transport, _ = await loop.create_datagram_endpoint(door.factory, local_addr=here)
                datagrams.append(transport)
                ports[name] = transport.get_extra_info("sockname")[1]
            else:
                if isinstance(door, TlsDoor):
                    factory, tls = door.factory, door.context(place.host)
                else:
                    factory, tls = door[1], None
                server = await loop.create_server(factory, place.host, port, ssl=tls)
                servers.append(server)
                ports[name] = server.sockets[0].getsockname()[1]
    except OSError:
        for server in servers:
            server.close()
        for transport in datagrams:
            transport.abort()
        raise
    return InstrumentServers(place.host, ports, place.shift, tuple(servers), tuple(datagrams))
