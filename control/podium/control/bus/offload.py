"""Works on large messages in a thread, and on small ones at once.

A thread and the two turns of the loop that hand over to it and back take some tenths of a
millisecond, as much as reading or writing :data:`SMALL_BYTES` does.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Final, ParamSpec, TypeVar

import numpy as np

Given = ParamSpec("Given")
Result = TypeVar("Result")

SMALL_BYTES: Final = 1 << 14
"""Worked on at once: the loop stands for less than a millisecond."""


async def offload(
    size: int, function: Callable[Given, Result], *given: Given.args, **named: Given.kwargs
) -> Result:
    """Return what ``function`` makes of ``size`` bytes, without holding the loop up for long.

    Raises what ``function`` raises.
    """
    if size <= SMALL_BYTES:
        return function(*given, **named)
    return await asyncio.to_thread(function, *given, **named)


def bytes_of(value: object) -> int:
    """Return how much of the arrays and bytes of a message is held with it."""
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, Mapping):
        return sum(map(bytes_of, value.values()))
    if is_dataclass(value):
        return sum(bytes_of(getattr(value, one.name)) for one in fields(value))
    return 0
