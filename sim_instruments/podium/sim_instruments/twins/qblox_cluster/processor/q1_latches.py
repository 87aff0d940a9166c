"""The real-time side of a Q1 processor keeps latches between instructions, compiled by Numba.

The registers of the NCO, the latches of the trigger network and the messages that came in. Rules
follow q1simulator 1.3.4 (MIT, TU Delft; ``rt_renderer.py``). ``state`` is the state vector of
:mod:`q1_state`.
"""

from typing import Any

import numba

from podium.firmware_interfaces.qblox_cluster.q1asm.isa import TICK_NS, Operation
from podium.sim_instruments.twins.qblox_cluster.processor import q1_state as q1


@numba.njit(cache=True, inline="always")
def set_phase(state: Any, op: int, value: Any) -> None:
    """Carry out ``reset_ph``, ``set_ph`` or ``set_ph_delta``: what it sets waits for the latch."""
    if op == Operation.RESET_PH:
        state[q1.RESET_PHASE] = 1
    elif op == Operation.SET_PH:
        state[q1.NEXT_PHASE] = 4 * value % q1.TURN
    else:
        state[q1.NEXT_DELTA] = 4 * value % q1.TURN


@numba.njit(cache=True, inline="always")
def set_condition(state: Any, slots: Any, row: Any) -> bool:
    """Carry out ``set_cond``, a row of the code; tell whether its operation is none."""
    state[q1.COND_MASK] = slots[row[2]] & 0x7FFF
    state[q1.COND_OPERATION] = slots[row[3]]
    state[q1.COND_ELSE_NS] = slots[row[4]]
    return bool(slots[row[3]] > 5)


@numba.njit(cache=True)
def latch_phase(state: Any, freq: Any, time: Any) -> Any:
    """Take over what waits for the NCO, in the order of q1simulator; return the new frequency.

    A reset also clears the offsets set before, as parameter or by instruction (vendor's
    description, quoted in qibolab 0.2, qblox/q1asm/ast_.py).
    """
    wrapped = time % q1.TURN
    if state[q1.RESET_PHASE]:
        state[q1.RESET_PHASE] = 0
        state[q1.PHASE_OFFSET] = (-freq * wrapped) % q1.TURN
        state[q1.PHASE_SET] = 0
        state[q1.PHASE_DELTA] = 0
    if state[q1.NEXT_PHASE] >= 0:
        state[q1.PHASE_SET] = state[q1.NEXT_PHASE]
        state[q1.NEXT_PHASE] = -1
    if state[q1.HAS_FREQ]:
        state[q1.HAS_FREQ] = 0
        kept = (state[q1.PHASE_OFFSET] + freq * wrapped % q1.TURN) % q1.TURN
        freq = state[q1.NEXT_FREQ]
        state[q1.PHASE_OFFSET] = (kept - freq * wrapped % q1.TURN) % q1.TURN
    state[q1.PHASE_DELTA] = (state[q1.PHASE_DELTA] + state[q1.NEXT_DELTA]) % q1.TURN
    state[q1.NEXT_DELTA] = 0
    return freq


@numba.njit(cache=True)
def drop_phase(state: Any) -> None:
    """Forget what waits for the NCO: a skipped instruction. Gains and offsets stay pending."""
    state[q1.RESET_PHASE] = 0
    state[q1.NEXT_PHASE] = -1
    state[q1.NEXT_DELTA] = 0
    state[q1.HAS_FREQ] = 0


@numba.njit(cache=True)
def count_triggers(state: Any, triggers: Any, latches: Any, time: Any) -> Any:
    """Count what has arrived by ``time``, if it is latched; return when the next trigger comes."""
    following = state[q1.TRIGGER_NEXT]
    while following < triggers.shape[1] and triggers[q1.TRIGGER_NS, following] <= time:
        if state[q1.LATCH_ENABLED]:
            address = triggers[q1.TRIGGER_ADDRESS, following]
            latches[q1.COUNTS, address] += 1
            over = latches[q1.COUNTS, address] >= latches[q1.THRESHOLDS, address]
            bit = 1 << (address - 1)
            state[q1.OVER] &= ~bit
            if over != (latches[q1.INVERTS, address] != 0):
                state[q1.OVER] |= bit
        following += 1
    state[q1.TRIGGER_NEXT] = following
    if following < triggers.shape[1]:
        return triggers[q1.TRIGGER_NS, following]
    return q1.FOR_EVER


@numba.njit(cache=True)
def reset_latches(state: Any, latches: Any) -> None:
    """Forget the triggers that were counted. OVER holds, bit by bit, what conditions look at."""
    over = 0
    for address in range(1, q1.TRIGGERS + 1):
        latches[q1.COUNTS, address] = 0
        if (latches[q1.THRESHOLDS, address] <= 0) != (latches[q1.INVERTS, address] != 0):
            over |= 1 << (address - 1)
    state[q1.OVER] = over


@numba.njit(cache=True)
def next_trigger(state: Any, triggers: Any, latches: Any, address: Any, time: Any) -> Any:
    """Return when the next trigger at ``address`` arrives, -1 if none does."""
    count_triggers(state, triggers, latches, time - 1)
    for k in range(state[q1.TRIGGER_NEXT], triggers.shape[1]):
        if triggers[q1.TRIGGER_ADDRESS, k] == address:
            return triggers[q1.TRIGGER_NS, k]
    return -1


@numba.njit(cache=True, inline="always")
def meets_condition(state: Any) -> Any:
    """Say whether the latched triggers meet the condition; bit 0 of its mask is trigger 1."""
    mask = state[q1.COND_MASK]
    hits = state[q1.OVER] & mask
    operation = state[q1.COND_OPERATION]
    if operation < 2:  # OR, NOR
        met = hits != 0
    elif operation < 4:  # AND, NAND
        met = hits == mask
    else:  # XOR, XNOR
        hits ^= hits >> 8
        hits ^= hits >> 4
        hits ^= hits >> 2
        hits ^= hits >> 1
        met = (hits & 1) != 0
    return met == ((operation & 1) == 0)


@numba.njit(cache=True)
def receive(state: Any, slots: Any, row: Any, inbox: Any, core: Any) -> Any:
    """Carry out ``fb_pop_data`` or ``fb_pull_data``; return the time then and whether one came.

    ``fb_pop_data`` throws away what has another id. The classical side waits for an arrival, which
    it sees at a tick of its clock (q1simulator 1.3.4, q1core.py).
    """
    any_id = row[0] == Operation.FB_PULL_DATA
    wanted = slots[row[1]]
    while state[q1.INBOX_NEXT] < inbox.shape[1]:
        at = state[q1.INBOX_NEXT]
        state[q1.INBOX_NEXT] += 1
        core = max(core, inbox[0, at] // TICK_NS * TICK_NS)
        if any_id:
            slots[row[1]] = inbox[1, at]
        if any_id or inbox[1, at] == wanted:
            slots[row[2]] = inbox[2, at]
            return core, True
    return core, False
