"""Stops a processor of any family before an instruction: at a line, an address or a condition.

In the code that a kernel executes, the operations of such instructions are replaced by one that
comes back: where nobody looks, nothing is checked. To go on, one instruction is executed with all
others replaced.
"""

import operator
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.execution.breakpoints import Breakpoint

Rows = NDArray[np.bool_]
"""Which rows of a processor's code, shape (rows,)."""
TIME: Final = "time"
ADDRESS: Final = "address"
_WORDS: Final = re.compile(r"([A-Za-z]+\d{0,2}) *(==|!=|>=|<=|>|<) *(-?\d{1,18})|([a-z]+)")
_HOLDS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


class BadCondition(ValueError):
    """A condition says nothing that a processor has. The message says what would."""


class ProcessorView(Protocol):
    """A processor as somebody sees it who looks; it changes as the processor goes on."""

    @property
    def at(self) -> tuple[int, int]:
        """Row of the next instruction, and how many were executed before."""
        ...

    @property
    def real(self) -> Rows:
        """Return which rows are instructions of the program."""
        ...

    @property
    def timed(self) -> Rows:
        """Return before which rows it is looked whether a time has come."""
        ...

    @property
    def address(self) -> NDArray[np.int64]:
        """Of the instruction that each row of the code stands for."""
        ...

    def begins(self, lines: Sequence[int]) -> Rows:
        """Return the rows that lines of the program's text begin with."""
        ...

    def value(self, name: str) -> int:
        """Return what a register, a flag (0 or 1) or ``time`` (ns) is now."""
        ...

    def stopping(self, rows: Rows) -> NDArray[Any]:
        """Return a copy of the code that comes back before some rows."""
        ...

    def told(self) -> dict[str, Any]:
        """Return it in words and numbers, as JSON has them."""
        ...


@dataclass(frozen=True, slots=True)
class ConditionWords:
    """Names that conditions on a family's processors may use."""

    registers: Collection[str]
    flags: Collection[str]
    example: str
    """``R3 == 5 (R0 to R63)``."""
    signed: bool = False
    """Whether registers hold numbers below 0."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that a register, a flag, the address or the time must be."""

    text: str
    what: str
    relation: str
    value: int

    @classmethod
    def of_text(cls, text: str, words: ConditionWords) -> "Condition":
        """Read ``R3 == 5``, ``time >= 1000`` (ns) or ``carry``. Raises :class:`BadCondition`."""
        found = _WORDS.fullmatch(text.strip())
        if found is not None and found[4] in words.flags:
            return cls(text, found[4], "==", 1)
        named = found is not None and found[1] in (TIME, ADDRESS, *words.registers)
        if found is None or not named or (found[3].startswith("-") and not words.signed):
            flags = f", or one of {', '.join(words.flags)}" if words.flags else ""
            raise BadCondition(
                f"{text!r}: a condition is like {words.example}, time >= 1000 (ns), "
                f"address == 12{flags}"
            )
        return cls(text, found[1], found[2], int(found[3]))

    def holds(self, values: Any) -> Any:
        """Tell whether it holds for a value, or for each of an array."""
        return _HOLDS[self.relation](values, self.value)


V = TypeVar("V", bound=ProcessorView)


@dataclass(slots=True, eq=False)
class SequencerStops(Generic[V]):
    """Where one sequencer is to be stopped. Another thread may add to it at any time."""

    halted: Callable[[V], bool]
    """Is called in the processor's thread, which waits; True: stop at the next instruction."""
    lines: tuple[int, ...] = ()
    """Of the program's text, from 1; one without an instruction stands for the next that has."""
    conditions: tuple[Condition, ...] = ()
    """Each stops where it begins to hold; of an address, whenever it is reached."""

    standing: V | None = None
    """The processor that stands at one of them."""

    def watch(self, name: str) -> "ProcessorWatch[V]":
        """Return what watches one processor in one run."""
        return ProcessorWatch(name, self)


def stops_at(
    breakpoints: Sequence[Breakpoint], words: ConditionWords, halted: Callable[[V], bool]
) -> SequencerStops[V] | None:
    """Return where a sequencer is to be stopped; None: nowhere. Raises :class:`BadCondition`."""
    conditions = tuple(Condition.of_text(one.when, words) for one in breakpoints if one.when)
    lines = tuple(one.line for one in breakpoints if one.line is not None)
    return SequencerStops(halted, lines, conditions) if breakpoints else None


@dataclass(slots=True, eq=False)
class ProcessorWatch(Generic[V]):
    """Stops one processor of one run."""

    name: str
    stops: SequencerStops[V]
    _passes: tuple[int, int] | None = None
    """Where it stands and is to go on."""
    _steps: bool = False
    _held: set[Condition] = field(default_factory=set)
    """Conditions that held before the last instruction."""

    def code(self, view: V) -> NDArray[Any]:
        """Return the code to be executed now."""
        passes = self._passes == view.at
        stops = view.real if passes else self._wanted(view)
        if passes:
            stops[view.at[0]] = False
        return view.stopping(stops)

    def stopped(self, view: V) -> None:
        """Look whether somebody wants it to stand here, and wait for them."""
        changing = (one for one in self.stops.conditions if one.what != ADDRESS)
        held = {one for one in changing if one.holds(view.value(one.what))}
        begun, self._held = held - self._held, held
        if self._steps or begun or self._placed(view)[view.at[0]]:
            self.stops.standing = view
            try:
                self._steps = self.stops.halted(view)
            finally:
                self.stops.standing = None
        self._passes = view.at if self._wanted(view)[view.at[0]] else None

    def _wanted(self, view: V) -> Rows:
        """Return the rows before which it is looked whether to stop."""
        changing = {one.what for one in self.stops.conditions} - {ADDRESS}
        if self._steps or changing - {TIME}:
            return view.real
        here = self._placed(view)
        if changing:
            here |= view.timed
        return here & view.real

    def _placed(self, view: V) -> Rows:
        """Return the rows before which it stops whatever registers hold."""
        here = view.begins(self.stops.lines)
        for one in self.stops.conditions:
            if one.what == ADDRESS:
                here |= one.holds(view.address)
        return here
