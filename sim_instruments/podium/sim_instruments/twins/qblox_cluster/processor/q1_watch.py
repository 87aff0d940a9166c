"""A Q1 processor as somebody sees it who looks: :mod:`...execution.processor_watch` stops it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.q1asm import AssembledProgram
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import REGISTERS, Operation
from podium.sim_instruments.execution.processor_watch import (
    TIME,
    ConditionWords,
    ProcessorWatch,
    Rows,
    SequencerStops,
)
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
WORDS: Final = ConditionWords(
    tuple(f"R{k}" for k in range(REGISTERS)), tuple(FLAGS), f"R3 == 5 (R0 to R{REGISTERS - 1})"
)
LAST_ROWS: Final = 16
"""Of what was played so far, the latest are shown."""


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
    def real(self) -> Rows:
        """Return which rows are instructions of the program."""
        return ~np.isin(self.code[:, OPERATION], (GOTO, SAVE))

    @property
    def timed(self) -> Rows:
        """Return which rows are for the real-time side."""
        return np.asarray(self.code[:, OPERATION] >= int(Operation.WAIT))

    def begins(self, lines: Sequence[int]) -> Rows:
        """Return the rows that lines begin with; without an instruction, the next that has one."""
        found: list[int] = []
        for wanted in lines:
            later = np.flatnonzero(self.program.line >= wanted)
            if later.size:
                found.append(int(later[np.argmin(self.program.line[later])]))
        return np.isin(self.address, found)

    def value(self, name: str) -> int:
        """Return what a register, a flag or the time of the real-time side is now."""
        if name in FLAGS:
            return int(bool(self.state[FLAGS[name]]))
        return self.time_ns if name == TIME else int(self.slots[int(name[1:])])

    def stopping(self, rows: Rows) -> NDArray[np.uint32]:
        """Return a copy of the code that comes back before some rows."""
        code = self.code.copy()
        code[rows, OPERATION] = STOP_HERE
        return code

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


Q1Stops = SequencerStops[SeenProcessor]
Q1Watch = ProcessorWatch[SeenProcessor]
