"""Q1ASM text to instructions."""

from podium.firmware_interfaces.qblox_cluster.q1asm.instruction import Instruction


def parse(text: str) -> tuple[Instruction, ...]:
    """Return the instructions of ``text``; raise :class:`AssemblyError` on bad syntax."""
    raise NotImplementedError
