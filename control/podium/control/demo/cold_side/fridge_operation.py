"""Operates a fridge by its supervisor, as two people at the page would, and watches its news."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite

from podium.control.bus.cold import (
    AskCold,
    BeginProcedure,
    ColdNews,
    ColdProcedureNews,
    ConfirmProcedure,
    StepNews,
    TaiFs,
)
from podium.control.client.cold_client import ColdClient
from podium.control.parameters.quantities import alone
from podium.control.report.cold_story import StepTaken
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.fridge_signals import STAGES, temperature_of

PEOPLE = ("ada (podium demo)", "grace (podium demo)")
"""Who begins a procedure, and who confirms it."""
LOOK_S = 0.5
"""The supervisor is asked for its news so often, s of the wall."""
ENDED = ("done", "failed", "stopped")
MIXING_CHAMBER = STAGES[-1]


class StoryFailed(Exception):
    """The fridge or its supervision did not do what the demo shows. The message says what."""


def seconds(tai: TaiFs | None) -> float | None:
    """Return TAI in s."""
    return None if tai is None else tai[0] + tai[1] / FS_PER_S


@dataclass(slots=True)
class FridgeOperation:
    """One fridge, by the supervisor's news."""

    supervisor: ColdClient
    fridge: str
    tell: Callable[[ColdNews], None]
    """Called with all news."""
    news: ColdNews | None = None
    _told_at: float = field(default=0.0)

    async def look(self) -> ColdNews:
        """Return the supervisor's news, at most so often as :data:`LOOK_S` says.

        Raises ``RunError`` if no supervisor answers.
        """
        wait_s = self._told_at + LOOK_S - time.monotonic()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        self._told_at = time.monotonic()
        self.news = await self.supervisor.ask(AskCold(), ColdNews)
        self.tell(self.news)
        return self.news

    async def until(
        self, fits: Callable[[ColdNews], bool], within_s: float, what: str, wall_s: float
    ) -> ColdNews:
        """Return the first news that fit, within so many s of the facility's time.

        ``wall_s``: of the wall, likewise. Raises :class:`StoryFailed`.
        """
        begun, begun_wall = self.tai_s(await self.look()), time.monotonic()
        while not fits(news := await self.look()):
            passed_s = self.tai_s(news) - begun
            if passed_s > within_s or time.monotonic() - begun_wall > wall_s:
                raise StoryFailed(f"{what}: not within {passed_s / 3600:.1f} h of facility time")
        return news

    async def perform(self, procedure: str, within_s: float, wall_s: float) -> ColdProcedureNews:
        """Begin a procedure, confirm it where it asks, and return how it has ended.

        Raises :class:`StoryFailed` where it did not end well, and ``RunError``.
        """
        begun = await self.begin(procedure)
        return await self.finish(begun.id, within_s, wall_s)

    async def begin(self, procedure: str) -> ColdProcedureNews:
        """Begin a procedure, and let a second person confirm it; raises ``RunError``."""
        request = BeginProcedure(procedure, self.fridge, PEOPLE[0])
        begun = await self.supervisor.once(request, ColdProcedureNews)
        if begun.state == "asking":
            confirm = ConfirmProcedure(begun.id, PEOPLE[1])
            begun = await self.supervisor.once(confirm, ColdProcedureNews)
        return begun

    async def finish(self, identity: str, within_s: float, wall_s: float) -> ColdProcedureNews:
        """Return a procedure once it has ended well; raises :class:`StoryFailed`, ``RunError``."""

        def over(news: ColdNews) -> bool:
            now = procedure_of(news, identity)
            if now is not None and now.state == "asking":
                raise StoryFailed(f"{now.name} asks a person: {now.words or _at(now)}")
            return now is not None and now.state in ENDED

        news = await self.until(over, within_s, f"the end of {identity}", wall_s)
        ended = procedure_of(news, identity)
        if ended is None or ended.state != "done":
            words = "is not told of" if ended is None else f"{ended.state}: {ended.words}"
            raise StoryFailed(f"{identity} {words}")
        return ended

    def tai_s(self, news: ColdNews) -> float:
        """Return the facility's time of news, s; raises :class:`StoryFailed` if there is none."""
        tai_s = seconds(news.tai)
        if tai_s is None:
            raise StoryFailed("the facility's time is not known")
        return tai_s

    def kelvin(self, news: ColdNews, stage: str = MIXING_CHAMBER) -> float | None:
        """Return a stage's temperature in K if a reading of it is good."""
        signal = temperature_of(stage)
        return next(
            (
                one.value
                for one in news.readings
                if (one.fridge, one.signal, one.quality) == (self.fridge, signal, "good")
                and one.value is not None
                and isfinite(one.value)
            ),
            None,
        )

    def line(self, news: ColdNews) -> str:
        """Return the temperatures and what is done, in one line."""
        told = []
        for stage in STAGES:
            if any(one.signal == temperature_of(stage) for one in news.readings):
                kelvin = self.kelvin(news, stage)
                shown = "?" if kelvin is None else alone(kelvin, "K", like=kelvin / 10)
                told.append(f"{stage.replace('_', ' ')} {shown}")
        running = [one for one in news.procedures if one.state not in ENDED]
        doing = [f"{one.name}: {_at(one)}" for one in running if one.fridge == self.fridge]
        return " | ".join((", ".join(told), *doing))


def step_of(news: ColdNews, fridge: str) -> StepNews | None:
    """Return the step that a procedure of a fridge is at; None: none is under way."""
    return next(
        (
            step
            for one in news.procedures
            if one.fridge == fridge and one.state not in ENDED and not one.dry_run
            for step in one.steps
            if step.state in ("running", "asking")
        ),
        None,
    )


def procedure_of(news: ColdNews, identity: str) -> ColdProcedureNews | None:
    """Return the procedure of an id, if it is reported."""
    return next((one for one in news.procedures if one.id == identity), None)


def steps_of(procedure: ColdProcedureNews) -> list[StepTaken]:
    """Return the steps of a procedure, with how long each took."""
    taken = []
    for step in procedure.steps:
        began, ended = seconds(step.began), seconds(step.ended)
        took_s = None if began is None or ended is None else round(ended - began, 1)
        taken.append(StepTaken(procedure.name, step.name, step.state, took_s))
    return taken


def _at(procedure: ColdProcedureNews) -> str:
    """Return the step that a procedure is at, in words."""
    return next(
        (one.name for one in procedure.steps if one.state in ("running", "asking", "failed")),
        procedure.state,
    )
