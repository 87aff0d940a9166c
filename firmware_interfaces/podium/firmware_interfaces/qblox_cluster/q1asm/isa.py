"""The instruction set of the Q1 processor, in one table.

Mnemonics, operand forms and limits are those of the assembler that comes with qblox-instruments
1.4.1, read from its own error messages (``tests/referees`` holds the two against each other). The
cost in clock ticks is that of q1simulator 1.3.4 (MIT, TU Delft; ``q1core.py``, ``q1parser.py``).
Opcode numbers are ours: the index of a form in :data:`FORMS`.
"""

from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import cached_property
from typing import Final, TypeAlias

MAX_INSTRUCTIONS: Final = 16384  # assembler of qblox-instruments 1.4.1; control sequencers
MAX_INSTRUCTIONS_READOUT: Final = 12288
"""docs.qblox.com, products/architecture/sequencers; the assembler itself does not enforce it."""
REGISTERS: Final = 64
MAX_OPERANDS: Final = 5

TICK_NS: Final = 4  # clock of the classical side, q1simulator q1core.py CoreClock
ARITHMETIC_TICKS: Final = 2  # on top of the fetch; q1simulator q1core.py
MULTIPLY_32_TICKS: Final = 3  # and one for each destination; q1simulator q1core.py
JUMP_TICKS: Final = 3  # of a jump that is taken, on top of the fetch; q1simulator q1core.py


class Operation(IntEnum):
    """The effect of an instruction, whatever the form of its operands."""

    ILLEGAL = 0
    STOP = 1
    NOP = 2
    # Jumps, in the vendor's order of conditions.
    JMP = 3
    JZ = 4
    JNZ = 5
    JO = 6
    JNO = 7
    JS = 8
    JNS = 9
    JG = 10
    JGE = 11
    JL = 12
    JLE = 13
    JA = 14
    JAE = 15
    JB = 16
    JBE = 17
    MOVE = 18
    NOT = 19
    ADD = 20
    SUB = 21
    MULU16 = 22
    MULS16 = 23
    MULU32 = 24
    MULU32L = 25
    MULU32H = 26
    MULS32 = 27
    MULS32L = 28
    MULS32H = 29
    AND = 30
    OR = 31
    XOR = 32
    TEST = 33
    CMP = 34
    ASL = 35
    ASR = 36
    LSR = 37
    # Parameters that wait for the next latch.
    SET_MRK = 38
    RESET_PH = 39
    SET_FREQ = 40
    SET_PH = 41
    SET_PH_DELTA = 42
    SET_AWG_GAIN = 43
    SET_AWG_OFFS = 44
    SET_COND = 45
    SET_SCOPE_EN = 46
    SW_REQ = 47
    SET_DIGITAL = 48
    SET_TIME_REF = 49
    RESET_NETZERO = 50
    FB_POP_DATA = 51
    FB_PULL_DATA = 52
    LOOP = 53
    # They take time on the real-time side; a condition skips those down to UPD_THRES, and those
    # from UPD_PARAM to there latch what waits.
    WAIT = 54
    FB_CMD = 55
    UPD_PARAM = 56
    PLAY = 57
    ACQUIRE = 58
    ACQUIRE_WEIGHED = 59
    ACQUIRE_TTL = 60
    ACQUIRE_TIMETAGS = 61
    ACQUIRE_DIGITAL = 62
    PLAY_PULSE = 63
    UPD_THRES = 64
    WAIT_SYNC = 65
    WAIT_TRIGGER = 66
    LATCH_RST = 67
    SET_LATCH_EN = 68
    # Deprecated like LOOP: never in memory, each becomes two instructions.
    COMPARE_JGE = 69
    COMPARE_JLT = 70


class Access(Enum):
    """The use that an instruction makes of a register operand."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Immediate:
    """A number in the instruction; a label stands for its address."""

    name: str
    """The assembler's name for the field, as in its messages."""
    low: int
    high: int


Field: TypeAlias = Access | Immediate


@dataclass(frozen=True)
class Form:
    """One mnemonic with one combination of operand kinds."""

    mnemonic: str
    operation: Operation
    fields: tuple[Field, ...]

    @cached_property
    def signature(self) -> str:
        """The form of the operands in the assembler's notation, e.g. ``R#,#``."""
        return ",".join("#" if isinstance(field, Immediate) else "R#" for field in self.fields)

    @cached_property
    def reads(self) -> tuple[int, ...]:
        """Positions of the registers that are read."""
        return tuple(k for k, field in enumerate(self.fields) if field is Access.READ)

    @cached_property
    def writes(self) -> tuple[int, ...]:
        """Positions of the registers that are written."""
        return tuple(k for k, field in enumerate(self.fields) if field is Access.WRITE)

    @cached_property
    def deprecated(self) -> bool:
        """Tell whether the assembler replaces it by two instructions."""
        return self.operation in (Operation.LOOP, Operation.COMPARE_JGE, Operation.COMPARE_JLT)

    @cached_property
    def ticks(self) -> int:
        """Clock ticks on the classical side, a taken jump's :data:`JUMP_TICKS` not included.

        The fetch takes one tick and reads one register; each further register takes one more.
        ``acquire_timetags`` takes two in any form (Q1ASM guide, docs.qblox.com).
        """
        fetch = max(2 if self.operation is Operation.ACQUIRE_TIMETAGS else 1, len(self.reads))
        if Operation.MULU32 <= self.operation <= Operation.MULS32H:
            return fetch + MULTIPLY_32_TICKS + len(self.writes)
        if Operation.NOT <= self.operation <= Operation.LSR:
            return fetch + ARITHMETIC_TICKS
        return fetch


_R, _W = Access.READ, Access.WRITE
_ANY32 = (-(1 << 31), (1 << 32) - 1)
_SIGNED32 = (-(1 << 31), (1 << 31) - 1)
_UNSIGNED32 = (0, (1 << 32) - 1)
_SIGNED16 = (-(1 << 15), (1 << 15) - 1)
_UNSIGNED16 = (0, (1 << 16) - 1)

_ADDRESS = Immediate("ins_adr_imm", 0, MAX_INSTRUCTIONS - 1)
_COUNT = Immediate("seq_cnt_imm", *_UNSIGNED16)
_SOURCE = Immediate("alu_src_imm", *_ANY32)
_RIGHT = Immediate("alu_rgt_imm", *_ANY32)
_RIGHT_U16 = Immediate("alu_rgt_u_imm16", *_UNSIGNED16)
_RIGHT_S16 = Immediate("alu_rgt_s_imm16", *_SIGNED16)
_RIGHT_U32 = Immediate("alu_rgt_u_imm", *_UNSIGNED32)
_RIGHT_S32 = Immediate("alu_rgt_s_imm", *_SIGNED32)
_ACQUISITION = Immediate("seq_acq_idx_imm", 0, 31)
_BIN = Immediate("seq_bin_idx_imm", 0, (1 << 24) - 1)
_FINE_DELAY = Immediate("seq_fine_acq_delay_imm", 0, 2047)
_FINE_OUTPUT_DELAY = Immediate("seq_fine_out_delay_imm", 0, 2047)
_MESSAGE = Immediate("seq_fb_cmd_val_imm", *_UNSIGNED32)
_MESSAGE_ID = Immediate("seq_fb_id_imm", 0, 255)
_WRITE_COMBINE = Immediate("seq_fb_wc_imm", 0, 3)
_SHIFT = Immediate("seq_fb_shift_imm", 0, 1023)
_LENGTH = Immediate("seq_fb_len_imm", 0, 127)
_EXTRA_VALID = Immediate("seq_fb_extra_vld_imm", 0, 1)
_EXTRA = Immediate("seq_fb_extra_imm", *_UNSIGNED16)


def _binary(
    mnemonic: str,
    operation: Operation,
    left: Immediate,
    right: Immediate,
    *destinations: Access,
) -> tuple[Form, ...]:
    """Return the three forms of an instruction with two operands, one of them a register."""
    return tuple(
        Form(mnemonic, operation, (*sources, *destinations))
        for sources in ((_R, _R), (left, _R), (_R, right))
    )


def _register_or(mnemonic: str, operation: Operation, *immediates: Immediate) -> tuple[Form, ...]:
    """Return two forms: all operands registers, or all immediates."""
    registers = tuple(_R for _ in immediates)
    return (Form(mnemonic, operation, registers), Form(mnemonic, operation, immediates))


def _timed(
    mnemonic: str, operation: Operation, registers: tuple[Field, ...], *immediates: Immediate
) -> tuple[Form, ...]:
    """Return two forms that end in a duration, which is always an immediate."""
    return (
        Form(mnemonic, operation, (*registers, _COUNT)),
        Form(mnemonic, operation, (*immediates, _COUNT)),
    )


def _message(mnemonic: str, *immediates: Immediate) -> tuple[Form, ...]:
    return _timed(mnemonic, Operation.FB_CMD, (_R,), *immediates)


_JUMPS = tuple(Operation(k) for k in range(Operation.JMP, Operation.JBE + 1))
_O = Operation

FORMS: Final[tuple[Form, ...]] = (
    Form("illegal", _O.ILLEGAL, ()),
    Form("stop", _O.STOP, ()),
    *_register_or("stop", _O.STOP, Immediate("stop_stat_imm", *_SIGNED32)),
    Form("nop", _O.NOP, ()),
    *(
        form
        for operation in _JUMPS
        for form in _register_or(operation.name.lower(), operation, _ADDRESS)
    ),
    Form("move", _O.MOVE, (_R, _W)),
    Form("move", _O.MOVE, (_SOURCE, _W)),
    Form("not", _O.NOT, (_R, _W)),
    Form("not", _O.NOT, (_SOURCE, _W)),
    *_binary("add", _O.ADD, _RIGHT, _RIGHT, _W),
    *_binary("sub", _O.SUB, _RIGHT, _RIGHT, _W),
    *_binary("mulu16", _O.MULU16, _RIGHT_U16, _RIGHT_U16, _W),
    *_binary("muls16", _O.MULS16, _RIGHT_S16, _RIGHT_S16, _W),
    *_binary("mulu32", _O.MULU32, _RIGHT_U32, _RIGHT_U32, _W, _W),
    *_binary("mulu32l", _O.MULU32L, _RIGHT_U32, _RIGHT_U32, _W),
    *_binary("mulu32h", _O.MULU32H, _RIGHT_U32, _RIGHT_U32, _W),
    *_binary("muls32", _O.MULS32, _RIGHT_S32, _RIGHT_S32, _W, _W),
    *_binary("muls32l", _O.MULS32L, _RIGHT_S32, _RIGHT_S32, _W),
    *_binary("muls32h", _O.MULS32H, _RIGHT_S32, _RIGHT_S32, _W),
    *_binary("and", _O.AND, _RIGHT, _RIGHT, _W),
    *_binary("or", _O.OR, _RIGHT, _RIGHT, _W),
    *_binary("xor", _O.XOR, _RIGHT, _RIGHT, _W),
    *_binary("test", _O.TEST, _RIGHT, _RIGHT),
    *_binary("cmp", _O.CMP, _RIGHT, _RIGHT),
    *_binary("asl", _O.ASL, _RIGHT_S32, _RIGHT_U32, _W),
    *_binary("asr", _O.ASR, _RIGHT_S32, _RIGHT_U32, _W),
    *_binary("lsl", _O.ASL, _RIGHT_U32, _RIGHT_U32, _W),
    *_binary("lsr", _O.LSR, _RIGHT_U32, _RIGHT_U32, _W),
    *_register_or("sw_req", _O.SW_REQ, Immediate("srq_imm", *_SIGNED32)),
    *_register_or("set_mrk", _O.SET_MRK, Immediate("seq_mrk_imm", 0, 15)),
    Form("reset_ph", _O.RESET_PH, ()),
    Form("reset_netzero", _O.RESET_NETZERO, ()),
    *_register_or("set_freq", _O.SET_FREQ, Immediate("seq_nco_freq_imm", *_SIGNED32)),
    *_register_or("set_ph", _O.SET_PH, Immediate("seq_nco_po_imm", 0, 10**9)),
    *_register_or("set_ph_delta", _O.SET_PH_DELTA, Immediate("seq_nco_delta_po_imm", 0, 10**9)),
    *_register_or(
        "set_awg_gain",
        _O.SET_AWG_GAIN,
        Immediate("seq_gain0_imm", *_SIGNED16),
        Immediate("seq_gain1_imm", *_SIGNED16),
    ),
    *_register_or(
        "set_awg_offs",
        _O.SET_AWG_OFFS,
        Immediate("seq_offs0_imm", *_SIGNED16),
        Immediate("seq_offs1_imm", *_SIGNED16),
    ),
    *_register_or("upd_param", _O.UPD_PARAM, _COUNT),
    *_timed(
        "play",
        _O.PLAY,
        (_R, _R),
        Immediate("seq_wave_idx0_imm", 0, 1023),
        Immediate("seq_wave_idx1_imm", 0, 1023),
    ),
    *_timed("play_pulse", _O.PLAY_PULSE, (_R,), _FINE_OUTPUT_DELAY),
    *_message("play_netzero", _MESSAGE),
    *_timed("acquire", _O.ACQUIRE, (_ACQUISITION, _R), _ACQUISITION, _BIN),
    *(
        form
        for mnemonic in ("acquire_weighed", "acquire_weighted")
        for form in _timed(
            mnemonic,
            _O.ACQUIRE_WEIGHED,
            (_ACQUISITION, _R, _R, _R),
            _ACQUISITION,
            _BIN,
            Immediate("seq_weight_idx0_imm", 0, 63),
            Immediate("seq_weight_idx1_imm", 0, 63),
        )
    ),
    *(
        Form("acquire_ttl", _O.ACQUIRE_TTL, (_ACQUISITION, bin_, enable, _COUNT))
        for enable in (Immediate("seq_ttl_en_imm", 0, 1),)
        for bin_ in (_R, _BIN)
    ),
    *(
        Form("acquire_timetags", _O.ACQUIRE_TIMETAGS, (_ACQUISITION, bin_, enable, delay, _COUNT))
        for enable in (Immediate("seq_window_en_imm", 0, 1),)
        for bin_, delay in ((_R, _R), (_BIN, _FINE_DELAY))
    ),
    *_timed("acquire_digital", _O.ACQUIRE_DIGITAL, (_ACQUISITION, _R), _ACQUISITION, _BIN),
    *_register_or("wait", _O.WAIT, _COUNT),
    *_register_or("wait_trigger", _O.WAIT_TRIGGER, Immediate("seq_trig_addr_imm", 0, 15), _COUNT),
    *_register_or("wait_sync", _O.WAIT_SYNC, _COUNT),
    *_register_or("latch_rst", _O.LATCH_RST, _COUNT),
    *_timed("set_latch_en", _O.SET_LATCH_EN, (_R,), Immediate("seq_latch_en_imm", 0, 1)),
    *(
        Form("set_cond", _O.SET_COND, (*fields, Immediate("seq_else_cnt_imm", *_UNSIGNED16)))
        for fields in (
            (_R, _R, _R),
            (
                Immediate("seq_cond_en_imm", 0, 1),
                Immediate("seq_mask_imm", 0, 0x7FFF),
                Immediate("seq_op_imm", 0, 7),
            ),
        )
    ),
    *_register_or("set_scope_en", _O.SET_SCOPE_EN, Immediate("seq_scope_en_imm", 0, 1)),
    *(
        Form("set_digital", _O.SET_DIGITAL, (value, mask, delay))
        for mask in (Immediate("seq_out_mask_imm", 0, 255),)
        for value, delay in (
            (_R, _R),
            (Immediate("seq_out_val_imm", 0, 255), _FINE_OUTPUT_DELAY),
        )
    ),
    Form("set_time_ref", _O.SET_TIME_REF, ()),
    *(
        Form("upd_thres", _O.UPD_THRES, (Immediate("seq_dio_thres_idx_imm", 0, 3), value, _COUNT))
        for value in (_R, _MESSAGE)
    ),
    *(
        Form("fb_cmd", _O.FB_CMD, (Immediate("seq_fb_cmd_idx_imm", 0, 511), value, _COUNT))
        for value in (_R, _MESSAGE)
    ),
    Form("fb_pop_data", _O.FB_POP_DATA, (Immediate("seq_fb_pop_tag_imm", *_UNSIGNED16), _W)),
    Form("fb_pull_data", _O.FB_PULL_DATA, (_W, _W)),
    *(
        Form("fb_com_data", _O.FB_CMD, (Immediate("seq_fb_xxx_idx_imm", 0, 255), value, _COUNT))
        for value in (_R, _MESSAGE)
    ),
    *_message("fb_tdc_tags_id", _MESSAGE_ID),
    *_message("fb_tdc_tdelta_id", _MESSAGE_ID),
    *_message("fb_llp_tags_id", _MESSAGE_ID),
    *_message("fb_llp_ttls_id", _MESSAGE_ID),
    *_message("fb_acq_tb_id", _MESSAGE_ID),
    *_message("fb_acq_iq_id", _MESSAGE_ID),
    *_message("fb_acq_tb_cfg", _WRITE_COMBINE, _SHIFT, _LENGTH),
    *_message("fb_acq_tb_extra", _EXTRA_VALID, _EXTRA),
    *_message("fb_acq_iq_shift", Immediate("seq_fb_iq_shift_imm", 0, 63)),
    *_message(
        "fb_acq_tb_mock",
        Immediate("seq_fb_mock_en_imm", 0, 1),
        Immediate("seq_fb_mock_vld_imm", 0, 1),
        Immediate("seq_fb_mock_data_imm", 0, 1),
    ),
    *_message("fb_acq_tb_valid", Immediate("seq_fb_tb_valid_imm", 0, 1)),
    *_message("fb_com_cfg", _WRITE_COMBINE, _SHIFT, _LENGTH),
    *_message("fb_com_extra", _EXTRA_VALID, _EXTRA),
    # Deprecated.
    Form("loop", _O.LOOP, (_R, _R)),
    Form("loop", _O.LOOP, (_R, _ADDRESS)),
    Form("jge", _O.COMPARE_JGE, (_R, _RIGHT, _R)),
    Form("jge", _O.COMPARE_JGE, (_R, _RIGHT, _ADDRESS)),
    Form("jlt", _O.COMPARE_JLT, (_R, _RIGHT, _R)),
    Form("jlt", _O.COMPARE_JLT, (_R, _RIGHT, _ADDRESS)),
)
"""Every form that the assembler accepts; an opcode is an index into this."""

OPCODES: Final[dict[tuple[str, str], int]] = {
    (form.mnemonic, form.signature): opcode for opcode, form in enumerate(FORMS)
}
"""Opcode of each mnemonic and signature."""

MNEMONICS: Final[frozenset[str]] = frozenset(form.mnemonic for form in FORMS)


def signatures(mnemonic: str) -> tuple[str, ...]:
    """Return the operand forms that a mnemonic takes."""
    return tuple(form.signature for form in FORMS if form.mnemonic == mnemonic)
