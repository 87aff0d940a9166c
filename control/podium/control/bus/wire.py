"""Encodes values as bytes and back: MessagePack, with arrays as they lie in memory.

A message is a frozen dataclass; on the wire it is its name and its fields. Only the
message classes that the reader passes can come out: nothing is ever executed.

Bytes come from somebody else, who may be broken or mean harm. Whatever they are, :func:`decode`
returns a message or raises ``BadMessage``, in a time and a memory that grow with their number.
"""

import math
import reprlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgpack
import numpy as np

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
DIMENSIONS_MAX = 16
DTYPES = frozenset(
    f"{order}{kind}{size}"
    for kind, sizes in (("b", "1"), ("i", "1248"), ("u", "1248"), ("f", "248"))
    for size in sizes
    for order in ("|" if size == "1" else "<>")
) | {"<c8", ">c8", "<c16", ">c16"}
"""Arrays of these are sent, as numpy writes them; nothing else is looked up."""

Message = TypeVar("Message")


class BadMessage(ValueError):
    """Bytes that are no message of ours; discarded, nothing was done."""


def encode(message: object) -> bytes:
    """Return the bytes of a message (a dataclass of plain values, arrays and dataclasses)."""
    packed: bytes = msgpack.packb(_plain(message), default=_array)
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
    names = {kind.__name__: kind for kind in expected}
    if not (
        isinstance(plain, list)
        and len(plain) == 2
        and isinstance(plain[0], str)
        and plain[0] in names
    ):
        said = plain[0] if isinstance(plain, list) and plain else type(plain).__name__
        raise BadMessage(f"expected {' or '.join(names)}, got {_shown(said)}")
    return _message(names[plain[0]], plain[1])


def _plain(value: object) -> object:
    if type(value) in PLAIN:  # most are: asked first
        return value
    if is_dataclass(value) and not isinstance(value, type):
        content = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        return [type(value).__name__, content]
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    return value


def _array(value: object) -> msgpack.ExtType:
    if isinstance(value, np.ndarray) and value.dtype.str in DTYPES:
        head = msgpack.packb([value.dtype.str, list(value.shape)])
        return msgpack.ExtType(ARRAY, head + np.ascontiguousarray(value).tobytes())
    raise TypeError(f"a {type(value).__name__} cannot be sent: plain values and numeric arrays can")


def _extension(code: int, content: bytes) -> object:
    if code != ARRAY:
        raise BadMessage(f"unknown MessagePack extension {code}")
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
    given, wanted = len(content) - begins, math.prod(shape) * kind.itemsize
    if given != wanted:
        raise BadMessage(f"an array {dtype} {shape} has {wanted} bytes, got {given}")
    return np.frombuffer(content, kind, offset=begins).reshape(shape)


def _message(kind: type[Message], content: object) -> Message:
    if not (isinstance(content, dict) and is_dataclass(kind)):
        raise BadMessage(f"{kind.__name__}: fields expected, got {type(content).__name__}")
    hints = _hints(kind)
    given, known = content.keys(), hints.keys()
    if given != known:
        raise BadMessage(
            f"{kind.__name__} has the fields {sorted(known)}, got {_shown(list(given))}"
        )
    values = {
        name: _value(hints[name], value, f"{kind.__name__}.{name}")
        for name, value in content.items()
    }
    return kind(**values)


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    """Return the types of the fields of a message class, by name: looked up once."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _value(hint: Any, value: Any, where: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return _either(get_args(hint), value, where)
    if origin is Literal:
        words = get_args(hint)
        if type(value) is not str or value not in words:
            raise BadMessage(f"{where}: one of {', '.join(words)} expected, got {_shown(value)}")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise BadMessage(f"{where}: a list expected, got {type(value).__name__}")
        inner = get_args(hint)
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        if len(kinds) != len(value):
            raise BadMessage(f"{where}: {len(kinds)} entries expected, got {len(value)}")
        return tuple(_value(kind, entry, where) for kind, entry in zip(kinds, value, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            raise BadMessage(f"{where}: a mapping expected, got {type(value).__name__}")
        key_hint, value_hint = get_args(hint)
        return {
            _value(key_hint, key, where): _value(value_hint, entry, where)
            for key, entry in value.items()
        }
    if origin is np.ndarray:
        hint = np.ndarray
    if isinstance(hint, type) and is_dataclass(hint):
        if not (isinstance(value, list) and len(value) == 2 and value[0] == hint.__name__):
            raise BadMessage(f"{where}: a {hint.__name__} expected")
        return _message(hint, value[1])
    if hint is float and type(value) is int:
        return float(value)
    if hint is object:
        _check_plain(value, where, DEPTH_MAX)
    elif type(value) is not hint:
        raise BadMessage(f"{where}: {hint.__name__} expected, got {_shown(value)}")
    return value


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


def _either(hints: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and NoneType in hints:
        return None
    problems = []
    for hint in hints:
        if hint is not NoneType:
            try:
                return _value(hint, value, where)
            except BadMessage as problem:
                problems.append(str(problem))
    raise BadMessage("; ".join(problems))
