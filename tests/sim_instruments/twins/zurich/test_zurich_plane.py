"""Instruments that the timing plane starts: edges in, their own clock, markers and stamps out."""

import json

import numpy as np
import pytest
from tests.referees import seqc_corpus
from tests.sim_instruments.twins.zurich.test_zurich_executing import MS, QA, READOUT, SG, US
from tests.sim_instruments.twins.zurich.test_zurich_foretelling import Inline

from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.zurich.limits import LOST_LOCK, TRIGGER_LATENCY_NS
from podium.firmware_interfaces.zurich.values import bytes_vector, vector_of
from podium.sim_instruments.physics.clock_makes import CONTROLLER
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.digital_lines import DigitalLines, LinesEnd
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.physics.tick_counter import TickCounter
from podium.sim_instruments.twins.zurich.running import running_data_server

DEVICE = "dev12000"
MARKED = (
    "wave m = marker(32, 1); wave z = marker(64, 0); waitDigTrigger(1); playZero(1600);"
    "repeat (3) { playWave(1, m); playWave(1, z); }"
)
READ = (
    "waitDigTrigger(1); playZero(1600); repeat (2) { playZero(800);"
    "startQA(QA_GEN_0, QA_INT_0, true, 0, 0); playZero(4096); }"
)
CYCLE_NS = 4
"""From the trigger to the first instruction after the wait."""
REFERENCE = "system/clocks/referenceclock/in"
ERRORS = "raw/error/json/errors"


class World(Inline):
    """Plays at once."""

    def submit(self, work):
        super().submit(work)
        self.work()
        return self


class Plane:
    """An SHFQC on a clock of its own, a trigger cable, and a time tagger at a marker."""

    def __init__(self) -> None:
        self.clock = Clock(7, "zi", CONTROLLER, Room(7))
        self.counter = TickCounter(self.clock)
        self.lines = DigitalLines()
        self.lines.connect(("tagger", "io0"), ("zi", f"{DEVICE}.sg0_marker"), 0)
        self.server = running_data_server(
            "1",
            {12000: "SHFQC"},
            playback=World(),
            clock=self.counter,
            lines=LinesEnd(self.lines, "zi"),
        )
        (self.device,) = self.server.devices
        self.now_fs = FS_PER_S
        self.server._power_on(self.now_fs)

    def set(self, path, value):
        self.device.store.set(f"/{DEVICE}/{path}", value, self.now_fs)

    def get(self, path):
        self.device.update(self.now_fs)
        return self.device.store.value(path, self.now_fs)

    def wait(self, fs):
        self.now_fs += fs
        self.device.update(self.now_fs)
        self.device.update(self.now_fs)

    def upload(self, at, source):
        elf, _ = seqc_corpus.vendor_elf(source, "SHFQA4" if at == QA else "SHFQC")
        self.set(f"{at}/elf/data", bytes_vector(elf))

    def arm(self) -> None:
        """Both cores wait for Trigger In 1 of the generators, each by its own number for it."""
        self.upload(SG, MARKED)
        self.set("sgchannels/0/marker/source", 4)
        self.set(f"{SG}/auxtriggers/0/channel", 0)
        self.upload(QA, READ)
        self.set("qachannels/0/mode", 1)
        self.set(f"{QA}/auxtriggers/0/channel", 2)
        self.set(f"{READOUT}/integration/length", 256)
        self.set(f"{READOUT}/integration/weights/0/wave", vector_of(np.ones(256) + 0j))
        self.set(f"{READOUT}/result/length", 2)
        self.set(f"{READOUT}/result/enable", 1)
        for at in (SG, QA):
            self.set(f"{at}/enable", 1)
        self.wait(US)

    def heard(self) -> list[int]:
        edges = self.lines.heard(("tagger", "io0"), 0, self.now_fs)
        assert edges is not None
        return [at_fs for at_fs, up in edges if up]

    def expected_fs(self, edge_fs: int, after_ns: int) -> int:
        """Return when it is so long after the sample that sees an edge: the plain reckoning."""
        sample = -(-self.counter.to_ticks(edge_fs) // 4) * 4
        return self.counter.to_world(sample + TRIGGER_LATENCY_NS + CYCLE_NS + after_ns)


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


def test_the_result_logger_stamps_the_first_sample_with_the_instruments_own_counter(plane):
    plane.arm()
    edge_fs = plane.now_fs + 300 * US
    plane.server.input(f"{DEVICE}.sg0_trigger").edge(edge_fs)
    plane.wait(MS)
    before = plane.get("status/time")
    stamp = int.from_bytes(plane.get(f"{READOUT}/result/data/0/wave").content[64:72], "little")
    began_fs = plane.expected_fs(edge_fs, 800)  # a start comes as the silence before it begins
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


def test_what_is_stopped_shows_no_marker_any_more(plane):
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
    world = plane.server._execution._execution._players._playback
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
