"""The inner loop of the sequencer, compiled by Numba.

The sequencer runs ahead of the wave player: a play goes on when the one before has ended, or now,
and what a program does meanwhile costs nothing as long as it fits into the lead. Instructions that
act at a point in time (triggers, startQA, frequencies) act with the start of the last play before
them: that is the rule by which LabOne Q's own simulator (Apache-2.0, ``seqc_parser.py``) places
them. Waits first let the player catch up.

Operations are told apart by equality alone: such a chain becomes one table of jumps.
"""

from typing import Any, Final

import numba
import numpy as np

from podium.sim_instruments.twins.zurich.sequencer.inputs import next_trigger, result, take
from podium.sim_instruments.twins.zurich.sequencer.oscillators import commit, pend
from podium.sim_instruments.twins.zurich.sequencer.random_numbers import random_number
from podium.sim_instruments.twins.zurich.sequencer.row import enter, write_play, write_row
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    CHOSEN,
    CYCLE,
    DEFAULT_RATE,
    DUMMY,
    GRANULARITY,
    HOLD_FIELD,
    LEAD,
    PHASE_TURN,
    RATE_SHIFT,
    SHORTEST,
    TAKEN,
    Entry,
    Kind,
    Op,
    Result,
    State,
    Status,
)

_LOW_32: Final = 0xFFFF_FFFF
_TIMER_BIT: Final = 0x2000_0000
"""What ``wtrig`` waits for in a ``switch``."""


@numba.njit(inline="always")
def _word(value: int) -> int:
    """Return a value as a register of 32 bits keeps it, signed."""
    return (value << 32) >> 32


@numba.njit(cache=True, nogil=True)
def execute(
    code: Any,
    registers: Any,
    state: Any,
    table: Any,
    inputs: Any,
    rows: Any,
    limit_time: int,
    limit_count: int,
) -> int:
    """Execute until something outside is needed; return a :class:`Status`.

    int64 all of them: ``code`` (n, 4) is an image's, ``table`` (m, Entry.COLUMNS), ``inputs``
    (k, 3) time, source and value in the order of time, ``rows`` (r, Row.COLUMNS) what comes out.
    """
    pc = state[State.PC]
    core = state[State.CORE]
    end = state[State.PLAYER_END]
    last = state[State.LAST_START]
    count = state[State.COUNT]
    config = state[State.CONFIG]
    played = state[State.PLAYED]
    log_silence = state[State.LOG_SILENCE] != 0
    row = 0
    room = rows.shape[0] - 1
    length = code.shape[0]
    status = Status.BAD_PROGRAM_COUNTER.value
    while pc < length:
        at = np.uint64(pc)
        op = code[at, 0]
        a = np.uint64(code[at, 1])
        b = np.uint64(code[at, 2])
        c = code[at, 3]
        pc += 1
        count += 1
        core += CYCLE
        if op == Op.ADD_CONSTANT:
            registers[a] = _word(registers[b] + c)
        elif op == Op.BRANCH_POSITIVE:
            if registers[b] > 0:
                pc = c
                core += TAKEN
                if count >= limit_count:
                    status = Status.COUNT_LIMIT.value
                    break
        elif op == Op.BRANCH_ZERO:
            if registers[b] == 0:
                pc = c
                core += TAKEN
                if count >= limit_count:
                    status = Status.COUNT_LIMIT.value
                    break
        elif op == Op.NOP:
            pass
        elif op == Op.ADD:
            registers[a] = _word(registers[a] + registers[b])
        elif op == Op.SUBTRACT:
            registers[a] = _word(registers[a] - registers[b])
        elif op == Op.AND:
            registers[a] = registers[a] & registers[b]
        elif op == Op.OR:
            registers[a] = registers[a] | registers[b]
        elif op == Op.SHIFT_LEFT:
            registers[a] = _word(registers[a] << 1)
        elif op == Op.SHIFT_RIGHT:
            # ASSUMED arithmetic: the compiler's own constants keep their sign.
            registers[a] = registers[a] >> 1
        elif op == Op.AND_CONSTANT:
            registers[a] = registers[b] & c
        elif op == Op.OR_CONSTANT:
            registers[a] = registers[b] | c
        elif op == Op.XNOR_CONSTANT:
            registers[a] = ~(registers[b] ^ c)
        elif op == Op.JUMP:
            pc = c
            core += TAKEN
            if count >= limit_count:
                status = Status.COUNT_LIMIT.value
                break
        elif op == Op.BRANCH_NOT_ZERO:
            if registers[b] != 0:
                pc = c
                core += TAKEN
                if count >= limit_count:
                    status = Status.COUNT_LIMIT.value
                    break
        elif op == Op.CONFIGURE:
            config = c
        elif op == Op.CONFIGURE_REGISTER:
            config = registers[b]
        elif op <= Op.TABLE:
            if row > room:
                status = Status.FULL.value
                pc -= 1
                count -= 1
                core -= CYCLE
                break
            kind: Any = Kind.WAVE.value
            address = 0
            index: Any = np.int64(0)
            rate = state[State.RATE]
            used = config
            samples = 0
            soonest: Any = np.int64(0)
            if op == Op.PLAY_ZERO:
                kind = Kind.ZERO.value + np.int64(a)
                # ASSUMED of a length in a register: extended as the compiler extends constants.
                samples = max(SHORTEST, (registers[b] + c + GRANULARITY - 1) & -GRANULARITY)
            elif op == Op.TABLE:
                index = c
                which: Any = np.int64(a)
                if which != Result.CONSTANT:
                    if which == Result.REGISTER:
                        index = c + registers[b]
                    else:
                        now = core - CYCLE
                        if now < last:
                            now = last
                        if state[State.LATENCY] >= 0:
                            due = state[State.START_TRIGGER] + state[State.LATENCY] * CYCLE
                            state[State.LATE] += now > due
                            now = max(now, due)
                        if now > state[State.KNOWN]:
                            state[State.NEEDS] = now
                            status = Status.UNKNOWN.value
                            pc -= 1
                            count -= 1
                            core -= CYCLE
                            break
                        state[State.LATENCY] = -1
                        state[State.FED] = 0
                        core = now + CYCLE
                        soonest = now + CHOSEN
                        take(inputs, state, now + 1)
                        index = c + result(state, which)
                if index < 0 or index >= table.shape[0] or table[index, Entry.KIND] < 0:
                    state[State.FAULT_WORD] = index
                    status = Status.BAD_TABLE_INDEX.value
                    pc -= 1
                    break
                kind = table[index, Entry.KIND]
                samples = table[index, Entry.SAMPLES]
                address = table[index, Entry.ADDRESS]
                used = table[index, Entry.CONFIG]
                if table[index, Entry.RATE] >= 0:
                    rate = table[index, Entry.RATE]
            else:
                if op == Op.PLAY:
                    address = registers[b]
                    samples = c >> 1
                else:
                    address = registers[a]
                    samples = max(0, registers[b] + c) >> 1
                if used & 3 == 3:
                    samples = samples >> 1
                if used & DEFAULT_RATE == 0:
                    rate = used >> RATE_SHIFT & 15
                if used & DUMMY:
                    kind = Kind.ZERO.value if used & HOLD_FIELD else Kind.HOLD.value
            begin = max(core - CYCLE, soonest)
            if end >= begin:
                begin = end
            elif state[State.FED] and kind != Kind.SETTING:
                state[State.GAPS] += 1
                state[State.GAP_TIME] += begin - end
            if begin >= limit_time:
                status = Status.TIME_LIMIT.value
                pc -= 1
                count -= 1
                core -= CYCLE
                break
            if op == Op.TABLE:
                state[State.LATENCY] = -1
                enter(table, state, index)
            if kind == Kind.SETTING:
                # ASSUMED: it holds from the end of what is queued before it.
                row = write_row(rows, row, state, begin, kind, 0, 0)
                continue
            lasting = samples << rate
            if log_silence or (kind != Kind.ZERO and kind != Kind.HOLD):
                row = write_play(rows, row, state, begin, kind, lasting, address, used, rate)
            elif kind == Kind.HOLD and state[State.SILENT] == 0:
                row = write_row(rows, row, state, begin, kind, lasting, address)
            if kind != Kind.HOLD:
                state[State.SILENT] = kind == Kind.ZERO
            last = begin
            end = begin + lasting
            played += lasting
            state[State.FED] = 1
            if begin - LEAD > core:
                # Time that it stood still is no distance between what it puts out.
                state[State.OUT_CORE] += begin - LEAD - core
                core = begin - LEAD
            if count >= limit_count:
                status = Status.COUNT_LIMIT.value
                break
        else:
            # Everything here acts with the start of the last play or later.
            now = core - CYCLE
            if op == Op.REMEMBER:
                state[c] = registers[b]
            elif op == Op.RECALL:
                if now > state[State.KNOWN]:
                    state[State.NEEDS] = now
                    status = Status.UNKNOWN.value
                    pc -= 1
                    count -= 1
                    core -= CYCLE
                    break
                take(inputs, state, now + 1)
                registers[a] = _word(state[c])
            elif op == Op.SET_TIMER:
                state[State.TIMER] = now + registers[b] * CYCLE
            elif op == Op.SET_FEEDBACK:
                state[np.int64(State.FEEDBACK_A) + np.int64(b)] = c
            elif op == Op.START:
                core = 0
                state[State.TIMER] = 0
            elif op == Op.PEND:
                pend(state, c, registers[b])
            elif op == Op.END:
                count -= 1
                core = max(now, end)
                pc -= 1
                status = Status.ENDED.value
                break
            elif op == Op.STOP:
                count -= 1
                core -= CYCLE
                pc -= 1
                status = Status.AT_STOP.value
                break
            elif op == Op.ILLEGAL:
                state[State.FAULT_WORD] = c
                pc -= 1
                status = Status.ILLEGAL.value
                break
            elif op == Op.WAIT_WAVE:
                core = max(now, end) + CYCLE
                state[State.OUT] = core
                state[State.OUT_CORE] = core
                state[State.FED] = 0
            elif op == Op.WAIT_QUEUE:
                core = max(now, last) + CYCLE
                state[State.OUT] = core
                state[State.OUT_CORE] = core
            elif op == Op.WAIT_TIMER:
                if registers[a] != _TIMER_BIT:
                    state[State.FAULT_WORD] = registers[a]
                    pc -= 1
                    status = Status.ILLEGAL.value
                    break
                core = max(now, state[State.TIMER]) + CYCLE
            elif op == Op.WAIT_CYCLES:
                core = max(now, last, state[State.OUT]) + CYCLE + max(0, registers[b]) * CYCLE
                # It has let the player catch up: from here on its own time counts.
                state[State.OUT] = core
                state[State.OUT_CORE] = core
                state[State.FED] = 0
            elif op == Op.WAIT_INPUT:
                begin = max(now, last, state[State.OUT])
                take(inputs, state, begin)
                when = next_trigger(inputs, state, c, limit_time)
                if when < 0:
                    state[State.WAITING] = c
                    pc -= 1
                    count -= 1
                    core = begin
                    status = Status.WAITING.value if when == -1 else Status.TIME_LIMIT.value
                    break
                # ASSUMED: a trigger is seen with the next cycle.
                core = (when + CYCLE - 1) // CYCLE * CYCLE + CYCLE
                state[State.START_TRIGGER] = core
                state[State.OUT] = core
                state[State.OUT_CORE] = core
                state[State.FED] = 0
            elif op == Op.LOAD_RESULT or op == Op.LOAD_LEVEL:
                now = max(now, last)
                if state[State.LATENCY] >= 0:
                    due = state[State.START_TRIGGER] + state[State.LATENCY] * CYCLE
                    state[State.LATE] += now > due
                    now = max(now, due)
                    state[State.FED] = 0
                if now > state[State.KNOWN]:
                    state[State.NEEDS] = now
                    status = Status.UNKNOWN.value
                    pc -= 1
                    count -= 1
                    core -= CYCLE
                    break
                state[State.LATENCY] = -1
                core = now + CYCLE
                take(inputs, state, now + 1)
                if op == Op.LOAD_RESULT:
                    registers[a] = _word(result(state, c))
                else:
                    registers[a] = _word(state[c])
            elif op == Op.LOAD_PRNG:
                registers[a] = random_number(state)
            else:
                # Of what is put out during one play, the distances are the sequencer's.
                if row > room:
                    status = Status.FULL.value
                    pc -= 1
                    count -= 1
                    core -= CYCLE
                    break
                out = max(now, last)
                if state[State.OUT] >= last:
                    out = max(out, state[State.OUT] + now - state[State.OUT_CORE])
                if op == Op.OUTPUT:
                    what: Any = np.int64(a)
                    row = write_row(rows, row, state, out, what, registers[b], c)
                elif op == Op.USER_REGISTER:
                    state[State.MEMORY + c] = registers[b]
                    row = write_row(
                        rows, row, state, out, Kind.USER_REGISTER.value, c, registers[b]
                    )
                elif op == Op.START_QA:
                    row = write_row(
                        rows,
                        row,
                        state,
                        out,
                        Kind.START_QA.value,
                        state[State.QA_GENERATORS] & _LOW_32,
                        registers[b] & _LOW_32,
                    )
                elif op == Op.SINE_PHASE or op == Op.SINE_INCREMENT:
                    before = state[State.PHASE_0 + c] if op == Op.SINE_INCREMENT else 0
                    state[State.PHASE_0 + c] = (before + registers[b]) & (PHASE_TURN - 1)
                    row = write_row(rows, row, state, out, Kind.SINE_PHASE.value, c, registers[b])
                elif op == Op.COMMIT:
                    row = commit(rows, row, state, out, registers[b] & 7)
                state[State.OUT] = out
                state[State.OUT_CORE] = now
    state[State.PC] = pc
    state[State.CORE] = core
    state[State.PLAYER_END] = end
    state[State.LAST_START] = last
    state[State.COUNT] = count
    state[State.CONFIG] = config
    state[State.PLAYED] = played
    state[State.ROWS] = row
    return status
