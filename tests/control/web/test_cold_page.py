"""The page of the cold side over HTTP: what it shows, and what is asked of the supervisor."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.web.cold import (
    COOLDOWN,
    COUNTDOWNS,
    FINDING,
    FRIDGE,
    NOW_S,
    ColdSide,
    by_name,
    cold_facility,
    cold_news,
    cold_side,
    readings,
    tripped,
)
from tests.benches.web.outline import Outline

from podium.control.bus import cold
from podium.control.bus.cold import Countdown, StepNews
from podium.control.web import bus_subscriptions, cold_trends
from podium.control.web.cold_pages import ColdPages
from podium.control.web.cold_picture import ColdPicture
from podium.control.web.hub import Hub
from podium.control.web.page_templates import template_environment
from podium.control.web.pages import TOPICS, Pages
from podium.control.web.picture import FacilityPicture

LEADER = f"{FRIDGE}.compressor_stopped"


@pytest.fixture
async def side() -> AsyncIterator[ColdSide]:
    async with cold_side() as side:
        yield side


async def test_all_of_it_stands_in_the_first_answer(side):
    await side.tell(
        alarms=tripped(), countdowns=COUNTDOWNS, procedures=(COOLDOWN,), findings=(FINDING,)
    )
    text = (await side.client.get("/cold")).text
    for told in (
        "7.050 mK",
        "the helium compressor has stopped by itself",
        "reset it and start it again",
        "2 more follow from it",
        "last moment to act",
        "4 K stage below 4.5 K: 2.85 K",
        "explained by nobody",
        "no safety system",
    ):
        assert told in text
    outline = Outline()
    outline.feed(text)
    assert outline.nameless == []
    assert len(outline.ids) == len(set(outline.ids))
    assert set(outline.named_by) <= set(outline.ids)


async def test_text_of_others_is_escaped(side):
    wicked = "<script>alert(1)</script>"
    await side.tell(
        alarms=tuple(replace(one, what=wicked, cause=wicked) for one in tripped()),
        procedures=(replace(COOLDOWN, steps=(StepNews(wicked, "running", wicked),), by=wicked),),
        readings=readings(side.facility, control_a={"quality": "stale", "problem": wicked}),
        notes=(wicked,),
    )
    assert "<script>alert" not in (await side.client.get("/cold")).text


async def test_the_front_page_counts_alarms(side):
    assert "not heard" in (await side.client.get("/")).text
    await side.tell()
    assert "no alarm" in (await side.client.get("/")).text
    await side.tell(alarms=tripped())
    text = (await side.client.get("/")).text
    assert "2 alarms" in text
    assert 'href="/cold"' in text


async def test_alarms_are_acknowledged_shelved_reset_and_taken_out_of_service(side):
    await side.tell(alarms=tripped())
    for path, body in (
        ("acknowledge", {"by": "ada"}),
        ("shelve", {"by": "ada", "for_s": 3600}),
        ("reset", {"by": "bob"}),
        ("service", {"by": "", "in_service": False}),
    ):
        assert (await side.post(f"alarms/{LEADER}/{path}", **body)).status_code == 200
    page = f"the page at {side.url.removeprefix('http://')}"
    assert side.asked == [
        cold.Acknowledge(LEADER, "ada"),
        cold.Shelve(LEADER, 3600.0, "ada"),
        cold.ResetAlarm(LEADER, "bob"),
        cold.SetService(LEADER, False, page),
    ]


async def test_procedures_are_begun_confirmed_and_stopped(side):
    await side.tell()
    begun = await side.post("procedures", procedure="cooldown", fridge=FRIDGE, by="ada")
    assert begun.json()["id"] == "c-1"
    await side.post("procedures", procedure="warm_up", fridge=FRIDGE, by="ada", dry_run=True)
    await side.post("procedures/c-1/confirm", by="bob")
    await side.post("procedures/c-1/stop", by="bob")
    assert side.asked == [
        cold.BeginProcedure("cooldown", FRIDGE, "ada", False),
        cold.BeginProcedure("warm_up", FRIDGE, "ada", True),
        cold.ConfirmProcedure("c-1", "bob"),
        cold.StopProcedure("c-1", "bob"),
    ]


async def test_what_is_refused_says_why_and_what_makes_no_sense_is_not_asked(side):
    await side.tell()
    wrong = await side.post("procedures", procedure="cooldown", fridge="fridge_z", by="ada")
    assert wrong.status_code == 404
    assert (await side.post("alarms/a/shelve", for_s=-1)).status_code == 422
    assert (await side.post("alarms/a/shelve", for_s=1e9)).status_code == 422
    assert side.asked == []
    side.refuse = "v15 stays closed: the can is cold"
    answer = await side.post("procedures/c-1/confirm", by="ada")
    assert (answer.status_code, answer.json()["detail"]) == (409, side.refuse)


async def test_another_site_and_a_form_can_ask_for_nothing(side):
    path = f"/api/cold/alarms/{LEADER}/acknowledge"
    own = {"Origin": side.url, "X-Podium-Page": "cold"}
    for left_out in own:
        headers = {name: value for name, value in own.items() if name != left_out}
        answer = await side.client.post(path, json={"by": "eve"}, headers=headers)
        assert answer.status_code == 403
    elsewhere = {**own, "Origin": "http://evil.example"}
    assert (await side.client.post(path, json={}, headers=elsewhere)).status_code == 403
    assert side.asked == []


async def test_trends_come_from_the_supervisors_history_with_gaps_as_points_without_value(side):
    await side.tell()
    path = f"/api/cold/fridges/{FRIDGE}/history"
    courses = (await side.client.get(path, params={"last_s": 90000, "points": 300})).json()
    signals = {one["signal"] for one in courses}
    assert "temperature.mixing_chamber" in signals
    assert "flow.circulation" in signals
    first = courses[0]
    assert len(first["tai_s"]) == len(first["low"]) == len(first["high"]) == 300
    assert first["low"][0] < first["mean"][0] < first["high"][0]
    assert first["tai_s"][-1] == pytest.approx(NOW_S)
    assert (await side.client.get(path, params={"points": 10**6})).status_code == 422
    assert (await side.client.get("/api/cold/fridges/x/history")).status_code == 404
    side.refuse = "the recorder is dead"
    assert (await side.client.get(path)).json()["detail"] == "the recorder is dead"


def test_a_silence_is_a_gap_and_another_pace_is_none():
    times = np.array([0.0, 1, 2, 3, 63, 64, 65, 95, 125, 155, 156, 157])
    values = np.ones(times.size)
    course = cold.Course("K", times, values, values, values)
    (told,) = cold_trends.courses(
        cold.ColdHistory({"t.still": course}), {"temperature.still": "t.still"}
    )
    assert [time for time, value in zip(told["tai_s"], told["mean"], strict=True) if not value] == [
        33.0
    ]


async def test_a_rehearsal_gives_a_corridor_on_the_facilitys_clock(side):
    corridor = f"/api/cold/fridges/{FRIDGE}/corridor"
    early = await side.post(f"fridges/{FRIDGE}/rehearse", procedure="cooldown")
    assert early.status_code == 503
    await side.tell()
    assert (await side.client.get(corridor)).json() is None
    told = (await side.post(f"fridges/{FRIDGE}/rehearse", procedure="cooldown")).json()
    assert told == (await side.client.get(corridor)).json()
    assert told["tai_s"][0] == pytest.approx(NOW_S + 1, abs=5)
    band = told["signals"]["temperature.mixing_chamber"]
    assert len(band["low"]) == len(told["tai_s"])
    assert band["low"][0] < band["high"][0]
    assert [one["name"] for one in told["steps"]] == [
        "evacuate",
        "start_pulse_tube",
        "precool",
        "condense",
    ]


async def test_a_procedure_under_way_is_drawn_over_what_was_rehearsed_as_it_began(
    side, monkeypatch
):
    monkeypatch.setattr(bus_subscriptions, "CORRIDOR_S", 0.005)
    rehearsals = side.picture.cold.rehearsals
    await side.tell(procedures=(COOLDOWN,))
    await asyncio.sleep(0.05)  # it is asked for, and nobody has rehearsed it yet
    assert rehearsals == {}
    side.corridors = ("c-1",)
    async with asyncio.timeout(10):
        while FRIDGE not in rehearsals:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert rehearsals[FRIDGE].procedure_id == "c-1"
    told = (await side.client.get(f"/api/cold/fridges/{FRIDGE}/corridor")).json()
    assert told["tai_s"][0] == NOW_S - 7200
    assert side.picture.cold.without_corridor() == ()


def test_a_dry_run_and_what_is_over_have_no_corridor():
    picture = ColdPicture()
    ended = replace(COOLDOWN, state="done")
    picture.take(cold_news(cold_facility(), procedures=(replace(COOLDOWN, dry_run=True), ended)))
    assert picture.without_corridor() == ()


async def test_programs_are_told_the_same_with_the_quality_of_each_reading(side):
    await side.tell(
        readings=readings(side.facility, turbo_a={"quality": "out_of_range", "value": None})
    )
    endless = Countdown(FRIDGE, "mixture_boils_off", "boils off", 60.0, 0.0, float("inf"))
    await side.tell(readings=side.picture.cold.news.readings, countdowns=(endless,))
    whole = (await side.client.get("/api/cold")).json()
    assert whole["countdowns"][0]["high_s"] is None
    told = by_name(whole)
    assert told["turbo_a.speed"]["quality"] == "out_of_range"
    assert told["turbo_a.speed"]["text"] == "–"
    assert told["thermometry_a.mixing_chamber"]["quality"] == "good"


def test_the_page_has_all_its_topics(side):
    pages = ColdPages(side.picture, template_environment())
    assert set(pages.parts()) < set(TOPICS["cold"])
    for topic in ("cold-fridge/{}", "cold-live/{}"):
        assert topic in TOPICS["cold"]
        assert pages.part_of(topic.partition("/")[0], FRIDGE) is not None
    assert pages.part_of("cold-fridge", "fridge_z") is None
    assert pages.part_of("cold-bogus", FRIDGE) is None


async def test_a_fridge_that_is_not_there_is_refused_with_those_that_are(side):
    answer = await side.client.get("/cold", params={"fridge": "fridge_z"})
    assert answer.status_code == 404
    assert answer.json()["detail"] == f"there is no fridge 'fridge_z'; there are: {FRIDGE}"


async def test_readings_in_a_table_are_given_to_who_asks_for_them(side):
    await side.tell()
    assert "turbo_a.speed</th>" not in (await side.client.get("/cold")).text
    table = await side.client.get(f"/cold/fridges/{FRIDGE}/readings")
    assert "turbo_a.speed</th>" in table.text
    assert (await side.client.get("/cold/fridges/fridge_z/readings")).status_code == 404


async def test_a_reading_that_changes_sends_its_piece_of_the_synoptic_alone():
    picture = FacilityPicture(cold_facility(), cold=ColdPicture(clock=lambda: 0.0))
    hub = Hub(Pages(picture).topic, picture.changed)
    topic = f"cold-fridge/{FRIDGE}"
    picture.cold.take(cold_news(picture.facility))
    hub.shown([topic])
    frames = hub.stream([topic], hub.state)
    assert await anext(frames) == b"retry: 1000\n\n"
    warmer = tuple(
        replace(one, value=0.0123) if one.signal == "temperature.mixing_chamber" else one
        for one in readings(picture.facility)
    )
    picture.cold.take(cold_news(picture.facility, 2, readings=warmer))
    hub.shown([topic])
    frame = await anext(frames)
    assert b"12.30 mK" in frame
    assert f"cryostat-{FRIDGE}".encode() in frame
    assert b"machines-" not in frame
    assert len(frame) < 3500
    await frames.aclose()
