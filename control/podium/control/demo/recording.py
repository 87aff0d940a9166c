"""A proxy on loopback between clients and one instrument that writes down what passes."""

import asyncio
import random
import re
import socket
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TextIO

from podium.control.facility.facility import HostAddress, InstrumentEntry
from podium.firmware_interfaces.trace import Head, Piece, Side, head_line, piece_line

HOST = "127.0.0.1"
MODULE_BASE = "module_scpi_base"
"""Name of the port from which a modular instrument counts its modules' sockets."""
MODULE_BASES = range(20_000, 30_000)
ATTEMPTS = 64
CONNECT_S = 5.0
CHUNK = 1 << 16
_SOCKET = re.compile(r"TCPIP\d*::([^:]+)::(\d+)::SOCKET", re.IGNORECASE)


class NotRecordable(ValueError):
    """The instrument is not reached through a TCP socket. The message says how it is reached."""


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Recording:
    """Where clients connect meanwhile."""

    endpoint: Mapping[str, object]
    """Entry of an endpoints file."""


def doors_of(entry: InstrumentEntry) -> dict[str, tuple[str, int]]:
    """Return host and port of each socket of an instrument, by name; raises NotRecordable."""
    if not isinstance(entry.address, HostAddress):
        found = _SOCKET.fullmatch(entry.address.resource)
        if found is None:
            raise NotRecordable(
                f"{entry.name} is reached as {entry.address.resource}; what can be recorded is a "
                "TCP socket, TCPIP::HOST::PORT::SOCKET"
            )
        return {"scpi": (found[1], int(found[2]))}
    host, ports = entry.address.host, dict(entry.address.ports)
    base = ports.pop(MODULE_BASE, None)
    doors = {name: (host, port) for name, port in ports.items()}
    modules = entry.options.get("modules")
    if base is not None and isinstance(modules, Mapping):
        doors |= {f"slot{slot}": (host, base + slot) for slot in modules}
    return doors


@asynccontextmanager
async def recording(entry: InstrumentEntry, trace: TextIO) -> AsyncGenerator[Recording]:
    """Listen for clients of the instrument while the context is open, and write ``trace``.

    The instrument is connected to when a client comes, once for each. Nothing is added, left
    out or held back. Raises :class:`NotRecordable`, and OSError when no port is free.
    """
    doors = doors_of(entry)
    options = {
        key: {str(number): word for number, word in value.items()}
        if isinstance(value, Mapping)
        else value
        for key, value in entry.options.items()
    }
    trace.write(head_line(Head(entry.name, entry.model, options)))
    trace.flush()
    proxy = _Proxy(trace)
    sockets, endpoint = _bound(entry, doors)
    servers = [
        await asyncio.start_server(proxy.client(name, *doors[name]), sock=sockets[name])
        for name in doors
    ]
    try:
        yield Recording(endpoint)
    finally:
        for server in servers:
            server.close()
        proxy.cut()
        for server in servers:
            await server.wait_closed()
        await proxy.ended()


class _Proxy:
    def __init__(self, trace: TextIO) -> None:
        self._trace = trace
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
        where: tuple[str, int],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        async with asyncio.timeout(CONNECT_S):
            from_box, to_box = await asyncio.open_connection(*where)
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


def _bound(
    entry: InstrumentEntry, doors: Mapping[str, tuple[str, int]]
) -> tuple[dict[str, socket.socket], dict[str, object]]:
    """Bind a loopback port for each door; return them with the entry of an endpoints file."""
    for attempt in range(ATTEMPTS):
        base = random.choice(MODULE_BASES)
        sockets: dict[str, socket.socket] = {}
        try:
            for name in doors:
                slot = int(name.removeprefix("slot")) if name.startswith("slot") else None
                sockets[name] = socket.socket()
                sockets[name].bind((HOST, 0 if slot is None else base + slot))
        except OSError:
            for one in sockets.values():
                one.close()
            if attempt == ATTEMPTS - 1:
                raise
            continue
        ports = {
            name: one.getsockname()[1]
            for name, one in sockets.items()
            if not name.startswith("slot")
        }
        if isinstance(entry.address, HostAddress):
            if len(ports) < len(doors):
                ports[MODULE_BASE] = base
            return sockets, {"model": entry.model, "host": HOST, "ports": ports}
        return sockets, {"model": entry.model, "visa": f"TCPIP::{HOST}::{ports['scpi']}::SOCKET"}
    raise OSError("no loopback ports were free")
