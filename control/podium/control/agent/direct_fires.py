"""Answers fires that the coordinator has granted to a client, who asks for them directly.

Each is the run that the coordinator would ask for, with all its checks: it differs only in who
asks.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from podium.control.agent.runs import AgentRuns
from podium.control.agent.waiting_requests import Outcome
from podium.control.bus.direct_fires import (
    AskCoordinator,
    FireDirectly,
    FireFailed,
    FiresRecalled,
    GiveUpFire,
    RecallFires,
    StillPlaying,
)
from podium.control.bus.messages import DOES_NOT_FIT, Done, Failed
from podium.control.bus.wire import BadMessage, decode, encode
from podium.control.runs import fired_start
from podium.control.runs.granted_fires import GrantedFires, begun, counted, noted
from podium.control.runs.messages import (
    Abort,
    Answer,
    AskReport,
    Refusal,
    Report,
    Request,
)
from podium.drivers.errors import Refused

WITHIN_S = 2.0
"""What takes longer is asked for again."""
UNTOUCHED = ("stale", "refused", "busy", "epoch", DOES_NOT_FIT)
"""Kinds of refusals after which nothing was played: the coordinator is asked, and says why."""


class DirectFires:
    """One agent's: one grant at a time."""

    def __init__(
        self, name: str, runs: AgentRuns, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = name
        self._runs = runs
        self._clock = clock
        self._granted: GrantedFires | None = None

    def note(self, request: Request, answer: object) -> None:
        """Let a grant hold from now on, if ``request`` has brought one and was played."""
        self._granted = noted(self._granted, request, answer, self._clock())

    def answer(self, payload: bytes) -> Awaitable[bytes]:
        """Answer a client. A fire takes no task of its own beside its run's."""
        try:
            request = decode(payload, FireDirectly, GiveUpFire)
        except BadMessage as error:
            return _there(Failed("refused", f"{self._name}: {error}"))
        match request:
            case FireDirectly():
                return self._fire(request)
            case GiveUpFire():
                return self._give_up(request)
        raise AssertionError(request)

    async def recall(self, request: RecallFires) -> FiresRecalled | StillPlaying:
        """Let no more fire of a grant begin; report once none plays."""
        granted = self._granted
        if granted is None or granted.grant.secret != request.secret:
            return FiresRecalled(0)
        granted = self._granted = replace(granted, recalled=True)
        plays = granted.latest > granted.run and self._runs.in_hand == granted.latest
        if plays:
            said = await self._said(AskReport(granted.latest))
            if said is None:
                return StillPlaying()
            if isinstance(said, Report):
                self._judged(granted, said)
        return FiresRecalled(granted.done if self._granted is None else self._granted.done)

    def _fire(self, request: FireDirectly) -> "asyncio.Future[bytes]":
        """Return what a client is answered: the data of a report are a message as they are."""
        granted = begun(self._granted, request.run, request.secret, self._clock())
        if isinstance(granted, str):
            return _there(AskCoordinator(f"{self._name}: {granted}"))
        self._granted = granted
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def tell(said: Outcome) -> None:
            if isinstance(said, asyncio.CancelledError):
                answer.cancel()
                return
            try:
                told = self._told(granted, said)
            except Exception as error:  # for who has asked: the agent goes on
                if not answer.done():
                    answer.set_exception(error)
                return
            if not answer.done():
                answer.set_result(told)

        prepare = granted.request(request.run, self._runs.life, request.values)
        self._runs.ask(prepare, tell, WITHIN_S)
        return answer

    def _told(self, granted: GrantedFires, said: Outcome) -> bytes:
        """Return the answer about a fire that has ended so, or has not in time."""
        match said:
            case Report():
                judged = self._judged(granted, said)
                return encode(judged) if isinstance(judged, FireFailed) else judged.data
            case TimeoutError():
                return encode(StillPlaying())
            case Refused():  # another run has taken its place
                return encode(FireFailed(f"{self._name} refused PREPARE: {said}"))
            case Refusal(_, _, step, kind, reason) if kind not in UNTOUCHED:
                return encode(FireFailed(f"{self._name} refused {step.upper()}: {reason}"))
            case Refusal(reason=reason):
                return encode(AskCoordinator(reason))
            case _:  # fenced
                return encode(AskCoordinator(f"{self._name}: the coordinator was replaced"))

    def _judged(self, granted: GrantedFires, report: Report) -> Report | FireFailed:
        if wrong := fired_start.problems(granted.token, report):
            return FireFailed("; ".join(wrong))
        now = self._granted
        if now is not None and now.run == granted.run:
            self._granted = counted(now, report.run)
        return report

    async def _give_up(self, request: GiveUpFire) -> bytes:
        granted, run = self._granted, request.run
        if granted is None or not granted.covers(run, request.secret):
            return encode(Done())
        self._granted = replace(granted, latest=max(granted.latest, run))
        said = await self._said(Abort(run, request.reason))
        return encode(StillPlaying() if said is None else Done())

    async def _said(self, request: Abort | AskReport) -> Answer | Refused | None:
        """Return what a request is answered; None: nothing yet; ``Refused``: nothing will be."""
        try:
            return await self._runs.answer(request, WITHIN_S)
        except TimeoutError:
            return None
        except Refused as error:
            return error


def _there(answer: object) -> "asyncio.Future[bytes]":
    """Return an answer that is there."""
    answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    answered.set_result(encode(answer))
    return answered
