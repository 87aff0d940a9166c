"""Parts of a state, each met once and known by its number, and what a step leads to."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.explorer.invariants import Broken

State = tuple[int, ...]
"""Numbers of: each node, the newest coordinator, the one before, what outlives them; faults that
happen once; then the messages, in order of their numbers."""


class Places:
    """Where in a state what stands; nodes come first."""

    def __init__(self, nodes: int) -> None:
        self.nodes = nodes
        self.newest, self.before, self.outside, self.once, self.messages = range(nodes, nodes + 5)


class Next(NamedTuple):
    """A step from a state."""

    kind: str
    """Of the fault; empty: it is none."""
    what: str
    state: State
    broken: Broken
    """Invariants that do not hold, and what breaks them."""
    quanta: int = 0
    """So much time passes with it."""


class Effect(NamedTuple):
    """What a step of a part leads to, worked out once."""

    part: int
    says: tuple[int, ...]
    broken: Broken
    what: str
    step: Any = None
    outside: bool = False
    """Whether the step concerns what outlives a coordinator, or ends it."""


@dataclass(frozen=True, slots=True)
class Message:
    """On its way to an agent, or (empty) to the coordinators."""

    to: str
    said: Any
    slow: bool = False
    stranger: bool = False


class Parts:
    """Numbers values that are met, each once."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[Any, int] = {}

    def number(self, value: Any) -> int:
        found = self._numbers.get(value)
        if found is None:
            found = self._numbers[value] = len(self.values)
            self.values.append(value)
        return found
