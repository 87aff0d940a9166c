"""Q1ASM text to the arrays that a Q1 processor executes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.q1asm.instruction import Instruction


@dataclass(frozen=True, slots=True, eq=False)
class Assembled:
    """A program as it lies in instruction memory; deprecated instructions are expanded."""

    opcode: NDArray[np.int64]
    """Shape (n,): our own numbers, see :mod:`isa`."""
    operands: NDArray[np.int64]
    """Shape (n, 5): register numbers or immediates, as the form of the opcode says."""
    line: NDArray[np.int64]
    """Shape (n,): line of the source text, counted from 1."""
    labels: dict[str, int]
    """Address of each label."""
    warnings: tuple[str, ...]
    """What the assembler's log says of deprecated instructions."""

    def __len__(self) -> int:
        return len(self.opcode)


def assemble(program: str | tuple[Instruction, ...]) -> Assembled:
    """Assemble a program; raise :class:`AssemblyError` where the vendor's assembler refuses."""
    raise NotImplementedError


def print_program(program: Assembled) -> str:
    """Return a listing: address, instruction after expansion, source line."""
    raise NotImplementedError
