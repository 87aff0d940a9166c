"""Defines how processes of one facility talk: requests, news, presence. Payloads are bytes.

Keys are paths of words (``podium/first_light/agent/room``). In a pattern ``*`` stands
for one word. Two buses behave alike: :mod:`memory <podium.control.bus.memory>` within
a process and :mod:`zenoh_bus <podium.control.bus.zenoh_bus>` between processes.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

Answerer = Callable[[bytes], Awaitable[bytes]]
"""Answers one request, on the loop: in a task of its own, unless what it returns is a future."""


class BusError(Exception):
    """Root of the errors of a bus."""


class NoAnswer(BusError):
    """Nobody answered in time: whether the request was carried out is unknown."""


class Denied(BusError):
    """The rules do not allow it; nothing was done. It says who, what, and what would be right."""


class AnswererFailed(BusError):
    """Whoever serves the key raised instead of answering; its own words are in the message."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Somebody came or went."""

    key: str
    alive: bool


class Bus(Protocol):
    """Defines the network as a process of the facility uses it."""

    async def request(self, key: str, payload: bytes, timeout_s: float) -> bytes:
        """Return the answer of whoever serves ``key``; raises :class:`BusError`."""
        ...

    async def request_all(self, pattern: str, payload: bytes, timeout_s: float) -> dict[str, bytes]:
        """Return the answers, by key, of all who serve a matching key; failures are left out."""
        ...

    async def publish(self, key: str, payload: bytes) -> None:
        """Tell all subscribers; returns once the message is on its way, never drops it."""
        ...

    def subscribe(
        self, pattern: str
    ) -> AbstractAsyncContextManager[AsyncIterator[tuple[str, bytes]]]:
        """Receive (key, payload) of what is published while the context is open."""
        ...

    def serve(self, key: str, answer: Answerer) -> AbstractAsyncContextManager[None]:
        """Answer requests to ``key`` while the context is open; leaving it cancels what runs."""
        ...

    def announce(self, key: str) -> AbstractAsyncContextManager[None]:
        """Be seen under ``key`` while the context is open and the process lives."""
        ...

    def watch(self, pattern: str) -> AbstractAsyncContextManager[AsyncIterator[Presence]]:
        """Learn who is there (at once) and who comes and goes (later)."""
        ...

    async def close(self) -> None:
        """Leave. Idempotent."""
        ...
