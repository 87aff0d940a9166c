"""A program laid out for the kernel: every operand is a slot of one file of numbers.

Slots 0 to 63 are the registers, four shadows follow, then the constants of the program. So the
kernel knows no operand forms: ``add R0,1,R2`` and ``add R0,R1,R2`` differ in a slot number only.

A register that is read by the instruction right behind its write still holds its old value there
(put a ``nop`` between). Such pairs are found here, once, and a second copy of the instructions in
question, out of line, reads the old value from a shadow: the kernel checks nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.q1asm import AssembledProgram
from podium.firmware_interfaces.qblox_cluster.q1asm.commands import (
    THRESHOLDS,
    CommandNumber,
    command,
)
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import (
    FORMS,
    REGISTERS,
    TICK_NS,
    Access,
    Form,
    Operation,
)

GOTO: Final = 71
"""Continues at row ``a`` of the image; takes no time."""
SAVE: Final = 72
"""Copies slot ``b`` to slot ``a``; takes no time."""

STOP_HERE: Final = 73
"""Stands in place of an operation: the kernel returns before the instruction."""

OPERATION, A, B, C, D, E, COST, DURATION = range(8)
TARGET: Final = D
"""Of a jump, where its address is."""
"""Columns of the code: operation, five slots, nanoseconds of the classical side, duration slot."""

THRESHOLD: Final = int(CommandNumber.THRESHOLD)
SHADOWS: Final = 4
FIRST_CONSTANT: Final = REGISTERS + SHADOWS
WATCHED: Final = 0
NOT_WATCHED: Final = FIRST_CONSTANT
"""In column E of a loop: whether the kernel comes back when it jumps."""
_MASK = 0xFFFF_FFFF


def _timed(operation: Operation) -> bool:
    """Tell whether an instruction takes time on the real-time side: its last operand says how long.

    Nothing else waits: what receives messages holds the classical side.
    """
    return Operation.WAIT <= operation <= Operation.SET_LATCH_EN


def _jumps(operation: Operation) -> bool:
    return Operation.JMP <= operation <= Operation.JBE


IMAGES_KEPT = 32
"""Of programs: one of 16,384 instructions takes half a megabyte."""


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """The program as the kernel executes it."""

    code: NDArray[np.uint32]
    """Shape (m, 8): the program, a row ``illegal`` behind its end, then the copies."""
    slots: NDArray[np.int64]
    """Shape (k,): initial values, 0 to 2**32 - 1."""
    length: int
    """Instructions of the program: a jump to here or beyond meets ``illegal``."""
    address: NDArray[np.int64]
    """Shape (m,): address in the program that each row stands for."""
    stale_reads: tuple[int, ...]
    """Addresses of instructions that read a register written by the one before."""


@lru_cache(maxsize=IMAGES_KEPT)
def build_image(program: AssembledProgram, *, joined: bool = True) -> Image:
    """Lay out a program. ``joined``: let one row do what several instructions do, for speed.

    A program is laid out when it is taken, and played then, maybe often: it is done once.
    """
    forms = [FORMS[opcode] for opcode in program.opcode.tolist()]
    operands: list[list[int]] = program.operands.tolist()
    constants: dict[int, int] = {0: FIRST_CONSTANT}
    rows = [_row(form, values, constants) for form, values in zip(forms, operands, strict=True)]
    length = len(rows)
    shared = [
        _written_then_read(forms[k], operands[k], forms[k + 1], operands[k + 1])
        for k in range(length - 1)
    ]
    addresses = list(range(length + 1))
    code = [*rows, [int(Operation.ILLEGAL), *[FIRST_CONSTANT] * 5, TICK_NS, FIRST_CONSTANT]]
    stale = tuple(k + 1 for k, registers in enumerate(shared) if registers)
    # Where the copy of each such instruction begins that is reached from the one before it.
    begins: dict[int, int] = {}
    links: list[tuple[int, int]] = []
    for address in stale:
        begins[address] = len(code)
        after = shared[address] if address < length - 1 else ()
        copy = _reading_shadows(
            forms[address], rows[address], operands[address], shared[address - 1], address - 1
        )
        code.extend(_saves(after, address))
        code.append(copy)
        code.append(_goto(address + 1))
        if after:
            links.append((len(code) - 1, address + 1))
        addresses.extend([address] * (len(code) - len(addresses)))
    for address in stale:
        writer = address - 1
        entry = len(code)
        code.extend(_saves(shared[writer], writer))
        code.append(rows[writer])
        code.append(_goto(begins[address]))
        addresses.extend([writer] * (len(code) - len(addresses)))
        code[writer] = _goto(entry)
    for row, address in links:
        code[row] = _goto(begins[address])
    if joined:
        _join(code, length)
    slots = np.zeros(FIRST_CONSTANT + len(constants), dtype=np.int64)
    slots[FIRST_CONSTANT:] = list(constants)
    return Image(
        np.array(code, dtype=np.uint32),
        slots,
        length,
        np.array(addresses, dtype=np.int64),
        stale,
    )


def _join(code: list[list[int]], length: int) -> None:
    """Let one row do what several rows behind each other do. Whoever jumps between finds them.

    A ``nop`` does the following ones as well; ``sub`` and a ``jnz`` behind it become ``loop``.
    """
    following = 0
    for address in range(length - 1, -1, -1):
        row, after = code[address], code[address + 1]
        following = following + 1 if row[OPERATION] == Operation.NOP else 0
        if following:
            code[address] = [
                row[OPERATION],
                following - 1,
                *row[B:COST],
                following * TICK_NS,
                row[-1],
            ]
        loops = row[OPERATION] == Operation.SUB and after[OPERATION] == Operation.JNZ
        if loops and after[TARGET] >= FIRST_CONSTANT:
            cost = row[COST] + after[COST]
            code[address] = [int(Operation.LOOP), *row[A:TARGET], after[TARGET], *row[E:COST]]
            code[address] += [cost, row[DURATION]]


def using(code: NDArray[np.uint32], slots: Sequence[int]) -> NDArray[np.bool_]:
    """Return which rows read or write one of some slots below the constants; shape (m,)."""
    operands = code[:, [A, B, C, D, E, DURATION]]
    real = ~np.isin(code[:, OPERATION], (GOTO, int(Operation.NOP)))  # their first says where to
    return np.asarray(real & np.isin(operands, slots).any(axis=1))


def _row(form: Form, values: list[int], constants: dict[int, int]) -> list[int]:
    def constant(value: int) -> int:
        return constants.setdefault(value & _MASK, FIRST_CONSTANT + len(constants))

    slots = [
        value if isinstance(field, Access) else constant(value)
        for field, value in zip(form.fields, values, strict=False)
    ]
    duration = slots[-1] if _timed(form.operation) else FIRST_CONSTANT
    operation, found = form.operation, command(form, values)
    if found is not None:
        number = found.number
        operation = Operation.FB_CMD
        if THRESHOLD <= number < THRESHOLD + THRESHOLDS:
            number -= THRESHOLD
            operation = Operation.UPD_THRES
        slots = [constant(number), found.value if found.register else constant(found.value)]
    slots.extend([FIRST_CONSTANT] * (5 - len(slots)))
    if _jumps(operation):
        slots[TARGET - A] = slots[0]
    if operation is Operation.NOP:
        slots[0] = 0  # none of the following: see _join
    return [int(operation), *slots, form.ticks * TICK_NS, duration]


def _written_then_read(
    first: Form, first_values: list[int], second: Form, second_values: list[int]
) -> tuple[int, ...]:
    written = {first_values[k] for k in first.writes}
    return tuple(sorted(written & {second_values[k] for k in second.reads}))


def _shadow(writer: int, index: int) -> int:
    """Return the shadow for one register: neighbouring pairs do not share."""
    return REGISTERS + 2 * (writer % 2) + index


def _saves(registers: tuple[int, ...], writer: int) -> list[list[int]]:
    zero = FIRST_CONSTANT
    return [
        [SAVE, _shadow(writer, index), register, zero, zero, zero, 0, zero]
        for index, register in enumerate(registers)
    ]


def _goto(row: int) -> list[int]:
    zero = FIRST_CONSTANT
    return [GOTO, row, zero, zero, zero, zero, 0, zero]


def _reading_shadows(
    form: Form, row: list[int], values: list[int], registers: tuple[int, ...], writer: int
) -> list[int]:
    copy = list(row)
    for position in form.reads:
        if values[position] not in registers:
            continue
        shadow = _shadow(writer, registers.index(values[position]))
        if command(form, values) is not None:
            copy[B] = shadow  # whatever it is written as, in memory it is number and value
            continue
        copy[TARGET if _jumps(form.operation) else A + position] = shadow
        if _timed(form.operation) and position == len(form.fields) - 1:
            copy[DURATION] = shadow
    return copy
