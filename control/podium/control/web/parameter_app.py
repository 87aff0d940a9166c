"""Serves the page of parameters: table, histories, what changed, and older values put back."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, TypeVar

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, Field

from podium.control.bus.log import event_log
from podium.control.parameters.entry import BadEntry, ParameterEntry
from podium.control.parameters.parameter_changes import (
    Change,
    NotReverted,
    changes,
    reversal,
    signed,
    time_of,
)
from podium.control.parameters.store import ParameterStore, StoreError
from podium.control.timebase.host_clock import host_tai_s
from podium.control.timebase.moments import NoMoment, moment
from podium.control.web import parameter_view
from podium.control.web.cold_actions import NAME_MOST, named
from podium.control.web.hub import Hub
from podium.control.web.page_actions import NotDone
from podium.control.web.pages import Pages
from podium.control.web.picture import FacilityPicture
from podium.control.web.request_errors import asker, told_if_not_done

WHY_MOST = 300
MOMENT_MOST = 60

Found = TypeVar("Found")
When = Annotated[str, Query(max_length=MOMENT_MOST)]
log = event_log("page")


class RevertAsked(BaseModel):
    """Asks for an older value to be put on top again."""

    why: str = Field(max_length=WHY_MOST)
    by: str = Field("", max_length=4 * NAME_MOST)
    to_tai_s: float | None = Field(None, ge=0, le=1e11)
    """As it was at that time, TAI s; none: one value back."""


class ParameterRequests:
    """Reads and reverts parameters for somebody who looks; everything raises :class:`NotDone`."""

    def __init__(self, picture: FacilityPicture) -> None:
        self._picture = picture

    async def history(self, name: str) -> tuple[ParameterEntry, ...]:
        """Return every value that a parameter had, oldest first."""
        if not self._picture.store:
            return ()
        return await self._with_store(lambda store: store.history(name))

    async def changes(self, before: str, after: str, path: str) -> tuple[Change, ...]:
        """Return what changed between two times, in the words of ``podium params diff``."""

        def look(store: ParameterStore) -> tuple[Change, ...]:
            now_s = host_tai_s()
            states = [
                store.all(path, None if when.strip() == "now" else moment(when, now_s))
                for when in (before, after)
            ]
            return changes(*states)

        return await self._with_store(look)

    async def revert(self, name: str, by: str, asked: RevertAsked) -> tuple[Change, ...]:
        """Put an older value on top again; return what has changed by it."""

        def put_back(store: ParameterStore) -> tuple[Change, ...]:
            now_tai_s = time_of(store, host_tai_s())
            found = reversal(store, name, signed(by, asked.why), now_tai_s, asked.to_tai_s)
            if not found.changes:
                raise NotReverted(f"{name} had no other value then, and keeps the one it has")
            store.put(found.entries)
            return found.changes

        found = await self._with_store(put_back)
        log.info("parameter put back", name=name, by=by, why=asked.why)
        return found

    async def _with_store(self, work: Callable[[ParameterStore], Found]) -> Found:
        def done() -> Found:
            with ParameterStore(self._picture.store, make=False) as store:
                return work(store)

        if not self._picture.store:
            raise NotDone(404, "no parameter store is named: podium up FACILITY --store FILE")
        try:
            return await asyncio.to_thread(done)
        except StoreError as error:
            raise NotDone(503, str(error)) from error
        except NotReverted as error:
            raise NotDone(409, str(error)) from error
        except (NoMoment, BadEntry) as error:
            raise NotDone(422, str(error)) from error


def add_parameters(app: FastAPI, picture: FacilityPicture, pages: Pages, hub: Hub) -> None:
    """Add to ``app`` the page of parameters, and what it asks for."""
    requests = ParameterRequests(picture)
    _add_page(app, picture, requests, pages, hub)
    _add_histories(app, picture, requests)


def _add_page(
    app: FastAPI,
    picture: FacilityPicture,
    requests: ParameterRequests,
    pages: Pages,
    hub: Hub,
) -> None:
    @app.get("/parameters", response_class=HTMLResponse)
    async def page(of: Annotated[str, Query(max_length=200)] = "") -> str:
        """Return the page of one owner's parameters; without a name, of the first."""
        known = [one.name for one in parameter_view.owners(picture)]
        if of and of not in known:
            raise HTTPException(404, f"the store has no parameters of {of!r}")
        owner = of or (known[0] if known else "")
        return pages.page("parameters", hub, owner=owner)

    @app.get("/parameters/changes", response_class=HTMLResponse)
    async def differences(before: When = "1 d ago", after: When = "now", of: When = "") -> str:
        """Return what changed between two times, as a piece of the page."""
        with told_if_not_done():
            found = await requests.changes(before, after, of)
        words = [str(one) for one in found]
        return pages.part("differences", words=words, before=before, after=after)

    @app.get("/parameters/{name}/history", response_class=HTMLResponse)
    async def history(name: str) -> str:
        """Return every value that a parameter had, as a piece of the page."""
        with told_if_not_done():
            return pages.history(name, await requests.history(name))


def _add_histories(app: FastAPI, picture: FacilityPicture, requests: ParameterRequests) -> None:
    @app.get("/api/parameters/{name}/history")
    async def entries(name: str) -> JSONResponse:
        """Return every value that a parameter had, oldest first."""
        with told_if_not_done():
            return JSONResponse([asdict(one) for one in await requests.history(name)])

    @app.post("/api/parameters/{name}/revert")
    async def revert(name: str, asked: RevertAsked, request: Request) -> JSONResponse:
        """Put an older value on top again, by the checks of ``podium params revert``."""
        with told_if_not_done():
            found = await requests.revert(name, named(asked.by, asker(request)), asked)
        return JSONResponse({"changes": [str(one) for one in found]})

    @app.get("/api/parameters/changes")
    async def differences(
        before: When = "1 d ago", after: When = "now", of: When = ""
    ) -> JSONResponse:
        """Return what changed between two times, in words."""
        with told_if_not_done():
            return JSONResponse([str(one) for one in await requests.changes(before, after, of)])

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
