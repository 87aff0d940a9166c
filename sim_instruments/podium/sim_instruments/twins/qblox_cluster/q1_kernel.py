"""The inner loop of the Q1 processor, compiled by Numba.

The classical side runs ahead of the real-time side, which executes timed instructions from a
queue. Costs, queue and phase registers follow q1simulator 1.3.4 (MIT, TU Delft; ``q1core.py``,
``rt_renderer.py``), with these differences: the real-time side starts with its first instruction
(there, ten ticks after the classical side at the latest); a real-time instruction that the
hardware cannot execute ends the run; a stale register read yields the old value instead of an
error; flags of a left shift are those of the 32-bit result; ``reset_ph`` clears the phase offset
that was set as a parameter too.

Operations are told apart by equality alone where it matters: such a chain becomes one table of
jumps, comparisons of ranges would not. Phases are kept as integers, in quarters of 1e-9 turn: a
frequency step of 0.25 Hz for 1 ns.
"""

from typing import Any, Final

import numba
import numpy as np

from podium.firmware_interfaces.qblox_cluster.q1asm.isa import JUMP_TICKS, TICK_NS
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import Operation as Op
from podium.sim_instruments.twins.qblox_cluster import q1_image
from podium.sim_instruments.twins.qblox_cluster import q1_state as q1
from podium.sim_instruments.twins.qblox_cluster.q1_arithmetic import (
    MASK,
    SIGN,
    jumps,
    multiply_16,
    multiply_32,
    shift,
    signed,
    signed16,
)
from podium.sim_instruments.twins.qblox_cluster.q1_latches import (
    admit_acquisition,
    check_weights,
    count_triggers,
    drop_phase,
    latch_phase,
    meets_condition,
    next_trigger,
    set_condition,
    set_phase,
)

_JUMP_NS: Final = JUMP_TICKS * TICK_NS


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
) -> int:
    """Execute until something outside is needed; return one of the reasons above.

    ``code`` and ``slots`` are an Image's; ``queue`` holds ``QUEUE_SIZE`` times, ``acq_queue``
    ``ACQ_BUFFER``; lengths and bins are -1 where an index is not in use; ``rows64`` has shape
    (2, n), ``rows32`` (ROW_COLUMNS, n). Everything is updated in place.
    """
    pc = state[q1.PC]
    core = state[q1.CORE_NS]
    time = state[q1.TIME_NS]
    started = state[q1.STARTED]
    count = state[q1.COUNT]
    zero = state[q1.ZERO] != 0
    negative = state[q1.NEGATIVE] != 0
    carry = state[q1.CARRY] != 0
    overflow = state[q1.OVERFLOW] != 0
    head = state[q1.QUEUE_HEAD]
    queued = state[q1.QUEUE_LENGTH]
    gain0 = state[q1.GAIN_0]
    gain1 = state[q1.GAIN_1]
    offs0 = state[q1.OFFS_0]
    offs1 = state[q1.OFFS_1]
    marker = state[q1.MARKER]
    freq = state[q1.FREQ]
    pending = state[q1.PENDING]
    cond_enabled = state[q1.COND_ENABLED]
    rows = state[q1.ROWS]
    flags = state[q1.FLAGS]
    capacity = rows64.shape[1]
    status = -1

    while True:
        at = np.uint64(pc)  # unsigned: Numba leaves out the check for negative indices
        op = code[at, 0]
        core += code[at, 6]
        count += 1
        pc += 1
        if op < Op.WAIT:
            jump = False
            if op == Op.NOP or op == Op.SW_REQ or op == Op.SET_SCOPE_EN:
                pass
            elif op == Op.MOVE:
                slots[code[at, 2]] = slots[code[at, 1]]
            elif op == Op.ADD:
                a = slots[code[at, 1]]
                b = slots[code[at, 2]]
                full = a + b
                result = full & MASK
                zero = result == 0
                negative = (result & SIGN) != 0
                carry = full > MASK
                overflow = ((a ^ result) & (b ^ result) & SIGN) != 0
                slots[code[at, 3]] = result
            elif op == Op.SUB or op == Op.CMP:
                a = slots[code[at, 1]]
                b = slots[code[at, 2]]
                result = (a - b) & MASK
                zero = result == 0
                negative = (result & SIGN) != 0
                carry = a < b
                overflow = ((a ^ b) & (a ^ result) & SIGN) != 0
                if op == Op.SUB:
                    slots[code[at, 3]] = result
            elif op == Op.AND or op == Op.OR or op == Op.XOR or op == Op.TEST:
                a = slots[code[at, 1]]
                b = slots[code[at, 2]]
                if op == Op.OR:
                    result = a | b
                elif op == Op.XOR:
                    result = a ^ b
                else:
                    result = a & b
                zero = result == 0
                negative = (result & SIGN) != 0
                carry = False
                overflow = False
                if op != Op.TEST:
                    slots[code[at, 3]] = result
            elif op == Op.NOT:
                result = ~slots[code[at, 1]] & MASK
                zero = result == 0
                negative = (result & SIGN) != 0
                carry = False
                overflow = False
                slots[code[at, 2]] = result
            elif op == Op.ASL or op == Op.ASR or op == Op.LSR:
                result, carry, overflow = shift(op, slots[code[at, 1]], slots[code[at, 2]])
                zero = result == 0
                negative = (result & SIGN) != 0
                slots[code[at, 3]] = result
            elif op == Op.MULU16 or op == Op.MULS16:
                result = multiply_16(op, slots[code[at, 1]], slots[code[at, 2]])
                zero = result == 0
                negative = (result & SIGN) != 0
                carry = False
                overflow = False
                slots[code[at, 3]] = result
            elif op == Op.SET_AWG_GAIN:
                gain0 = signed16(slots[code[at, 1]])
                gain1 = signed16(slots[code[at, 2]])
            elif op == Op.SET_AWG_OFFS:
                offs0 = signed16(slots[code[at, 1]])
                offs1 = signed16(slots[code[at, 2]])
            elif op == Op.SET_MRK:
                marker = slots[code[at, 1]] & 15
            elif op == Op.SET_FREQ:
                value = signed(slots[code[at, 1]])
                if value > q1.MAX_FREQ or value < -q1.MAX_FREQ:
                    flags |= q1.FLAG_RT_ILLEGAL  # ASSUMED: refused, neither clipped nor wrapped
                    status = q1.STOPPED
                    break
                state[q1.NEXT_FREQ] = value
                state[q1.HAS_FREQ] = 1
                pending = 1
            elif op == Op.RESET_PH or op == Op.SET_PH or op == Op.SET_PH_DELTA:
                set_phase(state, op, slots[code[at, 1]])
                pending = 1
            elif op == Op.SET_COND:
                count_triggers(state, trigger_ns, trigger_address, trigger_counts, time)
                cond_enabled = slots[code[at, 1]] & 1
                if set_condition(state, slots, code[at]) and cond_enabled:
                    flags |= q1.FLAG_RT_ILLEGAL  # ASSUMED: operations 6 and 7 do not exist
                    status = q1.STOPPED
                    break
            elif op == Op.SET_DIGITAL:
                if slots[code[at, 2]] & 1:  # bit 0: the sequencer's own channel
                    gain0 = slots[code[at, 1]] & 1
                    offs0 = slots[code[at, 3]] & q1.FINE_DELAY_MASK
            elif op == Op.SET_TIME_REF:
                offs1 += 1
            elif op == Op.STOP:
                if started and time < core:
                    flags |= q1.FLAG_UNDERFLOW
                state[q1.EXIT_CODE] = signed(slots[code[at, 1]])
                status = q1.STOPPED
                break
            elif op == Op.ILLEGAL:
                flags |= q1.FLAG_Q1_ILLEGAL
                status = q1.STOPPED
                break
            elif op <= Op.JBE:  # what is left: jumps and products
                jump = jumps(op, zero, negative, carry, overflow)
            else:
                low, high = multiply_32(op, slots[code[at, 1]], slots[code[at, 2]])
                zero = (low | high) == 0
                negative = (high & SIGN) != 0
                carry = False
                overflow = False
                upper = op == Op.MULU32H or op == Op.MULS32H
                slots[code[at, 3]] = high if upper else low
                if op == Op.MULU32 or op == Op.MULS32:
                    slots[code[at, 4]] = high
            if jump:
                core += _JUMP_NS
                pc = min(slots[code[at, 1]], length)
                if count >= limit_count:
                    status = q1.CUT
                    break
            continue

        if op == q1_image.GOTO:
            pc = np.int64(code[at, 1])
            count -= 1
            continue
        if op == q1_image.SAVE:
            slots[code[at, 1]] = slots[code[at, 2]]
            count -= 1
            continue

        # Timed instructions: first the place in the queue of the real-time side.
        if rows == capacity:
            core -= code[at, 6]
            count -= 1
            pc -= 1
            status = q1.ROWS_FULL
            break
        if not started:
            started = 1
            time = max(time, core)
        if time < core:
            flags |= q1.FLAG_UNDERFLOW
            status = q1.STOPPED
            break
        if time > limit_ns:
            status = q1.CUT
            break
        while queued > 0 and queue[head] < core:
            head = (head + 1) & (q1.QUEUE_SIZE - 1)
            queued -= 1
        if queued == q1.QUEUE_SIZE:
            core = queue[head]
            head = (head + 1) & (q1.QUEUE_SIZE - 1)
            queued -= 1
        queue[(head + queued) & (q1.QUEUE_SIZE - 1)] = time
        queued += 1

        duration = slots[code[at, 7]]
        skipped = False
        if cond_enabled and op <= Op.UPD_THRES:
            count_triggers(state, trigger_ns, trigger_address, trigger_counts, time)
            skipped = not meets_condition(
                state, trigger_counts, trigger_thresholds, trigger_inverts
            )
            if skipped:
                duration = state[q1.COND_ELSE_NS]
        if duration < q1.MIN_DURATION_NS or duration > q1.MAX_DURATION_NS:
            # ASSUMED: the docs give the limits, not what happens beyond
            flags |= q1.FLAG_RT_ILLEGAL
            status = q1.STOPPED
            break

        if op == Op.WAIT:
            time += duration
        elif op <= Op.UPD_THRES:
            if skipped:
                drop_phase(state)
                pending = 0
                time += duration
                continue
            if pending:
                freq = latch_phase(state, freq, time)
                pending = 0
            kind = 0
            wave0 = wave1 = acq = bin_ = weight0 = weight1 = -1
            if op == Op.PLAY:
                a = slots[code[at, 1]]
                b = slots[code[at, 2]]
                if a >= wave_lengths.size or wave_lengths[a] < 0:
                    flags |= q1.FLAG_WAVE_0
                elif b >= wave_lengths.size or wave_lengths[b] < 0:
                    flags |= q1.FLAG_WAVE_1
                else:
                    kind = 1
                    wave0 = a
                    wave1 = b
            elif op == Op.UPD_PARAM:
                pass
            elif op == Op.UPD_THRES:
                kind = q1.KIND_THRESHOLD
                bin_ = slots[code[at, 1]]
                weight0 = slots[code[at, 2]] & 0x7FFF_FFFF
            else:
                acq = slots[code[at, 1]]
                bin_ = slots[code[at, 2]]
                kind = 2
                refused = 0
                if op == Op.ACQUIRE_WEIGHED:
                    kind = 3
                    weight0 = slots[code[at, 3]]
                    weight1 = slots[code[at, 4]]
                    refused = check_weights(weight0, weight1, weight_lengths)
                elif op == Op.ACQUIRE_TIMETAGS:
                    opens = slots[code[at, 3]] & 1
                    kind = q1.KIND_OPEN if opens else q1.KIND_CLOSE
                    weight0 = slots[code[at, 4]] & q1.FINE_DELAY_MASK
                elif op == Op.ACQUIRE_DIGITAL:
                    kind = q1.KIND_LEVEL
                if not refused and kind != q1.KIND_OPEN:
                    refused = admit_acquisition(state, acq_queue, acq_bins, acq, bin_, time)
                if refused:
                    flags |= refused
                    kind = 0
                    acq = bin_ = weight0 = weight1 = -1
            phase = freq * (time % q1.TURN) % q1.TURN + state[q1.PHASE_OFFSET]
            phase = (phase + state[q1.PHASE_SET] + state[q1.PHASE_DELTA]) % q1.TURN
            rows64[0, rows] = time
            rows64[1, rows] = phase >> 2
            rows32[q1.ROW_KIND, rows] = kind
            rows32[q1.ROW_WAVE_0, rows] = wave0
            rows32[q1.ROW_WAVE_1, rows] = wave1
            rows32[q1.ROW_GAIN_0, rows] = gain0
            rows32[q1.ROW_GAIN_1, rows] = gain1
            rows32[q1.ROW_OFFS_0, rows] = offs0
            rows32[q1.ROW_OFFS_1, rows] = offs1
            rows32[q1.ROW_FREQ, rows] = freq
            rows32[q1.ROW_MARKER, rows] = marker
            rows32[q1.ROW_ACQ, rows] = acq
            rows32[q1.ROW_BIN, rows] = bin_
            rows32[q1.ROW_WEIGHT_0, rows] = weight0
            rows32[q1.ROW_WEIGHT_1, rows] = weight1
            rows += 1
            time += duration
        elif op == Op.WAIT_SYNC:
            state[q1.SYNC_AFTER_NS] = duration
            status = q1.WAITS_FOR_SYNC
            break
        elif op == Op.WAIT_TRIGGER:
            address = slots[code[at, 1]] & 15
            arrival = next_trigger(
                state, trigger_ns, trigger_address, trigger_counts, address, time
            )
            if arrival < 0:
                state[q1.SYNC_AFTER_NS] = duration
                state[q1.WAIT_ADDRESS] = address
                status = q1.WAITS_FOR_TRIGGER
                break
            time = arrival + duration
        elif op == Op.LATCH_RST or op == Op.SET_LATCH_EN:
            count_triggers(state, trigger_ns, trigger_address, trigger_counts, time)
            if op == Op.LATCH_RST:
                trigger_counts[:] = 0
            else:
                state[q1.LATCH_ENABLED] = slots[code[at, 1]] & 1
            time += duration
        else:
            flags |= q1.FLAG_Q1_ILLEGAL
            status = q1.STOPPED
            break

    state[q1.PC] = pc
    state[q1.CORE_NS] = core
    state[q1.TIME_NS] = time
    state[q1.STARTED] = started
    state[q1.COUNT] = count
    state[q1.ZERO] = zero
    state[q1.NEGATIVE] = negative
    state[q1.CARRY] = carry
    state[q1.OVERFLOW] = overflow
    state[q1.QUEUE_HEAD] = head
    state[q1.QUEUE_LENGTH] = queued
    state[q1.GAIN_0] = gain0
    state[q1.GAIN_1] = gain1
    state[q1.OFFS_0] = offs0
    state[q1.OFFS_1] = offs1
    state[q1.MARKER] = marker
    state[q1.FREQ] = freq
    state[q1.PENDING] = pending
    state[q1.COND_ENABLED] = cond_enabled
    state[q1.ROWS] = rows
    state[q1.FLAGS] = flags
    return status
