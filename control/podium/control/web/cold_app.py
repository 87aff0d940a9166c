"""Serves what the page of the cold side asks for: its state, trends, and what can be done."""

from dataclasses import asdict
from math import isfinite
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from podium.control.facility.facility import Fridge
from podium.control.web import cold_trends, cold_view, synoptic_view
from podium.control.web.cold_actions import NAME_MOST, ColdActions, named
from podium.control.web.picture import FacilityPicture
from podium.control.web.request_errors import asker, told_if_not_done

WEEK_S = 7 * 24 * 3600.0
POINTS_MOST = 4000


class By(BaseModel):
    """Names who asks."""

    by: str = Field("", max_length=4 * NAME_MOST)


class ShelveAsked(By):
    """Asks to shelve an alarm."""

    for_s: float = Field(ge=0, le=WEEK_S)


class ServiceAsked(By):
    """Asks to take an alarm out of service, or back."""

    in_service: bool


class RehearsalAsked(BaseModel):
    """Asks to rehearse a procedure."""

    procedure: str = Field(max_length=80)


class ProcedureAsked(By):
    """Asks to begin a procedure."""

    procedure: str = Field(max_length=80)
    fridge: str = Field(max_length=80)
    dry_run: bool = False


def add_cold_pages(app: FastAPI, picture: FacilityPicture, actions: ColdActions) -> None:
    """Add to ``app`` what the page of the cold side asks for."""

    @app.get("/api/cold")
    async def cold() -> JSONResponse:
        """Return the supervisor's latest news, and how they are shown."""
        return JSONResponse(_finite(_told(picture)))

    _add_trends(app, picture, actions)
    _add_alarms(app, picture, actions)
    _add_procedures(app, picture, actions)


def _add_trends(app: FastAPI, picture: FacilityPicture, actions: ColdActions) -> None:
    @app.get("/api/cold/fridges/{name}/history")
    async def history(
        name: str,
        last_s: Annotated[float, Query(gt=0, le=60 * 24 * 3600)] = 3600.0,
        points: Annotated[int, Query(ge=2, le=POINTS_MOST)] = 600,
    ) -> JSONResponse:
        """Return the courses of a fridge's temperatures, pressures and flow; TAI in s."""
        readings = cold_trends.trend_readings(picture.cold, _fridge(picture, name))
        with told_if_not_done():
            found = await actions.history(tuple(readings.values()), last_s, points)
        return JSONResponse(cold_trends.courses(found, readings))

    @app.get("/api/cold/fridges/{name}/corridor")
    async def corridor(name: str) -> JSONResponse:
        """Return the corridor of the latest rehearsal; null: there was none."""
        anchored = picture.cold.rehearsals.get(_fridge(picture, name).name)
        return JSONResponse(None if anchored is None else cold_trends.corridor(anchored))

    @app.post("/api/cold/fridges/{name}/rehearse")
    async def rehearse(name: str, asked: RehearsalAsked) -> JSONResponse:
        """Run a procedure on a copy of the live state; return its corridor."""
        with told_if_not_done():
            found = await actions.rehearse(asked.procedure, _fridge(picture, name).name)
        return JSONResponse(cold_trends.corridor(found))


def _add_alarms(app: FastAPI, picture: FacilityPicture, actions: ColdActions) -> None:
    @app.post("/api/cold/alarms/{alarm}/acknowledge")
    async def acknowledge(alarm: str, asked: By, request: Request) -> JSONResponse:
        """Say that somebody has seen an alarm."""
        with told_if_not_done():
            await actions.acknowledge(alarm, named(asked.by, asker(request)))
        return JSONResponse({"acknowledged": alarm})

    @app.post("/api/cold/alarms/{alarm}/reset")
    async def reset(alarm: str, asked: By, request: Request) -> JSONResponse:
        """Let a latched alarm go back to normal."""
        with told_if_not_done():
            await actions.reset(alarm, named(asked.by, asker(request)))
        return JSONResponse({"reset": alarm})

    @app.post("/api/cold/alarms/{alarm}/shelve")
    async def shelve(alarm: str, asked: ShelveAsked, request: Request) -> JSONResponse:
        """Have an alarm call nobody for a while; 0 s ends that."""
        with told_if_not_done():
            await actions.shelve(alarm, asked.for_s, named(asked.by, asker(request)))
        return JSONResponse({"shelved": alarm, "for_s": asked.for_s})

    @app.post("/api/cold/alarms/{alarm}/service")
    async def service(alarm: str, asked: ServiceAsked, request: Request) -> JSONResponse:
        """Take an alarm out of service, or back into it."""
        with told_if_not_done():
            await actions.set_service(alarm, asked.in_service, named(asked.by, asker(request)))
        return JSONResponse({"alarm": alarm, "in_service": asked.in_service})


def _add_procedures(app: FastAPI, picture: FacilityPicture, actions: ColdActions) -> None:
    @app.post("/api/cold/procedures")
    async def begin(asked: ProcedureAsked, request: Request) -> JSONResponse:
        """Begin a procedure, or only say what it would do."""
        fridge, by = _fridge(picture, asked.fridge).name, named(asked.by, asker(request))
        with told_if_not_done():
            found = await actions.begin(asked.procedure, fridge, by, dry_run=asked.dry_run)
        return JSONResponse(asdict(found))

    @app.post("/api/cold/procedures/{identity}/confirm")
    async def confirm(identity: str, asked: By, request: Request) -> JSONResponse:
        """Agree to what a procedure is about to do."""
        with told_if_not_done():
            return JSONResponse(
                asdict(await actions.confirm(identity, named(asked.by, asker(request))))
            )

    @app.post("/api/cold/procedures/{identity}/stop")
    async def stop(identity: str, asked: By, request: Request) -> JSONResponse:
        """End a procedure where it is."""
        with told_if_not_done():
            return JSONResponse(
                asdict(await actions.stop(identity, named(asked.by, asker(request))))
            )


def _fridge(picture: FacilityPicture, name: str) -> Fridge:
    if name not in picture.facility.fridges:
        raise HTTPException(404, f"there is no fridge {name!r}")
    return picture.facility.fridges[name]


def _finite(value: Any) -> Any:
    """Return what JSON can say: a number that is none becomes null."""
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _told(picture: FacilityPicture) -> dict[str, Any]:
    cold = picture.cold
    news = cold.news
    return {
        "headline": asdict(cold_view.headline(cold)),
        "fridges": {
            name: [asdict(one) for one in synoptic_view.fridge(cold, fridge).readings]
            for name, fridge in picture.facility.fridges.items()
        },
        "alarms": [] if news is None else [asdict(one) for one in news.alarms],
        "countdowns": [] if news is None else [asdict(one) for one in news.countdowns],
        "procedures": [] if news is None else [asdict(one) for one in news.procedures],
        "findings": [] if news is None else [asdict(one) for one in news.findings],
    }
