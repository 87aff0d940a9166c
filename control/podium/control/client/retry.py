"""Retries a run once that was lost with its agent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podium.control.bus.mixers import MixerFound
from podium.control.client.lab import Lab
from podium.control.client.readiness import SETTLED
from podium.control.facility.facility import Facility
from podium.control.program.program import Program
from podium.control.runs.errors import RunFailed, RunRefused
from podium.firmware_interfaces.tai import Tai

if TYPE_CHECKING:
    import xarray

BACK_S = 20.0
"""Whoever was lost is waited for so long."""


@dataclass(slots=True, eq=False)
class RetryingRunner:
    """A ``Runner``. What is lost is noted in ``lost``, with the reason."""

    lab: Lab
    lost: list[str]

    @property
    def facility(self) -> Facility:
        """Return the checked facility file."""
        return self.lab.facility

    async def run(self, program: Program) -> "xarray.Dataset":
        """Run ``program``, once more where it was lost and all instruments are there again."""
        try:
            return await self.lab.run(program)
        except RunRefused:
            raise
        except RunFailed as error:
            if not await self._all_there():
                raise
            self.lost.append(str(error))
        return await self.lab.run(program)

    async def bias(self, volts: Mapping[str, float]) -> None:
        """Ramp flux ports to these levels, V."""
        await self.lab.bias(volts)

    async def calibrate_mixers(self, ports: Sequence[str]) -> Mapping[str, MixerFound]:
        """Let instruments calibrate the mixers of these ports' outputs."""
        return await self.lab.calibrate_mixers(ports)

    async def read(self, instrument: str, channel: str) -> float:
        """Return a reading in SI."""
        return await self.lab.read(instrument, channel)

    async def now(self) -> Tai:
        """Return TAI as the facility's clock tells it."""
        return await self.lab.now()

    async def _all_there(self) -> bool:
        try:
            status = await self.lab.ready(BACK_S)
        except RunFailed:
            return False
        instruments = [one for agent in status.agents for one in agent.instruments]
        return not status.missing and all(one.state in SETTLED for one in instruments)
