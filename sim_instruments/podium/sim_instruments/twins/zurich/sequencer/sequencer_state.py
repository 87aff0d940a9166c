"""Names of the numbers that the sequencer's kernel works on.

Times are samples from the program's start (2.0 GSa/s on SHF instruments, 2.4 or 2.0 on an HDAWG);
the sequencer itself advances in cycles of eight of them.
"""

from enum import IntEnum
from typing import Final

CYCLE: Final = 8
"""Samples in a cycle of the sequencer: 300 MHz at 2.4 GSa/s, 250 MHz at 2.0 (user manuals)."""
LEAD: Final = 32 * CYCLE
"""How far the sequencer runs ahead of what is played, in samples.

ASSUMED: that it does is known (the manuals speak of a play queue), how far is not. Whatever a
program does between two plays costs nothing as long as it fits into this."""
TAKEN: Final = CYCLE
"""What a branch that is taken costs beyond its own cycle.

ASSUMED: the compiler gives a ``switch`` of n cases 4 n cycles until its branches go on together;
for one case that is a subtraction, the branch, a constant and the wait itself: no room for more.
Everything else takes one cycle (ASSUMED)."""
CHOSEN: Final = 3 * CYCLE
"""From taking a result to the first sample of the entry of the command table that it chooses:
``EXECUTETABLEENTRY_LATENCY`` of LabOne Q (Apache-2.0, ``compiler_settings.py``), three cycles."""
PHASE_TURN: Final = 1 << 23
"""A turn of a sine generator's phase: ``setSinePhase(90)`` compiles to a quarter of it."""
AMPLITUDE_ONE: Final = 1 << 17
"""Full amplitude in the registers of a command table. ASSUMED: 18 bits, as many as the products of
these instruments' logic take; tables give a number between -1 and 1 and no resolution."""
FREQUENCY_TURN: Final = 1 << 48
"""A turn per sample of an oscillator: ``setOscFreq(0, 1e6)`` compiles to f / 2 GHz * 2^48."""

GRANULARITY: Final = 16
SHORTEST: Final = 32
"""Samples of a play: the compiler says so when it extends a constant."""

REGISTERS: Final = 17
"""R0 to R15, and where writes to R0 go."""
USER_REGISTERS: Final = 16
OSCILLATORS: Final = 8


class State(IntEnum):
    """Places in the state vector."""

    PC = 0
    CORE = 1
    """Time of the sequencer."""
    PLAYER_END = 2
    """When everything that was queued has been played."""
    LAST_START = 3
    """Start of the last play..."""
    OUT = 4
    """... time of the last thing put out without being played..."""
    OUT_CORE = 5
    """... and the sequencer's time at it."""
    COUNT = 6
    ROWS = 7
    CONFIG = 8
    TIMER = 9
    START_TRIGGER = 10
    """From when results are counted: a play right behind the last wait for a trigger begins then.
    So do LabOne Q (Apache-2.0, ``seqc_parser.py``) and zhinst-timing-models."""
    LATENCY = 11
    """Cycles after it at which the next result is taken; -1 at once."""
    GAPS = 12
    GAP_TIME = 13
    FED = 14
    """Whether the play queue has run without a wait since the last play."""
    CURSOR = 15
    """The next input."""
    WAITING = 16
    """Source that is waited for."""
    RATE = 17
    """Rate divider where a play names none, as a power of two."""
    FAULT_WORD = 18
    PRNG = 19
    PRNG_LOWER = 20
    PRNG_SPAN = 21
    FEEDBACK_A = 22
    FEEDBACK_B = 23
    FEEDBACK_QA = 24
    RAW = 25
    QA_RAW = 26
    DIO_IN = 27
    TRIGGER_IN = 28
    COUNTER_IN = 29
    QA_GENERATORS = 30
    AMPLITUDE_0 = 31
    """and three more"""
    PHASE_0 = 35
    PHASE_1 = 36
    SELECTED = 37
    """Oscillator selected by a command table."""
    PENDING = 38
    """Which of the registers of an oscillator were written since the last commit."""
    P_STEP = 39
    P_START = 40
    P_INCREMENT = 41
    PLAYED = 42
    """Samples that were played or held, gaps left out."""
    LATE = 43
    """How often a result was asked for after the time given for it."""
    LOG_SILENCE = 44
    """Whether zeros, and holds of them, are rows, too."""
    KNOWN = 45
    """Inputs are complete up to here."""
    MEMORY = 46
    """User registers, sixteen."""
    OSC = 62
    """Of each oscillator start, step, index, in that order."""
    SILENT = 86
    """Whether what was played last, holds left out, were zeros."""
    NEEDS = 87
    """Until when inputs must be known for a program to go on that has come back UNKNOWN."""
    UNDECIDED = 88
    """Whether it has read a bit of a result that nobody has decided."""
    SIZE = 89


class Source(IntEnum):
    """The source of an input."""

    DIGITAL_1 = 0
    DIGITAL_2 = 1
    ZSYNC = 2
    """A trigger, with its message."""
    DIO = 3
    """The same over DIO."""
    COUNTER = 4
    PHASE_1 = 5
    PHASE_2 = 6
    TIMESTAMP = 7
    QA = 8
    """Results of the instrument's own analyser: no trigger."""
    DIO_LEVEL = 9
    TRIGGER_LEVEL = 10
    COUNTER_LEVEL = 11
    REGISTER = 12
    """A client sets a user register: its number in bits 32 and up, its value below."""
    FORWARDED = 13
    """Results that a PQSC sends: no trigger, unlike until LabOne 23.02 (PQSC manual, 23.06)."""


class Status(IntEnum):
    """The reason why the kernel came back."""

    ENDED = 0
    WAITING = 1
    """for an input that did not come"""
    FULL = 2
    """No room for rows."""
    TIME_LIMIT = 3
    COUNT_LIMIT = 4
    UNKNOWN = 5
    """What was asked for lies beyond the inputs that are known."""
    BAD_TABLE_INDEX = 6
    """The command table has no such entry, or no waveform for it."""
    BAD_PROGRAM_COUNTER = 7
    ILLEGAL = 8
    """An instruction, or an address of a peripheral, that this sequencer does not have."""
    AT_STOP = 9
    """It stands before an instruction at which somebody wants to look."""


class Row(IntEnum):
    """Columns of what comes out."""

    TIME = 0
    KIND = 1
    A = 2
    """Samples of a play; else a value."""
    B = 3
    """Address of a waveform; else a second value."""
    CONFIG = 4
    AMPLITUDES_01 = 5
    """Two signed words of 32 bits..."""
    AMPLITUDES_23 = 6
    """... and two."""
    PHASES = 7
    COLUMNS = 8


class Kind(IntEnum):
    """The kind of a row."""

    WAVE = 0
    ZERO = 1
    HOLD = 2
    SETTING = 3
    """An entry of the command table without a waveform."""
    TRIGGER = 4
    DIO = 5
    START_QA = 6
    """A generators and trigger, B integrators and monitor: the words of the two registers."""
    FREQUENCY = 7
    """A oscillator, B turns per sample in units of 2^-48"""
    RESET_OSCILLATORS = 8
    """A mask"""
    SINE_PHASE = 9
    USER_REGISTER = 10
    ID = 11
    RESET_LOGGER = 12
    INTERRUPT = 13
    NODE = 14


class Op(IntEnum):
    """Operations of the kernel: those of the machine, told apart by peripheral and family."""

    NOP = 0
    ADD_CONSTANT = 1
    ADD = 2
    SUBTRACT = 3
    AND = 4
    OR = 5
    SHIFT_LEFT = 6
    SHIFT_RIGHT = 7
    AND_CONSTANT = 8
    OR_CONSTANT = 9
    XNOR_CONSTANT = 10
    JUMP = 11
    BRANCH_ZERO = 12
    BRANCH_NOT_ZERO = 13
    BRANCH_POSITIVE = 14
    CONFIGURE = 15
    CONFIGURE_REGISTER = 16
    # From here on: plays.
    PLAY_ZERO = 17
    PLAY = 18
    PLAY_LONG = 19
    TABLE = 20
    # From here on: whatever is rarer.
    OUTPUT = 21
    WAIT_CYCLES = 22
    WAIT_INPUT = 23
    WAIT_TIMER = 24
    WAIT_WAVE = 25
    WAIT_QUEUE = 26
    REMEMBER = 27
    """Store to a place of the state."""
    RECALL = 28
    SET_TIMER = 29
    LOAD_RESULT = 30
    LOAD_LEVEL = 31
    LOAD_PRNG = 32
    SET_FEEDBACK = 33
    START = 34
    USER_REGISTER = 35
    START_QA = 36
    SINE_PHASE = 37
    SINE_INCREMENT = 38
    PEND = 39
    COMMIT = 40
    END = 41
    ILLEGAL = 42
    STOP = 43
    """No instruction: somebody wants to look before the one that stands here."""


class Result(IntEnum):
    """The source of data of a command table's entry, or of a load."""

    CONSTANT = 0
    REGISTER = 1
    RAW = 2
    PROCESSED_A = 3
    PROCESSED_B = 4
    QA = 5
    QA_RAW = 6


class Entry(IntEnum):
    """Columns of a command table."""

    KIND = 0
    """:data:`ABSENT`, :data:`MISSING`, else of :class:`Kind`: WAVE, ZERO or SETTING."""
    SAMPLES = 1
    RATE = 2
    """-1 the default"""
    ADDRESS = 3
    CONFIG = 4
    SELECT = 5
    """Oscillator, or -1."""
    AMPLITUDE_MODES = 6
    """Four columns: 0 leave, 1 set, 2 add."""
    AMPLITUDES = 10
    PHASE_MODES = 14
    PHASES = 16
    COLUMNS = 18


ABSENT: Final = -1
"""The command table has no such entry."""
MISSING: Final = -2
"""The entry plays a waveform that the program does not have, or more of it than there is."""

UNDECIDED_AT: Final = 32
"""A word of results has 32 bits; one that is so much higher says that nobody has decided a bit."""
OFFSET: Final = 0xFFF
SHIFT_AT: Final = 16
MASK_AT: Final = 32
"""Fields of what is done to a result before it is read."""
WHOLE: Final = -1 << MASK_AT
"""Those of raw data, which is read as it is."""

# What a play configuration (``cwvf``) says.
CHANNELS: Final = 0x3
"""0 none, 1 one, 3 two."""
RATE_SHIFT: Final = 2
SUPPRESS_SHIFT: Final = 6
"""Of the waveform's first channel: a bit set keeps it off output 1, the next off output 2..."""
SUPPRESS_STEP: Final = 7
"""... of its second channel, so many bits further."""
HOLD_FIELD: Final = 0xF << 16
"""All zero where the last sample is held: seen with ``playHold(64, 1)`` alone."""
DEFAULT_RATE: Final = 1 << 22
"""The rate is the one of the node."""
DUMMY: Final = 1 << 23
"""No waveform memory is read."""
MARKER_SHIFT: Final = 24
"""Two bits for each channel: 1 its lowest bit is a marker, 3 its two lowest bits are."""
