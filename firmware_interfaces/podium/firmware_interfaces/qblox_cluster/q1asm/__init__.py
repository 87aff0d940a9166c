"""Q1ASM, the assembly language of Qblox sequencers: parse, assemble, print."""

from podium.firmware_interfaces.qblox_cluster.q1asm.assemble import (
    AssembledProgram,
    assemble,
    print_program,
)
from podium.firmware_interfaces.qblox_cluster.q1asm.instruction import (
    AssemblyError,
    Instruction,
    Label,
    Operand,
    Problem,
    Register,
)
from podium.firmware_interfaces.qblox_cluster.q1asm.parse import parse
from podium.firmware_interfaces.qblox_cluster.q1asm.print import format_program

__all__ = [
    "AssembledProgram",
    "AssemblyError",
    "Instruction",
    "Label",
    "Operand",
    "Problem",
    "Register",
    "assemble",
    "format_program",
    "parse",
    "print_program",
]
