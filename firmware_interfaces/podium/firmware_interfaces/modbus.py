"""Modbus over TCP: frames, requests for registers, responses, exceptions.

Sources: MODBUS Application Protocol Specification V1.1b3 ("APS", chapters 4, 6 and 7) and MODBUS
Messaging on TCP/IP Implementation Guide V1.0b ("MTG", chapter 3). Only registers: no instrument
here has coils. Our drivers use pymodbus, so a misreading is not shared by both ends.
"""

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

TCP_PORT = 502  # MTG 3.1.3
READ_MAX = 125  # APS 6.3: registers in one request to read
WRITE_MAX = 123  # APS 6.12: registers in one request to write
EXCHANGE_WRITE_MAX = 121  # APS 6.17: registers written in one request that reads as well
PDU_MAX = 253  # APS 4.1, bytes
_HEADER = Struct(">HHHB")  # MTG 3.1.3: transaction, protocol, length of what follows, unit
_TWO = Struct(">HH")
_LENGTH_COUNTS_UNIT = 1


class ModbusError(ValueError):
    """The stream is no longer Modbus: nothing after it can be understood. Close it."""


class Code(IntEnum):
    """Exception codes (APS 7)."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_DATA_ADDRESS = 2
    ILLEGAL_DATA_VALUE = 3
    DEVICE_FAILURE = 4
    GATEWAY_NO_RESPONSE = 11
    """Of a gateway to a serial line: no device has the unit that was asked."""


class ModbusException(Exception):
    """A request is answered by an exception. The device's registers are unchanged."""

    def __init__(self, code: Code) -> None:
        super().__init__(f"Modbus exception {int(code)}: {code.name.lower().replace('_', ' ')}")
        self.code = code


class Function(IntEnum):
    """Function codes about registers (APS 6)."""

    READ_HOLDING = 3
    READ_INPUT = 4
    WRITE_ONE = 6
    WRITE_MANY = 16
    READ_WRITE = 23


USUAL = frozenset(Function) - {Function.READ_WRITE}
"""Functions of devices whose manual names no other."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One request or response with its address."""

    transaction: int
    """The response repeats that of its request."""
    unit: int
    pdu: bytes
    """Function code and data."""


@dataclass(frozen=True, slots=True)
class ReadRegisters:
    """A request for ``count`` registers from ``address`` on, as on the wire, from 0."""

    function: Function
    address: int
    count: int


@dataclass(frozen=True, slots=True)
class WriteRegisters:
    """A request to set holding registers from ``address`` on."""

    function: Function
    address: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ExchangeRegisters:
    """A request to set registers and then to read others (APS 6.17)."""

    read: ReadRegisters
    write: WriteRegisters


Request = ReadRegisters | WriteRegisters | ExchangeRegisters


class FrameSplitter:
    """Cuts a TCP stream into frames."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that are complete now.

        Raises :class:`ModbusError` when the stream has no frames; those before are lost with it.
        """
        self._buffer += data
        frames = []
        while len(self._buffer) >= _HEADER.size:
            transaction, protocol, length, unit = _HEADER.unpack_from(self._buffer)
            if protocol != 0:
                raise ModbusError(f"protocol {protocol} in a header; Modbus is 0")
            size = length - _LENGTH_COUNTS_UNIT
            if not 1 <= size <= PDU_MAX:
                raise ModbusError(f"a header says {size} bytes follow; there are 1 to {PDU_MAX}")
            end = _HEADER.size + size
            if len(self._buffer) < end:
                break
            frames.append(Frame(transaction, unit, self._buffer[_HEADER.size : end]))
            self._buffer = self._buffer[end:]
        return frames


def encode(frame: Frame) -> bytes:
    """Return a frame as it is sent."""
    length = len(frame.pdu) + _LENGTH_COUNTS_UNIT
    return _HEADER.pack(frame.transaction, 0, length, frame.unit) + frame.pdu


def decode_request(pdu: bytes, functions: frozenset[Function] = USUAL) -> Request:
    """Return what a request asks for; raises :class:`ModbusException` as a device answers it.

    The order of checks is that of the state diagrams in APS 6: function, then quantity.
    ``functions``: those that the device has.
    """
    if not pdu:
        raise ModbusException(Code.ILLEGAL_FUNCTION)
    try:
        function = Function(pdu[0])
    except ValueError:
        raise ModbusException(Code.ILLEGAL_FUNCTION) from None
    if function not in functions:
        raise ModbusException(Code.ILLEGAL_FUNCTION)
    body = pdu[1:]
    if len(body) < _TWO.size:
        raise ModbusException(Code.ILLEGAL_DATA_VALUE)
    address, second = _TWO.unpack_from(body)
    rest = body[_TWO.size :]
    match function:
        case Function.READ_HOLDING | Function.READ_INPUT:
            if rest or not 1 <= second <= READ_MAX:
                raise ModbusException(Code.ILLEGAL_DATA_VALUE)
            return ReadRegisters(function, address, second)
        case Function.WRITE_ONE:
            if rest:
                raise ModbusException(Code.ILLEGAL_DATA_VALUE)
            return WriteRegisters(function, address, (second,))
        case Function.WRITE_MANY:
            sound = 1 <= second <= WRITE_MAX and len(rest) == 1 + 2 * second
            if not sound or rest[0] != 2 * second:
                raise ModbusException(Code.ILLEGAL_DATA_VALUE)
            return WriteRegisters(function, address, _words(rest[1:]))
        case Function.READ_WRITE:
            return _exchange(address, second, rest)


def _exchange(address: int, count: int, rest: bytes) -> ExchangeRegisters:
    """Return a request that reads ``count`` registers from ``address`` and writes ``rest``."""
    if len(rest) < _TWO.size + 1:
        raise ModbusException(Code.ILLEGAL_DATA_VALUE)
    first, written = _TWO.unpack_from(rest)
    size, values = rest[_TWO.size], rest[_TWO.size + 1 :]
    sound = 1 <= count <= READ_MAX and 1 <= written <= EXCHANGE_WRITE_MAX
    if not sound or not size == len(values) == 2 * written:
        raise ModbusException(Code.ILLEGAL_DATA_VALUE)
    return ExchangeRegisters(
        ReadRegisters(Function.READ_WRITE, address, count),
        WriteRegisters(Function.READ_WRITE, first, _words(values)),
    )


def read_response(request: ReadRegisters, values: tuple[int, ...]) -> bytes:
    """Return the PDU that brings ``values``, each 0 to 65535 (APS 6.3, 6.4)."""
    data = b"".join(value.to_bytes(2, "big") for value in values)
    return bytes((request.function, len(data))) + data


def write_response(request: WriteRegisters) -> bytes:
    """Return the PDU that confirms a write (APS 6.6, 6.12)."""
    if request.function is Function.WRITE_ONE:
        return bytes((request.function,)) + _TWO.pack(request.address, request.values[0])
    return bytes((request.function,)) + _TWO.pack(request.address, len(request.values))


def exception_response(pdu: bytes, code: Code) -> bytes:
    """Return the PDU that refuses the request ``pdu`` (APS 7)."""
    return bytes((pdu[0] | 0x80, code))


def _words(data: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
