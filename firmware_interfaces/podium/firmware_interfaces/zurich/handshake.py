"""Client and server begin so: the server's hello, then HTTP that turns into Cap'n Proto.

A client connects up to three times: to see whether an old server answers, to read the hello, and
to ask for a kernel, the part of the server that has the nodes of one device (or its own, ``zi``).
The order was seen with ``zhinst.core`` 26.7.2; names are those of labone 1.1.0
(``connection_layer.py``).
"""

import json
import re
from dataclasses import dataclass
from enum import IntEnum
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import NAMESPACE_URL, uuid5

from podium.firmware_interfaces.zurich.capnp_writer import MessageWriter
from podium.firmware_interfaces.zurich.errors import ProtocolError

CAPNP = "application/capnp"
HELLO_BYTES = 256
HELLO_SCHEMA = "1.4.0"
"""Capability of the part that gives out kernels; clients of 26.7 want a 1 in front."""
REQUEST_BYTES_MAX = 16_384
"""ASSUMED: nobody asks for a kernel at greater length."""
_DEVICE = re.compile(r"dev\d+\Z")


class Reason(IntEnum):
    """The reason why there is no kernel. Names: labone 1.1.0.

    Numbers: what ``zhinst.core`` 26.7.2 makes of each was seen.
    """

    KERNEL_NOT_FOUND = 2
    ILLEGAL_DEVICE_IDENTIFIER = 3
    DEVICE_NOT_FOUND = 4
    INTERFACE_MISMATCH = 7
    DEVICE_IN_USE = 9
    BAD_REQUEST = 11

    def word(self) -> str:
        """Return it as JSON has it: ``kernelNotFound``."""
        first, *others = self.name.lower().split("_")
        return first + "".join(other.capitalize() for other in others)


_STATUS = {
    Reason.KERNEL_NOT_FOUND: "404 Not Found",
    Reason.ILLEGAL_DEVICE_IDENTIFIER: "400 Bad Request",
    Reason.DEVICE_NOT_FOUND: "404 Not Found",
    Reason.INTERFACE_MISMATCH: "409 Conflict",
    Reason.DEVICE_IN_USE: "409 Conflict",
    Reason.BAD_REQUEST: "400 Bad Request",
}
"""ASSUMED: which status goes with which reason; clients look at the reason."""


@dataclass(frozen=True, slots=True)
class KernelRequest:
    """A client wants a kernel."""

    kernel: str
    """``zi``, or a device: ``dev12000``."""
    upgrade: bool
    """Whether the connection is to turn into Cap'n Proto."""
    headers: dict[str, str]
    """By name in small letters."""
    query: dict[str, str]


@dataclass(frozen=True, slots=True)
class NoKernel:
    """A client cannot have what it asked of the HTTP server."""

    reason: "Reason"
    message: str


def hello(version: str) -> bytes:
    """Return what the server says first; ``version`` as 26.7.2, clients refuse any but their own.

    Raises ValueError where it does not fit.
    """
    words = {
        "kind": "orchestrator",
        "protocol": "http",
        "schema": HELLO_SCHEMA,
        "l1Ver": version,
    }
    said = (json.dumps(words, separators=(",", ":")) + "\n").encode()
    if len(said) > HELLO_BYTES:
        raise ValueError(f"a hello of {len(said)} bytes with version {version!r}")
    return said.ljust(HELLO_BYTES, b"\0")


def split_request(received: bytes) -> tuple[bytes, bytes] | None:
    """Return the head of an HTTP request and what came behind it; None: more has to come.

    Raises :class:`ProtocolError` for what begins like no request, or does not end.
    """
    start = b"GET "
    if received[: len(start)] != start[: len(received)]:
        raise ProtocolError(f"{received[:16]!r} is not how a client asks for a kernel")
    head, end, rest = received.partition(b"\r\n\r\n")
    if not end:
        if len(received) > REQUEST_BYTES_MAX:
            raise ProtocolError(f"a request of more than {REQUEST_BYTES_MAX} bytes")
        return None
    return head, rest


def parse_request(head: bytes) -> KernelRequest | NoKernel:
    """Return what an HTTP request wants. Raises :class:`ProtocolError` for what is none."""
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise ProtocolError(f"{lines[0]!r} is no HTTP request")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise ProtocolError(f"{line!r} is no HTTP header")
        headers[name.strip().lower()] = value.strip()
    try:
        target = urlsplit(words[1])
        query = dict(parse_qsl(target.query, keep_blank_values=True))
    except ValueError as error:
        raise ProtocolError(f"{words[1]!r} is no address: {error}") from None
    steps = [unquote(step).lower() for step in target.path.split("/") if step]
    if steps[:3] != ["api", "v1", "kernel"]:
        return NoKernel(Reason.BAD_REQUEST, f"{target.path} is not served")
    match steps[3:]:
        case ["zi"]:
            kernel = "zi"
        case ["devid", device] if _DEVICE.match(device):
            kernel = device
        case ["devid", device]:
            return NoKernel(Reason.ILLEGAL_DEVICE_IDENTIFIER, f"{device!r} is no device")
        case _:
            return NoKernel(Reason.KERNEL_NOT_FOUND, f"there is no kernel at {target.path}")
    upgrades = {word.strip().lower() for word in headers.get("upgrade", "").split(",")}
    return KernelRequest(kernel, "capnp" in upgrades, headers, query)


def kernel_uid(kernel: str, server: str) -> str:
    """Return a number for a kernel of a server, the same each time."""
    return str(uuid5(NAMESPACE_URL, f"{server}/{kernel}"))


def switching(kernel: str, server: str, version: str) -> bytes:
    """Return that from here on the connection is Cap'n Proto with that kernel."""
    return _response(
        "101 Switching Protocols",
        {
            "Connection": "Upgrade",
            "Upgrade": "capnp",
            "Zhinst-Kernel-Uid": kernel_uid(kernel, server),
            "Zhinst-Kernel-Version": version,
        },
    )


def described(kernel: str, server: str, version: str) -> bytes:
    """Return what the kernel is, to a client that does not want it yet."""
    uid = kernel_uid(kernel, server)
    content = json.dumps({"ok": {"name": kernel, "uid": uid, "version": version}}).encode()
    headers = {"Zhinst-Kernel-Uid": uid, "Zhinst-Kernel-Version": version}
    return _response("200 OK", headers, content)


def refused(no: NoKernel, accept: str) -> bytes:
    """Return that there is no such thing, and why, in the form that the client accepts."""
    if CAPNP not in accept:
        content = json.dumps({"err": {"code": no.reason.word(), "message": no.message}}).encode()
        return _response(_STATUS[no.reason], {}, content)
    message = MessageWriter(1, 1)
    message.root.u16(0, 1)
    error = message.root.struct(0, 1, 1)
    error.u16(0, no.reason)
    error.text(0, no.message)
    return _response(_STATUS[no.reason], {"Content-Type": CAPNP}, message.framed())


def _response(status: str, headers: dict[str, str], content: bytes | None = None) -> bytes:
    if content is not None:
        headers = {"Content-Type": "application/json"} | headers
        headers["Content-Length"] = str(len(content))
        headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + (content or b"")
