"""Has boxes calibrate the mixers of their outputs, and keeps the settings."""

from collections.abc import Sequence
from dataclasses import astuple

from podium.control.agent.instruments import AnyWorker, Instruments
from podium.control.bus.mixers import MixerFound, MixersCalibrated
from podium.control.facility.facility import Facility
from podium.control.facility.mixers import ROLE, MixerPort, mixer_port
from podium.drivers.errors import Refused
from podium.drivers.roles import CalibratesMixers, MixerSettings

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
        """Calibrate the outputs of ``ports``, one after the other; raises ``InstrumentError``.

        All ports are checked before any is calibrated.
        """
        wanted = [self._checked(facility, port) for port in ports]
        found: dict[str, MixerFound] = {}
        for worker, port in wanted:
            settings = await self._calibrate(worker, port)
            found[str(port.output)] = MixerFound(*astuple(settings))
        return MixersCalibrated(found)

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

    async def _calibrate(self, worker: AnyWorker, port: MixerPort) -> MixerSettings:
        channel = port.output.channel
        await self.hold(worker.name)
        settings: MixerSettings = await worker.call(
            f"calibrate the mixer of {channel}",
            lambda box: box.calibrate_mixer(
                channel, port.lo_hz, port.attenuation_db, port.intermediate_hz
            ),
            CALIBRATE_S,
        )
        self._found.setdefault(worker.name, {})[channel] = settings
        self._held[worker.name] = worker.health.connections
        return settings
