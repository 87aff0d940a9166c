"""Sequencers of each kind execute some instructions; this twin refuses a few of them."""

from collections.abc import Iterator
from typing import Final

from podium.firmware_interfaces.qblox_cluster.q1asm import AssembledProgram
from podium.firmware_interfaces.qblox_cluster.q1asm.commands import (
    DATA,
    Command,
    CommandNumber,
    command,
)
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import FORMS, Operation


class NotEmulated(Exception):
    """The program is correct, but uses an instruction that this twin cannot execute."""


_READOUT: Final = frozenset(
    {Operation.ACQUIRE, Operation.ACQUIRE_WEIGHED, Operation.ACQUIRE_TTL},
)
_TAGS: Final = frozenset(
    {
        Operation.SET_DIGITAL,
        Operation.SET_TIME_REF,
        Operation.ACQUIRE_TIMETAGS,
        Operation.ACQUIRE_DIGITAL,
        Operation.PLAY_PULSE,
        Operation.UPD_THRES,
    }
)
_SIGNALS: Final = frozenset(
    {
        Operation.PLAY,
        Operation.SET_AWG_GAIN,
        Operation.SET_AWG_OFFS,
        Operation.SET_FREQ,
        Operation.RESET_PH,
        Operation.SET_PH,
        Operation.SET_PH_DELTA,
    }
)
_NETZERO: Final = frozenset({Operation.RESET_NETZERO})

_OF_ALL: Final = frozenset({CommandNumber.COM_CFG, CommandNumber.COM_EXTRA})
_OF_READOUT: Final = frozenset(
    {
        CommandNumber.ACQ_TB_ID,
        CommandNumber.ACQ_IQ_ID,
        CommandNumber.ACQ_TB_CFG,
        CommandNumber.ACQ_TB_EXTRA,
        CommandNumber.ACQ_TB_VALID,
        CommandNumber.ACQ_IQ_SHIFT,
        CommandNumber.ACQ_TB_MOCK,
    }
)
_OF_TAGS: Final = frozenset(
    {
        CommandNumber.TDC_TAGS_ID,
        CommandNumber.TDC_TDELTA_ID,
        CommandNumber.LLP_TAGS_ID,
        CommandNumber.LLP_TTLS_ID,
    }
)
DATA_IDS: Final = 256

_EXTRA_VALID: Final = 1 << 16
_OF_RESULTS: Final = _OF_TAGS | {CommandNumber.ACQ_TB_ID, CommandNumber.ACQ_IQ_ID}


def foreign_operations(readout: bool, tags: bool) -> frozenset[Operation]:
    """Return the operations that are none to a sequencer of this kind. ASSUMED."""
    if tags:
        return _READOUT | _SIGNALS | _NETZERO
    return _TAGS | _NETZERO if readout else _TAGS | _READOUT


def knows_command(number: int, readout: bool, tags: bool) -> bool:
    """Tell whether ``fb_cmd`` with this number is a command to a sequencer of this kind.

    ASSUMED; ``upd_thres`` is an operation of its own here.
    """
    if number in _OF_ALL or DATA <= number < DATA + DATA_IDS:
        return True
    if tags:
        return number in _OF_TAGS
    return number in _OF_READOUT if readout else number == CommandNumber.NETZERO


def refuse_unknown_words(program: AssembledProgram, readout: bool, tags: bool, name: str) -> None:
    """Raise :class:`NotEmulated` where nothing tells what a program's messages hold."""
    for address, found in _commands(program):
        why = _why_not(found)
        if why and knows_command(found.number, readout, tags):
            raise NotEmulated(f"{where(program, address, name)}: {why}")


def shares_results(program: AssembledProgram) -> bool:
    """Tell whether a program may send messages with what acquisitions have measured."""
    found = [one for _, one in _commands(program)]
    mocked = any(one.number == CommandNumber.ACQ_TB_MOCK for one in found) and all(
        not one.register and one.value & 1
        for one in found
        if one.number == CommandNumber.ACQ_TB_MOCK
    )
    asked = {one.number for one in found if one.register or one.value}
    wanted = _OF_RESULTS - ({CommandNumber.ACQ_TB_ID} if mocked else set())
    return bool(wanted & asked)


def refuse_operations(
    program: AssembledProgram, operations: frozenset[Operation], why: str, name: str
) -> None:
    """Raise :class:`NotEmulated` for the first instruction of a program that is one of these."""
    for address, opcode in enumerate(program.opcode.tolist()):
        if FORMS[opcode].operation in operations:
            raise NotEmulated(f"{where(program, address, name)}: {why}")


def where(program: AssembledProgram, address: int, name: str) -> str:
    """Return sequencer, line and text of an instruction."""
    instruction = program.instruction(address)
    return f"{name}{': ' if name else ''}line {instruction.line}: {instruction}"


def _commands(program: AssembledProgram) -> Iterator[tuple[int, Command]]:
    known = {opcode for opcode, form in enumerate(FORMS) if form.operation is Operation.FB_CMD}
    opcodes = program.opcode.tolist()
    if known.isdisjoint(opcodes):
        return
    rows = program.operands.tolist()
    for address, opcode in enumerate(opcodes):
        if opcode in known:
            found = command(FORMS[opcode], rows[address])
            if found is not None:
                yield address, found


def _why_not(found: Command) -> str:
    """Return why this twin does not do what a command asks for, or nothing."""
    extras = (CommandNumber.COM_EXTRA, CommandNumber.ACQ_TB_EXTRA)
    if found.number in extras and (found.register or found.value & _EXTRA_VALID):
        return "how a message holds its extra bytes is not known to this twin"
    return ""
