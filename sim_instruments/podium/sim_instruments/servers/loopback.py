"""Loopback addresses: one for each simulated instrument, which keeps the vendor's ports."""

import asyncio
import errno
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

PRIVILEGED_BELOW = 1024
ATTEMPTS = 64


class NoAddressError(OSError):
    """No loopback address with the ports asked for was free. Close other simulations, or retry."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Servers of one instrument, on one address."""

    host: str
    ports: Mapping[str, int]
    """The port each named door got: the vendor's usual one, or a free one where that is closed
    to ordinary users."""
    servers: tuple[asyncio.Server, ...]


ProtocolFactory = Callable[[], asyncio.BaseProtocol]


def draw_address(rng: random.Random) -> str:
    """Return a random host of 127.0.0.0/8, leaving out the ones that others use by habit."""
    return f"127.{rng.randint(1, 254)}.{rng.randint(0, 254)}.{rng.randint(1, 254)}"


async def listen(
    doors: Mapping[str, tuple[int, ProtocolFactory]],
    *,
    rng: random.Random,
    host: str | None = None,
) -> Listening:
    """Open all ``doors`` (name -> usual port, protocol) of one instrument on one address.

    A taken address is drawn again, unless ``host`` is given. Raises NoAddressError.
    """
    for _ in range(ATTEMPTS):
        address = host or draw_address(rng)
        servers: list[asyncio.Server] = []
        ports: dict[str, int] = {}
        try:
            loop = asyncio.get_running_loop()
            for name, (usual, factory) in doors.items():
                port = usual if usual >= PRIVILEGED_BELOW else 0
                server = await loop.create_server(factory, address, port)
                servers.append(server)
                ports[name] = server.sockets[0].getsockname()[1]
        except OSError as error:
            for server in servers:
                server.close()
            if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL) or host is not None:
                raise
            continue
        return Listening(address, ports, tuple(servers))
    raise NoAddressError(
        f"no address of 127.0.0.0/8 had the ports {sorted(p for p, _ in doors.values())} free "
        f"in {ATTEMPTS} draws"
    )
