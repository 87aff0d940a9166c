"""Knows which published experiments can be reproduced, and what the others still need."""

from collections.abc import Awaitable, Callable, Mapping

from podium.control.reproductions.microwave import PUBLISHED, reproduce_microwave, reproduce_skew
from podium.control.reproductions.optical import reproduce_optical
from podium.control.reproductions.quantities import CannotReproduce, Reproduction
from podium.control.reproductions.teleported_cnot import reproduce_teleported_cnot
from podium.control.reproductions.unread_tables import UNREAD, reproduce_unread

Run = Callable[[int], Awaitable[Reproduction]]


def _microwave(name: str) -> Run:
    async def run(seed: int) -> Reproduction:
        del seed  # nothing is random
        return await reproduce_microwave(name)

    return run


def _unread(name: str) -> Run:
    async def run(seed: int) -> Reproduction:
        del seed  # nothing is random
        return await reproduce_unread(name)

    return run


REPRODUCTIONS: Mapping[str, Run] = {
    "optical": reproduce_optical,
    "teleported_cnot": reproduce_teleported_cnot,
    "skew": reproduce_skew,
    **{name: _microwave(name) for name in PUBLISHED},
    **{name: _unread(name) for name in UNREAD},
}
"""By name; each takes a seed. Add an entry to add one."""

NOT_THERE: Mapping[str, str] = {}
"""Names of those that are wanted and not there, and why."""


async def reproduce(name: str, seed: int = 0) -> Reproduction:
    """Return a reproduction; raises :class:`.CannotReproduce` with what is missing."""
    if name in REPRODUCTIONS:
        return await REPRODUCTIONS[name](seed)
    there = ", ".join(REPRODUCTIONS)
    why = NOT_THERE.get(name, "nobody here knows it")
    raise CannotReproduce(f"{name} is not reproduced: {why}; there are: {there}")
