"""Commands of the real-time side that are written in many ways and are one instruction in memory.

All ``fb_*`` mnemonics but the two that receive, ``play_netzero`` and ``upd_thres`` are other names
of ``fb_cmd number,value,duration``: the listing of the assembler of qblox-instruments 1.4.1 shows
them so, with the numbers and packings below. So ``fb_cmd 64,5,4`` does what ``fb_acq_tb_id 5,4``
does, and the emulator knows commands by number alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from podium.firmware_interfaces.qblox_cluster.q1asm.isa import Access, Form, Operation

DATA: Final = 0x100
"""Number of ``fb_com_data`` for id 0; the id is added."""
THRESHOLDS: Final = 4
"""``upd_thres`` 0 to 3: numbers 0x10 to 0x13."""
_FIRST_THRESHOLD: Final = 0x10


class CommandNumber(IntEnum):
    """First operand of ``fb_cmd``; those of ``fb_com_data`` and ``upd_thres`` follow from these."""

    TDC_TAGS_ID = 0x00
    TDC_TDELTA_ID = 0x01
    THRESHOLD = _FIRST_THRESHOLD
    LLP_TAGS_ID = 0x20
    LLP_TTLS_ID = 0x21
    ACQ_TB_ID = 0x40
    ACQ_IQ_ID = 0x41
    ACQ_TB_CFG = 0x42
    ACQ_TB_EXTRA = 0x43
    ACQ_TB_VALID = 0x5B
    ACQ_IQ_SHIFT = 0x5C
    ACQ_TB_MOCK = 0x5D
    COM_CFG = 0x60
    COM_EXTRA = 0x61
    NETZERO = 0x90
    COM_DATA = DATA


@dataclass(frozen=True, slots=True)
class _Way:
    """The encoding of one mnemonic in memory."""

    number: CommandNumber
    places: tuple[int, ...] = (0,)
    """Bit at which each of its numbers lies in the value, in the order of its operands."""


_WAYS: Final[Mapping[str, _Way]] = {
    "fb_tdc_tags_id": _Way(CommandNumber.TDC_TAGS_ID),
    "fb_tdc_tdelta_id": _Way(CommandNumber.TDC_TDELTA_ID),
    "fb_llp_tags_id": _Way(CommandNumber.LLP_TAGS_ID),
    "fb_llp_ttls_id": _Way(CommandNumber.LLP_TTLS_ID),
    "fb_acq_tb_id": _Way(CommandNumber.ACQ_TB_ID),
    "fb_acq_iq_id": _Way(CommandNumber.ACQ_IQ_ID),
    "fb_acq_tb_cfg": _Way(CommandNumber.ACQ_TB_CFG, (0, 16, 8)),
    "fb_acq_tb_extra": _Way(CommandNumber.ACQ_TB_EXTRA, (16, 0)),
    "fb_acq_tb_valid": _Way(CommandNumber.ACQ_TB_VALID),
    "fb_acq_iq_shift": _Way(CommandNumber.ACQ_IQ_SHIFT),
    "fb_acq_tb_mock": _Way(CommandNumber.ACQ_TB_MOCK, (0, 8, 4)),
    "fb_com_cfg": _Way(CommandNumber.COM_CFG, (0, 16, 8)),
    "fb_com_extra": _Way(CommandNumber.COM_EXTRA, (16, 0)),
    "play_netzero": _Way(CommandNumber.NETZERO),
}
_NUMBERED: Final[Mapping[str, int]] = {
    "fb_cmd": 0,
    "fb_com_data": DATA,
    "upd_thres": _FIRST_THRESHOLD,
}
"""Mnemonics whose first operand is a number to be added."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command as it lies in memory."""

    number: int
    value: int
    """A register's number where ``register`` is true."""
    register: bool


def command(form: Form, operands: Sequence[int]) -> Command | None:
    """Return the command that an instruction is, None where it is none.

    ``operands`` are register numbers or immediates, as the form says; the duration is the last.
    """
    if form.operation not in (Operation.FB_CMD, Operation.UPD_THRES):
        return None
    if form.mnemonic in _NUMBERED:
        number, value = _NUMBERED[form.mnemonic] + operands[0], operands[1]
        return Command(number, value, form.fields[1] is Access.READ)
    way = _WAYS[form.mnemonic]
    if form.fields[0] is Access.READ:
        return Command(way.number, operands[0], register=True)
    packed = sum(value << place for value, place in zip(operands, way.places, strict=False))
    return Command(way.number, packed, register=False)


@dataclass(frozen=True, slots=True)
class Packing:
    """``fb_com_cfg`` and ``fb_acq_tb_cfg``: how a value lies in the words of a message."""

    combine: int = 0
    """Messages of one id that arrive together are joined by OR."""
    shift: int = 0
    """Bit at which the value begins."""
    length: int = 0
    """Bytes of the message; 0: one word."""

    @classmethod
    def from_value(cls, value: int) -> "Packing":
        """Read the value of the command."""
        return cls(combine=value & 3, shift=value >> 16 & 0x3FF, length=value >> 8 & 0x7F)

    def words(self, value: int) -> tuple[int, ...]:
        """Return the words, 32 bit each, with ``value`` at its place and zeros around it.

        ASSUMED, as q1simulator 1.3.4 (rt_renderer.py) has it; what lies beyond the end is lost.
        """
        count = max(1, -(-self.length // 4))
        whole = (value & 0xFFFF_FFFF) << self.shift
        return tuple(whole >> 32 * k & 0xFFFF_FFFF for k in range(count))
