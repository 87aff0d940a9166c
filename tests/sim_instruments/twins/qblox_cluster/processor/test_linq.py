"""Routes between sequencers on the wire, and what comes of them in a run."""

import json

import pytest
from tests.benches.qblox_cluster.cluster_bench import T0, US, Bench

from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin
from podium.sim_instruments.twins.qblox_cluster.processor.linq import (
    GATHER,
    ID_OFFSET,
    LOCAL,
    SCATTER,
    TO_CMM,
    Linq,
)
from podium.sim_instruments.twins.qblox_cluster.processor.message_routes import Route
from podium.sim_instruments.twins.qblox_cluster.refusal import Refusal

PLACES = [(2, 0), (2, 1), (4, 0)]
SEND = "wait_sync 4\nfb_com_data 16,7,1000\nwait 20000\nstop"
RECEIVE = "wait_sync 4\nwait 1000\nfb_pop_data 16,R1\nnop\nmove R1,R9\nwait 10000\nstop 5"


def mask(router: int, bits: int, id_: int) -> dict[str, object]:
    return {"router_id": router, "mask": bits, "event_id": [id_ + ID_OFFSET]}


def local(id_: int, sequencers: int) -> list[dict[str, object]]:
    return [mask(GATHER, LOCAL, id_), mask(SCATTER, sequencers, id_)]


def test_without_routes_only_low_ids_arrive_and_only_at_home() -> None:
    routes = Linq().routes(PLACES)
    assert routes(1, 15) == Route((1,), self_cast=True)
    assert routes(1, 16) == Route(())


def test_a_local_route_reaches_the_sequencers_of_its_mask_in_the_same_module() -> None:
    linq = Linq()
    linq.configure(2, local(16, 0b10))
    routes = linq.routes(PLACES)
    assert routes(0, 16) == Route((1,), near=frozenset({1}))
    assert routes(1, 16) == Route((1,), near=frozenset({1}))
    assert routes(2, 16) == Route(())
    assert routes(0, 17) == Route(())


def test_what_goes_over_the_cmm_reaches_every_module_with_sequencers_for_it() -> None:
    linq = Linq()
    linq.configure(2, [mask(GATHER, TO_CMM, 20)])
    linq.configure(4, [mask(GATHER, TO_CMM, 20), mask(SCATTER, 1, 20)])
    assert linq.routes(PLACES)(0, 20) == Route(())
    linq.configure(0, [mask(3, 1, 20)])
    assert linq.routes(PLACES)(0, 20) == Route((2,))
    assert linq.routes(PLACES)(2, 20) == Route((2,), near=frozenset({2}))


def test_routes_are_forgotten_slot_by_slot_or_all_at_once_and_hold_for_runs_that_began() -> None:
    linq = Linq()
    linq.configure(2, local(16, 3))
    linq.configure(4, local(16, 1))
    before = linq.routes(PLACES)
    linq.reset(2)
    assert linq.routes(PLACES)(0, 16) == Route(())
    assert linq.routes(PLACES)(2, 16) == Route((2,), near=frozenset({2}))
    assert before(0, 16) == Route((0, 1), near=frozenset({0, 1}))
    linq.reset(0)
    assert linq.routes(PLACES)(2, 16) == Route(())
    assert linq.told(4) == {"routes": []}


def test_the_last_id_that_stays_at_home_can_be_moved() -> None:
    linq = Linq()
    linq.set_self_cast_max(2, 0, 31)
    assert linq.routes(PLACES)(0, 31) == Route((0,), self_cast=True)
    assert linq.routes(PLACES)(1, 31) == Route(())
    with pytest.raises(Refusal, match="id 256, must lie between 0 and 255"):
        linq.set_self_cast_max(2, 0, 256)


@pytest.mark.parametrize(
    ("routes", "why"),
    [
        ({}, "a list of JSON objects"),
        ([1], "a list of JSON objects"),
        ([{"router_id": 1, "mask": 1}], "needs router_id, mask and a list event_id"),
        ([{"router_id": 1, "mask": "x", "event_id": [1040]}], "needs router_id"),
        ([{"router_id": 1, "mask": 1, "event_id": [16]}], "event 16, must lie between 1024"),
    ],
)
def test_what_is_no_route_is_refused_and_changes_nothing(routes: object, why: str) -> None:
    linq = Linq()
    with pytest.raises(Refusal, match=why):
        linq.configure(2, [*local(16, 3), *routes] if isinstance(routes, list) else routes)
    assert linq.routes(PLACES)(0, 16) == Route(())


def finished(bench: Bench) -> list[str]:
    for slot, number in ((2, 0), (4, 0)):
        bench.send(slot, f"SEQuencer{number}:ARM")
    for slot, number in ((2, 0), (4, 0)):
        bench.send(slot, f"SEQuencer{number}:START")
    bench.playback.release()
    bench.twin.horizon(T0)
    return [bench.state(slot, 0, T0 + 100 * US) for slot in (2, 4)]


def test_a_message_crosses_the_cluster_and_its_register_can_be_read() -> None:
    bench = Bench()
    for slot, routes in (
        (0, [mask(3, 1, 16)]),
        (2, [mask(GATHER, TO_CMM, 16), mask(SCATTER, 1, 16)]),
        (4, [mask(GATHER, TO_CMM, 16)]),
    ):
        block = json.dumps(routes).encode()
        bench.send(0, f"SLOT{slot}:ROUter:CONFiguation", block=block)
    assert bench.errors(0) == 0
    bench.load(2, 0, RECEIVE)
    bench.load(4, 0, SEND)
    assert [state.split(";")[:3] for state in finished(bench)] == [
        ["OKAY", "STOPPED", "5"],
        ["OKAY", "STOPPED", "0"],
    ]
    answer = bench.send(2, "SEQuencer0:REGisterS? R9,R1")
    assert json.loads(answer[answer.index("{") :]) == {"R9": 7, "R1": 7}


def test_without_a_route_the_receiver_waits_until_it_is_stopped() -> None:
    bench = Bench()
    bench.load(2, 0, "fb_pop_data 16,R1\nstop", sync=False)
    bench.load(4, 0, SEND.removeprefix("wait_sync 4\n"), sync=False)
    assert [state.split(";")[1] for state in finished(bench)] == ["RUNNING", "STOPPED"]
    bench.send(2, "SEQuencer0:STOP", T0 + 101 * US)
    assert "FORCED STOP" in bench.state(2, 0, T0 + 102 * US)


def test_registers_that_are_set_are_there_when_the_program_starts_and_stay() -> None:
    bench = Bench()
    bench.load(4, 0, "add R1,1,R1\nwait 100\nstop R1", sync=False)
    bench.send(4, "SEQuencer0:REGisterS", block=b'{"R1": -3}')
    for expected in (-2, -1):
        bench.send(4, "SEQuencer0:ARM")
        bench.send(4, "SEQuencer0:START")
        bench.playback.release()
        assert bench.state(4, 0, T0 + US).split(";")[2] == str(expected)
    for block, why in (
        (b'{"R64": 1}', "there are R0-R63"),
        (b'{"R2": 7, "R1": 4294967296}', "does not fit 32 bits"),
        (b"[1]", "an object of integers"),
    ):
        bench.send(4, "SEQuencer0:REGisterS", block=block)
        assert why in bench.send(4, "SYSTem:ERRor:NEXT?")
    answer = bench.send(4, "SEQuencer0:REGisterS?")
    assert json.loads(answer[answer.index("{") :])["R2"] == 0


def test_a_net_zero_pulse_takes_its_time_or_is_refused_where_it_is_enabled() -> None:
    bench = Bench()
    bench.twin = ClusterTwin({6: "QCM"}, "7", bench.playback)
    bench.sessions = {name: bench.twin.open(name) for name in ("scpi", "slot6")}
    bench.load(6, 0, "reset_netzero\nplay_netzero 1,2000\nstop", sync=False)
    bench.send(6, "SEQuencer0:ARM")
    bench.send(6, "SEQuencer0:START")
    bench.playback.release()
    assert bench.state(6, 0, T0 + 3 * US) == "OKAY;STOPPED;0;;;;"
    bench.send(6, "PREDISTortion:NETZero:PULSE:ENable 3,1")
    assert bench.send(6, "PREDISTortion:NETZero:PULSE:ENable? 3") == "1"
    for line in ("SEQuencer0:ARM", "SEQuencer:ARM"):
        bench.send(6, line)
        assert "net-zero pulses on out3" in bench.send(6, "SYSTem:ERRor:NEXT?")
    bench.send(6, "PREDISTortion:NETZero:PULSE:ENable 4,1")
    assert "no output 4" in bench.send(6, "SYSTem:ERRor:NEXT?")
