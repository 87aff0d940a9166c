"""Triggers at analogue inputs that are sent over the trigger network as they come."""

import numpy as np
import pytest
from tests.benches.qblox_cluster.cluster_bench import T0, US, HeldTicket
from tests.benches.qblox_cluster.dictated import START_NS, DictatedBench, hangs

from podium.firmware_interfaces.qblox_cluster.sequencer_config import default_configuration
from podium.sim_instruments.physics.signals import CaptureAnswer
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin
from podium.sim_instruments.twins.qblox_cluster.module import json_bytes


class Pulsed:
    """A world in which pulses of 20 ns arrive at an input at times from the common start."""

    def __init__(self, at_ns: tuple[int, ...]) -> None:
        self.at_ns = at_ns
        self.asked: list[tuple[int, int]] = []
        self.traces: dict[int, np.ndarray] = {}
        self.begin_ns = 0

    def begin(self, run: int, start_tai_fs: int) -> "Pulsed":
        self.begin_ns = (start_tai_fs - T0) // 10**6
        return self

    def go_on(self, drives, captures, listeners):
        for capture, listener in zip(captures, listeners, strict=True):
            (window,) = capture.windows
            open_ns = self.begin_ns + int(capture.start_ns[0])
            self.asked.append((open_ns, open_ns + window.duration_ns))
            trace = np.zeros(window.duration_ns + 100, np.complex128)
            for at in self.at_ns:
                first = START_NS + at - open_ns
                trace[max(first, 0) : max(first + 20, 0)] = 10.0
            self.traces[listener] = trace
        return tuple(CaptureAnswer(np.zeros(len(c.start_ns), complex), None) for c in captures)

    def trace(self, listener):
        return self.traces[listener], 0.0

    def end(self, signals) -> None:
        pass


class CountingBench(DictatedBench):
    """Slot 2 is a QRM whose input hears pulses; slot 4 depends on it."""

    def __init__(self, *at_ns: int) -> None:
        super().__init__()
        self.world = Pulsed(at_ns)
        playback = self.playback

        def submit(work):
            playback.tickets.append(HeldTicket(work, self.world))
            return playback.tickets[-1]

        playback.submit = submit
        self.twin = ClusterTwin({2: "QRM", 4: "QCM-RF"}, "7", playback)
        self.sessions = {name: self.twin.open(name) for name in ("scpi", "slot2", "slot4")}

    def count(self, program: str, **ttl) -> None:
        self.load(2, 0, program)
        values = default_configuration()
        values["seq_proc"]["sync_en"] = True
        values["acq"][0]["ttl"].update({"threshold": 0.5, **ttl})
        values["acq"][0]["th_acq_trg_map"] = {"en": True, "inv": False, "addr": 3}
        self.send(2, "SEQuencer0:CONFiguration", block=json_bytes(values))


WINDOW = "wait_sync 4\nacquire_ttl 0,0,1,6000\nacquire_ttl 0,0,0,4\nstop"


@pytest.mark.parametrize(("at_ns", "met"), [((2000,), True), ((), False), ((6100,), False)])
def test_a_pulse_at_an_input_decides_what_another_sequencer_plays(at_ns, met) -> None:
    bench = CountingBench(*at_ns)
    bench.count(WINDOW)
    bench.put(4, 0, hangs(8000))
    bench.run((2, 0), (4, 0))
    assert bench.met() == met
    assert bench.bins(2, 0, T0 + 60 * US)["average_count"].tolist() == [int(met), 0]


@pytest.mark.parametrize(("late_ns", "met"), [(-1, False), (0, True)])
def test_it_is_counted_340_ns_after_it_came_while_the_window_is_still_open(late_ns, met) -> None:
    bench = CountingBench(1000)
    bench.count(WINDOW)
    bench.put(4, 0, hangs(1000 + 340 + late_ns))
    bench.run((2, 0), (4, 0))
    assert bench.met() == met


@pytest.mark.parametrize(("at_ns", "met"), [((1000, 2000), True), ((1000, 1100), False)])
def test_so_many_are_wanted_and_those_too_close_are_lost_on_the_network(at_ns, met) -> None:
    bench = CountingBench(*at_ns)
    bench.count(WINDOW)
    bench.put(4, 0, hangs(8000), latches={3: {"count_threshold": 2}})
    bench.run((2, 0), (4, 0))
    assert bench.met() == met
    assert bench.bins(2, 0, T0 + 60 * US)["average_count"].tolist() == [2, 0], "both are counted"


def test_a_pulse_that_is_cut_by_stretches_is_counted_once_and_the_window_heard_whole() -> None:
    bench = CountingBench(*range(330, 5000, 500))
    bench.count(WINDOW)
    bench.put(4, 0, hangs(8000))
    bench.run((2, 0), (4, 0))
    assert bench.bins(2, 0, T0 + 60 * US)["average_count"].tolist() == [10, 0]
    asked = bench.world.asked
    assert len(asked) > 2
    assert asked[0][0] == START_NS
    assert asked[-1][1] == START_NS + 6000
    assert [end for _, end in asked[:-1]] == [begin for begin, _ in asked[1:]]


def test_who_waits_for_the_trigger_of_a_pulse_goes_on_before_the_window_is_closed() -> None:
    bench = CountingBench(1000)
    bench.count(WINDOW)
    bench.put(4, 0, "wait_sync 4\nwait_trigger 3,4\nstop 7")
    bench.run((2, 0), (4, 0))
    end = T0 + (START_NS + 1000 + 340 + 4) * 10**6
    assert bench.state(4, 0, end - 10**6).startswith("OKAY;RUNNING")
    assert bench.state(4, 0, end) == "OKAY;STOPPED;7;;;;"
