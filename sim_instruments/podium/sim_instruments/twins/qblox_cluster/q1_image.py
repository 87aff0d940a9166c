"""A program laid out for the kernel: every operand is a slot of one file of numbers.

Slots 0 to 63 are the registers, four shadows follow, then the constants of the program. So the
kernel knows no operand forms: ``add R0,1,R2`` and ``add R0,R1,R2`` differ in a slot number only.

A register that is read by the instruction right behind its write still holds its old value there
(put a ``nop`` between). Such pairs are found here, once, and a second copy of the instructions in
question, out of line, reads the old value from a shadow: the kernel checks nothing.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.q1asm import Assembled
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

OPERATION, A, B, C, D, E, COST, DURATION = range(8)
"""Columns of the code: operation, five slots, nanoseconds of the classical side, duration slot."""

SHADOWS: Final = 4
FIRST_CONSTANT: Final = REGISTERS + SHADOWS
_MASK = 0xFFFF_FFFF

_UNTIMED = frozenset(Operation) - frozenset(
    {
        Operation.WAIT,
        Operation.UPD_PARAM,
        Operation.PLAY,
        Operation.ACQUIRE,
        Operation.ACQUIRE_WEIGHED,
        Operation.ACQUIRE_TIMETAGS,
        Operation.ACQUIRE_DIGITAL,
        Operation.UPD_THRES,
        Operation.WAIT_SYNC,
        Operation.WAIT_TRIGGER,
        Operation.LATCH_RST,
        Operation.SET_LATCH_EN,
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """What the kernel executes."""

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


def build_image(program: Assembled) -> Image:
    """Lay out a program."""
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
    slots = np.zeros(FIRST_CONSTANT + len(constants), dtype=np.int64)
    slots[FIRST_CONSTANT:] = list(constants)
    return Image(
        np.array(code, dtype=np.uint32),
        slots,
        length,
        np.array(addresses, dtype=np.int64),
        stale,
    )


def _row(form: Form, values: list[int], constants: dict[int, int]) -> list[int]:
    slots = [
        value
        if isinstance(field, Access)
        else constants.setdefault(value & _MASK, FIRST_CONSTANT + len(constants))
        for field, value in zip(form.fields, values, strict=False)
    ]
    slots.extend([FIRST_CONSTANT] * (5 - len(slots)))
    duration = FIRST_CONSTANT
    if form.operation not in _UNTIMED:
        duration = slots[len(form.fields) - 1]
    return [int(form.operation), *slots, form.ticks * TICK_NS, duration]


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
        if values[position] in registers:
            copy[A + position] = _shadow(writer, registers.index(values[position]))
    if form.operation not in _UNTIMED:
        copy[DURATION] = copy[A + len(form.fields) - 1]
    return copy
