"""The unmodified ``zhinst.toolkit.Session`` against our data server and its instruments."""

import numpy as np
import pytest
from tests.benches.referees.zurich_laboratory import DEVICES, served
from zhinst.toolkit import CommandTable, Session, Waveforms


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    with served(tmp_path_factory.mktemp("zurich")) as one:
        yield one


@pytest.fixture(scope="module")
def session(laboratory):
    return Session(laboratory.host, laboratory.port)


@pytest.fixture(scope="module")
def devices(session):
    return {name: session.connect_device(name) for name in DEVICES}


def test_the_line_of_the_endpoints_file_opens_a_session(laboratory):
    names: dict[str, Session] = {}
    exec(laboratory.connect, names)
    assert sorted(names["zi"].devices.visible()) == sorted(DEVICES)


def test_every_instrument_is_the_class_that_the_toolkit_has_for_it(devices):
    classes = [type(device).__name__ for device in devices.values()]
    assert classes == ["SHFQC", "SHFSG", "SHFQA", "HDAWG", "PQSC"]


def test_versions_of_client_and_server_are_compatible(devices):
    for device in devices.values():
        device.check_compatibility()


def test_nodes_are_set_and_read_with_words_and_wildcards(devices):
    channels = devices["dev12000"].sgchannels
    channels["*"].output.on(1)
    assert set(channels["*"].output.on().values()) == {1}
    channels[0].output.rflfpath("lf")
    assert channels[0].output.rflfpath() == 0
    assert channels[0].output.rflfpath(parse=True, enum=True).name == "lf"
    with pytest.raises(AttributeError, match="read-only"):
        channels[0].busy(1)


def test_a_transaction_sets_over_several_instruments(session, devices):
    with session.set_transaction():
        devices["dev12000"].sgchannels[0].output.range(5)
        devices["dev12001"].sgchannels[1].output.range(0)
        devices["dev8001"].sigouts[0].on(1)
    assert devices["dev12000"].sgchannels[0].output.range() == 5.0
    assert devices["dev12001"].sgchannels[1].output.range() == 0.0
    assert devices["dev8001"].sigouts[0].on() == 1


@pytest.mark.parametrize(
    ("name", "sequencer"),
    [
        ("dev12000", lambda device: device.sgchannels[0].awg),
        ("dev12000", lambda device: device.qachannels[0].generator),
        ("dev12001", lambda device: device.sgchannels[7].awg),
        ("dev12002", lambda device: device.qachannels[3].generator),
        ("dev8001", lambda device: device.awgs[3]),
    ],
)
def test_a_program_is_compiled_by_the_vendor_and_uploaded(devices, name, sequencer):
    awg = sequencer(devices[name])
    awg.load_sequencer_program("playZero(32);")
    awg.ready.wait_for_state_change(1, timeout=2)
    assert awg.elf.length() > 0


def test_waveforms_are_written(session, devices):
    waveforms = Waveforms()
    waveforms[0] = (0.5 * np.ones(1008), 0.2 * np.ones(1008))
    devices["dev12001"].sgchannels[0].awg.write_to_waveform_memory(waveforms)
    path = "/dev12001/sgchannels/0/awg/waveform/waves/0"
    found = session.daq_server.get(path, settingsonly=False, flat=True)[path][0]["vector"]
    assert found.tolist() == waveforms.get_raw_vector(0).tolist()


def test_readout_waveforms_and_weights_are_written(devices):
    channel = devices["dev12002"].qachannels[0]
    wave = np.exp(1j * np.linspace(0, 6, 128))
    waveforms = Waveforms()
    waveforms[0] = wave
    channel.generator.write_to_waveform_memory(waveforms)
    assert len(channel.generator.waveforms[0].wave()) == 2 * len(wave)
    weights = Waveforms()
    weights[0] = np.ones(64) * (1 + 1j)
    channel.readout.write_integration_weights(weights=weights, integration_delay=0)
    assert channel.readout.integration.length() == 64


@pytest.mark.parametrize(
    ("name", "sequencer"),
    [
        ("dev12001", lambda device: device.sgchannels[0].awg),
        ("dev8001", lambda device: device.awgs[0]),
    ],
)
def test_a_command_table_is_checked_against_the_schema_that_is_served(devices, name, sequencer):
    node = sequencer(devices[name]).commandtable
    table = CommandTable(node.load_validation_schema())
    table.table[0].waveform.index = 0
    node.upload_to_device(table)
    assert node.check_status()
    assert node.load_from_device().as_dict() == table.as_dict()
    with pytest.raises(RuntimeError, match="failed"):
        node.upload_to_device('{"header": {"version": "1.1"}, "table": [{"index": -1}]}')


def test_channels_scope_and_execution_are_configured(devices):
    channel = devices["dev12001"].sgchannels[0]
    channel.configure_channel(enable=True, output_range=5, center_frequency=5e9, rf_path=True)
    assert channel.centerfreq() == 5e9
    readout = devices["dev12002"].qachannels[0].readout
    readout.configure_result_logger(
        result_source="result_of_integration", result_length=10, num_averages=2
    )
    assert (readout.result.length(), readout.result.averages()) == (10, 2)
    scope = devices["dev12002"].scopes[0]
    scope.configure(
        input_select={0: "channel0_signal_input"},
        num_samples=1024,
        trigger_input="software_trigger0",
    )
    assert scope.length() == 1024
    devices["dev10001"].execution.repetitions(5)
    assert devices["dev10001"].execution.repetitions() == 5


def test_changes_are_polled_and_waited_for(session, devices):
    node = devices["dev12001"].sgchannels[2].output.on
    node.subscribe()
    node(1)
    assert session.poll(0.05)[node]["value"].tolist() == [1]
    node.unsubscribe()
    node.wait_for_state_change(1, timeout=1)
    with pytest.raises(TimeoutError):
        node.wait_for_state_change(0, timeout=0.05, sleep_time=0.01)


def test_an_instrument_is_let_go(session, devices):
    session.disconnect_device("dev10001")
    assert "dev10001" not in session.devices.connected()
    devices["dev10001"] = session.connect_device("dev10001")  # for whichever test comes next
