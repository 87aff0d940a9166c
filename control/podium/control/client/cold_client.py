"""Asks the supervisor of the cold side, over the bus of a facility that is up."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

from podium.control.bus.bus import Bus, BusError
from podium.control.bus.cold import cold_key
from podium.control.bus.messages import Failed, ask
from podium.control.facility.facility import Facility
from podium.control.runs.errors import RunFailed, RunRefused

ANSWER_S = 60.0
"""Deadline for one answer: a rehearsal takes seconds."""
LOST_S = 10.0
"""Unanswered for so long, the supervisor is taken for gone; it is restarted within some s."""
AGAIN_S = 0.2

Answer = TypeVar("Answer")


class ColdClient:
    """One client's way to the supervisor."""

    def __init__(self, bus: Bus, facility: Facility) -> None:
        self.facility = facility
        self._bus = bus

    async def ask(self, request: object, expected: type[Answer], lost_s: float = LOST_S) -> Answer:
        """Return the answer, asking again while none comes; raises ``RunError``.

        Only for requests that may be done twice: those that ask, acknowledge, shelve. ``lost_s``:
        so long without an answer the supervisor may be starting.
        """
        loop = asyncio.get_running_loop()
        give_up: float | None = None
        while True:
            answer = await self._once(request, expected)
            if give_up is None:  # one that died over the first question is started again meanwhile
                give_up = loop.time() + lost_s
            if not isinstance(answer, Failed):
                return answer
            if answer.kind != "no answer" or loop.time() > give_up:
                raise _error(answer)
            await asyncio.sleep(AGAIN_S)

    async def once(self, request: object, expected: type[Answer]) -> Answer:
        """Ask without repeating; raises ``RunError``. Of a lost answer it is not known."""
        answer = await self._once(request, expected)
        if isinstance(answer, Failed):
            raise _error(answer)
        return answer

    async def _once(self, request: object, expected: type[Answer]) -> Answer | Failed:
        key = cold_key(self.facility.name)
        return await ask(self._bus, key, request, expected, timeout_s=ANSWER_S)


def _error(answer: Failed) -> RunRefused | RunFailed:
    if answer.kind == "no answer":
        return RunFailed(
            f"no supervisor answers ({answer.message}): one is started by `podium up` where a "
            "fridge of the facility file names its model"
        )
    return (RunRefused if answer.kind == "refused" else RunFailed)(answer.message)


@asynccontextmanager
async def join_supervisor(path: Path, coordinator: str | None) -> AsyncGenerator[ColdClient]:
    """Ask the supervisor of a facility that is up; raises ``RunRefused`` when it cannot be.

    ``coordinator``: as of :func:`podium.control.client.facility_access.join_facility`.
    """
    from podium.control.bus.process_bus import client_of, join_bus
    from podium.control.facility.load import load_facility

    facility = await asyncio.to_thread(load_facility, path)
    async with AsyncExitStack() as stack:
        try:
            me = client_of(facility.bus)
            bus = await stack.enter_async_context(join_bus(facility, me, coordinator))
        except BusError as error:
            raise RunRefused(str(error)) from error
        yield ColdClient(bus, facility)
