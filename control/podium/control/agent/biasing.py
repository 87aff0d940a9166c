"""Flux biases: within the facility's limits, always in ramps, one after the other on one box."""

import asyncio
from collections.abc import Mapping

from podium.control.agent.instruments import AnyWorker, Instruments
from podium.control.bus.together import together
from podium.control.facility.facility import Facility, FluxWiring, UnknownPort
from podium.drivers.errors import InstrumentError, Refused

READ_S = 10.0
"""Deadline for reading a level."""
RAMP_ALLOWANCE_S = 60.0
"""A ramp may take this much longer than distance over slew."""
HOLD_S = 5.0
"""Deadline for stopping a ramp where it is."""


class Biasing:
    """Moves the biases of one agent's sources."""

    def __init__(self, facility: Facility, instruments: Instruments) -> None:
        self._facility = facility
        self._instruments = instruments
        self._there: dict[str, tuple[int, float]] = {}

    async def move(self, volts: Mapping[str, float]) -> None:
        """Ramp flux ports to these levels; returns once all are read back there.

        All are checked before any moves: ``Refused`` means that nothing moved. If a ramp
        fails or the caller is cancelled, the sources hold where they are.
        """
        by_instrument: dict[str, list[tuple[FluxWiring, float]]] = {}
        for port, level_v in volts.items():
            wiring = self._checked(port, level_v)
            by_instrument.setdefault(wiring.source.instrument, []).append((wiring, level_v))
        await together(
            *(
                self._on_one_source(self._instruments.worker(name, "FluxSource"), moves)
                for name, moves in by_instrument.items()
            )
        )

    def _checked(self, port: str, level_v: float) -> FluxWiring:
        try:
            wiring = self._facility.flux_wiring(port)
        except UnknownPort as error:
            raise Refused(str(error)) from error
        self._instruments.worker(wiring.source.instrument, "FluxSource")
        if not abs(level_v) <= wiring.limit_v:
            raise Refused(
                f"{port}: {level_v} V asked of {wiring.source}, "
                f"the facility file allows -{wiring.limit_v} ... {wiring.limit_v} V"
            )
        return wiring

    async def _on_one_source(
        self, worker: AnyWorker, moves: list[tuple[FluxWiring, float]]
    ) -> None:
        for wiring, level_v in moves:
            held = (worker.health.connections, level_v)
            if self._there.get(wiring.port) == held and worker.health.state == "connected":
                continue
            self._there.pop(wiring.port, None)
            await self._ramp(worker, wiring, level_v)
            self._there[wiring.port] = (worker.health.connections, level_v)

    async def _ramp(self, worker: AnyWorker, wiring: FluxWiring, level_v: float) -> None:
        channel, slew = wiring.source.channel, wiring.slew_v_per_s
        now_v = await worker.call(
            f"level of {wiring.source}", lambda source: source.level_v(channel), READ_S
        )
        try:
            await worker.call(
                f"ramp {wiring.source} from {now_v} V to {level_v} V",
                lambda source: source.ramp_v(channel, level_v, slew),
                abs(level_v - now_v) / slew + RAMP_ALLOWANCE_S,
            )
        except BaseException:
            await asyncio.shield(self._hold(worker, wiring))
            raise

    async def _hold(self, worker: AnyWorker, wiring: FluxWiring) -> None:
        if "PulseSequencer" in self._instruments.model(worker.name).roles:
            return  # its staircase ends with the call; its ``safe`` would stop sequencers
        try:
            async with asyncio.timeout(HOLD_S):
                await worker.connected()
                await worker.call(f"hold {wiring.source}", lambda source: source.safe(), HOLD_S)
        except (TimeoutError, InstrumentError):
            return  # it cannot be reached: what made the ramp fail is reported
