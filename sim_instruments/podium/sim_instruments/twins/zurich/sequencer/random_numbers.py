"""The sequencer's generator of pseudorandom numbers."""

from typing import Any, Final

import numba

from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import State

_PRNG_TAPS: Final = 0xB400
"""LabOne Q (Apache-2.0), ``core/utilities/prng.py``."""


@numba.njit(cache=True, nogil=True)
def random_number(state: Any) -> int:
    """Return the next number, in the range that was set."""
    lowest = state[State.PRNG] & 1
    state[State.PRNG] >>= 1
    if lowest:
        state[State.PRNG] ^= _PRNG_TAPS
    value = state[State.PRNG] * state[State.PRNG_SPAN] >> 16
    return int((value + state[State.PRNG_LOWER]) & 0xFFFF)
