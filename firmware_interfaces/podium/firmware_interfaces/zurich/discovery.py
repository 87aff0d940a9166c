"""Discovery: which instruments there are and which data server reaches each, in JSON over UDP.

A client (``zhinst.core.ziDiscovery``, 26.7.2) sends one question to the group 239.253.1.1 on each
network, and the same to 127.0.0.1, at all of ``PORTS``. An answer bears the question's ``id``.
The question was seen on the wire; keys of the answer are those that change what ``get`` returns.
"""

import json
from dataclasses import dataclass

from podium.firmware_interfaces.zurich.errors import ProtocolError

PORTS = (8019, 8018, 8017)
HOST = "127.0.0.1"
"""The one loopback address that clients ask."""
VERSION = "3"
DATAGRAM_BYTES_MAX = 4096
"""What a client reads of an answer."""
ID_LENGTH_MAX = 256
"""ASSUMED: the client's own is 39 characters long."""


@dataclass(frozen=True, slots=True)
class DiscoveredDevice:
    """An instrument that a data server sees."""

    name: str
    """``dev12000``; written in capitals."""
    model: str
    options: tuple[str, ...]
    interfaces: tuple[str, ...]
    connected_by: str
    """The interface that its data server has it by; empty: it has not."""
    owner: str
    """Who has it; empty: nobody."""


@dataclass(frozen=True, slots=True)
class DiscoveredServer:
    """A data server and the instruments that it sees."""

    name: str
    host: str
    port: int
    version: str
    devices: tuple[DiscoveredDevice, ...]


def parse_question(datagram: bytes) -> str:
    """Return the ``id`` of a question; :class:`ProtocolError` for whatever else comes."""
    if len(datagram) > DATAGRAM_BYTES_MAX:
        raise ProtocolError(f"{len(datagram)} bytes, a question has {DATAGRAM_BYTES_MAX} at most")
    try:
        question = json.loads(datagram)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("a question is JSON") from error
    if not isinstance(question, dict) or question.get("request") != "zi-discovery-request":
        raise ProtocolError("no zi-discovery-request")
    asked = question.get("id")
    if not isinstance(asked, str) or not 0 < len(asked) <= ID_LENGTH_MAX:
        raise ProtocolError(f"an id is a text of up to {ID_LENGTH_MAX} characters")
    return asked


def answer(asked: str, server: DiscoveredServer) -> bytes:
    """Return a data server's answer to the question ``asked``. Numbers are written as text."""
    message = {
        "request": "zi-discovery-answer",
        "version": VERSION,
        "id": asked,
        "servers": [_server(server)],
    }
    return json.dumps(message, separators=(",", ":")).encode()


def _server(server: DiscoveredServer) -> dict[str, object]:
    return {
        "uid": server.name,
        "type": "dataserver",
        "addresses": [server.host],
        "port": str(server.port),
        "apiVersion": "6",
        "serverVersion": server.version,
        "minClientRev": "0",
        "devices": [_device(device, server.name) for device in server.devices],
    }


def _device(device: DiscoveredDevice, server: str) -> dict[str, object]:
    written: dict[str, object] = {
        "serial": device.name.upper(),
        "type": device.model,
        "options": "\n".join(device.options),
        "interfaces": list(device.interfaces),
        "connected": device.connected_by,
        "owner": device.owner,
        "available": "0" if device.connected_by or device.owner else "1",
        "status": "In use" if device.connected_by or device.owner else "free",
        "statusFlags": "0",
    }
    return written | ({"connectedServerUid": server} if device.connected_by else {})
