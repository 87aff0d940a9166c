"""What the real-time side of a Q1 processor keeps between instructions, compiled by Numba.

The registers of the NCO, the latches of the trigger network and the queue in front of the bins.
Rules follow q1simulator 1.3.4 (MIT, TU Delft; ``rt_renderer.py``). ``state`` is the state vector
of :mod:`q1_state`.
"""

from typing import Any

import numba

from podium.firmware_interfaces.qblox_cluster.q1asm.isa import Operation
from podium.sim_instruments.twins.qblox_cluster import q1_state as q1


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
def check_weights(weight0: Any, weight1: Any, weight_lengths: Any) -> Any:
    """Return the flag that an unknown weight raises, or 0."""
    if weight0 >= weight_lengths.size or weight_lengths[weight0] < 0:
        return q1.FLAG_WEIGHT_0
    if weight1 >= weight_lengths.size or weight_lengths[weight1] < 0:
        return q1.FLAG_WEIGHT_1
    return 0


@numba.njit(cache=True)
def admit_acquisition(
    state: Any, acq_queue: Any, acq_bins: Any, acq: Any, bin_: Any, time: Any
) -> Any:
    """Queue an acquisition for binning; return the flag it raises when it is lost, or 0."""
    if acq_bins[acq] < 0:
        return q1.FLAG_ACQ_INDEX
    if bin_ >= acq_bins[acq]:
        return q1.FLAG_ACQ_BIN
    waiting = state[q1.ACQ_LENGTH]
    first = state[q1.ACQ_HEAD]
    ready = state[q1.ACQ_READY_NS]
    while waiting > 0 and ready <= time:
        ready = max(acq_queue[first], ready) + q1.ACQ_SPACING_NS
        first = (first + 1) & (q1.ACQ_BUFFER - 1)
        waiting -= 1
    refused = waiting == q1.ACQ_BUFFER
    if not refused:
        acq_queue[(first + waiting) & (q1.ACQ_BUFFER - 1)] = time
        waiting += 1
    state[q1.ACQ_LENGTH] = waiting
    state[q1.ACQ_HEAD] = first
    state[q1.ACQ_READY_NS] = ready
    return q1.FLAG_ACQ_FIFO if refused else 0


@numba.njit(cache=True)
def count_triggers(
    state: Any, trigger_ns: Any, trigger_address: Any, counts: Any, time: Any
) -> None:
    """Count the triggers that have arrived by ``time``, if they are latched."""
    following = state[q1.TRIGGER_NEXT]
    while following < trigger_ns.size and trigger_ns[following] <= time:
        if state[q1.LATCH_ENABLED]:
            counts[trigger_address[following]] += 1
        following += 1
    state[q1.TRIGGER_NEXT] = following


@numba.njit(cache=True)
def next_trigger(
    state: Any, trigger_ns: Any, trigger_address: Any, counts: Any, address: Any, time: Any
) -> Any:
    """Return when the next trigger at ``address`` arrives, -1 if none does."""
    count_triggers(state, trigger_ns, trigger_address, counts, time - 1)
    for k in range(state[q1.TRIGGER_NEXT], trigger_ns.size):
        if trigger_address[k] == address:
            return trigger_ns[k]
    return -1


@numba.njit(cache=True)
def meets_condition(state: Any, counts: Any, thresholds: Any, inverts: Any) -> Any:
    """Say whether the latched triggers meet the condition; bit 0 of its mask is trigger 1."""
    mask = state[q1.COND_MASK]
    meant = 0
    met = 0
    for k in range(q1.TRIGGERS):
        if mask & (1 << k):
            meant += 1
            if (counts[k + 1] >= thresholds[k + 1]) != inverts[k + 1]:
                met += 1
    operation = state[q1.COND_OPERATION]
    if operation < 2:  # OR, NOR
        return (met != 0) == (operation == 0)
    if operation < 4:  # AND, NAND
        return (met == meant) == (operation == 2)
    return (met % 2 == 1) == (operation == 4)  # XOR, XNOR
