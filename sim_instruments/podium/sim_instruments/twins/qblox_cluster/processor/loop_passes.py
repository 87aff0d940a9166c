"""Passes of a loop that leave a Q1 processor as they found it repeat each other, and run once.

A processor whose program depends on nothing outside is a machine that knows no absolute time: when
it stands at the end of a loop's pass as it stood at the end of the one before, times being counted
from there, all that follows repeats until the loop's counter has come to its end. Two things may
differ from pass to pass and still be foretold: the phase of the oscillator, which goes on by as
much with each, and registers that only name bins, where they are added to and nothing else.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.q1asm import AssembledProgram
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import FORMS, Operation
from podium.sim_instruments.twins.qblox_cluster.processor import q1_state as q1
from podium.sim_instruments.twins.qblox_cluster.processor.q1_image import (
    FIRST_CONSTANT,
    NOT_WATCHED,
    OPERATION,
    TARGET,
    WATCHED,
    A,
    B,
    C,
    E,
)
from podium.sim_instruments.twins.qblox_cluster.processor.register_flow import register_use

if TYPE_CHECKING:
    from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import Q1Processor

MOST_TRIES: Final = 40
"""Ends of passes at which a loop is looked at in vain. The queue of 32 instructions has to be as
full as it gets: a pass with one timed instruction fills it in 32."""
MOST_MOVES: Final = 4
"""Ends of passes, one after the other, at which registers had moved on: they are those of a scan,
which goes through its points, and the loop around it repeats."""
WORTH_REPEATING: Final = 4096
"""Instructions. Fewer are executed while one looks."""
LISTENING: Final = frozenset({Operation.SET_COND, Operation.WAIT_TRIGGER})
"""Instructions that depend on triggers."""
_AFFINE: Final = (Operation.MOVE, Operation.ADD, Operation.SUB)
_MASK: Final = 0xFFFF_FFFF
_RELATIVE: Final = [
    q1.CORE_NS,
    q1.TIME_NS,
    q1.COUNT,
    q1.ROWS,
    q1.PHASE_OFFSET,
    q1.QUEUE_HEAD,
    q1.ACQ_HEAD,
    q1.LOOP_ROW,
    q1.ZERO,
    q1.NEGATIVE,
    q1.CARRY,
    q1.OVERFLOW,
]
"""Places of the state that are compared in another way. Flags are set anew before they are asked
for: programs of another kind are left alone."""


@dataclass(frozen=True, slots=True, eq=False)
class _PassEnd:
    """A processor at the end of a pass, the jump back behind it."""

    stands: bytes
    """All that decides how it goes on, but for what follows; times count from here."""
    time_ns: int
    instructions: int
    rows: int
    """Made so far."""
    phase: int
    """Of the oscillator, in quarters of 1e-9 turn."""
    labels: NDArray[np.int64]
    """Registers that only name bins."""


@dataclass(frozen=True, slots=True, eq=False)
class Repetition:
    """Passes that need not be executed."""

    passes: int
    """At most so many."""
    rows: int
    """Of each pass; the last two that were executed are like it."""
    time_ns: int
    """Of each pass."""
    instructions: int
    phase: int
    """By which each pass is ahead of the one before, in quarters of 1e-9 turn."""
    labels: NDArray[np.int64]
    """By which registers that name bins are."""
    counter: int
    """The register that counts passes."""


class LoopPasses:
    """The loops of one program, each looked at until it is known whether its passes repeat."""

    def __init__(self, processor: "Q1Processor") -> None:
        use = register_use(processor.program)
        self._labels = np.array(sorted(use.labels), np.int64)
        self._affine = _adds_labels(processor.program, use.labels)
        code, slots = processor._code, processor._image.slots
        counted = frozenset(use.counters) if use.asks_at_once else frozenset[int]()
        self._loops = {  # the rows of the code, and their counters
            row: int(code[row, A])
            for row in np.flatnonzero(code[:, OPERATION] == int(Operation.LOOP)).tolist()
            if int(code[row, A]) in counted
            and code[row, A] == code[row, C]
            and int(slots[code[row, B]]) == 1
            and code[row, TARGET] >= FIRST_CONSTANT
            and int(slots[code[row, TARGET]]) <= row
        }
        self._ends: dict[int, list[_PassEnd]] = {row: [] for row in self._loops}
        self._registers: dict[int, bytes] = {}
        """At the end of the pass before, by row."""
        self._moves = dict.fromkeys(self._loops, 0)
        self._tries = dict.fromkeys(self._loops, 0)
        self.code = code.copy()
        """The program, which comes back at the end of passes that are looked at."""
        self.code[list(self._loops), E] = WATCHED

    def at_end(
        self,
        state: NDArray[np.int64],
        slots: NDArray[np.int64],
        queue: NDArray[np.int64],
        rows: int,
    ) -> Repetition | None:
        """Look at a processor at the end of a pass; return what repeats from here on, if it does.

        ``rows``: made so far.
        """
        row = int(state[q1.LOOP_ROW])
        counter = self._loops[row]
        ends, found = self._ends[row], None
        registers = _registers(slots, counter, self._labels)
        before, self._registers[row] = self._registers.get(row, registers), registers
        if registers == before:
            self._moves[row] = 0
            ends.append(_pass_end(state, slots, queue, rows, registers, self._labels))
            found = self._repetition(ends, counter, int(slots[counter]))
        else:
            self._moves[row] += 1
            ends.clear()
        if found is None:
            self._tries[row] += 1
            if self._tries[row] == MOST_TRIES or self._moves[row] == MOST_MOVES:
                self.code[row, E] = NOT_WATCHED
            del ends[:-2]
        else:
            self._tries[row] = 0
            ends.clear()
        return found

    def _repetition(self, ends: list[_PassEnd], counter: int, left: int) -> Repetition | None:
        if len(ends) < 3:
            return None
        first, second, third = ends
        time_ns, instructions = third.time_ns - second.time_ns, third.instructions
        instructions -= second.instructions
        alike = first.stands == second.stands == third.stands
        if not alike or (left - 1) * instructions < WORTH_REPEATING:
            return None
        phase = (third.phase - second.phase) % q1.TURN
        labels = (third.labels - second.labels) & _MASK
        same = (
            second.time_ns - first.time_ns == time_ns
            and second.rows - first.rows == third.rows - second.rows
            and (second.phase - first.phase) % q1.TURN == phase
            and np.array_equal((second.labels - first.labels) & _MASK, labels)
        )
        if not same or phase % 4 or (labels.any() and not self._affine):
            return None
        rows = third.rows - second.rows
        return Repetition(left - 1, rows, time_ns, instructions, phase, labels, counter)

    def forget(self) -> None:
        """Forget how passes ended: something outside may have come between."""
        self._registers.clear()
        for ends in self._ends.values():
            ends.clear()

    def go_on(
        self,
        state: NDArray[np.int64],
        slots: NDArray[np.int64],
        queue: NDArray[np.int64],
        repetition: Repetition,
        passes: int,
    ) -> None:
        """Put a processor where it stands after so many passes more."""
        ahead_ns = passes * repetition.time_ns
        phase = _phase(state) + passes * repetition.phase
        state[[q1.TIME_NS, q1.CORE_NS, q1.ACQ_READY_NS]] += ahead_ns
        state[q1.ACQ_TIMES :] += ahead_ns
        state[q1.COUNT] += passes * repetition.instructions
        turned = int(state[q1.FREQ]) * (int(state[q1.TIME_NS]) % q1.TURN)
        state[q1.PHASE_OFFSET] = (phase - turned) % q1.TURN
        queue += ahead_ns
        slots[repetition.counter] -= passes
        slots[self._labels] = (slots[self._labels] + passes * repetition.labels) & _MASK


def may_repeat(processor: "Q1Processor") -> bool:
    """Tell whether passes of a processor's loops may be left out: nothing outside decides there.

    What it receives, sends or counts on for ever shows in its state.
    """
    setup = processor.setup
    return setup.watch is None and not setup.tags and LISTENING.isdisjoint(processor.operations)


def _phase(state: NDArray[np.int64]) -> int:
    """Return the phase that an oscillator has come to, but for what is set; quarters."""
    turned = int(state[q1.FREQ]) * (int(state[q1.TIME_NS]) % q1.TURN)
    return (int(state[q1.PHASE_OFFSET]) + turned) % q1.TURN


def _registers(slots: NDArray[np.int64], counter: int, labels: NDArray[np.int64]) -> bytes:
    """Return the registers that are compared: all but the loop's counter and those of bins."""
    registers = slots[:FIRST_CONSTANT].copy()
    registers[counter] = 0
    registers[labels] = 0
    return registers.tobytes()


def _pass_end(
    state: NDArray[np.int64],
    slots: NDArray[np.int64],
    queue: NDArray[np.int64],
    rows: int,
    registers: bytes,
    labels: NDArray[np.int64],
) -> _PassEnd:
    time_ns = int(state[q1.TIME_NS])
    fixed = state.copy()
    fixed[_RELATIVE] = 0
    waiting = int(state[q1.ACQ_LENGTH])
    ready_ns = int(state[q1.ACQ_READY_NS]) - time_ns
    fixed[q1.ACQ_READY_NS] = ready_ns if waiting else max(ready_ns, 0)
    ring = q1.ACQ_TIMES + (int(state[q1.ACQ_HEAD]) + np.arange(waiting)) % q1.ACQ_BUFFER
    fixed[q1.ACQ_TIMES :] = 0
    fixed[q1.ACQ_TIMES : q1.ACQ_TIMES + waiting] = state[ring] - time_ns
    queued = np.arange(int(state[q1.QUEUE_LENGTH])) + int(state[q1.QUEUE_HEAD])
    parts = (
        fixed,
        queue[queued % q1.QUEUE_SIZE] - time_ns,
        np.array([int(state[q1.CORE_NS]) - time_ns]),
    )
    return _PassEnd(
        b"".join([registers, *(part.tobytes() for part in parts)]),
        time_ns,
        int(state[q1.COUNT]),
        rows,
        _phase(state),
        slots[labels].copy(),
    )


def _adds_labels(program: AssembledProgram, labels: frozenset[int]) -> bool:
    """Tell whether registers that name bins are only moved, added and subtracted."""
    for opcode, values in zip(program.opcode.tolist(), program.operands.tolist(), strict=True):
        form = FORMS[opcode]
        if form.operation not in _AFFINE and any(values[k] in labels for k in form.writes):
            return False
    return True
