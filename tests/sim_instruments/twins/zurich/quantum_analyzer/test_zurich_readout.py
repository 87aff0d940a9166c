import numpy as np
import pytest
from tests.benches.zurich.processor import processor

from podium.firmware_interfaces.zurich.latency import Route, feedback_cycles
from podium.sim_instruments.twins.zurich.quantum_analyzer.integration import (
    BadReadout,
    ReadoutSettings,
    discriminate,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    busy,
    readouts,
    trigger_edges,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.result_logger import (
    BadLogger,
    LoggerSettings,
    Order,
    ResultLogger,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.results import heard_at, words
from podium.sim_instruments.twins.zurich.quantum_analyzer.scope import (
    BadScope,
    ScopeInput,
    ScopeRecording,
    ScopeSettings,
)
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import CYCLE

NOISE = np.random.Generator(np.random.Philox(5))


def noise(*shape: int) -> np.ndarray:
    return NOISE.normal(size=shape) + 1j * NOISE.normal(size=shape)


def test_a_program_starts_readouts_with_masks_and_triggers():
    trace = processor(
        "startQA(QA_GEN_1, QA_INT_0 | QA_INT_4, true, 0, 5); playZero(4096);"
        "startQA(QA_GEN_ALL, QA_INT_ALL); setTrigger(2); setTrigger(3); setTrigger(1);",
        "SHFQA4",
    ).run()
    found = readouts(trace)
    assert found.generators.tolist() == [2, 0xFFFF]
    assert found.integrators.tolist() == [0b10001, 0xFFFF]
    assert found.monitor.tolist() == [True, False]
    assert found.trigger.tolist() == [5, 0]
    # The first startQA raises two outputs and the second none; setTrigger does the rest.
    edges = [trigger_edges(trace, bit).tolist() for bit in range(4)]
    assert [len(one) for one in edges] == [2, 1, 1, 0]
    assert edges[0][0] == edges[2][0] == found.time[0]
    assert edges[0][1] > edges[1][0] > found.time[1]


def test_a_start_during_another_is_a_hold_off_error():
    times = np.array([0, 100, 99 + 100, 300, 1000], np.int64)
    assert busy(times, 100).tolist() == [False, False, True, False, False]


def test_states_are_read_on_the_real_axis():
    settings = ReadoutSettings(length=4, thresholds=(0.0, 1e-9))
    results = np.array([[1e-12, 1e-9], [-1j, 2e-9 - 5j]], np.complex128)
    states = discriminate(results, settings)
    assert states.tolist() == [[1, 0], [0, 1]]


def test_a_word_has_a_couple_of_bits_for_each_integrator():
    states = np.array([[1, 0, 1], [0, 1, 1]], np.uint8)
    assert words(states, np.array([0b111, 0b101])).tolist() == [0b01_00_01, 0b01_00_00]
    assert words(states, np.array([0b111, 0b101]), 1).tolist() == [0b101, 0b100]


@pytest.mark.parametrize("route", [Route.INTERNAL, Route.INTERNAL_ZSYNC])
@pytest.mark.parametrize("duration", [20, 24, 1000, 2004])
def test_it_is_the_same_whether_latencies_count_from_the_trigger_or_from_a_start(route, duration):
    for start in (0, 16, 4096):
        from_trigger = feedback_cycles(route, start + duration) * CYCLE
        assert heard_at(np.array([start]), duration, route).tolist() == [from_trigger]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"length": 4100}, "4 to 4096"),
        ({"length": 6}, "steps of 4"),
        ({"length": 8, "delay": 2}, "integration delay 2"),
        ({"length": 8, "weights": (np.ones(3) * 1.5,)}, "weights 0 go beyond 1"),
        ({"length": 8, "weights": (np.ones(1),) * 17}, "17 integrators"),
        ({"length": 8, "weights": (np.ones(5000),)}, "5000 samples"),
    ],
)
def test_readouts_that_cannot_be_are_refused(settings, says):
    with pytest.raises(BadReadout, match=says):
        ReadoutSettings(**settings)


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("pieces", [(24,), (1, 5, 18), (7, 7, 7, 9)])
def test_results_are_averaged_in_the_order_of_the_mode(order, pieces):
    logger = ResultLogger(LoggerSettings(6, 4, order), 2)
    results = noise(sum(pieces), 2)
    asked = np.full(sum(pieces), 0b11)
    at = 0
    for size in pieces:
        assert not logger.done
        logger.take(dict(enumerate(results[at : at + size].T)), asked[at : at + size])
        at += size
    whole = results[:24]
    if order is Order.CYCLIC:
        expected = whole.reshape(4, 6, 2).mean(axis=0)
    else:
        expected = whole.reshape(6, 4, 2).mean(axis=1)
    assert logger.done
    assert logger.acquired == 24
    for unit in range(2):
        assert logger.data(unit) == pytest.approx(expected[:, unit])


def test_units_count_what_was_asked_of_them():
    logger = ResultLogger(LoggerSettings(3), 2)
    results = np.arange(10).reshape(5, 2).astype(complex)
    asked = np.array([0b01, 0b11, 0b10, 0b01, 0b01])
    logger.take(dict(enumerate(results.T)), asked)
    assert logger.data(0).tolist() == [0, 2, 6]
    assert logger.data(1)[:2].tolist() == [3, 5]
    assert np.isnan(logger.data(1)[2])
    assert not logger.done


def test_loggers_that_cannot_be_are_refused():
    with pytest.raises(BadLogger, match="length 0"):
        LoggerSettings(0)
    with pytest.raises(BadLogger, match="0 averages"):
        LoggerSettings(5, 0)


def test_the_scope_averages_its_segments():
    settings = ScopeSettings(16, (0, 2), segments=3, averages=2, delay=-8, rate=1)
    inputs = ScopeInput(0, 0.0, 1e-9), ScopeInput(2, 0.0, 1e-9)
    recording = ScopeRecording(settings, inputs)
    assert recording.span == 32
    records = noise(6, 2, 16)
    for record in records:
        assert not recording.full
        segment = recording.next_segment()
        for place in (0, 1):
            recording.add(place, segment, record[place])
    assert recording.full
    expected = records.reshape(2, 3, 2, 16).mean(axis=0)
    assert recording.data() == pytest.approx(np.concatenate(expected, axis=1))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"length": 8}, "steps of 16"),
        ({"length": 32, "channels": (4,)}, "0 to 3"),
        ({"length": 2**17, "channels": (0, 1), "segments": 2}, "room for 131072"),
        ({"length": 32, "averages": 0}, "0 averages"),
        ({"length": 32, "rate": 17}, "rate 17"),
    ],
)
def test_scopes_that_cannot_be_are_refused(settings, says):
    with pytest.raises(BadScope, match=says):
        ScopeSettings(**settings)
