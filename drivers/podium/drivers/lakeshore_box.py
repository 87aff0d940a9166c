"""Confirms commands and finds heaters by name: shared by the drivers of all Lake Shore boxes."""

from collections.abc import Mapping
from enum import IntFlag

from podium.drivers.channel_readings import Missing, Value
from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.over_visa import OverVisa


class LakeShoreBox(OverVisa):
    """A box that reports wrong commands in its event register and has named heaters."""

    _outputs: Mapping[str, int]
    """Output by the name of its heater."""

    def tell(self, message: str) -> None:
        """Send a command; return once the event register has nothing against it."""
        self._session.ask("*ESR?")  # of others, before
        self._session.write(message)
        event = self._session.ask("*ESR?")
        if event.strip("0"):
            raise Refused(f"{self._session.name} was asked {message!r}: its *ESR? says {event}")

    def _temperature(
        self, where: str, status: object, kelvin: object, bits: type[IntFlag]
    ) -> Value | Missing:
        """Return what ``RDGST?`` and ``KRDG?`` of an input say: its temperature, K, or none."""
        if not isinstance(status, int):
            raise self._nonsense(f"RDGST? {where}", f"{status}")
        if status:
            return Missing("K", "it says " + str(bits(status).name).replace("|", ", "))
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
