"""What the page knows of time and of runs, from what others tell."""

import time
from dataclasses import replace

from tests.benches.web.page import entry

from podium.control.bus.messages import RunId
from podium.control.bus.news import RunNews
from podium.control.bus.readings import ChannelReading, InstrumentReadings
from podium.control.web import view
from podium.control.web.picture import FacilityPicture

RUN = RunNews(RunId(7, 1), "p", (), (), 1, 1, "on", 0.0, 0.0, 0.0, "")


def test_what_has_just_been_measured_is_never_later_than_now(example) -> None:
    picture = FacilityPicture(example)
    picture.clock_said(1.8e9)
    picture.take_parameters({"a": entry("a", 1.0, 0.1, "Hz", tai_s=1.9e9)}, "")
    assert picture.tai_s() < 1.8e9 + 60  # it was there before: the clock was set back since
    fresh = entry("b", 1.0, 0.1, "Hz", tai_s=1.8e9 + 500)
    picture.take_parameters({**picture.parameters, "b": fresh}, "")
    assert 500 <= picture.tai_s() - 1.8e9 < 560


def test_a_value_set_by_hand_tells_no_time(example) -> None:
    picture = FacilityPicture(example)
    picture.clock_said(1.8e9)
    picture.take_parameters({}, "")
    by_hand = entry("a", 1.0, 0.1, "Hz", tai_s=1.9e9, who="ada", why="known")
    picture.take_parameters({"a": by_hand}, "")
    assert picture.tai_s() < 1.8e9 + 60


def test_late_starts_are_counted_apart_from_runs_that_failed(example) -> None:
    picture = FacilityPicture(example, coordinator=True)
    for number, state in enumerate(("late", "late", "failed", "stopped")):
        picture.add_run(replace(RUN, run=RunId(7, number), state=state))
    head = view.headline(picture)
    assert (head.starts_lost, head.runs_failed) == (2, 1)


def test_a_fridges_temperature_is_no_longer_told_once_it_is_old_or_lost(
    example, monkeypatch
) -> None:
    now_s = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    picture = FacilityPicture(example)
    assert view.fridge(picture, "fridge_a").mark == "unknown"
    place = example.fridges["fridge_a"].thermometer
    cold = ChannelReading(place.channel, 0.012, "K", "good")

    def hear(one: ChannelReading) -> None:
        picture.take_readings(InstrumentReadings(place.instrument, 1, None, 1.0, (one,)))

    hear(cold)
    assert view.fridge(picture, "fridge_a").kelvin == 0.012
    now_s[0] += 3.5
    row = view.fridge(picture, "fridge_a")
    assert (row.kelvin, row.mark) == (None, "warn")
    assert "nothing was heard" in row.problem
    hear(replace(cold, value=None, quality="disconnected", problem="the cable is off"))
    row = view.fridge(picture, "fridge_a")
    assert (row.kelvin, row.problem) == (None, "the cable is off")
