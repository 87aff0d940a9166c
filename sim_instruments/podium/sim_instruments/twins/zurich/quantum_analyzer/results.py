"""From readouts to what sequencers hear of them: words, and when they are there.

Within an SHFQC a word has 32 bits, a couple for each integrator (SHFQC manual, "Flexible feedback
processing", release 24.07); LabOne Q (Apache-2.0, ``add_feedback_config``) reads them so. A PQSC
forwards words of 16 bits, ASSUMED one for each integrator.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.zurich.latency import Route, feedback_cycles
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Integers
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import CYCLE

COUPLE: Final = 2
"""Bits of a word for each integrator, within an SHFQC."""


def words(states: NDArray[np.uint8], integrators: Integers, width: int = COUPLE) -> Integers:
    """Return states, shape (readouts, integrators), as words, shape (readouts).

    ``width`` bits are each integrator's, the first one's lowest; zero where it was not asked.
    """
    units = np.arange(states.shape[1], dtype=np.int64)
    asked = integrators[:, None] >> units & 1
    return np.asarray((states.astype(np.int64) * asked << width * units).sum(axis=1), np.int64)


def heard_at(started: Integers, duration: int, route: Route) -> Integers:
    """Return when words can be read within an SHFQC, of readouts that started then, in samples.

    ``duration`` samples lie between a start and the end of its integration. The vendor counts both
    from the trigger; as latencies grow by a cycle with every eight samples, that is the same.
    Raises :class:`~podium.firmware_interfaces.zurich.latency.TooShort`.
    """
    return np.asarray(started + feedback_cycles(route, duration) * CYCLE, np.int64)


def forwarded_at(
    started: Integers, duration: int, triggers: Integers, route: Route
) -> tuple[Integers, Integers]:
    """Return when words that a PQSC forwards can be read.

    Returns, of each readout, the trigger before it (samples of the analyser), and the cycles of
    the generator from there on.

    ``triggers``: when they reached the analyser, the first of them before the first readout.
    Sequencers count from a cycle after a trigger, as from where a play behind the wait for it
    begins. Raises :class:`~podium.firmware_interfaces.zurich.latency.TooShort`.
    """
    last = triggers[np.searchsorted(triggers, started, side="right") - 1]
    lengths, which = np.unique(started + duration - last - CYCLE, return_inverse=True)
    cycles = [1 + feedback_cycles(route, length) for length in lengths.tolist()]
    return last, np.array(cycles, np.int64)[which]
