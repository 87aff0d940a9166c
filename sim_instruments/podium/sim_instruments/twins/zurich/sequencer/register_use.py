"""Tells how a program uses each register from an instruction on: an analysis of flow.

A counter is only decremented, and asked by a branch whether it is positive; a time only ends up,
with constants and other registers added, as the latency of a result, which counts from the last
trigger; what is added to it shows. Neither shows
in signals by itself. A register that is written before it is read again is dead.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from podium.sim_instruments.twins.zurich.sequencer.image import Integers
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    MASK_AT,
    REGISTERS,
    SHIFT_AT,
    Op,
    Result,
    State,
)

_BRANCHES: Final = (Op.BRANCH_ZERO, Op.BRANCH_NOT_ZERO, Op.BRANCH_POSITIVE)
_BOTH: Final = (Op.ADD, Op.SUBTRACT, Op.AND, Op.OR)
_SHIFTS: Final = (Op.SHIFT_LEFT, Op.SHIFT_RIGHT)
_CONSTANTS: Final = (Op.ADD_CONSTANT, Op.AND_CONSTANT, Op.OR_CONSTANT, Op.XNOR_CONSTANT)
_LOADS: Final = (Op.RECALL, Op.LOAD_RESULT, Op.LOAD_LEVEL, Op.LOAD_PRNG)
_OWN: Final = State.FEEDBACK_QA - State.FEEDBACK_A
"""In an instruction that says what is done to results: those of the own analyser."""
_NEITHER: Final = (
    Op.NOP, Op.JUMP, Op.CONFIGURE, Op.WAIT_INPUT, Op.WAIT_WAVE, Op.WAIT_QUEUE, Op.SET_FEEDBACK,
    Op.START, Op.END, Op.ILLEGAL,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RegisterUse:
    """The registers that are read again, by what comes of it; ascending."""

    counters: tuple[int, ...]
    times: tuple[int, ...]
    shown: tuple[int, ...]


FIELD: Final = 4
"""Bits of each register in a number that says what becomes of all: asked by a branch whether it is
positive, a latency, anything that shows, and counted otherwise than down by one."""
POSITIVE, LATENCY, SHOWN, NOT_DOWN = (1 << n for n in range(FIELD))
ALL: Final = (1 << FIELD) - 1


class ProgramRegisters:
    """The registers of one program."""

    def __init__(self, code: Integers) -> None:
        """``code``: an image's, shape (n, 4)."""
        self._code = [(Op(op), a, b, c) for op, a, b, c in code.tolist()]
        self._known: dict[int, RegisterUse] = {}
        self._uses: list[int] | None = None

    @property
    def counters(self) -> tuple[int, ...]:
        """Return the registers that a branch asks whether they are positive; ascending."""
        return tuple(sorted({b for op, _, b, _ in self._code if op is Op.BRANCH_POSITIVE and b}))

    def at(self, pc: int) -> RegisterUse:
        """Return how registers are used from an instruction on."""
        if pc not in self._known:
            if self._uses is None:
                self._uses = self._flow()
            uses = self._uses[pc] if pc < len(self._code) else 0
            counters, times, shown = [], [], []
            for register in range(1, REGISTERS - 1):
                use = uses >> FIELD * register & ALL
                ends = use & ~NOT_DOWN
                if not ends:
                    continue
                if use == POSITIVE:
                    counters.append(register)
                elif ends == LATENCY:
                    times.append(register)
                else:
                    shown.append(register)
            self._known[pc] = RegisterUse(tuple(counters), tuple(times), tuple(shown))
        return self._known[pc]

    def result_bits(self, pc: int, feedback: int) -> int:
        """Return the bits of its own analyser's words that a program may look at from here on.

        ``feedback``: what is done to words before they are read, packed as in the state.
        """
        left, seen, found = [(pc, feedback)], set[tuple[int, int]](), 0
        while left:
            at, taken = left.pop()
            if (at, taken) in seen or at >= len(self._code):
                continue
            seen.add((at, taken))
            op, a, b, c = self._code[at]
            if op is Op.SET_FEEDBACK and b == _OWN:
                taken = c
            if (op is Op.LOAD_RESULT and c == Result.QA) or (op is Op.TABLE and a == Result.QA):
                found |= taken >> MASK_AT << (taken >> SHIFT_AT & 31)
            elif op is Op.LOAD_RESULT and c == Result.QA_RAW:
                return -1
            left += [(one, taken) for one in self._next(at)]
        return found

    def _flow(self) -> list[int]:
        """Return what becomes of each register from each instruction on, a field of bits each.

        What becomes of it behind the instruction, and what that makes of it: backwards through the
        program, until nothing changes any longer. Loops go back, so that takes a few rounds; one
        search for each instruction and register takes minutes for a program that is written out.
        """
        count = len(self._code)
        rules = [self._rule(at) for at in range(count)]
        following = [[one for one in self._next(at) if one < count] for at in range(count)]
        uses, changed = [0] * count, True
        while changed:
            changed = False
            for at in range(count - 1, -1, -1):
                own, kept, moved = rules[at]
                behind = 0
                for one in following[at]:
                    behind |= uses[one]
                use = own | behind & kept
                if moved is not None:
                    use |= (behind >> FIELD * moved[0] & ALL) << FIELD * moved[1]
                if use != uses[at]:
                    uses[at], changed = use, True
        return uses

    def _rule(self, at: int) -> tuple[int, int, tuple[int, int] | None]:
        """Return what an instruction adds, what of later uses it lets through, and what it moves.

        The last: the value of the second register is that of the first one from here on.
        """
        op, a, b, c = self._code[at]
        written, everything = self._written(at), (1 << FIELD * REGISTERS) - 1
        kept = everything if written is None else everything & ~(ALL << FIELD * written)
        if op is Op.ADD_CONSTANT:
            own = 0 if a == b and c == -1 else NOT_DOWN << FIELD * b
            return own, kept, (a, b)
        if op is Op.ADD and a != b:  # a time to which a swept delay is added stays one
            return SHOWN << FIELD * b | NOT_DOWN << FIELD * a, everything, None
        if op is Op.BRANCH_POSITIVE:
            use = POSITIVE
        else:
            use = LATENCY if op is Op.REMEMBER and c == State.LATENCY else SHOWN
        own = 0
        for register in self._read(at):
            own |= use << FIELD * register
        return own, kept, None

    def _next(self, at: int) -> Iterator[int]:
        op, _, _, c = self._code[at]
        if op not in (Op.JUMP, Op.END, Op.ILLEGAL):
            yield at + 1
        if op is Op.JUMP or op in _BRANCHES:
            yield c

    def _written(self, at: int) -> int | None:
        op, a, _, _ = self._code[at]
        return a if op in (*_BOTH, *_SHIFTS, *_CONSTANTS, *_LOADS) else None

    def _read(self, at: int) -> tuple[int, ...]:
        op, a, b, _ = self._code[at]
        if op in _NEITHER or op in _LOADS:
            return ()
        if op is Op.TABLE:
            return (b,) if a == Result.REGISTER else ()
        if op in _SHIFTS or op is Op.WAIT_TIMER:
            return (a,)
        if op in _BOTH or op is Op.PLAY_LONG:
            return (a, b)
        return (b,)
