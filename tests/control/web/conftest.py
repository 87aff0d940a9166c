"""The page of a facility whose instruments are in the test's hand, served on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.benches.web.page import Page, entry
from tests.benches.web.recorded import filled, news_of
from tests.control.conftest import agent_on

from podium.control.bus.log_publisher import publish_log
from podium.control.bus.memory import MemoryBus
from podium.control.bus.progress import outcomes_key
from podium.control.bus.wire import encode
from podium.control.coordinator.coordinator import Coordinator
from podium.control.coordinator.findings_file import FindingsFile
from podium.control.parameters.store import ParameterStore
from podium.control.records.record_folder import RecordFolder
from podium.control.records.record_service import RecordService
from podium.control.web.bus_subscriptions import follow_bus
from podium.control.web.picture import FacilityPicture
from podium.control.web.process import served
from podium.control.web.store_watch import watch_store


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


@pytest.fixture
async def page(example, bench, open_lab, store) -> AsyncIterator[Page]:
    bus = MemoryBus()
    picture = FacilityPicture(example, str(store))
    listening = socket.create_server(("127.0.0.1", 0))
    async with (
        open_lab(example, bench, bus) as lab,
        publish_log(bus, example.name, "lab"),
        follow_bus(picture, bus),
        served(picture, bus, listening) as port,
        asyncio.TaskGroup() as tasks,
    ):
        watching = tasks.create_task(watch_store(picture))
        url = f"http://127.0.0.1:{port}"
        async with (
            httpx.AsyncClient(base_url=url, timeout=20, verify=False) as client,
            asyncio.timeout(60),
        ):
            page = Page(url, picture, lab, bus, store, client)
            await page.until(lambda picture: picture.coordinator and picture.parameters)
            await page.until(lambda picture: picture.agents and picture.tai_s() is not None)
            await page.until(lambda picture: picture.agent("room").status is not None)
            yield page
        watching.cancel()


@pytest.fixture
async def recorded(page, tmp_path) -> AsyncIterator[Page]:
    """The page with records of twelve runs behind it."""
    folder = tmp_path / "records"
    with RecordFolder(folder) as records:
        kept = filled(records)
    service = RecordService(page.picture.facility.name, page.bus, lambda: RecordFolder(folder))
    async with service.running():
        key = outcomes_key(page.picture.facility.name)
        await page.bus.publish(key, encode(news_of(kept)))
        await page.until(lambda picture: picture.outcome is not None)
        yield page


@pytest.fixture
async def damaged(example, bench) -> AsyncIterator[tuple[str, FacilityPicture, FindingsFile]]:
    """Address and picture of a page, and the one finding at a start that is told there."""
    bus, picture, findings = MemoryBus(), FacilityPicture(example), FindingsFile(None)
    findings.add("the ramp journal /x/up.ramps.sqlite is damaged")
    listening = socket.create_server(("127.0.0.1", 0))
    async with (
        asyncio.timeout(60),
        agent_on(example, bench, bus),
        Coordinator(example, bus, findings=findings).running(),
        follow_bus(picture, bus),
        served(picture, bus, listening) as port,
    ):
        while not picture.findings:  # noqa: ASYNC110  the page alone waits for its changes
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{port}", picture, findings
