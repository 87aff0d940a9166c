"""Exchanges messages with a cluster and its modules at once, on the sockets of the vendor's client.

The client's event loop stands between two calls of it, and takes a tenth of a millisecond for each
module that is asked something. Here all messages go out one after the other, and the kernel says
which answers have come. That is done while the loop stands, and only where nothing is left over
of an earlier exchange.
"""

import os
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

CLUSTER = 0
"""Slot of the cluster itself, beside those of its modules."""
CHUNK_BYTES = 1 << 20

Complete = Callable[[memoryview], bool]
"""Tells whether an answer is whole."""


def lines(count: int) -> Complete:
    """Return what takes an answer for whole that has so many lines."""
    return lambda held: bytes(held).count(b"\n") >= count


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
