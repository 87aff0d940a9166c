"""Procedures through the supervisor: begun, confirmed by two, sent, kept over restarts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.benches.nodes.plant_room import FridgePlant, PlantRoom, plant_room

from podium.control.bus.cold import (
    BeginProcedure,
    ColdNews,
    ColdProcedureNews,
    ConfirmProcedure,
    StopProcedure,
    cold_key,
    cold_news_key,
)
from podium.control.bus.messages import ask
from podium.control.bus.wire import decode
from podium.control.facility.facility import Facility
from podium.control.facility.frozen_map import FrozenMap
from podium.control.supervision.rehearsals import Rehearsals
from podium.control.supervision.supervisor import Supervisor

WITHIN_S = 30.0


def enabled(facility: Facility, *procedures: str) -> Facility:
    fridge = replace(facility.fridges["fridge_a"], procedures=procedures)
    return replace(facility, fridges=FrozenMap({"fridge_a": fridge}))


@pytest.fixture(autouse=True)
def no_corridors(monkeypatch) -> None:
    async def nothing(*_: object) -> None:
        pass

    monkeypatch.setattr(Rehearsals, "keep_corridor", nothing)


@asynccontextmanager
async def supervised(room: PlantRoom, folder: Path) -> AsyncIterator[Supervisor]:
    facility = enabled(room.facility, "warm_up", "recover")
    supervisor = Supervisor(facility, room.bus, folder=folder)
    async with supervisor.running():
        yield supervisor


async def asked(room: PlantRoom, request: object):
    key = cold_key(room.facility.name)
    return await ask(room.bus, key, request, ColdProcedureNews, timeout_s=WITHIN_S)


async def until(
    room: PlantRoom, supervisor: Supervisor, holds: Callable[[ColdNews], bool], pass_s: float = 0.0
) -> ColdNews:
    async with asyncio.timeout(WITHIN_S), room.bus.subscribe(cold_news_key("cold")) as told:
        async for _, payload in told:
            news = decode(payload, ColdNews)
            if holds(news):
                return news
            room.fridge.advance(pass_s)
            await asyncio.sleep(0.03)  # the agent reads anew
            supervisor.wake()
    raise AssertionError("no news")


def all_read(news: ColdNews) -> bool:
    return all(one.quality != "disconnected" for one in news.readings)


async def test_a_dry_run_asks_the_agent_and_sets_nothing(tmp_path) -> None:
    fridge = FridgePlant.of()
    async with plant_room(fridge) as room, supervised(room, tmp_path) as supervisor:
        await until(room, supervisor, all_read)
        begun = await asked(room, BeginProcedure("warm_up", "fridge_a", "ann", dry_run=True))
        news = await until(
            room, supervisor, lambda news: any(one.state == "done" for one in news.procedures)
        )
        (done,) = news.procedures
        assert done.id == begun.id
        assert any("its agent" in step.words for step in done.steps)
    assert fridge.written == []


async def test_what_is_dangerous_asks_two_persons_and_outlives_the_supervisor(tmp_path) -> None:
    fridge = FridgePlant.of()
    async with plant_room(fridge) as room:
        async with supervised(room, tmp_path) as supervisor:
            await until(room, supervisor, all_read)
            begun = await asked(room, BeginProcedure("warm_up", "fridge_a", "ann"))
            assert begun.state == "asking"
            again = await asked(room, ConfirmProcedure(begun.id, "Ann"))
            assert "another person has to" in again.message
            assert fridge.written == []
            agreed = await asked(room, ConfirmProcedure(begun.id, "bob"))
            assert (agreed.state, agreed.confirmed_by) == ("running", ("ann", "bob"))
            await until(room, supervisor, lambda _: bool(fridge.written), 5.0)
        async with supervised(room, tmp_path) as supervisor:
            (kept,) = supervisor.news().procedures
            assert (kept.id, kept.state) == (begun.id, "running")
            count = len(fridge.written)
            await until(room, supervisor, lambda _: len(fridge.written) > count, 60.0)
            assert len(fridge.written) == len(set(fridge.written)), "nothing is done twice"
            stopped = await asked(room, StopProcedure(begun.id, "bob"))
            assert stopped.state == "stopped"
            tried = await asked(room, BeginProcedure("warm_up", "fridge_a", "ann", dry_run=True))
            shown = {one.id for one in supervisor.news().procedures}
            assert shown == {begun.id, tried.id}, "a dry run hides nothing that was done"


async def test_a_journal_that_cannot_be_written_begins_nothing(tmp_path) -> None:
    folder = tmp_path / "file"
    folder.write_text("no folder")
    fridge = FridgePlant.of()
    async with plant_room(fridge) as room, supervised(room, folder):
        refused = await asked(room, BeginProcedure("recover", "fridge_a", "ann"))
        assert "cannot be written down" in refused.message
    assert fridge.written == []
