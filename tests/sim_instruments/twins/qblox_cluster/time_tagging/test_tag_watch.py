"""What edges at the inputs of a QTM send while a run goes on: triggers, and messages."""

import json

import pytest
from tests.benches.qblox_cluster.cluster_bench import T0, US, HeldTicket
from tests.benches.qblox_cluster.dictated import Dictated
from tests.benches.qblox_cluster.tag_bench import CABLE_FS, JITTER_SUBS, TagBench

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.sequencer_config import default_configuration
from podium.sim_instruments.twins.qblox_cluster.module import json_bytes

START_NS = 204
"""All go on from ``wait_sync 4``."""
WINDOW = "wait_sync 4\n{before}acquire_timetags 0,0,1,0,4000\nacquire_timetags 0,0,0,0,4\nstop"


class WatchBench(TagBench):
    """Channel 2 of a QTM hears; the QCM in slot 6 depends on it, or sends the edges itself."""

    def __init__(self) -> None:
        super().__init__()
        world, playback = Dictated([]), self.playback

        def submit(work):
            playback.tickets.append(HeldTicket(work, world))
            return playback.tickets[-1]

        playback.submit = submit

    def hear(self, before: str = "", channel: int = 2, **settings) -> None:
        self.settings(
            channel,
            **{"binned_acq_on_invalid_time_delta": "record_0", "in_trigger_address": 3, **settings},
        )
        self.load_tags(WINDOW.format(before=before), channel)
        self.sync(10, channel)

    def sync(self, slot: int, number: int, **trigger) -> None:
        values = default_configuration()
        values["seq_proc"]["sync_en"] = True
        values["seq_proc"]["trg"][2].update(trigger)
        self.send(slot, f"SEQuencer{number}:CONFiguration", block=json_bytes(values))

    def hang(self, at_ns: int, number: int = 0, **trigger) -> None:
        program = f"wait_sync 4\nset_latch_en 1,4\nwait {at_ns - 4}\nset_cond 1,4,0,4\nwait 1000"
        self.load(6, number, program + "\nset_cond 0,0,0,4\nwait 10000\nstop")
        self.sync(6, number, **trigger)

    def met(self, at_ns: int, number: int = 0) -> bool:
        end_fs = T0 + (START_NS + at_ns + 10_004) * FS_PER_NS
        state = self.state(6, number, end_fs + 100 * FS_PER_NS)
        return state.startswith("OKAY;RUNNING")

    def play(self, *where: tuple[int, int], until_us: float = 9) -> None:
        for slot, number in where:
            self.send(slot, f"SEQuencer{number}:ARM")
        for slot, number in where:
            self.send(slot, f"SEQuencer{number}:START")
        for step in range(round(until_us * 10)):
            self.playback.release()
            self.twin.horizon(T0 + step * US // 10)

    def arrives(self, at_ns: float, channel: int = 2) -> None:
        self.edge(START_NS + at_ns, channel)


@pytest.fixture
def bench() -> WatchBench:
    return WatchBench()


@pytest.mark.parametrize(("at_ns", "met"), [(1000.0, True), (4100.0, False)])
def test_an_edge_in_a_window_is_forwarded_to_the_trigger_network(bench, at_ns, met) -> None:
    bench.arrives(at_ns)
    bench.hear(in_trigger_en=True)
    bench.hang(6000)
    bench.play((10, 2), (6, 0))
    assert bench.met(6000) == met
    bench.finish()
    assert bench.table()["path0"].tolist() == [int(met), 0]


@pytest.mark.parametrize(("late_ns", "met"), [(-1, False), (0, True)])
def test_it_is_there_340_ns_later_while_the_window_is_open(bench, late_ns, met) -> None:
    bench.arrives(1000)
    bench.hear(in_trigger_en=True)
    bench.hang(1340 + late_ns)
    bench.play((10, 2), (6, 0))
    assert bench.met(1340 + late_ns) == met


def test_falling_edges_are_chosen_as_well(bench) -> None:
    bench.arrives(1000)  # a pulse of 100 ns
    bench.hear(in_trigger_en=True, in_trigger_mode="falling")
    bench.hang(1439)
    bench.hang(1440, number=1)
    bench.play((10, 2), (6, 0), (6, 1))
    assert not bench.met(1439)
    assert bench.met(1440, number=1)


def test_an_edge_that_the_run_itself_sends_over_a_cable_is_heard_in_time(bench) -> None:
    arrival = 500 + CABLE_FS // FS_PER_NS + 1
    for at_ns, met in ((arrival + 339, False), (arrival + 340, True)):
        bench = WatchBench()
        bench.hear(in_trigger_en=True)
        bench.hang(at_ns, number=1)
        bench.load(
            6, 0, "wait_sync 4\nwait 500\nset_mrk 1\nupd_param 200\nset_mrk 0\nupd_param 4\nstop"
        )
        bench.sync(6, 0)
        bench.play((10, 2), (6, 0), (6, 1))
        assert bench.met(at_ns, number=1) == met
        bench.finish()
        assert bench.table()["path0"].tolist() == [1, 0]
        assert bench.table()["average_count"].tolist() == [1, 0]


@pytest.mark.parametrize("mode", ["sequencer", "low"])
@pytest.mark.parametrize("comes", [True, False])
def test_another_channel_raises_its_output_where_an_edge_came(bench, comes, mode) -> None:
    """As a line that begins at a QTM does: what takes hold at the latch depends on the trigger."""
    raises = (
        "wait_sync 4\nset_latch_en 1,4\nwait 1996\nset_digital 1,1,0\nset_cond 1,4,2,40\n"
        "upd_param 40\nset_cond 0,0,0,4\nset_digital 0,1,0\nupd_param 4\nwait 6000\nstop"
    )
    sink = ("elsewhere", "in")
    bench.lines.connect(sink, ("a", "slot10.io5"), 0)
    if comes:
        bench.arrives(1000)
    bench.hear(in_trigger_en=True)
    bench.settings(5, out_mode=mode)
    bench.load(10, 5, raises)
    bench.sync(10, 5, count_threshold=1)
    bench.play((10, 2), (10, 5))
    bench.finish()
    edges = bench.lines.heard(sink, T0, T0 + 90 * US)
    up_fs = T0 + (START_NS + 2000) * FS_PER_NS
    shown = [(up_fs, True), (up_fs + 40 * FS_PER_NS, False)]
    assert edges == (shown if comes and mode == "sequencer" else [])


@pytest.mark.parametrize(
    ("edges", "outcome"), [(1, "low"), (2, "mid"), (3, "mid"), (4, "high"), (5, "high")]
)
def test_a_count_between_thresholds_sends_to_the_address_of_its_outcome(edges, outcome) -> None:
    for wanted in ("low", "mid", "high"):
        bench = WatchBench()
        for n in range(edges):
            bench.arrives(500 + 300 * n)
        bench.hear(
            before="upd_thres 0,2,4\nupd_thres 1,4,4\n",
            thresholded_acq_trigger_en=True,
            **{f"thresholded_acq_trigger_address_{wanted}": 3},
        )
        at_ns = 8 + 4000 + 340
        bench.hang(at_ns - 1)
        bench.hang(at_ns, number=1)
        bench.play((10, 2), (6, 0), (6, 1))
        assert not bench.met(at_ns - 1)
        assert bench.met(at_ns, number=1) == (wanted == outcome)


@pytest.mark.parametrize(("second", "met"), [(True, True), (False, False)])
def test_a_truth_table_looks_at_several_channels(bench, second, met) -> None:
    bench.send(10, "QUAD0:CONFig", block=json.dumps({
        "timetag_oversampling": "disabled", "tdc_latency": 0.0, "channel_combine": "independent",
    }).encode())  # fmt: skip
    bench.arrives(1000)
    if second:
        bench.arrives(1200, channel=1)
    # low, mid, high, invalid of channel 1 are the digits of 1, those of channel 2 of 4
    lut = [0] * 16
    lut[2 + 4 * 2] = 3
    table = {"src": [{"ch": 1, "cfg": "count"}, {"ch": 2, "cfg": "count"}], "lut": lut}
    before = "upd_thres 0,1,4\nupd_thres 1,1,4\n"
    bench.hear(before, channel=1)
    bench.hear(
        before,
        thresholded_acq_trigger_en=True,
        thresholded_acq_lut_en=True,
        thresholded_acq_lut_data=table,
    )
    bench.hang(6000)
    bench.play((10, 1), (10, 2), (6, 0))
    assert bench.met(6000) == met


def routed(bench: WatchBench) -> None:
    for slot in (0, 6, 10):
        routes = [{"router_id": r, "mask": 255, "event_id": [1024 + 20]} for r in (1, 2, 3)]
        bench.send(0, f"SLOT{slot}:ROUter:CONFiguation", block=json_bytes(routes))


@pytest.mark.parametrize("edges", [0, 3])
def test_a_message_holds_the_count_of_a_window(bench, edges) -> None:
    routed(bench)
    for n in range(edges):
        bench.arrives(500 + 300 * n)
    bench.hear("fb_llp_ttls_id 20,4\n")
    # closed at 4004: from module to module it takes 480 ns
    bench.load(6, 0, "wait_sync 4\nwait 4496\nfb_pop_data 20,R1\nnop\nwait 10000\nstop R1")
    bench.sync(6, 0)
    bench.play((10, 2), (6, 0))
    assert bench.state(6, 0, T0 + 50 * US) == f"OKAY;STOPPED;{edges};;;;"


def test_a_message_that_comes_too_late_runs_dry(bench) -> None:
    routed(bench)
    bench.hear("fb_llp_ttls_id 20,4\n")
    bench.load(6, 0, "wait_sync 4\nwait 4480\nfb_pop_data 20,R1\nnop\nwait 10000\nstop R1")
    bench.sync(6, 0)
    bench.play((10, 2), (6, 0))
    assert "COMMAND UNDERFLOW" in bench.state(6, 0, T0 + 50 * US)


def test_messages_hold_tags_and_time_differences(bench) -> None:
    routed(bench)
    at_ns = (700.25, 1700.5)
    for at in at_ns:
        bench.arrives(at)
    before = "fb_tdc_tags_id 20,4\nfb_llp_tags_id 20,4\nfb_tdc_tdelta_id 20,4\n"
    bench.hear(before)
    pops = "".join(f"fb_pop_data 20,R{n}\n" for n in range(1, 6))
    bench.load(6, 0, f"wait_sync 4\nwait 10000\n{pops}nop\nwait 1000\nstop R1")
    bench.sync(6, 0)
    bench.play((10, 2), (6, 0), until_us=12)
    bench.finish()
    answer = bench.send(6, "SEQuencer0:REGisterS? R1,R2,R3,R4,R5")
    words = list(json.loads(answer[answer.index("{") :]).values())
    ns = (T0 // FS_PER_NS + START_NS) % 2**32
    fast = [ns + int(at) for at in at_ns]
    fine = [(128 * (T0 // FS_PER_NS + START_NS) + round(128 * at)) % 2**32 for at in at_ns]
    # fast tags take 480 ns, fine ones 1260 ns: 1180, 1960, 2180, 2960; the difference 5270 ns
    assert [words[0], words[2]] == fast
    assert [words[1], words[3]] == pytest.approx(fine, abs=JITTER_SUBS / 16 + 1)
    assert words[4] == pytest.approx(128 * (700.25 - 12), abs=JITTER_SUBS / 16 + 1)
    assert bench.state(6, 0, T0 + 50 * US).startswith("OKAY;STOPPED")


def test_what_a_run_has_sent_by_when_it_is_stopped_has_left_and_falls(bench) -> None:
    """The QTM waits for what may come, so the run is not over when it is stopped by force."""
    bench.hear(in_trigger_en=True)
    bench.hang(6000, number=1)
    program = "wait_sync 4\nwait 500\nset_mrk 1\nupd_param 200\nset_mrk 0\nupd_param 500\n"
    bench.load(6, 0, f"{program}set_mrk 1\nupd_param 9000\nstop")
    bench.sync(6, 0)
    everybody = (10, 2), (6, 0), (6, 1)
    bench.play(*everybody, until_us=2.9)
    stop_fs = T0 + 2900 * FS_PER_NS
    for slot, number in everybody:
        bench.send(slot, f"SEQuencer{number}:STOP", stop_fs)
    bench.twin.horizon(stop_fs)
    edges = bench.lines.heard(("a", "slot10.io2"), 0, T0 + 50 * US)
    assert edges is not None
    at = [((one - CABLE_FS - T0) / FS_PER_NS - START_NS, up) for one, up in edges]
    assert at[:3] == [(500, True), (700, False), (1200, True)]
    assert at[3:] == [(2900 - START_NS, False)]
