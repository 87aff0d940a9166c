"""Sends and receives on the vendor's sockets without steps that cost more than the message.

qblox-instruments 1.4.1 hands each piece of a message to the kernel by itself, and starts a task and
a timer for every step of sending and receiving (``asyncio.wait_for``): a quarter of a millisecond
for a message of a few bytes. Here a command goes out with the question that follows it, and only
waiting for an answer has a deadline. What is sent and what is said of errors stays as it was.
"""

import asyncio
from typing import Any

LONG_BYTES = 1 << 16
"""More than this is not kept back."""
LONGEST_BYTES = 1 << 20
"""So much is taken at once, if it is there."""


class FastSocket:
    """Replaces sending and receiving of one of the client's transports."""

    def __init__(self, transport: Any) -> None:
        """From now on ``transport`` sends and receives like this; its time-out is looked up."""
        self._transport = transport
        self._ahead: list[bytes] = []
        self._held = bytearray()
        """What has come and was not asked for yet: a lone byte costs as much as all there is."""
        transport.write_binary = self.write_binary
        transport.read_binary = self.read_binary
        transport.readline = self.readline

    @property
    def idle(self) -> bool:
        """True if nothing waits to be sent, and nothing that has come to be asked for."""
        return not self._ahead and not self._held

    async def write_binary(self, *data: bytes) -> None:
        """Send a message: with the next question, or as soon as the loop has its turn."""
        if not self._ahead:
            asyncio.get_running_loop().call_soon(self._send)
        self._ahead += data
        if sum(map(len, self._ahead)) > LONG_BYTES:
            self._send()
        writer = self._transport._writer
        if writer.transport.get_write_buffer_size() or writer.is_closing():
            await asyncio.wait_for(writer.drain(), self._transport.timeout)

    async def readline(self) -> str:
        """Return a line; raises ``TimeoutError`` where none comes in time."""
        self._send()
        searched = 0
        while (end := self._held.find(b"\n", searched) + 1) == 0:
            searched = len(self._held)
            if not await self._receive():
                end = searched  # closed: what there is
                break
        return self._taken(end).decode("utf-8")

    async def read_binary(self, size: int) -> bytes:
        """Return so many bytes; raises ``TimeoutError`` where none come in time."""
        self._send()
        while len(self._held) < size:
            if not await self._receive():
                raise BrokenPipeError(
                    f"Connection closed while trying to read {size} bytes from instrument"
                )
        return self._taken(size)

    async def _receive(self) -> bool:
        """Hold what comes next; return whether anything will."""
        async with asyncio.timeout(self._transport.timeout):
            chunk: bytes = await self._transport._reader.read(LONGEST_BYTES)
        self._held += chunk
        return bool(chunk)

    def _taken(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken

    def _send(self) -> None:
        if self._ahead:
            message = b"".join(self._ahead)
            self._ahead.clear()
            self._transport._writer.write(message)
