"""Frequencies of oscillators as a program sets them: kept back first, then taken over at once."""

from typing import Any, Final

import numba

from podium.sim_instruments.twins.zurich.sequencer.row import write_row
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Kind, State

_LOW_32: Final = 0xFFFF_FFFF


@numba.njit(cache=True, nogil=True)
def pend(state: Any, which: int, value: int) -> None:
    """Keep a step, or half of a start or of an increment, until they are taken over."""
    if which == 0:
        state[State.P_STEP] = value
    elif which == 1:
        state[State.P_START] = value & _LOW_32
    elif which == 2:
        state[State.P_START] = (state[State.P_START] & _LOW_32) | value << 32
    elif which == 3:
        state[State.P_INCREMENT] = value & _LOW_32
    else:
        state[State.P_INCREMENT] = (state[State.P_INCREMENT] & _LOW_32) | value << 32
    state[State.PENDING] |= 1 << ((which + 1) >> 1)


@numba.njit(cache=True, nogil=True)
def commit(rows: Any, row: int, state: Any, time: int, which: int) -> int:
    """Take over what was kept, for one oscillator; write its frequency; return the rows written."""
    pending = state[State.PENDING]
    place = State.OSC + 3 * which
    if pending & 2:
        state[place] = state[State.P_START]
    if pending & 4:
        state[place + 1] = state[State.P_INCREMENT]
    if pending & 1:
        state[place + 2] = state[State.P_STEP]
        frequency = state[place] + state[place + 1] * state[place + 2]
        row = write_row(rows, row, state, time, Kind.FREQUENCY.value, which, frequency)
    state[State.PENDING] = 0
    return row
