"""Answers the requests of the cold side: each by the part of the supervisor that it is about."""

from typing import TYPE_CHECKING

from podium.control.bus.cold import (
    Acknowledge,
    AskCold,
    AskCorridor,
    AskHistory,
    AskIncidents,
    BeginProcedure,
    ColdHistory,
    ColdProcedureNews,
    ConfirmProcedure,
    Rehearse,
    ResetAlarm,
    SetService,
    Shelve,
    StopProcedure,
)
from podium.control.bus.messages import Done, Failed
from podium.control.bus.wire import BadMessage, decode, encode
from podium.control.supervision.alarm_keeper import NotWritten
from podium.control.supervision.alarm_states import NotPossible
from podium.control.supervision.background_work import BackgroundWork
from podium.control.supervision.procedure_requests import ProcedureRefused
from podium.control.supervision.rehearsal import NoRehearsal

if TYPE_CHECKING:
    from podium.control.supervision.supervisor import Supervisor

REQUESTS = (
    AskCold,
    AskHistory,
    ColdHistory,
    AskIncidents,
    Acknowledge,
    ResetAlarm,
    Shelve,
    SetService,
    BeginProcedure,
    ConfirmProcedure,
    StopProcedure,
    Rehearse,
    AskCorridor,
)


class ColdAnswers:
    """Answers requests to the supervisor."""

    def __init__(self, supervisor: "Supervisor", work: BackgroundWork) -> None:
        """``work``: where what takes long goes on."""
        self._supervisor, self._work = supervisor, work

    async def answer(self, payload: bytes) -> bytes:
        """Return the answer to a request; one that is refused says why."""
        try:
            return encode(await self._do(decode(payload, *REQUESTS)))
        except (BadMessage, NotPossible, ProcedureRefused, NoRehearsal) as error:
            return encode(Failed("refused", f"supervisor: {error}"))
        except NotWritten as error:
            return encode(Failed("failed", f"supervisor: {error}"))

    async def _do(self, request: object) -> object:
        here = self._supervisor
        match request:
            case AskCold():
                return here.news()
            case AskHistory():
                if not 0 <= request.last_s < float("inf") or request.points < 1:
                    raise NotPossible(
                        "a history is of a time that has passed, in one point or more"
                    )
                until_s = here.now().tai_s
                since_s = until_s - request.last_s
                return ColdHistory(
                    await here.recorder.courses(request.readings, since_s, until_s, request.points)
                )
            case AskIncidents():
                return here.incidents
            case Acknowledge() | ResetAlarm() | Shelve() | SetService():
                await here.alarms.do(request, here.now())
                here.wake()
                return Done()
            case BeginProcedure() | ConfirmProcedure() | StopProcedure():
                return await self._procedure(request)
            case Rehearse():
                return await here.rehearsals.rehearse(request.procedure, request.fridge, here.views)
            case AskCorridor():
                if (corridor := here.rehearsals.of(request.id)) is None:
                    raise NotPossible(f"no corridor of {request.id!r} is known")
                return corridor
            case _:
                raise NotPossible(f"no answer to {type(request).__name__}")

    async def _procedure(
        self, request: BeginProcedure | ConfirmProcedure | StopProcedure
    ) -> ColdProcedureNews:
        here = self._supervisor
        news = await here.procedures.do(request, here.now().tai)
        for run in here.procedures.running():
            if run.id == news.id and run.state == "running" and here.rehearsals.of(run.id) is None:
                corridor = here.rehearsals.keep_corridor(run, here.views)
                self._work.begin(corridor, f"rehearse {run.id}")
        here.wake()
        return news
