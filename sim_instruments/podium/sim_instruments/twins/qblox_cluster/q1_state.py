"""What the kernel of the Q1 processor and those who call it both know: layouts, flags, limits.

Numba's cache of the kernel does not notice a change here or in ``isa.py`` or ``q1_arithmetic.py``:
after one, change ``q1_kernel.py`` too (or remove ``__pycache__``).
"""

from typing import Final

# Why the kernel returns.
STOPPED: Final = 0
ROWS_FULL: Final = 1
WAITS_FOR_SYNC: Final = 2
WAITS_FOR_TRIGGER: Final = 3
CUT: Final = 4

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
) = range(40)
STATE_SIZE: Final = 40

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
FINE_DELAY_MASK: Final = 0x7FF  # isa.py seq_fine_acq_delay_imm; registers are cut: ASSUMED

QUEUE_SIZE: Final = 32  # q1simulator q1core.py RT_BUFFER_SIZE
CORE_LEAD_NS: Final = 40  # q1simulator q1core.py: the core's head start of 10 ticks
MIN_DURATION_NS: Final = 4  # qblox-scheduler 1.0.1 backends/qblox/constants.py
MAX_DURATION_NS: Final = 65535  # width of seq_cnt_imm
MAX_FREQ: Final = 2_000_000_000  # 500 MHz in steps of 0.25 Hz
TURN: Final = 4_000_000_000  # one turn, in quarters of 1e-9 turn
ACQ_BUFFER: Final = 8
"""Docs, FAQ: up to 7 acquisitions above the sustained rate; q1simulator keeps 8."""
ACQ_SPACING_NS: Final = 300  # docs.qblox.com FAQ: sustained rate with up to two sequencers

TRIGGERS: Final = 15  # addresses 1 to 15: isa.py seq_trig_addr_imm, seq_mask_imm
WAVEFORMS: Final = 1024  # isa.py seq_wave_idx0_imm
WEIGHTS: Final = 64  # isa.py seq_weight_idx0_imm
ACQUISITIONS: Final = 32  # isa.py seq_acq_idx_imm
