"""Inputs reach a sequencer from outside: triggers, messages, results, levels.

ASSUMED: a register keeps the last message, or word of results, until the next one comes.
"""

from typing import Any, Final

import numba
import numpy as np

from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    MASK_AT,
    OFFSET,
    SHIFT_AT,
    UNDECIDED_AT,
    WHOLE,
    Result,
    Source,
    State,
)

_WORD: Final = 0xFFFF_FFFF


@numba.njit(cache=True, nogil=True)
def take(inputs: Any, state: Any, until: int) -> None:
    """Let all inputs that came before ``until`` have come."""
    k = state[State.CURSOR]
    while k < inputs.shape[0] and inputs[k, 0] < until:
        _receive(state, inputs[k, 1], inputs[k, 2])
        k += 1
    state[State.CURSOR] = k


@numba.njit(cache=True, nogil=True)
def _receive(state: Any, source: int, value: int) -> None:
    if source == Source.ZSYNC or source == Source.DIO or source == Source.FORWARDED:
        state[State.RAW] = value
    elif source == Source.QA:
        state[State.QA_RAW] = value
    elif source == Source.DIO_LEVEL:
        state[State.DIO_IN] = value
    elif source == Source.TRIGGER_LEVEL:
        state[State.TRIGGER_IN] = value
    elif source == Source.COUNTER_LEVEL:
        state[State.COUNTER_IN] = value
    elif source == Source.REGISTER:
        state[np.int64(State.MEMORY) + (value >> 32)] = (value << 32) >> 32


@numba.njit(cache=True, nogil=True)
def next_trigger(inputs: Any, state: Any, source: int, limit: int) -> int:
    """Return when the next trigger of a source came, having taken it; -1 it did not, -2 it comes
    after ``limit``."""
    for k in range(state[State.CURSOR], inputs.shape[0]):
        if inputs[k, 1] == source:
            time = inputs[k, 0]
            if time > limit:
                return -2
            for earlier in range(state[State.CURSOR], k + 1):
                _receive(state, inputs[earlier, 1], inputs[earlier, 2])
            state[State.CURSOR] = k + 1
            return int(time)
    return -1


@numba.njit(cache=True, nogil=True)
def result(state: Any, which: int) -> int:
    """Return a result as its register has it: shifted, cut to its bits, its offset added."""
    config = np.int64(WHOLE)
    if which == Result.PROCESSED_A:
        config = state[State.FEEDBACK_A]
    elif which == Result.PROCESSED_B:
        config = state[State.FEEDBACK_B]
    elif which == Result.QA:
        config = state[State.FEEDBACK_QA]
    own = which == Result.QA or which == Result.QA_RAW
    word = state[State.QA_RAW] if own else state[State.RAW]
    shift, mask = config >> SHIFT_AT & 31, config >> MASK_AT
    if word >> UNDECIDED_AT + shift & mask:
        state[State.UNDECIDED] = 1
    return int(((word & _WORD) >> shift & mask) + (config & OFFSET))
