"""Fires one prepared program: by the coordinator, or directly where it has granted that.

The coordinator grants some fires with each that it is asked for. They take one message to the agent
and one back. It is asked again after a while all the same, so that it knows what goes on.
"""

import asyncio
import time
from contextlib import suppress

from podium.control.bus.direct_fires import (
    AskCoordinator,
    DirectFireFailed,
    FireDirectly,
    FireFailed,
    FiresGranted,
    GiveUpFire,
    StillPlaying,
)
from podium.control.bus.fire_data import FireData
from podium.control.bus.messages import Done, Failed, RunId
from podium.control.bus.prepared_programs import ProgramFired
from podium.control.bus.prepared_requests import FireProgram
from podium.control.bus.wire import BadMessage, decode
from podium.control.client.coordinator_client import CANCEL_S, LOST_S, CoordinatorClient
from podium.control.runs.errors import RunError, RunFailed

DIRECTLY_S = 0.25
"""So long after the coordinator was asked, granted fires are asked of the agent."""
ANSWER_S = 5.0
"""Deadline for one answer of an agent, which answers in less."""
AGAIN_S = 0.1
"""Pause before it is asked again that did not answer."""


class Fires:
    """Fires one prepared program of one client, one fire after the other."""

    def __init__(self, client: CoordinatorClient, program: str) -> None:
        """``program``: its id."""
        self._client = client
        self._program = program
        self._turn = asyncio.Lock()
        self._granted: FiresGranted | None = None
        self._number = 0
        """Of the latest run that was fired."""
        self._until_s = 0.0
        self._direct = 0
        """So many were fired directly since the coordinator was asked."""

    async def fire(self, values: bytes) -> tuple[RunId, FireData]:
        """Play it with these values; return the run and its data. Raises ``RunError``."""
        async with self._turn:
            granted = self._granted
            if granted is not None:
                if self._number < granted.last.number and time.monotonic() < self._until_s:
                    self._number += 1
                    run = RunId(granted.last.session, self._number)
                    played = await self._fire_directly(granted, run, values)
                    if played is not None:
                        self._direct += 1
                        return run, played
                self._granted = None
            request = FireProgram(self._program, values, self._direct)
            self._direct = 0
            done = await self._client.work(request, ProgramFired)
            self._granted, self._number = done.granted, done.run.number
            self._until_s = time.monotonic() + DIRECTLY_S
            try:
                return done.run, decode(done.data, FireData)
            except BadMessage as error:
                raise RunFailed(f"run {done.run}: its data cannot be read: {error}") from error

    async def _fire_directly(
        self, granted: FiresGranted, run: RunId, values: bytes
    ) -> FireData | None:
        """Return the data of a run; None: nothing was played, the coordinator has to be asked."""
        request = FireDirectly(run, granted.secret, values)
        try:
            return await self._played(granted.agent, request)
        except asyncio.CancelledError:
            self._granted = None
            await asyncio.shield(self._give_up(granted, run))
            raise
        except RunFailed as error:
            self._granted = None
            await self._report(run, str(error))
            raise

    async def _played(self, agent: str, request: FireDirectly) -> FireData | None:
        run, lost, give_up_s = request.run, False, time.monotonic() + LOST_S
        answers = FireData, FireFailed, AskCoordinator, StillPlaying
        while True:
            told = await self._client.ask_agent(agent, request, *answers, timeout_s=ANSWER_S)
            match told:
                case FireData():
                    return told
                case FireFailed(reason):
                    raise RunFailed(f"run {run}: {reason}")
                case AskCoordinator(reason) if lost:  # it may have been played before
                    raise RunFailed(f"run {run}: its data are lost: {reason}")
                case AskCoordinator():
                    return None
                case StillPlaying():
                    give_up_s = time.monotonic() + LOST_S
                case Failed("refused") if not lost:  # the bus allows nothing of the kind
                    return None
                case Failed(_, problem) if time.monotonic() > give_up_s:
                    raise RunFailed(f"run {run}: agent {agent} does not answer: {problem}")
                case Failed():
                    lost = True
                    await asyncio.sleep(AGAIN_S)

    async def _give_up(self, granted: FiresGranted, run: RunId) -> None:
        """Let a run not go on; return once nothing of it plays, or nobody can be asked."""
        request = GiveUpFire(run, granted.secret, "given up")
        until_s = give_up_s = time.monotonic() + CANCEL_S
        while time.monotonic() < min(until_s, give_up_s):
            told = await self._client.ask_agent(
                granted.agent, request, Done, StillPlaying, timeout_s=ANSWER_S
            )
            if isinstance(told, Done):
                break
            if isinstance(told, Failed):
                give_up_s = min(give_up_s, time.monotonic() + LOST_S)
                await asyncio.sleep(AGAIN_S)
            else:
                give_up_s = until_s
        await self._report(run, "given up")

    async def _report(self, run: RunId, reason: str) -> None:
        with suppress(RunError):  # it is reported to who asked
            await self._client.once(DirectFireFailed(self._program, run, reason), Done)
