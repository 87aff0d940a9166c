"""Answers fires that the coordinator has granted to a client, who asks for them directly.

Each is the run that the coordinator would ask for, with all its checks: it differs only in who
asks. A grant holds until it is recalled, its time is over, or another run is prepared.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from podium.control.agent.runs import AgentRuns
from podium.control.bus.direct_fires import (
    AskCoordinator,
    DirectlyFired,
    FireDirectly,
    FireFailed,
    FiresRecalled,
    GiveUpFire,
    RecallFires,
    StillPlaying,
)
from podium.control.bus.messages import Done, Failed, RunId
from podium.control.bus.wire import BadMessage, decode, encode
from podium.control.runs import fired_start
from podium.control.runs.messages import (
    Abort,
    Answer,
    AskReport,
    AtOnce,
    FiredProgram,
    FireGrant,
    Prepare,
    Refusal,
    Report,
    Request,
    Token,
)
from podium.drivers.errors import Refused

WITHIN_S = 2.0
"""What takes longer is asked for again."""
UNTOUCHED = ("stale", "refused", "busy", "epoch")
"""Kinds of refusals after which nothing was played: the coordinator is asked, and says why."""


@dataclass(slots=True, eq=False)
class _Granted:
    grant: FireGrant
    run: RunId
    """After it came what was granted."""
    token: Token
    until_s: float
    latest: RunId
    """The latest that was begun."""
    reported: RunId
    """The latest that was counted."""
    done: int = 0
    recalled: bool = False

    def covers(self, run: RunId, secret: str) -> bool:
        return secret == self.grant.secret and self.run < run <= self.grant.last


class DirectFires:
    """One agent's: one grant at a time."""

    def __init__(
        self, name: str, runs: AgentRuns, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = name
        self._runs = runs
        self._clock = clock
        self._granted: _Granted | None = None

    def note(self, request: Request, answer: object) -> None:
        """Let a grant hold from now on, if ``request`` has brought one and was played.

        Its answer said again changes nothing.
        """
        if not (isinstance(request, Prepare) and isinstance(request.plan, AtOnce)):
            return
        grant, token, before = request.plan.grant, request.plan.agreed, self._granted
        if grant is None or token is None or not isinstance(answer, Report) or answer.ended:
            return
        if before is not None and request.run <= before.run:
            return
        run, until_s = request.run, self._clock() + grant.for_s
        self._granted = _Granted(grant, run, token, until_s, run, run)

    async def answer(self, payload: bytes) -> bytes:
        """Answer a client."""
        try:
            request = decode(payload, FireDirectly, GiveUpFire)
        except BadMessage as error:
            return encode(Failed("refused", f"{self._name}: {error}"))
        if isinstance(request, FireDirectly):
            return encode(await self._fire(request))
        return encode(await self._give_up(request))

    async def recall(self, request: RecallFires) -> FiresRecalled | StillPlaying:
        """Let no more fire of a grant begin; report once none plays."""
        granted = self._granted
        if granted is None or granted.grant.secret != request.secret:
            return FiresRecalled(0)
        granted.recalled = True
        plays = granted.latest > granted.run and self._runs.in_hand == granted.latest
        if plays and await self._said(AskReport(granted.latest)) is None:
            return StillPlaying()
        return FiresRecalled(granted.done)

    async def _fire(
        self, request: FireDirectly
    ) -> DirectlyFired | FireFailed | AskCoordinator | StillPlaying:
        granted, run = self._granted, request.run
        if granted is None or not granted.covers(run, request.secret):
            return AskCoordinator(f"{self._name}: no fire was granted as run {run}")
        if run > granted.latest:
            if granted.recalled or self._clock() > granted.until_s:
                return AskCoordinator(f"{self._name}: the grant is over")
            granted.latest = run
        token = granted.token
        fired = FiredProgram(token.program_hash, request.values)
        said = await self._said(Prepare(run, self._runs.life, fired, AtOnce(token)))
        match said:
            case None:
                return StillPlaying()
            case Report():
                return self._judged(granted, said)
            case Refusal(_, _, step, kind, reason) if kind not in UNTOUCHED:
                return FireFailed(f"{self._name} refused {step.upper()}: {reason}")
            case Refusal(reason=reason):
                return AskCoordinator(reason)
            case _:  # fenced: another coordinator has taken over
                return AskCoordinator(f"{self._name}: whoever granted it was replaced")

    def _judged(self, granted: _Granted, report: Report) -> DirectlyFired | FireFailed:
        if wrong := fired_start.problems(granted.token, report):
            return FireFailed("; ".join(wrong))
        if report.run > granted.reported:
            granted.reported = report.run
            granted.done += 1
        return DirectlyFired(report.data)

    async def _give_up(self, request: GiveUpFire) -> Done | StillPlaying:
        granted, run = self._granted, request.run
        if granted is None or not granted.covers(run, request.secret):
            return Done()
        granted.latest = max(granted.latest, run)
        said = await self._said(Abort(run, request.reason))
        return StillPlaying() if said is None else Done()

    async def _said(self, request: Prepare | Abort | AskReport) -> Answer | None:
        """Return what a request is answered; None: nothing yet."""
        try:
            return await self._runs.answer(request, WITHIN_S)
        except TimeoutError:
            return None
        except Refused as error:  # another run has taken its place
            return Refusal(self._name, request.run, "prepare", "failed", str(error))
