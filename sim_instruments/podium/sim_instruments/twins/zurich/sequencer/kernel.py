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

from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    AMPLITUDE_ONE,
    CYCLE,
    DEFAULT_RATE,
    DUMMY,
    HOLD_FIELD,
    LEAD,
    PHASE_TURN,
    RATE_SHIFT,
    TAKEN,
    Entry,
    Kind,
    Op,
    Result,
    Source,
    State,
    Status,
)
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Row as R

_LOW_32: Final = 0xFFFF_FFFF
_TIMER_BIT: Final = 0x2000_0000
"""What ``wtrig`` waits for in a ``switch``."""
_PRNG_TAPS: Final = 0xB400
"""LabOne Q (Apache-2.0), ``core/utilities/prng.py``."""


@numba.njit(inline="always")
def _word(value: int) -> int:
    """Return a value as a register of 32 bits keeps it, signed."""
    return (value << 32) >> 32


@numba.njit(cache=True, nogil=True)
def _put(rows: Any, k: int, state: Any, time: int, kind: int, a: int, b: int) -> int:
    """Write a row with the settings of now; return how many there are."""
    at = np.uint64(k)
    rows[at, R.TIME] = time
    rows[at, R.KIND] = kind
    rows[at, R.A] = a
    rows[at, R.B] = b
    rows[at, R.CONFIG] = state[State.SELECTED] << 32
    rows[at, R.AMPLITUDES_01] = (state[State.AMPLITUDE_0] & _LOW_32) | (
        state[State.AMPLITUDE_0 + 1] << 32
    )
    rows[at, R.AMPLITUDES_23] = (state[State.AMPLITUDE_0 + 2] & _LOW_32) | (
        state[State.AMPLITUDE_0 + 3] << 32
    )
    rows[at, R.PHASES] = (state[State.PHASE_0] & _LOW_32) | (state[State.PHASE_1] << 32)
    return k + 1


@numba.njit(cache=True, nogil=True)
def _take(inputs: Any, state: Any, until: int) -> None:
    """Let all inputs that came before ``until`` have come."""
    k = state[State.CURSOR]
    while k < inputs.shape[0] and inputs[k, 0] < until:
        _receive(state, inputs[k, 1], inputs[k, 2])
        k += 1
    state[State.CURSOR] = k


@numba.njit(cache=True, nogil=True)
def _receive(state: Any, source: int, value: int) -> None:
    if source == Source.ZSYNC or source == Source.DIO:
        state[State.RAW] = value
    elif source == Source.QA:
        state[State.QA_RAW] = value
    elif source == Source.DIO_LEVEL:
        state[State.DIO_IN] = value
    elif source == Source.TRIGGER_LEVEL:
        state[State.TRIGGER_IN] = value
    elif source == Source.COUNTER_LEVEL:
        state[State.COUNTER_IN] = value


@numba.njit(cache=True, nogil=True)
def _trigger(inputs: Any, state: Any, source: int) -> int:
    """Return when the next trigger of a source came, having taken it; -1 it did not."""
    for k in range(state[State.CURSOR], inputs.shape[0]):
        if inputs[k, 1] == source:
            time = inputs[k, 0]
            for earlier in range(state[State.CURSOR], k + 1):
                _receive(state, inputs[earlier, 1], inputs[earlier, 2])
            state[State.CURSOR] = k + 1
            return int(time)
    return -1


@numba.njit(cache=True, nogil=True)
def _result(state: Any, which: int) -> int:
    """Return a result as its register has it: shifted, cut to its bits, its offset added."""
    if which == Result.RAW:
        return int(state[State.RAW])
    if which == Result.PROCESSED_A:
        config = state[State.FEEDBACK_A]
        value = state[State.RAW]
    elif which == Result.PROCESSED_B:
        config = state[State.FEEDBACK_B]
        value = state[State.RAW]
    else:
        config = state[State.FEEDBACK_QA]
        value = state[State.QA_RAW]
    bits = (config >> 12 & 15) + 1
    return int(((value >> (config >> 16 & 31)) & ((1 << bits) - 1)) + (config & 0xFFF))


@numba.njit(cache=True, nogil=True)
def _enter(table: Any, state: Any, index: int) -> None:
    """Set amplitudes, phases and oscillator as an entry of the command table says."""
    for k in range(4):
        mode = table[index, Entry.AMPLITUDE_MODES + k]
        value = table[index, Entry.AMPLITUDES + k]
        if mode == 1:
            state[State.AMPLITUDE_0 + k] = value
        elif mode == 2:
            # ASSUMED: what would go beyond full scale stays there.
            total = state[State.AMPLITUDE_0 + k] + value
            state[State.AMPLITUDE_0 + k] = max(-AMPLITUDE_ONE, min(AMPLITUDE_ONE, total))
    for k in range(2):
        mode = table[index, Entry.PHASE_MODES + k]
        value = table[index, Entry.PHASES + k]
        if mode == 1:
            state[State.PHASE_0 + k] = value & (PHASE_TURN - 1)
        elif mode == 2:
            state[State.PHASE_0 + k] = (state[State.PHASE_0 + k] + value) & (PHASE_TURN - 1)
    if table[index, Entry.SELECT] >= 0:
        state[State.SELECTED] = table[index, Entry.SELECT]


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
        elif op == Op.BRANCH_ZERO:
            if registers[b] == 0:
                pc = c
                core += TAKEN
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
            if op == Op.PLAY_ZERO:
                kind = Kind.ZERO.value + np.int64(a)
                samples = registers[b] + c
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
                            status = Status.UNKNOWN.value
                            pc -= 1
                            count -= 1
                            core -= CYCLE
                            break
                        state[State.LATENCY] = -1
                        state[State.FED] = 0
                        core = now + CYCLE
                        _take(inputs, state, now + 1)
                        index = c + _result(state, which)
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
                    samples = (registers[b] + c) >> 1
                if used & 3 == 3:
                    samples = samples >> 1
                if used & DEFAULT_RATE == 0:
                    rate = used >> RATE_SHIFT & 15
                if used & DUMMY:
                    kind = Kind.ZERO.value if used & HOLD_FIELD else Kind.HOLD.value
            begin = core - CYCLE
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
                _enter(table, state, index)
            if kind == Kind.SETTING:
                # ASSUMED: it holds from the end of what is queued before it.
                row = _put(rows, row, state, begin, kind, 0, 0)
                continue
            lasting = samples << rate
            if log_silence or (kind != Kind.ZERO and kind != Kind.HOLD):
                at_row = np.uint64(row)
                row = _put(rows, row, state, begin, kind, lasting, address)
                rows[at_row, R.CONFIG] = (
                    (used & ~(0xF << RATE_SHIFT))
                    | (rate << RATE_SHIFT)
                    | (state[State.SELECTED] << 32)
                )
            elif kind == Kind.HOLD and state[State.SILENT] == 0:
                row = _put(rows, row, state, begin, kind, lasting, address)
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
                registers[a] = _word(state[c])
            elif op == Op.SET_TIMER:
                state[State.TIMER] = now + registers[b] * CYCLE
            elif op == Op.SET_FEEDBACK:
                state[State.FEEDBACK_A + (c >> 21)] = c & 0x1F_FFFF
            elif op == Op.START:
                core = 0
                state[State.TIMER] = 0
            elif op == Op.PEND:
                if c == 0:
                    state[State.P_STEP] = registers[b]
                elif c == 1:
                    state[State.P_START] = registers[b] & _LOW_32
                elif c == 2:
                    state[State.P_START] = (state[State.P_START] & _LOW_32) | registers[b] << 32
                elif c == 3:
                    state[State.P_INCREMENT] = registers[b] & _LOW_32
                else:
                    state[State.P_INCREMENT] = (state[State.P_INCREMENT] & _LOW_32) | registers[
                        b
                    ] << 32
                state[State.PENDING] |= 1 << ((c + 1) >> 1)
            elif op == Op.END:
                count -= 1
                core = max(now, end)
                pc -= 1
                status = Status.ENDED.value
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
                _take(inputs, state, begin)
                when = _trigger(inputs, state, c)
                if when < 0 or when > limit_time:
                    state[State.WAITING] = c
                    pc -= 1
                    count -= 1
                    core = begin
                    status = Status.WAITING.value if when < 0 else Status.TIME_LIMIT.value
                    break
                # ASSUMED: a trigger is seen with the next cycle.
                core = (when + CYCLE - 1) // CYCLE * CYCLE + CYCLE
                state[State.START_TRIGGER] = core - CYCLE
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
                    status = Status.UNKNOWN.value
                    pc -= 1
                    count -= 1
                    core -= CYCLE
                    break
                state[State.LATENCY] = -1
                core = now + CYCLE
                _take(inputs, state, now + 1)
                if op == Op.LOAD_RESULT:
                    registers[a] = _word(_result(state, c))
                else:
                    registers[a] = _word(state[c])
            elif op == Op.LOAD_PRNG:
                lowest = state[State.PRNG] & 1
                state[State.PRNG] >>= 1
                if lowest:
                    state[State.PRNG] ^= _PRNG_TAPS
                value = state[State.PRNG] * state[State.PRNG_SPAN] >> 16
                registers[a] = (value + state[State.PRNG_LOWER]) & 0xFFFF
            else:
                # What is put out keeps the distance that the sequencer gave it.
                if row > room:
                    status = Status.FULL.value
                    pc -= 1
                    count -= 1
                    core -= CYCLE
                    break
                out = max(now, last, state[State.OUT] + now - state[State.OUT_CORE])
                if op == Op.OUTPUT:
                    what: Any = np.int64(a)
                    row = _put(rows, row, state, out, what, registers[b], c)
                elif op == Op.USER_REGISTER:
                    state[State.MEMORY + c] = registers[b]
                    row = _put(rows, row, state, out, Kind.USER_REGISTER.value, c, registers[b])
                elif op == Op.START_QA:
                    row = _put(
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
                    row = _put(rows, row, state, out, Kind.SINE_PHASE.value, c, registers[b])
                elif op == Op.COMMIT:
                    which = registers[b] & 7
                    pending = state[State.PENDING]
                    place = State.OSC + 3 * which
                    if pending & 2:
                        state[place] = state[State.P_START]
                    if pending & 4:
                        state[place + 1] = state[State.P_INCREMENT]
                    if pending & 1:
                        state[place + 2] = state[State.P_STEP]
                        frequency = state[place] + state[place + 1] * state[place + 2]
                        row = _put(rows, row, state, out, Kind.FREQUENCY.value, which, frequency)
                    state[State.PENDING] = 0
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
