"""Encodes a small HDF5 file: a root group of datasets, with attributes and dimension scales.

HDF5's own library takes 2 to 3 ms of a processor for the data of a small run, 0.1 of it for each
attribute. Written by the "HDF5 File Format Specification Version 3.0" (its sections in brackets),
in what HDF5 1.8 and all newer ones read: superblock 2, object headers 2, contiguous data, texts in
global heaps. Offsets and lengths have 8 bytes, numbers are little-endian.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct, pack, unpack
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89HDF\r\n\x1a\n"
UNDEFINED = b"\xff" * 8
"""The address of what is not there."""
SUPERBLOCK_BYTES = 48
HEAP_BYTES = 4096
"""Global heaps have at least so many [III.E]; ours have a multiple of it."""
HEAP_OBJECTS = 0xFFFF
"""An object of a heap has two bytes for its number."""
CHECKSUM_BYTES = 4
IN_ORDER = 3
"""Of links and attributes: their order of creation is tracked, and indexed."""
MESSAGE_MAX = 0xFFFF
"""Bytes of a message in a header, which is what an attribute is [IV.A.1.b]."""

# Types of messages [IV.A.2].
DATASPACE, LINK_INFO, DATATYPE, FILL_VALUE, LINK = 1, 2, 3, 5, 6
LAYOUT, GROUP_INFO, ATTRIBUTE, ATTRIBUTE_INFO = 8, 10, 12, 21

_MESSAGE = Struct("<BHBH")
_ATTRIBUTE = Struct("<BBHHHB")
_IN_HEAP = Struct("<IQI")
_HEAP_OBJECT = Struct("<HHIQ")


class NotEncodable(ValueError):
    """A file has no place for something; the message says for what."""


@dataclass(frozen=True, slots=True)
class Hdf5Dataset:
    """A dataset below the root."""

    values: NDArray[Any]
    """Numbers, or texts as objects."""
    attributes: Mapping[str, NDArray[Any]]
    """Likewise, of no axis or one."""
    along: tuple[str, ...] = ()
    """Names of the datasets that are the scales of its axes; empty: it has none."""
    scale: str = ""
    """It is a dimension scale of this name; empty: it is none."""
    fill_value: NDArray[Any] | None = None
    is_written: bool = True
    """False: its shape and type are stored, not its values."""


def hdf5_content(
    datasets: Mapping[str, Hdf5Dataset], attributes: Mapping[str, NDArray[Any]]
) -> bytes:
    """Return the content of a file with these datasets; ``attributes`` are those of the root.

    Both are listed in their order. Raises :class:`NotEncodable`.
    """
    heaps = _GlobalHeaps(SUPERBLOCK_BYTES)
    scales = {name: [bytearray(8) for _ in one.along] for name, one in datasets.items()}
    named = {name: _attributes(one, scales[name], heaps) for name, one in datasets.items()}
    stored = {name: _stored(one.values, heaps) for name, one in datasets.items() if one.is_written}
    of_root = [_attribute(name, one, heaps) for name, one in attributes.items()]
    parts, end = heaps.finished()
    defined = {}
    for name, one in datasets.items():
        content = stored.get(name, b"")
        defined[name] = _definition(one, end, len(content))
        parts += content, bytes(-len(content) % 8)
        end += len(content) + -len(content) % 8
    # Scales and what lies along them name each other by the addresses of their headers.
    users = _users(datasets)
    unknown = dict.fromkeys(datasets, 0)
    addresses = {}
    for name in datasets:
        addresses[name] = end
        references = _references(users[name], unknown)
        end += len(_header(defined[name], [*named[name], *references])) + CHECKSUM_BYTES
    for name, one in datasets.items():
        for scale, reference in zip(one.along, scales[name], strict=True):
            reference[:] = pack("<Q", addresses[scale])
        references = _references(users[name], addresses)
        parts += _checked(_header(defined[name], [*named[name], *references]))
    root = _header(_group(addresses), of_root)
    last = end + len(root) + CHECKSUM_BYTES
    block = SIGNATURE + pack("<BBBBQ", 2, 8, 8, 0, 0) + UNDEFINED + pack("<QQ", last, end)
    return b"".join((*_checked(block), *parts, *_checked(root)))


class _GlobalHeaps:
    """Heaps of what has no fixed length [III.E], one behind the other from an address on."""

    def __init__(self, address: int) -> None:
        self._parts: list[bytes | bytearray] = []
        self._done: list[bytes | bytearray] = []
        self._begin = address
        self._length = 16
        self._count = 0

    def add(self, content: bytes | bytearray, length: int) -> bytes:
        """Return what refers to ``content``, of so many elements; it may be filled in later."""
        if not content:
            return bytes(_IN_HEAP.size)
        if self._count == HEAP_OBJECTS:
            self._close()
        self._count += 1
        padding = bytes(-len(content) % 8)
        head = _HEAP_OBJECT.pack(self._count, 0, 0, len(content))
        self._parts += head, content, padding
        self._length += len(head) + len(content) + len(padding)
        return _IN_HEAP.pack(length, self._begin, self._count)

    def finished(self) -> tuple[list[Any], int]:
        """Return the parts of the heaps, and where they end."""
        if self._count:
            self._close()
        return [*self._done], self._begin

    def _close(self) -> None:
        size = -(-self._length // HEAP_BYTES) * HEAP_BYTES
        free = size - self._length
        rest = _HEAP_OBJECT.pack(0, 0, 0, free) if free >= _HEAP_OBJECT.size else b""
        self._done += pack("<4sB3xQ", b"GCOL", 1, size), *self._parts, rest
        self._done.append(bytes(free - len(rest)))
        self._parts, self._begin = [], self._begin + size
        self._length, self._count = 16, 0


def _users(datasets: Mapping[str, Hdf5Dataset]) -> dict[str, list[tuple[str, int]]]:
    """Return for each dataset the others of which it is a scale, with the number of the axis."""
    users: dict[str, list[tuple[str, int]]] = {name: [] for name in datasets}
    for name, one in datasets.items():
        for axis, scale in enumerate(one.along):
            users[scale].append((name, axis))
    return users


def _references(users: list[tuple[str, int]], addresses: Mapping[str, int]) -> list[bytes]:
    """Return the attribute of a scale that names what lies along it; none: there is nothing."""
    if not users:
        return []
    content = b"".join(pack("<QII", addresses[name], axis, 0) for name, axis in users)
    return [_attribute_message("REFERENCE_LIST", _USER, _dataspace((len(users),)), content)]


def _attributes(one: Hdf5Dataset, scales: list[bytearray], heaps: _GlobalHeaps) -> list[bytes]:
    found = [_attribute(name, value, heaps) for name, value in one.attributes.items()]
    if one.scale:
        for name, text in (("CLASS", "DIMENSION_SCALE"), ("NAME", one.scale)):
            content = _utf8(text) + b"\0"
            found.append(_attribute_message(name, _fixed_text(len(content)), _SCALAR, content))
    if scales:
        content = b"".join(heaps.add(one, 1) for one in scales)
        space = _dataspace((len(scales),))
        found.append(_attribute_message("DIMENSION_LIST", _REFERENCES, space, content))
    return found


def _attribute(name: str, value: NDArray[Any], heaps: _GlobalHeaps) -> bytes:
    content = bytes(_stored(value, heaps))
    return _attribute_message(name, _datatype(value.dtype), _dataspace(value.shape), content)


def _attribute_message(name: str, datatype: bytes, space: bytes, content: bytes) -> bytes:
    said = _utf8(name) + b"\0"
    lengths = len(said), len(datatype), len(space)
    found = b"".join((_ATTRIBUTE.pack(3, 0, *lengths, 1), said, datatype, space, content))
    if len(found) > MESSAGE_MAX:
        raise NotEncodable(
            f"attribute {name:.40} has {len(content)} bytes, more than an attribute can"
        )
    return found


def _stored(values: NDArray[Any], heaps: _GlobalHeaps) -> memoryview | bytes:
    """Return the bytes of an array; those of texts go into a heap."""
    if values.dtype.kind != "O":
        plain = np.asarray(values, values.dtype.newbyteorder("<"), order="C")
        return plain.reshape(-1).view(np.uint8).data
    texts = [_utf8(one) for one in values.flat]
    return b"".join(heaps.add(one, len(one)) for one in texts)


def _utf8(text: object) -> bytes:
    if not isinstance(text, str) or "\0" in text:
        raise NotEncodable(f"{text!r:.40} is no text, or has a byte 0 in it")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise NotEncodable(f"{text!r:.40} is no text: {error}") from error


# Headers of objects [IV.A.1.b]


def _header(messages: Iterable[bytes], attributes: list[bytes]) -> bytes:
    """Return the header of an object, but for its checksum."""
    count = len(attributes)
    numbered = [_message(ATTRIBUTE, one, number) for number, one in enumerate(attributes)]
    known = _message(ATTRIBUTE_INFO, pack("<BBH", 0, IN_ORDER, count) + UNDEFINED * 3)
    body = b"".join((*messages, known, *numbered))
    # Flags: attributes are in order, and the length has four bytes.
    return pack("<4sBBI", b"OHDR", 2, IN_ORDER << 2 | 2, len(body)) + body


def _message(kind: int, content: bytes, number: int = 0) -> bytes:
    return _MESSAGE.pack(kind, len(content), 0, number) + content


def _definition(one: Hdf5Dataset, address: int, length: int) -> list[bytes]:
    """Return the messages by which a header is that of a dataset."""
    shape, dtype = one.values.shape, one.values.dtype
    if one.fill_value is None:
        filled = pack("<BB", 3, 0x0A)  # whatever the library takes, written late
    else:
        content = _stored(one.fill_value, _GlobalHeaps(0))
        filled = pack("<BBI", 3, 0x2A, len(content)) + content
    place = pack("<Q", address) if length else UNDEFINED
    size = one.values.size * (_IN_HEAP.size if dtype.kind == "O" else dtype.itemsize)
    return [
        _message(DATASPACE, _dataspace(shape)),
        _message(DATATYPE, _datatype(dtype)),
        _message(FILL_VALUE, filled),
        _message(LAYOUT, pack("<BB", 3, 1) + place + pack("<Q", size)),
    ]


def _group(addresses: Mapping[str, int]) -> Iterable[bytes]:
    """Yield the messages by which a header is that of a group, with a link to each dataset."""
    yield _message(LINK_INFO, pack("<BBQ", 0, IN_ORDER, len(addresses)) + UNDEFINED * 3)
    yield _message(GROUP_INFO, bytes(2))
    for number, (name, address) in enumerate(addresses.items()):
        said = _utf8(name)
        # Flags: two bytes for the length of the name, its order, and that it is UTF-8.
        head = pack("<BBQBH", 1, 0x15, number, 1, len(said))
        yield _message(LINK, head + said + pack("<Q", address))


def _checked(block: bytes) -> tuple[bytes, bytes]:
    """Return a block with its checksum."""
    return block, pack("<I", _checksum(block))


@lru_cache(512)
def _checksum(block: bytes) -> int:
    """Return the checksum of a block [VII.A], remembered: like runs have like headers.

    It is ``hashlittle`` of Bob Jenkins' lookup3.c.
    """
    a = b = c = (0xDEADBEEF + len(block)) & _WORD
    words: tuple[int, ...] = unpack(
        f"<{-(-len(block) // 12) * 3}I", block + bytes(-len(block) % 12)
    )
    for k in range(0, len(words) - 3, 3):
        a, b, c = a + words[k], b + words[k + 1], c + words[k + 2] & _WORD
        a = (a - c & _WORD) ^ (c << 4 & _WORD | c >> 28)
        c += b
        b = (b - a & _WORD) ^ (a << 6 & _WORD | a >> 26)
        a += c
        c = (c - b & _WORD) ^ (b << 8 & _WORD | b >> 24)
        b = b + a & _WORD
        a = (a - c & _WORD) ^ (c << 16 & _WORD | c >> 16)
        c += b
        b = (b - a & _WORD) ^ (a << 19 & _WORD | a >> 13)
        a += c
        c = (c - b & _WORD) ^ (b << 4 & _WORD | b >> 28)
        b += a
    a, b, c = (one + word & _WORD for one, word in zip((a, b, c), words[-3:], strict=True))
    c = (c ^ b) - (b << 14 | b >> 18) & _WORD
    a = (a ^ c) - (c << 11 | c >> 21) & _WORD
    b = (b ^ a) - (a << 25 | a >> 7) & _WORD
    c = (c ^ b) - (b << 16 | b >> 16) & _WORD
    a = (a ^ c) - (c << 4 | c >> 28) & _WORD
    b = (b ^ a) - (a << 14 | a >> 18) & _WORD
    return (c ^ b) - (b << 24 | b >> 8) & _WORD


# Types and spaces [IV.A.2.b, IV.A.2.d]. To make these takes longer than to write a number.


@lru_cache
def _dataspace(shape: tuple[int, ...]) -> bytes:
    return pack(f"<BBBB{len(shape)}Q", 2, len(shape), 0, int(bool(shape)), *shape)


@lru_cache
def _datatype(dtype: np.dtype[Any]) -> bytes:
    """Return numbers' type, or that of texts."""
    bits = dtype.itemsize * 8
    match dtype.kind:
        case "i" | "u":
            return pack("<BBHIHH", 0x10, 8 * (dtype.kind == "i"), 0, bits // 8, 0, bits)
        case "f" if bits in (16, 32, 64):
            said = np.finfo(dtype)
            exponent, mantissa = said.iexp, said.nmant
            ends = pack("<BBBBI", mantissa, exponent, 0, mantissa, 2 ** (exponent - 1) - 1)
            return pack("<BBBBIHH", 0x11, 0x20, bits - 1, 0, bits // 8, 0, bits) + ends
        case "c" if bits in (64, 128):
            half = _datatype(np.dtype(f"f{bits // 16}"))
            return _compound(bits // 8, (("r", 0, half), ("i", bits // 16, half)))
        case "O":
            return pack("<BBBBI", 0x19, 1, 1, 0, _IN_HEAP.size) + _datatype(np.dtype(np.uint8))
        case "S":
            return _fixed_text(dtype.itemsize)
    raise NotEncodable(f"{dtype} is no type that all readers know")


def _fixed_text(length: int) -> bytes:
    return pack("<BBHI", 0x13, 0, 0, length)


def _compound(size: int, members: Iterable[tuple[str, int, bytes]]) -> bytes:
    listed = [name.encode() + b"\0" + pack("<B", begin) + kind for name, begin, kind in members]
    return pack("<BHBI", 0x36, len(listed), 0, size) + b"".join(listed)


_WORD = 0xFFFFFFFF
_SCALAR = _dataspace(())
_REFERENCE = pack("<BBHI", 0x17, 0, 0, 8)
_REFERENCES = pack("<BBHI", 0x19, 0, 0, _IN_HEAP.size) + _REFERENCE
"""Of ``DIMENSION_LIST``: the scales of each axis."""
_USER = _compound(
    16, (("dataset", 0, _REFERENCE), ("dimension", 8, _datatype(np.dtype(np.uint32))))
)
"""Of ``REFERENCE_LIST``: what lies along a scale, and with which axis."""
