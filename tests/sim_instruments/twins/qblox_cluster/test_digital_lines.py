"""Edges between instruments: who is heard, and when that is known."""

import numpy as np
import pytest
from tests.sim_instruments.twins.qblox_cluster.cluster_bench import T0, US
from tests.sim_instruments.twins.qblox_cluster.tag_bench import CABLE_FS, MARKER, WINDOW, TagBench

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.physics.digital_lines import DigitalLines, EdgeTrain, LinesEnd
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin


@pytest.fixture
def bench() -> TagBench:
    return TagBench()


def test_a_second_cable_or_one_of_negative_length_is_refused() -> None:
    lines = DigitalLines()
    lines.connect(("a", "x"), ("b", "y"), 0)
    with pytest.raises(ValueError, match=r"a\.x has a cable"):
        lines.connect(("a", "x"), ("c", "z"), 0)
    with pytest.raises(ValueError, match="cannot be -1 fs long"):
        lines.connect(("a", "w"), ("c", "z"), -1)


def test_lines_know_what_they_do_not_know() -> None:
    lines = DigitalLines()
    lines.connect(("a", "in"), ("b", "out"), 10)
    promise = lines.promise("b", 100)
    assert lines.heard(("a", "in"), 0, 110) == []
    assert lines.heard(("a", "in"), 0, 111) is None
    promise.from_fs = None
    assert lines.heard(("a", "in"), 0, 111) == []
    lines.keep(promise, [EdgeTrain("out", (100, 150), np.array([True, False]))])
    assert lines.heard(("a", "in"), 0, 200) == [(110, True), (160, False)]
    assert lines.heard(("a", "in"), 111, 160) == []


def test_a_cluster_that_nobody_asks_is_heard_all_the_same(bench) -> None:
    """Its agent may be dead: its marker rises when the trigger comes, and the tagger tells."""
    other = TagBench()
    end = LinesEnd(bench.lines, "b")
    other.twin = ClusterTwin({6: "QCM"}, "8", other.playback, lines=end)
    other.sessions = {name: other.twin.open(name) for name in ("scpi", "slot6")}
    bench.lines.connect(("a", "slot10.io3"), ("b", "slot6.marker0"), CABLE_FS)
    bench.settings(3)
    other.send(0, "TRG:IN:MAP:ADDRess 3")
    other.send(0, "TRG:IN:MAP:ENAble 1")
    other.load(6, 0, "wait_trigger 3,4\n" + MARKER, sync=False)
    other.send(6, "SEQuencer0:ARM")
    other.send(6, "SEQuencer0:START")
    other.finish(T0)
    bench.load_tags(WINDOW.replace("wait 996", "wait 9996"), channel=3)
    bench.send(10, "SEQuencer3:ARM")
    bench.send(10, "SEQuencer3:START")
    other.twin.edge(T0 + US)
    bench.finish()
    assert bench.state(10, 3, T0 + 100 * US).startswith("OKAY;RUNNING"), "it is being computed"
    other.playback.release()
    assert bench.state(10, 3, T0 + 100 * US).startswith("OKAY;STOPPED")
    (first, _) = bench.table(3)
    expected_ns = 1000 + 212 + 4 + 100 - 100 + CABLE_FS / FS_PER_NS
    assert abs(first["path1"] / 2048 - expected_ns) < 0.15


@pytest.mark.parametrize("computed", ["before", "after"])
def test_a_run_that_is_stopped_by_force_has_sent_what_it_had_by_then(bench, computed: str) -> None:
    pulses = "again: set_mrk 1\nupd_param 500\nset_mrk 0\nupd_param 500\njmp @again"
    bench.load(6, 0, f"move 20,R0\n{pulses.replace('jmp', 'loop R0,')}\nstop", sync=False)
    bench.load_tags(WINDOW.replace("wait 996", "wait 19996"))
    for slot, number in ((6, 0), (10, 2)):
        bench.send(slot, f"SEQuencer{number}:ARM")
        bench.send(slot, f"SEQuencer{number}:START")
    if computed == "before":
        bench.finish(T0 + US)
    bench.send(6, "SEQuencer0:STOP", T0 + 4 * US + 200 * FS_PER_NS)
    bench.finish()
    bench.finish()
    assert bench.table()["path0"].tolist() == [4, 0], "the one at 0 came before the window"
    high = bench.lines.heard(("a", "slot10.io2"), 0, T0 + 100 * US)
    assert high[-1] == (T0 + 4 * US + 200 * FS_PER_NS + CABLE_FS, False)
