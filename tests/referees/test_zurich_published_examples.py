"""What the examples do that the vendor publishes for ``zhinst-toolkit``, in words of our own.

A cable leads from output to input where they ask for one.
"""

import numpy as np
import pytest
from tests.benches.referees.zurich_laboratory import served
from zhinst.toolkit import AveragingMode, Session, SHFQAChannelMode, Waveforms
from zhinst.utils.shfqa.multistate import QuditSettings

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
        channel.readout.result.acquired.wait_for_state_change(number, timeout=PATIENCE_S)
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


def flat_top(samples, rise, scale):
    """Return a pulse with edges of half a Gaussian, as the examples shape it."""
    edge = np.exp(-0.5 * ((np.arange(rise) - rise + 0.5) / (rise // 10)) ** 2)
    wave = np.ones(samples)
    wave[:rise], wave[-rise:] = edge, edge[::-1]
    return scale * wave


def test_weights_are_measured_with_the_scope(shfqa, channel):
    """Two states of each qubit, averaged, on triggers that the client gives one by one."""
    scope, count, averages = shfqa.scopes[0], 1200, 20
    scope.configure(
        input_select={0: "channel0_signal_input"}, num_samples=count,
        trigger_input="channel0_sequencer_monitor0", num_segments=2, num_averages=averages,
        trigger_delay=200e-9,
    )  # fmt: skip
    seconds = np.linspace(0, 500e-9, 1000)
    pulses = Waveforms()
    for slot, hz in enumerate((2e6, 32e6)):
        pulses.assign_waveform(slot, flat_top(1000, 20, 0.9) * np.exp(2j * np.pi * hz * seconds))
    channel.generator.write_to_waveform_memory(pulses)
    for slot, sent in pulses.items():
        channel.generator.load_sequencer_program(
            f"repeat ({2 * averages}) {{ waitDigTrigger(1);"
            f"startQA(QA_GEN_{slot}, 0x0, true, 0, 0x0); }}"
        )
        scope.run(single=True)
        channel.generator.enable_sequencer(single=True)
        shfqa.start_continuous_sw_trigger(num_triggers=2 * averages, wait_time=600e-9)
        traces, full_scales, seconds_of = scope.read()
        wanted = np.zeros(count, complex)
        wanted[:600] = sent[0][400:]
        assert len(traces[0]) == 2 * count
        for trace in np.split(traces[0], 2):
            assert np.abs(trace - wanted).max() < 2e-3
        assert full_scales[0] == pytest.approx(10**0.5 / 10, rel=1e-3)  # 0 dBm at 50 ohm, V
        assert seconds_of[0][1] == pytest.approx(0.5e-9)


def test_qudits_are_told_apart_by_reference_traces_of_the_scope(shfqa, channel):
    states, samples, repetitions, delay_s = {0: 2, 1: 3}, 800, 20, 200e-9
    total = sum(states.values())
    scope, multistate = shfqa.scopes[0], channel.readout.multistate
    scope.trigger.channel("chan0seqmon0")
    channel.readout.integration.delay(delay_s)
    seconds = np.arange(samples) / 2e9
    pulses, first = Waveforms(), {0: 0, 1: 2}
    for qudit, hz in ((0, -50e6), (1, 60e6)):
        for state in range(states[qudit]):
            turn = np.exp(1j * (2 * np.pi * hz * seconds + 2 * np.pi * state / states[qudit]))
            pulses.assign_waveform(first[qudit] + state, 0.4 * turn)
    channel.generator.write_to_waveform_memory(pulses)
    program = f"repeat ({repetitions}) {{"
    for qudit, other in ((0, 1), (1, 0)):
        for state in range(states[qudit]):
            generators = 1 << first[qudit] + state | 1 << first[other]
            program += f"playZero(8000); startQA({generators}, QA_INT_0 | QA_INT_1, true, 0, 0x0);"
    channel.generator.load_sequencer_program(program + "}")
    scope.configure(
        input_select={0: "channel0_signal_input"}, num_samples=samples - 400,
        trigger_input="chan0seqmon0", num_segments=total, num_averages=repetitions,
        trigger_delay=delay_s,
    )  # fmt: skip
    scope.run(single=True)
    channel.generator.enable_sequencer(single=True)
    traces, *_ = scope.read()
    segments = np.reshape(traces[0], (total, samples - 400))
    multistate.clear(1)
    for qudit, count in states.items():
        references = list(segments[first[qudit] : first[qudit] + count])
        multistate.qudits[qudit].configure(QuditSettings(references))
    multistate.enable(1)
    try:
        channel.readout.configure_result_logger(
            result_length=repetitions * total, result_source="result_of_discrimination"
        )
        channel.readout.run()
        channel.generator.enable_sequencer(single=True)
        found = channel.readout.read(timeout=PATIENCE_S)
    finally:
        multistate.enable(0)
    for qudit, wanted in ((0, [0, 1, 0, 0, 0]), (1, [0, 0, 0, 1, 2])):
        assert np.array_equal(found[qudit].real, np.tile(wanted, repetitions))


def test_a_propagation_delay_is_measured_with_looped_back_triggers(session):
    """The pulse of spectroscopy in the scope, 65,535 times; no sequencer runs."""
    shfqc = session.connect_device("dev12000")
    channel, scope, server = shfqc.qachannels[0], shfqc.scopes[0], session.daq_server
    channel.configure_channel(
        center_frequency=4e9, input_range=5, output_range=0, mode=SHFQAChannelMode.SPECTROSCOPY
    )
    server.syncSetInt(f"/{shfqc.serial}/raw/markers/*/testsource", 2)
    server.setInt(f"/{shfqc.serial}/raw/markers/0/testsource", 1)
    server.setDouble(f"/{shfqc.serial}/raw/markers/0/frequency", 500e3)
    server.setInt(f"/{shfqc.serial}/raw/triggers/0/loopback", 1)
    seconds = np.linspace(0, 1e-6, 2000)
    probe = flat_top(2000, 100, 0.95) * np.exp(2j * np.pi * 100e6 * seconds)
    with shfqc.set_transaction():
        channel.spectroscopy.delay(0)
        channel.spectroscopy.envelope.delay(0)
        channel.spectroscopy.envelope.wave(probe)
        channel.spectroscopy.trigger.channel(0)
        channel.spectroscopy.envelope.enable(1)
        channel.input.on(1)
        channel.output.on(1)
        channel.oscs[0].freq(0)
    scope.configure(
        input_select={0: "channel0_signal_input"}, num_samples=2800,
        trigger_input="channel0_trigger_input0", num_segments=1, num_averages=2**16,
        trigger_delay=0,
    )  # fmt: skip
    scope.run(single=True)
    traces, *_ = scope.read(timeout=5)
    server.setInt(f"/{shfqc.serial}/raw/markers/*/testsource", 0)
    server.setInt(f"/{shfqc.serial}/raw/triggers/0/loopback", 0)
    channel.input.on(0)
    channel.output.on(0)
    wanted = np.concatenate([probe, np.zeros(800)])
    assert np.abs(traces[0] - wanted).max() < 1e-4
    scope.configure(
        input_select={0: "channel0_signal_input"}, num_samples=2800,
        trigger_input="channel0_trigger_input0",
    )  # fmt: skip
    scope.run(single=True)
    with pytest.raises(TimeoutError):
        scope.wait_done(timeout=0.1)
    scope.stop()


@pytest.mark.parametrize(("model", "signal"), [("dev12000", False), ("dev12002", True)])
def test_a_power_spectral_density_shows_the_noise_of_the_input(session, model, signal):
    """With the output off, as the example has it; and with its oscillator on for comparison."""
    device, power_in_dbm, averages = session.connect_device(model), -15, 100
    sweeper = session.modules.shfqa_sweeper
    sweeper.device(device)
    sweeper.rf.channel(0)
    sweeper.rf.center_freq(7.2e9)
    sweeper.rf.input_range(power_in_dbm)
    sweeper.sweep.start_freq(-700e6)
    sweeper.sweep.stop_freq(700e6)
    sweeper.sweep.num_points(21)
    sweeper.sweep.mapping("linear")
    sweeper.average.num_averages(averages)
    sweeper.average.integration_time(1e-6)
    sweeper.average.mode("cyclic")
    sweeper.sweep.wait_after_integration(4e-6)
    sweeper.sweep.psd(True)
    device.qachannels[0].input.on(True)
    device.qachannels[0].output.on(signal)
    found = sweeper.run()["vector"].real
    sweeper.sweep.psd(False)
    if signal:
        # A sine of 1 V for a microsecond: its square times the time.
        assert found == pytest.approx(np.full(21, 0.5e-6), rel=0.05)
        return
    density_dbm = 10 * np.log10(found * 1000 / 50)
    # 140 dB below the range; the mean of 100 of an exponential law is known to 10 %.
    assert density_dbm == pytest.approx(np.full(21, power_in_dbm - 139.95), abs=2.5)
    assert len(np.unique(found)) == 21
