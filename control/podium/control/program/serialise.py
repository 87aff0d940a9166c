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


_FIELDS = {name: frozenset(f.name for f in fields(cls)) for name, cls in _TYPES.items()}
_MAKE: dict[str, Callable[..., object]] = {**_TYPES, "Linear": Linear.steps}
"""What makes a value of its fields."""


class NotAProgram(ValueError):
    """The text does not hold a program; the message says which part is not one."""


def to_plain(value: Any) -> Any:
    """Return a program, or a part of one, as dicts, lists, numbers and strings."""
    if is_dataclass(value) and not isinstance(value, type):
        if type(value).__name__ not in _TYPES:
            raise TypeError(f"{type(value).__name__} is not part of a program")
        plain = {f.name: to_plain(getattr(value, f.name)) for f in fields(value)}
        return {"type": type(value).__name__, **plain}
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


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
    return json.dumps(_canonical(to_plain(program)), sort_keys=True, separators=(",", ":"))


def _canonical(plain: Any) -> Any:
    """Return ``plain`` with floats that are whole numbers as integers, which equal them."""
    match plain:
        case dict():
            return {key: _canonical(value) for key, value in plain.items()}
        case list():
            return [_canonical(value) for value in plain]
        case float() if plain.is_integer() and abs(plain) < 2**53:
            return int(plain)
        case _:
            return plain


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
