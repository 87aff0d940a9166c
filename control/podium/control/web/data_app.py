"""Serves the page of recorded runs: search, previews, slices, tags, notes, snapshots."""

import io
import json
import time
from typing import Annotated, Literal

import numpy as np
from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, Field

from podium.control.bus.bus import Bus
from podium.control.bus.records import MAIN, RecordedRun
from podium.control.records.run_times import NoTime
from podium.control.records.search_words import FILTERS, WORDS_MOST, WrongSearch, search_of
from podium.control.web import data_view, plot_data, run_view, view
from podium.control.web.cold_actions import NAME_MOST, named
from podium.control.web.hub import Hub
from podium.control.web.page_actions import NotDone
from podium.control.web.pages import Pages
from podium.control.web.picture import FacilityPicture
from podium.control.web.recorded_data import NOTE_MOST, STAR, RecordedData
from podium.control.web.request_errors import asker, told_if_not_done

SHOWN = 60
"""So many runs are on the first screen, and come with each further part of the list."""
QUICK = {
    "all": "",
    "★ starred": f"--tag {STAR}",
    "today": "--since today",
    "yesterday": "--since yesterday --until yesterday",
    "failed": "--ended failed",
}
"""Searches that take one click."""
FORBIDDEN = 422

Words = Annotated[str, Query(max_length=WORDS_MOST)]
Skip = Annotated[int, Query(ge=0, le=100_000)]


class LabelAsked(BaseModel):
    """Asks for tags to be put on a run or taken off, and a note to be added."""

    by: str = Field("", max_length=4 * NAME_MOST)
    tags: list[str] = Field(default_factory=list, max_length=20)
    without: list[str] = Field(default_factory=list, max_length=20)
    note: str = Field("", max_length=NOTE_MOST)


def add_data(app: FastAPI, picture: FacilityPicture, bus: Bus, pages: Pages, hub: Hub) -> None:
    """Add to ``app`` the page of recorded runs, and what it asks for."""
    records = RecordedData(picture, bus)
    _add_lists(app, records, pages, hub)
    _add_runs(app, picture, records, pages)
    _add_labels(app, records)


def _add_lists(app: FastAPI, records: RecordedData, pages: Pages, hub: Hub) -> None:
    async def found(words: str, limit: int, skip: int) -> tuple[RecordedRun, ...]:
        try:
            return await records.find(search_of(words, time.time(), limit, skip))
        except (WrongSearch, NoTime) as error:
            raise NotDone(FORBIDDEN, str(error)) from error

    @app.get("/data", response_class=HTMLResponse)
    async def page(words: Words = "") -> str:
        """Return the page of recorded runs with the first of them."""
        problem = ""
        runs: tuple[RecordedRun, ...] = ()
        try:
            runs = await found(words, SHOWN, 0)
        except NotDone as error:
            problem = str(error)
        return pages.page(
            "data",
            hub,
            words=words,
            rows=pages.rows("record", data_view.rows(runs)),
            more="" if len(runs) < SHOWN else str(SHOWN),
            problem=problem,
            quick=QUICK,
            filters=FILTERS,
        )

    @app.get("/data/runs", response_class=HTMLResponse)
    async def rows(words: Words = "", skip: Skip = 0) -> Response:
        """Return a part of the list as rows; ``X-More``: where the next part begins."""
        with told_if_not_done():
            runs = await found(words, SHOWN, skip)
        more = "" if len(runs) < SHOWN else str(skip + SHOWN)
        return HTMLResponse(pages.rows("record", data_view.rows(runs)), headers={"X-More": more})

    @app.get("/api/runs")
    async def listed(
        words: Words | None = None,
        skip: Skip = 0,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 50,
    ) -> JSONResponse:
        """Return recorded runs that fit the words; without words the latest of the news."""
        if words is None:
            return JSONResponse([run_view.plain(run) for run in view.runs(pages.picture)])
        with told_if_not_done():
            runs = await found(words, limit, skip)
        return JSONResponse([data_view.plain(one) for one in runs])


def _add_runs(app: FastAPI, picture: FacilityPicture, records: RecordedData, pages: Pages) -> None:
    @app.get("/data/runs/{run}", response_class=HTMLResponse)
    async def about(run: str) -> str:
        """Return all that is known of a run, as a piece of the page."""
        with told_if_not_done():
            found = await records.run(run)
        return pages.part("about", about=data_view.about(found))

    @app.get("/api/runs/{run}")
    async def described(run: str) -> JSONResponse:
        """Return all that is known of a run, but for its data."""
        with told_if_not_done():
            return JSONResponse(data_view.described(await records.run(run)))

    @app.get("/api/runs/{run}/data")
    async def data(run: str) -> Response:
        """Return the data of a run as the page draws them: of the news, else of the records."""
        summary = next((one for one in picture.data.values() if str(one.run) == run), None)
        if summary is not None:
            return Response(pages.plot(summary), media_type="application/json")
        try:
            found = await records.preview(run)
        except NotDone as error:
            raise HTTPException(error.status, f"no data of run {run} here: {error}") from error
        return Response(plot_data.recorded(found), media_type="application/json")

    @app.get("/api/runs/{run}/slice/{variable}")
    async def slice_of(
        run: str,
        variable: str,
        select: Annotated[str, Query(max_length=400)] = "",
        form: Annotated[Literal["json", "npy"], Query(alias="format")] = "json",
        file: Annotated[str, Query(max_length=80)] = MAIN,
        version: Annotated[int, Query(ge=0, le=10**9)] = 0,
    ) -> Response:
        """Return a part of a variable, ``0:100,::4,7``; the rest of it is not read.

        ``npy``: NumPy's own format; ``json``: nested lists, null where there is no number.
        """
        with told_if_not_done():
            found = await records.slice_of(run, variable, select, file, version)
        if form == "npy":
            content = io.BytesIO()
            np.save(content, found.values, allow_pickle=False)
            return Response(content.getvalue(), media_type="application/octet-stream")
        return Response(data_view.slice_json(found), media_type="application/json")

    @app.get("/data/snapshots", response_class=HTMLResponse)
    async def snapshots(
        one: Annotated[str, Query(max_length=80)] = "",
        other: Annotated[str, Query(max_length=80)] = "",
    ) -> str:
        """Return what differs between the settings of two runs, as a piece of the page."""
        with told_if_not_done():
            names = [name or await _latest(records) for name in (one, other)]
            before, after = [await records.snapshot(name) for name in names]
        return pages.part(
            "differences",
            words=data_view.differences(before, after),
            before=before.run,
            after=after.run,
        )

    @app.get("/api/runs/{run}/snapshot")
    async def snapshot(run: str) -> JSONResponse:
        """Return the settings of all instruments as they were for a run."""
        with told_if_not_done():
            return JSONResponse(json.loads((await records.snapshot(run)).text))


async def _latest(records: RecordedData) -> str:
    found = await records.find(search_of("", time.time(), 1))
    if not found:
        raise NotDone(404, "no run has been recorded yet")
    return found[0].run


def _add_labels(app: FastAPI, records: RecordedData) -> None:
    @app.post("/api/runs/{run}/labels")
    async def label(run: str, asked: LabelAsked, request: Request) -> JSONResponse:
        """Put tags on a run, take others off, add a note."""
        by = named(asked.by, asker(request))
        with told_if_not_done():
            await records.label(run, by, asked.tags, asked.without, asked.note)
            found = await records.run(run)
        return JSONResponse({"run": found.run.run, "tags": list(found.run.tags)})
