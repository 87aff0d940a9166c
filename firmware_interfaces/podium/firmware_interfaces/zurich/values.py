"""Values of nodes, and how they lie in messages (``Value`` and ``AnnotatedValue``)."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.zurich.capnp_reader import StructReader
from podium.firmware_interfaces.zurich.capnp_writer import StructWriter
from podium.firmware_interfaces.zurich.errors import ProtocolError


class Element(IntEnum):
    """The type of a vector's elements (labone 1.1.0, ``VectorElementType``)."""

    UINT8 = 0
    UINT16 = 1
    UINT32 = 2
    UINT64 = 3
    FLOAT = 4
    DOUBLE = 5
    STRING = 6
    COMPLEX_FLOAT = 7
    COMPLEX_DOUBLE = 8


class Layout(IntEnum):
    """The layout of a vector's bytes (labone 1.1.0, ``VectorValueType``)."""

    BYTE_ARRAY = 7
    PLAIN = 67
    GENERATOR_WAVEFORM = 69
    RESULT_LOGGER = 70
    SCOPE = 71
    DEMODULATOR = 72


DTYPES: dict[Element, str] = {
    Element.UINT8: "<u1",
    Element.UINT16: "<u2",
    Element.UINT32: "<u4",
    Element.UINT64: "<u8",
    Element.FLOAT: "<f4",
    Element.DOUBLE: "<f8",
    Element.STRING: "<u1",
    Element.COMPLEX_FLOAT: "<c8",
    Element.COMPLEX_DOUBLE: "<c16",
}
_ELEMENTS = {np.dtype(dtype): one for one, dtype in DTYPES.items() if one is not Element.STRING} | {
    np.dtype("<i4"): Element.UINT32,
    np.dtype("<i2"): Element.UINT16,
}


@dataclass(frozen=True, slots=True)
class Vector:
    """A vector as it goes over the wire."""

    element: Element
    content: bytes
    layout: int = Layout.PLAIN
    header: int = 0
    """What ``extraHeaderInfo`` says of a header that ``content`` begins with; 0: there is none."""

    def __len__(self) -> int:
        """Return how many elements it has, header and all."""
        return len(self.content) // np.dtype(DTYPES[self.element]).itemsize

    def numbers(self) -> NDArray[np.generic]:
        """Return the elements, shape ``(len(self),)``, read-only."""
        return np.frombuffer(self.content, DTYPES[self.element], len(self))

    def text(self) -> str:
        """Return the bytes as text; what is not UTF-8 in it becomes a replacement character."""
        return self.content.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class CounterSample:
    """One reading of a pulse counter."""

    timestamp: int
    counter: int
    trigger: int


@dataclass(frozen=True, slots=True)
class TriggerSample:
    """One sample of trigger and digital lines."""

    timestamp: int
    sample_tick: int
    trigger: int
    missed_triggers: int
    awg_trigger: int
    dio: int
    sequence_index: int


Value = int | float | complex | str | Vector | CounterSample | TriggerSample | None


WriteValue = Callable[[Value, StructWriter], None]
"""Fills a ``Value``: :func:`write_value`, or another form of it."""


@dataclass(frozen=True, slots=True)
class AnnotatedValue:
    """A value with its node and when it was so."""

    path: str
    timestamp: int
    """In ticks of the device's time base."""
    value: Value


def vector_of(numbers: NDArray[np.generic]) -> Vector:
    """Return a plain vector. Raises ValueError for a type that no vector has."""
    little = np.ascontiguousarray(numbers)
    little = little.astype(little.dtype.newbyteorder("<"), copy=False)
    if little.dtype not in _ELEMENTS:
        raise ValueError(
            f"vectors have elements of {', '.join(DTYPES.values())}, not {numbers.dtype}"
        )
    return Vector(_ELEMENTS[little.dtype], little.tobytes())


def bytes_vector(content: bytes) -> Vector:
    """Return a vector of bytes, e.g. a program."""
    return Vector(Element.UINT8, content, Layout.BYTE_ARRAY)


def text_vector(text: str) -> Vector:
    """Return a text as a vector, e.g. a command table."""
    return Vector(Element.STRING, text.encode())


def read_value(value: StructReader) -> Value:
    """Return what a ``Value`` holds. Raises :class:`ProtocolError` for an unknown kind."""
    kind = value.u16(8)
    match kind:
        case 0:
            return value.i64(0)
        case 1:
            return value.f64(0)
        case 2:
            both = value.struct(0)
            return complex(both.f64(0), both.f64(8))
        case 3:
            return value.text(0)
        case 4:
            return _read_vector(value.struct(0))
        case 5:
            one = value.struct(0)
            return CounterSample(one.u64(0), _signed(one.u32(8)), one.u32(12))
        case 6:
            one = value.struct(0)
            return TriggerSample(
                one.u64(0), one.u64(8), *(one.u32(byte) for byte in range(16, 36, 4))
            )
        case 7:
            return None
        case 14:
            return int(value.boolean(0))
        case 16:
            return Vector(Element.COMPLEX_DOUBLE, value.struct(0).numbers(0, 2))
    raise ProtocolError(f"a value of unknown kind {kind}")


def write_value(value: Value, to: StructWriter) -> None:
    """Fill a ``Value`` (two words, one pointer)."""
    match value:
        case int():
            to.i64(0, value)
        case float():
            to.u16(8, 1)
            to.f64(0, value)
        case complex():
            to.u16(8, 2)
            both = to.struct(0, 2, 0)
            both.f64(0, value.real)
            both.f64(8, value.imag)
        case str():
            to.u16(8, 3)
            to.text(0, value)
        case Vector():
            to.u16(8, 4)
            vector = to.struct(0, 1, 1)
            vector.u16(0, value.layout)
            vector.u8(2, value.element)
            vector.u32(4, value.header)
            vector.data(0, value.content)
        case CounterSample():
            to.u16(8, 5)
            counter = to.struct(0, 2, 0)
            counter.u64(0, value.timestamp)
            counter.u32(8, value.counter & 0xFFFFFFFF)
            counter.u32(12, value.trigger)
        case TriggerSample():
            to.u16(8, 6)
            sample = to.struct(0, 5, 0)
            sample.u64(0, value.timestamp)
            sample.u64(8, value.sample_tick)
            sample.u32(16, value.trigger)
            sample.u32(20, value.missed_triggers)
            sample.u32(24, value.awg_trigger)
            sample.u32(28, value.dio)
            sample.u32(32, value.sequence_index)
        case None:
            to.u16(8, 7)
            to.struct(0, 0, 0)


def write_annotated(value: AnnotatedValue, to: StructWriter, write: WriteValue) -> None:
    """Fill an ``AnnotatedValue`` (two pointers); ``write``: how the client takes values."""
    metadata = to.struct(0, 1, 1)
    metadata.u64(0, value.timestamp)
    metadata.text(0, value.path)
    write(value.value, to.struct(1, 2, 1))


def _read_vector(vector: StructReader) -> Vector:
    code = vector.u8(2)
    try:
        element = Element(code)
    except ValueError:
        raise ProtocolError(f"a vector of elements of unknown kind {code}") from None
    return Vector(element, vector.data(0), vector.u16(0), vector.u32(4))


def _signed(word: int) -> int:
    return word - (1 << 32) if word >> 31 else word
