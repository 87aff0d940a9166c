"""Event loops and sockets that tests leave open, found in the module that made them.

The collector finds them too, at some time, and blames the test that happens to run.
"""

import asyncio
import socket
import traceback
import weakref
from dataclasses import dataclass
from typing import Any

DEPTH = 12
"""Innermost calls that are told of where something was opened."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Something that must be closed, and where it was opened."""

    thing: weakref.ref[Any]
    where: traceback.StackSummary

    def left(self) -> bool:
        thing = self.thing()
        if isinstance(thing, asyncio.BaseEventLoop):
            return not thing.is_closed()
        return isinstance(thing, socket.socket) and thing.fileno() != -1


class LeftOver:
    """What was opened since the last look, of the types that are watched."""

    def __init__(self) -> None:
        self._opened: list[Opened] = []

    def watch(self, kind: type) -> None:
        """Note each new object of that class."""
        begin = kind.__init__

        def noting(thing: Any, *words: Any, **named: Any) -> None:
            begin(thing, *words, **named)
            stack = traceback.StackSummary.extract(
                traceback.walk_stack(None), limit=DEPTH, lookup_lines=False
            )
            self._opened.append(Opened(weakref.ref(thing), stack))

        kind.__init__ = noting

    def told(self) -> str:
        """Return what is still open, one after the other with where it was opened; forget it."""
        opened, self._opened = self._opened, []
        left = [one for one in opened if one.left()]
        return "\n".join(
            f"{one.thing()!r} was left open; it was opened here:\n"
            + "".join(reversed(one.where.format()))
            for one in left
        )
