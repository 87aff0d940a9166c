"""A way through which a process reaches another one, and that can be cut."""

import asyncio
from contextlib import suppress


class Proxy:
    """Listens on a free loopback port and passes everything on to ``port``."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.port = 0
        self._server: asyncio.Server
        self._writers: set[asyncio.StreamWriter] = set()
        self._cut = False
        self._passing: set[asyncio.Task[None]] = set()

    async def begin(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self, lasting_s: float) -> None:
        """Break all connections, and let no new one through for so long."""
        self._cut = True
        for writer in tuple(self._writers):
            writer.transport.abort()
        await asyncio.sleep(lasting_s)
        self._cut = False

    async def end(self) -> None:
        self._server.close()
        await self.cut(0.0)
        await self._server.wait_closed()
        if self._passing:
            await asyncio.wait(self._passing)

    async def _pass_on(self, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        mine = asyncio.current_task()
        self._passing.add(mine)
        mine.add_done_callback(self._passing.discard)
        self._writers.add(back)
        try:
            if self._cut:
                return
            there, out = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            return
        finally:
            if self._cut:
                back.transport.abort()
        self._writers.add(out)
        try:
            await asyncio.gather(_copy(here, out), _copy(there, back))
        finally:
            for writer in (out, back):
                self._writers.discard(writer)
                writer.transport.abort()


async def _copy(one: asyncio.StreamReader, other: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await one.read(65536):
            other.write(data)
            await other.drain()
    other.transport.abort()
