"""The instructions of the sequencers of HDAWG and SHF instruments.

There is no public description. The encoding was read off the output of zhinst-core 26.7.2.5, which
puts its listing (``.asm``) beside the words (``.text``): one line, one word. Which experiment
settled which field stands in docs/reference/zurich_sequencer.md; a referee disassembles hundreds of
programs and compares them with the listing to the letter.

A word: four bits of operation, then registers of four bits, the rest a constant. Operations 15 use
the next four bits to go on.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

REGISTERS: Final = 16
"""R0 reads as zero. The field has four bits."""
SEQUENCER_MEMORY: Final = {"HDAWG": 16_384, "SHFSG": 32_768, "SHFQA": 16_384}
"""Instructions; the compiler says so when it refuses a longer program."""


class Operation(IntEnum):
    """The operation of a word. Numbers are ours."""

    END = 0
    PREFETCH = 1
    PLAY_LONG = 2
    PLAY_ZERO = 3
    ADD_IMMEDIATE = 4
    ADD_UPPER = 5
    ADD = 6
    SUBTRACT = 7
    AND = 8
    OR = 9
    SHIFT_LEFT = 10
    SHIFT_RIGHT = 11
    AND_IMMEDIATE = 12
    OR_IMMEDIATE = 13
    XNOR_IMMEDIATE = 14
    LOAD = 15
    WAIT_TRIGGER = 16
    WAIT_PLAY_QUEUE = 17
    WAIT_WAVE = 18
    CONFIGURE = 19
    BRANCH_ZERO = 20
    BRANCH_NOT_ZERO = 21
    BRANCH_POSITIVE = 22
    STORE = 23
    TRAP = 24
    CONFIGURE_REGISTER = 25
    PLAY = 26
    FEEDBACK = 27
    PLAY_TABLE = 28
    JUMP = 29


class Operands(IntEnum):
    """The fields of a word that an operation uses, in the order of the listing."""

    NONE = 0
    I24 = 1
    """constant of 24 bits"""
    D_S = 2
    """destination, source"""
    D_S_I20 = 3
    """destination, source, constant of 20 bits without sign"""
    D_S_S20 = 4
    """the same with sign"""
    M_S_I20 = 5
    """what to play, as a number in the place of the destination; source; constant"""
    S_I20 = 6
    """source, constant of 20 bits without sign"""
    D_I20 = 7
    """destination, constant"""
    S = 8
    """source"""
    S_LABEL = 9
    """source, address of an instruction"""
    LABEL = 10
    """address of an instruction"""


class Address(IntEnum):
    """The targets of ``st`` and ``ld``: the sequencer's peripherals.

    Named by the SeqC functions that compile to them.
    """

    USER_REGISTERS = 0
    """and the fifteen after it"""
    INTERRUPT_CAUSE = 16
    INTERRUPT_ARGUMENT = 17
    NODE = 22
    """HDAWG: ``resetOscPhase`` writes 136 here..."""
    NODE_VALUE = 23
    """... after 1 here."""
    TIMER = 26
    WAIT_TIMESTAMP = 27
    DIO = 32
    ID = 33
    TRIGGER = 34
    WAIT_DIGITAL_TRIGGER_1 = 66
    WAIT_DIGITAL_TRIGGER_2 = 67
    WAIT_OSCILLATOR_PHASE_1 = 68
    WAIT_OSCILLATOR_PHASE_2 = 69
    WAIT_ZSYNC = 89
    WAIT_COUNTER = 90
    WAIT_DIO = 92
    COUNTER = 100
    RAW_DATA = 104
    WAIT_CYCLES = 105
    RAW_DATA_QA = 106
    PROCESSED_A = 107
    PROCESSED_B = 108
    RESET_LOGGER_TIMESTAMP = 109
    SYNC = 110
    LATENCY = 111
    SINE_PHASE_0 = 112
    SINE_PHASE_1 = 113
    SINE_INCREMENT_0 = 114
    SINE_INCREMENT_1 = 115
    PRNG_SEED = 116
    PRNG_LOWER = 117
    PRNG_SPAN = 118
    """upper - lower + 1"""
    PRNG_VALUE = 119
    RESET_OSCILLATORS = 120
    """SHFSG; on an SHFQA the generators of startQA"""
    START_QA = 121
    RESET_OSCILLATORS_QA = 122
    OSCILLATOR = 140
    SWEEP_STEP = 141
    START_LOW = 142
    START_HIGH = 143
    STEP_LOW = 144
    STEP_HIGH = 145
    START = 146
    QA_DATA_RAW = 192
    QA_DATA_PROCESSED = 193


@dataclass(frozen=True, slots=True)
class Form:
    """One row of the instruction table."""

    mnemonic: str
    operation: Operation
    code: int
    """The bits of a word that name the operation..."""
    mask: int
    """... and where they are."""
    operands: Operands


_TOP, _TWO, _LOW = 0xF000_0000, 0xFF00_0000, 0xF000_000F
FORMS: Final = (
    Form("end", Operation.END, 0x0000_0000, 0xFFFF_FFFF, Operands.NONE),
    Form("prf", Operation.PREFETCH, 0x1000_0000, _TOP, Operands.D_S_I20),
    Form("wvf", Operation.PLAY_LONG, 0x2000_0000, _TOP, Operands.D_S_I20),
    Form("wvfs", Operation.PLAY_ZERO, 0x3000_0000, _TOP, Operands.M_S_I20),
    Form("addi", Operation.ADD_IMMEDIATE, 0x4000_0000, _TOP, Operands.D_S_S20),
    Form("addiu", Operation.ADD_UPPER, 0x5000_0000, _TOP, Operands.D_S_I20),
    Form("addr", Operation.ADD, 0x6000_0000, _LOW, Operands.D_S),
    Form("subr", Operation.SUBTRACT, 0x6000_0001, _LOW, Operands.D_S),
    Form("andr", Operation.AND, 0x6000_0002, _LOW, Operands.D_S),
    Form("orr", Operation.OR, 0x6000_0003, _LOW, Operands.D_S),
    Form("ssl", Operation.SHIFT_LEFT, 0x6000_0005, _LOW, Operands.D_S),
    Form("ssr", Operation.SHIFT_RIGHT, 0x6000_0006, _LOW, Operands.D_S),
    Form("andi", Operation.AND_IMMEDIATE, 0x7000_0000, _TOP, Operands.D_S_S20),
    Form("ori", Operation.OR_IMMEDIATE, 0x9000_0000, _TOP, Operands.D_S_S20),
    Form("xnori", Operation.XNOR_IMMEDIATE, 0xB000_0000, _TOP, Operands.D_S_S20),
    Form("ld", Operation.LOAD, 0xD000_0000, _TOP, Operands.D_I20),
    Form("wtrig", Operation.WAIT_TRIGGER, 0xE000_0000, _TOP, Operands.D_S),
    Form("wprf", Operation.WAIT_PLAY_QUEUE, 0xF000_0000, _TWO, Operands.NONE),
    Form("wwvf", Operation.WAIT_WAVE, 0xF100_0000, _TWO, Operands.NONE),
    Form("cwvf", Operation.CONFIGURE, 0xF200_0000, _TWO, Operands.I24),
    Form("brz", Operation.BRANCH_ZERO, 0xF300_0000, _TWO, Operands.S_LABEL),
    Form("brnz", Operation.BRANCH_NOT_ZERO, 0xF400_0000, _TWO, Operands.S_LABEL),
    Form("brgz", Operation.BRANCH_POSITIVE, 0xF500_0000, _TWO, Operands.S_LABEL),
    Form("st", Operation.STORE, 0xF600_0000, _TWO, Operands.S_I20),
    Form("trap", Operation.TRAP, 0xF700_0000, _TWO, Operands.NONE),
    Form("cwvfr", Operation.CONFIGURE_REGISTER, 0xF900_0000, _TWO, Operands.S),
    Form("wvfe", Operation.PLAY, 0xFA00_0000, _TWO, Operands.S_I20),
    Form("fb", Operation.FEEDBACK, 0xFF00_0000, _TWO, Operands.I24),
    Form("wvfet", Operation.PLAY_TABLE, 0xFC00_0000, _TWO, Operands.S_I20),
    Form("jmp", Operation.JUMP, 0xFE00_0000, _TWO, Operands.LABEL),
)
"""All that the compiler was seen to use. ``nop`` is ``addi R0, R0, 0``."""

NOP: Final = 0x4000_0000


class IllegalInstruction(ValueError):
    """A word that no program of the vendor's compiler has. The message names address and word."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """A word, decoded."""

    form: Form
    destination: int
    """Register, or what :attr:`Operands.M_S_I20` plays: 0 zero, 1 the last sample."""
    source: int
    constant: int
    """Of 24 bits or of 20, with its sign where the form has one."""

    def __str__(self) -> str:
        """Return it as the listing has it, addresses as numbers."""
        d, s, n = f"R{self.destination}", f"R{self.source}", str(self.constant)
        if self.form.operation is Operation.ADD_IMMEDIATE and d == s == "R0" and n == "0":
            return "nop"
        match self.form.operands:
            case Operands.NONE:
                words = []
            case Operands.I24 | Operands.LABEL:
                words = [n]
            case Operands.D_S:
                words = [d, s]
            case Operands.D_S_I20 | Operands.D_S_S20:
                words = [d, s, n]
            case Operands.M_S_I20:
                words = [str(self.destination), s, n]
            case Operands.S_I20 | Operands.S_LABEL:
                words = [s, n]
            case Operands.D_I20:
                words = [d, n]
            case Operands.S:
                words = [s]
        return " ".join([self.form.mnemonic, ", ".join(words)]).strip()


_CANDIDATES: Final = tuple(
    tuple(form for form in FORMS if form.code >> 28 == top) for top in range(16)
)
_WIDE: Final = (Operands.I24, Operands.LABEL)
_WITHOUT_CONSTANT: Final = (Operands.NONE, Operands.D_S, Operands.S)
_WITHOUT_SOURCE: Final = (Operands.NONE, Operands.D_I20)
_SIGN_20: Final = 1 << 19


def decode(word: int, address: int = 0) -> Instruction:
    """Decode one word. Raises :class:`IllegalInstruction`."""
    for form in _CANDIDATES[word >> 28]:
        if word & form.mask == form.code:
            break
    else:
        raise IllegalInstruction(f"instruction {address}: 0x{word:08x} is no known operation")
    if form.operands in _WIDE:
        return Instruction(form, 0, 0, word & 0xFF_FFFF)
    constant = 0 if form.operands in _WITHOUT_CONSTANT else word & 0xF_FFFF
    if form.operands is Operands.D_S_S20 and constant & _SIGN_20:
        constant -= 1 << 20
    destination = 0 if form.mask & 0x0F00_0000 else word >> 24 & 15
    source = 0 if form.operands in _WITHOUT_SOURCE else word >> 20 & 15
    instruction = Instruction(form, destination, source, constant)
    if encode(instruction) != word:
        raise IllegalInstruction(
            f"instruction {address}: 0x{word:08x} is {instruction}, with bits set that no program "
            "has"
        )
    return instruction


def encode(instruction: Instruction) -> int:
    """Return the word: what :func:`decode` undoes."""
    form = instruction.form
    if form.operands in _WIDE:
        return form.code | instruction.constant & 0xFF_FFFF
    word = form.code | instruction.source << 20
    if form.mask & 0x0F00_0000 == 0:
        word |= instruction.destination << 24
    return word if form.mask & 15 else word | instruction.constant & 0xF_FFFF
