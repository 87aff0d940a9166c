"""Serves events: the latest, and those that the records keep from before."""

from dataclasses import asdict
from typing import Annotated

from fastapi import FastAPI, Query
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, Field

from podium.control.bus.records import AskEvents
from podium.control.records.run_times import EARLIEST_S, LATEST_S
from podium.control.web.pages import EVENTS_SHOWN, Pages
from podium.control.web.picture import FacilityPicture
from podium.control.web.recorded_data import RecordedData
from podium.control.web.request_errors import told_if_not_done

EVENTS_MOST = 1000
"""So many events at most are sent at once."""


class EventsBefore(BaseModel):
    """Names an event, or a time alone, and how many before it are asked for."""

    at_s: float = Field(ge=EARLIEST_S, le=LATEST_S)
    process: str = Field("", max_length=200)
    number: int = Field(0, ge=0, lt=2**63)
    limit: int = Field(EVENTS_SHOWN, ge=1, le=EVENTS_MOST)

    def question(self) -> AskEvents:
        """Return what the records are asked."""
        return AskEvents(self.at_s, self.process, self.number, self.limit)


def add_events(app: FastAPI, picture: FacilityPicture, records: RecordedData, pages: Pages) -> None:
    """Add to ``app`` what is asked of events."""

    @app.get("/room/events", response_class=HTMLResponse)
    async def rows(asked: Annotated[EventsBefore, Query()]) -> str:
        """Return events before one that the page has, as rows, latest first."""
        with told_if_not_done():
            return pages.events(await records.events(asked.question()))

    @app.get("/api/events")
    async def latest() -> JSONResponse:
        """Return the latest events, latest first."""
        return JSONResponse([asdict(event) for event in reversed(picture.events)])

    @app.get("/api/events/before")
    async def before(asked: Annotated[EventsBefore, Query()]) -> JSONResponse:
        """Return events before one that the asker has, latest first."""
        with told_if_not_done():
            found = await records.events(asked.question())
        return JSONResponse([asdict(event) for event in found])
