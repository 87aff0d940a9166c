"""Numbers of the cluster's hardware: memories, ranges, scales.

Ranges that the vendor's client validates are taken from qblox-instruments 1.4.1
(``qcodes_drivers/module.py``, ``sequencer.py``); what is marked ASSUMED has no source.
"""

import math

SLOTS = 20
"""Slots of a cluster's backplane (qblox_instruments.constants.NUM_SLOTS)."""
SEQUENCERS = 6
"""Sequencers of a QCM or QRM (qblox_instruments.constants.MODULE_CONSTANTS)."""

# Memories
PROGRAM_MAX_BYTES = 10 * (128 * 1024 * 8 + 1024)
"""Program text (qblox_instruments.native.definitions.MAX_PROGRAM_LENGTH)."""
PROGRAM_INSTRUCTIONS_CONTROL = 16_384
"""Instructions of a QCM sequencer (the vendor's assembler refuses more)."""
PROGRAM_INSTRUCTIONS_READOUT = 12_288
"""Instructions of a QRM sequencer (vendor docs, architecture/sequencers; q1simulator agrees)."""
WAVEFORM_SAMPLES = 16_384
"""Samples of waveform memory of one sequencer, all waveforms together (vendor docs)."""
WAVEFORMS = 1024
"""Waveform indices 0-1023 (the operand limit of ``play``)."""
WEIGHT_SAMPLES = 16_384
"""Samples of weight memory of one sequencer. ASSUMED: as large as the waveform memory."""
WEIGHTS = 64
"""Weight indices 0-63 (the operand limit of ``acquire_weighed``)."""
ACQUISITIONS = 32
"""Acquisition indices 0-31 (the operand limit of ``acquire``)."""
BINS = 3_000_000
"""Bins of a QRM, all sequencers together (qblox-scheduler 1.0.1 constants.py)."""
SCOPE_SAMPLES = 16_384
"""Samples of the scope, each path (vendor docs; the length of its read-out)."""

# Time
SAMPLE_NS = 1
"""Sample period of outputs and inputs."""
INTEGRATION_MIN_NS = 4
INTEGRATION_MAX_NS = 2**24 - 4
INTEGRATION_STEP_NS = 4
"""Integration length of unweighed acquisitions (validator of ``integration_length_acq``)."""

# Triggers
TRIGGERS = 15
"""Addresses 1-15 of the trigger network (``trigger1_monitor_count`` and its like)."""
TRIGGER_INPUT_PERIOD_NS = 4
"""The trigger input is sampled so often. ASSUMED: with the clock of the sequence processors."""
TRIGGER_LATENCY_NS = 212
"""From the sending of a trigger to all sequencers (vendor docs, trigger handling)."""
TRIGGER_DEAD_NS = 252
"""After one trigger the network takes the next (same page)."""
THRESHOLD_TRIGGER_NS = 364
"""From the end of an integration to the trigger's arrival at all sequencers: TRIGGER_DELAY of
qblox-scheduler 1.0.1, backends/qblox/constants.py; docs.qblox.com gives it from input to output."""
COUNT_TRIGGER_NS = 340
"""From a trigger at an input that counts to its arrival at all sequencers (docs.qblox.com,
feedback: 340 ns from TTL input to output, where it is 364 ns from the end of an integration).
ASSUMED: the same from an edge at an input of a QTM that is forwarded."""
LOOK_NS = 4
"""So long after a result has arrived a sequencer that looks for it raises its marker."""
MARKER_PULSE_NS = 40
"""How long a marker is up that a QTM listens to. ASSUMED: enough for any TTL input."""
SYNC_NS = 200
"""From the last sequencer's ``wait_sync`` to the common start; q1simulator sync_barrier.py."""
TRIGGER_DELAY_STEP_PS = 39
TRIGGER_DELAY_MAX_PS = 31 * 39
"""Validator of ``ext_trigger_input_delay``."""

# Numerically controlled oscillator
NCO_MAX_HZ = 500e6
NCO_STEPS_PER_HZ = 4
"""Resolution 0.25 Hz (docstring of ``nco_freq``)."""

# Sample words
DAC_MAX = 32_767
DAC_MIN = -32_768
"""Sample words of the output path are int16 (the client packs floor(x * 32767 + 0.5))."""
GAIN_SHIFT = 15
"""``set_awg_gain`` is a fraction of 2**15: word = (sample * gain) >> 15.
ASSUMED: the shift floors; that the product is not rounded is not published."""
ADC_BITS = 12
ADC_FULL_SCALE = 1 << (ADC_BITS - 1)
"""Input words of QRM and QRM-RF (native.definitions.SCOPE_ACQUISITION_BIT_WIDTH_QRM)."""
INTEGRATED_FULL_SCALE = ADC_FULL_SCALE**2
"""One sample at full scale counts this much in a bin's path value: the client divides by it
(native.cluster, ``max_sample_value_binned**2``). A bin holds the sum over the integration
length, not the mean: divide by the length in samples."""
WEIGHT_MAX = 32_767
"""Weights are packed like waveforms; as fractions of full scale they multiply input samples."""

# Analogue side
IMPEDANCE_OHM = 50.0
RF_OUTPUT_FULL_SCALE_DBM = 5.0
"""Tone at digital full scale out of QCM-RF and QRM-RF, attenuator at 0 dB.
ASSUMED: vendor brochures give 5 dBm; flat over frequency here."""
RF_INPUT_FULL_SCALE_DBM = 0.0
"""Tone at the QRM-RF's input that just fills the ADC, attenuator at 0 dB. ASSUMED."""
LO_MIN_HZ = 2_000_000_000
LO_MAX_HZ = 18_000_000_000
"""Validators of ``out0_lo_freq`` and its like."""
OUTPUT_ATTENUATION_MAX_DB = 60
OUTPUT_ATTENUATION_STEP_DB = 2
INPUT_ATTENUATION_MAX_DB = 30
INPUT_ATTENUATION_STEP_DB = 2
"""Validators of ``out0_att`` (maximum read from the module, 60 in the vendor's own
stand-in for a module) and ``in0_att``."""
QCM_OUTPUT_FULL_SCALE_V = 2.5
"""QCM: 5 Vpp into 50 ohms (vendor docs)."""
QRM_OUTPUT_FULL_SCALE_V = 0.5
"""QRM: 1 Vpp into 50 ohms (vendor docs)."""
QRM_INPUT_FULL_SCALE_V = 1.0
"""QRM: amplitude that just fills the ADC at 0 dB input gain. ASSUMED."""
QCM_OFFSET_MAX_V = 2.5
QRM_OFFSET_MAX_V = 0.5
"""Validators of ``out0_offset``."""
OFFSET_WORD_BITS = 16
"""ASSUMED: the static offset DAC of a baseband output has as many bits as the signal DAC."""
RF_OFFSET_MIN_MV = -84.0
RF_OFFSET_MAX_MV = 73.0
"""Validator of ``out0_offset_path0``."""
INPUT_OFFSET_MAX_V = 0.09
"""Validator of ``in0_offset``."""
INPUT_GAIN_MIN_DB = -6
INPUT_GAIN_MAX_DB = 26
"""Validator of ``in0_gain`` (QRM)."""


def tone_amplitude(power_dbm: float) -> float:
    """Return the amplitude of a tone of ``power_dbm``, in square roots of watts."""
    return math.sqrt(1e-3 * 10 ** (power_dbm / 10))


def rf_output_full_scale(attenuation_db: float) -> float:
    """Return the amplitude, sqrt(W), of digital full scale at an RF module's output."""
    return tone_amplitude(RF_OUTPUT_FULL_SCALE_DBM - attenuation_db)


def rf_input_full_scale(attenuation_db: float) -> float:
    """Return the amplitude, sqrt(W), at a QRM-RF's input that just fills the ADC."""
    return tone_amplitude(RF_INPUT_FULL_SCALE_DBM + attenuation_db)


def rf_input_full_scale_v(attenuation_db: float) -> float:
    """Return the peak voltage at a QRM-RF's input that just fills the ADC."""
    return rf_input_full_scale(attenuation_db) * math.sqrt(2 * IMPEDANCE_OHM)


QRC_LO_MIN_MHZ = 500
QRC_LO_MAX_MHZ = 10_100
QRC_LO_STEP_MHZ = 100
QRC_ATTENUATION_MAX_DB = 31.5
QRC_ATTENUATION_STEP_DB = 0.5
"""Validators and docstrings of ``out0_in0_lo_freq`` and ``out0_att`` of a QRC."""
