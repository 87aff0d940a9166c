"""Modulates readouts: waveform k and weights k of a channel turn with oscillator k.

ASSUMED: which oscillator it is, as LabOne Q 26.7.0 allots them; that weights turn against it, so
that what is integrated stands still; slots beyond the last oscillator are as they were written.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.zurich.awg_limits import READOUT_OSCILLATORS
from podium.sim_instruments.twins.zurich.quantum_analyzer.integration import ReadoutSettings
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    SAMPLE_RATE_HZ,
    Complexes,
    Integers,
    pulse,
)
from podium.sim_instruments.twins.zurich.sequencer.processor import Trace
from podium.sim_instruments.twins.zurich.sequencer.render import (
    Oscillators,
    oscillator_at,
    oscillator_turns,
)


@dataclass(frozen=True, slots=True, eq=False)
class Carriers:
    """The oscillators of a channel during a run."""

    trace: Trace
    oscillators: Oscillators
    late: int = 0
    """Samples that a signal takes from the sequencer, whose the trace's times are."""

    def at(self, slot: int, times: Integers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return phase, turns, and frequency, Hz, of what a slot rides on at ``times``."""
        if slot >= READOUT_OSCILLATORS:
            return np.zeros(len(times)), np.zeros(len(times))
        return oscillator_at(self.trace, self.oscillators, slot, SAMPLE_RATE_HZ, times - self.late)

    def wave(self, slot: int, start: int, samples: int) -> Complexes:
        """Return what a slot is multiplied with, from a sample on."""
        if slot >= READOUT_OSCILLATORS:
            return np.ones(samples, np.complex128)
        turns = oscillator_turns(
            self.trace, self.oscillators, slot, SAMPLE_RATE_HZ, start, start + samples
        )
        return np.asarray(np.exp(2j * np.pi * turns), np.complex128)


def modulated_pulse(
    waveforms: dict[int, Complexes], generators: int, delay: int, carriers: Carriers, time: int
) -> Complexes:
    """Return the sum of the waveforms of a readout that starts at ``time``."""
    turned = {
        slot: wave * carriers.wave(slot, time + delay, len(wave))
        for slot, wave in waveforms.items()
        if generators >> slot & 1
    }
    return pulse(turned, generators, delay)


def integrate_modulated(
    records: Complexes, settings: ReadoutSettings, carriers: Carriers, times: Integers
) -> Complexes:
    """Return what the integrators make of records that begin at ``times``: as ``integrate``."""
    cut = records[:, settings.delay : settings.delay + settings.length]
    found = np.zeros((len(records), len(settings.weights)), np.complex128)
    for unit, given in enumerate(settings.weights):
        used = given[: cut.shape[1]]
        for k, time in enumerate(times.tolist() if len(used) else ()):
            turned = carriers.wave(unit, time + settings.delay, len(used)).conj()
            found[k, unit] = cut[k, : len(used)] @ (used * turned)
    return found
