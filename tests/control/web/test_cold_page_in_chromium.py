"""The page of the cold side as a person sees it: in a headless Chromium."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import expect
from tests.benches.web.accessibility import violations
from tests.benches.web.browser import opened
from tests.benches.web.cold import (
    COOLDOWN,
    COUNTDOWNS,
    FINDING,
    FRIDGE,
    ColdSide,
    alarm,
    cold_side,
    readings,
    ten_fridges,
    tripped,
)

from podium.control.bus import cold

pytestmark = pytest.mark.chromium
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
OVERLAPS = """
[...document.querySelectorAll(".synoptic svg")].flatMap((svg) => {
  const boxes = [...svg.querySelectorAll("text, .valve circle, .pump circle")]
    .map((one) => [one, one.getBoundingClientRect()]).filter(([, box]) => box.width > 0);
  const frame = svg.getBoundingClientRect();
  const out = boxes.filter(([, box]) => box.right > frame.right + 1 || box.left < frame.left - 1)
    .map(([one]) => `beyond its picture: ${one.outerHTML}`);
  const over = boxes.flatMap(([one, a], n) => boxes.slice(n + 1).filter(([other, b]) =>
    !one.classList.contains("inside") && !other.classList.contains("inside")
    && a.left < b.right - 2 && b.left < a.right - 2 && a.top < b.bottom - 5 && b.top < a.bottom - 5
  ).map(([other]) => `${one.outerHTML} over ${other.outerHTML}`));
  return [...out, ...over];
})
"""
"""Texts and symbols of the synoptic that lie over each other, or beyond the picture's edge."""
SIZES = """
[...document.querySelectorAll("svg .kelvin, svg .label, svg .value")].map((one) =>
  [one.classList[0], one.getBoundingClientRect().height])
"""
WIDTHS = (390, 1280, 2560)
SCREENSHOTS = os.environ.get("PODIUM_SCREENSHOTS")
BAD = {"quality": "disconnected", "problem": "no answer for 12 s"}


@pytest.fixture
async def side() -> AsyncIterator[ColdSide]:
    async with cold_side() as side:
        await side.tell()
        yield side


async def test_news_arrive_and_nothing_comes_from_elsewhere(side, browser):
    tab, wrong = await opened(browser, side.url, "/cold")
    await expect(tab.locator("svg.cryostat")).to_contain_text("7.050 mK")
    await expect(tab.locator(".trend canvas")).to_have_count(3)
    await expect(tab.locator("#cold-headline")).to_contain_text("No alarm")
    await side.tell(
        alarms=tripped(),
        countdowns=COUNTDOWNS,
        readings=readings(side.facility, control_a=BAD, thermometry_a=BAD),
    )
    await expect(tab.locator("#cold-headline")).to_contain_text("2 alarms")
    await expect(tab.locator("svg.cryostat .kelvin")).to_have_count(0)
    await expect(tab.locator("svg.cryostat .bad-word").first).to_have_text("disconnected")
    await expect(tab.locator(".countdown .left").first).to_have_text("6:02")
    assert wrong == []


async def test_an_alarm_is_acknowledged_and_shelved_by_keyboard(side, browser):
    await side.tell(alarms=tripped())
    tab, wrong = await opened(browser, side.url, "/cold")
    await tab.locator("#who").fill("ada")
    button = tab.get_by_role("button", name="Acknowledge: the helium compressor")
    await button.focus()
    await tab.keyboard.press("Enter")
    await expect(button).to_be_enabled()
    shelve = tab.get_by_role("button", name="Shelve: the helium compressor")
    await shelve.focus()
    await tab.keyboard.press("Enter")
    await tab.get_by_role("radio", name="1 h").check()
    await tab.get_by_role("button", name="Shelve it").click()
    await expect(tab.locator("#ask")).to_be_hidden()
    await expect(shelve).to_be_enabled()
    leader = f"{FRIDGE}.compressor_stopped"
    await side.tell()  # what was asked before has been answered by then
    assert side.asked == [cold.Acknowledge(leader, "ada"), cold.Shelve(leader, 3600.0, "ada")]
    assert wrong == []


@pytest.mark.slow
async def test_a_table_of_readings_is_fetched_when_opened_and_goes_on(side, browser):
    tab, wrong = await opened(browser, side.url, "/cold")
    table = tab.locator("details[data-readings] table")
    await expect(table).to_have_count(0)
    await tab.get_by_text("All 68 readings").click()
    await expect(table).to_contain_text("turbo_a.speed")
    await side.tell(readings=readings(side.facility, turbo_a=BAD))
    await expect(table.locator("tr.disconnected").first).to_contain_text("no answer for 12 s")
    assert await violations(tab) == []
    await tab.get_by_text("All 68 readings").click()
    await side.tell()
    await expect(tab.locator(".doubts")).to_have_count(0)
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_of_ten_fridges_those_in_need_are_drawn_and_others_are_a_click_away(browser, theme):
    facility, heard = ten_fridges()
    called = replace(tripped()[2], fridge="fridge_7", name="fridge_7.compressor_stopped")
    async with cold_side(facility) as side:
        await side.tell(readings=heard, alarms=(called,))
        tab, wrong = await opened(browser, side.url, "/cold", color_scheme=theme)
        await expect(tab.locator(".fridge")).to_have_count(3)
        await expect(tab.locator("#fridge-fridge_7")).to_be_visible()
        for width in WIDTHS:
            await tab.set_viewport_size({"width": width, "height": 900})
            await tab.evaluate(DRAWN)
            if SCREENSHOTS:
                path = Path(SCREENSHOTS) / f"cold-ten-{width}-{theme}.png"
                await tab.screenshot(path=path, full_page=True)
            assert await tab.evaluate("document.documentElement.scrollWidth") <= width
            assert await violations(tab) == []
        await tab.get_by_role("link", name="fridge_9").click()
        await expect(tab.locator(".fridge")).to_have_count(1)
        await expect(tab.locator("#fridge-fridge_9")).to_contain_text("7.050 mK")
        await expect(tab.locator(".trend canvas")).to_have_count(3)
        warm = tuple(
            replace(one, value=1.5) if one.signal == "temperature.mixing_chamber" else one
            for one in heard
        )
        await side.tell(readings=warm, alarms=(called,))
        await expect(tab.locator("#fridge-fridge_9 svg.cryostat")).to_contain_text("1.500 K")
        await expect(tab.locator("#cold-fridges")).to_contain_text("mixing chamber 1.500 K")
        assert wrong == []


async def test_who_operates_a_fridge_says_who_it_is(side, browser):
    await side.tell(procedures=(COOLDOWN,))
    tab, _ = await opened(browser, side.url, "/cold")
    await tab.locator(".begin button[data-cold=begin]").click()
    await expect(tab.locator("#said")).to_contain_text("Who are you?")
    await expect(tab.locator("#who")).to_be_focused()
    await tab.keyboard.type("ada")
    await tab.locator(".begin button[data-cold=begin]").click()
    await expect(tab.locator("#ask")).to_contain_text("the fridge's own interlocks")
    side.refuse = "warm_up is not enabled"
    await tab.get_by_role("button", name="Begin", exact=True).click()
    await expect(tab.locator("#said")).to_contain_text("warm_up is not enabled")
    assert side.asked == []


@pytest.mark.slow
async def test_a_rehearsal_is_drawn_behind_what_is_live(side, browser):
    tab, wrong = await opened(browser, side.url, "/cold")
    await tab.get_by_role("button", name="Rehearse on").click()
    await expect(tab.locator(".corridor")).to_contain_text("rehearsal of cooldown")
    assert side.asked == [cold.Rehearse("cooldown", FRIDGE)]
    assert wrong == []


QUIET = (
    alarm("can_leaks", state="latched", active=False),
    alarm("pump_hot", state="shelved"),
    alarm("flow_low", state="out_of_service"),
)
ASKING = replace(COOLDOWN, id="c-2", state="asking")


async def test_each_button_of_alarms_and_procedures_does_what_it_says(side, browser):
    await side.tell(alarms=(*tripped(), *QUIET), procedures=(ASKING,))
    tab, wrong = await opened(browser, side.url, "/cold")
    await tab.locator("#who").fill("ada")
    said = tab.locator("#said")

    async def pressed(name: str, *then: str) -> object:
        """Return what the supervisor was asked after a button, and those of its question."""
        before = len(side.asked)
        button = tab.get_by_role("button", name=name)
        await button.click()
        for answer in then:
            await tab.locator("#ask").get_by_text(answer, exact=True).click()
        await expect(button).to_be_enabled()  # it was answered
        await expect(said).to_be_hidden()
        async with asyncio.timeout(10):
            while len(side.asked) == before:  # noqa: ASYNC110  the page alone asks
                await asyncio.sleep(0.01)
        assert len(side.asked) == before + 1
        return side.asked[-1]

    for name, then, asked in (
        ("Reset: can leaks", (), cold.ResetAlarm(f"{FRIDGE}.can_leaks", "ada")),
        (
            "Shelve: the helium compressor",
            ("out of service, until put back", "Shelve it"),
            cold.SetService(f"{FRIDGE}.compressor_stopped", False, "ada"),
        ),
        ("Dry run on", (), cold.BeginProcedure("cooldown", FRIDGE, "ada", dry_run=True)),
        ("Begin on", ("Begin",), cold.BeginProcedure("cooldown", FRIDGE, "ada")),
        ("Confirm cooldown of", (), cold.ConfirmProcedure("c-2", "ada")),
        ("Stop cooldown of", ("Stop it",), cold.StopProcedure("c-2", "ada")),
    ):
        assert await pressed(name, *then) == asked
    await tab.get_by_text("suppressed, shelved or out of service").click()
    for name, asked in (
        ("End shelving: pump hot", cold.Shelve(f"{FRIDGE}.pump_hot", 0.0, "ada")),
        ("Back into service: flow low", cold.SetService(f"{FRIDGE}.flow_low", True, "ada")),
    ):
        assert await pressed(name) == asked
    assert wrong == []


@pytest.mark.slow
async def test_whoever_says_no_to_a_question_changes_nothing(side, browser):
    await side.tell(alarms=tripped(), procedures=(ASKING,))
    tab, wrong = await opened(browser, side.url, "/cold")
    await tab.locator("#who").fill("ada")
    for name in ("Shelve: the helium compressor", "Begin on", "Stop cooldown of"):
        button = tab.get_by_role("button", name=name)
        await button.focus()
        await tab.keyboard.press("Enter")
        await expect(tab.get_by_role("button", name="Leave it")).to_be_focused()
        await tab.keyboard.press("Enter")
        await expect(tab.locator("#ask")).to_be_hidden()
        await expect(button).to_be_focused()
    await side.tell()
    assert side.asked == wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_questions_and_all_states_are_accessible_and_fit_at_every_width(side, browser, theme):
    told = {
        "alarms": (*tripped(), *QUIET),
        "procedures": (ASKING, COOLDOWN),
        "countdowns": COUNTDOWNS,
        "findings": (FINDING,),
        "readings": readings(side.facility, turbo_a=BAD, gauges_a={"quality": "stale"}),
    }
    await side.tell(**told)
    tab, wrong = await opened(browser, side.url, "/cold", color_scheme=theme)
    await tab.locator("#who").fill("ada")
    await tab.get_by_text("suppressed, shelved or out of service").click()
    for width in WIDTHS:
        await tab.set_viewport_size({"width": width, "height": 900})
        for name in ("", "Shelve: the helium compressor", "Begin on", "Stop cooldown of"):
            if name:
                await tab.get_by_role("button", name=name).first.click()
                await expect(tab.locator("#ask")).to_be_visible()
            await tab.evaluate(DRAWN)
            if SCREENSHOTS:
                what = name.partition(" ")[0].strip(":").lower() or "all"
                path = Path(SCREENSHOTS) / f"cold-{what}-{width}-{theme}.png"
                await tab.screenshot(path=path, full_page=not name)
            assert await tab.evaluate("document.documentElement.scrollWidth") <= width
            assert await violations(tab) == []
            if name:
                await tab.keyboard.press("Escape")
    assert wrong == []


@pytest.mark.slow
async def test_without_a_history_the_trends_are_what_comes(side, browser):
    side.refuse = "the recorder is dead"
    context = {"viewport": {"width": 1440, "height": 900}}
    tab, _ = await opened(browser, side.url, "/cold", **context)
    await expect(tab.locator(".problem")).to_contain_text("the recorder is dead")
    await side.tell()
    await expect(tab.locator(".trend canvas")).to_have_count(3)
    await expect(tab.locator(".trend .keys").first).to_contain_text("mixing chamber 7.05 mK")


@pytest.mark.slow
async def test_details_stay_open_and_the_focus_stays_as_news_come(side, browser):
    await side.tell(alarms=tripped())
    tab, _ = await opened(browser, side.url, "/cold")
    followers = tab.locator("details[id^=followers]")
    await followers.locator("summary").click()
    button = tab.get_by_role("button", name="Acknowledge: the helium compressor")
    await button.focus()
    await side.tell(alarms=tripped(), countdowns=COUNTDOWNS)
    await expect(tab.locator(".countdown")).to_have_count(3)
    await expect(followers).to_contain_text("4 K plate at 6.13 K")
    assert await followers.get_attribute("open") is not None
    await expect(button).to_be_focused()


@pytest.mark.slow
async def test_the_synoptic_can_be_read_at_every_width_whatever_it_shows(side, browser):
    tab, wrong = await opened(browser, side.url, "/cold")
    for changed in ({}, dict.fromkeys(side.facility.instruments, BAD)):
        await side.tell(
            readings=readings(side.facility, **changed),
            alarms=tripped(),
            countdowns=COUNTDOWNS,
            procedures=(COOLDOWN,),
            findings=(FINDING,),
        )
        await expect(tab.locator(".doubts")).to_have_count(1 if changed else 0)
        for width, digits in ((390, 26), (800, 26), (1440, 30), (2560, 44)):
            await tab.set_viewport_size({"width": width, "height": 900})
            await tab.evaluate(DRAWN)
            assert await tab.evaluate("document.documentElement.scrollWidth") <= width
            assert await tab.evaluate(OVERLAPS) == []
            for kind, height in await tab.evaluate(SIZES):
                assert height >= (digits if kind == "kelvin" else 12), (width, kind)
    assert wrong == []
