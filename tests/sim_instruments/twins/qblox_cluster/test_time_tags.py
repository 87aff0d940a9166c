"""The time-tag module: edges in, tags, counts, time differences; edges out."""

import json

import numpy as np
import pytest
from tests.benches.qblox_cluster.cluster_bench import T0, US
from tests.benches.qblox_cluster.tag_bench import (
    CABLE_FS,
    JITTER_SUBS,
    MARKER,
    WINDOW,
    TagBench,
    quad,
)

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.twins.qblox_cluster.time_tagging.io_channel import power_on_channel


@pytest.fixture
def bench() -> TagBench:
    return TagBench()


def test_a_marker_is_tagged_where_it_arrives(bench) -> None:
    bench.load(6, 0, MARKER, sync=False)
    bench.load_tags(WINDOW)
    bench.run((6, 0), (10, 2))
    (first, second) = bench.table()
    assert (first["average_count"], first["path0"], second["average_count"]) == (1, 1, 0)
    expected = CABLE_FS / FS_PER_NS * 2048
    assert abs(first["path1"] - expected) < JITTER_SUBS + 16
    assert first["path1"] % 16 == 0
    assert bench.flags() == "OKAY;STOPPED;0;ACQ BINNING DONE,;;;"


def test_a_tag_waits_for_all_who_may_have_sent_it(bench) -> None:
    bench.load(6, 0, MARKER, sync=False)
    bench.load_tags(WINDOW)
    for slot, number in ((6, 0), (10, 2)):
        bench.send(slot, f"SEQuencer{number}:ARM")
        bench.send(slot, f"SEQuencer{number}:START")
    marker, tags = bench.playback.tickets
    tags.released = True
    assert bench.twin.horizon(T0 + 100 * US).computing
    assert bench.state(10, 2, T0 + 100 * US).startswith("OKAY;RUNNING")
    marker.released = True
    assert bench.state(10, 2, T0 + 100 * US).startswith("OKAY;STOPPED")
    assert bench.table()["path0"].tolist() == [1, 0]


def test_a_digital_output_moves_in_steps_of_its_fine_delay() -> None:
    tags = []
    for fine in (0, 5, 128, 1000):
        bench = TagBench()
        bench.lines.connect(("a", "slot10.io3"), ("a", "slot10.io0"), 0)
        bench.settings(3)
        bench.settings(0, out_mode="sequencer")
        text = (
            f"wait 200\nset_digital 1,1,{fine}\nupd_param 100\nset_digital 0,1,0\nupd_param 4\nstop"
        )
        bench.load(10, 0, text, sync=False)
        bench.load_tags(WINDOW, channel=3)
        bench.run((10, 0), (10, 3))
        (first, _) = bench.table(3)
        assert first["path0"] == 1
        tags.append(int(first["path1"]) / 2048)
    assert np.allclose(tags, [100, 100 + 5 / 128, 101, 100 + 1000 / 128], atol=0.15)


def test_only_edges_in_the_window_count(bench) -> None:
    for at_ns in (50, 99.7, 130, 300, 600, 1099.0, 1100.5, 2000):
        bench.edge(at_ns)
    bench.load_tags(WINDOW)
    bench.run((10, 2))
    assert bench.table()["path0"].tolist() == [4, 0]


@pytest.mark.parametrize(
    ("source", "expected_ns"), [("first", 200.0), ("second", 400.0), ("last", 700.0)]
)
def test_the_source_of_the_time_is_one_of_the_tags(bench, source, expected_ns) -> None:
    bench.settings(2, binned_acq_time_source=source)
    for at_ns in (300, 500, 800):
        bench.edge(at_ns)
    bench.load_tags(WINDOW)
    bench.run((10, 2))
    assert abs(bench.table()["path1"][0] / 2048 - expected_ns) < 0.15


@pytest.mark.parametrize(
    ("reference", "expected_ns"),
    [("start", 200.0), ("end", -800.0), ("sequencer", 240.0), ("first3", 150.0)],
)
def test_times_refer_to_what_was_chosen(bench, reference, expected_ns) -> None:
    bench.settings(2, binned_acq_time_ref=reference)
    bench.settings(3)
    bench.edge(300)
    bench.edge(150, channel=3)
    bench.load_tags("wait 60\nset_time_ref\nupd_param 40\n" + WINDOW.removeprefix("wait 100\n"))
    bench.load_tags("acquire_timetags 0,0,1,0,200\nacquire_timetags 0,0,0,0,4\nstop", channel=3)
    bench.run((10, 2), (10, 3))
    assert abs(bench.table()["path1"][0] / 2048 - expected_ns) < 0.3


def test_times_since_the_epoch_are_the_clusters_time(bench) -> None:
    bench.settings(2, binned_acq_time_ref="epoch")
    ns = T0 // FS_PER_NS
    bench.send(0, "TIMEkeeping:ADJust", block=json.dumps({"ns": -ns, "sub": 0}).encode())
    bench.edge(300)
    bench.load_tags(WINDOW)
    bench.run((10, 2))
    assert abs(bench.table()["path1"][0] / 2048 - 300) < 0.15


@pytest.mark.parametrize(
    ("choice", "counts", "flagged"),
    [("error", [0, 0], True), ("record_0", [1, 0], False), ("discard", [0, 0], False)],
)
def test_a_window_without_an_edge_does_as_chosen(bench, choice, counts, flagged) -> None:
    bench.settings(2, binned_acq_on_invalid_time_delta=choice)
    bench.load_tags(WINDOW)
    bench.run((10, 2))
    assert bench.table()["average_count"].tolist() == counts
    assert ("DIO TIME DELTA INVALID" in bench.flags()) is flagged


@pytest.mark.parametrize(("limit", "above"), [(1, 1), (2, 1), (3, 0)])
def test_a_count_meets_its_threshold(bench, limit, above) -> None:
    bench.settings(2, binned_acq_threshold_source="thresh1")
    bench.edge(300)
    bench.edge(500)
    bench.load_tags(f"upd_thres 1,{limit},4\n" + WINDOW)
    bench.run((10, 2))
    assert bench.table()["threshold"].tolist() == [above, 0]


def test_edges_that_come_too_fast_are_counted_but_not_tagged(bench) -> None:
    for at_ns in (300, 310, 320):
        bench.edge(at_ns)
    for source, count in (("timetags", 1), ("low-latency", 3)):
        bench.settings(2, binned_acq_count_source=source)
        bench.load_tags(WINDOW)
        bench.run((10, 2))
        assert bench.table()["path0"].tolist() == [count, 0]
        bench.send(10, "SEQuencer2:ACQ:ALISt:ACQuisition:DELete all")
    bench.settings(2, binned_acq_count_source="combined")
    bench.load_tags(WINDOW)
    bench.run((10, 2))
    assert "DIO COUNT INVALID" in bench.flags()


@pytest.mark.parametrize("more", [{"in_threshold_primary": 2.0}, {"out_mode": "low"}])
def test_an_input_that_cannot_hear_hears_nothing(bench, more) -> None:
    bench.settings(2, binned_acq_on_invalid_time_delta="record_0", **more)
    bench.edge(300)
    bench.load_tags(WINDOW)
    bench.run((10, 2))
    assert bench.table()["path0"].tolist() == [0, 0]


def test_a_pair_can_share_the_main_input(bench) -> None:
    bench.send(10, "QUAD0:CONFig", block=quad())
    bench.settings(3)
    bench.edge(300)
    bench.load_tags(WINDOW, channel=3)
    bench.run((10, 3))
    assert bench.table(3)["path0"].tolist() == [1, 0]


def test_repeated_windows_add_up_and_their_jitter_is_that_of_the_converter() -> None:
    spreads = {}
    for oversampling in ("disabled", "x4"):
        bench = TagBench()
        bench.send(
            10,
            "QUAD0:CONFig",
            block=quad(channel_combine="independent", timetag_oversampling=oversampling),
        )
        shots = 400
        text = f"""
            move {shots},R0
            move 0,R1
            move 0,R2
            again: acquire_timetags 0,R1,1,R2,100
            acquire_timetags 0,R1,0,R2,900
            add R1,1,R1
            nop
            loop R0,@again
            stop"""
        for k in range(shots):
            bench.edge(50 + 1000 * k)
        bench.load_tags(text, bins=shots)
        bench.send(10, "SEQuencer2:ARM")
        bench.send(10, "SEQuencer2:START")
        bench.finish(T0 + 1000 * US)
        table = bench.table()
        assert table["path0"].tolist() == [1] * shots
        spreads[oversampling] = float(np.std(table["path1"] / 2.048))
    assert 18 < spreads["disabled"] < 22
    assert 8.5 < spreads["x4"] < 12


def test_a_level_can_be_sampled(bench) -> None:
    bench.edge(300)
    bench.load_tags("wait 350\nacquire_digital 0,0,4\nwait 100\nacquire_digital 0,1,4\nstop")
    bench.run((10, 2))
    assert bench.table()["path0"].tolist() == [1, 0]
    assert bench.table()["valid"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("scope", ["RISE", "FALL", "RISE", "FALL"]),
        ("timetags", ["RISE", "RISE"]),
        ("timetags-windowed", ["OPEN", "RISE", "CLOSE"]),
    ],
)
def test_the_scope_of_a_channel_is_read_once(bench, mode, words) -> None:
    bench.settings(2, scope_mode=mode)
    bench.edge(300)
    bench.edge(1500)
    bench.load_tags("set_scope_en 1\n" + WINDOW.replace("stop", "wait 2000\nstop"))
    bench.run((10, 2))

    def read() -> list:
        answer = bench.send(10, "IO:CHANnel2:SCOpe:DATA?")
        return json.loads(answer[2 + int(answer[1]) :])

    entries = read()
    assert [word for word, _ in entries] == words
    rise = next(at for word, at in entries if word == "RISE")
    assert abs(rise / 2048 - T0 / FS_PER_NS - 300) < 0.2
    assert read() == []


@pytest.mark.parametrize(
    ("level", "words"),
    [
        ("any", ["RISE", "FALL", "RISE", "FALL"]),
        ("low", ["RISE", "FALL", "RISE", "FALL"]),
        ("high", ["RISE", "FALL", "RISE", "FALL"]),
        ("rising", ["RISE", "FALL", "RISE", "FALL"]),
        ("falling", ["FALL", "RISE", "FALL"]),
    ],
)
def test_a_trace_may_wait_for_a_level_or_an_edge(bench, level, words) -> None:
    bench.settings(2, scope_trigger_mode="external", scope_trigger_level=level)
    bench.edge(300)
    bench.edge(1500)
    bench.load_tags("set_scope_en 1\n" + WINDOW.replace("stop", "wait 2000\nstop"))
    bench.run((10, 2))
    answer = bench.send(10, "IO:CHANnel2:SCOpe:DATA?")
    entries = json.loads(answer[2 + int(answer[1]) :])
    assert [word for word, _ in entries] == words


def test_a_trace_that_waits_in_vain_is_empty(bench) -> None:
    bench.settings(2, scope_trigger_mode="external", scope_trigger_level="high")
    bench.load_tags("set_scope_en 1\n" + WINDOW)
    bench.run((10, 2))
    assert bench.send(10, "IO:CHANnel2:SCOpe:DATA?").endswith("[]")


def test_the_level_of_an_input_can_be_asked_for(bench) -> None:
    bench.edge(1000)
    for at_ns, level in ((999, 0), (1000, 1), (1100, 0)):
        answer = bench.send(10, "IO:CHANnel2:STATus?", T0 + at_ns * FS_PER_NS)
        assert f'"io_monitor": {level}' in answer


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("out_mode", "input"),
        ("in_threshold_primary", -0.1),
        ("in_threshold_primary", 5),
        ("binned_acq_time_ref", "first8"),
        ("in_trigger_address", 0),
        ("in_trigger_en", "yes"),
        ("thresholded_acq_trigger_address_low", 16),
    ],
)
def test_settings_that_do_not_exist_are_refused(bench, key, value) -> None:
    before = bench.send(10, "IO:CHANnel2:CONFig?")
    block = json.dumps(power_on_channel() | {key: value}).encode()
    bench.send(10, "IO:CHANnel2:CONFig", block=block)
    assert key in bench.send(10, "SYSTem:ERRor:NEXT?")
    assert bench.send(10, "IO:CHANnel2:CONFig?") == before


@pytest.mark.parametrize(
    ("slot", "line", "told"),
    [
        (10, "IO:CHANnel8:CONFig?", "no channel 8"),
        (10, "QUAD2:CONFig?", "no quad 2"),
        (6, "IO:CHANnel0:CONFig?", "a QCM has no channel 0"),
        (10, "SEQuencer8:STATE?", "sequencer 8 does not exist"),
    ],
)
def test_places_that_do_not_exist_are_refused(bench, slot, line, told) -> None:
    bench.send(slot, line)
    assert told in bench.send(slot, "SYSTem:ERRor:NEXT?")


@pytest.mark.parametrize(
    ("slot", "line"),
    [
        (6, "set_digital 1,1,0"),
        (6, "acquire_timetags 0,0,1,0,4"),
        (2, "acquire_digital 0,0,4"),
        (6, "upd_thres 0,1,4"),
        (10, "play 0,0,4"),
        (10, "set_freq 4"),
        (10, "acquire 0,0,4"),
    ],
)
def test_instructions_of_another_kind_of_module_are_illegal(bench, slot, line) -> None:
    bench.load(slot, 0, f"{line}\nupd_param 4\nstop", sync=False)
    bench.run((slot, 0))
    assert "Q1 ILLEGAL INSTRUCTION" in bench.state(slot, 0, T0 + 100 * US)


def test_delays_that_come_too_close_raise_a_flag(bench) -> None:
    bench.settings(0, out_mode="sequencer")
    text = "set_digital 1,1,100\nupd_param 6\nset_digital 0,1,0\nupd_param 4\nstop"
    bench.load(10, 0, text, sync=False)
    bench.run((10, 0))
    assert "DIO DELAY OUT OF ORDER" in bench.flags(0)
