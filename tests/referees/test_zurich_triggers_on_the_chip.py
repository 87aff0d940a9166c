"""The vendor's client starts shots on a chip one by one, by software triggers, as its examples do.

Reference traces of both levels come from the scope; weights made of them tell the levels apart.
"""

import numpy as np
import pytest
from tests.benches.referees.reset_monte_carlo import THERMAL
from tests.benches.referees.zurich_on_a_chip import READOUT_HZ
from tests.benches.zurich.feedback_client import (
    DELAY,
    PATIENCE_S,
    PI,
    QA_HZ,
    SAMPLES,
    listen,
    shfqc,
)
from zhinst.toolkit import CommandTable, Waveforms

__all__ = ["shfqc"]
LOUD = 3
"""Sigmas of means of :data:`SHOTS` shots, twice over: two of them are held against each other."""
SHOTS = 40
DRIVE = f"""
wave w = hann(80, 1.0); wave z = zeros(80);
assignWaveIndex(1, 2, w, 1, 2, z, 0);
repeat ({SHOTS}) {{ waitDigTrigger(1); resetOscPhase(); playZero(64); executeTableEntry(0); }}
"""
READ = f"""
repeat ({SHOTS}) {{
  waitDigTrigger(1); setTrigger(1); setTrigger(0); playZero(64); playZero(96);
  startQA(QA_GEN_0, QA_INT_0, true, 0, 0);
}}
"""


@pytest.fixture
def by_software(shfqc):
    """Have q0 driven and read at software triggers; afterwards, all is as it was."""
    awg = shfqc.sgchannels[0].awg
    shfqc.qachannels[0].generator.auxtriggers[0].channel("swtrig0")
    awg.auxtriggers[0].channel("chan0seqtrig0")
    awg.load_sequencer_program(DRIVE)
    yield shfqc
    shfqc.scopes[0].stop()
    shfqc.qachannels[0].generator.auxtriggers[0].channel("inttrig")
    awg.auxtriggers[0].channel("inttrig")
    listen(shfqc, shfqc.thresholds)


def shots(device, amplitude):
    """Return single results, V, and the scope's mean, V, of a level that was prepared."""
    awg, qa, scope = device.sgchannels[0].awg, device.qachannels[0], device.scopes[0]
    table = CommandTable(awg.commandtable.load_validation_schema())
    table.table[0].waveform.index = 0
    for which, sign in ((0, 1), (1, -1), (2, 1), (3, 1)):
        entry = getattr(table.table[0], f"amplitude{which >> 1}{which & 1}")
        entry.value = sign * amplitude
    awg.commandtable.upload_to_device(table, check_upload=True)
    qa.generator.load_sequencer_program(READ)
    qa.readout.configure_result_logger(result_source="result_of_integration", result_length=SHOTS)
    scope.configure(
        input_select={0: "channel0_signal_input"},
        num_samples=SAMPLES,
        trigger_input="channel0_sequencer_monitor0",
        num_averages=SHOTS,
        trigger_delay=DELAY / 2e9,
    )
    scope.run()
    qa.readout.run()
    awg.enable_sequencer(single=True)
    qa.generator.enable_sequencer(single=True)
    for number in range(SHOTS):
        qa.readout.result.acquired.wait_for_state_change(number, timeout=PATIENCE_S)
        assert scope.enable() == 1
        device.system.swtriggers[0].single(1, deep=True)
        device.system.swtriggers[0].single(0)
    for one in (awg, qa.generator):
        one.wait_done(timeout=PATIENCE_S)
    results = qa.readout.read(timeout=PATIENCE_S)[0]
    record, _, _ = scope.read(timeout=PATIENCE_S)
    return np.asarray(results), np.asarray(record[0])


@pytest.mark.slow
def test_shots_that_the_client_starts_one_by_one_and_their_traces_tell_levels_apart(by_software):
    ground, dark = shots(by_software, 0.0)
    excited, bright = shots(by_software, PI[0])
    each = np.arange(SAMPLES) / 2e9
    weights = np.exp(-2j * np.pi * (READOUT_HZ[0] - QA_HZ) * each - 1j * by_software.angles[0])
    # The scope has heard what the integrator has: the same means, whatever the noise of each.
    sigma = np.std(ground.imag) / np.sqrt(SHOTS)
    for results, record in ((ground, dark), (excited, bright)):
        assert abs(np.sum(record * weights) - results.mean()) < LOUD * 2 * sigma
    middle = by_software.thresholds[0]
    assert np.mean(ground.real > middle) < 0.25
    assert np.mean(excited.real > middle) > 0.75
    # Weights as the published example makes them: the difference of the two traces.
    best = np.conj(bright - dark)
    best = best / np.abs(best).max()
    given = Waveforms()
    given[0] = best
    by_software.qachannels[0].readout.write_integration_weights(
        given, integration_delay=DELAY / 2e9, integration_length=SAMPLES
    )
    zero, one = shots(by_software, 0.0)[0].real, shots(by_software, PI[0])[0].real
    halves = np.median(zero), np.median(one)
    assert halves[0] < halves[1]
    wrong = np.mean(zero > sum(halves) / 2) + np.mean(one < sum(halves) / 2)
    assert wrong / 2 < THERMAL + 0.15
