"""Builds Q1ASM: lines, labels and registers of one sequencer's program."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.queue_timing import REAL_TIME, ShotCode, cost_ns
from podium.firmware_interfaces.qblox_cluster.q1asm import Instruction, Label, Operand, Register
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import (
    JUMP_TICKS,
    REGISTERS,
    TICK_NS,
)

WRITERS = frozenset({"move", "add", "sub", "asr"})
"""Mnemonics that we emit and that write their last operand."""


@dataclass(slots=True)
class Assembly:
    """Gathers the program of one sequencer; the only mutable thing in the passes."""

    frame: str
    lines: list[Instruction] = field(default_factory=list)
    tables: list[Instruction] = field(default_factory=list)
    """Code that is jumped to, placed behind ``stop``."""
    bodies: list[ShotCode] = field(default_factory=list)
    between_ns: list[int] = field(default_factory=list)
    """Of each loop: what it costs between two shots at the worst."""
    registers_used: int = 0
    noted: list[tuple[Sequence[int], Callable[[], list[str]]]] = field(default_factory=list)
    """Indices in ``lines``, and what returns the comments that belong there."""
    least_ns: list[int | None] = field(default_factory=list)
    """Of each line, see :class:`ShotCode`."""
    _open: list[int] = field(default_factory=list)
    _body_start: int | None = None
    _next_register: int = 0
    _labels: int = 0
    _label: str | None = None

    def emit(
        self, mnemonic: str, *operands: Operand, comment: str = "", least_ns: int | None = None
    ) -> None:
        """Append an instruction; a label that was placed stands before it.

        ``least_ns``: shortest duration of a real-time instruction whose own is in a register.
        """
        self.lines.append(Instruction(mnemonic, operands, self._label, comment))
        self._label = None
        if self._open and self._body_start is None:
            self.between_ns[self._open[-1]] += cost_ns(self.lines[-1])
        if least_ns is None and mnemonic in REAL_TIME and isinstance(operands[-1], int):
            least_ns = operands[-1]
        self.least_ns.append(least_ns)

    def extend(self, lines: Sequence[Instruction], least_ns: Sequence[int | None]) -> None:
        """Append instructions that are made already, within a shot."""
        at = len(self.lines)
        self.lines += lines
        self.least_ns += least_ns
        if self._label is not None:
            self.lines[at] = replace(lines[0], label=self._label)
            self._label = None

    def new_label(self, stem: str) -> Label:
        """Return a label that stands nowhere yet."""
        self._labels += 1
        return Label(f"{stem}_{self._labels}")

    def place(self, label: Label) -> None:
        """Let the next instruction carry ``label``."""
        if self._label is not None:
            self.emit("nop")
        self._label = label.name

    def take_register(self) -> Register:
        """Return a free register; raise :class:`DoesNotFit` where there is none."""
        if self._next_register >= REGISTERS:
            raise DoesNotFit(
                f"{self.frame}: needs more than the {REGISTERS} registers of a sequencer; sweep "
                "fewer independent quantities at once on this frame"
            )
        register = Register(self._next_register)
        self._next_register += 1
        self.registers_used = max(self.registers_used, self._next_register)
        return register

    def registers_taken(self) -> int:
        """Return a mark for :meth:`release_to`."""
        return self._next_register

    def release_to(self, mark: int) -> None:
        """Free all registers taken since :meth:`registers_taken` returned ``mark``."""
        self._next_register = mark

    def open_loop(self) -> int:
        """Return the number of a loop that begins here: what is emitted is charged to it."""
        self.between_ns.append(0)
        self._open.append(len(self.between_ns) - 1)
        return self._open[-1]

    def close_loop(self, table_moves: int = 0) -> None:
        """The innermost loop ends here; its table, if any, makes so many moves for a point."""
        number = self._open.pop()
        if table_moves:
            self.between_ns[number] += (table_moves + 1 + JUMP_TICKS) * TICK_NS

    def open_body(self) -> None:
        """A shot begins here."""
        self._body_start = len(self.lines)

    def close_body(self) -> None:
        """The shot that began at :meth:`open_body` ends here."""
        start, self._body_start = self._body_start, None
        self.bodies.append(
            ShotCode(tuple(self.lines[start:]), tuple(self.least_ns[start:]), tuple(self._open))
        )

    def finish(self, *, noted: bool = False) -> tuple[Instruction, ...]:
        """Return the whole program, read-after-write hazards resolved.

        ``noted``: with the comments of trains as well, which take their time.
        """
        if self._label is not None:
            self.emit("nop")
        lines = [*self.lines, *self.tables]
        if noted:
            for at, comments in self.noted:
                for k, comment in zip(at, comments(), strict=True):
                    lines[k] = replace(lines[k], comment=comment)
        return insert_nops(lines)


def insert_nops(lines: Sequence[Instruction]) -> tuple[Instruction, ...]:
    """Put a ``nop`` where an instruction would read the register that the one before it writes.

    The processor still sees the old value there (q1simulator 1.3.4, q1core.py).
    """
    safe: list[Instruction] = []
    written: Operand | None = None
    for line in lines:
        writes = line.mnemonic in WRITERS
        if written is not None and written in (line.operands[:-1] if writes else line.operands):
            safe.append(Instruction("nop"))
        safe.append(line)
        written = line.operands[-1] if writes else None
    return tuple(safe)


def bare_text(lines: Sequence[Instruction]) -> str:
    """Return the program without comments. Lines that are one object are printed once."""
    known: dict[int, str] = {}
    text: list[str] = []
    for line in lines:
        one = known.get(id(line))
        if one is None:
            one = known[id(line)] = bare_line(line)
        text.append(one)
    return "".join(text)


def bare_line(line: Instruction) -> str:
    """Return one line of the text, without its comment."""
    head = "" if line.label is None else f"{line.label}: "
    if not line.operands:
        return f"{head}{line.mnemonic}\n"
    return f"{head}{line.mnemonic} {','.join(map(str, line.operands))}\n"
