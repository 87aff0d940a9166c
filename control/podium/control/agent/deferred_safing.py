"""Retries making an instrument safe after its connection was lost."""

import asyncio
from collections.abc import Iterable

from podium.control.agent.instruments import AnyWorker
from podium.control.bus.gather import gather
from podium.drivers.errors import InstrumentError, Unreachable

SAFE_S = 10.0
"""For making one instrument safe, an attempt to connect that is under way included."""
AGAIN_S = 0.5
"""Pause between attempts on an instrument that answers, but does not get safe."""
ANSWER_S = 25.0
"""How long somebody waits for an attempt to connect: one is given up after 20 s."""
SETTLE_S = 2 * SAFE_S + AGAIN_S
"""How long somebody waits for an instrument that answers to be made safe first: an attempt that is
under way, and one more."""


class DeferredSafing:
    """Makes instruments safe; what cannot be done now is kept for when it can."""

    def __init__(self, workers: Iterable[AnyWorker]) -> None:
        self._workers = {worker.name: worker for worker in workers}
        self._pending = {name: asyncio.Event() for name in self._workers}
        self._done = {name: asyncio.Event() for name in self._workers}
        for done in self._done.values():
            done.set()

    async def make_safe(self, name: str) -> str:
        """Make an instrument safe; return what is wrong with it, or nothing."""
        worker = self._workers[name]
        problem = ""
        for _ in range(2):  # once more if that call finds the connection dead
            try:
                await worker.call("make safe", lambda driver: driver.safe(), SAFE_S)
            except Unreachable as error:
                problem = str(error)
            except InstrumentError as error:
                return str(error)
            else:
                return ""
        self._pending[name].set()
        self._done[name].clear()
        return f"{problem}; it is made safe as soon as it answers"

    async def settled(self, name: str) -> None:
        """Return once nothing is owed to an instrument; raises ``Unreachable``."""
        if self._done[name].is_set():
            return
        try:
            async with asyncio.timeout(SETTLE_S if await self._answers(name) else 0):
                await self._done[name].wait()
        except TimeoutError:
            why = self._workers[name].health.last_error or "it answers, but does not get safe"
            raise Unreachable(
                f"{name}: it could not be made safe after an earlier run and is not used before "
                f"that: {why}"
            ) from None

    async def _answers(self, name: str) -> bool:
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._workers[name].attempted()
        except TimeoutError:
            return False

    async def keep(self) -> None:
        """Keep what was promised, all the time."""
        await gather(*(self._keep(name) for name in self._workers))

    async def _keep(self, name: str) -> None:
        worker = self._workers[name]
        while True:
            await self._pending[name].wait()
            await worker.connected()
            try:
                await worker.call("make safe", lambda driver: driver.safe(), SAFE_S)
            except InstrumentError:
                await asyncio.sleep(AGAIN_S)
            else:
                self._pending[name].clear()
                self._done[name].set()
