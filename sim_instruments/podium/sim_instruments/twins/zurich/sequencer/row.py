"""Writing what comes out of a sequencer, and the settings that a command table leaves behind."""

from typing import Any, Final

import numba
import numpy as np

from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    AMPLITUDE_ONE,
    PHASE_TURN,
    RATE_SHIFT,
    Entry,
    State,
)
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Row as R

_LOW_32: Final = 0xFFFF_FFFF


@numba.njit(cache=True, nogil=True)
def write_row(rows: Any, k: int, state: Any, time: int, kind: int, a: int, b: int) -> int:
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
def write_play(
    rows: Any,
    k: int,
    state: Any,
    time: int,
    kind: int,
    lasting: int,
    address: int,
    config: int,
    rate: int,
) -> int:
    """Write a row of a play, with its configuration at the rate it has; return how many rows."""
    write_row(rows, k, state, time, kind, lasting, address)
    rows[np.uint64(k), R.CONFIG] = (
        (config & ~(0xF << RATE_SHIFT)) | (rate << RATE_SHIFT) | (state[State.SELECTED] << 32)
    )
    return k + 1


@numba.njit(cache=True, nogil=True)
def enter(table: Any, state: Any, index: int) -> None:
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
