"""Tells how a program uses each register from an instruction on: an analysis of flow.

A counter is only decremented, and asked by a branch whether it is positive; a time only ends up,
with constants added, as the latency of a result, which counts from the last trigger. Neither shows
in signals by itself. A register that is written before it is read again is dead.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from podium.sim_instruments.twins.zurich.sequencer.image import Integers
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    REGISTERS,
    Op,
    Result,
    State,
)

_BRANCHES: Final = (Op.BRANCH_ZERO, Op.BRANCH_NOT_ZERO, Op.BRANCH_POSITIVE)
_BOTH: Final = (Op.ADD, Op.SUBTRACT, Op.AND, Op.OR)
_SHIFTS: Final = (Op.SHIFT_LEFT, Op.SHIFT_RIGHT)
_CONSTANTS: Final = (Op.ADD_CONSTANT, Op.AND_CONSTANT, Op.OR_CONSTANT, Op.XNOR_CONSTANT)
_LOADS: Final = (Op.RECALL, Op.LOAD_RESULT, Op.LOAD_LEVEL, Op.LOAD_PRNG)
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


class ProgramRegisters:
    """The registers of one program."""

    def __init__(self, code: Integers) -> None:
        """``code``: an image's, shape (n, 4)."""
        self._code = [(Op(op), a, b, c) for op, a, b, c in code.tolist()]
        self._known: dict[int, RegisterUse] = {}

    @property
    def counters(self) -> tuple[int, ...]:
        """Return the registers that a branch asks whether they are positive; ascending."""
        return tuple(sorted({b for op, _, b, _ in self._code if op is Op.BRANCH_POSITIVE and b}))

    def at(self, pc: int) -> RegisterUse:
        """Return how registers are used from an instruction on."""
        if pc not in self._known:
            counters, times, shown = [], [], []
            for register in range(1, REGISTERS - 1):
                ends, only_down = self._ends(pc, register)
                if not ends:
                    continue
                if ends == {Op.BRANCH_POSITIVE} and only_down:
                    counters.append(register)
                elif ends == {Op.REMEMBER}:
                    times.append(register)
                else:
                    shown.append(register)
            self._known[pc] = RegisterUse(tuple(counters), tuple(times), tuple(shown))
        return self._known[pc]

    def _ends(self, pc: int, register: int) -> tuple[set[Op], bool]:
        """Return what its value ends up in, REMEMBER for a latency alone, else END for what shows;
        and whether it is only counted down by one on the way.
        """
        ends: set[Op] = set()
        only_down = True
        todo, seen = [(pc, register)], {(pc, register)}
        while todo:
            at, mine = todo.pop()
            if at >= len(self._code):
                continue
            op, a, _, c = self._code[at]
            following = [(one, mine) for one in self._next(at)]
            written = self._written(at)
            if mine in self._read(at):
                if op is Op.ADD_CONSTANT:
                    only_down &= a == mine and c == -1
                    following = [(one, a) for one in self._next(at)]
                    if a != mine:
                        following += [(one, mine) for one in self._next(at)]
                    written = None
                elif op is Op.BRANCH_POSITIVE:
                    ends.add(op)
                else:
                    latency = op is Op.REMEMBER and c == State.LATENCY
                    ends.add(Op.REMEMBER if latency else Op.END)
            if written == mine:
                continue
            for one in following:
                if one not in seen:
                    seen.add(one)
                    todo.append(one)
        return ends, only_down

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
