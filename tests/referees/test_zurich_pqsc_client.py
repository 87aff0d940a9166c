"""The unmodified ``zhinst.toolkit`` starts a PQSC: what three instruments play on it, and when.

The judge of the instants is the vendor's own model of its instruments' latencies.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.benches.command_line import answer_of
from tests.benches.referees.zurich_laboratory import served
from zhinst.timing_models import HDAWGChannelModel, QAChannelOutModel, SGChannelModel, TriggerSource
from zhinst.toolkit import Session, SHFQAChannelMode, Waveforms

FACILITY = Path(__file__).parents[2] / "examples" / "zi_rack" / "facility.yaml"
FS_PER_SAMPLE, US = 500_000, 10**9
STARTS, HOLDOFF_US = 3, 200
PATIENCE_S = 10
ZERO = 1024
"""Samples that all are silent for after each start..."""
READ = 2048
"""... and so many more until the readout."""


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zi_rack")
    with served(folder, FACILITY.read_text(), "zi_a") as one:
        yield Session(one.host, one.port), folder


@pytest.fixture(scope="module")
def rack(laboratory):
    session, _ = laboratory
    found = {name: session.connect_device(name) for name in ("dev10001", "dev12001", "dev12002")}
    return found | {"dev8001": session.connect_device("dev8001")}


def _played(folder):
    """Return when each connector has sent its latest, world time."""
    said = answer_of("twin", "played", "--endpoints", folder / "e.json")
    entries = [json.loads(line) for line in said.splitlines()]
    return {one["connector"]: one["at_fs"] for one in entries}


def _set_up(rack):
    """Have all play the same: silence, then a pulse, after each start."""
    qa, sg, hdawg = rack["dev12001"], rack["dev12002"], rack["dev8001"]
    qa.system.clocks.referenceclock.in_.source("zsync")
    sg.system.clocks.referenceclock.in_.source("zsync")
    hdawg.enable_qccs_mode(gen=2)
    pulse = f"repeat ({STARTS}) {{ waitZSyncTrigger(); playZero({ZERO}); "

    channel = sg.sgchannels[0]
    channel.configure_channel(enable=True, output_range=5, center_frequency=6e9, rf_path=True)
    channel.configure_pulse_modulation(enable=True, osc_index=0, osc_frequency=1e8)
    channel.awg.diozsyncswitch("zsync")
    channel.awg.load_sequencer_program(
        f"wave w = 0.5 * ones(64); wave z = zeros(64);{pulse} playWave(1,2,w,1,2,z); }}"
    )

    hdawg.sigouts[2].on(1)
    hdawg.sigouts[2].range(2)
    awg = hdawg.awgs[1]
    awg.load_sequencer_program(f"wave w = 0.5 * ones(64);{pulse} playWave(1, w); }}")

    reading = qa.qachannels[0]
    reading.configure_channel(
        input_range=-15, output_range=-25, center_frequency=7e9, mode=SHFQAChannelMode.READOUT
    )
    reading.output.on(1)
    reading.input.on(1)
    wave = Waveforms()
    wave[0] = 0.3 * np.exp(2j * np.pi * 0.05 * np.arange(512))
    reading.generator.write_to_waveform_memory(wave)
    reading.readout.write_integration_weights(weights={0: np.conj(wave[0][0])}, integration_delay=0)
    reading.readout.configure_result_logger(
        result_source="result_of_integration", result_length=STARTS, num_averages=1
    )
    # A startQA goes with the beginning of the play before it.
    reading.generator.load_sequencer_program(
        f"{pulse} playZero({READ}); playZero(512); startQA(QA_GEN_0, QA_INT_0); playZero(512); }}"
    )
    return channel.awg, awg, reading


def test_a_pqsc_starts_three_instruments_which_play_when_the_vendors_model_says(laboratory, rack):
    _, folder = laboratory
    pqsc = rack["dev10001"]
    for port, name in enumerate(("dev12001", "dev12002", "dev8001")):
        assert pqsc.find_zsync_worker_port(rack[name]) == port
    drive, flux, reading = _set_up(rack)
    assert pqsc.check_zsync_connection([0, 1, 2]) == [True, True, True]
    reading.readout.run()
    for sequencer in (drive, flux, reading.generator):
        sequencer.enable_sequencer(single=True)
    pqsc.arm_and_run(repetitions=STARTS, holdoff=HOLDOFF_US * 1e-6)
    for sequencer in (drive, flux, reading.generator):
        sequencer.wait_done(timeout=PATIENCE_S)
    pqsc.wait_done(timeout=PATIENCE_S)
    results = reading.readout.read(timeout=PATIENCE_S)[0]
    assert len(results) == STARTS
    assert np.all(np.abs(results) > 0)

    played = _played(folder)
    expected = {
        "dev12001.qa0_out": READ
        + QAChannelOutModel().get_latency(rflfpath="rf", trigger=TriggerSource.ZSYNC),
        "dev12002.sg0": SGChannelModel().get_latency(rflfpath="rf", trigger=TriggerSource.ZSYNC),
        "dev8001.sigout2": HDAWGChannelModel().get_latency(),
    }
    assert played.keys() >= expected.keys()
    for name, samples in expected.items():
        at_fs = np.array(played[name])
        assert np.diff(at_fs).tolist() == [HOLDOFF_US * US] * (STARTS - 1)
        apart = at_fs[0] - played["dev12001.qa0_out"][0]
        # The world's record counts whole nanoseconds.
        later = (samples - expected["dev12001.qa0_out"]) * FS_PER_SAMPLE
        assert later - 10**6 < apart <= later, name
    assert "dev8001.sigout3" not in played


def test_one_that_does_not_listen_to_zsync_is_not_started(laboratory, rack):
    _, folder = laboratory
    pqsc = rack["dev10001"]
    before = _played(folder)
    drive, _, reading = _set_up(rack)
    rack["dev12002"].system.clocks.referenceclock.in_.source("internal")
    assert pqsc.zsyncs[1].connection.status() == 1
    reading.readout.run()
    for sequencer in (drive, reading.generator):
        sequencer.enable_sequencer(single=True)
    pqsc.arm_and_run(repetitions=STARTS, holdoff=HOLDOFF_US * 1e-6)
    reading.generator.wait_done(timeout=PATIENCE_S)
    after = _played(folder)
    assert after["dev12001.qa0_out"] > before.get("dev12001.qa0_out", [])
    assert after.get("dev12002.sg0") == before.get("dev12002.sg0")
    assert drive.enable() == 1
    drive.enable(0)
