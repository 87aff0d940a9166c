"""Serves the pages over HTTP: the pages, their live stream, JSON, and what can be done from them.

What is asked of records is in :mod:`.data_app`, of parameters in :mod:`.parameter_app`, of events
in :mod:`.event_app`, of the cold side in :mod:`.cold_app`.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles

from podium.control.bus.bus import Bus
from podium.control.web import chip_view, run_view, view
from podium.control.web.cold_actions import ColdActions
from podium.control.web.cold_app import add_cold_pages
from podium.control.web.data_app import add_data
from podium.control.web.event_app import add_events
from podium.control.web.guard import Guard
from podium.control.web.hub import Hub
from podium.control.web.link_view import Links
from podium.control.web.page_actions import PageActions
from podium.control.web.page_compression import PageCompression
from podium.control.web.page_templates import TEMPLATES
from podium.control.web.pages import Pages, is_silent
from podium.control.web.parameter_app import add_parameters
from podium.control.web.picture import FacilityPicture, thermometer_name
from podium.control.web.recorded_data import RecordedData
from podium.control.web.request_errors import asker, told_if_not_done

ASSETS = Path(__file__).parent / "assets"
WEEKS_S, WEEKS_POINTS = 60 * 86_400.0, 2000
"""How cold a fridge was is shown over so long, in so many points at most."""
TOPICS_MOST = 64
"""So many topics at most are sent over one stream."""


def edition_of_files() -> str:
    """Return what tells this page from an older one: a browser that has that one loads anew."""
    digest = hashlib.sha256()
    for folder in (ASSETS, TEMPLATES):
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def make_app(picture: FacilityPicture, bus: Bus, key: str | None = None) -> tuple[Guard, Hub]:
    """Return the application and the hub behind its streams, which somebody has to run.

    ``bus``: by which is asked what a visitor asks for. ``key``: what opens the page; None: it
    stands open.
    """
    pages = Pages(picture, edition_of_files())
    hub = Hub(pages.topic, picture.changed)
    app = FastAPI(title="Podium", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    records = RecordedData(picture, bus)
    _add_pages(app, picture, records, pages, hub)
    _add_state(app, picture, records)
    _add_actions(app, PageActions(picture, bus))
    add_data(app, picture, bus, pages, hub)
    add_parameters(app, picture, pages, hub)
    add_events(app, picture, records, pages)
    add_cold_pages(app, picture, ColdActions(picture, bus))
    app.mount("/assets", StaticFiles(directory=ASSETS), name="assets")
    app.add_middleware(PageCompression)
    return Guard(app, key), hub


def _add_pages(
    app: FastAPI, picture: FacilityPicture, records: RecordedData, pages: Pages, hub: Hub
) -> None:
    @app.get("/", response_class=HTMLResponse)
    async def now() -> str:
        """Return the page of what runs."""
        return pages.page("now", hub)

    @app.get("/room", response_class=HTMLResponse)
    async def room() -> str:
        """Return the page of instruments and readings."""
        return pages.page("room", hub)

    @app.get("/chips", response_class=HTMLResponse)
    async def chips() -> str:
        """Return the page of chips, their edges, and the links between them."""
        return pages.page("chips", hub)

    @app.get("/cold", response_class=HTMLResponse)
    async def cold(fridge: Annotated[list[str], Query(max_length=64)] = []) -> str:  # noqa: B006
        """Return the page of the cold side; ``fridge``: which are drawn whole."""
        for name in fridge:
            if name not in picture.facility.fridges:
                known = ", ".join(picture.facility.fridges) or "none"
                raise HTTPException(404, f"there is no fridge {name!r}; there are: {known}")
        return pages.cold_page(hub, fridge)

    @app.get("/stream")
    async def stream(
        request: Request,
        topics: Annotated[str, Query(max_length=4000)] = "headline,now,clock",
        since: Annotated[str, Query(max_length=64)] = "",
    ) -> StreamingResponse:
        """Send topics when they change, as server-sent events: what differs from ``since``."""
        since = request.headers.get("last-event-id", since)[:64]
        frames = hub.stream(topics.split(",")[:TOPICS_MOST], since, whole=is_silent)
        return StreamingResponse(frames, media_type="text/event-stream")

    @app.get("/cold/fridges/{name}/readings", response_class=HTMLResponse)
    async def readings(name: str) -> str:
        """Return all readings of a fridge, as a piece of the page."""
        if name not in picture.facility.fridges:
            raise HTTPException(404, f"there is no fridge {name!r}")
        return pages.fridge_readings(name)

    @app.get("/fridges/{name}/history", response_class=HTMLResponse)
    async def fridge(name: str) -> str:
        """Return how cold a fridge was, as a piece of the page."""
        if name not in picture.facility.fridges:
            raise HTTPException(404, f"there is no fridge {name!r}")
        return pages.fridge(name, await kelvins(picture, records, name))


async def kelvins(
    picture: FacilityPicture, records: RecordedData, fridge: str
) -> list[tuple[float, float]]:
    """Return how cold a fridge was over the last weeks: Unix times and K, oldest first."""
    with told_if_not_done():
        name = thermometer_name(picture.facility, fridge)
        found = await records.readings(name, WEEKS_S, WEEKS_POINTS)
    if found is None:
        return []
    return list(zip(found.at_s.tolist(), found.mean.tolist(), strict=True))


def _add_state(app: FastAPI, picture: FacilityPicture, records: RecordedData) -> None:
    @app.get("/api/fridges/{name}/history")
    async def temperatures(name: str) -> JSONResponse:
        """Return how cold a fridge was: Unix times and K, oldest first."""
        if name not in picture.facility.fridges:
            raise HTTPException(404, f"there is no fridge {name!r}")
        found = await kelvins(picture, records, name)
        return JSONResponse([{"at_s": at_s, "kelvin": kelvin} for at_s, kelvin in found])

    @app.get("/api/readings/{name}/history")
    async def readings(
        name: str,
        last_s: Annotated[float, Query(gt=0, le=60 * 24 * 3600)] = 3600.0,
        points: Annotated[int, Query(ge=2, le=4000)] = 400,
    ) -> JSONResponse:
        """Return a channel's readings as means, least and greatest values of equal spans."""
        known = picture.readings.of(name, time.monotonic())
        with told_if_not_done():
            found = await records.readings(name, last_s, points)
        if found is None:
            if known is None:
                raise HTTPException(404, f"nothing was read of {name!r}")
            return JSONResponse(
                {"name": name, "unit": known.unit, "at_s": [], "value": [], "least": [], "most": []}
            )
        return JSONResponse({"name": name, "unit": found.unit, **found.columns()})

    @app.get("/api/state")
    async def state() -> JSONResponse:
        """Return how everything is."""
        now = view.now(picture)
        return JSONResponse(
            {
                "headline": asdict(view.headline(picture)),
                "runs": [_card(one) for one in now.cards],
                "waiting": [asdict(one) for one in view.queue(picture)],
                "agents": [asdict(one) for one in now.agents],
                "nodes": [asdict(one) for one in view.nodes(picture)],
                "instruments": [asdict(one) for one in view.instruments(picture)],
                "edges": [asdict(one) for one in chip_view.edges(picture)],
                "links": [asdict(one) for one in Links(picture).rows()],
            }
        )


def _add_actions(app: FastAPI, actions: PageActions) -> None:
    @app.post("/api/runs/{run}/stop")
    async def stop(run: str, request: Request) -> JSONResponse:
        """Stop a run that is on; answered once outputs are safe."""
        with told_if_not_done():
            await actions.stop(run, asker(request))
        return JSONResponse({"stopped": run})

    @app.post("/api/queue/{ticket}/cancel")
    async def cancel(ticket: str, request: Request) -> JSONResponse:
        """Cancel work that waits for its turn."""
        with told_if_not_done():
            await actions.cancel(ticket, asker(request))
        return JSONResponse({"cancelled": ticket})

    @app.post("/api/findings/{finding}/looked")
    async def looked(finding: str, request: Request) -> JSONResponse:
        """Note that somebody has looked at a finding."""
        with told_if_not_done():
            await actions.looked_at(finding, asker(request))
        return JSONResponse({"looked": finding})


@asynccontextmanager
async def drawing(hub: Hub) -> AsyncGenerator[None]:
    """Run ``hub`` while the context is open; leaving it ends all streams."""
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(hub.run(), name="draw the pages")
        try:
            yield
        finally:
            hub.close()
            running.cancel()


def _card(card: run_view.RunCard) -> dict[str, object]:
    told = asdict(card)
    told["run"] = None if card.run is None else run_view.plain(card.run)
    return told
