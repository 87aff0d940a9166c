"""Sequencers that wait for the external trigger: sampling, latency, dead time, time keeping."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.benches.qblox_cluster.cluster_bench import T0, US, Bench, HeldPlayback

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.physics.digital_lines import DigitalLines, LinesEnd
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import (
    CYCLE_TICKS,
    IdealClock,
    next_cycle,
    subs,
    world_of_subs,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import SYNC_NS
from podium.sim_instruments.twins.qblox_cluster.trigger_network import DEAD_NS, LATENCY_NS

WAITS = "wait_trigger 3,4\nwait_sync 4\nacquire 0,0,1000\nwait 9000\nstop"
MS = 1000 * US


class SkewedClock:
    """Runs fast by a few parts per million, and is off by some picoseconds."""

    def __init__(self, phase_fs: int, ppm: int) -> None:
        self.phase_fs, self.ppm = phase_fs, ppm

    def to_world(self, tick: int) -> int:
        return tick * FS_PER_NS - tick * self.ppm + self.phase_fs

    def to_ticks(self, at_fs: int) -> int:
        return -(-(at_fs - self.phase_fs) // (FS_PER_NS - self.ppm))

    def lo_turns(self, oscillator: str, tick: int) -> float:
        return 0.0


class TriggeredBench(Bench):
    """A cluster whose sequencers wait for trigger 3."""

    def __init__(self, clock=None, program: str = WAITS) -> None:
        super().__init__()
        if clock is not None:
            self.twin = ClusterTwin({2: "QRM-RF", 4: "QCM-RF"}, "7", self.playback, clock)
            self.sessions = {name: self.twin.open(name) for name in ("scpi", "slot2", "slot4")}
        self.send(0, "TRG:IN:MAP:ADDRess 3")
        self.send(0, "TRG:IN:MAP:ENAble 1")
        self.load(2, 0, program)
        self.load(4, 0, "wait_trigger 3,4\nwait_sync 4\nwait 5000\nstop")

    def start(self, now_fs: int = T0) -> None:
        for slot in (2, 4):
            self.send(slot, "SEQuencer0:ARM", now_fs)
        for slot in (2, 4):
            self.send(slot, "SEQuencer0:START", now_fs)
        self.settle(now_fs)

    def settle(self, now_fs: int):
        self.playback.release()
        self.twin.horizon(now_fs)
        self.playback.release()
        return self.twin.horizon(now_fs)


def test_a_waiting_cluster_runs_and_holds_world_time() -> None:
    bench = TriggeredBench()
    bench.start()
    horizon = bench.twin.horizon(T0 + MS)
    assert (horizon.armed, horizon.computing, horizon.busy_until_fs) == (True, False, None)
    assert bench.state(2, 0, T0 + MS).startswith("OKAY;RUNNING;0;")
    assert bench.playback.played == []


@pytest.mark.parametrize("late_fs", [1, FS_PER_NS, 3_999_999, 4 * FS_PER_NS])
def test_all_sequencers_go_on_together_after_the_edge_was_sampled(late_fs: int) -> None:
    bench = TriggeredBench()
    bench.start()
    bench.twin.edge(T0 + MS + late_fs)
    sampled_fs = T0 + MS + 4 * FS_PER_NS
    horizon = bench.settle(T0 + 2 * MS)
    (signals,) = bench.playback.played
    (train,) = signals.captures
    at_fs = signals.start_tai_fs + int(train.start_ns[0]) * FS_PER_NS
    assert at_fs == sampled_fs + (LATENCY_NS + 4 + SYNC_NS + 4) * FS_PER_NS
    assert not horizon.armed
    assert bench.state(2, 0, T0 + 2 * MS).startswith("OKAY;STOPPED;")
    assert bench.bins(2, 0, T0 + 2 * MS)["average_count"].tolist() == [1, 0]


def test_the_world_does_not_play_the_time_of_waiting() -> None:
    bench = TriggeredBench()
    bench.start()
    bench.twin.edge(T0 + 1000 * MS)
    bench.settle(T0 + 1001 * MS)
    (signals,) = bench.playback.played
    assert signals.start_tai_fs == T0 + 1000 * MS + LATENCY_NS * FS_PER_NS
    assert signals.duration_ns < 20_000


def test_an_edge_that_lies_ahead_acts_when_its_time_has_come() -> None:
    bench = TriggeredBench()
    bench.start()
    bench.twin.edge(T0 + MS)
    assert bench.settle(T0 + MS - 1).armed
    assert bench.playback.played == []
    assert not bench.settle(T0 + MS).armed
    assert len(bench.playback.played) == 1


def test_a_cluster_that_was_stopped_in_time_does_not_start() -> None:
    bench = TriggeredBench()
    bench.start()
    bench.twin.edge(T0 + MS)
    for slot in (2, 4):
        bench.send(slot, "SEQuencer0:STOP", T0 + MS - 1)
    horizon = bench.settle(T0 + 2 * MS)
    assert (horizon.armed, horizon.computing) == (False, False)
    assert bench.playback.played == []
    assert bench.state(2, 0, T0 + 2 * MS) == "OKAY;STOPPED;0;FORCED STOP,;;;"


@pytest.mark.parametrize(
    "setting", ["TRG:IN:MAP:ENAble 0", "TRG:IN:MAP:ADDRess 4", "TRG:IN:MAP:ADDRess 15"]
)
def test_an_edge_that_is_not_mapped_to_the_address_starts_nothing(setting: str) -> None:
    bench = TriggeredBench()
    bench.send(0, setting)
    bench.start()
    bench.twin.edge(T0 + MS)
    assert bench.settle(T0 + 2 * MS).armed
    assert bench.playback.played == []


def test_an_edge_before_the_wait_has_begun_is_missed() -> None:
    bench = TriggeredBench()
    bench.twin.edge(T0 - 10 * US)
    bench.start()
    assert bench.settle(T0 + MS).armed
    assert bench.send(0, "TNN:TRG:MON:COUNT? 3") == "1"


TAGGER = ("tagger", "slot10.io0")


def heard_bench() -> tuple[TriggeredBench, DigitalLines]:
    """Return a cluster whose marker goes to a tagger's input, and the cable."""
    bench, lines = TriggeredBench(), DigitalLines()
    lines.connect(TAGGER, ("a", "slot4.marker2"), 0)
    end = LinesEnd(lines, "a")
    bench.twin = ClusterTwin({2: "QRM-RF", 4: "QCM-RF"}, "7", bench.playback, lines=end)
    bench.sessions = {name: bench.twin.open(name) for name in ("scpi", "slot2", "slot4")}
    bench.send(0, "TRG:IN:MAP:ADDRess 3")
    return bench, lines


def test_what_follows_an_edge_that_was_told_is_not_known_before_it_was_played() -> None:
    bench, lines = heard_bench()
    bench.load(2, 0, WAITS)
    bench.load(4, 0, "wait_trigger 3,4\nwait_sync 4\nset_mrk 4\nupd_param 100\nstop")
    bench.start()
    assert lines.heard(TAGGER, T0, T0 + 9 * MS) == [], "it waits, and nothing is to come"
    bench.twin.edge(T0 + MS)  # nobody has asked the cluster for anything since
    assert lines.heard(TAGGER, T0, T0 + 2 * MS) is None
    assert lines.heard(TAGGER, T0, T0 + MS) == []
    bench.settle(T0 + 2 * MS)
    assert lines.heard(TAGGER, T0, T0 + 2 * MS) == [], "the input was closed: it still waits"
    bench.send(0, "TRG:IN:MAP:ENAble 1", T0 + 2 * MS)
    bench.twin.edge(T0 + 3 * MS)
    assert lines.heard(TAGGER, T0, T0 + 4 * MS) is None
    bench.settle(T0 + 4 * MS)
    heard = lines.heard(TAGGER, T0, T0 + 4 * MS)
    assert heard is not None
    assert [up for _, up in heard] == [True, False]


def test_edges_of_a_run_that_goes_on_as_time_passes_are_not_known_before() -> None:
    bench, lines = heard_bench()
    bench.send(0, "TRG:IN:MAP:ENAble 1")
    looks = "set_latch_en 1,4\nwait 9000\nset_cond 1,4,3,4\nset_mrk 4\nupd_param 100"
    bench.load(2, 0, WAITS)
    bench.load(4, 0, f"wait_trigger 3,4\nwait_sync 4\n{looks}\nset_cond 0,0,0,4\nstop")
    bench.start()
    bench.twin.edge(T0 + MS)
    bench.settle(T0 + MS + US)  # another trigger may come before it looks
    assert lines.heard(TAGGER, T0, T0 + 2 * MS) is None
    bench.settle(T0 + 2 * MS)
    heard = lines.heard(TAGGER, T0, T0 + 2 * MS)
    assert heard is not None
    assert [up for _, up in heard] == [True, False], "no trigger came"


@pytest.mark.parametrize(("apart_ns", "passed"), [(DEAD_NS - 4, 1), (DEAD_NS, 2)])
def test_the_network_takes_one_pulse_each_252_ns(apart_ns: int, passed: int) -> None:
    bench = TriggeredBench()
    bench.twin.edge(T0 + US)
    bench.twin.edge(T0 + US + apart_ns * FS_PER_NS)
    assert bench.send(0, "TNN:TRG:MON:COUNT? 3", T0 + MS) == str(passed)
    assert bench.send(0, "TNN:TRG:MON:LAST?", T0 + MS) == "3"
    bench.send(0, "TNN:TRG:MON:COUNT:RST 3", T0 + MS)
    assert bench.send(0, "TNN:TRG:MON:COUNT? 3", T0 + MS) == "0"


def test_a_program_takes_as_many_triggers_as_it_waits_for() -> None:
    twice = "wait_trigger 3,4\nacquire 0,0,1000\nwait_trigger 3,4\nacquire 0,1,1000\nwait 4\nstop"
    bench = TriggeredBench(program=twice)
    bench.load(4, 0, "stop", sync=False)
    bench.send(2, "SEQuencer0:ARM")
    bench.send(2, "SEQuencer0:START")
    bench.twin.edge(T0 + MS)
    assert bench.settle(T0 + 2 * MS).armed
    assert bench.playback.played == []
    bench.twin.edge(T0 + 3 * MS)
    bench.settle(T0 + 4 * MS)
    (signals,) = bench.playback.played
    (train,) = signals.captures
    assert np.diff(train.start_ns).tolist() == [2_000_000]


@pytest.mark.parametrize("delay_ps", [39, 31 * 39])
def test_the_delay_of_the_input_can_move_an_edge_over_a_sample(delay_ps: int) -> None:
    for early_fs, moved in ((delay_ps * 1000, 0), (delay_ps * 1000 - 1, 1)):
        bench = TriggeredBench()
        bench.send(0, f"TRG:IN:DLY {delay_ps}")
        bench.start()
        bench.twin.edge(T0 + MS - early_fs)
        bench.settle(T0 + 2 * MS)
        (signals,) = bench.playback.played
        expected_fs = T0 + MS + (LATENCY_NS + moved * CYCLE_TICKS) * FS_PER_NS
        assert signals.start_tai_fs == expected_fs


def test_a_clock_of_its_own_samples_and_plays_on_its_own_grid() -> None:
    clock = SkewedClock(phase_fs=1_234_567, ppm=3)
    bench = TriggeredBench(clock)
    bench.start()
    bench.twin.edge(T0 + MS)
    bench.settle(T0 + 2 * MS)
    (signals,) = bench.playback.played
    tick = next_cycle(clock, T0 + MS) + LATENCY_NS
    assert signals.start_tai_fs == clock.to_world(tick)
    assert signals.start_tai_fs % FS_PER_NS != 0


@pytest.mark.parametrize("clock", [IdealClock(), SkewedClock(777_777, 5), SkewedClock(-3, -2)])
@pytest.mark.parametrize("at_fs", [T0, T0 + 1, T0 + 123_456_789, T0 + 999_999])
def test_a_clock_counts_up_to_an_instant_and_back(clock, at_fs: int) -> None:
    tick = clock.to_ticks(at_fs)
    assert clock.to_world(tick - 1) < at_fs <= clock.to_world(tick)
    fine = subs(clock, at_fs)
    assert 0 <= at_fs - world_of_subs(clock, fine) <= FS_PER_NS // 2048 + 2


def captured(bench: Bench, slot: int, now_fs: int) -> int | None:
    answer = bench.send(slot, "TIMEkeeping:CAPTure?", now_fs)
    stamp = json.loads(answer[2 + int(answer[1]) :])
    if not stamp:
        return None
    return (stamp["ns"] * 2048 + stamp["sub"]) * FS_PER_NS // 2048


def test_a_capture_of_the_party_line_tells_when_the_sequencers_went_on() -> None:
    bench = TriggeredBench()
    for slot in (0, 2):
        bench.send(slot, "TIMEkeeping:CAPTure:ARM 0,1,0")
    bench.start()
    assert captured(bench, 2, T0 + US) is None
    bench.twin.edge(T0 + MS)
    bench.settle(T0 + MS)
    released_fs = T0 + MS + (LATENCY_NS + 4 + SYNC_NS) * FS_PER_NS
    assert captured(bench, 2, released_fs - 1) is None
    assert captured(bench, 2, released_fs) == released_fs
    assert captured(bench, 0, T0 + 2 * MS) == released_fs
    assert captured(bench, 4, T0 + 2 * MS) is None, "it was not armed"


class SlowWorld(HeldPlayback):
    """Physics that takes as long as the test has it take, in threads of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.playing, self.over = threading.Event(), threading.Event()
        self.pool = ThreadPoolExecutor(1)

    def submit(self, work):
        return self.pool.submit(work, self.play)

    def play(self, signals):
        self.playing.set()
        assert self.over.wait(20)
        return super().play(signals)


def test_when_it_began_is_told_while_the_world_still_plays() -> None:
    bench = TriggeredBench()
    world = SlowWorld()
    bench.twin.runs._playback = world
    bench.send(0, "TIMEkeeping:CAPTure:ARM 0,1,0")
    for action in ("ARM", "START"):
        for slot in (2, 4):
            bench.send(slot, f"SEQuencer0:{action}")
    with world.pool:
        world.pool.submit(lambda: None).result(20)  # all wait for the trigger now
        bench.twin.horizon(T0)
        bench.twin.edge(T0 + MS)
        assert bench.twin.horizon(T0 + MS).computing
        assert world.playing.wait(20)
        released_fs = T0 + MS + (LATENCY_NS + 4 + SYNC_NS) * FS_PER_NS
        assert captured(bench, 0, released_fs - 1) is None
        assert captured(bench, 0, released_fs) == released_fs
        assert bench.twin.horizon(T0 + 9 * MS).computing, "and of what it measures nothing is known"
        world.over.set()


def test_a_capture_of_the_trigger_input_tells_when_the_edge_was_sampled() -> None:
    bench = TriggeredBench()
    bench.send(0, "TIMEkeeping:CAPTure:EXT:TRIGger 1")
    bench.twin.edge(T0 + MS + 1)
    assert captured(bench, 0, T0 + 2 * MS) == T0 + MS + 4 * FS_PER_NS
    bench.send(0, "TIMEkeeping:CAPTure:ARM 1,1,1", T0 + 2 * MS)
    assert '"captured": false' in bench.send(0, "TIMEkeeping:CAPTure:STATus?", T0 + 2 * MS)
    bench.twin.edge(T0 + 3 * MS + 1)
    assert captured(bench, 0, T0 + 4 * MS) == T0 + 3 * MS + 100 * FS_PER_NS


def test_an_adjusted_clock_shows_adjusted_captures() -> None:
    bench = TriggeredBench()
    bench.send(0, "TIMEkeeping:ADJust", block=b'{"ns": -5, "sub": 2047}')
    bench.send(0, "TIMEkeeping:CAPTure:ARM 1,1,0")
    bench.twin.edge(T0 + MS)
    assert captured(bench, 0, T0 + 2 * MS) == T0 + MS - 5 * FS_PER_NS + 2047 * FS_PER_NS // 2048


@pytest.mark.parametrize(
    ("slot", "line", "told"),
    [
        (0, "TRG:IN:DLY 40", "steps of 39 ps"),
        (0, "TRG:IN:DLY 1248", "between 0 and 1209"),
        (0, "TRG:IN:MAP:ADDRess 0", "between 1 and 15"),
        (0, "TNN:TRG:MON:COUNT:RST 16", "between 1 and 15"),
        (0, "TIMEkeeping:CAPTure:ARM 2,1,0", "between 0 and 1"),
        (2, "TIMEkeeping:CAPTure:ARM 1,1,0", "between 0 and 0"),
        (0, "TIMEkeeping:CAPTure:EXT:TRIGger 2", "channel 2 does not exist"),
        (0, 'TIMEkeeping:SYNC:NTP "10.0.0.1"', "does not answer"),
    ],
)
def test_what_the_timing_cannot_do_is_refused(slot: int, line: str, told: str) -> None:
    bench = Bench()
    bench.send(slot, line)
    assert told in bench.send(slot, "SYSTem:ERRor:NEXT?")


@pytest.mark.parametrize(
    "block",
    [b"[]", b"{}", b'{"ns": 1}', b'{"ns": "x", "sub": 0}', b'{"ns": 1e999, "sub": 0}', b"nonsense"],
)
def test_what_is_no_time_is_refused_and_the_clock_goes_on(block: bytes) -> None:
    bench = Bench()
    before = bench.send(0, "TIMEkeeping:CURRent:TIMEstamp?")
    bench.send(0, "TIMEkeeping:ADJust", block=block)
    assert bench.send(0, "SYSTem:ERRor:COUNt?") == "1"
    assert bench.send(0, "TIMEkeeping:CURRent:TIMEstamp?") == before


def test_a_time_beyond_what_the_counter_holds_is_refused() -> None:
    bench = Bench()
    bench.send(0, "TIMEkeeping:ADJust", block=b'{"ns": 9223372036854775808, "sub": 0}')
    assert "64 bits" in bench.send(0, "SYSTem:ERRor:NEXT?")


def test_arming_again_takes_a_waiting_cluster_out_of_its_run() -> None:
    bench = TriggeredBench()
    bench.start()
    bench.twin.edge(T0 + MS)
    for slot in (2, 4):
        bench.send(slot, "SEQuencer0:ARM", T0 + US)
    bench.settle(T0 + 2 * MS)
    assert bench.playback.played == []
    bench.start(T0 + 3 * MS)
    bench.twin.edge(T0 + 4 * MS)
    bench.settle(T0 + 5 * MS)
    assert len(bench.playback.played) == 1


def test_a_reset_ends_the_wait() -> None:
    bench = TriggeredBench()
    bench.start()
    bench.send(0, "*RST", T0 + US)
    bench.twin.edge(T0 + MS)
    horizon = bench.settle(T0 + 2 * MS)
    assert (horizon.armed, horizon.computing) == (False, False)
    assert bench.playback.played == []
    assert bench.send(0, "TRG:IN:MAP:ENAble?", T0 + 2 * MS) == "0"
