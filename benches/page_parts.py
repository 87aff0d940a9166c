"""What the pages weigh with ten nodes and twenty viewers, and what one change costs each of them.

``python -m benches.page_parts [--runs N]`` prints JSON: bytes of each page, bytes that one changed
parameter sends to each viewer, how long it takes from the store to the last of them, and how soon
the first screen of recorded runs is there among so many.
"""

import argparse
import asyncio
import json
import re
import socket
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import httpx
from benches.big_facility import EXAMPLE, big_facility

from benches.records import filled
from podium.control.bus.cold import ColdNews, ReadingNews
from podium.control.bus.memory import MemoryBus
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.quantities import QUANTITIES
from podium.control.parameters.store import ParameterStore
from podium.control.records.record_folder import RecordFolder
from podium.control.records.record_service import RecordService
from podium.control.web.cold_picture import ColdPicture
from podium.control.web.picture import FacilityPicture
from podium.control.web.process import served
from podium.control.web.store_watch import watch_store
from podium.firmware_interfaces import fridge_signals

NODES = 10
VIEWERS = 20
CHANGES = 10
PAGES = ("/", "/data", "/parameters", "/chips", "/room", "/cold")
TOPICS = re.compile(r'<body[^>]* data-topics="([^"]*)" data-at="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Weights:
    """What was measured."""

    parameters: int
    page_kb: dict[str, float | None]
    """As it is before compression; None: there is no such page."""
    page_as_sent_kb: dict[str, float]
    change_kb: float
    """Of one parameter, to each viewer, median."""
    worst_change_kb: float
    runs: int
    first_screen_s: dict[str, float]
    """Of recorded runs, by what is searched."""
    from_store_to_last_viewer_s: float


@asynccontextmanager
async def ten_nodes(
    folder: Path, runs: int
) -> AsyncIterator[tuple[str, Path, list[ParameterEntry]]]:
    """Serve the page of ten nodes without instruments; give address, store and its entries."""
    file = folder / "facility.yaml"
    own = len(load_facility(EXAMPLE).instruments)
    file.write_text(big_facility(own * NODES), encoding="utf-8")
    facility = load_facility(file)
    now_s = time.time() + 37
    entries = [
        ParameterEntry(
            f"{qubit}.{one.name}", 5.1e9, 1.2e3, "1" if one.percent else "Hz", "1-00001",
            "rabi", now_s, 1,
        )
        for qubit in facility.qubits()
        for one in QUANTITIES
    ]  # fmt: skip
    place = folder / "parameters.sqlite"
    with ParameterStore(place) as store:
        store.put(entries)
    picture, bus = FacilityPicture(facility, str(place), cold=all_cold(facility)), MemoryBus()
    with RecordFolder(folder / "records") as records:
        filled(records, runs)
    listening = socket.create_server(("127.0.0.1", 0))
    kept = RecordService(facility.name, bus, lambda: RecordFolder(folder / "records"))
    async with (
        kept.running(),
        served(picture, bus, listening) as port,
        asyncio.TaskGroup() as tasks,
    ):
        watching = tasks.create_task(watch_store(picture))
        while not picture.parameters:  # noqa: ASYNC110  the page alone waits for its changes
            await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}", place, entries
        watching.cancel()


def all_cold(facility: Facility) -> ColdPicture:
    """Return a cold side of which every signal of every fridge was heard a moment ago."""
    tai = (1_800_000_000, 0)
    readings = tuple(
        ReadingNews(f"gas_{name}.{signal}", name, signal, 1.2345, unit, tai, "good")
        for name in facility.fridges
        for signal, unit in fridge_signals.OUTPUTS.items()
    )
    picture = ColdPicture(clock=lambda: 0.0)
    picture.take(ColdNews(1, tai, readings, (), (), (), (), ()))
    return picture


async def viewer(client: httpx.AsyncClient, page: str, seen: "asyncio.Queue[bytes]") -> None:
    """Look at a page as a browser does: the page, then its stream from there on."""
    found = TOPICS.search((await client.get(page)).text)
    topics, at = ("", "") if found is None else found.groups()
    asked = {"topics": topics.replace(" ", ","), "since": at} if topics else {}
    async with client.stream("GET", "/stream", params=asked, timeout=None) as answer:
        async for piece in answer.aiter_raw():
            seen.put_nowait(piece)


async def first_screen_s(client: httpx.AsyncClient) -> dict[str, float]:
    """Return how long the first screen of recorded runs takes, by what is searched: worst of 5."""
    found = {}
    for words in ("", "--qubit q1 --routine t1", "--tag good", "--ended failed", "odd dip"):
        took = []
        for _ in range(5):
            began = time.monotonic()
            (await client.get("/data", params={"words": words})).raise_for_status()
            took.append(time.monotonic() - began)
        found[words or "the latest"] = round(max(took), 3)
    return found


async def measure(runs: int) -> Weights:
    """Return the figures."""
    with tempfile.TemporaryDirectory() as name:
        async with ten_nodes(Path(name), runs) as (url, place, entries):
            limits = httpx.Limits(max_connections=VIEWERS + 5)
            async with httpx.AsyncClient(base_url=url, limits=limits, timeout=30) as client:
                sizes, sent_sizes = {}, {}
                for page in PAGES:
                    answer = await client.get(page)
                    sizes[page] = len(answer.content) if answer.status_code == 200 else None
                    sent_sizes[page] = answer.num_bytes_downloaded
                sent, took = await _changes(client, "/parameters", place, entries)
                first = await first_screen_s(client)
    return Weights(
        len(entries),
        {page: size and round(size / 1e3, 1) for page, size in sizes.items()},
        {page: round(size / 1e3, 1) for page, size in sent_sizes.items()},
        round(statistics.median(sent) / 1e3, 2),
        round(max(sent) / 1e3, 2),
        runs,
        first,
        round(statistics.median(took), 2),
    )


async def _changes(
    client: httpx.AsyncClient, page: str, place: Path, entries: list[ParameterEntry]
) -> tuple[list[int], list[float]]:
    queues: list[asyncio.Queue[bytes]] = [asyncio.Queue() for _ in range(VIEWERS)]
    sent, took = [], []
    async with asyncio.TaskGroup() as tasks:
        looking = [tasks.create_task(viewer(client, page, one)) for one in queues]
        await asyncio.sleep(3)
        with ParameterStore(place) as store:
            for number in range(CHANGES):
                for queue in queues:
                    while not queue.empty():
                        queue.get_nowait()
                began = time.monotonic()
                mark = 6.0e9 + number * 1e6
                store.put([replace(entries[0], value=mark, tai_s=entries[0].tai_s + number + 1)])
                text = f"{mark / 1e9:.7f}".encode()
                sizes = await asyncio.gather(*(_until(one, text) for one in queues))
                took.append(time.monotonic() - began)
                sent += sizes
        for task in looking:
            task.cancel()
    return sent, took


async def _until(queue: "asyncio.Queue[bytes]", text: bytes) -> int:
    """Return how many bytes came until ``text`` was among them and its message had ended."""
    found = b""
    async with asyncio.timeout(20):
        while text not in found or not found.endswith(b"\n\n"):
            found += await queue.get()
    return len(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=100_000)
    print(json.dumps(asdict(asyncio.run(measure(parser.parse_args().runs)))))
