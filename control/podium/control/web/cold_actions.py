"""Asks the supervisor of the cold side for somebody who looks at the page."""

from typing import TypeVar

from podium.control.bus.bus import Bus
from podium.control.bus.cold import (
    Acknowledge,
    AskCorridor,
    AskHistory,
    BeginProcedure,
    ColdHistory,
    ColdProcedureNews,
    ConfirmProcedure,
    Rehearsal,
    Rehearse,
    ResetAlarm,
    SetService,
    Shelve,
    StopProcedure,
    cold_key,
)
from podium.control.bus.messages import Done, Failed, ask
from podium.control.web.cold_picture import AnchoredRehearsal, seconds_of
from podium.control.web.page_actions import NotDone
from podium.control.web.picture import FacilityPicture

ASK_S = 10.0
REHEARSE_S = 60.0
"""A day of a fridge takes the model some seconds."""
NAME_MOST = 60
"""Characters of a person's name."""

Answer = TypeVar("Answer")


class ColdActions:
    """Carries out what the page of the cold side asks for. Everything raises :class:`NotDone`."""

    def __init__(self, picture: FacilityPicture, bus: Bus) -> None:
        self._picture = picture
        self._bus = bus

    async def acknowledge(self, alarm: str, by: str) -> None:
        """Say that somebody has seen an alarm, and those that follow it."""
        await self._ask(Acknowledge(alarm, by), Done)

    async def reset(self, alarm: str, by: str) -> None:
        """Let a latched alarm whose condition is gone go back to normal."""
        await self._ask(ResetAlarm(alarm, by), Done)

    async def shelve(self, alarm: str, for_s: float, by: str) -> None:
        """Have an alarm call nobody for so many s of the facility's time; 0 ends that."""
        await self._ask(Shelve(alarm, for_s, by), Done)

    async def set_service(self, alarm: str, in_service: bool, by: str) -> None:
        """Take an alarm out of service, or back into it."""
        await self._ask(SetService(alarm, in_service, by), Done)

    async def begin(
        self, procedure: str, fridge: str, by: str, *, dry_run: bool
    ) -> ColdProcedureNews:
        """Begin a procedure; ``dry_run``: only say what it would do."""
        return await self._ask(BeginProcedure(procedure, fridge, by, dry_run), ColdProcedureNews)

    async def confirm(self, procedure_id: str, by: str) -> ColdProcedureNews:
        """Agree, for a person, to what a procedure is about to do."""
        return await self._ask(ConfirmProcedure(procedure_id, by), ColdProcedureNews)

    async def stop(self, procedure_id: str, by: str) -> ColdProcedureNews:
        """End a procedure where it is; what it has set stays."""
        return await self._ask(StopProcedure(procedure_id, by), ColdProcedureNews)

    async def rehearse(self, procedure: str, fridge: str) -> AnchoredRehearsal:
        """Run a procedure on a copy of the live state; its corridor then stands in the trends."""
        begin_s = self._picture.cold.tai_s()
        if begin_s is None:
            raise NotDone(503, "the facility's time is not known: nothing can be rehearsed")
        found = await self._ask(Rehearse(procedure, fridge), Rehearsal, timeout_s=REHEARSE_S)
        self._picture.changed.set()
        return self._picture.cold.take_rehearsal(AnchoredRehearsal(found, begin_s))

    async def corridor(self, procedure: ColdProcedureNews) -> AnchoredRehearsal:
        """Return what was rehearsed as a procedure began; it then stands in the trends."""
        if procedure.began is None:
            raise NotDone(409, f"{procedure.id} has not begun")
        found = await self._ask(AskCorridor(procedure.id), Rehearsal)
        anchored = AnchoredRehearsal(found, seconds_of(procedure.began), procedure.id)
        self._picture.changed.set()
        return self._picture.cold.take_rehearsal(anchored)

    async def history(self, readings: tuple[str, ...], last_s: float, points: int) -> ColdHistory:
        """Return how these readings were over the last so many s of the facility's time."""
        return await self._ask(AskHistory(readings, last_s, points), ColdHistory)

    async def _ask(
        self, request: object, expected: type[Answer], *, timeout_s: float = ASK_S
    ) -> Answer:
        key = cold_key(self._picture.facility.name)
        answer = await ask(self._bus, key, request, expected, timeout_s=timeout_s)
        if isinstance(answer, Failed):
            raise NotDone(409 if answer.kind == "refused" else 503, answer.message)
        return answer


def named(given: object, page: str) -> str:
    """Return who asks: the name that a person gave, else the ``page``.

    The name alone tells two people apart, where a procedure asks two: not where they sit.
    """
    name = " ".join(str(given).split()) if isinstance(given, str) else ""
    return name[:NAME_MOST] if name and name.isprintable() else page
