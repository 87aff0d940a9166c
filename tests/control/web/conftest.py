"""The page of a facility whose instruments are in the test's hand, served on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from podium.control.bus.memory import MemoryBus
from podium.control.bus.told_log import log_told
from podium.control.calibration.measured import Entry
from podium.control.calibration.store import ParameterStore
from podium.control.lab import Lab
from podium.control.web.following import following
from podium.control.web.picture import Picture
from podium.control.web.process import served
from podium.control.web.store_watch import watch_store


@dataclass
class Page:
    """A page and what is behind it."""

    url: str
    picture: Picture
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
    async def stream(self) -> AsyncIterator[AsyncIterator[tuple[str, str]]]:
        """Give (event, data) of the live stream, with an end to waiting."""
        async with asyncio.timeout(20), self.client.stream("GET", "/stream") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield _messages(answer)


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


@pytest.fixture
def store(tmp_path) -> Path:
    """A store with three values, one of them measured twice, one set by hand."""
    place = tmp_path / "parameters.sqlite"
    with ParameterStore(place) as kept:
        kept.put([entry("node_a.q0.f01", 6.01e9, 200.0, "Hz", tai_s=1.7e9)])
        kept.put([entry("node_a.q0.f01", 6.02e9, 100.0, "Hz")])
        kept.put([entry("node_a.q10.t1", 33.2e-6, 1.4e-6, "s")])
        kept.put([entry("node_a.q2.t1", 21e-6, 1e-6, "s", who="ada", why="<guess>")])
    return place


def entry(name, value, sigma, unit, tai_s=1.8e9, who="", why="") -> Entry:
    return Entry(name, value, sigma, unit, "7-00001", "rabi", tai_s, 1, who, why)


@pytest.fixture
async def page(example, bench, open_lab, store) -> AsyncIterator[Page]:
    bus = MemoryBus()
    picture = Picture(example, str(store))
    listening = socket.create_server(("127.0.0.1", 0))
    async with (
        open_lab(example, bench, bus) as lab,
        log_told(bus, example.name, "lab"),
        following(picture, bus),
        served(picture, bus, listening) as port,
        asyncio.TaskGroup() as tasks,
    ):
        watching = tasks.create_task(watch_store(picture))
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, timeout=20) as client, asyncio.timeout(60):
            page = Page(url, picture, lab, bus, store, client)
            await page.until(lambda picture: picture.coordinator and picture.parameters)
            await page.until(lambda picture: picture.agents and picture.tai_s() is not None)
            await page.until(lambda picture: picture.agent("room").status is not None)
            yield page
        watching.cancel()
