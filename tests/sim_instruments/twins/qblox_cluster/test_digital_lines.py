"""Edges between instruments: who is heard, and when that is known."""

import pytest
from tests.benches.qblox_cluster.cluster_bench import T0, US
from tests.benches.qblox_cluster.tag_bench import CABLE_FS, MARKER, WINDOW, TagBench

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
    lines.keep(promise, [EdgeTrain("out", (100, 150), (True, False))])
    assert lines.heard(("a", "in"), 0, 200) == [(110, True), (160, False)]
    assert lines.heard(("a", "in"), 111, 160) == []


def edges(*at_fs: int) -> EdgeTrain:
    return EdgeTrain("out", at_fs, tuple(n % 2 == 0 for n in range(len(at_fs))))


LATER = [(310, True), (360, False)]


@pytest.mark.parametrize(
    ("off", "on", "heard"),
    [
        (50, 90, [(110, True), (160, False), *LATER]),
        (99, 151, LATER),
        (120, None, [(110, True), (130, False)]),
        (120, 140, [(110, True), (130, False), (150, True), (160, False), *LATER]),
        (90, 120, [(130, True), (160, False), *LATER]),
        (200, 320, [(110, True), (160, False), (330, True), (360, False)]),
        (200, 400, [(110, True), (160, False)]),
    ],
)  # fmt: skip
def test_a_cable_carries_levels_only_while_it_is_plugged_in(off, on, heard) -> None:
    lines, sink = DigitalLines(), ("a", "in")
    lines.connect(sink, ("b", "out"), 10)
    promise = lines.promise("b", 0)
    lines.unplug(sink, off)
    lines.unplug(sink, off + 1)
    if on is not None:
        lines.plug(sink, on)
        lines.plug(sink, on + 1)
    assert lines.heard(sink, 0, 1000) is None
    lines.keep(promise, [edges(100, 150, 300, 350)])
    assert lines.heard(sink, 0, 1000) == heard
    for k in range(len(heard)):
        assert lines.heard(sink, heard[k][0], heard[k][0] + 1) == [heard[k]]
        assert lines.level(sink, heard[k][0]) is heard[k][1]


def test_a_cable_that_the_room_stretches_delays_what_goes_in_by_what_it_is_then() -> None:
    lines, sink = DigitalLines(), ("a", "in")
    lines.connect(sink, ("b", "out"), 50_000, lambda at_fs: 50_000 + (at_fs > 10**6) * 3)
    promise = lines.promise("b", 2_000_000)
    assert lines.heard(sink, 0, 2_000_000 + 49_000) == []
    assert lines.heard(sink, 0, 2_000_000 + 50_000) is None, "it may come sooner"
    lines.keep(promise, [edges(0, 1_000, 2_000_000, 2_001_000)])
    assert lines.heard(sink, 0, 10**7) == [
        (50_000, True), (51_000, False), (2_050_003, True), (2_051_003, False),
    ]  # fmt: skip
    assert lines.heard(sink, 50_001, 2_050_003) == [(51_000, False)]
    assert lines.heard(sink, 2_050_003, 2_050_004) == [(2_050_003, True)]


def test_what_is_kept_anew_is_sent_instead_of_what_was_sent() -> None:
    told: list[tuple[str, tuple[int, ...]]] = []
    lines = DigitalLines(lambda promise, train: told.append((train.connector, train.at_fs)))
    lines.connect(("a", "in"), ("b", "out"), 0)
    other, promise = lines.promise("b", 0), lines.promise("b", 0)
    lines.keep(other, [edges(500, 600)])
    lines.keep(promise, [edges(100, 150, 300, 350), EdgeTrain("more", (7, 8), (True, False))])
    lines.keep(promise, [edges(100, 120)])
    assert lines.heard(("a", "in"), 0, 1000) == [
        (100, True), (120, False), (500, True), (600, False),
    ]  # fmt: skip
    assert told[-2:] == [("out", (100, 120)), ("more", ())]


def test_each_sequencer_ends_its_own_share_of_a_marker(bench) -> None:
    """Both hold it high from 100 ns on; the first is stopped at 1 us, the other at 2 us."""
    for number, until in ((0, 5000), (1, 4000)):
        bench.load(6, number, f"wait 100\nset_mrk 1\nupd_param {until}\nstop", sync=False)
        bench.send(6, f"SEQuencer{number}:ARM")
    bench.send(6, "SEQuencer:START")
    bench.finish(T0)
    assert len(bench.playback.tickets) == 1, "one run"
    told: list[tuple[int, ...]] = []
    bench.lines._told = lambda promise, train: told.append(train.at_fs)
    first_fs, second_fs = T0 + US, T0 + 2 * US
    bench.send(6, "SEQuencer0:STOP", first_fs)
    high_fs = T0 + 100 * FS_PER_NS
    assert told[-1] == (high_fs, T0 + 4100 * FS_PER_NS), "the other one goes on"
    bench.send(6, "SEQuencer1:STOP", second_fs)
    assert told[-1] == (high_fs, second_fs)
    assert bench.playback.stops == [
        (1, "slot6.sequencer0", first_fs), (1, "slot6.sequencer1", second_fs),
    ]  # fmt: skip


def test_a_reset_ends_what_is_high(bench) -> None:
    bench.load(6, 0, "set_mrk 1\nupd_param 5000\nstop", sync=False)
    bench.send(6, "SEQuencer0:ARM")
    bench.send(6, "SEQuencer0:START")
    bench.finish(T0)
    bench.send(0, "*RST", T0 + US)
    assert bench.lines.heard(("a", "slot10.io2"), 0, T0 + 100 * US) == [
        (T0 + CABLE_FS, True), (T0 + US + CABLE_FS, False),
    ]  # fmt: skip
    assert bench.playback.stops == [(1, "slot6.sequencer0", T0 + US)]


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
