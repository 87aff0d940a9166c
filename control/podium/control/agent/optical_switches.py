"""Leads light through the optical switches of an agent, and waits until it gets through."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from podium.control.agent.instruments import AnyWorker, Instruments
from podium.control.bus.gather import gather
from podium.drivers.errors import Refused
from podium.firmware_interfaces.compiled_program import SwitchRoutes
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai

ROUTE_S = 15.0
"""Deadline for reading or setting routes."""
LOOK_S = 0.01
"""Between two looks at the clock while mirrors move."""
LOOKS = 1000
"""More than any switch needs."""


class OpticalSwitches:
    """Sets what a program needs, and leaves other ways through a switch as they are."""

    def __init__(self, instruments: Instruments, now: Callable[[], Awaitable[Tai]]) -> None:
        """``now``: reads the facility's clock."""
        self._instruments = instruments
        self._now = now
        self._moved: dict[str, tuple[int, Tai]] = {}
        """By switch: over which connection it was set last, and from when light gets through."""

    async def lead(self, routes: SwitchRoutes) -> None:
        """Lead light along these routes, and return once it gets through.

        Raises ``InstrumentError``: ``Refused`` where one is not in hand or the clock stands.
        """
        await gather(*(self._lead(name, one) for name, one in routes.items()))

    async def _lead(self, name: str, wanted: Mapping[int, int]) -> None:
        worker = self._instruments.worker(name, "OpticalSwitch")
        there: dict[int, int] = await worker.call("routes", lambda box: box.routes(), ROUTE_S)
        if any(there.get(input_) != output for input_, output in wanted.items()):
            taken = set(wanted.values())
            kept = {input_: output for input_, output in there.items() if output not in taken}
            self._moved.pop(name, None)
            await self._set(name, worker, kept | dict(wanted))
        elif self._moved.get(name, (None,))[0] != worker.health.connections:
            # Nobody here knows when its mirrors began to move: it may have been just now.
            await self._note(name, worker)
        await self._settled(name)

    async def _set(self, name: str, worker: AnyWorker, routes: dict[int, int]) -> None:
        said = ", ".join(f"in{one} to out{other}" for one, other in sorted(routes.items()))
        await worker.call(f"lead {said}", lambda box: box.set_routes(routes), ROUTE_S)
        await self._note(name, worker)

    async def _note(self, name: str, worker: AnyWorker) -> None:
        """Note that its mirrors may have begun to move by now."""
        settle_s: float = await worker.call("settling", lambda box: box.settle_s, ROUTE_S)
        now = await self._now()
        until = Tai.from_fs(now.total_fs + round(settle_s * FS_PER_S))
        self._moved[name] = worker.health.connections, until

    async def _settled(self, name: str) -> None:
        """Wait until the facility's clock says that mirrors stand."""
        until = self._moved[name][1]
        for _ in range(LOOKS):
            if await self._now() >= until:
                return
            await asyncio.sleep(LOOK_S)
        raise Refused(
            f"{name}: its mirrors move until {until}, and in {LOOKS} looks the clock did not come "
            "to that: it stands"
        )
