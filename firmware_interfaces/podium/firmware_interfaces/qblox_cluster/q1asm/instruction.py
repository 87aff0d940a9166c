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
    """One instruction with the label before it and the comment behind it.

    ``Instruction("move", (51, Register(0)), label="start", comment="points")`` prints as
    ``start: move 51,R0 # points``. Not checked on construction: :func:`assemble` does that.
    """

    mnemonic: str
    operands: tuple[Operand, ...] = ()
    label: str | None = None
    comment: str = ""
    line: int = field(default=0, compare=False)
    """Line in the source text, counted from 1; 0 when it was not parsed from text."""

    def __str__(self) -> str:
        head = f"{self.label}: " if self.label is not None else ""
        body = f"{self.mnemonic} {','.join(str(o) for o in self.operands)}".rstrip()
        tail = f" # {self.comment}" if self.comment else ""
        return f"{head}{body}{tail}"


class AssemblyError(ValueError):
    """The text is not a Q1ASM program. Correct the line that the message names."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.line = line
        """Line in the source text, counted from 1; 0 when the program as a whole is meant."""
        self.message = message
        """What is wrong, without the line."""
