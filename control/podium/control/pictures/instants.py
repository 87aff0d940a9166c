"""Reads the instants of a shot's instructions off the code, for listings."""

import re
from dataclasses import dataclass, field

from podium.firmware_interfaces.qblox_cluster.q1asm import Instruction, Label, Operand, Register

SHOT_STARTS = "shot starts"
"""Comment of the instruction with which a shot begins."""
_RANGE = re.compile(r"(-?\d+) \.\.\. (-?\d+) ns")
TIMED = frozenset({"play", "acquire", "acquire_weighed", "upd_param", "wait"})
"""Their last operand is how long they take on the real-time side."""
Span = tuple[int, int]
"""From, to: where a sweep moves it."""


@dataclass(slots=True)
class Instants:
    """Walks down the code of a sequencer and adds up what real-time instructions take.

    It knows what this house's compiler writes: straight code, waits made of loops, waits from a
    register whose comment tells its range. Where it does not know, it says nothing until the next
    shot starts.
    """

    _now: Span | None = None
    _constants: dict[Operand, int] = field(default_factory=dict)
    _ranges: dict[Operand, Span] = field(default_factory=dict)
    _labels: dict[str, Span | None] = field(default_factory=dict)
    _counter: Operand | None = None

    def begin(self, line: Instruction) -> str:
        """Take the next line; return when it begins, empty for one that takes no real time."""
        if SHOT_STARTS in line.comment:
            self._now = (0, 0)
        if line.label:
            self._labels[line.label] = self._now
        told = ""
        if line.mnemonic in TIMED and self._now is not None:
            low, high = self._now
            told = str(low) if low == high else f"{low}..{high}"
        self._step(line)
        return told

    def _step(self, line: Instruction) -> None:
        found = _RANGE.search(line.comment)
        match line.mnemonic, line.operands:
            case "move", (int(value), Register() as register):
                self._constants[register] = value
                self._ranges.pop(register, None)
            case "move", (_, Register() as register):
                self._constants.pop(register, None)
                if found:
                    self._ranges[register] = (int(found[1]), int(found[2]))
            case "sub", (_, _, Register() as register):
                self._counter = register
            case "jnz", (Label(name),):
                self._repeat(name)
            case "jmp", (Label(name),) if name in self._labels and name.startswith("wait"):
                self._now = self._labels[name]  # the register's range holds all of the loop
            case mnemonic, (*_, last) if mnemonic in TIMED:
                self._add(last, found)

    def _repeat(self, name: str) -> None:
        """A wait is over that was made so many times."""
        before, count = self._labels.get(name), self._constants.get(self._counter or 0)
        if before is None or self._now is None or not name.startswith("wait") or count is None:
            self._now = None  # a loop over shots or points ends: what follows is in none
            return
        low, high = self._now[0] - before[0], self._now[1] - before[1]
        self._now = before[0] + count * low, before[1] + count * high

    def _add(self, last: Operand, found: "re.Match[str] | None") -> None:
        if self._now is None:
            return
        if isinstance(last, int):
            self._now = self._now[0] + last, self._now[1] + last
            return
        told = (int(found[1]), int(found[2])) if found else self._ranges.get(last)
        self._now = None if told is None else (self._now[0] + told[0], self._now[1] + told[1])
