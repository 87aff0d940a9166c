"""Has boxes calibrate the mixers of their outputs, and keeps the settings."""

from collections.abc import Sequence
from dataclasses import astuple

from podium.control.agent.instruments import AnyWorker, Instruments
from podium.control.bus.gather import gather
from podium.control.bus.mixers import MixerFound, MixersCalibrated
from podium.control.facility.facility import Facility
from podium.control.facility.mixers import ROLE, MixerPort, mixer_port
from podium.drivers.errors import Refused
from podium.drivers.roles import CalibratesMixers, MixerSettings, MixerTone

CALIBRATE_S = 60.0
"""Deadline for one output."""
HOLD_S = 15.0


class Mixers:
    """Has mixers calibrated, and sets what was found again where an instrument was lost since.

    What was found dies with the agent; the instruments keep what they are set to.
    """

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments
        self._found: dict[str, dict[str, MixerSettings]] = {}
        """By instrument and channel."""
        self._held: dict[str, int] = {}
        """Number of the connection in which an instrument was set so."""

    async def calibrate(self, facility: Facility, ports: Sequence[str]) -> MixersCalibrated:
        """Calibrate the outputs of ``ports``, of all instruments at once.

        All ports are checked before any is calibrated. Raises ``InstrumentError``.
        """
        wanted: dict[str, tuple[AnyWorker, list[MixerPort]]] = {}
        for port in ports:
            worker, found = self._checked(facility, port)
            wanted.setdefault(worker.name, (worker, []))[1].append(found)
        parts = await gather(*(self._calibrate(*one) for one in wanted.values()))
        return MixersCalibrated({name: one for part in parts for name, one in part.items()})

    async def hold(self, name: str) -> None:
        """Set what was found on an instrument that was connected anew since."""
        if name not in self._found:
            return
        worker = self._instruments.worker(name, ROLE)
        if self._held.get(name) == worker.health.connections:
            return
        found = dict(self._found[name])

        def hold(box: CalibratesMixers) -> None:
            for channel, settings in found.items():
                box.hold_mixer(channel, settings)

        await worker.call(f"set the mixers of {', '.join(found)}", hold, HOLD_S)
        self._held[name] = worker.health.connections

    def _checked(self, facility: Facility, port: str) -> tuple[AnyWorker, MixerPort]:
        found = mixer_port(facility, port)
        if found is None:
            raise Refused(f"{port}: the instrument at its output calibrates no mixer")
        return self._instruments.worker(found.output.instrument, ROLE), found

    async def _calibrate(
        self, worker: AnyWorker, ports: Sequence[MixerPort]
    ) -> dict[str, MixerFound]:
        await self.hold(worker.name)
        tones = [
            MixerTone(one.output.channel, one.lo_hz, one.attenuation_db, one.intermediate_hz)
            for one in ports
        ]
        found: list[MixerSettings] = await worker.call(
            f"calibrate the mixers of {', '.join(tone.channel for tone in tones)}",
            lambda box: box.calibrate_mixers(tones),
            CALIBRATE_S * len(tones),
        )
        told = {tone.channel: one for tone, one in zip(tones, found, strict=True)}
        self._found.setdefault(worker.name, {}).update(told)
        self._held[worker.name] = worker.health.connections
        return {str(port.output): MixerFound(*astuple(told[port.output.channel])) for port in ports}
