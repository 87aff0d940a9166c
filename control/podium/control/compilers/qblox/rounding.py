"""Rounds to what the cluster's numbers can hold: the one table of this compiler.

=================  ==============================  ==========================================
quantity           held as                         source
=================  ==============================  ==========================================
time               whole ns; RT steps >= 4 ns      qblox-scheduler 1.0.1 constants
waveform sample    int16, ``floor(32767 x + 0.5)`` qblox-instruments 1.4.1, what the client packs
amplitude (gain)   int16, ``word = sample*gain>>15``  limits.GAIN_SHIFT (the floor is ASSUMED)
level (offset)     int16, added to the word        q1simulator 1.3.4
carrier            NCO, int32 steps of 0.25 Hz     docstring of ``nco_freq``
phase              1e-9 turn                       operand of ``set_ph``
=================  ==============================  ==========================================

Amplitude 1 is the most that a pulse from waveform memory reaches: sample 32767 at gain 32767,
the word ``32767 * 32767 / 32768``. Levels are measured by the same scale, so that a pulse
of amplitude A is A high whichever way it is made.
"""

import numpy as np

from podium.control.compilers.points import FloatArray, IntArray
from podium.firmware_interfaces.qblox_cluster.limits import (
    DAC_MAX,
    GAIN_SHIFT,
    NCO_STEPS_PER_HZ,
)

GAIN_STEP = 1 / DAC_MAX
FULL_SCALE_WORD = DAC_MAX * DAC_MAX / (1 << GAIN_SHIFT)
"""The DAC word of amplitude 1."""
LEVEL_STEP = 1 / FULL_SCALE_WORD
FREQUENCY_STEP_HZ = 1 / NCO_STEPS_PER_HZ
PHASE_STEPS = 1_000_000_000
"""Steps of a turn, operand of ``set_ph`` (assembler of qblox-instruments 1.4.1)."""
PHASE_STEP = 1 / PHASE_STEPS


def gain_words(amplitude: FloatArray) -> IntArray:
    """Return operands of ``set_awg_gain`` for ``amplitude``."""
    return np.rint(amplitude * DAC_MAX).astype(np.int64)


def level_words(amplitude: FloatArray) -> IntArray:
    """Return operands of ``set_awg_offs`` for ``amplitude``."""
    return np.rint(amplitude * FULL_SCALE_WORD).astype(np.int64)


def frequency_words(nco_hz: FloatArray) -> IntArray:
    """Return operands of ``set_freq``."""
    return np.rint(nco_hz * NCO_STEPS_PER_HZ).astype(np.int64)


def phase_words(turns: FloatArray) -> IntArray:
    """Return operands of ``set_ph``, 0 to 999 999 999."""
    words = turn_steps(turns)
    return np.where(words == PHASE_STEPS, 0, words)


def turn_steps(turns: FloatArray) -> IntArray:
    """Return the steps of phases within one turn, 0 to 1 000 000 000: both ends are the same."""
    # What is left of a floor is ``turns % 1.0`` to the bit, in a fifth of the time.
    return np.rint((turns - np.floor(turns)) * PHASE_STEPS).astype(np.int64)


def gain_values(words: IntArray) -> FloatArray:
    """Return the amplitudes that gains stand for."""
    return np.asarray(words * GAIN_STEP, np.float64)


def level_values(words: IntArray) -> FloatArray:
    """Return the amplitudes that offsets stand for."""
    return np.asarray(words / FULL_SCALE_WORD, np.float64)


def frequency_values(words: IntArray, lo_hz: float) -> FloatArray:
    """Return the carriers, Hz, about a local oscillator at ``lo_hz``."""
    return np.asarray(lo_hz + words * FREQUENCY_STEP_HZ, np.float64)


def phase_values(words: IntArray) -> FloatArray:
    """Return the phases, turns."""
    return np.asarray(words * PHASE_STEP, np.float64)


def sample_words(samples: FloatArray) -> IntArray:
    """Return entries of waveform memory, rounded as the vendor's client does on upload."""
    return np.floor(samples * DAC_MAX + 0.5).astype(np.int64)
