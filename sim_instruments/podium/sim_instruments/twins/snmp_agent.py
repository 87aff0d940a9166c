"""An SNMP version 2c agent: get, get-next, get-bulk and, where there is what can be set, set.

What a request does not deserve an answer for (another community, another version, garbage) gets
none, as RFC 3416 and Net-SNMP have it.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Protocol

from podium.firmware_interfaces.snmp import (
    END_OF_MIB_VIEW,
    NO_SUCH_INSTANCE,
    NO_SUCH_OBJECT,
    PORT,
    Binding,
    ErrorStatus,
    Message,
    Oid,
    Operation,
    SnmpError,
    Value,
    decode,
    encode,
)
from podium.sim_instruments.twins.command_observer import CommandObserver
from podium.sim_instruments.twins.reporting_twin import ReportingTwin
from podium.sim_instruments.twins.twin import Session

RESPONSE_MAX = 1400
"""Octets of a response to a get-bulk; it ends before. ASSUMED: one Ethernet frame."""
DATAGRAM_MAX = 65_000
"""Octets of any other response; a request for more is too big."""

Objects = Callable[[int], Mapping[Oid, Value]]
"""All objects and their values at a time (fs)."""


class Settable(Protocol):
    """Those of an agent's objects that can be set."""

    @property
    def community(self) -> str:
        """The community that may set them, and read all."""
        ...

    def fault(self, oid: Oid, value: Value, now_fs: int) -> ErrorStatus:
        """Return why an object is not set to a value; no error: it can be."""
        ...

    def write(self, oid: Oid, value: Value, now_fs: int) -> None:
        """Set an object to a value that has no fault."""
        ...


class Agent:
    """Answers requests about ``objects`` to whoever knows the community."""

    def __init__(self, community: str, objects: Objects, settable: Settable | None = None) -> None:
        self._community = community.encode()
        self._objects = objects
        self._settable = settable
        self._requests = 0
        self._unknown = 0
        self.ear: CommandObserver[bytes] = CommandObserver(self.tallies, request_words)

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on; unknown is what there is no such object for."""
        return {"commands": self._requests, "unknown": self._unknown, "unmeant": 0}

    def answer(self, datagram: bytes, now_fs: int) -> bytes:
        """Return the response to a request; empty where it deserves none."""
        before = self.ear.begin()
        response = self._respond(datagram, now_fs)
        self.ear.end(before, datagram, refused=not response)
        return response

    def _respond(self, datagram: bytes, now_fs: int) -> bytes:
        self._requests += 1
        try:
            request = decode(datagram)
        except SnmpError:
            self._unknown += 1
            return b""
        writes = self._settable is not None and (
            request.community == self._settable.community.encode()
        )
        if not writes and request.community != self._community:
            return b""
        if request.operation is Operation.RESPONSE:
            return b""
        if request.operation is Operation.SET:
            return self._set(request, now_fs, self._settable if writes else None)
        objects = self._objects(now_fs)
        if request.operation is Operation.GET:
            found = tuple(Binding(b.oid, self._get(objects, b.oid)) for b in request.bindings)
            return _response(request, found)
        order = sorted(objects)
        if request.operation is Operation.GET_NEXT:
            return _response(request, tuple(_next(objects, order, b.oid) for b in request.bindings))
        return _bulk(request, objects, order)

    def _set(self, request: Message, now_fs: int, settable: Settable | None) -> bytes:
        """Set all that is asked for, or nothing (RFC 3416, 4.2.5)."""
        for index, binding in enumerate(request.bindings, start=1):
            status = ErrorStatus.NO_ACCESS
            if settable is not None:
                status = settable.fault(binding.oid, binding.value, now_fs)
            if status is not ErrorStatus.NO_ERROR:
                return _response(request, request.bindings, status, index)
        if settable is not None:
            for binding in request.bindings:
                settable.write(binding.oid, binding.value, now_fs)
        return _response(request, request.bindings)

    def _get(self, objects: Mapping[Oid, Value], oid: Oid) -> Value:
        if oid in objects:
            return objects[oid]
        self._unknown += 1
        known = any(one[: len(oid) - 1] == oid[:-1] for one in objects)
        return NO_SUCH_INSTANCE if known else NO_SUCH_OBJECT


class SnmpTwin(ReportingTwin):
    """A box that is reached by SNMP, and by nothing else."""

    _agent: Agent

    @property
    def _firmware(self) -> Agent:
        return self._agent

    @property
    def ports(self) -> Mapping[str, int]:
        """The port of its SNMP agent."""
        return {"snmp": PORT}

    @property
    def datagram_ports(self) -> frozenset[str]:
        """The same."""
        return frozenset(self.ports)

    def open(self, port: str) -> Session:
        """There is nothing to connect to."""
        raise KeyError(f"no port {port!r} for connections; snmp takes datagrams")

    def hear(self, port: str, datagram: bytes, now_fs: int) -> bytes:
        """Answer a request."""
        return self._agent.answer(datagram, now_fs)


def request_words(datagram: bytes) -> str:
    """Return a request as a person would write it."""
    try:
        request = decode(datagram)
    except SnmpError:
        return f"<{len(datagram)} bytes>"
    asked = " ".join(".".join(map(str, binding.oid)) for binding in request.bindings)
    return f"{request.operation.name.lower()} {asked}"


def _next(objects: Mapping[Oid, Value], order: list[Oid], oid: Oid) -> Binding:
    at = bisect_right(order, oid)
    return (
        Binding(order[at], objects[order[at]]) if at < len(order) else Binding(oid, END_OF_MIB_VIEW)
    )


def _bulk(request: Message, objects: Mapping[Oid, Value], order: list[Oid]) -> bytes:
    """Answer a get-bulk (RFC 3416, 4.2.3), with as many repetitions as fit."""
    once = max(0, request.first)
    found = [_next(objects, order, b.oid) for b in request.bindings[:once]]
    repeated = [b.oid for b in request.bindings[once:]]
    for _ in range(max(0, request.second) if repeated else 0):
        row = [_next(objects, order, oid) for oid in repeated]
        if found and len(_plain(request, (*found, *row))) > RESPONSE_MAX:
            break
        found += row
        repeated = [b.oid for b in row]
        if all(b.value is END_OF_MIB_VIEW for b in row):
            break
    return _response(request, tuple(found))


def _plain(request: Message, bindings: tuple[Binding, ...]) -> bytes:
    return encode(Message(Operation.RESPONSE, request.community, request.number, bindings))


def _response(
    request: Message,
    bindings: tuple[Binding, ...],
    status: ErrorStatus = ErrorStatus.NO_ERROR,
    index: int = 0,
) -> bytes:
    response = Message(
        Operation.RESPONSE, request.community, request.number, bindings, status, index
    )
    datagram = encode(response)
    if len(datagram) <= DATAGRAM_MAX:
        return datagram
    return _response(request, (), ErrorStatus.TOO_BIG)
