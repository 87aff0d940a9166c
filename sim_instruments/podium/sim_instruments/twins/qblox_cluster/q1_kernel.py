"""The inner loop of the Q1 processor, compiled by Numba.

The classical side runs ahead of the real-time side, which executes timed instructions from a
queue. Costs, queue and phase registers follow q1simulator 1.3.4 (MIT, TU Delft; ``q1core.py``,
``rt_renderer.py``), with these differences: the real-time side starts with its first instruction
(there, ten ticks after the classical side at the latest); a real-time instruction that the
hardware cannot execute ends the run; a stale register read yields the old value instead of an
error; flags of a left shift are those of the 32-bit result.

Phases are kept as integers, in quarters of 1e-9 turn: a frequency step of 0.25 Hz for 1 ns.
"""

from typing import Any, Final

import numba
import numpy as np

from podium.firmware_interfaces.qblox_cluster.q1asm.isa import JUMP_TICKS, TICK_NS, Operation
from podium.sim_instruments.twins.qblox_cluster import q1_image

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
    TRIGGER_ADDRESS,
    SYNC_AFTER_NS,
    ROWS,
    FLAGS,
    EXIT_CODE,
    ACQ_READY_NS,
    ACQ_HEAD,
    ACQ_LENGTH,
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

QUEUE_SIZE: Final = 32  # q1simulator q1core.py RT_BUFFER_SIZE
CORE_LEAD_NS: Final = 40  # q1simulator q1core.py: the core's head start of 10 ticks
MIN_DURATION_NS: Final = 4  # qblox-scheduler 1.0.1 backends/qblox/constants.py
MAX_DURATION_NS: Final = 65535  # width of seq_cnt_imm
MAX_FREQ: Final = 2_000_000_000  # 500 MHz in steps of 0.25 Hz
TURN: Final = 4_000_000_000  # one turn, in quarters of 1e-9 turn
ACQ_BUFFER: Final = 8
"""Docs, FAQ: up to 7 acquisitions above the sustained rate; q1simulator keeps 8."""
ACQ_SPACING_NS: Final = 300  # docs.qblox.com FAQ: sustained rate with up to two sequencers

_JUMP_NS = JUMP_TICKS * TICK_NS
_MASK = 0xFFFF_FFFF
_SIGN = 0x8000_0000
_TWO32 = 1 << 32

# Numba takes plain integers as constants, not members of an enumeration.
_ILLEGAL = int(Operation.ILLEGAL)
_STOP = int(Operation.STOP)
_NOP = int(Operation.NOP)
_JMP = int(Operation.JMP)
_JZ = int(Operation.JZ)
_JNZ = int(Operation.JNZ)
_JO = int(Operation.JO)
_JNO = int(Operation.JNO)
_JS = int(Operation.JS)
_JNS = int(Operation.JNS)
_JG = int(Operation.JG)
_JGE = int(Operation.JGE)
_JL = int(Operation.JL)
_JLE = int(Operation.JLE)
_JA = int(Operation.JA)
_JAE = int(Operation.JAE)
_JB = int(Operation.JB)
_JBE = int(Operation.JBE)
_MOVE = int(Operation.MOVE)
_NOT = int(Operation.NOT)
_ADD = int(Operation.ADD)
_SUB = int(Operation.SUB)
_MULU16 = int(Operation.MULU16)
_MULS16 = int(Operation.MULS16)
_MULU32 = int(Operation.MULU32)
_MULU32L = int(Operation.MULU32L)
_MULU32H = int(Operation.MULU32H)
_MULS32 = int(Operation.MULS32)
_MULS32L = int(Operation.MULS32L)
_MULS32H = int(Operation.MULS32H)
_AND = int(Operation.AND)
_OR = int(Operation.OR)
_XOR = int(Operation.XOR)
_TEST = int(Operation.TEST)
_CMP = int(Operation.CMP)
_ASL = int(Operation.ASL)
_ASR = int(Operation.ASR)
_LSR = int(Operation.LSR)
_SET_MRK = int(Operation.SET_MRK)
_RESET_PH = int(Operation.RESET_PH)
_SET_FREQ = int(Operation.SET_FREQ)
_SET_PH = int(Operation.SET_PH)
_SET_PH_DELTA = int(Operation.SET_PH_DELTA)
_SET_AWG_GAIN = int(Operation.SET_AWG_GAIN)
_SET_AWG_OFFS = int(Operation.SET_AWG_OFFS)
_SET_COND = int(Operation.SET_COND)
_SET_SCOPE_EN = int(Operation.SET_SCOPE_EN)
_SW_REQ = int(Operation.SW_REQ)
_WAIT = int(Operation.WAIT)
_UPD_PARAM = int(Operation.UPD_PARAM)
_PLAY = int(Operation.PLAY)
_ACQUIRE = int(Operation.ACQUIRE)
_ACQUIRE_WEIGHED = int(Operation.ACQUIRE_WEIGHED)
_WAIT_SYNC = int(Operation.WAIT_SYNC)
_WAIT_TRIGGER = int(Operation.WAIT_TRIGGER)
_LATCH_RST = int(Operation.LATCH_RST)
_SET_LATCH_EN = int(Operation.SET_LATCH_EN)
_GOTO = q1_image.GOTO
_SAVE = q1_image.SAVE


@numba.njit(cache=True, inline="always")
def _signed(value: int) -> int:  # pragma: no cover - compiled
    return value - ((value & _SIGN) << 1)


@numba.njit(cache=True, inline="always")
def _signed16(value: int) -> int:  # pragma: no cover - compiled
    return (value & 0x7FFF) - (value & 0x8000)


@numba.njit(cache=True)
def _count_triggers(
    trigger_ns: Any, trigger_address: Any, following: int, until_ns: int, enabled: int, counts: Any
) -> int:  # pragma: no cover - compiled
    """Count the triggers that have arrived; return the index of the first that has not."""
    while following < trigger_ns.size and trigger_ns[following] <= until_ns:
        if enabled:
            counts[trigger_address[following]] += 1
        following += 1
    return following


@numba.njit(cache=True)
def _condition(
    mask: int, operation: int, counts: Any, thresholds: Any, inverts: Any
) -> bool:  # pragma: no cover - compiled
    """Say whether the latched triggers meet a condition; bit 0 of the mask is trigger 1."""
    meant = 0
    met = 0
    for k in range(15):
        if mask & (1 << k):
            meant += 1
            if (counts[k + 1] >= thresholds[k + 1]) != inverts[k + 1]:
                met += 1
    if operation == 0:
        return met != 0
    if operation == 1:
        return met == 0
    if operation == 2:
        return met == meant
    if operation == 3:
        return met != meant
    if operation == 4:
        return met % 2 == 1
    return met % 2 == 0


@numba.njit(cache=True, nogil=True)
def execute(
    code: Any,
    length: int,
    slots: Any,
    state: Any,
    queue: Any,
    acq_queue: Any,
    wave_lengths: Any,
    weight_lengths: Any,
    acq_bins: Any,
    trigger_ns: Any,
    trigger_address: Any,
    trigger_counts: Any,
    trigger_thresholds: Any,
    trigger_inverts: Any,
    rows64: Any,
    rows32: Any,
    limit_ns: int,
    limit_count: int,
) -> int:  # pragma: no cover - compiled
    """Execute until something outside is needed; return one of the reasons above.

    ``code`` and ``slots`` are an Image's; ``queue`` holds ``QUEUE_SIZE`` times, ``acq_queue``
    ``ACQ_BUFFER``; lengths and bins are -1 where an index is not in use; ``rows64`` has shape
    (2, n), ``rows32`` (ROW_COLUMNS, n). Everything is updated in place.
    """
    pc = state[PC]
    core = state[CORE_NS]
    time = state[TIME_NS]
    started = state[STARTED]
    count = state[COUNT]
    zero = state[ZERO] != 0
    negative = state[NEGATIVE] != 0
    carry = state[CARRY] != 0
    overflow = state[OVERFLOW] != 0
    head = state[QUEUE_HEAD]
    queued = state[QUEUE_LENGTH]
    gain0 = state[GAIN_0]
    gain1 = state[GAIN_1]
    offs0 = state[OFFS_0]
    offs1 = state[OFFS_1]
    marker = state[MARKER]
    freq = state[FREQ]
    pending = state[PENDING]
    cond_enabled = state[COND_ENABLED]
    rows = state[ROWS]
    flags = state[FLAGS]
    capacity = rows64.shape[1]
    status = -1

    while True:
        at = np.uint64(pc)  # unsigned: Numba leaves out the check for negative indices
        op = code[at, 0]
        core += code[at, 6]
        count += 1
        pc += 1
        if op < _WAIT:
            jump = False
            if op == _NOP or op == _SW_REQ or op == _SET_SCOPE_EN:
                pass
            elif op == _MOVE:
                slots[code[at, 2]] = slots[code[at, 1]]
            elif op == _ADD:
                a = slots[code[at, 1]]
                b = slots[code[at, 2]]
                full = a + b
                result = full & _MASK
                zero = result == 0
                negative = (result & _SIGN) != 0
                carry = full > _MASK
                overflow = ((a ^ result) & (b ^ result) & _SIGN) != 0
                slots[code[at, 3]] = result
            elif op == _SUB or op == _CMP:
                a = slots[code[at, 1]]
                b = slots[code[at, 2]]
                result = (a - b) & _MASK
                zero = result == 0
                negative = (result & _SIGN) != 0
                carry = a < b
                overflow = ((a ^ b) & (a ^ result) & _SIGN) != 0
                if op == _SUB:
                    slots[code[at, 3]] = result
            elif op == _JMP:
                jump = True
            elif op == _JZ:
                jump = zero
            elif op == _JNZ:
                jump = not zero
            elif op == _JO:
                jump = overflow
            elif op == _JNO:
                jump = not overflow
            elif op == _JS:
                jump = negative
            elif op == _JNS:
                jump = not negative
            elif op == _JG:
                jump = (not zero) and negative == overflow
            elif op == _JGE:
                jump = negative == overflow
            elif op == _JL:
                jump = negative != overflow
            elif op == _JLE:
                jump = zero or negative != overflow
            elif op == _JA:
                jump = not (zero or carry)
            elif op == _JAE:
                jump = not carry
            elif op == _JB:
                jump = carry
            elif op == _JBE:
                jump = zero or carry
            elif op == _AND or op == _TEST:
                result = slots[code[at, 1]] & slots[code[at, 2]]
                zero = result == 0
                negative = (result & _SIGN) != 0
                carry = False
                overflow = False
                if op == _AND:
                    slots[code[at, 3]] = result
            elif op == _OR:
                result = slots[code[at, 1]] | slots[code[at, 2]]
                zero = result == 0
                negative = (result & _SIGN) != 0
                carry = False
                overflow = False
                slots[code[at, 3]] = result
            elif op == _XOR:
                result = slots[code[at, 1]] ^ slots[code[at, 2]]
                zero = result == 0
                negative = (result & _SIGN) != 0
                carry = False
                overflow = False
                slots[code[at, 3]] = result
            elif op == _NOT:
                result = ~slots[code[at, 1]] & _MASK
                zero = result == 0
                negative = (result & _SIGN) != 0
                carry = False
                overflow = False
                slots[code[at, 2]] = result
            elif op == _ASL:
                a = slots[code[at, 1]]
                full = a << min(slots[code[at, 2]], 63)
                result = full & _MASK
                zero = result == 0
                negative = (result & _SIGN) != 0
                carry = ((full >> 32) & 1) != 0
                overflow = ((a ^ result) & _SIGN) != 0
                slots[code[at, 3]] = result
            elif op == _ASR or op == _LSR:
                a = slots[code[at, 1]]
                shift = min(slots[code[at, 2]], 63)
                result = ((_signed(a) if op == _ASR else a) >> shift) & _MASK
                zero = result == 0
                negative = (result & _SIGN) != 0
                carry = shift > 0 and ((a >> (shift - 1)) & 1) != 0
                overflow = False
                slots[code[at, 3]] = result
            elif op == _MULU16 or op == _MULS16:
                if op == _MULU16:
                    result = (slots[code[at, 1]] & 0xFFFF) * (slots[code[at, 2]] & 0xFFFF)
                else:
                    result = (_signed16(slots[code[at, 1]]) * _signed16(slots[code[at, 2]])) & _MASK
                zero = result == 0
                negative = (result & _SIGN) != 0
                carry = False
                overflow = False
                slots[code[at, 3]] = result
            elif op == _MULU32 or op == _MULU32L or op == _MULU32H:
                a = slots[code[at, 1]]
                b = slots[code[at, 2]]
                wide = np.uint64(a) * np.uint64(b)
                low = np.int64(wide & np.uint64(_MASK))
                high = np.int64(wide >> np.uint64(32))
                zero = (low | high) == 0
                negative = (high & _SIGN) != 0
                carry = False
                overflow = False
                slots[code[at, 3]] = high if op == _MULU32H else low
                if op == _MULU32:
                    slots[code[at, 4]] = high
            elif op == _MULS32 or op == _MULS32L or op == _MULS32H:
                product = _signed(slots[code[at, 1]]) * _signed(slots[code[at, 2]])
                zero = product == 0
                negative = product < 0
                carry = False
                overflow = False
                high = (product >> 32) & _MASK
                slots[code[at, 3]] = high if op == _MULS32H else product & _MASK
                if op == _MULS32:
                    slots[code[at, 4]] = high
            elif op == _SET_AWG_GAIN:
                gain0 = _signed16(slots[code[at, 1]])
                gain1 = _signed16(slots[code[at, 2]])
            elif op == _SET_AWG_OFFS:
                offs0 = _signed16(slots[code[at, 1]])
                offs1 = _signed16(slots[code[at, 2]])
            elif op == _SET_MRK:
                marker = slots[code[at, 1]] & 15
            elif op == _SET_FREQ:
                value = _signed(slots[code[at, 1]])
                if value > MAX_FREQ or value < -MAX_FREQ:
                    flags |= FLAG_RT_ILLEGAL  # ASSUMED: refused, neither clipped nor wrapped
                    status = STOPPED
                    break
                state[NEXT_FREQ] = value
                state[HAS_FREQ] = 1
                pending = 1
            elif op == _RESET_PH:
                state[RESET_PHASE] = 1
                pending = 1
            elif op == _SET_PH:
                state[NEXT_PHASE] = 4 * slots[code[at, 1]] % TURN
                pending = 1
            elif op == _SET_PH_DELTA:
                state[NEXT_DELTA] = 4 * slots[code[at, 1]] % TURN
                pending = 1
            elif op == _SET_COND:
                state[TRIGGER_NEXT] = _count_triggers(
                    trigger_ns,
                    trigger_address,
                    state[TRIGGER_NEXT],
                    time,
                    state[LATCH_ENABLED],
                    trigger_counts,
                )
                cond_enabled = slots[code[at, 1]] & 1
                state[COND_MASK] = slots[code[at, 2]] & 0x7FFF
                state[COND_OPERATION] = slots[code[at, 3]]
                state[COND_ELSE_NS] = slots[code[at, 4]]
                if cond_enabled and slots[code[at, 3]] > 5:
                    flags |= FLAG_RT_ILLEGAL  # ASSUMED: operations 6 and 7 do not exist
                    status = STOPPED
                    break
            elif op == _STOP:
                if started and time < core:
                    flags |= FLAG_UNDERFLOW
                state[EXIT_CODE] = _signed(slots[code[at, 1]])
                status = STOPPED
                break
            else:
                flags |= FLAG_Q1_ILLEGAL
                status = STOPPED
                break
            if jump:
                core += _JUMP_NS
                pc = min(slots[code[at, 1]], length)
                if count >= limit_count:
                    status = CUT
                    break
            continue

        if op == _GOTO:
            pc = np.int64(code[at, 1])
            count -= 1
            continue
        if op == _SAVE:
            slots[code[at, 1]] = slots[code[at, 2]]
            count -= 1
            continue

        # Timed instructions: first the place in the queue of the real-time side.
        if rows == capacity:
            core -= code[at, 6]
            count -= 1
            pc -= 1
            status = ROWS_FULL
            break
        if not started:
            started = 1
            time = max(time, core)
        if time < core:
            flags |= FLAG_UNDERFLOW
            status = STOPPED
            break
        if time > limit_ns:
            status = CUT
            break
        while queued > 0 and queue[head] < core:
            head = (head + 1) & (QUEUE_SIZE - 1)
            queued -= 1
        if queued == QUEUE_SIZE:
            core = queue[head]
            head = (head + 1) & (QUEUE_SIZE - 1)
            queued -= 1
        queue[(head + queued) & (QUEUE_SIZE - 1)] = time
        queued += 1

        duration = slots[code[at, 7]]
        skipped = False
        if cond_enabled and op <= _ACQUIRE_WEIGHED:
            state[TRIGGER_NEXT] = _count_triggers(
                trigger_ns,
                trigger_address,
                state[TRIGGER_NEXT],
                time,
                state[LATCH_ENABLED],
                trigger_counts,
            )
            skipped = not _condition(
                state[COND_MASK],
                state[COND_OPERATION],
                trigger_counts,
                trigger_thresholds,
                trigger_inverts,
            )
            if skipped:
                duration = state[COND_ELSE_NS]
        if duration < MIN_DURATION_NS or duration > MAX_DURATION_NS:
            flags |= FLAG_RT_ILLEGAL  # ASSUMED: the docs give the limits, not what happens beyond
            status = STOPPED
            break

        if op == _WAIT:
            time += duration
        elif op <= _ACQUIRE_WEIGHED:
            if skipped:
                # Parameters of the phase are dropped; gains, offsets and markers stay pending.
                state[RESET_PHASE] = 0
                state[NEXT_PHASE] = -1
                state[NEXT_DELTA] = 0
                state[HAS_FREQ] = 0
                pending = 0
                time += duration
                continue
            if pending:
                wrapped = time % TURN
                if state[RESET_PHASE]:
                    state[RESET_PHASE] = 0
                    state[PHASE_OFFSET] = (-freq * wrapped) % TURN
                    state[PHASE_SET] = 0
                    state[PHASE_DELTA] = 0
                if state[NEXT_PHASE] >= 0:
                    state[PHASE_SET] = state[NEXT_PHASE]
                    state[NEXT_PHASE] = -1
                if state[HAS_FREQ]:
                    state[HAS_FREQ] = 0
                    kept = (state[PHASE_OFFSET] + (freq * wrapped) % TURN) % TURN
                    freq = state[NEXT_FREQ]
                    state[PHASE_OFFSET] = (kept - (freq * wrapped) % TURN) % TURN
                state[PHASE_DELTA] = (state[PHASE_DELTA] + state[NEXT_DELTA]) % TURN
                state[NEXT_DELTA] = 0
                pending = 0
            kind = 0
            wave0 = -1
            wave1 = -1
            acq = -1
            bin_ = -1
            weight0 = -1
            weight1 = -1
            if op == _PLAY:
                a = slots[code[at, 1]]
                b = slots[code[at, 2]]
                if a >= wave_lengths.size or wave_lengths[a] < 0:
                    flags |= FLAG_WAVE_0
                elif b >= wave_lengths.size or wave_lengths[b] < 0:
                    flags |= FLAG_WAVE_1
                else:
                    kind = 1
                    wave0 = a
                    wave1 = b
            elif op != _UPD_PARAM:
                a = slots[code[at, 1]]
                b = slots[code[at, 2]]
                usable = True
                if op == _ACQUIRE_WEIGHED:
                    weight0 = slots[code[at, 3]]
                    weight1 = slots[code[at, 4]]
                    if weight0 >= weight_lengths.size or weight_lengths[weight0] < 0:
                        flags |= FLAG_WEIGHT_0
                        usable = False
                    elif weight1 >= weight_lengths.size or weight_lengths[weight1] < 0:
                        flags |= FLAG_WEIGHT_1
                        usable = False
                if usable:
                    if acq_bins[a] < 0:
                        flags |= FLAG_ACQ_INDEX
                        usable = False
                    elif b >= acq_bins[a]:
                        flags |= FLAG_ACQ_BIN
                        usable = False
                if usable:
                    waiting = state[ACQ_LENGTH]
                    first = state[ACQ_HEAD]
                    ready = state[ACQ_READY_NS]
                    while waiting > 0 and ready <= time:
                        ready = max(acq_queue[first], ready) + ACQ_SPACING_NS
                        first = (first + 1) & (ACQ_BUFFER - 1)
                        waiting -= 1
                    if waiting == ACQ_BUFFER:
                        flags |= FLAG_ACQ_FIFO
                        usable = False
                    else:
                        acq_queue[(first + waiting) & (ACQ_BUFFER - 1)] = time
                        waiting += 1
                    state[ACQ_LENGTH] = waiting
                    state[ACQ_HEAD] = first
                    state[ACQ_READY_NS] = ready
                if usable:
                    kind = 2 if op == _ACQUIRE else 3
                    acq = a
                    bin_ = b
                else:
                    weight0 = -1
                    weight1 = -1
            phase = freq * (time % TURN) % TURN + state[PHASE_OFFSET]
            phase = (phase + state[PHASE_SET] + state[PHASE_DELTA]) % TURN
            rows64[0, rows] = time
            rows64[1, rows] = phase >> 2
            rows32[ROW_KIND, rows] = kind
            rows32[ROW_WAVE_0, rows] = wave0
            rows32[ROW_WAVE_1, rows] = wave1
            rows32[ROW_GAIN_0, rows] = gain0
            rows32[ROW_GAIN_1, rows] = gain1
            rows32[ROW_OFFS_0, rows] = offs0
            rows32[ROW_OFFS_1, rows] = offs1
            rows32[ROW_FREQ, rows] = freq
            rows32[ROW_MARKER, rows] = marker
            rows32[ROW_ACQ, rows] = acq
            rows32[ROW_BIN, rows] = bin_
            rows32[ROW_WEIGHT_0, rows] = weight0
            rows32[ROW_WEIGHT_1, rows] = weight1
            rows += 1
            time += duration
        elif op == _WAIT_SYNC:
            state[SYNC_AFTER_NS] = duration
            status = WAITS_FOR_SYNC
            break
        elif op == _WAIT_TRIGGER:
            address = slots[code[at, 1]] & 15
            following = state[TRIGGER_NEXT]
            while following < trigger_ns.size and (
                trigger_ns[following] < time or trigger_address[following] != address
            ):
                if state[LATCH_ENABLED]:
                    trigger_counts[trigger_address[following]] += 1
                following += 1
            state[TRIGGER_NEXT] = following
            if following == trigger_ns.size:
                state[TRIGGER_ADDRESS] = address
                status = WAITS_FOR_TRIGGER
                break
            time = trigger_ns[following] + duration
        elif op == _LATCH_RST or op == _SET_LATCH_EN:
            state[TRIGGER_NEXT] = _count_triggers(
                trigger_ns,
                trigger_address,
                state[TRIGGER_NEXT],
                time,
                state[LATCH_ENABLED],
                trigger_counts,
            )
            if op == _LATCH_RST:
                trigger_counts[:] = 0
            else:
                state[LATCH_ENABLED] = slots[code[at, 1]] & 1
            time += duration
        else:
            flags |= FLAG_Q1_ILLEGAL
            status = STOPPED
            break

    state[PC] = pc
    state[CORE_NS] = core
    state[TIME_NS] = time
    state[STARTED] = started
    state[COUNT] = count
    state[ZERO] = zero
    state[NEGATIVE] = negative
    state[CARRY] = carry
    state[OVERFLOW] = overflow
    state[QUEUE_HEAD] = head
    state[QUEUE_LENGTH] = queued
    state[GAIN_0] = gain0
    state[GAIN_1] = gain1
    state[OFFS_0] = offs0
    state[OFFS_1] = offs1
    state[MARKER] = marker
    state[FREQ] = freq
    state[PENDING] = pending
    state[COND_ENABLED] = cond_enabled
    state[ROWS] = rows
    state[FLAGS] = flags
    return status
