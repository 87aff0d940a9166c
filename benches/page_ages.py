"""How soon the page is there, and how old what it shows is, with many looking at it."""

import asyncio
import json
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from podium.control.bus.bus import Bus
from podium.control.bus.news import Event, events_key
from podium.control.bus.process_bus import open_bus
from podium.control.bus.wire import encode
from podium.control.facility.example import example_facility
from podium.control.facility.load import load_facility
from podium.control.processes import simulation
from podium.control.processes.child_processes import Children, podium
from podium.control.security.access import MayI, Member, access_key

PAGES = 20
NEWS_HZ = 20
LOOKING_S = 20
SENT = re.compile(rb"sent</i> (\d+\.\d+)")


@dataclass(frozen=True, slots=True)
class Ages:
    """What was seen."""

    first_page_s: float
    """From ``podium up`` to the whole page in hand."""
    p50_s: float
    p99_s: float
    worst_s: float
    """From a process telling something to a page that shows it; runs go on meanwhile."""
    seen: int


def measure() -> Ages:
    """Start a simulated laboratory, ``podium up`` and a calibration, and look on."""
    with tempfile.TemporaryDirectory() as folder:
        children = Children()
        try:
            return asyncio.run(_measure(Path(folder), children))
        finally:
            children.kill()


async def _measure(folder: Path, children: Children) -> Ages:
    facility, twin, endpoints = example_facility(), folder / "twin.yaml", folder / "endpoints.json"
    await simulation.draw_world(children, facility, 7, twin)
    await simulation.serve(children, facility, twin, endpoints)
    state, store = folder / "up.json", folder / "calibration" / "parameters.sqlite"
    begin = time.monotonic()
    words = ["--endpoints", endpoints, "--state", state, "--store", store]
    children.start("up", podium("up", facility, *words), folder / "logs")
    await children.wait_for(state)
    up = json.loads(state.read_text())
    key = f"Bearer {up['page_key']}"
    async with httpx.AsyncClient(timeout=60, headers={"Authorization": key}) as client:
        (await client.get(up["page"])).raise_for_status()
    first_page_s = time.monotonic() - begin
    words = ["--state", state, "--out", folder / "calibration", "--thoroughness", "0.3"]
    children.start("calibrate", podium("calibrate", facility, *words), folder / "logs")
    loaded = load_facility(facility)
    me = Member("agent", "bench")
    async with open_bus(loaded, me, meet=up["coordinator"]) as bus, asyncio.TaskGroup() as tasks:
        await bus.request(access_key(loaded.name), encode(MayI("", "", "")), 10.0)  # it is there
        until = time.monotonic() + LOOKING_S
        pages = [tasks.create_task(_look(up["page"], key, until)) for _ in range(PAGES)]
        await _tell(bus, loaded.name, until)
    ages = np.concatenate([page.result() for page in pages])
    p50, p99 = np.percentile(ages, [50, 99])
    return Ages(first_page_s, float(p50), float(p99), float(ages.max()), ages.size)


async def _tell(bus: Bus, facility: str, until: float) -> None:
    number = 0
    while time.monotonic() < until - 1:
        number += 1
        told = {"sent": f"{time.time():.4f}"}
        event = Event(number, time.time(), "bench", "info", "news", told)
        await bus.publish(events_key(facility, "agent bench"), encode(event))
        await asyncio.sleep(1 / NEWS_HZ)


async def _look(page: str, key: str, until: float) -> list[float]:
    """Return the age of every piece of news when this page first had it."""
    host, port = page.removeprefix("http://").rstrip("/").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=2**24)
    head = f"Host: {host}\r\nAuthorization: {key}\r\n\r\n"
    writer.write(f"GET /stream?topics=headline,events,clock HTTP/1.1\r\n{head}".encode())
    seen: set[bytes] = set()
    ages: list[float] = []
    try:
        async with asyncio.timeout_at(asyncio.get_running_loop().time() + until - time.monotonic()):
            while True:
                frame = await reader.readuntil(b"\n\n")
                now = time.time()
                fresh = set(SENT.findall(frame)) - seen
                seen |= fresh
                ages += [now - float(sent) for sent in fresh]
    except TimeoutError:
        return ages
    finally:
        writer.close()


if __name__ == "__main__":
    print(measure())
