"""A proxy between clients and one instrument that writes down all that passes, as a trace.

It stands outside the package, like ``podium_command_line``: ``podium twin record`` runs without the
control layer, and ``podium record`` without the simulation.
"""

import asyncio
import socket
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TextIO

from podium.firmware_interfaces.trace import Head, Piece, Side, head_line, piece_line

CONNECT_S = 5.0
CHUNK = 1 << 16

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Address = tuple[str, int]
"""Host and port."""


@asynccontextmanager
async def recording(
    head: Head,
    doors: Mapping[str, Address],
    sockets: Mapping[str, socket.socket],
    trace: TextIO,
    trouble: Callable[[str], object] = lambda what: None,
) -> AsyncGenerator[None]:
    """Listen for clients of an instrument while the context is open, and write ``trace``.

    ``doors``: where each port of the instrument is, by name; ``sockets``: bound ones for clients,
    by the same names. The instrument is connected to when a client comes, once for each. Nothing
    is added, left out or held back. ``trouble`` is called if the instrument cannot be reached: its
    client sees the connection end.
    """
    trace.write(head_line(head))
    trace.flush()
    proxy = _Proxy(trace, trouble)
    servers = [
        await asyncio.start_server(proxy.client(name, *doors[name]), sock=sockets[name])
        for name in doors
    ]
    try:
        yield
    finally:
        for server in servers:
            server.close()
        proxy.cut()
        for server in servers:
            await server.wait_closed()
        await proxy.ended()


class _Proxy:
    def __init__(self, trace: TextIO, trouble: Callable[[str], object]) -> None:
        self._trace = trace
        self._trouble = trouble
        self._began = time.monotonic()
        self._connections = 0
        self._open: set[asyncio.Task[None]] = set()

    def client(self, port: str, host: str, number: int) -> Serve:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                self._open.add(task)
                task.add_done_callback(self._open.discard)
            self._connections += 1
            try:
                await self._between(self._connections, port, (host, number), reader, writer)
            except (OSError, TimeoutError, asyncio.CancelledError):
                pass  # a client of an instrument that is away sees its connection end
            finally:
                writer.transport.abort()

        return serve

    async def _between(
        self,
        connection: int,
        port: str,
        where: Address,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        try:
            async with asyncio.timeout(CONNECT_S):
                from_box, to_box = await asyncio.open_connection(*where)
        except (OSError, TimeoutError) as error:
            why = str(error) or f"no answer within {CONNECT_S:g} s"
            self._trouble(f"{port} cannot be reached at {where[0]}:{where[1]}: {why}")
            raise
        pumps = [
            asyncio.ensure_future(self._pump(connection, port, "instrument", reader, to_box)),
            asyncio.ensure_future(self._pump(connection, port, "client", from_box, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            to_box.transport.abort()  # before anything is awaited: that may be cancelled
            for pump in pumps:
                pump.cancel()
            await asyncio.wait(pumps)

    async def _pump(
        self,
        connection: int,
        port: str,
        to: Side,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(CHUNK):
                at_s = time.monotonic() - self._began
                # Before it is passed on: no answer stands in the trace before its question.
                self._trace.write(piece_line(Piece(at_s, connection, port, to, data)))
                self._trace.flush()
                writer.write(data)
                await writer.drain()

    def cut(self) -> None:
        for task in tuple(self._open):
            task.cancel()

    async def ended(self) -> None:
        if self._open:
            await asyncio.wait(self._open)
