"""Every kind of message that goes over the bus, samples of each, and what damage makes of them."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from importlib import import_module
from inspect import getmembers
from pkgutil import iter_modules
from types import ModuleType, NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgpack
import numpy as np

from podium.control import bus
from podium.control.bus import wire

MODULES = (
    *(import_module(f"{bus.__name__}.{one.name}") for one in iter_modules(bus.__path__)),
    import_module("podium.control.runs.messages"),
)
NOT_SENT = {
    "Admission",
    "Credentials",
    "EventLog",
    "Member",
    "Presence",
    "Rule",
    "SmallAuthority",
    "_Grant",
}
"""Classes of the bus that stay within a process: all others are messages, or parts of them."""
DEEP = 2000
TRIES = 100_000


def kinds() -> tuple[type, ...]:
    """Return every class of message."""
    return tuple(
        kind for module in MODULES for name, kind in _dataclasses(module) if name not in NOT_SENT
    )


def _dataclasses(module: ModuleType) -> Iterator[tuple[str, type]]:
    for name, kind in getmembers(module, lambda one: isinstance(one, type)):
        if is_dataclass(kind) and kind.__module__ == module.__name__:
            yield name, kind


def sample(kind: type, rng: random.Random) -> Any:
    """Return a message of ``kind``, with something in each of its fields."""
    hints = get_type_hints(kind)
    for _ in range(TRIES):
        with suppress(ValueError):  # some have rules of their own for what goes together
            return kind(**{field.name: _value(hints[field.name], rng) for field in fields(kind)})
    raise AssertionError(f"{TRIES} samples of {kind} break its own rules")


def _value(hint: Any, rng: random.Random) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _value(rng.choice([one for one in inner if one is not NoneType]), rng)
    if origin is Literal:
        return rng.choice(inner)
    if origin is tuple:
        kinds = [inner[0]] * rng.randrange(3) if inner[-1] is Ellipsis else inner
        return tuple(_value(one, rng) for one in kinds)
    if origin is not None and issubclass(origin, Mapping):
        return {_value(inner[0], rng): _value(inner[1], rng) for _ in range(rng.randrange(3))}
    if origin is np.ndarray or hint is np.ndarray:
        shape = [rng.randrange(4) for _ in range(rng.randrange(3))]
        return np.ones(shape, rng.choice(["<f8", "<i8", "|b1", "<c16"]))
    if is_dataclass(hint):
        return sample(hint, rng)
    plain: dict[Any, Callable[[], Any]] = {
        str: lambda: rng.choice(["", "node_a", "κ/2π", "idle"]),
        int: lambda: rng.choice([0, 1, 2**40]),
        float: lambda: rng.choice([0.0, -1.5, 1e9]),
        bool: lambda: rng.random() < 0.5,
        bytes: lambda: b"\x00\xff",
        object: lambda: rng.choice([None, 1, "on", [1, {"a": 2.0}]]),
    }
    return plain[hint]()


def mutant(payload: bytes, rng: random.Random) -> bytes:
    """Return ``payload`` damaged once or several times: in its bytes, or in what they say."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        payload = rng.choice((*BYTEWISE, _said_otherwise))(payload, rng)
    return payload


def mutants(payload: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Give ``count`` mutants, the same for a seed."""
    rng = random.Random(seed)
    for _ in range(count):
        yield mutant(payload, rng)


def _flip(payload: bytes, rng: random.Random) -> bytes:
    if not payload:
        return payload
    at = rng.randrange(len(payload))
    return payload[:at] + bytes([payload[at] ^ (1 << rng.randrange(8))]) + payload[at + 1 :]


def _cut(payload: bytes, rng: random.Random) -> bytes:
    at, to = sorted((rng.randint(0, len(payload)), rng.randint(0, len(payload))))
    return payload[:at] + payload[to:]


def _twice(payload: bytes, rng: random.Random) -> bytes:
    at, to = sorted((rng.randint(0, len(payload)), rng.randint(0, len(payload))))
    return payload[:to] + payload[at:to] + payload[to:]


def _put_in(payload: bytes, rng: random.Random) -> bytes:
    at = rng.randint(0, len(payload))
    return payload[:at] + rng.choice(ODD_BYTES) + payload[at + rng.choice((0, 1)) :]


def _said_otherwise(payload: bytes, rng: random.Random) -> bytes:
    try:
        tree = msgpack.unpackb(payload, strict_map_key=False)
        return bytes(msgpack.packb(_other(tree, rng)))
    except (ValueError, TypeError, OverflowError, RecursionError):
        return _flip(payload, rng)


def _other(tree: Any, rng: random.Random) -> Any:
    """Return ``tree`` with something else in one place."""
    if isinstance(tree, list) and tree and rng.random() < 0.9:
        at = rng.randrange(len(tree))
        return [*tree[:at], _other(tree[at], rng), *tree[at + 1 :]]
    if isinstance(tree, dict) and tree and rng.random() < 0.9:
        key = rng.choice(list(tree))
        if rng.random() < 0.1:
            return {**tree, rng.choice([None, 1, b"x", "more"]): tree[key]}
        return {**tree, key: _other(tree[key], rng)}
    return rng.choice(ODD_VALUES)


def _extension(head: Any, content: bytes = bytes(8)) -> msgpack.ExtType:
    return msgpack.ExtType(wire.ARRAY, msgpack.packb(head) + content)


def _nested(depth: int) -> Any:
    tree: list[Any] = []
    for _ in range(depth):
        tree = [tree]
    return tree


BYTEWISE = (_flip, _cut, _twice, _put_in)
ODD_BYTES = (
    b"\x81\x90\x01",  # a mapping with a list for a key
    b"\x91" * DEEP,
    b"\x81\xc0" * DEEP,
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xc7\x00\x01",
    b"\xd6\xff\x00\x00\x00\x00",  # a time stamp
    b"\xc1",
    b"\xa1\xff",
    b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
)
ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**64 - 1,
    -(2**63),
    float("nan"),
    float("inf"),
    "",
    "x" * 5000,
    "../../*/**",
    b"",
    [],
    {},
    [[], []],
    {"a": {"b": {}}},
    ["Failed", {}],
    _nested(40),
    msgpack.Timestamp(1, 1),
    msgpack.ExtType(7, b"x"),
    _extension(["<f8", [1]]),
    _extension(["<f8", [-1]]),
    _extension(["<f8", [2**62, 2**62]]),
    _extension(["<f8", [0, 2**62, 2**62]]),
    _extension(["<f8", [0] + [2**29] * 9], b""),
    _extension(["<f8", [1] * 100]),
    _extension(["<f8", "1"]),
    _extension(["|O", [1]]),
    _extension(["<f8,<f8", [1]]),
    _extension(["(1000000000,)f8", [1]]),
    _extension(["|S1000000000", [1]]),
    _extension([["a", "<f8"], [1]]),
    _extension(7),
    msgpack.ExtType(wire.ARRAY, b""),
    msgpack.ExtType(wire.ARRAY, b"\x81\x90\x01"),
)
