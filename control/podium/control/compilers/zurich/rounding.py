"""Rounds to what the hardware's numbers can hold: the one table of this compiler.

=================  ===============================  ======================================
quantity           held as                          source
=================  ===============================  ======================================
time               samples, 2.0 or 2.4 GSa/s        manuals; waveforms are padded to 16
waveform sample    int16, ``rint(32767 x)``         zhinst-utils, integers go through as is
amplitude (table)  2^-17                            ASSUMED, see awg_limits
phase (table)      2^-23 turn                       compile_seqc (setSinePhase)
carrier            2^-48 of the sample rate         compile_seqc (configFreqSweep)
readout waveform   float (the device's own rounding is not modelled: 14 bits are ASSUMED there)
=================  ===============================  ======================================

A swept carrier is ``start + k * increment``, both such words: its value can be off by half a word
for the start and ``k`` halves for the increment, which the list of what is rounded says as a step
of ``count`` words: 41 points are 0.3 mHz.
"""

import numpy as np

from podium.control.compilers.points import FloatArray, IntArray
from podium.firmware_interfaces.zurich.awg_limits import (
    SHF_RATE_HZ,
    SINE_WORDS,
    TABLE_AMPLITUDE_STEPS,
    TABLE_PHASE_STEPS,
    WAVE_WORD_MAX,
)

AMPLITUDE_STEP = 1 / TABLE_AMPLITUDE_STEPS
PHASE_STEP = 1 / TABLE_PHASE_STEPS
FREQUENCY_STEP_HZ = SHF_RATE_HZ / SINE_WORDS


def amplitude_words(amplitude: FloatArray) -> IntArray:
    """Return amplitudes in steps of a command table."""
    return np.rint(amplitude * TABLE_AMPLITUDE_STEPS).astype(np.int64)


def phase_words(turns: FloatArray) -> IntArray:
    """Return phases in steps of a command table, 0 to a turn."""
    return np.rint((turns % 1.0) * TABLE_PHASE_STEPS).astype(np.int64) % TABLE_PHASE_STEPS


def frequency_words(offset_hz: FloatArray) -> IntArray:
    """Return frequencies of an oscillator in its words."""
    return np.rint(offset_hz * (SINE_WORDS / SHF_RATE_HZ)).astype(np.int64)


def frequency_hz(words: IntArray) -> FloatArray:
    """Return the frequencies of oscillators at these words."""
    return np.asarray(words * FREQUENCY_STEP_HZ, np.float64)


def frequency_text(word: int) -> str:
    """Return a number for SeqC that its compiler, which cuts off, takes for ``word``."""
    if word == 0:
        return "0.0"
    return f"{(word + (0.5 if word > 0 else -0.5)) * FREQUENCY_STEP_HZ:.17g}"


def sample_words(samples: FloatArray) -> IntArray:
    """Return samples as the words of a wave table."""
    return np.rint(samples * WAVE_WORD_MAX).astype(np.int64)
