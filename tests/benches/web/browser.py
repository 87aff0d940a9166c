"""Opens the page in a browser and notes what goes wrong in it."""

from playwright.async_api import Browser, Page, expect


async def opened(browser: Browser, url: str, path: str = "", **how) -> tuple[Page, list[str]]:
    """Open ``path`` of the page.

    What goes wrong in it, and every address elsewhere, is put into the list.
    """
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
