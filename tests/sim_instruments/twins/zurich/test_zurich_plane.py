"""Instruments that the timing plane starts: edges in, their own clock, markers and stamps out."""

import json

import pytest
from tests.benches.zurich.device_bench import MS, QA, READOUT, SG, US
from tests.benches.zurich.plane import DEVICE, PLAY_THEN_READ, READ, Plane
from tests.benches.zurich.precomputed_runs import Inline

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.zurich.limits import LOST_LOCK
from podium.sim_instruments.twins.zurich.sequencer.processor import RUNNING, WAITING_FOR_TRIGGER

REFERENCE = "system/clocks/referenceclock/in"
ERRORS = "raw/error/json/errors"


@pytest.fixture
def plane():
    return Plane()


def test_cores_begin_together_at_the_sample_that_sees_the_edge_and_markers_show_it(plane):
    plane.arm()
    assert plane.server.horizon(plane.now_fs).armed
    edge_fs = plane.now_fs + 300 * US + 1_234_567
    plane.server.input(f"{DEVICE}.sg0_trigger").edge(edge_fs)
    plane.wait(200 * US)
    assert plane.heard() == []
    assert plane.get(f"{SG}/sequencer/status") & 4
    plane.wait(MS)
    assert plane.heard() == [plane.expected_fs(edge_fs, 800 + 48 * k) for k in range(3)]
    assert plane.get(f"{SG}/enable") == plane.get(f"{QA}/enable") == 0


@pytest.mark.parametrize(("read", "after_ns"), [(READ, 800), (PLAY_THEN_READ, 1_200)])
def test_the_result_logger_stamps_the_first_sample_with_the_instruments_own_counter(
    plane, read, after_ns
):
    """Of what is integrated: a start that only plays logs nothing."""
    plane.arm(read)
    edge_fs = plane.now_fs + 300 * US
    plane.server.input(f"{DEVICE}.sg0_trigger").edge(edge_fs)
    plane.wait(MS)
    before = plane.get("status/time")
    stamp = int.from_bytes(plane.get(f"{READOUT}/result/data/0/wave").content[64:72], "little")
    began_fs = plane.expected_fs(edge_fs, after_ns)  # a start comes as the silence before it begins
    ticks_ago = (plane.now_fs - began_fs) // 250_000
    assert abs((before - stamp) - ticks_ago) <= 8


def test_an_edge_that_was_lost_or_came_before_starts_nothing(plane):
    sink = plane.server.input(f"{DEVICE}.sg0_trigger")
    sink.edge(plane.now_fs + 1)
    plane.wait(US)
    plane.arm()
    sink.edge(plane.now_fs + 100 * US)
    sink.lost(plane.now_fs + 100 * US)
    plane.wait(MS)
    assert plane.get(f"{SG}/sequencer/status") & 4


def test_a_generator_hears_no_input_of_the_analyser_and_other_inputs_start_nothing(plane):
    plane.arm()
    plane.server.input(f"{DEVICE}.qa0_trigger_a").edge(plane.now_fs + US)
    plane.server.input(f"{DEVICE}.sg1_trigger").edge(plane.now_fs + US)
    plane.wait(MS)
    assert plane.get(f"{SG}/sequencer/status") & 4
    assert plane.get(f"{QA}/sequencer/status") & 4


def test_what_is_stopped_no_longer_shows_a_marker(plane):
    plane.arm()
    edge_fs = plane.now_fs + 300 * US
    plane.server.input(f"{DEVICE}.sg0_trigger").edge(edge_fs)
    third_fs = plane.expected_fs(edge_fs, 800 + 48 * 2)
    plane.wait(third_fs - plane.now_fs - 20 * FS_PER_NS)
    plane.set(f"{SG}/enable", 0)
    plane.wait(MS)
    assert plane.heard() == [plane.expected_fs(edge_fs, 800 + 48 * k) for k in range(2)]


def test_what_is_stopped_before_its_run_is_worked_out_still_tells_what_it_has_sent(plane):
    plane.arm()
    world = plane.server._execution._execution._triggered_runs._playback
    world.submit = lambda work: Inline.submit(world, work)  # it takes its time
    edge_fs = plane.now_fs + 300 * US
    plane.server.input(f"{DEVICE}.sg0_trigger").edge(edge_fs)
    third_fs = plane.expected_fs(edge_fs, 800 + 48 * 2)
    plane.wait(third_fs - plane.now_fs - 20 * FS_PER_NS)
    for at in (SG, QA):
        plane.set(f"{at}/enable", 0)
    assert plane.lines.heard(("tagger", "io0"), 0, plane.now_fs) is None
    world.work()
    plane.wait(MS)
    assert plane.heard() == [plane.expected_fs(edge_fs, 800 + 48 * k) for k in range(2)]


def test_what_is_still_worked_out_no_longer_waits_for_its_trigger(plane):
    plane.arm()
    world = plane.server._execution._execution._triggered_runs._playback
    world.submit = lambda work: Inline.submit(world, work)  # it takes its time
    plane.server.input(f"{DEVICE}.sg0_trigger").edge(plane.now_fs + 300 * US)
    for wait_fs, shown in ((200 * US, WAITING_FOR_TRIGGER), (200 * US, RUNNING), (MS, RUNNING)):
        plane.wait(wait_fs)
        assert [plane.get(f"{at}/sequencer/status") for at in (SG, QA)] == [shown, shown]
    world.work()
    plane.wait(MS)
    assert [plane.get(f"{at}/sequencer/status") for at in (SG, QA)] == [0, 0]


def test_a_lost_reference_shows_while_it_is_lost_and_stays_in_the_error_log(plane):
    assert plane.get(f"{REFERENCE}/status") == 0
    assert plane.get(f"{REFERENCE}/sourceactual") == 1
    plane.clock.lose(plane.now_fs)
    plane.wait(US)
    assert plane.get(f"{REFERENCE}/status") == 1
    assert plane.get(f"{REFERENCE}/sourceactual") == 0
    plane.clock.lock(plane.now_fs, MS)
    plane.wait(US)
    assert plane.get(f"{REFERENCE}/status") == 2
    plane.wait(2 * MS)
    assert plane.get(f"{REFERENCE}/status") == 0
    (entry,) = json.loads(plane.get(ERRORS))["messages"]
    assert entry["message"] == LOST_LOCK
    plane.set("raw/error/clear", 1)
    plane.wait(US)
    assert json.loads(plane.get(ERRORS))["messages"] == []


@pytest.mark.parametrize("name", ["dev12000.sg6_trigger", "dev12001.sg0_trigger", "trigger"])
def test_an_input_that_is_not_there_is_refused_by_name(plane, name):
    with pytest.raises(KeyError, match=name):
        plane.server.input(name)
