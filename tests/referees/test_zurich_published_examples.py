"""What the examples do that the vendor publishes for ``zhinst-toolkit``, in words of our own.

A cable leads from output to input where they ask for one.
"""

import numpy as np
import pytest
from zhinst.toolkit import AveragingMode, Session, SHFQAChannelMode, Waveforms

from .zurich_laboratory import served

PATIENCE_S = 20
PULSE = 0.3 * np.exp(2j * np.pi * 0.02 * np.arange(1000))


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    with served(tmp_path_factory.mktemp("zurich")) as one:
        yield Session(one.host, one.port)


@pytest.fixture(scope="module")
def shfqa(session):
    return session.connect_device("dev12002")


@pytest.fixture
def channel(shfqa):
    """Set for readout, as the examples set it."""
    one = shfqa.qachannels[0]
    one.configure_channel(
        center_frequency=5e9, input_range=0, output_range=-5, mode=SHFQAChannelMode.READOUT
    )
    one.input.on(1)
    one.output.on(1)
    pulses = Waveforms()
    pulses[0] = PULSE
    one.generator.write_to_waveform_memory(pulses)
    one.generator.configure_sequencer_triggering(
        aux_trigger="software_trigger0", play_pulse_delay=0
    )
    return one


def test_readouts_start_on_triggers_that_the_client_gives_one_by_one(shfqa, channel):
    channel.readout.write_integration_weights(weights={0: np.conj(PULSE)}, integration_delay=0)
    channel.readout.configure_result_logger(result_length=5, result_source="result_of_integration")
    channel.generator.load_sequencer_program(
        "repeat (5) { waitDigTrigger(1); startQA(QA_GEN_0, QA_INT_0, true, 0, 0x0); }"
    )
    channel.readout.run()
    channel.generator.enable_sequencer(single=True)
    for number in range(5):
        assert channel.readout.result.acquired() == number
        shfqa.start_continuous_sw_trigger(num_triggers=1, wait_time=1e-3)
    found = channel.readout.read(timeout=PATIENCE_S)[0]
    assert found == pytest.approx(np.full(5, np.sum(np.abs(PULSE) ** 2)), rel=1e-3)


def test_a_spectroscopy_of_qubits_runs_all_of_an_shfqc(session):
    shfqc = session.connect_device("dev12000")
    analyser = shfqc.qachannels[0]
    analyser.configure_channel(
        center_frequency=7.2e9, input_range=5, output_range=0, mode=SHFQAChannelMode.READOUT
    )
    analyser.generator.write_to_waveform_memory({0: PULSE})
    analyser.readout.write_integration_weights({0: np.conj(PULSE)}, integration_delay=0)
    analyser.readout.configure_result_logger(
        result_length=20, num_averages=5, result_source="result_of_integration",
        averaging_mode=AveragingMode.SEQUENTIAL,
    )  # fmt: skip
    analyser.readout.run()
    analyser.generator.configure_sequencer_triggering(aux_trigger="software_trigger0")
    analyser.generator.load_sequencer_program(
        "waitDigTrigger(1); repeat (20) { repeat (5) { playZero(4048);"
        "startQA(QA_GEN_0, QA_INT_0, true, 0, 0x0); } setTrigger(1); wait(10); setTrigger(0); }"
    )
    analyser.generator.enable_sequencer(single=True)
    drive = shfqc.sgchannels[0]
    with shfqc.set_transaction():
        shfqc.synthesizers[1].centerfreq(4.6e9)
        drive.awg.auxtriggers[0].channel("channel0_sequencer_trigger0")
        drive.awg.auxtriggers[0].slope(1)
    drive.configure_sine_generation(
        enable=1, osc_index=0, osc_frequency=0, gains=[0.5, 0.5, 0.5, -0.5]
    )
    drive.awg.load_sequencer_program(
        "configFreqSweep(0, -150e6, 1.5e6); var i;"
        "for (i = 0; i < 20; i++) { waitDigTrigger(1); setSweepStep(0, i); } setUserReg(0, i);"
    )
    drive.awg.enable_sequencer(single=True)
    analyser.input.on(1)
    analyser.output.on(1)
    shfqc.start_continuous_sw_trigger(num_triggers=1, wait_time=2e-3)
    found = analyser.readout.read(timeout=PATIENCE_S)[0]
    assert found == pytest.approx(np.full(20, np.sum(np.abs(PULSE) ** 2)), rel=1e-3)
    drive.awg.wait_done(timeout=PATIENCE_S)
    assert drive.awg.userregs[0]() == 20
