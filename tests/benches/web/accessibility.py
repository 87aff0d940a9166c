"""Looks at a page with axe-core, the rules of WCAG 2.2 A and AA and axe's best practices."""

from importlib.resources import files

from playwright.async_api import Page

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


async def violations(tab: Page) -> list[str]:
    """Return what axe finds, a line for each element."""
    if not await tab.evaluate("typeof axe === 'object'"):
        script = files("axe_playwright_python").joinpath("axe.min.js")
        await tab.evaluate(script.read_text(encoding="utf-8"))
    found = await tab.evaluate(
        "(rules) => axe.run(document, { runOnly: rules, resultTypes: ['violations'] })",
        list(RULES),
    )
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
