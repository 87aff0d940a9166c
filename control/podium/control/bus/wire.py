"""Encodes values as bytes and back: MessagePack, with arrays as they lie in memory.

A message is a frozen dataclass; on the wire it is its name and its fields. Only the
message classes that the reader passes can come out: nothing is ever executed.

Bytes come from somebody else, who may be broken or mean harm. Whatever they are, :func:`decode`
returns a message or raises ``BadMessage``, in a time and a memory that grow with their number.
"""

import math
import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache, lru_cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgpack
import numpy as np
from numpy.typing import NDArray

ARRAY = 1
"""MessagePack extension type of an array: dtype, shape, bytes in C order."""
PLAIN = frozenset((str, float, int, bool, NoneType, bytes, np.ndarray))
"""What goes to MessagePack as it is."""
BYTES_MAX = 1 << 30
"""A message is not larger: a run of a million shots with two captures takes 48 MB."""
ENTRIES_MAX = 1 << 20
"""A list or mapping does not have more entries; numbers by the million are sent as arrays."""
DEPTH_MAX = 16
"""Of lists and mappings inside a value that may be anything."""
INT_MAX = (1 << 63) - 1
"""A whole number is not larger: databases and arrays hold 64 bits with a sign."""
_MAY_BE_LARGER = re.compile(rb"\xcf[\x80-\xff]")
"""As MessagePack writes a number that is; it may as well be within a text or an array."""
DIMENSIONS_MAX = 16
DTYPES = frozenset(
    f"{order}{kind}{size}"
    for kind, sizes in (("b", "1"), ("i", "1248"), ("u", "1248"), ("f", "248"))
    for size in sizes
    for order in ("|" if size == "1" else "<>")
) | {"<c8", ">c8", "<c16", ">c16"}
"""Arrays of these are sent, as numpy writes them; nothing else is looked up."""

Message = TypeVar("Message")
Decode = Callable[[Any], Any]
"""Makes a value of what MessagePack has brought, or raises ``BadMessage``."""


class BadMessage(ValueError):
    """Bytes that are no message of ours; discarded, nothing was done."""


def encode(message: object) -> bytes:
    """Return the bytes of a message (a dataclass of plain values, arrays and dataclasses)."""
    packed: bytes = msgpack.packb(message, default=_packable)
    return packed


def decode(payload: bytes, *expected: type[Message], bytes_max: int = BYTES_MAX) -> Message:
    """Return the message in ``payload``, of an ``expected`` class, or raise ``BadMessage``.

    ``bytes_max``: what is longer is not looked at.
    """
    if len(payload) > bytes_max:
        raise BadMessage(f"{len(payload)} bytes are too many for one message: {bytes_max} at most")
    try:
        return _decoded(payload, expected)
    except BadMessage:
        raise
    except Exception as error:
        # MessagePack, numpy and the classes' own checks complain in many ways; to name them all
        # would be to trust that none was forgotten.
        said = f"{type(error).__name__}: {error}"
        raise BadMessage(f"{len(payload)} bytes are no message: {said:.200}") from error


def _decoded(payload: bytes, expected: tuple[type[Message], ...]) -> Message:
    try:
        plain = msgpack.unpackb(
            payload,
            ext_hook=_extension,
            strict_map_key=False,
            max_array_len=ENTRIES_MAX,
            max_map_len=ENTRIES_MAX,
        )
    except BadMessage:
        raise
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise BadMessage(f"{len(payload)} bytes are no MessagePack: {error!s:.200}") from error
    if _MAY_BE_LARGER.search(payload) and _is_larger(plain):
        raise BadMessage(f"a whole number of it is larger than {INT_MAX}")
    names: dict[str, Any] = {kind.__name__: kind for kind in expected}
    if not (
        isinstance(plain, list)
        and len(plain) == 2
        and isinstance(plain[0], str)
        and plain[0] in names
    ):
        said = plain[0] if isinstance(plain, list) and plain else type(plain).__name__
        raise BadMessage(f"expected {' or '.join(names)}, got {_shown(said)}")
    message: Message = _message_decoder(names[plain[0]])(plain[1])
    return message


def _is_larger(value: object) -> bool:
    """Tell whether something that was unpacked holds a number beyond :data:`INT_MAX`."""
    if isinstance(value, dict):
        return any(_is_larger(one) for entry in value.items() for one in entry)
    if isinstance(value, list):
        return any(map(_is_larger, value))
    return type(value) is int and value > INT_MAX


def _packable(value: object) -> object:
    """Return what MessagePack does not know in what it knows: it asks for these alone."""
    kind: Any = type(value)
    return _packer(kind)(value)


@cache
def _packer(kind: type[Any]) -> Callable[[Any], object]:
    """Return what makes a value of a class into what MessagePack knows; worked out once."""
    if is_dataclass(kind):
        return _message_packer(kind)
    if issubclass(kind, Mapping):
        return dict
    if issubclass(kind, np.ndarray):
        return _array
    raise TypeError(f"a {kind.__name__} cannot be sent: plain values and numeric arrays can")


def _message_packer(kind: Any) -> Callable[[Any], object]:
    name, hints = kind.__name__, _hints(kind)
    if len(hints) < 2:  # one is fetched bare, and none not at all
        return lambda value: [name, {one: getattr(value, one) for one in hints}]
    names, values_of = _fields_of(kind)
    return lambda value: [name, dict(zip(names, values_of(value), strict=True))]


@cache
def _fields_of(kind: type[Any]) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """Return the names of a class's fields, two at least, and what fetches their values."""
    names = tuple(field.name for field in fields(kind))
    return names, attrgetter(*names)


def _array(value: NDArray[Any]) -> msgpack.ExtType:
    content: Any = value
    head = _head_of(value.dtype, value.shape)
    try:
        return msgpack.ExtType(ARRAY, b"".join((head, content)))
    except TypeError:  # it does not lie in C order
        content = np.ascontiguousarray(value)
        return msgpack.ExtType(ARRAY, b"".join((head, content)))


@lru_cache(256)
def _head_of(kind: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    if kind.str not in DTYPES:
        raise TypeError(f"an array of {kind} cannot be sent: arrays of numbers can")
    head: bytes = msgpack.packb([kind.str, list(shape)])
    return head


def _extension(code: int, content: bytes) -> object:
    if code != ARRAY:
        raise BadMessage(f"unknown MessagePack extension {code}")
    ends = _short_head_ends(content)
    head = _parsed_head(content) if ends is None else _known_head(content[:ends])
    kind, shape, begins, wanted = head
    if (given := len(content) - begins) != wanted:
        raise BadMessage(f"an array {kind.str} {list(shape)} has {wanted} bytes, got {given}")
    return np.ndarray(shape, kind, content, begins)


def _short_head_ends(content: bytes) -> int | None:
    """Return where a head ends, None: it has a length of 128 or more, or may be none."""
    shape_at = 2 + (content[1] & 0x1F) if len(content) > 1 else 0
    if not (2 <= shape_at < len(content) and content[0] == 0x92 and content[1] >> 5 == 0b101):
        return None  # of MessagePack: two entries, the first a short text
    if content[shape_at] >> 4 != 0b1001:  # the second a short list
        return None
    ends = shape_at + 1 + (content[shape_at] & 0x0F)
    lengths = content[shape_at + 1 : ends]
    return ends if ends <= len(content) and lengths.isascii() else None


def _parsed_head(content: bytes) -> tuple[np.dtype[Any], tuple[int, ...], int, int]:
    """Return the kind of an array, its shape, where its values begin, and their bytes."""
    unpacker = msgpack.Unpacker(max_array_len=DIMENSIONS_MAX, max_map_len=0)
    unpacker.feed(content)
    head = unpacker.unpack()
    if not (isinstance(head, list) and len(head) == 2 and isinstance(head[1], list)):
        raise BadMessage(f"an array begins with its dtype and its shape, not with {_shown(head)}")
    dtype, shape = head
    if not (isinstance(dtype, str) and dtype in DTYPES):
        raise BadMessage(f"arrays of {_shown(dtype)} are not sent")
    kind, begins = np.dtype(dtype), unpacker.tell()
    if not all(type(length) is int and 0 <= length <= BYTES_MAX for length in shape):
        raise BadMessage(f"{_shown(shape)} is no shape of an array")
    return kind, tuple(shape), begins, math.prod(shape) * kind.itemsize


_known_head = lru_cache(256)(_parsed_head)


@cache
def _message_decoder(kind: type[Any]) -> Decode:
    """Return what makes a message of a class of its content; worked out once for each class."""
    if not is_dataclass(kind):
        raise BadMessage(f"{kind.__name__} is no message")
    known_kind: Any = kind
    name, steps, known = kind.__name__, _field_steps(known_kind), _hints(kind).keys()

    def decode(content: Any) -> Any:
        if not isinstance(content, dict):
            raise BadMessage(f"{name}: fields expected, got {type(content).__name__}")
        if content.keys() != known:
            raise BadMessage(f"{name} has the fields {sorted(known)}, got {_shown(list(content))}")
        for field, as_they_are, decoder in steps:
            if type(value := content[field]) not in as_they_are:
                content[field] = decoder(value)
        return kind(**content)

    return decode


@cache
def _field_steps(kind: Any) -> list[tuple[str, tuple[type[Any], ...], Decode]]:
    """Return of each field the types that are taken as they are, and what makes it of others."""
    return [
        (field, _as_they_are(hint), _decoder(hint, f"{kind.__name__}.{field}"))
        for field, hint in _hints(kind).items()
    ]


def _as_they_are(hint: Any) -> tuple[type[Any], ...]:
    """Return the types of which a value is what a type asks for; of others it is to be made."""
    alternatives = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    bare = [np.ndarray if get_origin(one) is np.ndarray else one for one in alternatives]
    return tuple(one for one in bare if one in PLAIN)


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    """Return the types of the fields of a message class, by name: looked up once."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


@cache
def _decoder(hint: Any, where: str) -> Decode:
    """Return what checks and makes a value of a type, found at ``where``; worked out once."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return _either(get_args(hint), where)
    if origin is Literal:
        return _one_of(get_args(hint), where)
    if origin is tuple:
        return _entries(get_args(hint), where)
    if origin is not None and issubclass(origin, Mapping):
        key, value = get_args(hint)
        return _mapping(key, value, where)
    if _is_message(hint):
        return _inner_message(hint, where)
    return _plain(np.ndarray if origin is np.ndarray else hint, where)


def _plain(hint: type[Any], where: str) -> Decode:
    def decode(value: Any) -> Any:
        if type(value) is hint:
            return value
        if hint is float and type(value) is int:
            return float(value)
        raise BadMessage(f"{where}: {hint.__name__} expected, got {_shown(value)}")

    def anything(value: Any) -> Any:
        _check_plain(value, where, DEPTH_MAX)
        return value

    return anything if hint is object else decode


def _one_of(words: tuple[Any, ...], where: str) -> Decode:
    def decode(value: Any) -> Any:
        if type(value) is not str or value not in words:
            raise BadMessage(f"{where}: one of {', '.join(words)} expected, got {_shown(value)}")
        return value

    return decode


def _entries(inner: tuple[Any, ...], where: str) -> Decode:
    one = _decoder(inner[0], where) if inner[-1] is Ellipsis else None
    each = [] if one is not None else [_decoder(kind, where) for kind in inner]

    def decode(value: Any) -> Any:
        if not isinstance(value, list):
            raise BadMessage(f"{where}: a list expected, got {type(value).__name__}")
        if one is not None:
            return tuple([one(entry) for entry in value])
        if len(each) != len(value):
            raise BadMessage(f"{where}: {len(each)} entries expected, got {len(value)}")
        return tuple([made(entry) for made, entry in zip(each, value, strict=True)])

    return decode


def _mapping(key_hint: Any, value_hint: Any, where: str) -> Decode:
    of_key, of_value = _decoder(key_hint, where), _decoder(value_hint, where)

    def decode(value: Any) -> Any:
        if not isinstance(value, dict):
            raise BadMessage(f"{where}: a mapping expected, got {type(value).__name__}")
        return {of_key(key): of_value(entry) for key, entry in value.items()}

    return decode


def _inner_message(kind: Any, where: str) -> Decode:
    name = kind.__name__

    def decode(value: Any) -> Any:
        if not (isinstance(value, list) and len(value) == 2 and value[0] == name):
            raise BadMessage(f"{where}: a {name} expected")
        return _message_decoder(kind)(value[1])  # only now: a message may contain its like

    return decode


def _check_plain(value: Any, where: str, depth: int) -> None:
    """Raise ``BadMessage`` unless a value that may be anything is plain, and not too deep."""
    if type(value) in PLAIN:
        return
    if not isinstance(value, list | dict):
        raise BadMessage(f"{where}: a {type(value).__name__} is no plain value")
    if depth == 0:
        raise BadMessage(f"{where}: lists and mappings lie in each other, over {DEPTH_MAX} deep")
    for entry in (*value, *value.values()) if isinstance(value, dict) else value:
        _check_plain(entry, where, depth - 1)


def _shown(value: object) -> str:
    """Return a value as text that is short, however large the value is."""
    return f"{reprlib.repr(value):.80}"


def _either(hints: tuple[Any, ...], where: str) -> Decode:
    """Return what takes the first alternative that fits; a message is known by its name."""
    decoders = [_decoder(hint, where) for hint in hints if hint is not NoneType]
    optional = NoneType in hints
    named = {hint.__name__: _inner_message(hint, where) for hint in hints if _is_message(hint)}

    def decode(value: Any) -> Any:
        if value is None and optional:
            return None
        if isinstance(value, list) and len(value) == 2 and type(value[0]) is str:
            known = named.get(value[0])
            if known is not None:
                return known(value)
        problems = []
        for decoder in decoders:
            try:
                return decoder(value)
            except BadMessage as problem:
                problems.append(str(problem))
        raise BadMessage("; ".join(problems))

    return decode


def _is_message(hint: Any) -> bool:
    return isinstance(hint, type) and get_origin(hint) is None and is_dataclass(hint)
