"""A client that knows only sockets, and a few words of an instrument."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from podium.sim_instruments.servers.serving import ServedLaboratory

WITHIN_S = 30.0


def ramp(seconds: float) -> bytes:
    """Return what lets a GS200 ramp from 0 to 0.5 V in that time."""
    return (
        b":SOUR:FUNC VOLT;:SOUR:RANG 1;:SOUR:LEV 0;:OUTP 1\n"
        b":PROG:EDIT:STAR;:SOUR:LEV 0.5;:PROG:EDIT:END\n"
        b":PROG:INT %g;:PROG:SLOP %g;:PROG:RUN\n" % (seconds, seconds)
    )


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def tell(self, message: bytes) -> None:
        self.writer.write(message)

    async def hear(self) -> bytes:
        async with asyncio.timeout(WITHIN_S):
            return await self.reader.readline()

    async def ask(self, message: bytes) -> bytes:
        self.tell(message)
        return await self.hear()

    async def is_cut(self) -> bool:
        with suppress(ConnectionError):
            return await self.hear() == b""
        return True


@asynccontextmanager
async def client(
    serving: ServedLaboratory, instrument: str, port: str = "scpi"
) -> AsyncIterator[Client]:
    listening = serving.served[instrument].listening
    reader, writer = await asyncio.open_connection(listening.host, listening.ports[port])
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
