"""Instructions to Q1ASM text."""

from collections.abc import Iterable

from podium.firmware_interfaces.qblox_cluster.q1asm.instruction import Instruction


def format_program(lines: Iterable[Instruction]) -> str:
    """Return the text of a program, labels and comments in columns, one instruction a line."""
    raise NotImplementedError
