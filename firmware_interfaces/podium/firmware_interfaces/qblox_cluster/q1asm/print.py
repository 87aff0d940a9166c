"""Instructions to Q1ASM text."""

from collections.abc import Iterable, Iterator

from podium.firmware_interfaces.qblox_cluster.q1asm.instruction import Instruction

_MNEMONIC_WIDTH = 13
_INSTRUCTION_WIDTH = 40


def format_program(lines: Iterable[Instruction]) -> str:
    """Return the text of a program, one instruction a line; labels and comments in columns."""
    lines = tuple(lines)
    width = max((len(line.label) + 2 for line in lines if line.label is not None), default=0)
    return "".join(f"{text}\n" for text in _format(lines, width))


def _format(lines: tuple[Instruction, ...], width: int) -> Iterator[str]:
    for line in lines:
        label = f"{line.label}:" if line.label is not None else ""
        comment = f"# {line.comment}" if line.comment else ""
        if not line.mnemonic:
            yield f"{label:{width}}{comment}".rstrip() if label else comment
            continue
        operands = ",".join(map(str, line.operands))
        body = f"{line.mnemonic:{_MNEMONIC_WIDTH}} {operands}" if operands else line.mnemonic
        yield f"{label:{width}}{body:{_INSTRUCTION_WIDTH if comment else 0}} {comment}".rstrip()
