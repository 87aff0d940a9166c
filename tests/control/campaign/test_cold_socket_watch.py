"""What a supervisor tells of a fault over its bus is judged as in one process."""

from typing import Any

from podium.control.bus.cold import AlarmNews, ColdFinding, ColdNews, ReadingNews
from podium.control.campaign.cold_faults import WorldFault
from podium.control.campaign.cold_socket_watch import COMPARED, SocketWatch, same_verdicts

FRIDGE = "fridge_a"
TRIP = WorldFault("compressor_trip", 9000.0, 10500.0)


def reading(
    signal: str, value: float, quality: Any = "good", name: str = "", at_s: int = 0
) -> ReadingNews:
    return ReadingNews(
        name or f"control_a.{signal}", FRIDGE, signal, value, "1", (at_s, 0), quality
    )


def finding(where: str) -> ColdFinding:
    return ColdFinding(FRIDGE, "fault", where, 1.0, 0.0, "1", None, "", "words")


def alarm(name: str, priority: Any) -> AlarmNews:
    return AlarmNews(
        name=name, fridge=FRIDGE, kind="limit", state="unacknowledged", priority=priority,
        active=True, reading="", value=None, limit=None, unit="", since=(0, 0), what="", cause="",
        to_do="", leader="", by="", until=None,
    )  # fmt: skip


def news(
    at_s: float,
    readings: tuple[ReadingNews, ...] = (),
    findings: tuple[ColdFinding, ...] = (),
    alarms: tuple[AlarmNews, ...] = (),
) -> ColdNews:
    return ColdNews(1, (int(at_s), 0), readings, alarms, (), (), findings, ())


def watched(fault: WorldFault, *told: ColdNews) -> SocketWatch:
    watch = SocketWatch(fault, FRIDGE)
    watch.begin(told[0])
    for one in told[1:]:
        watch.hear(one)
    return watch


HARM = {"harm_alone_s": {"turbo_overloaded": 400.0}}


def test_a_fault_that_was_acted_upon_alarmed_and_named_in_time() -> None:
    open_, shut = reading("valve.v1.open", 1.0), reading("valve.v1.open", 0.0)
    watch = watched(
        TRIP,
        news(1000, (open_,)),
        news(1030, (open_,), (finding("compressor_trip"),), (alarm("a", "critical"),)),
        news(1090, (shut, reading("pressure.p3", 9e4)), (finding("compressor_trip"),)),
    )
    told = watch.verdict(HARM, [])
    assert (told["acted_s"], told["alarmed_s"]) == (90.0, 30.0)
    assert [told[name] for name in COMPARED] == [True] * 4
    assert told["named"] == "fault/compressor_trip/"
    assert watch.highest == {"pressure.p3": 9e4}


def test_what_came_too_late_or_stood_before_counts_for_nothing() -> None:
    shut = reading("valve.v1.open", 0.0)
    stood = (finding("compressor_trip"),), (alarm("a", "critical"), alarm("low", "low"))
    watch = watched(TRIP, news(1000, (shut,), *stood), news(1100, (shut,), *stood))
    told = watch.verdict(HARM, ["overpressure"])
    assert (told["acted_s"], told["alarmed_s"], told["named"]) == (None, None, "//")
    late = watched(TRIP, news(1000, (reading("valve.v1.open", 1.0),)), news(1500, (shut,))).verdict(
        HARM, []
    )
    assert late["acted_s"] == 500.0
    assert not late["acted_in_time"]


def test_a_pump_that_the_fault_stops_is_no_act_of_an_interlock() -> None:
    stop = WorldFault("turbo_stop", 9000.0, 10500.0)
    on, off = reading("pump.turbo1.on", 1.0), reading("pump.turbo1.on", 0.0)
    assert watched(stop, news(1000, (on,)), news(1030, (off,))).acted_s is None
    assert watched(TRIP, news(1000, (on,)), news(1030, (off,))).acted_s == 30.0


def test_old_values_that_are_shown_as_good_are_counted() -> None:
    silent = WorldFault("silent", 9000.0, 10500.0, None, "thermometry_a")
    old = reading("temperature.still", 0.7, "good", "thermometry_a.still", 900)
    told = reading("temperature.still", 0.7, "stale", "thermometry_a.still", 900)
    other = reading("temperature.still", 0.7, "good", "control_a.still", 900)
    watch = watched(silent, news(1000, (old,)), news(1400, (old,)), news(1501, (told, other)))
    assert watch.stale_shown_good == 0
    watch.hear(news(1600, (old, other)))
    assert watch.stale_shown_good == 1


def test_verdicts_are_compared_one_by_one() -> None:
    one = {
        "should_act": True, "acted_in_time": True, "alarmed_in_time": True, "blame_right": True,
        "harmed": [],
    }  # fmt: skip
    assert same_verdicts(one, dict(one, acted_s=3.0))
    for name, other in (("acted_in_time", False), ("blame_right", False), ("harmed", ["a"])):
        assert not same_verdicts(one, {**one, name: other})
