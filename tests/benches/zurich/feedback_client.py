"""An SHFQC on a chip that the vendor's client sets up for feedback."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.benches.physics.small_chip import hann, pi_amplitude
from tests.benches.referees.reset_monte_carlo import AT_NS, SECOND_NS
from tests.benches.referees.zurich_on_a_chip import DRIVE_HZ, QUBITS, READOUT_HZ
from zhinst.toolkit import CommandTable, Session, SHFQAChannelMode, Waveforms

from podium.firmware_interfaces.qblox_cluster.limits import tone_amplitude

SCRIPT = Path(__file__).parents[1] / "referees" / "zurich_on_a_chip.py"
PATIENCE_S = 60
QA_HZ, SG_HZ = 7.0e9, 6.0e9
TONE = 1e-4
"""sqrt(W) at the connector: eighty photons, which these resonators bear."""


READ_GAIN = TONE / tone_amplitude(-30)
PI = [pi_amplitude(qubit, hann(40)) / tone_amplitude(5) for qubit in QUBITS]
SAMPLES = 2000
DELAY = 292
"""Samples from a tone to the integration: it takes 146 ns to the chip and back."""


START, SECOND = 208, 208 + 2 * SECOND_NS - 8
"""When tones begin, samples from a shot's begin: on the grid of 16, some ns from the other
controller's."""


PERIOD = 40_000


READ = f"""
waitDigTrigger(1);
playZero(64);
repeat ({{shots}}) {{{{
  playZero({START}); playZero({SECOND - START});
  startQA(QA_GEN_0 | QA_GEN_1, QA_INT_0 | QA_INT_1, true, 0, 0);
  playZero({PERIOD - SECOND});
  startQA(QA_GEN_0 | QA_GEN_1, QA_INT_0 | QA_INT_1, true, 0, 0);
}}}}
"""


HEAD = """
wave w = hann(80, 1.0); wave z = zeros(80);
assignWaveIndex(1, 2, w, 1, 2, z, 0);
configureFeedbackProcessing(QA_DATA_PROCESSED, {shift}, 1, 0);
var t = 8;
waitDigTrigger(1);
playZero(64);
"""


DRIVE = (
    HEAD
    + """
repeat ({shots}) {{
  playZero(112); resetOscPhase();
  executeTableEntry(2);
  playZero({wait});
  executeTableEntry(QA_DATA_PROCESSED, t + {latency});
  playZero({rest});
  t += 5000;
}}
"""
)


@pytest.fixture(scope="module")
def shfqc():
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(
        [sys.executable, SCRIPT], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        session = Session("127.0.0.1", int(process.stdout.readline()))
        device = session.connect_device("dev12000")
        set_up(device)
        yield device
        process.stdin.close()


def set_up(device):
    qa = device.qachannels[0]
    qa.configure_channel(
        input_range=-30, output_range=-30, center_frequency=QA_HZ, mode=SHFQAChannelMode.READOUT
    )
    qa.input.on(1)
    qa.output.on(1)
    qa.generator.auxtriggers[0].channel("inttrig")
    tones = Waveforms()
    each = np.arange(SAMPLES) / 2e9
    for slot, hz in enumerate(READOUT_HZ):
        tones[slot] = READ_GAIN * np.exp(2j * np.pi * (hz - QA_HZ) * each)
    qa.generator.write_to_waveform_memory(tones)
    for n, hz in enumerate(DRIVE_HZ):
        sg = device.sgchannels[n]
        sg.configure_channel(enable=True, output_range=5, center_frequency=SG_HZ, rf_path=True)
        sg.awg.configure_marker_and_trigger(
            trigger_in_source="inttrig", trigger_in_slope="rising_edge",
            marker_out_source="awg_trigger0",
        )  # fmt: skip
        sg.configure_pulse_modulation(enable=True, osc_index=0, osc_frequency=hz - SG_HZ)
    device.angles, device.separation = [0.0, 0.0], []
    listen(device, (0.0, 0.0))
    for n in range(2):
        device.separation.append(calibrate(device, n))


def listen(device, thresholds):
    """Turn each integrator's result onto the real axis, and set thresholds, sums in volts."""
    weights = Waveforms()
    each = np.arange(SAMPLES) / 2e9
    for n, (hz, angle) in enumerate(zip(READOUT_HZ, device.angles, strict=True)):
        weights[n] = np.exp(-2j * np.pi * (hz - QA_HZ) * each - 1j * angle)
    readout = device.qachannels[0].readout
    readout.write_integration_weights(
        weights, integration_delay=DELAY / 2e9, integration_length=SAMPLES
    )
    for n, threshold in enumerate(thresholds):
        readout.discriminators[n].threshold(threshold)
    device.thresholds = list(thresholds)


def play(device, shots, source, *drives):
    """Run SeqC; return results of both integrators, shape (2, shots, 2 readings).

    ``drives``: (generator, program, amplitude of the pulse chosen at 1, of the first pulse).
    """
    qa = device.qachannels[0]
    qa.generator.load_sequencer_program(READ.format(shots=shots))
    qa.readout.configure_result_logger(result_source=source, result_length=2 * shots)
    for number, program, chosen, first in drives:
        awg = device.sgchannels[number].awg
        awg.load_sequencer_program(program)
        table = CommandTable(awg.commandtable.load_validation_schema())
        table.table[0].waveform.playZero = True
        table.table[0].waveform.length = 80
        for index, amplitude in ((1, chosen), (2, first)):
            entry = table.table[index]
            entry.waveform.index = 0
            for which, sign in ((0, 1), (1, -1), (2, 1), (3, 1)):
                getattr(entry, f"amplitude{which >> 1}{which & 1}").value = sign * amplitude
        awg.commandtable.upload_to_device(table, check_upload=True)
    qa.readout.run()
    used = [device.sgchannels[number].awg for number, *_ in drives]
    for awg in (*used, qa.generator):
        awg.enable_sequencer(single=True)
    trigger = device.system.internaltrigger
    trigger.repetitions(1)
    trigger.enable(1)
    for awg in (*used, qa.generator):
        awg.wait_done(timeout=PATIENCE_S)
    results = qa.readout.read(timeout=PATIENCE_S)
    return np.array([results[n].reshape(shots, 2) for n in range(2)])


LATENCY = AT_NS // 8 * 2 - 3
"""Cycles: an entry plays three after its result is taken (LabOne Q 26.7), on the grid of 8 ns."""


def driving(shots, shift=0, latency=LATENCY, text=DRIVE):
    at = 8 * (latency + 3)
    return text.format(
        shots=shots, shift=shift, latency=latency, wait=at - 112 - 80, rest=PERIOD - at - 80
    )


def calibrate(device, n):
    """Set rotation and threshold by two prepared states; return distance over twice sigma."""
    means, spread = [], 0.0
    for first in (0.0, PI[n]):
        drive = (n, driving(800), 0.0, first)
        points = play(device, 800, "result_of_integration", drive)[n, :, 0]
        # the larger part of the points lies about the median
        means.append(np.median(points.real) + 1j * np.median(points.imag))
        spread = np.median(np.abs(points.imag - means[-1].imag)) / 0.6745
    angle = float(np.angle(means[1] - means[0]))
    device.angles[n] += angle
    middle = (means[0] + means[1]) / 2 * np.exp(-1j * angle)
    thresholds = list(device.thresholds)
    thresholds[n] = float(middle.real)
    listen(device, thresholds)
    return abs(means[1] - means[0]) / (2 * spread)
