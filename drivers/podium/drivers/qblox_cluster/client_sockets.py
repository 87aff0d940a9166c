"""Sends and receives on the sockets of the vendor's client, without steps that cost more than that.

qblox-instruments 1.4.1 hands each piece of a message to the kernel by itself, and starts a task and
a timer for every step of sending and receiving (``asyncio.wait_for``): a quarter of a millisecond
for a message of a few bytes. Of a :class:`FastSocket` a command goes out with the question that
follows it, and only waiting for an answer has a deadline. What is sent and what is said of errors
stays as it was.

The client's event loop stands between two calls of it, and takes a tenth of a millisecond for each
module that is asked something. Of :class:`DirectSockets` all messages go out one after the other,
and the kernel says which answers have come. That is done while the loop stands, and only where
nothing is left over of an earlier exchange.
"""

import asyncio
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
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


CLUSTER = 0
"""Slot of the cluster itself, beside those of its modules."""
CHUNK_BYTES = 1 << 20

Complete = Callable[[memoryview], bool]
"""Tells whether an answer is whole."""


def lines(count: int) -> Complete:
    """Return what takes an answer for whole that has so many lines."""
    return lambda held: bytes(held).count(b"\n") >= count


def is_question(line: str) -> bool:
    """Tell whether a line is answered: its first word ends with a question mark."""
    return line.partition(" ")[0].endswith("?")


def answer_lines(answer: bytes | memoryview, count: int) -> list[bytes]:
    """Return the lines of an answer; ``ValueError`` where it has another number of them."""
    told = bytes(answer).splitlines()
    if len(told) != count:
        raise ValueError(f"invalid literal: {count} lines expected, got {bytes(answer)!r:.80}")
    return told


class DirectSockets:
    """The sockets of one client. One exchange at a time, in one thread; :meth:`close` in any."""

    def __init__(self, cluster: Any) -> None:
        """``cluster``: the vendor's client, whose transports are ``FastSocket``s."""
        slots = cluster._scpi._slot_connections
        self._transport = cluster._transport
        transports = {CLUSTER: self._transport}
        transports |= {slot: one._transport for slot, one in slots.items()}
        self._channels = {slot: _Channel(one) for slot, one in transports.items()}
        self._busy = threading.Lock()
        self._closed = False

    def ready(self) -> bool:
        """Return whether the client's loop stands, and nothing is left over of an exchange."""
        return not self._transport.loop.is_running() and all(
            one.in_step() for one in self._channels.values()
        )

    def exchange(
        self, messages: Mapping[int, bytes], complete: Mapping[int, Complete]
    ) -> dict[int, memoryview]:
        """Send messages, in their order, and return the answers, by slot.

        An answer is good until the next exchange. ``complete``: by slot, of all that answer.
        Raises ``TimeoutError`` where one does not come in the client's time, ``OSError`` where a
        connection is gone; they are out of step then.
        """
        with self._busy:
            if self._closed:
                raise ConnectionError("it is closed on this side")
            give_up_s = time.monotonic() + self._transport.timeout
            for slot, message in messages.items():
                self._channels[slot].send(message, give_up_s)
            awaited = {self._channels[slot].number: slot for slot in complete}
            poll = select.poll()
            for number in awaited:
                poll.register(number, select.POLLIN)
            for slot in complete:
                self._channels[slot].size = 0
            while awaited:
                come = poll.poll(1e3 * _left_s(give_up_s))
                if not come:
                    raise TimeoutError
                for number, _ in come:
                    slot = awaited[number]
                    channel = self._channels[slot]
                    channel.receive()
                    if complete[slot](channel.held):
                        poll.unregister(number)
                        del awaited[number]
            return {slot: self._channels[slot].held for slot in complete}

    def ask(self, said: Mapping[int, Sequence[str]]) -> dict[int, list[str]]:
        """Send lines, by slot, and return the answers to those that are questions.

        Raises as :meth:`exchange` does, and ``ValueError`` where more is answered than was asked.
        """
        asked = {slot: sum(map(is_question, told)) for slot, told in said.items()}
        answers = self.exchange(
            {slot: "".join(f"{one}\n" for one in told).encode() for slot, told in said.items()},
            {slot: lines(count) for slot, count in asked.items() if count},
        )
        return {
            slot: [
                one.decode().strip() for one in answer_lines(answers.get(slot, b""), asked[slot])
            ]
            for slot in said
        }

    def close(self) -> None:
        """Close them; an exchange in another thread raises ``ConnectionError``."""
        self._closed = True
        for one in self._channels.values():
            one.shut()
        with self._busy:
            for one in self._channels.values():
                one.close()


class _Channel:
    """One socket, under a number of its own, and what has come."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._writer = transport._writer
        theirs = self._writer.get_extra_info("socket").fileno()
        self._socket = socket.socket(fileno=os.dup(theirs))
        self._socket.setblocking(False)
        self.number = self._socket.fileno()
        self._buffer = bytearray(1 << 12)
        self.size = 0

    @property
    def held(self) -> memoryview:
        """Return what has come of the answer."""
        return memoryview(self._buffer)[: self.size]

    def in_step(self) -> bool:
        """Return whether the client holds nothing that was sent or received, on this socket."""
        transport, writer = self._transport, self._writer
        fast = transport.readline.__self__
        return (
            transport._writer is writer
            and fast.idle
            and not transport._reader._buffer
            and not writer.transport.get_write_buffer_size()
        )

    def send(self, message: bytes, give_up_s: float) -> None:
        """Send all of it."""
        sent = 0
        while True:
            with suppress(BlockingIOError):
                sent += self._socket.send(message[sent:] if sent else message)
            if sent == len(message):
                return
            poll = select.poll()
            poll.register(self.number, select.POLLOUT)
            if not poll.poll(1e3 * _left_s(give_up_s)):
                raise TimeoutError

    def receive(self) -> None:
        """Hold what has come."""
        while True:
            if self.size == len(self._buffer):
                self._buffer = self._buffer + bytes(max(self.size, CHUNK_BYTES))
            try:
                with memoryview(self._buffer) as view:
                    count = self._socket.recv_into(view[self.size :])
            except BlockingIOError:
                return
            if not count:
                raise ConnectionError("it closed the connection")
            self.size += count
            if self.size < len(self._buffer):
                return

    def shut(self) -> None:
        """Let whoever waits for it go on, with an error."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()


def _left_s(give_up_s: float) -> float:
    return max(0.0, give_up_s - time.monotonic())
