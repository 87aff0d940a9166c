"""Reads inputs and heaters by name and confirms commands: shared by all Lake Shore boxes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import IntFlag

from podium.drivers.channel_readings import ChannelReadings, Missing, Value
from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.over_visa import OverVisa


class LakeShoreBox(OverVisa, ABC):
    """A box that reports wrong commands in its event register and has named inputs and heaters."""

    _inputs: Mapping[str, int | str]
    """Input by the name of its channel."""
    _outputs: Mapping[str, int]
    """Output by the name of its heater."""
    _status_bits: type[IntFlag]
    """Of the answer to RDGST?."""

    def readings(self) -> Mapping[str, Value]:
        """Return valid temperatures of named inputs, K, and powers of named heaters, W."""
        return self.read_channels().values

    def read_channels(self) -> ChannelReadings:
        """Return the channels, those without a valid reading too, in one round trip."""
        queries = {
            f"{mnemonic} {channel}": f"{mnemonic} {where}"
            for channel, where in self._inputs.items()
            for mnemonic in ("RDGST?", "KRDG?")
        }
        for heater, output in self._outputs.items():
            for mnemonic in self._power_queries(output):
                queries[f"{mnemonic} {heater}"] = f"{mnemonic} {output}"
        said = self._session.ask_all(queries) if queries else {}
        found: dict[str, Value | Missing] = {
            channel: self._temperature(where, said[f"RDGST? {channel}"], said[f"KRDG? {channel}"])
            for channel, where in self._inputs.items()
        }
        for heater, output in self._outputs.items():
            answers = {one: said[f"{one} {heater}"] for one in self._power_queries(output)}
            found[f"heater.{heater}"] = self._power_w(output, answers), "W"
        return ChannelReadings.of(found)

    def heater_power_w(self, heater: str) -> float:
        """Return the power that is delivered, W: of a voltage output into an assumed load."""
        output = self._output(heater)
        queries = {one: f"{one} {output}" for one in self._power_queries(output)}
        return self._power_w(output, self._session.ask_all(queries))

    @abstractmethod
    def _power_queries(self, output: int) -> tuple[str, ...]:
        """Return what tells the power of an output."""

    @abstractmethod
    def _power_w(self, output: int, said: Mapping[str, object]) -> float:
        """Return the power that the answers mean, W."""

    def tell(self, message: str) -> None:
        """Send a command; return once the event register has nothing against it."""
        self._session.ask("*ESR?")  # of others, before
        self._session.write(message)
        event = self._session.ask("*ESR?")
        if event.strip("0"):
            raise Refused(f"{self._session.name} was asked {message!r}: its *ESR? says {event}")

    def _temperature(self, where: int | str, status: object, kelvin: object) -> Value | Missing:
        """Return what ``RDGST?`` and ``KRDG?`` of an input say: its temperature, K, or none."""
        if not isinstance(status, int):
            raise self._nonsense(f"RDGST? {where}", f"{status}")
        if status:
            return Missing("K", "it says " + str(self._status_bits(status).name).replace("|", ", "))
        if not isinstance(kelvin, int | float) or not kelvin > 0:
            return Missing("K", f"it says {kelvin} K")
        return float(kelvin), "K"

    def _output(self, heater: str) -> int:
        if heater not in self._outputs:
            known = ", ".join(sorted(self._outputs)) or "none"
            raise Refused(f"{self._session.name} has no heater {heater!r}; it has {known}")
        return self._outputs[heater]

    def _number(self, query: str) -> float:
        said = self._session.ask(query)
        try:
            return float(said)
        except ValueError as error:
            raise self._nonsense(query, said) from error

    def _nonsense(self, asked: str, said: str) -> ProtocolError:
        self.close()
        return ProtocolError(f"{self._session.name} was asked {asked} and said {said!r}")
