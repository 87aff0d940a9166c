"""Takes one guard out of the shipped machines, by compiling the function anew without it."""

import inspect
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from tests.explorer.jobs import Wanted
from tests.explorer.scenario import ONE_JOB, Scenario

ROOM = "podium.control.runs."


@dataclass(frozen=True, slots=True)
class Guard:
    """A guard that can be taken out, and where to look for the harm."""

    name: str
    module: ModuleType
    function: str
    """Its name; of a method, ``Class.method``."""
    before: str
    """What stands in it, exactly once."""
    after: str
    kinds: tuple[str, ...]
    """Faults that it takes to do harm; how many at most: as many as there are."""
    jobs: tuple[Wanted, ...] = ONE_JOB
    faults: int = 0
    newborn: bool = False

    @property
    def scenario(self) -> Scenario:
        agents = tuple(sorted({agent for job in self.jobs for agent in job.agents}))
        faults = self.faults or len(self.kinds)
        return Scenario(
            f"without {self.name}",
            agents,
            self.jobs,
            self.kinds,
            faults,
            newborn=self.newborn,
        )


class Moved(Exception):
    """The source has moved on: the fragment is not there once."""


@contextmanager
def without(guard: Guard) -> Iterator[None]:
    """Have the machines work without a guard as long as the context is open."""
    owner: Any = guard.module
    *path, name = guard.function.split(".")
    for one in path:
        owner = getattr(owner, one)
    shipped = getattr(owner, name)
    source = textwrap.dedent(inspect.getsource(shipped))
    if source.count(guard.before) != 1:
        count = source.count(guard.before)
        raise Moved(f"{guard.name}: {guard.before!r} stands {count} times in {guard.function}")
    scope: dict[str, Any] = {}
    code = source.replace(guard.before, guard.after)
    exec(compile(code, f"<without {guard.name}>", "exec"), vars(guard.module), scope)
    places = [owner] if path else _holders(name, shipped)
    for place in places:
        setattr(place, name, scope[name])
    try:
        yield
    finally:
        for place in places:
            setattr(place, name, shipped)


def _holders(name: str, shipped: Any) -> list[Any]:
    """Return all modules of the room that have taken the function over by its name."""
    room = [one for key, one in sys.modules.items() if key.startswith(ROOM)]
    return [one for one in room if getattr(one, name, None) is shipped]


def guard_of(
    name: str, module: ModuleType, function: str, before: str, after: str, *kinds: str, **more: Any
) -> Guard:
    """Return a guard, with the faults that it takes to do harm without it."""
    return Guard(name, module, function, before, after, kinds, **more)
