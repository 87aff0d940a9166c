"""A page with what is behind it, and values that it shows."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from podium.control.bus.memory import MemoryBus
from podium.control.bus.news import Event, events_key
from podium.control.bus.wire import encode
from podium.control.client.lab import Lab
from podium.control.parameters.entry import ParameterEntry
from podium.control.web.hub import Hub
from podium.control.web.pages import TOPICS as PAGE_TOPICS
from podium.control.web.pages import Pages
from podium.control.web.picture import FacilityPicture

TOPICS = ",".join(("headline", *PAGE_TOPICS["now"], "clock"))


@dataclass
class Page:
    """A page and what is behind it."""

    url: str
    picture: FacilityPicture
    lab: Lab
    bus: MemoryBus
    store: Path
    client: httpx.AsyncClient

    async def json(self, path: str):
        answer = await self.client.get(path)
        answer.raise_for_status()
        return answer.json()

    async def until(self, fits) -> None:
        """Return once ``fits(picture)``; the test's own deadline ends it otherwise."""
        while not fits(self.picture):  # noqa: ASYNC110  the page alone waits for its changes
            await asyncio.sleep(0.01)

    @asynccontextmanager
    async def stream(
        self, topics: str = TOPICS, since: str = ""
    ) -> AsyncIterator[AsyncIterator[tuple[str, str]]]:
        """Give (event, data) of the live stream, with an end to waiting."""
        asked = {"topics": topics, "since": since}
        async with (
            asyncio.timeout(20),
            self.client.stream("GET", "/stream", params=asked) as answer,
        ):
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield _messages(answer)


async def tell(page: Page, numbers: Iterable[int], text: str = "") -> None:
    """Publish events of a process ``p``, and return once the page has the last of them."""
    key = events_key(page.picture.facility.name, "p")
    last = 0
    for last in numbers:
        event = Event(last, 1.9e9 + last // 2, "p", "info", f"event {last} {text}", {})
        await page.bus.publish(key, encode(event))
    await page.until(lambda picture: any(one.number == last for one in picture.events))


def page_of(picture: FacilityPicture, name: str = "now", **given: object) -> str:
    """Return a page of ``picture`` as it is now."""
    pages = Pages(picture)
    return pages.page(name, Hub(pages.topic, picture.changed), **given)


async def _messages(answer: httpx.Response) -> AsyncIterator[tuple[str, str]]:
    event, data = "", []
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if name == "event":
            event = value
        elif name == "data":
            data.append(value)
        elif not line and event:
            yield event, "\n".join(data)
            event, data = "", []


def entry(name, value, sigma, unit, tai_s=1.8e9, who="", why="") -> ParameterEntry:
    return ParameterEntry(name, value, sigma, unit, "7-00001", "rabi", tai_s, 1, who, why)
