"""Programs that an edge from outside begins, by a driver whose data server is made up."""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from tests.benches.zurich.driver_programs import PROGRAM

from podium.drivers.errors import NotStarted, Refused
from podium.drivers.roles import ClockHistory
from podium.drivers.zurich.clock_state import history
from podium.drivers.zurich.plane_start import START_SOURCE, PlaneStart, from_outside
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai
from podium.firmware_interfaces.zurich.limits import LOST_LOCK
from podium.firmware_interfaces.zurich.program import Start, StartRecord

ROOT = "/dev12000"
WAITS, RUNS = 5, 1
EDGE = replace(
    PROGRAM, start=Start(0, external=True, analyser_source=2), record=StartRecord(0, 3, 400_000_000)
)
ORIGIN = Tai(1_800_000_000, 250)


@dataclass
class MadeUp:
    """Answers what it is told to."""

    status: dict[str, int] = field(default_factory=dict)
    ticks: int = 0
    locked: int = 0
    log: tuple[str, ...] = ()
    stamps: list[str] = field(default_factory=list)

    def whole(self, asked: str, path: str) -> int:
        if path.endswith("sequencer/status"):
            return self.status.get(path, WAITS)
        if path.endswith("status/time"):
            return self.ticks
        return self.locked if path.endswith("in/status") else 1

    def wholes(self, asked: str, paths: Sequence[str], after_s: float) -> tuple[int, ...]:
        return tuple(self.whole(asked, path) for path in paths)

    def text(self, asked: str, path: str) -> str:
        return json.dumps({"messages": [{"message": one, "count": 1} for one in self.log]})

    def stamp(self, asked: str, path: str) -> int:
        self.stamps.append(path)
        return 8_000


@pytest.fixture
def server():
    return MadeUp()


@pytest.fixture
def plane(server):
    return PlaneStart("zi", server, {12000: "SHFQC"})


def test_it_has_started_once_a_core_no_longer_waits(plane, server) -> None:
    assert plane.waiting([EDGE])
    with pytest.raises(NotStarted, match="no edge at trigger input 1 of zi"):
        plane.wait(EDGE, 0.0, threading.Event())
    server.status[f"{ROOT}/{EDGE.cores[0].node}/sequencer/status"] = RUNS
    assert not plane.waiting([EDGE])
    plane.wait(EDGE, 0.0, threading.Event())


def test_a_wait_is_given_up(plane) -> None:
    interrupted = threading.Event()
    interrupted.set()
    with pytest.raises(Refused, match="given up while it waited"):
        plane.wait(EDGE, 5.0, interrupted)
    assert not interrupted.is_set()


def test_its_start_is_the_stamp_by_its_counter_less_how_long_it_had_begun(plane, server) -> None:
    with pytest.raises(Refused, match="nobody has said what time it was"):
        plane.stamp([EDGE])
    plane.origin = ORIGIN
    plane.stamp([EDGE])
    assert server.stamps == [f"{ROOT}/qachannels/0/readout/result/data/3/wave"]
    assert plane.started - ORIGIN == 8_000 * 250_000 - 400_000_000
    plane.armed()
    assert plane.started is None
    server.ticks = 4
    assert plane.counted_fs() == FS_PER_S // 10**9


def test_another_instruments_counter_is_not_known(plane) -> None:
    plane.origin = ORIGIN
    with pytest.raises(Refused, match="name the instrument that the trigger goes to first"):
        plane.stamp([replace(EDGE, instrument="zi.dev12001")])


def test_a_lock_that_is_lost_refuses_and_one_that_was_shows_in_the_log(plane, server) -> None:
    assert history("zi", server, ROOT) == ClockHistory({"external reference": 1}, disturbed=False)
    server.log = ("something else",)
    assert not history("zi", server, ROOT).disturbed
    server.log = (LOST_LOCK,)
    assert history("zi", server, ROOT).disturbed
    server.locked = 1
    with pytest.raises(Refused, match="not locked to its reference"):
        history("zi", server, ROOT)


def test_what_the_log_says_of_the_clock_is_not_cleared_before_it_was_told(plane, server) -> None:
    server.log = (LOST_LOCK,)
    both = [(f"{root}/raw/error/clear", 1) for root in (ROOT, "/dev12001")]
    assert plane.to_clear([ROOT, "/dev12001"]) == both, "nobody looks"
    plane.watched = True
    assert plane.to_clear([ROOT, "/dev12001"]) == both[1:]
    server.log = ()
    assert plane.to_clear([ROOT, "/dev12001"]) == both


def test_only_what_an_edge_begins_is_waited_for(server) -> None:
    assert not from_outside(PROGRAM)
    assert from_outside(EDGE)
    assert PlaneStart("zi", server, {12000: "SHFQC"}).source == START_SOURCE
    assert PlaneStart("zi", server, {12001: "SHFSG8"}).source == ""


def test_behind_a_pqsc_the_counter_is_that_of_the_first_analyser(server) -> None:
    devices = {10001: "PQSC", 12002: "SHFSG4", 12001: "SHFQA2", 12003: "SHFQC"}
    plane = PlaneStart("zi", server, devices)
    plane.origin = ORIGIN
    plane.stamp([replace(EDGE, record=None), replace(EDGE, instrument="zi.dev12001")])
    assert server.stamps == ["/dev12001/qachannels/0/readout/result/data/3/wave"]
    assert plane.root == "/dev10001", "whose clock all take"
    with pytest.raises(Refused, match=r"that of dev12001, not of zi\.dev12003"):
        plane.stamp([replace(EDGE, instrument="zi.dev12003")])
    assert PlaneStart("zi", server, {10001: "PQSC", 12002: "SHFSG4"}).source == ""
