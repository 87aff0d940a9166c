"""Every node that sequencers and analysers depend on is there, and means what it should."""

import numpy as np
import pytest

from podium.firmware_interfaces.zurich.values import vector_of
from podium.sim_instruments.twins.zurich.data_server.data_server import DataServer
from podium.sim_instruments.twins.zurich.nodes import node_settings
from podium.sim_instruments.twins.zurich.quantum_analyzer.result_logger import Order, Source
from podium.sim_instruments.twins.zurich.quantum_analyzer.scope import BadScope
from podium.sim_instruments.twins.zurich.sequencer.image import HDAWG, SHFQA, SHFSG, Feedback


@pytest.fixture
def instruments():
    server = DataServer("1", {12000: "SHFQC", 8001: "HDAWG8"})
    return {device.model.name: device.store for device in server.devices}


def reading(store):
    return lambda path: store.value(path, 0)


def put(store, **nodes):
    for path, value in nodes.items():
        store.set(f"{store.root}/{path.replace('__', '/')}", value, 0)


def test_a_sequencer_is_known_by_its_place():
    assert node_settings.model_of("sgchannels/3/awg") is SHFSG
    assert node_settings.model_of("qachannels/0/generator") is SHFQA
    assert node_settings.model_of("awgs/1") is HDAWG


def test_a_generator_starts_with_registers_rate_gains_and_feedback(instruments):
    store = instruments["SHFQC"]
    put(
        store,
        sgchannels__2__awg__userregs__0=0xFFFF_FFFF,
        sgchannels__2__awg__userregs__15=7,
        sgchannels__2__awg__time=3,
        sgchannels__2__awg__outputs__0__gains__0=1.0,
        sgchannels__2__awg__outputs__0__gains__1=-1.0,
        sgchannels__2__awg__outputs__1__gains__0=0.5,
        sgchannels__2__awg__intfeedback__direct__mask=1,
        sgchannels__2__awg__zsync__decoder__shift=4,
    )
    found = node_settings.setup(reading(store), "sgchannels/2/awg")
    assert found.user_registers[0] == -1
    assert found.user_registers[15] == 7
    assert found.rate == 3
    assert found.amplitudes == (1.0, -1.0, 0.5, 0.0)
    assert found.feedback == (Feedback(), Feedback(4), Feedback(0, 1))
    assert node_settings.setup(reading(store), "qachannels/0/generator").rate == 0


def test_an_hdawgs_gains_come_after_its_sequencer(instruments):
    found = node_settings.setup(reading(instruments["HDAWG8"]), "awgs/3")
    assert found.amplitudes == (1.0, 1.0, 1.0, 1.0)
    turning = node_settings.oscillators(reading(instruments["HDAWG8"]), "", 4)
    assert turning.hz == (10e6,) * 4 + (0.0,) * 4


def test_an_analyser_integrates_as_its_nodes_say(instruments):
    store = instruments["SHFQC"]
    weights = np.exp(1j * np.arange(64))
    put(
        store,
        qachannels__0__readout__integration__length=256,
        qachannels__0__readout__integration__delay=200e-9,
        qachannels__0__readout__integration__weights__3__wave=vector_of(weights),
        qachannels__0__readout__discriminators__3__threshold=-1.5,
        qachannels__0__generator__waveforms__1__wave=vector_of(weights * 0.5),
        qachannels__0__oscs__0__freq=-3e8,
    )
    found = node_settings.readout_settings(reading(store), "qachannels/0", 8)
    assert (found.length, found.delay, len(found.weights)) == (256, 400, 8)
    assert np.array_equal(found.weights[3], weights)
    assert len(found.weights[0]) == 0
    assert found.thresholds[3] == -1.5
    assert node_settings.units(reading(store), "qachannels/0") in (8, 16)
    pairs = np.array([0.5, -0.25, 1.0, 0.0])
    put(store, qachannels__0__readout__integration__weights__3__wave=vector_of(pairs))
    assert node_settings.readout_settings(reading(store), "qachannels/0", 8).weights[
        3
    ].tolist() == [
        0.5 - 0.25j,
        1.0,
    ]
    words = np.array([39_321, (1 << 18) - 39_321], np.uint32)
    put(store, qachannels__0__generator__waveforms__4__wave=vector_of(words))
    pulses = node_settings.generator_waveforms(reading(store), "qachannels/0", 8)
    assert list(pulses) == [1, 4]
    assert pulses[4] == pytest.approx([0.3 - 0.3j], abs=1e-5)
    assert node_settings.oscillators(reading(store), "qachannels/0", 1).hz[0] == -3e8


def test_loggers_are_set_by_their_nodes(instruments):
    store = instruments["SHFQC"]
    put(
        store,
        qachannels__0__readout__result__length=51,
        qachannels__0__readout__result__averages=1000,
        qachannels__0__readout__result__mode=1,
        qachannels__0__readout__result__source=3,
        qachannels__0__spectroscopy__result__length=7,
    )
    found = node_settings.logger_settings(reading(store), "qachannels/0/readout")
    assert (found.length, found.averages) == (51, 1000)
    assert (found.order, found.source) == (Order.SEQUENTIAL, Source.DISCRIMINATION)
    other = node_settings.logger_settings(reading(store), "qachannels/0/spectroscopy")
    assert (other.length, other.source) == (7, Source.INTEGRATION)


def test_spectroscopy_is_set_by_its_nodes(instruments):
    store = instruments["SHFQC"]
    envelope = np.linspace(0, 1, 16) + 0j
    put(
        store,
        qachannels__0__spectroscopy__length=4096,
        qachannels__0__spectroscopy__delay=100e-9,
        qachannels__0__spectroscopy__envelope__wave=vector_of(envelope),
        qachannels__0__spectroscopy__envelope__delay=2e-9,
        qachannels__0__oscs__0__gain=0.25,
    )
    found = node_settings.spectroscopy_settings(reading(store), "qachannels/0")
    assert (found.length, found.delay, found.envelope_delay) == (4096, 200, 4)
    assert (found.envelope, found.gain) == (None, 0.25)
    put(store, qachannels__0__spectroscopy__envelope__enable=1)
    found = node_settings.spectroscopy_settings(reading(store), "qachannels/0")
    assert np.array_equal(found.envelope, envelope)


def test_the_scope_is_set_by_its_nodes(instruments):
    store = instruments["SHFQC"]
    with pytest.raises(BadScope, match="channels"):
        node_settings.scope_settings(reading(store), 1)
    put(
        store,
        scopes__0__channels__0__enable=1,
        scopes__0__length=512,
        scopes__0__segments__count=5,
        scopes__0__averaging__count=16,
        scopes__0__averaging__enable=1,
        scopes__0__trigger__delay=-100e-9,
        scopes__0__time=2,
    )
    found = node_settings.scope_settings(reading(store), 1)
    assert (found.length, found.segments, found.averages) == (512, 1, 16)
    assert (found.delay, found.rate, found.channels) == (-200, 2, (0,))


def test_qudits_are_set_by_their_nodes(instruments):
    store = instruments["SHFQC"]
    put(
        store,
        qachannels__0__readout__multistate__qudits__1__numstates=3,
        qachannels__0__readout__multistate__qudits__1__thresholds__2__value=0.5,
        qachannels__0__readout__multistate__qudits__1__assignmentvec=vector_of(
            np.array([0, 1, 2, 0, 1, 2, 0, 1], np.uint8)
        ),
    )
    found = node_settings.qudit_settings(reading(store), "qachannels/0", 1)
    assert (found.states, found.thresholds) == (3, (0.0, 0.0, 0.5))
    assert found.assignment == (0, 1, 2, 0, 1, 2, 0, 1)


def test_a_node_of_another_kind_is_named(instruments):
    store = instruments["SHFQC"]
    with pytest.raises(node_settings.WrongNode, match="features/devtype holds str"):
        node_settings.number(reading(store), "features/devtype")
