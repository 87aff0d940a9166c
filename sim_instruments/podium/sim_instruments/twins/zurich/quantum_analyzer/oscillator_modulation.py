"""Modulates readouts: waveform k and weights k of a channel turn with oscillator k.

ASSUMED: which oscillator it is, as LabOne Q 26.7.0 allots them; that weights turn against it, so
that what is integrated stands still; slots beyond the last oscillator are as they were written.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.zurich.awg_limits import READOUT_OSCILLATORS
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    SAMPLE_RATE_HZ,
    Integers,
)
from podium.sim_instruments.twins.zurich.sequencer.processor import Trace
from podium.sim_instruments.twins.zurich.sequencer.render import (
    Oscillators,
    Stretches,
    stretches_of,
)


@dataclass(frozen=True, slots=True, eq=False)
class Carriers:
    """The oscillators of a channel during a run."""

    trace: Trace
    oscillators: Oscillators
    late: int = 0
    """Samples that a signal takes from the sequencer, whose the trace's times are."""
    _stretches: dict[int, Stretches] = field(default_factory=dict, init=False, repr=False)
    """Of oscillators that were asked for: each is, for its slot and for its weights."""

    def at(self, slot: int, times: Integers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return phase, turns, and frequency, Hz, of what a slot rides on at ``times``."""
        if slot >= READOUT_OSCILLATORS:
            return np.zeros(len(times)), np.zeros(len(times))
        if slot not in self._stretches:
            self._stretches[slot] = stretches_of(self.trace, self.oscillators, slot, SAMPLE_RATE_HZ)
        return self._stretches[slot].at(times - self.late)
