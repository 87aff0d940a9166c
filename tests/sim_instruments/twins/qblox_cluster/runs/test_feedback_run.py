"""Triggers of measurements: when they arrive, what counts them, what is lost, what is refused."""

import pytest
from tests.benches.qblox_cluster.cluster_bench import T0, US
from tests.benches.qblox_cluster.dictated import START_NS, DictatedBench, hangs

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.twins.qblox_cluster.module import json_bytes

ARRIVAL_NS = 1000 + 364
"""From the beginning of an acquisition of 1000 ns to its trigger."""


MEASURE = "wait_sync 4\nacquire 0,0,2000\nstop"
TWICE = "wait_sync 4\nacquire 0,0,2000\nacquire 0,1,2000\nstop"


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("result", [0, 1])
def test_a_result_decides_what_another_sequencer_plays(result: int, inverted: bool) -> None:
    bench = DictatedBench(result)
    bench.put(2, 0, MEASURE, {"addr": 3, "inv": inverted})
    bench.put(4, 0, hangs(5000))
    bench.run((2, 0), (4, 0))
    assert bench.met() == (bool(result) != inverted)
    assert bench.world.results == []
    bins = bench.bins(2, 0, T0 + 60 * US)
    assert bins["threshold"].tolist() == [result, 0], "the bit that was sent is the one in the bin"


@pytest.mark.parametrize(("late_ns", "met"), [(-1, False), (0, True)])
def test_a_trigger_is_counted_from_364_ns_after_the_integration_on(late_ns: int, met: bool) -> None:
    bench = DictatedBench(1)
    bench.put(2, 0, MEASURE, {"addr": 3})
    bench.put(4, 0, hangs(ARRIVAL_NS + late_ns))
    bench.run((2, 0), (4, 0))
    assert bench.met() == met


@pytest.mark.parametrize(
    ("results", "condition", "met"),
    [
        ((1, 1), "1,4,0,10000", True),
        ((1, 0), "1,4,0,10000", False),
        ((0, 0), "1,4,1,10000", True),
    ],
)
def test_a_count_threshold_wants_so_many_triggers_of_one_address(
    results: tuple[int, ...], condition: str, met: bool
) -> None:
    bench = DictatedBench(*results)
    bench.put(2, 0, TWICE, {"addr": 3})
    bench.put(4, 0, hangs(8000, condition), latches={3: {"count_threshold": 2}})
    bench.run((2, 0), (4, 0))
    assert bench.met() == met


def test_acquisitions_of_several_sequencers_may_send_to_one_address() -> None:
    bench = DictatedBench(1, 1)
    bench.put(2, 0, MEASURE, {"addr": 3})
    bench.put(2, 1, "wait_sync 4\nwait 252\nacquire 0,0,2000\nstop", {"addr": 3})
    bench.put(4, 0, hangs(8000), latches={3: {"count_threshold": 2}})
    bench.run((2, 0), (2, 1), (4, 0))
    assert bench.met()
    assert bench.twin.management.network.counts[3] == 0
    bench.settle(T0 + 60 * US)
    assert bench.twin.management.network.counts[3] == 2, "the monitor counts them in time"


def test_a_trigger_that_finds_the_network_busy_is_lost() -> None:
    bench = DictatedBench(1, 1)
    bench.put(2, 0, MEASURE, {"addr": 1})
    bench.put(2, 1, "wait_sync 4\nwait 251\nacquire 0,0,2000\nstop", {"addr": 3})
    bench.put(4, 0, hangs(8000))
    bench.run((2, 0), (2, 1), (4, 0))
    assert not bench.met()


def test_a_reset_of_the_latches_forgets_what_was_counted() -> None:
    bench = DictatedBench(1)
    bench.put(2, 0, MEASURE, {"addr": 3})
    bench.put(4, 0, hangs(8000).replace("wait 7996", "wait 7000\nlatch_rst 996"))
    bench.run((2, 0), (4, 0))
    assert not bench.met()


def test_wait_trigger_goes_on_when_a_measurement_sends_one() -> None:
    """Repeat until success: the second result is the first 1."""
    bench = DictatedBench(0, 1)
    bench.put(2, 0, TWICE, {"addr": 3})
    bench.put(4, 0, "wait_sync 4\nwait_trigger 3,4\nstop 7")
    bench.run((2, 0), (4, 0))
    end_ns = START_NS + 2000 + ARRIVAL_NS + 4
    at = T0 + end_ns * FS_PER_NS
    assert bench.state(4, 0, at - FS_PER_NS).startswith("OKAY;RUNNING")
    assert bench.state(4, 0, at) == "OKAY;STOPPED;7;;;;"


def test_a_sequencer_may_depend_on_its_own_measurement() -> None:
    """It measures again only where it found a 1; a bin that was not filled is not valid."""
    program = """
      wait_sync 4
      set_latch_en 1,4
      acquire 0,0,4000
      set_cond 1,4,0,4000
      acquire 0,1,4000
      set_cond 0,0,0,4
      stop"""
    for result in (0, 1):
        bench = DictatedBench(result, *([1] * result))
        bench.put(2, 0, program, {"addr": 3})
        bench.run((2, 0))
        assert bench.bins(2, 0, T0 + 60 * US)["valid"].tolist() == [1, result]
        assert bench.world.results == []


def test_what_nobody_depends_on_is_played_whole_as_before() -> None:
    bench = DictatedBench(1)
    bench.put(2, 0, MEASURE, {"addr": 3})
    bench.put(4, 0, "wait_sync 4\nwait 2000\nstop")
    bench.run((2, 0), (4, 0))
    bench.bins(2, 0, T0 + 60 * US)
    assert bench.world.ended == [], "no dialogue was begun"
    assert bench.world.results == []


def test_external_triggers_are_counted_beside_measured_ones() -> None:
    bench = DictatedBench(1)
    bench.send(0, "TRG:IN:MAP:ADDRess 3")
    bench.send(0, "TRG:IN:MAP:ENAble 1")
    bench.put(2, 0, MEASURE, {"addr": 3})
    bench.put(4, 0, hangs(8000), latches={3: {"count_threshold": 2}})
    bench.run((2, 0), (4, 0))
    assert bench.twin.horizon(T0).busy_until_fs is None, "who knows what may come"
    bench.twin.edge(T0 + 5 * US)
    bench.settle(T0 + 7 * US)
    bench.settle(T0 + 15 * US)
    assert bench.met(T0 + 15 * US)


@pytest.mark.parametrize("seen_us", [5.1, 7, 12, 40])
def test_a_result_counts_however_late_the_start_was_seen(seen_us: float) -> None:
    """Nobody speaks to the cluster for a while: what it measured meanwhile is not lost."""
    bench = DictatedBench(1)
    bench.send(0, "TRG:IN:MAP:ADDRess 1")
    bench.send(0, "TRG:IN:MAP:ENAble 1")
    bench.put(2, 0, f"wait_trigger 1,4\n{MEASURE}", {"addr": 3})
    bench.put(4, 0, f"wait_trigger 1,4\n{hangs(5000)}")
    bench.run((2, 0), (4, 0))
    bench.twin.edge(T0 + 5 * US)
    bench.settle(round(T0 + seen_us * US))
    bench.settle(T0 + 50 * US)
    assert bench.twin.horizon(T0).busy_until_fs == T0 + (50_000 + 5_216) * FS_PER_NS


SHARE = "wait_sync 4\nfb_acq_tb_id {id},4\nacquire 0,0,2000\nwait 3000\n"
ON_MESSAGE = """
      wait_sync 4
      wait 10000
      fb_pop_data 20,R1
      nop
      and R1,1,R1
      jz @zero
      wait 10000
zero: wait 20000
      stop R1"""


@pytest.mark.parametrize("result", [0, 1])
def test_a_message_tells_another_sequencer_what_was_measured(result: int) -> None:
    bench = DictatedBench(result)
    for slot in (0, 2, 4):
        routes = [{"router_id": r, "mask": 3, "event_id": [1024 + 20]} for r in (1, 2, 3)]
        bench.send(0, f"SLOT{slot}:ROUter:CONFiguation", block=json_bytes(routes))
    bench.put(2, 0, SHARE.format(id=20) + "stop")
    bench.put(4, 0, ON_MESSAGE)
    bench.run((2, 0), (4, 0))
    end = T0 + (START_NS + 30_000 + 10_000 * result) * FS_PER_NS
    assert bench.state(4, 0, end).startswith(f"OKAY;STOPPED;{result};")
    assert bench.state(4, 0, T0 + 60 * US) == f"OKAY;STOPPED;{result};;;;"
    assert bench.bins(2, 0, T0 + 60 * US)["threshold"].tolist() == [result, 0]
    assert bench.world.results == []


def test_a_sequencer_reads_its_own_integral() -> None:
    bench = DictatedBench(1)
    share = "fb_acq_iq_id 5,4\nwait_sync 4\nacquire 0,0,6000\n"
    bench.put(2, 0, share + "fb_pop_data 5,R1\nfb_pop_data 5,R2\nwait 4\nstop R1")
    bench.run((2, 0))
    (bin_, _) = bench.bins(2, 0, T0 + 60 * US)
    code = int(bench.state(2, 0, T0 + 60 * US).split(";")[2])
    assert code == int(bin_["path0"] / 2**22 * 2**12)
    assert code > 0


def test_a_result_that_is_shared_and_triggers_does_both() -> None:
    """The message is there 116 ns after the integration before the trigger: both are waited for."""
    for result in (0, 1):
        bench = DictatedBench(result)
        bench.put(2, 0, SHARE.format(id=5) + "fb_pop_data 5,R1\nwait 4\nstop R1", {"addr": 3})
        bench.put(4, 0, hangs(8000))
        bench.run((2, 0), (4, 0))
        assert bench.met() == bool(result)
        assert bench.state(2, 0, T0 + 60 * US).split(";")[2] == str(2 + result)


def test_what_is_shared_and_heard_by_nobody_is_played_whole() -> None:
    bench = DictatedBench(1)
    bench.put(2, 0, SHARE.format(id=5) + "stop")
    bench.run((2, 0))
    assert bench.bins(2, 0, T0 + 60 * US)["threshold"].tolist() == [1, 0]
    assert bench.world.ended == []
