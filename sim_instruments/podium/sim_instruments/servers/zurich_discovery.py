"""Answers the vendor's discovery of Zurich Instruments for the data servers that are simulated.

On 127.0.0.1 only: the vendor's clients ask there, beside the multicast that nobody here hears.
"""

import asyncio
import errno
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

from podium.firmware_interfaces.zurich import discovery
from podium.firmware_interfaces.zurich.discovery import DiscoveredServer
from podium.firmware_interfaces.zurich.errors import ProtocolError
from podium.sim_instruments.servers.datagrams import Sender
from podium.sim_instruments.servers.serving import ServedLaboratory
from podium.sim_instruments.twins.zurich.data_server.data_server import DataServer

Found = Callable[[], tuple[DiscoveredServer, ...]]


class NoDiscoveryError(OSError):
    """Discovery cannot be answered. Without it the twins can be reached all the same."""


class DiscoveryAnswers(asyncio.DatagramProtocol):
    """Answers each question with what there is at that moment; drops whatever else comes."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen."""
        # Until Python 3.12 asyncio's own transport is no instance of what it implements.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Sender) -> None:
        """Answer to whoever asked."""
        try:
            asked = discovery.parse_question(data)
        except ProtocolError:
            return
        if self._transport is not None:
            for server in self._found():  # each data server answers for itself
                self._transport.sendto(discovery.answer(asked, server), addr)


@asynccontextmanager
async def answering_discovery(serving: ServedLaboratory) -> AsyncIterator[int]:
    """Answer meanwhile, at the first of the vendor's ports that is free; yield which.

    Raises :class:`NoDiscoveryError` when there is no data server, or no port is free.
    """
    if not discovered(serving):
        raise NoDiscoveryError("--discovery: no data server of Zurich Instruments is simulated")
    loop = asyncio.get_running_loop()
    for port in discovery.PORTS:
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: DiscoveryAnswers(lambda: discovered(serving)),
                local_addr=(discovery.HOST, port),
            )
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            continue
        try:
            yield port
        finally:
            transport.abort()
            await asyncio.sleep(0)  # in which the loop lets go of it
        return
    ports = ", ".join(map(str, discovery.PORTS))
    raise NoDiscoveryError(
        f"--discovery: UDP ports {ports} of {discovery.HOST} are taken, by data servers "
        "or by other twins: end one, or serve without --discovery"
    )


def discovered(serving: ServedLaboratory) -> tuple[DiscoveredServer, ...]:
    """Return the data servers of a laboratory where they listen."""
    return tuple(
        DiscoveredServer(
            twin.name,
            served.listening.host,
            served.listening.ports["data_server"],
            twin.version,
            twin.discovered_devices(),
        )
        for served in serving.served.values()
        if isinstance(twin := served.twin, DataServer)
    )
