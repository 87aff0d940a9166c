"""Opens the page in a browser and notes what goes wrong in it."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

BEGINS_WITHIN_S = 60.0
ALONE = (
    "--headless",
    # As root, in a container: Chromium's own sandbox needs rights that are not given there.
    "--no-sandbox",
    "--no-first-run",
    "--remote-debugging-port=0",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-renderer-backgrounding",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
)
"""Of what Playwright starts a browser with, what bears upon tests: nothing is fetched by itself,
and a page that is not in front is as awake as another."""


@contextmanager
def chromium_at(program: str, folder: Path) -> Iterator[str]:
    """Run one Chromium for many tests, with its profile in ``folder``; yield its address.

    To start it takes longer than most of what is done in it. Tests share no more than the
    process: each has contexts of its own, which end with its connection.
    """
    words = [program, *ALONE, f"--user-data-dir={folder}", "about:blank"]
    said = subprocess.DEVNULL
    with subprocess.Popen(words, stdout=said, stderr=said) as process:
        try:
            told, last_s = folder / "DevToolsActivePort", time.monotonic() + BEGINS_WITHIN_S
            while not (port := told.read_text().partition("\n")[0] if told.exists() else ""):
                assert process.poll() is None, f"{program} ended with {process.returncode}"
                assert time.monotonic() < last_s, f"{program} does not begin"
                time.sleep(0.02)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


async def opened(browser: "Browser", url: str, path: str = "", **how) -> tuple["Page", list[str]]:
    """Open ``path`` of the page.

    What goes wrong in it, and every address elsewhere, is put into the list.
    """
    from playwright.async_api import expect

    tab = await (await browser.new_context(**how)).new_page()
    wrong: list[str] = []
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    tab.on(
        "request",
        lambda asked: None if asked.url.startswith(url) else wrong.append(asked.url),
    )
    await tab.goto(f"{url}{path}")
    await expect(tab.locator("#link")).to_have_text("live")
    return tab, wrong
