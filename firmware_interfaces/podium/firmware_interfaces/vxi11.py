"""VXI-11: the core channel of the TCP/IP instrument protocol, over ONC remote procedure calls.

Sources: VXI-11 Revision 1.0, TCP/IP Instrument Protocol, chapter B and its RPCL in appendix C;
RFC 5531 (calls, replies, record marking) and RFC 4506 (XDR). Only what a server reads and writes.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from struct import Struct
from struct import error as struct_error

PORT_MAPPER = 111
"""RFC 1833. A real box tells there which port its core channel has."""
CORE_PROGRAM = 0x0607AF
CORE_VERSION = 1
RPC_VERSION = 2
RECORD_MAX = (1 << 20) + 1024
"""Bytes of one call."""
RECEIVE_MAX = 1 << 20
"""Bytes of data in one write. ASSUMED."""
AUTH_MAX = 400  # RFC 5531, 8.2
_WORD = Struct("!I")
_LAST = 0x8000_0000
_CALL, _REPLY = 0, 1


class RpcError(ValueError):
    """The stream has no calls: nothing after it can be understood. Close it."""


class GarbageArguments(ValueError):
    """The arguments of a call are not those of its procedure."""


class Procedure(IntEnum):
    """Procedures of the core channel."""

    NULL = 0
    CREATE_LINK = 10
    DEVICE_WRITE = 11
    DEVICE_READ = 12
    DEVICE_READSTB = 13
    DEVICE_TRIGGER = 14
    DEVICE_CLEAR = 15
    DEVICE_REMOTE = 16
    DEVICE_LOCAL = 17
    DEVICE_LOCK = 18
    DEVICE_UNLOCK = 19
    DEVICE_ENABLE_SRQ = 20
    DEVICE_DOCMD = 22
    DESTROY_LINK = 23
    CREATE_INTR_CHAN = 25
    DESTROY_INTR_CHAN = 26


class Code(IntEnum):
    """Error codes (B.5.2)."""

    NONE = 0
    SYNTAX = 1
    NOT_ACCESSIBLE = 3
    INVALID_LINK = 4
    PARAMETER = 5
    NOT_SUPPORTED = 8
    OUT_OF_RESOURCES = 9
    LOCKED_BY_OTHER = 11
    NO_LOCK_HELD = 12
    IO_TIMEOUT = 15


class Flag(IntFlag):
    """Flags of an operation (B.5.3)."""

    WAIT_LOCK = 1
    END = 8
    TERMINATOR_SET = 128


class Reason(IntFlag):
    """Why a read has ended (B.5.4)."""

    REQUEST_COUNT = 1
    TERMINATOR = 2
    END = 4


class Accept(IntEnum):
    """How a call was accepted (RFC 5531, 9)."""

    SUCCESS = 0
    PROGRAM_UNAVAILABLE = 1
    PROGRAM_MISMATCH = 2
    PROCEDURE_UNAVAILABLE = 3
    GARBAGE_ARGUMENTS = 4


@dataclass(frozen=True, slots=True)
class Call:
    """A remote procedure call."""

    xid: int
    rpc_version: int
    program: int
    version: int
    procedure: int
    arguments: bytes


@dataclass(frozen=True, slots=True)
class Link:
    """Arguments of ``create_link``."""

    client: int
    lock: bool
    lock_timeout_ms: int
    device: str


@dataclass(frozen=True, slots=True)
class Write:
    """Arguments of ``device_write``."""

    link: int
    io_timeout_ms: int
    lock_timeout_ms: int
    flags: Flag
    data: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """Arguments of ``device_read``."""

    link: int
    size: int
    io_timeout_ms: int
    lock_timeout_ms: int
    flags: Flag
    terminator: int


class CallSplitter:
    """Cuts a TCP stream into calls (RFC 5531, 11)."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._record = b""

    def feed(self, data: bytes) -> list[Call]:
        """Return the calls that are complete now.

        Raises :class:`RpcError` where a record is no call, or is too long.
        """
        self._buffer += data
        calls = []
        while len(self._buffer) >= _WORD.size:
            (head,) = _WORD.unpack_from(self._buffer)
            size = head & ~_LAST
            if len(self._record) + size > RECORD_MAX:
                raise RpcError(f"a record of more than {RECORD_MAX} bytes")
            end = _WORD.size + size
            if len(self._buffer) < end:
                break
            self._record += bytes(self._buffer[_WORD.size : end])
            del self._buffer[:end]
            if head & _LAST:
                record, self._record = self._record, b""
                calls.append(_call(record))
        return calls


class _Reader:
    """Reads XDR items one after the other; raises :class:`GarbageArguments` past the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def word(self) -> int:
        try:
            value: int
            (value,) = _WORD.unpack_from(self._data, self._at)
        except struct_error:
            raise GarbageArguments("too few bytes") from None
        self._at += _WORD.size
        return value

    def opaque(self) -> bytes:
        size = self.word()
        data = self._data[self._at : self._at + size]
        if len(data) != size:
            raise GarbageArguments("too few bytes")
        self._at += size + -size % 4
        return data

    def rest(self) -> bytes:
        return self._data[self._at :]


def _call(record: bytes) -> Call:
    reader = _Reader(record)
    try:
        xid, kind = reader.word(), reader.word()
        if kind != _CALL:
            raise RpcError(f"message type {kind}; a call is {_CALL}")
        rpc_version, program, version, procedure = (reader.word() for _ in range(4))
        for _ in range(2):  # credentials and verifier
            reader.word()
            if len(reader.opaque()) > AUTH_MAX:
                raise RpcError(f"more than {AUTH_MAX} bytes of credentials")
    except GarbageArguments as error:
        raise RpcError(f"no call: {error}") from error
    return Call(xid, rpc_version, program, version, procedure, reader.rest())


def read_link(arguments: bytes) -> Link:
    """Return arguments of ``create_link``; raises :class:`GarbageArguments`."""
    reader = _Reader(arguments)
    client, lock, timeout_ms = reader.word(), reader.word(), reader.word()
    return Link(client, bool(lock), timeout_ms, reader.opaque().decode("latin-1"))


def read_write(arguments: bytes) -> Write:
    """Return arguments of ``device_write``; raises :class:`GarbageArguments`."""
    reader = _Reader(arguments)
    link, io_ms, lock_ms, flags = (reader.word() for _ in range(4))
    return Write(link, io_ms, lock_ms, Flag(flags), reader.opaque())


def read_read(arguments: bytes) -> Read:
    """Return arguments of ``device_read``; raises :class:`GarbageArguments`."""
    reader = _Reader(arguments)
    link, size, io_ms, lock_ms, flags, terminator = (reader.word() for _ in range(6))
    return Read(link, size, io_ms, lock_ms, Flag(flags), terminator & 0xFF)


def read_link_id(arguments: bytes) -> int:
    """Return the link, with which the arguments of all others begin.

    Raises :class:`GarbageArguments`.
    """
    return _Reader(arguments).word()


def words(*values: int) -> bytes:
    """Return numbers as XDR has them."""
    return b"".join(_WORD.pack(value) for value in values)


def opaque(data: bytes) -> bytes:
    """Return bytes as XDR has them."""
    return _WORD.pack(len(data)) + data + bytes(-len(data) % 4)


def accepted(call: Call, how: Accept, results: bytes = b"") -> bytes:
    """Return the reply to a call, as it is sent."""
    return _record(words(call.xid, _REPLY, 0, 0, 0, how) + results)


def wrong_rpc_version(call: Call) -> bytes:
    """Return the reply that denies a call of another version of the protocol."""
    return _record(words(call.xid, _REPLY, 1, 0, RPC_VERSION, RPC_VERSION))


def _record(data: bytes) -> bytes:
    return _WORD.pack(_LAST | len(data)) + data
