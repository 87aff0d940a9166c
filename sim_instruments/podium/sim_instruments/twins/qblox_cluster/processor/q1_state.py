"""The kernel of the Q1 processor and its callers share these layouts, flags and limits.

Numba's cache of the kernel does not notice a change here or in ``isa.py`` or ``q1_arithmetic.py``:
after one, change ``q1_kernel.py`` too (or remove ``__pycache__``).
"""

from typing import Final

# Why the kernel returns.
AT_LOOP: Final = -1
"""A loop that is watched has jumped back; LOOP_ROW says which."""
STOPPED: Final = 0
WAITS_FOR_SYNC: Final = 1
WAITS_FOR_TRIGGER: Final = 2
CUT: Final = 3
ROWS_FULL: Final = 4
"""From here on the instruction is executed anew when the kernel is called again."""
WAITS_FOR_MESSAGE: Final = 5
WAITS_TO_KNOW: Final = 6
"""What triggers came by its time is not known yet."""
AT_STOP: Final = 7
"""Somebody wants to look at the processor before the instruction."""

# Bits of the flags; FLAG_NAMES has their words.
FLAG_Q1_ILLEGAL: Final = 1
FLAG_RT_ILLEGAL: Final = 2
FLAG_UNDERFLOW: Final = 4
FLAG_WAVE_0: Final = 8
FLAG_WAVE_1: Final = 16
FLAG_WEIGHT_0: Final = 32
FLAG_WEIGHT_1: Final = 64
FLAG_ACQ_INDEX: Final = 128
FLAG_ACQ_BIN: Final = 256
FLAG_ACQ_FIFO: Final = 512

FLAG_NAMES: Final = {
    # qblox_instruments 1.4.1, native/definitions.py SequencerStatusFlags, blanks for underscores.
    FLAG_Q1_ILLEGAL: "SEQUENCE PROCESSOR Q1 ILLEGAL INSTRUCTION",
    FLAG_RT_ILLEGAL: "SEQUENCE PROCESSOR RT EXEC ILLEGAL INSTRUCTION",
    FLAG_UNDERFLOW: "SEQUENCE PROCESSOR RT EXEC COMMAND UNDERFLOW",
    FLAG_WAVE_0: "AWG WAVE PLAYBACK INDEX INVALID PATH 0",
    FLAG_WAVE_1: "AWG WAVE PLAYBACK INDEX INVALID PATH 1",
    FLAG_WEIGHT_0: "ACQ WEIGHT PLAYBACK INDEX INVALID PATH 0",
    FLAG_WEIGHT_1: "ACQ WEIGHT PLAYBACK INDEX INVALID PATH 1",
    FLAG_ACQ_INDEX: "ACQ INDEX INVALID",
    FLAG_ACQ_BIN: "ACQ BIN INDEX INVALID",
    FLAG_ACQ_FIFO: "ACQ BINNING FIFO ERROR",
}

# Places in the state vector, which survives from one call of the kernel to the next.
(
    PC,
    CORE_NS,
    TIME_NS,
    STARTED,
    COUNT,
    ZERO,
    NEGATIVE,
    CARRY,
    OVERFLOW,
    QUEUE_HEAD,
    QUEUE_LENGTH,
    GAIN_0,
    GAIN_1,
    OFFS_0,
    OFFS_1,
    MARKER,
    FREQ,
    NEXT_FREQ,
    HAS_FREQ,
    RESET_PHASE,
    NEXT_PHASE,
    NEXT_DELTA,
    PHASE_OFFSET,
    PHASE_SET,
    PHASE_DELTA,
    PENDING,
    COND_ENABLED,
    COND_MASK,
    COND_OPERATION,
    COND_ELSE_NS,
    LATCH_ENABLED,
    TRIGGER_NEXT,
    SYNC_AFTER_NS,
    ROWS,
    FLAGS,
    EXIT_CODE,
    ACQ_READY_NS,
    ACQ_HEAD,
    ACQ_LENGTH,
    WAIT_ADDRESS,
    KNOWN_NS,
    ACQ_SPACING,
    SHARES,
    SENT,
    INBOX_NEXT,
    OVER,
    LOOP_ROW,
) = range(47)
ACQ_TIMES: Final = 47
"""From here on: times of ACQ_BUFFER acquisitions that the binning has not taken yet."""
STATE_SIZE: Final = 55
FOR_EVER: Final = 1 << 62
"""In KNOWN_NS: no trigger comes that is not known."""

# Columns of the 32-bit rows; the 64-bit ones are time and phase.
(
    ROW_KIND,
    ROW_WAVE_0,
    ROW_WAVE_1,
    ROW_GAIN_0,
    ROW_GAIN_1,
    ROW_OFFS_0,
    ROW_OFFS_1,
    ROW_FREQ,
    ROW_MARKER,
    ROW_ACQ,
    ROW_BIN,
    ROW_WEIGHT_0,
    ROW_WEIGHT_1,
) = range(13)
ROW_COLUMNS: Final = 13

# What else a row can be; real_time_trace.py EventKind has all of them. On a time-tag sequencer the
# columns GAIN_0, OFFS_0 and OFFS_1 hold the level of the output, its fine delay, and how often
# set_time_ref was latched; WEIGHT_0 the fine delay of a window, or a threshold (BIN is its index).
KIND_CLOSE: Final = 4
KIND_OPEN: Final = 5
KIND_LEVEL: Final = 6
KIND_THRESHOLD: Final = 7
KIND_TTL_OPEN: Final = 8
KIND_TTL_CLOSE: Final = 9
FINE_DELAY_MASK: Final = 0x7FF  # isa.py seq_fine_acq_delay_imm; registers are cut: ASSUMED

QUEUE_SIZE: Final = 32  # q1simulator q1core.py RT_BUFFER_SIZE
CORE_LEAD_NS: Final = 40  # q1simulator q1core.py: the core's head start of 10 ticks
MIN_DURATION_NS: Final = 4  # qblox-scheduler 1.0.1 backends/qblox/constants.py
MAX_DURATION_NS: Final = 65535  # width of seq_cnt_imm
MAX_FREQ: Final = 2_000_000_000  # 500 MHz in steps of 0.25 Hz
TURN: Final = 4_000_000_000  # one turn, in quarters of 1e-9 turn
ACQ_BUFFER: Final = 8
"""Docs, FAQ: up to 7 acquisitions above the sustained rate; q1simulator keeps 8."""
ACQ_SPACING_NS: Final = 300
"""docs.qblox.com, FAQ: sustained, of each sequencer, while one or two of a module acquire; twice
that while three or four do, three times while five or six do."""

# What goes out of a sequencer other than signals: time, number, value. Numbers are those of
# commands (q1asm/commands.py), and one more.
SENT_COLUMNS: Final = 3
ACQUIRED: Final = -1
"""An acquisition whose result is shared; the value says what it is, see :func:`acquired`."""
KINDS: Final = 16
FINE_DELAYS: Final = 4096
"""The value is ``kind + KINDS * (weight0 + 1 + FINE_DELAYS * (weight1 + 1))``."""
INBOX_COLUMNS: Final = 3
"""Time of arrival, id, value."""

TRIGGERS: Final = 15  # addresses 1 to 15: isa.py seq_trig_addr_imm, seq_mask_imm
WAVEFORMS: Final = 1024  # isa.py seq_wave_idx0_imm
WEIGHTS: Final = 64  # isa.py seq_weight_idx0_imm
ACQUISITIONS: Final = 32  # isa.py seq_acq_idx_imm


# Arrays of the kernel, int64. Few: each that is handed on costs time.
WAVES: Final = 0
WEIGHT_LENGTHS: Final = 1
BINS: Final = 2
"""Rows of ``tables``, shape (3, WAVEFORMS): lengths, -1 where an index is not in use."""
TRIGGER_NS: Final = 0
TRIGGER_ADDRESS: Final = 1
"""Rows of ``triggers``, shape (2, n), ascending in time."""
COUNTS: Final = 0
THRESHOLDS: Final = 1
INVERTS: Final = 2
"""Rows of ``latches``, shape (3, TRIGGERS + 1), by address."""


def acquired(value: int) -> tuple[int, int, int]:
    """Return kind and two weights (columns of a row) from what ACQUIRED says."""
    weights, kind = divmod(value, KINDS)
    return kind, weights % FINE_DELAYS - 1, weights // FINE_DELAYS - 1
