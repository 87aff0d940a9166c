"""SNMP version 2c: messages and their BER encoding (RFC 1901, RFC 3416, X.690).

Only what an agent needs that is read: get, get-next, get-bulk, set (to refuse it) and responses.
Clients of ours use a library of others, so nobody's misreading is shared by both ends.
"""

from dataclasses import dataclass
from enum import IntEnum

VERSION_2C = 1
PORT = 161  # RFC 3417
BULK_MAX = 2**31 - 1
OID_LENGTH_MAX = 128  # RFC 2578, 3.5

Oid = tuple[int, ...]


class SnmpError(ValueError):
    """A datagram is no message of SNMP version 2c. Agents drop such without a word."""


class Kind(IntEnum):
    """Tags of what a variable can be bound to."""

    INTEGER = 0x02
    OCTETS = 0x04
    NULL = 0x05
    OID = 0x06
    IP_ADDRESS = 0x40
    COUNTER32 = 0x41
    UNSIGNED32 = 0x42
    TIME_TICKS = 0x43
    OPAQUE = 0x44
    COUNTER64 = 0x46
    NO_SUCH_OBJECT = 0x80
    NO_SUCH_INSTANCE = 0x81
    END_OF_MIB_VIEW = 0x82


class Operation(IntEnum):
    """Tags of requests and of the response."""

    GET = 0xA0
    GET_NEXT = 0xA1
    RESPONSE = 0xA2
    SET = 0xA3
    GET_BULK = 0xA5


class ErrorStatus(IntEnum):
    """The status of a request in its response (RFC 3416, 3)."""

    NO_ERROR = 0
    TOO_BIG = 1
    GENERAL = 5
    NO_ACCESS = 6
    WRONG_TYPE = 7
    WRONG_LENGTH = 8
    WRONG_VALUE = 10
    INCONSISTENT_VALUE = 12
    NOT_WRITABLE = 17


_SIGNED = {Kind.INTEGER}
_UNSIGNED_BITS = {
    Kind.COUNTER32: 32,
    Kind.UNSIGNED32: 32,
    Kind.TIME_TICKS: 32,
    Kind.COUNTER64: 64,
}
_EMPTY = {Kind.NULL, Kind.NO_SUCH_OBJECT, Kind.NO_SUCH_INSTANCE, Kind.END_OF_MIB_VIEW}


@dataclass(frozen=True, slots=True)
class Value:
    """The value of a variable, with its kind."""

    kind: Kind
    content: int | bytes | Oid | None = None


NULL = Value(Kind.NULL)
NO_SUCH_OBJECT = Value(Kind.NO_SUCH_OBJECT)
NO_SUCH_INSTANCE = Value(Kind.NO_SUCH_INSTANCE)
END_OF_MIB_VIEW = Value(Kind.END_OF_MIB_VIEW)


@dataclass(frozen=True, slots=True)
class Binding:
    """A variable and what it is bound to."""

    oid: Oid
    value: Value = NULL


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a response."""

    operation: Operation
    community: bytes
    number: int
    """Identifies the request; the response carries it too."""
    bindings: tuple[Binding, ...]
    first: int = 0
    """Error status; of a get-bulk how many variables are read once only."""
    second: int = 0
    """Error index; of a get-bulk how often the others are repeated."""


# --- writing -----------------------------------------------------------------------


def encode(message: Message) -> bytes:
    """Return the datagram of a message. Raises :class:`SnmpError` for what it cannot say."""
    bindings = b"".join(
        _tagged(0x30, _oid(one.oid) + encode_value(one.value)) for one in message.bindings
    )
    parts = (_int(number) for number in (message.number, message.first, message.second))
    pdu = _tagged(message.operation, b"".join(parts) + _tagged(0x30, bindings))
    return _tagged(0x30, _int(VERSION_2C) + _tagged(Kind.OCTETS, message.community) + pdu)


def encode_value(value: Value) -> bytes:
    """Return a value with tag and length."""
    kind, content = value.kind, value.content
    if kind in _EMPTY:
        return _tagged(kind, b"")
    if kind is Kind.OID and isinstance(content, tuple):
        return _oid(content)
    if isinstance(content, bytes):
        return _tagged(kind, content)
    if not isinstance(content, int):
        raise SnmpError(f"{content!r} is no {kind.name}")
    bits = _UNSIGNED_BITS.get(kind)
    low, high = (-(2**31), 2**31) if bits is None else (0, 2**bits)
    if not low <= content < high:
        raise SnmpError(f"{kind.name} lies in {low} ... {high - 1}, got {content}")
    return _tagged(kind, _two_complement(content))


def _tagged(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def _two_complement(number: int) -> bytes:
    positive = number if number >= 0 else ~number
    return number.to_bytes(positive.bit_length() // 8 + 1, "big", signed=True)


def _int(number: int) -> bytes:
    return encode_value(Value(Kind.INTEGER, number))


def _oid(oid: Oid) -> bytes:
    if len(oid) < 2 or oid[0] > 2 or (oid[0] < 2 and oid[1] >= 40) or min(oid) < 0:
        raise SnmpError(f"no object identifier: {oid}")
    octets = b""
    for number in (oid[0] * 40 + oid[1], *oid[2:]):
        chunk = bytes((number & 0x7F,))
        while number := number >> 7:
            chunk = bytes((number & 0x7F | 0x80,)) + chunk
        octets += chunk
    return _tagged(Kind.OID, octets)


# --- reading -----------------------------------------------------------------------


def decode(datagram: bytes) -> Message:
    """Return the message in a datagram; raises :class:`SnmpError`."""
    whole = _Reader(_Reader(datagram).only(0x30))
    version = whole.integer()
    if version != VERSION_2C:
        raise SnmpError(f"version {version} is not 2c ({VERSION_2C})")
    community = whole.take(Kind.OCTETS)
    tag, content = whole.next()
    whole.end()
    try:
        operation = Operation(tag)
    except ValueError:
        raise SnmpError(f"no operation has the tag 0x{tag:02X}") from None
    pdu = _Reader(content)
    number, first, second = pdu.integer(), pdu.integer(), pdu.integer()
    listed = _Reader(pdu.take(0x30))
    pdu.end()
    bindings = []
    while not listed.done:
        one = _Reader(listed.take(0x30))
        bindings.append(Binding(one.oid(), one.value()))
        one.end()
    return Message(operation, community, number, tuple(bindings), first, second)


class _Reader:
    """Takes one tagged value after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at == len(self._data)

    def end(self) -> None:
        if not self.done:
            raise SnmpError(f"{len(self._data) - self._at} octets too many")

    def only(self, tag: int) -> bytes:
        content = self.take(tag)
        self.end()
        return content

    def take(self, tag: int) -> bytes:
        found, content = self.next()
        if found != tag:
            raise SnmpError(f"tag 0x{tag:02X} is wanted, got 0x{found:02X}")
        return content

    def next(self) -> tuple[int, bytes]:
        tag, length = self._octet(), self._octet()
        if length >= 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4:
                raise SnmpError(f"a length of {count} octets")
            length = int.from_bytes(self._octets(count), "big")
        return tag, self._octets(length)

    def _octet(self) -> int:
        return self._octets(1)[0]

    def _octets(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        if len(found) < count:
            raise SnmpError(f"{count} octets are wanted, {len(found)} are left")
        self._at += count
        return found

    def integer(self) -> int:
        return _signed(self.take(Kind.INTEGER), 4)

    def oid(self) -> Oid:
        return _decoded_oid(self.take(Kind.OID))

    def value(self) -> Value:
        tag, content = self.next()
        try:
            kind = Kind(tag)
        except ValueError:
            raise SnmpError(f"no value has the tag 0x{tag:02X}") from None
        if kind in _EMPTY:
            if content:
                raise SnmpError(f"{kind.name} is empty, got {len(content)} octets")
            return Value(kind)
        if kind is Kind.OID:
            return Value(kind, _decoded_oid(content))
        if kind in _SIGNED:
            return Value(kind, _signed(content, 4))
        if kind in _UNSIGNED_BITS:
            bits = _UNSIGNED_BITS[kind]
            number = _signed(content, bits // 8 + 1)
            if not 0 <= number < 2**bits:
                raise SnmpError(f"{kind.name} lies in 0 ... {2**bits - 1}, got {number}")
            return Value(kind, number)
        return Value(kind, content)


def _signed(content: bytes, most: int) -> int:
    if not 1 <= len(content) <= most:
        raise SnmpError(f"an integer has 1 to {most} octets, got {len(content)}")
    return int.from_bytes(content, "big", signed=True)


def _decoded_oid(content: bytes) -> Oid:
    if not content or content[-1] & 0x80:
        raise SnmpError("an object identifier is cut off")
    numbers: list[int] = []
    number = 0
    for octet in content:
        number = number << 7 | octet & 0x7F
        if number >= 2**32:
            raise SnmpError("a number of an object identifier has 32 bits")
        if not octet & 0x80:
            numbers.append(number)
            number = 0
    if len(numbers) >= OID_LENGTH_MAX:
        raise SnmpError(f"an object identifier has at most {OID_LENGTH_MAX} numbers")
    head = min(numbers[0] // 40, 2)
    return (head, numbers[0] - 40 * head, *numbers[1:])
