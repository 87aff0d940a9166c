"""Transports to a WRTD node: its host service over TCP, its event messages over UDP."""

import itertools
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.firmware_interfaces.wrtd import UDP_PORT
from podium.firmware_interfaces.wrtd_node import (
    GLOBAL,
    LINE_MAX,
    Attribute,
    LineError,
    Request,
    ServiceError,
    Timestamp,
    decode_answer,
    encode_request,
)

CONNECT_S = 3.0
ANSWER_S = 10.0
"""The service answers within this, or its connection is taken for dead. It is as long as a
cluster's: whoever must not wait so long gives the call a deadline of its own."""


Call = tuple[str, *tuple[object, ...]]
"""A call of the library by its name, and its arguments."""


class Transport(Protocol):
    """Carries calls and event messages to a node, or to something in its place."""

    def call(self, call: str, *args: object) -> object:
        """Carry out a call of the library and return its value."""
        ...

    def several(self, calls: Sequence[Call]) -> list[object]:
        """Carry out calls one after the other, all of them asked at once; return their values.

        All are carried out, also where one is refused; then that is raised.
        """
        ...

    def send(self, datagram: bytes) -> None:
        """Send an event message."""
        ...

    def close(self) -> None:
        """Close all; idempotent, from whatever thread."""
        ...


class NetworkTransport:
    """Reaches a node on the network."""

    def __init__(self, name: str, host: str, ports: Mapping[str, int], group: str) -> None:
        self._name = name
        self._host = host
        self._numbers = itertools.count(1)
        self._buffer = b""
        self._to = (group or host, UDP_PORT if group else ports["events"])
        at = f"{host}:{ports['service']}"
        try:
            self._line = socket.create_connection((host, ports["service"]), CONNECT_S)
        except OSError as error:
            raise Unreachable(f"{name}: connecting to {at}: {error}") from error
        self._line.settimeout(ANSWER_S)
        self._events = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def call(self, call: str, *args: object) -> object:
        """Ask the service; what is late or makes no sense costs the connection."""
        return self.several([(call, *args)])[0]

    def several(self, calls: Sequence[Call]) -> list[object]:
        """Ask the service for all at once: its answers come in their order."""
        if not calls:
            return []
        numbered = [(next(self._numbers), call, tuple(args)) for call, *args in calls]
        asked = f"{self._name} was asked {calls[0][0]}{numbered[0][2]}"
        refused: Refused | None = None
        values: list[object] = []
        try:
            self._line.sendall(b"".join(encode_request(Request(*one)) for one in numbered))
            for number, call, args in numbered:
                asked = f"{self._name} was asked {call}{args}"
                try:
                    values.append(decode_answer(self._read_line(), number))
                except ServiceError as error:
                    told = Refused(f"{asked}: {error.message} (0x{error.code:08X})")
                    told.__cause__ = error
                    refused = refused or told
        except LineError as error:
            self.close()
            raise ProtocolError(f"{asked}: {error}") from error
        except OSError as error:
            self.close()
            why = f"no answer within {ANSWER_S} s" if isinstance(error, TimeoutError) else error
            raise Unreachable(f"{asked}: {why}") from error
        if refused is not None:
            raise refused
        return values

    def _read_line(self) -> bytes:
        while b"\n" not in self._buffer:
            data = self._line.recv(65536)
            if not data:
                raise ConnectionResetError("it has closed the connection")
            self._buffer += data
            if len(self._buffer) > 16 * LINE_MAX:
                raise LineError("its answer has no end")
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def send(self, datagram: bytes) -> None:
        """Send a datagram to the node, or to the group."""
        try:
            self._events.sendto(datagram, self._to)
        except OSError as error:
            host, port = self._to
            raise Unreachable(f"{self._name}: an event to {host}:{port}: {error}") from error

    def close(self) -> None:
        """Close both sockets, and wake who reads."""
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._line.close()
        self._events.close()


class DryRunTransport:
    """Answers as if all were done, and notes each message that would be sent."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._held: dict[tuple[object, ...], object] = {}
        self._rules: list[object] = []

    def call(self, call: str, *args: object) -> object:
        """Remember what is set, answer what was set or nothing in particular."""
        if args == (GLOBAL, int(Attribute.RULE_COUNT)):
            return len(self._rules)
        if call == "get_rule_name":
            number = args[0]
            return self._rules[number - 1] if isinstance(number, int) else None
        if call.startswith("get_attr_"):
            usual: dict[str, object] = {
                "bool": True,
                "int32": 0,
                "string": "",
                "tstamp": Timestamp(0, 0).as_json(),
            }
            return self._held.get(args, usual[call.removeprefix("get_attr_")])
        if call == "link_losses":
            return {"losses": 0, "since_s": 0}
        if call in ("link_state", "get_fw_name"):
            return "synced" if call == "link_state" else "stand-in"
        self._note(f"{call}{args}")
        if call.startswith("set_attr_"):
            self._held[args[:2]] = args[2]
        elif call == "add_rule":
            self._rules.append(args[0])
        elif call == "remove_rule":
            self._rules.remove(args[0])
        return None

    def several(self, calls: Sequence[Call]) -> list[object]:
        """Answer each."""
        return [self.call(call, *args) for call, *args in calls]

    def send(self, datagram: bytes) -> None:
        """Tell of the event."""
        self._note(f"event {datagram.hex()}")

    def close(self) -> None:
        """Nothing is open."""
