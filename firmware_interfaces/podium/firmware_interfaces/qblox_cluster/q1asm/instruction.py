"""One line of Q1ASM as a value: what parser, printer and compilers hand to each other."""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Register:
    """One of the 64 registers of a Q1 processor, 32 bit each."""

    number: int

    def __str__(self) -> str:
        return f"R{self.number}"


@dataclass(frozen=True, slots=True)
class Label:
    """A reference to a label (``@name``): the address of the instruction it stands before."""

    name: str

    def __str__(self) -> str:
        return f"@{self.name}"


Operand: TypeAlias = Register | Label | int


@dataclass(frozen=True, slots=True)
class Instruction:
    """One line: an instruction with the label before it and the comment behind it.

    ``Instruction("move", (51, Register(0)), label="start", comment="points")`` prints as
    ``start: move 51,R0 # points``. With an empty mnemonic it is a line that takes no memory: a
    label of its own, a comment, or nothing. Not checked on construction:
    :func:`~podium.firmware_interfaces.qblox_cluster.q1asm.assemble` does that.
    """

    mnemonic: str
    operands: tuple[Operand, ...] = ()
    label: str | None = None
    comment: str = ""
    line: int = field(default=0, compare=False)
    """Line in the source text, counted from 1; 0 when it was not parsed from text."""

    def __str__(self) -> str:
        head = f"{self.label}: " if self.label is not None else ""
        body = f"{self.mnemonic} {','.join(map(str, self.operands))}".strip()
        tail = f" # {self.comment}" if self.comment else ""
        return f"{head}{body}{tail}".strip()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a program."""

    line: int
    """Line in the source text, counted from 1; 0 when the program as a whole is meant."""
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


class AssemblyError(ValueError):
    """The text is not a Q1ASM program. Correct the lines that the message names."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
        """All that was found, in the order of the text; at least one."""

    @property
    def line(self) -> int:
        """Line of the first problem."""
        return self.problems[0].line

    @property
    def message(self) -> str:
        """Return the text of the first problem."""
        return self.problems[0].message
