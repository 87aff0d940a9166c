"""Serves the page over HTTP: the page itself, its live stream, JSON, and a stop.

Stopping what runs, and saying that one has looked at a finding, are all that can be done here; the
rest is reading. The page of the cold side is in :mod:`.cold_app`.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles

from podium.control.bus.bus import Bus
from podium.control.bus.news import DataSummary
from podium.control.parameters.store import StoreError
from podium.control.web import parameter_view, plot_data, run_view, view
from podium.control.web.cold_actions import ColdActions
from podium.control.web.cold_app import add_cold_pages
from podium.control.web.guard import Guard
from podium.control.web.hub import Hub
from podium.control.web.page_actions import PageActions
from podium.control.web.pages import TEMPLATES, Pages
from podium.control.web.picture import FacilityPicture
from podium.control.web.request_errors import asker, told_if_not_done
from podium.control.web.store_watch import history_of

ASSETS = Path(__file__).parent / "assets"


def hub_of(picture: FacilityPicture, pages: Pages, edition: str) -> Hub:
    """Return the hub that sends the page's parts, the newest data, and the time of day."""

    def clock() -> str:
        return json.dumps({"tai_s": _seconds(picture.tai_s()), "edition": edition})

    def plot() -> str:
        return _drawn(picture, next(reversed(picture.data.values()), None))

    return Hub({**pages.parts(), "plot": plot, "clock": clock}, picture.changed)


def edition_of_files() -> str:
    """Return what tells this page from an older one: a browser that has that one loads anew."""
    digest = hashlib.sha256()
    for folder in (ASSETS, TEMPLATES):
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def make_app(
    picture: FacilityPicture, bus: Bus, key: str | None = None
) -> tuple[Guard, tuple[Hub, ...]]:
    """Return the application and the hubs behind its streams, which somebody has to run.

    ``bus``: by which is asked what a visitor asks for. ``key``: what opens the page; None: it
    stands open.
    """
    pages, stopping, edition = Pages(picture), PageActions(picture, bus), edition_of_files()
    hub = hub_of(picture, pages, edition)
    app = FastAPI(title="Podium", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")

    @app.get("/", response_class=HTMLResponse)
    async def page() -> str:
        """Return the page."""
        return pages.page()

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        """Send every part when it changes, as server-sent events."""
        return StreamingResponse(hub.stream(), media_type="text/event-stream")

    @app.get("/parameters/{name}/history", response_class=HTMLResponse)
    async def history(name: str) -> str:
        """Return every value that a parameter had, as a piece of the page."""
        try:
            return pages.history(name, await history_of(picture, name))
        except StoreError as error:
            raise HTTPException(503, str(error)) from error

    @app.get("/fridges/{name}/history", response_class=HTMLResponse)
    async def fridge(name: str) -> str:
        """Return how cold a fridge was, as a piece of the page."""
        if name not in picture.facility.fridges:
            raise HTTPException(404, f"there is no fridge {name!r}")
        return pages.fridge(name)

    @app.get("/api/fridges/{name}/history")
    async def temperatures(name: str) -> JSONResponse:
        """Return how cold a fridge was: Unix times and K, oldest first."""
        if name not in picture.facility.fridges:
            raise HTTPException(404, f"there is no fridge {name!r}")
        readings = picture.fridge_history.of(name)
        return JSONResponse([{"at_s": at_s, "kelvin": kelvin} for at_s, kelvin in readings])

    @app.get("/api/parameters/{name}/history")
    async def entries(name: str) -> JSONResponse:
        """Return every value that a parameter had, oldest first."""
        try:
            return JSONResponse([asdict(one) for one in await history_of(picture, name)])
        except StoreError as error:
            raise HTTPException(503, str(error)) from error

    @app.get("/api/state")
    async def state() -> JSONResponse:
        """Return how everything is."""
        now = view.now(picture)
        return JSONResponse(
            {
                "headline": asdict(view.headline(picture)),
                "runs": [_card(one) for one in now.cards],
                "agents": [asdict(one) for one in now.agents],
                "nodes": [asdict(one) for one in view.nodes(picture)],
                "instruments": [asdict(one) for one in view.instruments(picture)],
            }
        )

    @app.get("/api/runs")
    async def runs() -> JSONResponse:
        """Return the latest runs, latest first."""
        return JSONResponse([_run(asdict(run)) for run in view.runs(picture)])

    @app.get("/api/runs/{run}/data")
    async def data(run: str) -> Response:
        """Return the data of a run as the page draws them."""
        found = [one for one in picture.data.values() if str(one.run) == run]
        if not found:
            have = ", ".join(map(str, picture.data)) or "none"
            raise HTTPException(404, f"no data of run {run} here; here are those of {have}")
        return Response(_drawn(picture, found[0]), media_type="application/json")

    @app.post("/api/runs/{run}/stop")
    async def stop(run: str, request: Request) -> JSONResponse:
        """Stop a run that is on; answered once outputs are safe."""
        with told_if_not_done():
            await stopping.stop(run, asker(request))
        return JSONResponse({"stopped": run})

    @app.post("/api/findings/{finding}/looked")
    async def looked(finding: str, request: Request) -> JSONResponse:
        """Note that somebody has looked at a finding."""
        with told_if_not_done():
            await stopping.looked_at(finding, asker(request))
        return JSONResponse({"looked": finding})

    @app.get("/api/parameters")
    async def parameters() -> JSONResponse:
        """Return all parameters with their provenance, and why one is no longer good."""
        complaints = {
            cell.name: cell.complaint
            for table in parameter_view.tables(picture)
            for row in (*table.told.rows, *table.worked_with.rows)
            for cell in row.cells
            if cell is not None
        }
        return JSONResponse(
            {
                name: {**asdict(entry), "complaint": complaints[name]}
                for name, entry in picture.parameters.items()
            }
        )

    @app.get("/api/events")
    async def events() -> JSONResponse:
        """Return the latest events, latest first."""
        return JSONResponse([asdict(event) for event in reversed(picture.events)])

    app.mount("/assets", StaticFiles(directory=ASSETS), name="assets")
    cold = add_cold_pages(app, picture, ColdActions(picture, bus), edition)
    return Guard(app, key), (hub, cold)


@asynccontextmanager
async def drawing(*hubs: Hub) -> AsyncGenerator[None]:
    """Run ``hubs`` while the context is open; leaving it ends all streams."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(hub.run(), name="draw the page") for hub in hubs]
        try:
            yield
        finally:
            for hub, task in zip(hubs, running, strict=True):
                hub.close()
                task.cancel()


def _drawn(picture: FacilityPicture, summary: DataSummary | None) -> str:
    return plot_data.drawn(summary, None if summary is None else picture.runs.get(summary.run))


def _card(card: run_view.RunCard) -> dict[str, object]:
    told = asdict(card)
    told["run"] = None if card.run is None else _run(asdict(card.run))
    return told


def _run(run: dict[str, object]) -> dict[str, object]:
    identity = run["run"]
    if isinstance(identity, dict):
        run["run"] = f"{identity['session']}-{identity['number']:05d}"
    return run


def _seconds(tai_s: float | None) -> float | None:
    return None if tai_s is None else round(tai_s, 1)
