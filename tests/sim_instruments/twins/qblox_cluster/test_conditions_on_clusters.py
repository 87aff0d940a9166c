"""Programs with conditions on a cluster that depend on nothing but the trigger input."""

import pytest
from tests.benches.qblox_cluster.cluster_bench import T0, US, Bench

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.sequencer_config import default_configuration
from podium.sim_instruments.twins.qblox_cluster.module import json_bytes

CONDITION = """
    set_latch_en 1,4
    wait 9996
    set_cond 1,4,0,100
    wait 5000
    set_cond 0,0,0,4
    stop 3"""
"""On trigger 3; ends after 15 us where it is met, after 10.1 us where it is not."""


def configure(bench: Bench, slot: int, number: int, **trigger: object) -> None:
    values = default_configuration()
    values["acq"][0]["th_acq_trg_map"]["en"] = trigger.pop("sends", False)
    values["seq_proc"]["trg"][2].update(trigger)
    bench.send(slot, f"SEQuencer{number}:CONFiguration", block=json_bytes(values))


def started(bench: Bench) -> None:
    bench.load(4, 0, CONDITION, sync=False)
    configure(bench, 4, 0)


def run(bench: Bench) -> None:
    bench.send(4, "SEQuencer0:ARM")
    bench.send(4, "SEQuencer0:START")
    settle(bench, T0)


def settle(bench: Bench, now_fs: int) -> None:
    for _ in range(3):
        bench.playback.release()
        bench.twin.horizon(now_fs)


def end_ns(bench: Bench, now_fs: int) -> float:
    settle(bench, now_fs)
    busy_until_fs = bench.twin.horizon(now_fs).busy_until_fs
    assert busy_until_fs is not None
    return (busy_until_fs - T0) / FS_PER_NS


def test_where_no_trigger_can_come_a_condition_is_decided_at_once() -> None:
    bench = Bench()
    started(bench)
    run(bench)
    assert end_ns(bench, T0) == 10_100
    assert bench.state(4, 0, T0 + 20 * US) == "OKAY;STOPPED;3;;;;"


@pytest.mark.parametrize(("trigger", "end"), [({"threshold_invert": True}, 15_000), ({}, 10_100)])
def test_thresholds_are_those_of_the_sequencers_parameters(trigger: dict, end: int) -> None:
    bench = Bench()
    started(bench)
    configure(bench, 4, 0, **trigger)
    run(bench)
    assert end_ns(bench, T0) == end


@pytest.mark.parametrize(("edge_us", "end"), [(5, 15_000), (12, 10_100)])
def test_with_the_trigger_input_on_a_run_does_not_go_ahead_of_what_may_come(
    edge_us: int, end: int
) -> None:
    bench = Bench()
    bench.send(0, "TRG:IN:MAP:ADDRess 3")
    bench.send(0, "TRG:IN:MAP:ENAble 1")
    started(bench)
    run(bench)
    assert bench.twin.horizon(T0).armed, "world time may not leap over what may come"
    assert bench.twin.horizon(T0).busy_until_fs is None
    if edge_us < 10:
        bench.twin.edge(T0 + edge_us * US)
    settle(bench, T0 + 9 * US)
    assert bench.twin.horizon(T0 + 9 * US).busy_until_fs is None
    assert end_ns(bench, T0 + 10 * US) == end
