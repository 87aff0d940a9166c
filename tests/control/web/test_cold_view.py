"""What the page of the cold side says of readings, alarms and countdowns, without a browser."""

from dataclasses import replace

import pytest
from tests.benches.web.cold import (
    COUNTDOWNS,
    FRIDGE,
    NOW_S,
    alarm,
    cold_facility,
    cold_news,
    readings,
    ten_fridges,
    tripped,
)

from podium.control.bus.cold import Countdown
from podium.control.web import cold_view, synoptic_view
from podium.control.web.cold_actions import NAME_MOST, named
from podium.control.web.cold_pages import PIECES
from podium.control.web.cold_picture import SILENT_S, ColdPicture
from podium.control.web.cold_trends import live
from podium.control.web.hub import Hub
from podium.control.web.pages import Pages
from podium.control.web.picture import FacilityPicture

FACILITY = cold_facility()


class Wall:
    """The clock on the wall, in the test's hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def picture(wall) -> ColdPicture:
    picture = ColdPicture(clock=wall)
    picture.take(cold_news(FACILITY))
    return picture


def shown(picture: ColdPicture) -> synoptic_view.FridgeShown:
    return synoptic_view.fridge(picture, FACILITY.fridges[FRIDGE])


def test_each_piece_of_a_fridge_is_an_element_that_is_sent_alone(picture):
    drawn = Pages(FacilityPicture(FACILITY, "", cold=picture)).topic(f"cold-fridge/{FRIDGE}")()
    assert list(drawn.html) == [f"{piece}-{FRIDGE}" for piece in PIECES]
    for name, html in drawn.html.items():
        assert f' id="{name}"' in html.lstrip().splitlines()[0]
        assert html in drawn.whole()


def ten_shown() -> tuple[FacilityPicture, Pages, Hub]:
    """Return the page of ten fridges of which every reading is heard."""
    facility, heard = ten_fridges()
    picture = FacilityPicture(facility, "", cold=ColdPicture(clock=lambda: 0.0))
    picture.cold.take(cold_news(FACILITY, readings=heard))
    pages = Pages(picture)
    return picture, pages, Hub(pages.topic, picture.changed)


def test_ten_fridges_are_a_line_each_and_those_in_need_are_drawn_whole():
    picture, pages, hub = ten_shown()
    text = pages.cold_page(hub)
    assert len(text.encode()) < 120e3
    assert [text.count(f'id="fridge-fridge_{n}-state"') for n in range(10)] == [1] * 10
    assert text.count('class="card fridge"') == 3
    assert 'id="fridge-fridge_2"' in text
    called = replace(tripped()[2], fridge="fridge_7", name="fridge_7.compressor_stopped")
    picture.cold.take(replace(picture.cold.news, number=2, alarms=(called,)))
    text = pages.cold_page(hub)
    assert 'id="fridge-fridge_7"' in text
    assert "1 alarm" in text
    assert text.count('class="card fridge"') == 3


def test_all_fridges_can_be_asked_for():
    _, pages, hub = ten_shown()
    text = pages.cold_page(hub, ("fridge_9", "fridge_4", "fridge_9"))
    assert text.count('class="card fridge"') == 2
    assert 'id="fridge-fridge_9"' in text
    assert "cold-live/fridge_4" in text


def test_a_cold_fridge_is_shown_with_its_values_and_states(picture):
    fridge = shown(picture)
    assert [one.temperature.text for one in fridge.stages] == [
        "35.12 K",
        "2.851 K",
        "812.4 mK",
        "–",
        "7.050 mK",
    ]
    assert fridge.stages[3].temperature.word == "not measured"
    assert fridge.valves["v1"].word == "open"
    assert fridge.valves["v2"].word == "closed"
    assert fridge.pumps["turbo1"].word == "on"
    assert fridge.gauges["p1"].short == "120 µPa"
    assert fridge.stages[2].heats
    assert not fridge.stages[4].heats
    assert dict(fridge.machines)["helium compressor"].text == "running"
    assert fridge.doubts == ()
    assert cold_view.headline(picture).mark == "good"


@pytest.mark.parametrize("quality", ["stale", "out_of_range", "disconnected"])
def test_what_is_not_good_shows_its_word_and_never_its_value(picture, quality):
    bad = {"quality": quality, "problem": "because"}
    news = readings(FACILITY, thermometry_a=bad, control_a=bad, gauges_a=bad, turbo_a=bad)
    picture.take(cold_news(FACILITY, 2, readings=news))
    fridge = shown(picture)
    word = synoptic_view.WORDS[quality]
    assert {one.temperature.word for one in fridge.stages} == {word, "not measured"}
    assert all("K" not in one.temperature.short for one in fridge.stages)
    assert {one.state for one in fridge.valves.values()} == {"unknown"}
    assert {one.word for one in fridge.pumps.values()} == {word}
    assert not any(one.heats for one in fridge.stages)
    assert any(text.startswith("thermometry_a: 50K, 4K") for text in fridge.doubts)
    assert all("because" in text for text in fridge.doubts)
    assert cold_view.headline(picture).mark == "warn"


def test_of_two_thermometers_the_one_that_is_good_is_shown(picture):
    news = readings(FACILITY, thermometry_a={"quality": "stale", "value": 3.3})
    picture.take(cold_news(FACILITY, 2, readings=news))
    assert shown(picture).stages[1].temperature.text == "2.851 K"


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_what_calls_itself_good_and_is_no_number_is_not_shown_as_good(picture, value):
    news = readings(FACILITY, thermometry_a={"value": value}, control_a={"value": value})
    picture.take(cold_news(FACILITY, 2, readings=news))
    assert shown(picture).stages[0].temperature.word == "out of range"
    assert (
        live(picture, FACILITY.fridges.values())["fridges"][FRIDGE]["temperature.first_stage"]
        is None
    )


def test_nothing_is_good_once_the_supervisor_is_silent(picture, wall):
    wall.now_s += SILENT_S - 0.1
    assert shown(picture).doubts == ()
    wall.now_s += 0.2
    fridge = shown(picture)
    assert {one.quality for one in fridge.readings} == {"stale"}
    assert {one.temperature.word for one in fridge.stages} == {"stale", "not measured"}
    headline = cold_view.headline(picture)
    assert headline.old
    assert headline.mark == "bad"
    assert "old" in headline.word
    assert set(live(picture, FACILITY.fridges.values())["fridges"][FRIDGE].values()) == {None}


def test_a_supervisor_that_was_never_heard_is_no_good_news():
    headline = cold_view.headline(ColdPicture())
    assert (headline.mark, headline.active, headline.old) == ("unknown", 0, True)
    assert shown(ColdPicture()).stages[0].temperature.word == "not measured"


def test_alarms_are_sorted_by_priority_and_followers_stand_with_their_leader(picture):
    picture.take(cold_news(FACILITY, 2, alarms=tripped()))
    alarms = cold_view.alarms(picture)
    assert [one.alarm.name for one in alarms] == [
        "fridge_a.compressor_stopped",
        "fridge_a.battery_low",
    ]
    assert [one.name for one in alarms[0].followers] == [
        "fridge_a.second_stage_warm",
        "fridge_a.still_warm",
    ]
    assert cold_view.headline(picture).word == "2 alarms"


def test_what_waits_for_somebody_comes_before_what_was_acknowledged_and_quiet_ones_last(picture):
    told = (
        alarm("a", state="shelved", priority="critical", until=(NOW_S + 60, 0)),
        alarm("b", state="acknowledged"),
        alarm("c", priority="low"),
        alarm("d", state="returned", active=False),
        alarm("e", state="latched", active=False),
    )
    picture.take(cold_news(FACILITY, 2, alarms=told))
    alarms = cold_view.alarms(picture)
    assert [one.alarm.name[-1] for one in alarms] == ["d", "b", "e", "c", "a"]
    assert [one.waits for one in alarms] == [True, False, False, True, False]
    assert [one.can_reset for one in alarms] == [False, False, True, False, False]
    assert cold_view.headline(picture).active == 4


@pytest.mark.parametrize(
    "leaders", [("b", "a", ""), ("a", "", ""), ("b", "c", "a"), ("x", "", "b"), ("b", "c", "")]
)
def test_no_alarm_is_lost_whoever_follows_whom(picture, leaders):
    told = tuple(
        alarm(name, leader=leader and f"{FRIDGE}.{leader}")
        for name, leader in zip("abc", leaders, strict=True)
    )
    picture.take(cold_news(FACILITY, 2, alarms=told))
    seen = [one.name for each in cold_view.alarms(picture) for one in (each.alarm, *each.followers)]
    assert sorted(seen) == ["fridge_a.a", "fridge_a.b", "fridge_a.c"]


def test_a_countdown_goes_on_between_two_news_at_the_pace_of_the_facility(picture, wall):
    wall.now_s += 1
    picture.take(cold_news(FACILITY, 61, countdowns=COUNTDOWNS))
    assert [one.left for one in cold_view.countdowns(picture)] == ["6:02", "8:00", "11:00"]
    assert [one.last_moment for one in cold_view.countdowns(picture)] == [False, True, False]
    assert picture.pace == pytest.approx(60)
    wall.now_s += 1
    assert [one.left for one in cold_view.countdowns(picture)] == ["5:02", "7:00", "10:00"]
    assert cold_view.countdowns(picture)[0].between == "between 4:00 and 6:05"
    wall.now_s += 20
    assert cold_view.countdowns(picture)[0].left == "now"


def test_durations_are_told_as_clocks_tell_them():
    assert cold_view.clock(59.9) == "0:59"
    assert cold_view.clock(3729.0) == "1:02:09"
    assert cold_view.clock(10 * 86400.0) == "10.0 d"
    assert cold_view.clock(float("nan")) == "now"


def test_no_number_of_a_neighbour_stops_the_page(picture):
    told = (Countdown(FRIDGE, "x", "x", float("nan"), float("-inf"), float("inf")),)
    news = cold_news(FACILITY, 2, countdowns=told)
    picture.take(replace(news, readings=()))
    assert cold_view.countdowns(picture)[0].left == "now"


def test_who_asks_is_the_name_that_was_given_or_the_page():
    assert named("  ada   lovelace ", "the page") == "ada lovelace"
    assert named("", "the page") == "the page"
    assert named("a\x00b", "the page") == "the page"
    assert len(named("a" * 500, "the page")) == NAME_MOST
