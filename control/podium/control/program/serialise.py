"""Serialises programs as JSON: for the bus, for datasets, and for comparing runs.

Each value is an object with its class under ``type``; numbers come back equal bit by bit (a
whole float as an integer).
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from podium.control.program.conditions import Condition, Discriminator
from podium.control.program.durations import NotATime
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    If,
    Linear,
    Parameter,
    Play,
    Program,
    RepeatUntil,
    SetFrequency,
    ShiftPhase,
    SwapPhases,
    Table,
    Variable,
)
from podium.control.program.waveforms import (
    Drag,
    FlatTop,
    Gaussian,
    NetZero,
    Sampled,
    Slepian,
    Square,
)
from podium.firmware_interfaces.json_text import NotJson, parse_json

_TYPES: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        Affine,
        Axis,
        Barrier,
        Capture,
        Condition,
        Delay,
        Discriminator,
        Drag,
        FlatTop,
        Frame,
        Gaussian,
        If,
        Linear,
        NetZero,
        Parameter,
        Play,
        Program,
        RepeatUntil,
        Sampled,
        SetFrequency,
        ShiftPhase,
        Slepian,
        Square,
        SwapPhases,
        Table,
        Variable,
    )
}


_NAMES = {cls: tuple(f.name for f in fields(cls)) for cls in _TYPES.values()}
_FIELDS = {cls.__name__: frozenset(names) for cls, names in _NAMES.items()}
_MAKE: dict[str, Callable[..., object]] = {**_TYPES, "Linear": Linear.steps}
"""What makes a value of its fields."""


class NotAProgram(ValueError):
    """The text does not hold a program; the message says which part is not one."""


def to_plain(value: Any) -> Any:
    """Return a program, or a part of one, as dicts, lists, numbers and strings."""
    return _plain(value, _as_it_is)


def _plain(value: Any, number: Callable[[float], float | int]) -> Any:
    """Return a part of a program in plain values; ``number``: makes one of a float."""
    kind = type(value)
    if kind is float:
        return number(value)
    if kind is tuple:
        return [_plain(item, number) for item in value]
    if kind is int or kind is str or value is None:
        return value
    names = _NAMES.get(kind)
    if names is not None:
        plain = {name: _plain(getattr(value, name), number) for name in names}
        return {"type": kind.__name__, **plain}
    if is_dataclass(kind):
        raise TypeError(f"{kind.__name__} is not part of a program")
    if isinstance(value, tuple):
        return [_plain(item, number) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item(), number)
    return value


def _as_it_is(value: float) -> float:
    return value


def _canonical(value: float) -> float | int:
    """Return a float that is a whole number as the integer that equals it."""
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def from_plain(plain: Any) -> Any:
    """Return the value that :func:`to_plain` was given; raise :class:`NotAProgram`."""
    match plain:
        case {"type": str(name), **rest}:
            make = _MAKE.get(name)
            if make is None:
                raise NotAProgram(f"unknown type {name!r}; known: {', '.join(sorted(_TYPES))}")
            if strange := rest.keys() - _FIELDS[name]:
                raise NotAProgram(f"{name}: it has no {', '.join(sorted(map(str, strange)))}")
            try:
                return make(**{str(key): from_plain(value) for key, value in rest.items()})
            except (TypeError, NotATime) as error:
                raise NotAProgram(f"{name}: {error}") from error
        case list() | tuple():
            return tuple(from_plain(item) for item in plain)
        case str() | int() | float() | None:
            return plain
    raise NotAProgram(f"{plain!r} is not part of a program")


def to_json(program: Program) -> str:
    """Return the canonical text: equal programs give equal text."""
    return json.dumps(_plain(program, _canonical), sort_keys=True, separators=(",", ":"))


def from_json(text: str) -> Program:
    """Return the program in ``text``; raise :class:`NotAProgram`."""
    try:
        program = from_plain(parse_json(text))
    except NotJson as error:
        raise NotAProgram(f"not JSON: {error}") from error
    except RecursionError:
        raise NotAProgram("its parts are nested too deep") from None
    if not isinstance(program, Program):
        raise NotAProgram(f"holds a {type(program).__name__}, not a Program")
    return program


def digest(program: Program) -> str:
    """Return SHA-256 (hex) of the canonical text."""
    return hashlib.sha256(to_json(program).encode()).hexdigest()
