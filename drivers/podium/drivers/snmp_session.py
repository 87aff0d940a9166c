"""Drivers of boxes that are read over SNMP share this: questions about objects, over pysnmp."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from pysnmp.hlapi.v1arch.asyncio import (
    CommunityData,
    SnmpDispatcher,
    UdpTransportTarget,
    get_cmd,
)
from pysnmp.proto.api import v2c
from pysnmp.proto.rfc1905 import EndOfMibView, NoSuchInstance, NoSuchObject

from podium.drivers.errors import ProtocolError, Unreachable
from podium.firmware_interfaces.snmp import Oid

ANSWER_S = 0.5
TRIES = 3
"""A datagram may get lost: a question is asked so often before the box is unreachable."""
AT_ONCE = 40
"""Objects in one request, so that a response stays in a few Ethernet frames."""

Shown = int | str | None
"""An object's value; None where there is no such object."""


class SnmpSession:
    """Reads objects of one box, by SNMP version 2c. Only ``close`` may come from elsewhere."""

    def __init__(self, name: str, at: tuple[str, int], community: str) -> None:
        """Nothing is asked yet; ``at``: host and port."""
        self.name = name
        self._at = at
        self._community = community
        self._closed = threading.Event()
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None

    def get(self, oids: Sequence[Oid]) -> dict[Oid, Shown]:
        """Return the values of objects, at most :data:`AT_ONCE` of them in one round trip.

        Raises :class:`Unreachable` without an answer, and :class:`ProtocolError` for one that is
        none to this question.
        """
        if self._closed.is_set():
            raise Unreachable(f"{self.name}: its connection is closed")
        return asyncio.run(self._get_all(oids))

    def close(self) -> None:
        """Give up what is being asked, from whatever thread, and ask nothing more."""
        self._closed.set()
        running = self._running
        if running is not None:
            loop, task = running
            with suppress(RuntimeError):  # it has ended just now
                loop.call_soon_threadsafe(task.cancel)

    async def _get_all(self, oids: Sequence[Oid]) -> dict[Oid, Shown]:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("asked outside of a task")
        self._running = (asyncio.get_running_loop(), task)
        dispatcher = SnmpDispatcher()
        try:
            target = await UdpTransportTarget.create(self._at, timeout=ANSWER_S, retries=TRIES - 1)
            found: dict[Oid, Shown] = {}
            for first in range(0, len(oids), AT_ONCE):
                found |= await self._ask(dispatcher, target, oids[first : first + AT_ONCE])
            return found
        except asyncio.CancelledError as error:
            if not self._closed.is_set():
                raise
            raise Unreachable(f"{self.name}: its connection was closed") from error
        finally:
            self._running = None
            dispatcher.transport_dispatcher.close_dispatcher()

    async def _ask(self, dispatcher: Any, target: Any, oids: Sequence[Oid]) -> dict[Oid, Shown]:
        # As plain numbers: objects with names are looked up in MIBs, there and back.
        wanted = [(v2c.ObjectIdentifier(oid), v2c.null) for oid in oids]
        community = CommunityData(self._community, mpModel=1)
        asked = f"{self.name} was asked for {dotted(oids[0])} and {len(oids) - 1} more"
        trouble, status, index, bindings = await get_cmd(
            dispatcher, community, target, *wanted, lookupMib=False
        )
        if trouble:
            raise Unreachable(f"{asked}: {trouble}")
        if status:
            raise ProtocolError(f"{asked}: it says {status.prettyPrint()} of number {int(index)}")
        said = {tuple(oid): _shown(value) for oid, value in bindings}
        if said.keys() != set(oids):
            raise ProtocolError(f"{asked} and answered for {len(said)} others")
        return said


def dotted(oid: Oid) -> str:
    """Return an object identifier as it is written."""
    return ".".join(map(str, oid))


def text(value: Shown) -> str:
    """Return a value as text; empty where there is no such object."""
    return "" if value is None else str(value)


def _shown(value: Any) -> Shown:
    if isinstance(value, NoSuchObject | NoSuchInstance | EndOfMibView):
        return None
    if hasattr(value, "asOctets"):
        return bytes(value.asOctets()).decode("latin-1")
    try:
        return int(value)
    except (TypeError, ValueError):
        return str(value.prettyPrint())
