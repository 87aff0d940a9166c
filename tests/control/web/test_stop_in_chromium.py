"""Stopping what runs, by mouse and by keyboard, in a headless Chromium."""

import asyncio

import pytest
from playwright.async_api import expect
from tests.benches.web.accessibility import violations
from tests.benches.web.browser import opened

from podium.control.runs.errors import RunFailed, RunRefused

pytestmark = pytest.mark.chromium


@pytest.fixture
def endless(bench):
    """From the third batch on, what plays goes on until it is stopped."""
    calls = iter(range(10**6))

    def hold() -> None:
        if next(calls) >= 2:
            bench.clusters[-1].until_interrupted()

    bench.hooks["cluster_a.wait"] = hold
    yield
    bench.hooks.clear()


async def followed(stream) -> None:
    async for _ in stream:
        pass


async def test_by_keyboard_a_stream_is_stopped_after_a_question(page, browser, trial, endless):
    tab, wrong = await opened(browser, page.url)
    stream = page.lab.stream(trial(points=5, shots=9), batch_shots=1)
    following = asyncio.ensure_future(followed(stream))
    await expect(tab.locator("#now")).to_contain_text("2 of 9 shots")
    await expect(tab.locator("#data-of")).to_contain_text("so far 2 of 9 shots")
    dialog = tab.locator("dialog#stop")
    await tab.locator("button[data-stop]").focus()
    await tab.keyboard.press("Enter")
    await expect(dialog).to_be_visible()
    await expect(dialog).to_contain_text("Stop trial?")
    await expect(dialog).to_contain_text("What was measured so far is kept")
    await expect(tab.get_by_role("button", name="Let it run")).to_be_focused()
    await tab.keyboard.press("Enter")
    await expect(dialog).to_be_hidden()
    await expect(tab.locator("button[data-stop]")).to_be_focused()
    assert [one.shots_done for one in await page.lab.streams()] == [2]
    await tab.keyboard.press("Enter")
    await tab.keyboard.press("Tab")
    await expect(tab.get_by_role("button", name="Stop it")).to_be_focused()
    await tab.keyboard.press("Enter")
    await expect(dialog).to_be_hidden()
    await following
    await expect(tab.locator("#now")).to_contain_text("incomplete, 2 of 9 shots are kept")
    await expect(tab.locator("#now")).to_contain_text(f"by the page at {page.url[7:]}")
    await expect(tab.locator("#data-of")).to_contain_text("incomplete: 2 of 9 shots")
    await expect(tab.locator("#plots canvas")).to_have_count(1)
    await expect(tab.locator("#runs li.warn")).to_contain_text("stopped")
    assert "stream stopped" in {one.what for one in page.picture.events}
    await expect(tab.locator("button[data-stop]")).to_have_count(0)
    await expect(tab.locator("#main")).to_be_focused()
    await expect(tab.locator("#headline")).to_contain_text("Facility ready")
    assert stream.data.attrs["stopped_by"] == f"the page at {page.url[7:]}"
    assert wrong == []


@pytest.mark.slow
async def test_of_a_run_in_one_piece_the_question_says_that_nothing_is_kept(
    page, bench, browser, trial
):
    bench.hooks["cluster_a.wait"] = lambda: bench.clusters[-1].until_interrupted()
    tab, wrong = await opened(browser, page.url)
    running = asyncio.ensure_future(page.lab.run(trial()))
    await tab.locator("button[data-stop]").click()
    await expect(tab.locator("dialog#stop")).to_contain_text("nothing of it can be kept")
    await tab.keyboard.press("Escape")
    await expect(tab.locator("dialog#stop")).to_be_hidden()
    await tab.locator("button[data-stop]").click()
    await tab.get_by_role("button", name="Stop it").click()
    with pytest.raises(RunFailed, match="stopped on the page"):
        await running
    await expect(tab.locator("#now")).to_contain_text("nothing of it was measured")
    assert wrong == []


@pytest.mark.slow
async def test_a_run_that_ends_while_one_thinks_is_said_to_have_ended(
    page, browser, trial, endless
):
    tab, wrong = await opened(browser, page.url)
    stream = page.lab.stream(trial(shots=9), batch_shots=1)
    following = asyncio.ensure_future(followed(stream))
    await tab.locator("button[data-stop]").click()
    dialog = tab.locator("dialog#stop")
    await expect(dialog).to_be_visible()
    await page.lab.stop(str(page.picture.runs_on()[-1].run))
    await following
    await expect(dialog).to_contain_text("It has ended by itself.")
    await expect(dialog.locator("#stop-now")).to_be_hidden()
    await dialog.get_by_role("button", name="Close").click()
    await expect(dialog).to_be_hidden()
    assert wrong == []


async def test_what_waits_is_cancelled_after_a_question(page, bench, browser, trial):
    bench.hooks["cluster_a.wait"] = lambda: bench.clusters[-1].until_interrupted()
    tab, wrong = await opened(browser, page.url)
    running = asyncio.ensure_future(page.lab.run(trial()))
    await expect(tab.locator("button[data-stop]")).to_have_count(1)
    waiting = asyncio.ensure_future(page.lab.run(trial(points=4)))
    cancel = tab.locator("button[data-cancel]")
    await cancel.focus()
    await tab.keyboard.press("Enter")
    dialog = tab.locator("dialog#stop")
    await expect(dialog).to_contain_text("Cancel run trial?")
    await expect(dialog).to_contain_text("nothing of it has begun")
    await expect(tab.get_by_role("button", name="Let it wait")).to_be_focused()
    assert await violations(tab) == []
    await tab.get_by_role("button", name="Cancel it").click()
    with pytest.raises(RunRefused, match="cancelled on the page"):
        await waiting
    await expect(dialog).to_be_hidden()
    await expect(cancel).to_have_count(0)
    await tab.locator("button[data-stop]").click()
    await tab.get_by_role("button", name="Stop it").click()
    with pytest.raises(RunFailed, match="stopped on the page"):
        await running
    assert wrong == []


@pytest.mark.slow
async def test_what_begins_while_one_thinks_is_not_cancelled(page, bench, browser, trial):
    bench.hooks["cluster_a.wait"] = lambda: bench.clusters[-1].until_interrupted()
    tab, _ = await opened(browser, page.url)
    running = asyncio.ensure_future(page.lab.run(trial()))
    await expect(tab.locator("button[data-stop]")).to_have_count(1)
    waiting = asyncio.ensure_future(page.lab.run(trial(points=4)))
    cancel = tab.locator("button[data-cancel]")
    ticket = await cancel.get_attribute("data-cancel")
    await cancel.click()
    bench.hooks.clear()
    await page.lab.stop(str(page.picture.runs_on()[-1].run))
    with pytest.raises(RunFailed):
        await running
    assert (await waiting).sizes["point"] == 4
    dialog = tab.locator("dialog#stop")
    await expect(dialog).to_contain_text("It waits no longer")
    await expect(tab.locator("#stop-now")).to_be_hidden()
    headers = {"Origin": page.url, "X-Podium-Page": "stop"}
    answer = await page.client.post(f"/api/queue/{ticket}/cancel", headers=headers)
    assert answer.status_code == 409


@pytest.mark.slow
async def test_a_stop_that_fails_says_why(page, browser, trial, endless):
    tab, _ = await opened(browser, page.url)
    following = asyncio.ensure_future(followed(page.lab.stream(trial(shots=9), batch_shots=1)))
    await tab.locator("button[data-stop]").click()

    async def off(route) -> None:
        await route.fulfill(status=503, json={"detail": "the coordinator is gone"})

    await tab.route("**/stop", off)
    await tab.get_by_role("button", name="Stop it").click()
    await expect(tab.locator("dialog#stop")).to_contain_text("the coordinator is gone")
    await tab.keyboard.press("Escape")
    await tab.unroute("**/stop")
    await tab.locator("button[data-stop]").click()
    await expect(tab.locator("#stop-said")).to_be_hidden()
    await tab.get_by_role("button", name="Stop it").click()
    await following
