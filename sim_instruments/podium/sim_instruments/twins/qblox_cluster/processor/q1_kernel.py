"""The inner loop of the Q1 processor, compiled by Numba.

The classical side runs ahead of the real-time side, which executes timed instructions from a
queue. Costs, queue and phase registers follow q1simulator 1.3.4 (MIT, TU Delft; ``q1core.py``,
``rt_renderer.py``); where and why they differ stands in docs/reference/q1_processor.md.

Operations are told apart by equality alone where it matters: such a chain becomes one table of
jumps, comparisons of ranges would not. Phases are kept as integers, in quarters of 1e-9 turn: a
frequency step of 0.25 Hz for 1 ns.
"""

from typing import Any, Final

import numba
import numpy as np

from podium.firmware_interfaces.qblox_cluster.q1asm.commands import CommandNumber
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import JUMP_TICKS, TICK_NS
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import Operation as Op
from podium.sim_instruments.twins.qblox_cluster.processor import q1_image
from podium.sim_instruments.twins.qblox_cluster.processor import q1_state as q1
from podium.sim_instruments.twins.qblox_cluster.processor.q1_arithmetic import (
    MASK,
    SIGN,
    jumps,
    multiply_16,
    multiply_32,
    shift,
    signed,
    signed16,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_events import (
    acquisition,
    pulse_end,
    send,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_latches import (
    count_triggers,
    drop_phase,
    latch_phase,
    meets_condition,
    next_trigger,
    receive,
    reset_latches,
    set_condition,
    set_phase,
)

_JUMP_NS: Final = JUMP_TICKS * TICK_NS
_TB_ID: Final = int(CommandNumber.ACQ_TB_ID)
_IQ_ID: Final = int(CommandNumber.ACQ_IQ_ID)
_TAGS_ID: Final = int(CommandNumber.TDC_TAGS_ID)
_DELTA_ID: Final = int(CommandNumber.TDC_TDELTA_ID)
_FAST_TAGS_ID: Final = int(CommandNumber.LLP_TAGS_ID)
_FAST_COUNT_ID: Final = int(CommandNumber.LLP_TTLS_ID)


@numba.njit(cache=True, nogil=True)
def execute(
    code: Any,
    length: int,
    slots: Any,
    state: Any,
    queue: Any,
    tables: Any,
    triggers: Any,
    latches: Any,
    rows64: Any,
    rows32: Any,
    sent: Any,
    inbox: Any,
    limit_ns: int,
    limit_count: int,
) -> int:
    """Execute until something outside is needed; return one of the reasons of q1_state.

    ``code`` and ``slots`` are an Image's; ``rows64`` has shape (2, n), ``rows32`` (ROW_COLUMNS, n
    or more), ``sent`` (SENT_COLUMNS, m), ``inbox`` (INBOX_COLUMNS, k), the others as q1_state says.
    """
    pc = state[q1.PC]
    core = state[q1.CORE_NS]
    time = state[q1.TIME_NS]
    count = state[q1.COUNT]
    zero = state[q1.ZERO] != 0
    negative = state[q1.NEGATIVE] != 0
    carry = state[q1.CARRY] != 0
    overflow = state[q1.OVERFLOW] != 0
    head = state[q1.QUEUE_HEAD]
    queued = state[q1.QUEUE_LENGTH]
    met = meets_condition(state)
    trigger_ns = count_triggers(state, triggers, latches, -1)
    rows = state[q1.ROWS]
    room = rows64.shape[1] - 2  # an instruction makes no more rows, and sends no more entries
    sending_room = sent.shape[1] - 2
    known = state[q1.KNOWN_NS]
    fault = 0
    status = q1.STOPPED
    while True:
        at = np.uint64(pc)  # unsigned: Numba leaves out the check for negative indices
        op = code[at, 0]
        core += code[at, 6]
        count += 1
        pc += 1
        if op < Op.WAIT:
            jump = False
            if op == Op.NOP:
                count += code[at, 1]
                pc += np.int64(code[at, 1])
            elif op == Op.SW_REQ or op == Op.SET_SCOPE_EN or op == Op.RESET_NETZERO:
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
            elif op == Op.SUB or op == Op.CMP or op == Op.LOOP:
                a = slots[code[at, 1]]
                b = slots[code[at, 2]]
                result = (a - b) & MASK
                zero = result == 0
                negative = (result & SIGN) != 0
                carry = a < b
                overflow = ((a ^ b) & (a ^ result) & SIGN) != 0
                if op != Op.CMP:
                    slots[code[at, 3]] = result
                if op == Op.LOOP:
                    count += 1
                    pc += 1
                    jump = not zero
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
                state[q1.GAIN_0] = signed16(slots[code[at, 1]])
                state[q1.GAIN_1] = signed16(slots[code[at, 2]])
            elif op == Op.SET_AWG_OFFS:
                state[q1.OFFS_0] = signed16(slots[code[at, 1]])
                state[q1.OFFS_1] = signed16(slots[code[at, 2]])
            elif op == Op.SET_MRK:
                state[q1.MARKER] = slots[code[at, 1]] & 15
            elif op == Op.SET_FREQ:
                value = signed(slots[code[at, 1]])
                if value > q1.MAX_FREQ or value < -q1.MAX_FREQ:
                    fault = q1.FLAG_RT_ILLEGAL  # ASSUMED: refused, neither clipped nor wrapped
                    break
                state[q1.NEXT_FREQ] = value
                state[q1.HAS_FREQ] = 1
                state[q1.PENDING] = 1
            elif op == Op.RESET_PH or op == Op.SET_PH or op == Op.SET_PH_DELTA:
                set_phase(state, op, slots[code[at, 1]])
                state[q1.PENDING] = 1
            elif op == Op.SET_COND:
                state[q1.COND_ENABLED] = slots[code[at, 1]] & 1
                unknown = set_condition(state, slots, code[at])
                met = meets_condition(state)
                if unknown and state[q1.COND_ENABLED]:
                    fault = q1.FLAG_RT_ILLEGAL  # ASSUMED: operations 6 and 7 do not exist
                    break
            elif op == Op.SET_DIGITAL:
                if slots[code[at, 2]] & 1:  # bit 0: the sequencer's own channel
                    state[q1.GAIN_0] = slots[code[at, 1]] & 1
                    state[q1.OFFS_0] = slots[code[at, 3]] & q1.FINE_DELAY_MASK
            elif op == Op.SET_TIME_REF:
                state[q1.OFFS_1] += 1
            elif op == Op.FB_POP_DATA or op == Op.FB_PULL_DATA:
                core, found = receive(state, slots, code[at], inbox, core)
                if not found:
                    status = q1.WAITS_FOR_MESSAGE
                    break
            elif op == Op.STOP:
                if state[q1.STARTED] and time < core:
                    fault = q1.FLAG_UNDERFLOW
                state[q1.EXIT_CODE] = signed(slots[code[at, 1]])
                break
            elif op == Op.ILLEGAL:
                fault = q1.FLAG_Q1_ILLEGAL
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
                pc = min(slots[code[at, 4]], length)
                if count >= limit_count:
                    status = q1.CUT
                    break
                if code[at, 5] == q1_image.WATCHED:
                    state[q1.LOOP_ROW] = np.int64(at)
                    status = q1.AT_LOOP
                    break
            continue

        if op == q1_image.GOTO:
            pc = np.int64(code[at, 1])
            count -= 1
            continue
        if op == q1_image.STOP_HERE:
            status = q1.AT_STOP
            break
        if op == q1_image.SAVE:
            slots[code[at, 1]] = slots[code[at, 2]]
            count -= 1
            continue

        # Timed instructions: first the place in the queue of the real-time side.
        if rows > room or state[q1.SENT] > sending_room:
            status = q1.ROWS_FULL
            break
        if not state[q1.STARTED]:
            state[q1.STARTED] = 1
            time = max(time, core)
        if time < core:
            fault = q1.FLAG_UNDERFLOW
            break
        if time > limit_ns:
            status = q1.CUT
            break
        if time > known and (op >= Op.LATCH_RST or (state[q1.COND_ENABLED] and op <= Op.UPD_THRES)):
            status = q1.WAITS_TO_KNOW
            break
        while queued > 0 and queue[np.uint64(head)] < core:
            head = (head + 1) & (q1.QUEUE_SIZE - 1)
            queued -= 1
        if queued == q1.QUEUE_SIZE:
            core = queue[np.uint64(head)]
            head = (head + 1) & (q1.QUEUE_SIZE - 1)
            queued -= 1
        queue[np.uint64((head + queued) & (q1.QUEUE_SIZE - 1))] = time
        queued += 1

        duration = slots[code[at, 7]]
        skipped = False
        if state[q1.COND_ENABLED] and op <= Op.UPD_THRES:
            if time >= trigger_ns:
                trigger_ns = count_triggers(state, triggers, latches, time)
                met = meets_condition(state)
            skipped = not met
            if skipped:
                duration = state[q1.COND_ELSE_NS]
        if duration < q1.MIN_DURATION_NS or duration > q1.MAX_DURATION_NS:
            fault = q1.FLAG_RT_ILLEGAL  # ASSUMED: the docs give the limits, not what is beyond
            break

        if op == Op.WAIT:
            time += duration
        elif op == Op.FB_CMD:
            if not skipped:
                number = slots[code[at, 1]]
                state[q1.SENT] = send(sent, state[q1.SENT], time, number, slots[code[at, 2]])
                if number in (_TB_ID, _IQ_ID, _TAGS_ID, _DELTA_ID, _FAST_TAGS_ID, _FAST_COUNT_ID):
                    state[q1.SHARES] = 1
            time += duration
        elif op <= Op.UPD_THRES:
            if skipped:
                drop_phase(state)
                state[q1.PENDING] = 0
                time += duration
                continue
            if state[q1.PENDING]:
                state[q1.FREQ] = latch_phase(state, state[q1.FREQ], time)
                state[q1.PENDING] = 0
            kind = 0
            wave0 = wave1 = acq = bin_ = weight0 = weight1 = -1
            level, delay = state[q1.GAIN_0], state[q1.OFFS_0]
            if op == Op.PLAY:
                a = slots[code[at, 1]]
                b = slots[code[at, 2]]
                if a >= q1.WAVEFORMS or tables[q1.WAVES, a] < 0:
                    state[q1.FLAGS] |= q1.FLAG_WAVE_0
                elif b >= q1.WAVEFORMS or tables[q1.WAVES, b] < 0:
                    state[q1.FLAGS] |= q1.FLAG_WAVE_1
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
            elif op == Op.PLAY_PULSE:
                level, delay = 1, slots[code[at, 1]] & q1.FINE_DELAY_MASK
            else:
                a, b = slots[code[at, 3]], slots[code[at, 4]]
                kind, acq, bin_, weight0, weight1, lost = acquisition(
                    op, slots[code[at, 1]], slots[code[at, 2]], a, b, time, state, tables
                )
                state[q1.FLAGS] |= lost
                if state[q1.SHARES] and not lost:
                    what = kind + q1.KINDS * ((weight0 + 1) + q1.FINE_DELAYS * (weight1 + 1))
                    state[q1.SENT] = send(sent, state[q1.SENT], time, q1.ACQUIRED, what)
            phase = state[q1.PHASE_OFFSET] + state[q1.PHASE_SET] + state[q1.PHASE_DELTA]
            if state[q1.FREQ]:
                phase += state[q1.FREQ] * (time % q1.TURN) % q1.TURN
            while phase >= q1.TURN:
                phase -= q1.TURN
            row = np.uint64(rows)
            rows64[0, row] = time
            rows64[1, row] = phase >> 2
            rows32[q1.ROW_KIND, row] = kind
            rows32[q1.ROW_WAVE_0, row] = wave0
            rows32[q1.ROW_WAVE_1, row] = wave1
            rows32[q1.ROW_GAIN_0, row] = level
            rows32[q1.ROW_GAIN_1, row] = state[q1.GAIN_1]
            rows32[q1.ROW_OFFS_0, row] = delay
            rows32[q1.ROW_OFFS_1, row] = state[q1.OFFS_1]
            rows32[q1.ROW_FREQ, row] = state[q1.FREQ]
            rows32[q1.ROW_MARKER, row] = state[q1.MARKER]
            rows32[q1.ROW_ACQ, row] = acq
            rows32[q1.ROW_BIN, row] = bin_
            rows32[q1.ROW_WEIGHT_0, row] = weight0
            rows32[q1.ROW_WEIGHT_1, row] = weight1
            rows += 1
            time += duration
            if op == Op.PLAY_PULSE:
                pulse_end(rows64, rows32, rows, time, state[q1.GAIN_0])
                rows += 1
        elif op == Op.WAIT_SYNC:
            state[q1.SYNC_AFTER_NS] = duration
            status = q1.WAITS_FOR_SYNC
            break
        elif op == Op.WAIT_TRIGGER:
            address = slots[code[at, 1]] & 15
            arrival = next_trigger(state, triggers, latches, address, time)
            trigger_ns = -1
            if arrival < 0:
                state[q1.SYNC_AFTER_NS] = duration
                state[q1.WAIT_ADDRESS] = address
                status = q1.WAITS_FOR_TRIGGER
                break
            time = arrival + duration
        elif op == Op.LATCH_RST or op == Op.SET_LATCH_EN:
            count_triggers(state, triggers, latches, time)
            trigger_ns = -1
            if op == Op.LATCH_RST:
                reset_latches(state, latches)
            else:
                state[q1.LATCH_ENABLED] = slots[code[at, 1]] & 1
            time += duration
        else:
            fault = q1.FLAG_Q1_ILLEGAL
            break

    state[q1.FLAGS] |= fault
    if status >= q1.ROWS_FULL:  # the last instruction is executed anew
        core -= code[at, 6]
        count -= 1
        pc -= 1
    state[q1.PC] = pc
    state[q1.CORE_NS] = core
    state[q1.TIME_NS] = time
    state[q1.COUNT] = count
    state[q1.ZERO] = zero
    state[q1.NEGATIVE] = negative
    state[q1.CARRY] = carry
    state[q1.OVERFLOW] = overflow
    state[q1.QUEUE_HEAD] = head
    state[q1.QUEUE_LENGTH] = queued
    state[q1.ROWS] = rows
    return status
