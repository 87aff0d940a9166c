"""Acquisitions and pulses of the Q1 processor become rows, compiled by Numba into the kernel.

``state`` is the state vector of :mod:`q1_state`, ``row`` a row of an Image's code.
"""

from typing import Any

import numba

from podium.firmware_interfaces.qblox_cluster.q1asm.isa import Operation
from podium.sim_instruments.twins.qblox_cluster.processor import q1_state as q1


@numba.njit(cache=True, inline="always")
def acquisition(
    op: Any, acq: Any, bin_: Any, third: Any, fourth: Any, time: Any, state: Any, tables: Any
) -> Any:
    """Return kind, acquisition, bin, two weights and a flag; all -1 but the flag where it is lost.

    The window of ``acquire_timetags`` goes where its end says, that of ``acquire_ttl`` where its
    beginning says (descriptions of the instructions, docs.qblox.com). Few arrays: each that is
    handed over costs more than what is done here.
    """
    weight0 = weight1 = -1
    kind = 2
    lost = 0
    enters = True
    if op == Operation.ACQUIRE_WEIGHED:
        kind = 3
        weight0 = third
        weight1 = fourth
        if weight0 >= q1.WEIGHTS or tables[q1.WEIGHT_LENGTHS, weight0] < 0:
            lost = q1.FLAG_WEIGHT_0
        elif weight1 >= q1.WEIGHTS or tables[q1.WEIGHT_LENGTHS, weight1] < 0:
            lost = q1.FLAG_WEIGHT_1
    elif op == Operation.ACQUIRE_TIMETAGS:
        enters = third & 1 == 0
        kind = q1.KIND_CLOSE if enters else q1.KIND_OPEN
        weight0 = fourth & q1.FINE_DELAY_MASK
    elif op == Operation.ACQUIRE_TTL:
        enters = third & 1 != 0
        kind = q1.KIND_TTL_OPEN if enters else q1.KIND_TTL_CLOSE
    elif op == Operation.ACQUIRE_DIGITAL:
        kind = q1.KIND_LEVEL
    if not lost and enters:
        lost = admit_acquisition(state, tables[q1.BINS, acq], bin_, time)
    if lost:
        kind = 0
        acq = bin_ = weight0 = weight1 = -1
    return kind, acq, bin_, weight0, weight1, lost


@numba.njit(cache=True, inline="always")
def admit_acquisition(state: Any, bins: Any, bin_: Any, time: Any) -> Any:
    """Queue an acquisition for binning; return the flag it raises when it is lost, or 0.

    ``bins``: how many the acquisition has, -1 where there is no such acquisition.
    """
    lost = 0
    if bins < 0:
        lost = q1.FLAG_ACQ_INDEX
    elif bin_ >= bins:
        lost = q1.FLAG_ACQ_BIN
    else:
        waiting = state[q1.ACQ_LENGTH]
        first = state[q1.ACQ_HEAD]
        ready = state[q1.ACQ_READY_NS]
        while waiting > 0 and ready <= time:
            ready = max(state[q1.ACQ_TIMES + first], ready) + state[q1.ACQ_SPACING]
            first = (first + 1) & (q1.ACQ_BUFFER - 1)
            waiting -= 1
        if waiting == q1.ACQ_BUFFER:
            lost = q1.FLAG_ACQ_FIFO
        else:
            state[q1.ACQ_TIMES + ((first + waiting) & (q1.ACQ_BUFFER - 1))] = time
            waiting += 1
        state[q1.ACQ_LENGTH] = waiting
        state[q1.ACQ_HEAD] = first
        state[q1.ACQ_READY_NS] = ready
    return lost


@numba.njit(cache=True)
def pulse_end(rows64: Any, rows32: Any, at: Any, time: Any, level: Any) -> None:
    """Write the row in which the output of a time-tag sequencer returns to its level.

    ASSUMED: ``play_pulse`` holds the output high for its own duration, both edges moved by its
    fine delay; no source says how long the pulse is.
    """
    rows64[0, at] = time
    rows64[1, at] = rows64[1, at - 1]
    for column in range(q1.ROW_COLUMNS):
        rows32[column, at] = rows32[column, at - 1]
    rows32[q1.ROW_GAIN_0, at] = level


@numba.njit(cache=True, inline="always")
def send(sent: Any, at: Any, time: Any, number: Any, value: Any) -> Any:
    """Write down what goes out; return the place of the next."""
    sent[0, at] = time
    sent[1, at] = number
    sent[2, at] = value
    return at + 1
