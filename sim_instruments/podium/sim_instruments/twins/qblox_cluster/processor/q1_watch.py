"""Stops a Q1 processor before an instruction, and shows what it holds.

In the code that the kernel executes, the operations of such instructions are replaced: where nobody
looks, nothing is checked. To go on, one instruction is executed with all others replaced.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.q1asm import AssembledProgram
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import REGISTERS, Operation
from podium.sim_instruments.twins.qblox_cluster.processor import q1_state as q1
from podium.sim_instruments.twins.qblox_cluster.processor.q1_image import (
    GOTO,
    OPERATION,
    SAVE,
    STOP_HERE,
)
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    EventKind,
    RealTimeTrace,
)

FLAGS: Final = {
    "zero": q1.ZERO,
    "negative": q1.NEGATIVE,
    "carry": q1.CARRY,
    "overflow": q1.OVERFLOW,
}
LAST_ROWS: Final = 16
"""Of what was played so far, the latest are shown."""
_WORDS = re.compile(r"(?:(R\d{1,2}|time) *(==|!=|>=|<=|>|<) *(\d{1,18})|([a-z]+))")
_HOLDS: Final[dict[str, Callable[[int, int], bool]]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
}


class BadCondition(ValueError):
    """A condition says nothing that a processor has. The message says what would."""


@dataclass(frozen=True, slots=True, eq=False)
class SeenProcessor:
    """One processor as it stands; arrays are its own and change as it goes on."""

    code: NDArray[np.uint32]
    address: NDArray[np.int64]
    """Of the instruction that each row of the code stands for."""
    program: AssembledProgram
    state: NDArray[np.int64]
    slots: NDArray[np.int64]
    queue: NDArray[np.int64]
    triggers: NDArray[np.int64]
    rows: Callable[[], RealTimeTrace]
    """Returns everything played so far."""

    @property
    def at(self) -> tuple[int, int]:
        """Row of the next instruction, and how many were executed before."""
        return int(self.state[q1.PC]), int(self.state[q1.COUNT])

    @property
    def time_ns(self) -> int:
        """Return the time of the real-time side, from the start."""
        return int(self.state[q1.TIME_NS])

    @property
    def line(self) -> int:
        """Line of the next instruction in its text, from 1; 0: behind the end."""
        address = int(self.address[min(self.at[0], len(self.address) - 1)])
        return self.program.instruction(address).line if address < len(self.program) else 0

    def told(self) -> dict[str, Any]:
        """Return it in words and numbers, as JSON has them."""
        state, address = self.state, int(self.address[min(self.at[0], len(self.address) - 1)])
        inside = address < len(self.program)
        first = int(state[q1.QUEUE_HEAD])
        waiting = [
            int(self.queue[(first + k) % q1.QUEUE_SIZE]) for k in range(int(state[q1.QUEUE_LENGTH]))
        ]
        return {
            "line": self.line,
            "instruction": str(self.program.instruction(address)) if inside else "",
            "address": address,
            "time_ns": int(state[q1.TIME_NS]),
            "classical_ns": int(state[q1.CORE_NS]),
            "instructions": int(state[q1.COUNT]),
            "registers": {
                f"R{k}": value for k, value in enumerate(self.slots[:REGISTERS].tolist()) if value
            },
            "flags": {name: bool(state[place]) for name, place in FLAGS.items()},
            "queue_ns": [at for at in waiting if at >= int(state[q1.CORE_NS])],
            "condition": bool(state[q1.COND_ENABLED]),
            "played": _rows(self.rows()),
        }


def _rows(trace: RealTimeTrace) -> list[dict[str, Any]]:
    """Return the latest rows that were played."""
    found = []
    for k in range(max(0, len(trace) - LAST_ROWS), len(trace)):
        kind = EventKind(int(trace.kind[k]))
        row: dict[str, Any] = {"time_ns": int(trace.time_ns[k]), "what": kind.name.lower()}
        if kind is EventKind.PLAY:
            row["waves"] = [int(trace.wave0[k]), int(trace.wave1[k])]
        if trace.acq[k] >= 0:
            row |= {"acquisition": int(trace.acq[k]), "bin": int(trace.bin[k])}
        row["gain"] = [int(trace.gain0[k]), int(trace.gain1[k])]
        row["offset"] = [int(trace.offs0[k]), int(trace.offs1[k])]
        row["marker"] = int(trace.marker[k])
        found.append(row)
    return found


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that a register, a flag or the time of the real-time side must be."""

    text: str
    what: str
    relation: str
    value: int

    @classmethod
    def of_text(cls, text: str) -> "Condition":
        """Read ``R3 == 5``, ``time >= 1000`` (ns) or ``carry``. Raises :class:`BadCondition`."""
        found = _WORDS.fullmatch(text.strip())
        if found is not None and found[4] in FLAGS:
            return cls(text, found[4], "==", 1)
        register = found is not None and (found[1] or "")[1:]
        if found is None or found[1] is None or (register != "ime" and int(found[1][1:]) >= 64):
            raise BadCondition(
                f"{text!r}: a condition is like R3 == 5 (R0 to R{REGISTERS - 1}), time >= 1000 "
                f"(ns), or one of {', '.join(FLAGS)}"
            )
        return cls(text, found[1], found[2], int(found[3]))

    def holds(self, seen: SeenProcessor) -> bool:
        """Tell whether it holds before the next instruction."""
        if self.what in FLAGS:
            value = int(bool(seen.state[FLAGS[self.what]]))
        elif self.what == "time":
            value = int(seen.state[q1.TIME_NS])
        else:
            value = int(seen.slots[int(self.what[1:])])
        return _HOLDS[self.relation](value, self.value)


@dataclass(slots=True, eq=False)
class SequencerStops:
    """Where one sequencer is to be stopped. Another thread may add to it at any time."""

    halted: Callable[[SeenProcessor], bool]
    """Is called in the processor's thread, which waits; True: stop at the next instruction."""
    lines: tuple[int, ...] = ()
    """Of the program's text, from 1; one without an instruction stands for the next that has."""
    conditions: tuple[Condition, ...] = ()
    """Each stops where it begins to hold."""

    standing: SeenProcessor | None = None
    """The processor that stands at one of them."""

    def watch(self, name: str) -> "ProcessorWatch":
        """Return what watches one processor in one run."""
        return ProcessorWatch(name, self)


@dataclass(slots=True, eq=False)
class ProcessorWatch:
    """Stops one processor of one run."""

    name: str
    stops: SequencerStops
    _passes: tuple[int, int] | None = None
    """Where it stands and is to go on."""
    _steps: bool = False
    _held: set[Condition] = field(default_factory=set)
    """Conditions that held before the last instruction."""

    def code(self, seen: SeenProcessor) -> NDArray[np.uint32]:
        """Return the code to be executed now."""
        code = seen.code.copy()
        passes = self._passes == seen.at
        stops = _real(code) if passes else self._wanted(seen)
        if passes:
            stops[seen.at[0]] = False
        code[stops, OPERATION] = STOP_HERE
        return code

    def stopped(self, seen: SeenProcessor) -> None:
        """Look whether somebody wants it to stand here, and wait for them."""
        held = {one for one in self.stops.conditions if one.holds(seen)}
        begun, self._held = held - self._held, held
        if self._steps or begun or int(seen.address[seen.at[0]]) in self._addresses(seen):
            self.stops.standing = seen
            try:
                self._steps = self.stops.halted(seen)
            finally:
                self.stops.standing = None
        self._passes = seen.at if self._wanted(seen)[seen.at[0]] else None

    def _wanted(self, seen: SeenProcessor) -> NDArray[np.bool_]:
        """Return the rows before which it is looked whether to stop."""
        real = _real(seen.code)
        conditions = self.stops.conditions
        if self._steps or any(one.what != "time" for one in conditions):
            return real
        here = np.isin(seen.address, self._addresses(seen))
        if conditions:
            here |= seen.code[:, OPERATION] >= int(Operation.WAIT)
        return real & here

    def _addresses(self, seen: SeenProcessor) -> list[int]:
        """Return the addresses of the instructions before which it stops."""
        lines = seen.program.line
        found: list[int] = []
        for wanted in self.stops.lines:
            later = np.flatnonzero(lines >= wanted)
            if later.size:
                found.append(int(later[np.argmin(lines[later])]))
        return found


def _real(code: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return which rows are instructions of the program."""
    return ~np.isin(code[:, OPERATION], (GOTO, SAVE))
