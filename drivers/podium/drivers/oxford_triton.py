"""Driver of the Oxford Triton, by its control computer's grammar.

QCoDeS has a driver; it is the referee. Its socket takes the first segment for the whole answer
and names no box, so ours speaks the grammar itself.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Self

from podium.drivers.byte_stream import ByteStream
from podium.drivers.channel_readings import ChannelReadings, Missing, Value
from podium.drivers.errors import Refused
from podium.drivers.oxford_line import OxfordLine, rehearsed_line
from podium.drivers.rehearsed_stream import Note
from podium.drivers.roles import Identity
from podium.firmware_interfaces import oxford_triton as box

SETTINGS = ("MODE", "TSET", "P", "I", "D", "RANGE", "RAMP:ENAB", "RAMP:RATE")


class OxfordTriton:
    """A Thermometer and a Heater, with pressures, pumps and valves to be read."""

    def __init__(
        self, name: str, host: str, ports: Mapping[str, int], channels: Mapping[int, str]
    ) -> None:
        """Connect by asking who it is; ``channels`` names thermometers 1 to 16."""
        stream = ByteStream(name, host, ports["control"])
        self._begin(OxfordLine(name, stream, box.IDENTITY), channels)

    @classmethod
    def rehearse(cls, name: str, note: Note, channels: Mapping[int, str]) -> Self:
        """Return a driver of no Triton; what it would set is noted."""
        driver = cls.__new__(cls)
        driver._begin(rehearsed_line(name, note, box.IDENTITY), channels)
        return driver

    def _begin(self, line: OxfordLine, channels: Mapping[int, str]) -> None:
        self._line = line
        self._channels = {channel: number for number, channel in channels.items()}
        self._heaters = {heater: device for device, heater in box.HEATERS.items()}

    def identity(self) -> Identity:
        """Return who answers."""
        return self._line.identity()

    def snapshot(self) -> dict[str, object]:
        """Return what it is doing, and the loop, if it is the mixing chamber's."""
        found: dict[str, object] = {"action": self._line.read("SYS:DR:ACTN")}
        for channel, number in self._channels.items():
            found[f"{channel}.enabled"] = self._line.read(f"DEV:T{number}:TEMP:MEAS:ENAB")
        if "mixing_chamber" in self._channels:
            loop = f"DEV:T{self._channels['mixing_chamber']}:TEMP:LOOP"
            with suppress(Refused):  # NOT_FOUND: another thermometer has it
                for setting in SETTINGS:
                    found[f"loop.{setting}"] = self._line.read(f"{loop}:{setting}")
        return found

    def readings(self) -> Mapping[str, Value]:
        """Return temperatures (K), pressures (Pa) and powers of heaters (W) that are valid."""
        return self.read_channels().values

    def read_channels(self) -> ChannelReadings:
        """Return all of them, each with its own question; missing where there is no number.

        Pressures are named as of any fridge (``p1`` the vacuum can), not by the Triton's numbers.
        """
        found: dict[str, Value | Missing] = {
            channel: self._kelvin(number) for channel, number in self._channels.items()
        }
        for number in box.PRESSURES:
            name = box.GAUGES.get(f"P{number}", box.FORELINE)
            found[name] = self._value(f"DEV:P{number}:PRES:SIG:PRES", "mB", 100.0, "Pa")
        for heater, device in self._heaters.items():
            found[f"heater.{heater}"] = self._value(f"DEV:{device}:HTR:SIG:POWR", "W", 1.0, "W")
        return ChannelReadings.of(found)

    def _kelvin(self, number: int) -> Value | Missing:
        read = self._value(f"DEV:T{number}:TEMP:SIG:TEMP", "K", 1.0, "K")
        if not isinstance(read, Missing) and not read[0] > 0:
            return Missing("K", f"it says {read[0]} K; is the thermometer enabled?")
        return read

    def _value(self, noun: str, shown: str, factor: float, unit: str) -> Value | Missing:
        """Return what a noun says in ``shown``, times ``factor``; missing if it has none."""
        try:
            return factor * self._line.number(noun, shown), unit
        except Refused as error:
            return Missing(unit, str(error))

    def temperature_k(self, channel: str) -> float:
        """Return a temperature, K; :class:`Refused` for what has no name or reads nothing."""
        if channel not in self._channels:
            known = ", ".join(sorted(self._channels)) or "none"
            raise Refused(f"{self._line.name} has no channel {channel!r}; it has {known}")
        number = self._channels[channel]
        read = self._kelvin(number)
        if isinstance(read, Missing):
            raise Refused(
                f"{self._line.name} has no valid reading of {channel} (T{number}): {read.why}"
            )
        return read[0]

    def heater_power_w(self, heater: str) -> float:
        """Return the power that is delivered, W."""
        return self._line.number(f"DEV:{self._device(heater)}:HTR:SIG:POWR", "W")

    def heat(self, heater: str, power_w: float) -> None:
        """Deliver a power; refused while the loop regulates that heater."""
        self._line.set(f"DEV:{self._device(heater)}:HTR:SIG:POWR", f"{1e6 * power_w:.6g}")

    def ask(self, message: str) -> str:
        """Send a line and return its answer."""
        return self._line.ask(message)

    def tell(self, message: str) -> None:
        """Send a line; return once it has not been refused."""
        self._line.tell(message)

    def close(self) -> None:
        """Close the connection; what goes on goes on."""
        self._line.close()

    def _device(self, heater: str) -> str:
        if heater not in self._heaters:
            known = ", ".join(sorted(self._heaters))
            raise Refused(f"{self._line.name} has no heater {heater!r}; it has {known}")
        return self._heaters[heater]
