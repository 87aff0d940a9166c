"""The unmodified ``zhinst.toolkit`` compiles, uploads, runs and reads, on our data server."""

import numpy as np
import pytest
from tests.benches.referees.zurich_laboratory import served
from zhinst.toolkit import CommandTable, Session, SHFQAChannelMode, Waveforms
from zhinst.utils.shf_sweeper import (
    AvgConfig,
    RfConfig,
    ShfSweeper,
    SweepConfig,
    TriggerConfig,
)

PATIENCE_S = 20
LENGTH = 256


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    with served(tmp_path_factory.mktemp("zurich")) as one:
        yield Session(one.host, one.port)


@pytest.fixture(scope="module")
def shfqc(session):
    return session.connect_device("dev12000")


def test_a_program_computes_and_ends(shfqc):
    awg = shfqc.sgchannels[3].awg
    awg.load_sequencer_program(
        "var a = getUserReg(0); var b = 1; while (a > 0) { b = b + b; a -= 1; playZero(64); }"
        "setUserReg(1, b);"
    )
    awg.userregs[0](10)
    awg.enable_sequencer(single=True)
    awg.wait_done(timeout=PATIENCE_S)
    assert awg.userregs[1]() == 1024


def test_a_table_with_waveforms_is_played(shfqc):
    awg = shfqc.sgchannels[0].awg
    waveforms = Waveforms()
    waveforms[0] = (np.ones(96), -np.ones(96))
    awg.load_sequencer_program(
        f"{waveforms.get_sequence_snippet()} repeat (100) {{ executeTableEntry(0); }}"
        "setUserReg(5, 1);"
    )
    awg.write_to_waveform_memory(waveforms)
    table = CommandTable(awg.commandtable.load_validation_schema())
    table.table[0].waveform.index = 0
    table.table[0].amplitude00.value = 0.5
    awg.commandtable.upload_to_device(table, check_upload=True)
    awg.enable_sequencer(single=True)
    awg.wait_done(timeout=PATIENCE_S)
    assert awg.userregs[5]() == 1


def test_readout_is_averaged_by_the_result_logger(shfqc):
    channel = shfqc.qachannels[0]
    channel.configure_channel(
        input_range=0, output_range=0, center_frequency=5e9, mode=SHFQAChannelMode.READOUT
    )
    pulses = Waveforms()
    for slot in range(3):
        pulses[slot] = 0.3 * np.exp(2j * np.pi * 0.02 * (slot + 1) * np.arange(LENGTH))
    channel.generator.write_to_waveform_memory(pulses)
    weights = Waveforms()
    for slot in range(3):
        weights[slot] = np.conj(pulses[slot][0]) / 0.3
    channel.readout.write_integration_weights(weights=weights, integration_delay=0)
    channel.readout.configure_result_logger(
        result_source="result_of_integration", result_length=10, num_averages=4
    )
    channel.generator.load_sequencer_program(
        "repeat (40) { playZero(4096); startQA(QA_GEN_0 | QA_GEN_2, QA_INT_ALL); }"
    )
    channel.input.on(1)
    channel.output.on(1)
    channel.readout.run()
    channel.generator.enable_sequencer(single=True)
    results = channel.readout.read(timeout=PATIENCE_S)
    # A cable brings back what was sent: pulses 0 and 2, each seen by its own weights.
    expected = [np.sum((pulses[0][0] + pulses[2][0]) * weights[slot][0]) for slot in range(3)]
    for slot in range(3):
        # Four averages of so many samples of weight 1, each of 1.4 mV of noise at 0 dBm.
        sigma = 1.41e-3 * np.sqrt(LENGTH / 4)
        assert results[slot] == pytest.approx(np.full(10, expected[slot]), abs=6 * sigma)
        assert sigma / 3 < np.std(results[slot]) < 3 * sigma


def test_the_vendors_sweeper_sweeps(session, shfqc):
    sweeper = ShfSweeper(session.daq_server, "dev12000")
    sweeper.configure(
        sweep_config=SweepConfig(
            start_freq=-100e6, stop_freq=100e6, num_points=11, mapping="linear",
            oscillator_gain=0.5, use_sequencer=True,
        ),
        avg_config=AvgConfig(integration_time=10e-6, num_averages=2, mode="sequential"),
        rf_config=RfConfig(channel=0, input_range=0, output_range=0, center_freq=5e9),
        trig_config=TriggerConfig(source=None),
    )  # fmt: skip
    shfqc.qachannels[0].input.on(1)
    shfqc.qachannels[0].output.on(1)
    found = sweeper.run()
    # Volts rms of a sine of half of 1 V; two averages of 20,000 samples of 1.4 mV of noise.
    sigma = 1.41e-3 / np.sqrt(2 * 20_000) / np.sqrt(2)
    assert found["vector"] == pytest.approx(np.full(11, 0.5 / np.sqrt(2)), abs=6 * sigma)
    told = found["properties"]
    assert (told["numacquired"], told["numaverages"]) == (22, 2)
    assert (told["centerfreq"], told["numspectrsamples"]) == (5e9, 20_000)
    assert (told["scaling"], told["holdofferrorsspectr"]) == (1.0, 0)


def test_what_cannot_run_is_refused_with_the_vendors_error(session, shfqc):
    awg = shfqc.sgchannels[1].awg
    awg.load_sequencer_program("wave w = placeholder(64); assignWaveIndex(w, 0); playWave(w);")
    vector = np.zeros(32, np.uint16)
    session.daq_server.setVector("/dev12000/sgchannels/1/awg/waveform/waves/0", vector)
    with pytest.raises(RuntimeError, match="128 bytes, not 64"):
        session.daq_server.syncSetInt("/dev12000/sgchannels/1/awg/enable", 1)


def test_the_vendors_own_module_compiles_for_all_cores_of_a_group_and_one_starts_them(session):
    """zhinst.core's AWG module; it uploads machine code as words and asks for a FIFO's node."""
    hdawg = session.connect_device("dev8001")
    hdawg.system.awg.channelgrouping(1)
    module = session.modules.awg
    module.device("dev8001")
    module.index(1)
    module.execute()
    module.compiler.sourcestring(
        "wave w = 0.5 * ones(1024); while (getUserReg(0) == 0) { playWave(1, w, 3, w); }"
    )
    hdawg.awgs[3].ready.wait_for_state_change(1, timeout=PATIENCE_S)
    assert [core.ready() for core in hdawg.awgs] == [0, 0, 1, 1]
    awgs = hdawg.awgs
    awgs[2].enable(1)
    assert [core.enable() for core in awgs] == [0, 0, 1, 1]
    awgs[2].enable(0)
    assert [core.enable() for core in awgs] == [0, 0, 0, 0]
    hdawg.system.awg.channelgrouping(0)
    awgs[2].enable(1)
    assert [core.enable() for core in awgs] == [0, 0, 1, 0]
    awgs[2].enable(0)


def test_the_vendors_own_module_loads_a_program_on_a_signal_generator(session):
    awg = session.connect_device("dev12001").sgchannels[2].awg
    module = session.modules.awg
    module.device("dev12001")
    module.index(2)
    module.execute()
    module.compiler.sourcestring("playZero(64); setUserReg(3, 17);")
    awg.ready.wait_for_state_change(1, timeout=PATIENCE_S)
    awg.enable_sequencer(single=True)
    awg.wait_done(timeout=PATIENCE_S)
    assert awg.userregs[3]() == 17
