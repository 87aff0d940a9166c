"""HiSLIP: messages of the instrument protocol with a synchronous and an asynchronous connection.

Source: IVI-6.1, High-Speed LAN Instrument Protocol, revision 1.1: header in 2.4, messages in
tables 4 to 6 and in chapter 6. Only what is of version 1.0 and synchronous mode.
"""

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

TCP_PORT = 4880
SUB_ADDRESS = "hislip0"
VERSION = 0x0100
PAYLOAD_MAX = 1 << 20
"""Bytes of one message that a server takes. ASSUMED: what VISA proposes."""
RMT_DELIVERED = 1
"""Bit of the control code: the client has had all of the last response (3.1.2)."""
_HEADER = Struct("!2sBBIQ")
_PROLOGUE = b"HS"
_SIZE = Struct("!Q")


class HislipError(ValueError):
    """The stream has no HiSLIP messages: tell the peer by a fatal error, and close."""


class Type(IntEnum):
    """Message types (table 4)."""

    INITIALIZE = 0
    INITIALIZE_RESPONSE = 1
    FATAL_ERROR = 2
    ERROR = 3
    ASYNC_LOCK = 4
    ASYNC_LOCK_RESPONSE = 5
    DATA = 6
    DATA_END = 7
    DEVICE_CLEAR_COMPLETE = 8
    DEVICE_CLEAR_ACKNOWLEDGE = 9
    ASYNC_REMOTE_LOCAL_CONTROL = 10
    ASYNC_REMOTE_LOCAL_RESPONSE = 11
    TRIGGER = 12
    INTERRUPTED = 13
    ASYNC_INTERRUPTED = 14
    ASYNC_MAX_MESSAGE_SIZE = 15
    ASYNC_MAX_MESSAGE_SIZE_RESPONSE = 16
    ASYNC_INITIALIZE = 17
    ASYNC_INITIALIZE_RESPONSE = 18
    ASYNC_DEVICE_CLEAR = 19
    ASYNC_SERVICE_REQUEST = 20
    ASYNC_STATUS_QUERY = 21
    ASYNC_STATUS_RESPONSE = 22
    ASYNC_DEVICE_CLEAR_ACKNOWLEDGE = 23
    ASYNC_LOCK_INFO = 24
    ASYNC_LOCK_INFO_RESPONSE = 25


class Fatal(IntEnum):
    """Codes of fatal errors (table 15)."""

    UNIDENTIFIED = 0
    BAD_HEADER = 1
    CHANNELS_NOT_ESTABLISHED = 2
    BAD_INITIALIZATION = 3
    TOO_MANY_CLIENTS = 4


class Wrong(IntEnum):
    """Codes of errors that are not fatal (table 17)."""

    UNIDENTIFIED = 0
    MESSAGE_TYPE = 1
    CONTROL_CODE = 2
    VENDOR_MESSAGE = 3
    TOO_LARGE = 4


class Lock(IntEnum):
    """Control codes of responses to requests for locks (table 20)."""

    FAILURE = 0
    SUCCESS = 1
    SUCCESS_SHARED = 2
    ERROR = 3


@dataclass(frozen=True, slots=True)
class Message:
    """One message. ``type`` is one of :class:`Type`, or what the standard does not know."""

    type: int
    control: int = 0
    parameter: int = 0
    payload: bytes = b""


class MessageSplitter:
    """Cuts a TCP stream into messages; of those too large only the header is kept."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._passing_over = 0

    def feed(self, data: bytes) -> list[Message | Wrong]:
        """Return the messages that are complete now, in order.

        :attr:`Wrong.TOO_LARGE` stands where one was too large. Raises :class:`HislipError` where a
        header does not begin as one, if no whole message comes before it.
        """
        self._buffer += data
        found: list[Message | Wrong] = []
        while True:
            if self._passing_over:
                gone = min(self._passing_over, len(self._buffer))
                del self._buffer[:gone]
                self._passing_over -= gone
            if self._passing_over or len(self._buffer) < _HEADER.size:
                return found
            prologue, kind, control, parameter, size = _HEADER.unpack_from(self._buffer)
            if prologue != _PROLOGUE:
                if found:
                    return found
                raise HislipError(f"a header begins with {prologue!r}")
            if size > PAYLOAD_MAX:
                found.append(Wrong.TOO_LARGE)
                del self._buffer[: _HEADER.size]
                self._passing_over = size
                continue
            end = _HEADER.size + size
            if len(self._buffer) < end:
                return found
            payload = bytes(self._buffer[_HEADER.size : end])
            found.append(Message(kind, control, parameter, payload))
            del self._buffer[:end]


def encode(message: Message) -> bytes:
    """Return a message as it is sent."""
    head = (message.type, message.control, message.parameter, len(message.payload))
    return _HEADER.pack(_PROLOGUE, *head) + message.payload


def response(data: bytes, message_id: int, payload_max: int) -> bytes:
    """Return a response message of the device, in as many messages as it takes."""
    sizes = range(0, len(data), payload_max)
    parts = [data[at : at + payload_max] for at in sizes] or [b""]
    return b"".join(
        encode(Message(Type.DATA_END if last else Type.DATA, 0, message_id, part))
        for part, last in zip(parts, [*[False] * (len(parts) - 1), True], strict=True)
    )


def size_payload(size: int) -> bytes:
    """Return the payload of messages about the greatest size."""
    return _SIZE.pack(size)


def size_of(payload: bytes) -> int | None:
    """Return the size that such a payload names; None where it is none."""
    if len(payload) != _SIZE.size:
        return None
    size: int
    (size,) = _SIZE.unpack(payload)
    return size
