"""Q1ASM text to the arrays that a Q1 processor executes."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.q1asm import isa_1
from podium.firmware_interfaces.qblox_cluster.q1asm.instruction import (
    AssemblyError,
    Instruction,
    Label,
    Operand,
    Problem,
    Register,
)
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import (
    FORMS,
    MAX_INSTRUCTIONS,
    MAX_OPERANDS,
    MNEMONICS,
    OPCODES,
    REGISTERS,
    Form,
    Immediate,
    Operation,
    signatures,
)
from podium.firmware_interfaces.qblox_cluster.q1asm.parse import parse

SUGGESTIONS_MAX = 10
"""For so many unknown names of a program the message gives the nearest known one."""
_KIND = {Register: "R#", Label: "#", int: "#"}


@dataclass(frozen=True, slots=True, eq=False)
class AssembledProgram:
    """A program as it lies in instruction memory; deprecated instructions are expanded."""

    opcode: NDArray[np.int64]
    """Shape (n,): index into ``isa.FORMS``."""
    operands: NDArray[np.int64]
    """Shape (n, 5): register numbers or immediates as written, as the form says; 0 beyond."""
    line: NDArray[np.int64]
    """Shape (n,): line of the source text, counted from 1."""
    labels: dict[str, int]
    """Address of each label."""
    warnings: tuple[Problem, ...]
    """What the assembler's log says of deprecated instructions."""

    def __len__(self) -> int:
        return len(self.opcode)

    def instruction(self, address: int) -> Instruction:
        """Return what lies at ``address``."""
        form = FORMS[self.opcode[address]]
        operands: tuple[Operand, ...] = tuple(
            int(value) if isinstance(field, Immediate) else Register(int(value))
            for field, value in zip(form.fields, self.operands[address], strict=False)
        )
        return Instruction(form.mnemonic, operands, line=int(self.line[address]))


def assemble(
    program: str | Sequence[Instruction],
    *,
    max_instructions: int = MAX_INSTRUCTIONS,
    generation: int = 2,
) -> AssembledProgram:
    """Assemble a program; raise :class:`AssemblyError` where the vendor's assembler refuses.

    ``max_instructions`` is the memory of the sequencer, counted after expansion. ``generation`` of
    the instruction set: 1 refuses what :mod:`.isa_1` does not have.
    """
    lines = parse(program) if isinstance(program, str) else tuple(program)
    problems: list[Problem] = []
    warnings: list[Problem] = []
    suggestions = _Suggestions()
    pending = list(_match_forms(lines, problems, warnings, generation, suggestions))
    labels = _addresses(lines, pending, problems)
    rows: list[tuple[int, ...]] = []
    opcodes: list[int] = []
    sources: list[int] = []
    for line, opcode, operands in pending:
        try:
            if opcode >= 0:  # not a label
                rows.append(_encode(FORMS[opcode], operands, labels, generation, suggestions))
                opcodes.append(opcode)
                sources.append(line)
        except _Refused as error:
            problems.append(Problem(line, str(error)))
    if len(opcodes) > max_instructions:
        text = f"Program too long ({len(opcodes)}). Maximum {max_instructions} instructions"
        problems.append(Problem(0, text))
    if problems:
        raise AssemblyError(tuple(sorted(problems, key=lambda problem: problem.line)))
    return AssembledProgram(
        np.array(opcodes, dtype=np.int64),
        np.array(rows, dtype=np.int64).reshape(-1, MAX_OPERANDS),
        np.array(sources, dtype=np.int64),
        labels,
        tuple(warnings),
    )


def print_program(program: AssembledProgram) -> str:
    """Return a listing of instruction memory: address, labels, instruction, source line."""
    at: dict[int, list[str]] = {}
    for label, address in program.labels.items():
        at.setdefault(address, []).append(label)
    listing: list[str] = []
    for address in range(len(program) + 1):
        listing.extend(f"{'':7}{label}:" for label in at.get(address, ()))
        if address < len(program):
            instruction = program.instruction(address)
            listing.append(f"{address:5d}    {instruction!s:40} # line {instruction.line}")
    return "".join(f"{text}\n" for text in listing)


class _Refused(Exception):
    """An instruction cannot be encoded."""


class _Suggestions:
    """Names what is nearest to an unknown name, for the first few of a program.

    Each costs as much as there are names: a text of nothing but unknown names would take seconds.
    """

    def __init__(self) -> None:
        self._left = SUGGESTIONS_MAX

    def near(self, name: str, known: frozenset[str] | dict[str, int]) -> str:
        if not self._left:
            return ""
        self._left -= 1
        close = difflib.get_close_matches(name, sorted(known), n=1)
        return f"; nearest: {close[0]}" if close else ""


_Pending = tuple[int, int, tuple[Operand, ...]]


def _match_forms(
    lines: Sequence[Instruction],
    problems: list[Problem],
    warnings: list[Problem],
    generation: int,
    suggestions: _Suggestions,
) -> Iterator[_Pending]:
    """Yield line, opcode and operands of what goes to memory; opcode -1 carries a label."""
    for number, line in enumerate(lines, 1):
        at = line.line or number
        if line.label is not None:
            yield at, -1, (Label(line.label),)
        if not line.mnemonic:
            continue
        signature = ",".join([_KIND.get(type(operand), "#") for operand in line.operands])
        opcode = OPCODES.get((line.mnemonic, signature))
        if opcode is None or (generation == 1 and not isa_1.has(FORMS[opcode])):
            problems.append(
                Problem(at, _no_such_form(line.mnemonic, signature, generation, suggestions))
            )
            continue
        if not FORMS[opcode].deprecated:
            yield at, opcode, line.operands
            continue
        if generation > 1:
            warnings.append(Problem(at, f"deprecated instruction '{line.mnemonic} {signature}'"))
        for mnemonic, operands in _expand(FORMS[opcode].operation, line.operands):
            signature = ",".join([_KIND.get(type(operand), "#") for operand in operands])
            yield at, OPCODES[mnemonic, signature], operands


def _expand(
    operation: Operation, operands: tuple[Operand, ...]
) -> tuple[tuple[str, tuple[Operand, ...]], tuple[str, tuple[Operand, ...]]]:
    """Return what the vendor's assembler puts in place of a deprecated instruction."""
    if operation is Operation.LOOP:
        counter, address = operands
        return ("sub", (counter, 1, counter)), ("jnz", (address,))
    left, right, address = operands
    jump = "jae" if operation is Operation.COMPARE_JGE else "jb"
    return ("cmp", (left, right)), (jump, (address,))


def _addresses(
    lines: Sequence[Instruction], pending: Sequence[_Pending], problems: list[Problem]
) -> dict[str, int]:
    labels: dict[str, int] = {}
    address = 0
    for line, opcode, operands in pending:
        if opcode >= 0:
            address += 1
            continue
        name = operands[0].name if isinstance(operands[0], Label) else ""
        if name in labels:
            problems.append(Problem(line, f"Duplicate address label: {name}"))
        labels[name] = address
    return labels


def _encode(
    form: Form,
    operands: tuple[Operand, ...],
    labels: dict[str, int],
    generation: int,
    suggestions: _Suggestions,
) -> tuple[int, ...]:
    row = []
    for position, (field, operand) in enumerate(zip(form.fields, operands, strict=True), 1):
        match operand:
            case int():
                value = operand
            case Register(number):
                if not 0 <= number < REGISTERS:
                    raise _Refused(
                        f"Syntax error: Instruction {form.mnemonic} argument {position} "
                        f"(register) value: {number} out of range (0,{REGISTERS - 1})"
                    )
                row.append(number)
                continue
            case Label(name):
                if name not in labels:
                    near = suggestions.near(name, labels)
                    raise _Refused(f"Unresolved address label: {name}{near}")
                value = labels[name]
        if isinstance(field, Immediate):
            low = isa_1.lowest(field) if generation == 1 else field.low
            if not low <= value <= field.high:
                raise _Refused(
                    f"Syntax error: Instruction {form.mnemonic} argument {position} "
                    f"({field.name}) value: {value} out of range ({low},{field.high})"
                )
        row.append(value)
    row.extend([0] * (MAX_OPERANDS - len(row)))
    return tuple(row)


def _no_such_form(mnemonic: str, signature: str, generation: int, suggestions: _Suggestions) -> str:
    supported = isa_1.signatures(mnemonic) if generation == 1 else signatures(mnemonic)
    if not supported:
        if mnemonic in MNEMONICS:
            return f"Syntax error: instruction '{mnemonic}' not found; newer firmware has it"
        near = suggestions.near(mnemonic, MNEMONICS)
        return f"Syntax error: instruction '{mnemonic}' not found{near}"
    forms = " or ".join(f'"{form}"' for form in supported)
    return (
        f'Syntax error: Instruction "{mnemonic}" does not support argument signature '
        f'"{signature}"; supported: {forms}'
    )
