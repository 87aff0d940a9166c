"""The page as a person sees it: in a headless Chromium, with mouse and keyboard."""

import asyncio
import socket
from dataclasses import replace

import pytest
from playwright.async_api import expect
from tests.benches.web.browser import opened

from podium.control.bus.memory import MemoryBus
from podium.control.client.lab import Lab
from podium.control.runs.errors import RunFailed
from podium.control.web.picture import FacilityPicture
from podium.control.web.process import served
from podium.drivers.errors import Unreachable

pytestmark = pytest.mark.chromium
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
OVERLAP = """
[...document.querySelectorAll("header > *, #headline > *, #runs li > *")].filter((one) =>
  one.nextElementSibling !== null && one.getBoundingClientRect().height > 0 && (() => {
    const [a, b] = [one, one.nextElementSibling].map((each) => each.getBoundingClientRect());
    return a.left < b.right - 1 && b.left < a.right - 1
      && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  })()).map((one) => one.outerHTML)
"""
"""What lies over what comes after it, in the header and in the list of runs."""
TABS = 8
"""More than the six connections that a browser keeps to one server."""


async def test_a_run_appears_with_its_plots_and_nothing_comes_from_elsewhere(page, browser, trial):
    tab, wrong = await opened(browser, page.url)
    await expect(tab.locator("#headline")).to_contain_text("Facility ready")
    data = await page.lab.run(trial(points=5))
    await expect(tab.locator("#plots figure canvas")).to_have_count(1)
    await expect(tab.locator("#data-of")).to_contain_text(f"trial, run {data.attrs['run']}")
    label = await tab.locator("#plots figure").get_attribute("aria-label")
    assert label is not None
    assert "over amplitude" in label
    await expect(tab.locator("#runs")).to_contain_text("trial")
    await expect(tab.locator("#now")).to_contain_text("trial")
    assert wrong == []


@pytest.mark.slow
async def test_a_lost_instrument_is_seen_with_the_reason_and_so_is_its_return(page, browser, bench):
    def broken() -> None:
        raise Unreachable("bias_q0: the cable is off")

    tab, wrong = await opened(browser, page.url)
    bench.hooks["bias_q0.connect"] = broken
    bench.hooks["bias_q0.ramp  0.1 0.5"] = broken
    with pytest.raises(RunFailed):
        await page.lab.bias({"node_a.q0.flux": 0.1})
    await expect(tab.locator("#needs")).to_contain_text("bias_q0 is lost")
    await expect(tab.locator("#headline")).to_contain_text("1 thing to look at")
    room, wrong_there = await opened(browser, page.url, "/room")
    row = room.locator("#instrument-bias_q0")
    await expect(row).to_contain_text("the cable is off")
    await expect(row).to_contain_text("✕")
    await expect(room.locator("#events")).to_contain_text("instrument lost")
    bench.hooks.clear()
    await expect(row).to_contain_text("connected", timeout=20_000)
    await expect(tab.locator("#headline")).to_contain_text("Facility ready")
    assert wrong == []
    # nobody keeps readings on this bench, whose history the room asks for
    assert all("503" in one for one in wrong_there), wrong_there


async def test_by_keyboard_a_run_is_chosen_and_left_and_a_history_opened_and_closed(
    page, browser, trial
):
    tab, wrong = await opened(browser, page.url)
    first = await page.lab.run(trial(points=4))
    second = await page.lab.run(trial(points=5))
    await expect(tab.locator("#runs button")).to_have_count(2)
    await tab.keyboard.press("Tab")
    await expect(tab.locator(".skip")).to_be_focused()
    await tab.locator(f'#runs button[data-run="{first.attrs["run"]}"]').focus()
    await tab.keyboard.press("Enter")
    await expect(tab.locator("#data-of")).to_contain_text(first.attrs["run"])
    await tab.locator("#newest").focus()
    await tab.keyboard.press("Enter")
    await expect(tab.locator("#data-of")).to_contain_text(second.attrs["run"])
    await tab.goto(f"{page.url}/parameters")
    await tab.locator("#row-node_a-f01 button").focus()
    await tab.keyboard.press("Enter")
    history = tab.locator("dialog#history")
    await expect(history).to_be_visible()
    await expect(history.locator("tbody tr")).to_have_count(2)
    await tab.keyboard.press("Escape")
    await expect(history).to_be_hidden()
    await expect(tab.locator("#row-node_a-f01 button")).to_be_focused()
    assert wrong == []


@pytest.mark.slow
async def test_what_was_found_on_the_disk_is_gone_once_somebody_has_looked(damaged, browser):
    url, _, findings = damaged
    tab, wrong = await opened(browser, url)
    button = tab.get_by_role("button", name="I have looked")
    said = tab.locator("#needs-said")
    address = "**/api/findings/*/looked"
    refused = {"status": 503, "json": {"detail": "the disk is full"}}
    await tab.route(address, lambda route: route.fulfill(**refused))
    await button.click()
    await expect(said).to_have_text("the disk is full")
    await tab.unroute(address)
    await tab.route(address, lambda route: route.abort())
    await button.click()
    await expect(said).to_have_text("Podium does not answer.")
    await expect(button).to_be_enabled()
    await tab.unroute(address)
    await button.click()
    await expect(tab.locator("#needs li.finding")).to_have_count(0)
    await expect(said).to_be_hidden()
    assert findings.unseen == ()
    assert [one for one in wrong if "503" not in one and "ERR_FAILED" not in one] == []


@pytest.mark.slow
async def test_what_a_person_does_outlives_the_news(page, browser, trial):
    first = await page.lab.run(trial())
    tab, _ = await opened(browser, page.url)
    button = tab.locator(f'#runs button[data-run="{first.attrs["run"]}"]')
    await button.focus()
    await page.lab.run(trial())
    await expect(tab.locator("#runs button")).to_have_count(2)
    await expect(button).to_be_focused()


@pytest.mark.slow
async def test_all_tabs_of_a_browser_are_alive(page, browser, trial):
    context = await browser.new_context()
    tabs = [await context.new_page() for _ in range(TABS)]
    for tab in tabs:
        await tab.goto(page.url)
    await page.lab.run(trial())
    for tab in tabs:
        await expect(tab.locator("#link")).to_have_text("live")
        await expect(tab.locator("#runs")).to_contain_text("trial")


async def test_without_shared_workers_the_page_is_alive_too(page, browser, trial):
    context = await browser.new_context()
    await context.add_init_script("delete globalThis.SharedWorker")
    tab = await context.new_page()
    await tab.goto(page.url)
    await expect(tab.locator("#link")).to_have_text("live")
    await page.lab.run(trial())
    await expect(tab.locator("#runs")).to_contain_text("trial")


@pytest.mark.slow
async def test_no_width_needs_scrolling_sideways(page, browser, bench, trial):
    def broken() -> None:
        raise Unreachable(f"bias_q0: no answer from {'a' * 90}.example.org")

    with_long_names = Lab(page.lab.facility, page.bus, f"ada@{'x' * 100}")
    await with_long_names.run(replace(trial(), name="p" * 80))
    await with_long_names.release("lo_q2")
    bench.hooks["bias_q0.connect"] = broken
    bench.hooks["bias_q0.ramp  0.1 0.5"] = broken
    with pytest.raises(RunFailed):
        await page.lab.bias({"node_a.q0.flux": 0.1})
    tab, _ = await opened(browser, page.url)
    await expect(tab.locator("#plots canvas")).to_have_count(1)
    await expect(tab.locator("#needs")).to_contain_text("bias_q0 is lost")
    for width in (320, 390, 800, 1280, 2560):
        await tab.set_viewport_size({"width": width, "height": 900})
        await tab.evaluate(DRAWN)
        assert await tab.evaluate("document.documentElement.scrollWidth") <= width
        assert await tab.evaluate(OVERLAP) == []


@pytest.mark.slow
async def test_it_is_light_or_dark_as_the_system_is_or_as_it_is_told(page, browser):
    paper = "getComputedStyle(document.body).backgroundColor"
    light, _ = await opened(browser, page.url, color_scheme="light")
    dark, _ = await opened(browser, page.url, color_scheme="dark")
    day, night = await light.evaluate(paper), await dark.evaluate(paper)
    assert day != night
    await dark.locator("#theme").click()
    await expect(dark.locator("#theme")).to_have_text("theme: light")
    assert await dark.evaluate(paper) == day
    await dark.reload()
    await expect(dark.locator("#theme")).to_have_text("theme: light")


async def test_silence_is_told_and_so_is_the_return(example, browser):
    listening = socket.create_server(("127.0.0.1", 0))
    kept = listening.dup()
    picture = FacilityPicture(example)
    async with asyncio.timeout(60):
        async with served(picture, MemoryBus(), listening) as port:
            tab, _ = await opened(browser, f"http://127.0.0.1:{port}")
        await expect(tab.locator("#link")).to_contain_text("no news for", timeout=15_000)
        async with served(picture, MemoryBus(), kept):
            await expect(tab.locator("#link")).to_have_text("live", timeout=15_000)
