"""Driver of the Lake Shore 372 AC resistance bridge, over QCoDeS."""

from collections.abc import Mapping

from qcodes.instrument_drivers.Lakeshore import LakeshoreModel372

from podium.drivers.errors import Refused
from podium.drivers.over_visa import OverVisa
from podium.drivers.visa_session import ChecksIdentity, VisaSession
from podium.firmware_interfaces.models import LAKESHORE_372

VALID = "OK"  # QCoDeS, LakeshoreModel372Channel.SENSOR_STATUSES
SETTINGS = {"input": "INSET?", "range": "INTYPE?", "filter": "FILTER?"}
"""What a snapshot holds of each input: enabled, dwell, pause, curve; excitation, range; filter."""


class _CheckedDriver(ChecksIdentity, LakeshoreModel372):
    """The QCoDeS driver, for such a box and no other."""

    model = LAKESHORE_372


class LakeShore372(OverVisa):
    """A Thermometer. Nothing is ever set: what is scanned and how is the fridge's own matter."""

    def __init__(self, name: str, visa: str, channels: Mapping[int, str]) -> None:
        """Connect by reading; ``channels`` names measurement inputs, e.g. ``{6: "mixing"}``."""
        self._inputs = {channel: number for number, channel in channels.items()}
        self._session = VisaSession(name, visa, _CheckedDriver)

    def tell(self, message: str) -> None:
        """Send a command; return once the event register has nothing against it."""
        self._session.ask("*ESR?")  # of others, before
        self._session.write(message)
        event = self._session.ask("*ESR?")
        if event.strip("0"):
            raise Refused(f"{self._session.name} was asked {message!r}: its *ESR? says {event}")

    def snapshot(self) -> dict[str, object]:
        """Return the settings of the named inputs, in one round trip."""
        queries = {
            f"{channel}.{setting}": f"{mnemonic} {number}"
            for channel, number in self._inputs.items()
            for setting, mnemonic in SETTINGS.items()
        }
        return self._session.ask_all(queries) if queries else {}

    def readings(self) -> dict[str, tuple[float, str]]:
        """Return the temperatures of the named inputs, K, in one round trip; 0 where invalid."""
        queries = {channel: f"KRDG? {number}" for channel, number in self._inputs.items()}
        found = self._session.ask_all(queries) if queries else {}
        return {name: (value, "K") for name, value in found.items() if isinstance(value, float)}

    def temperature_k(self, channel: str) -> float:
        """Return the last reading of ``channel``, at most one round of the scanner old, in K.

        Raises :class:`Refused` for a channel without a name here or without a valid reading.
        """
        name = self._session.name
        if channel not in self._inputs:
            known = ", ".join(sorted(self._inputs)) or "none"
            raise Refused(f"{name} has no channel {channel!r}; it has {known}")
        number = self._inputs[channel]
        with self._session.talking(f"for the temperature of {channel} (input {number})"):
            sensor = self._session.instrument.channels[number - 1]
            temperature_k = float(sensor.temperature())
            status = str(sensor.sensor_status())
        if status != VALID or temperature_k <= 0:
            said = status if status != VALID else f"{temperature_k} K"
            raise Refused(
                f"{name} has no valid reading of {channel} (input {number}): it says {said}; "
                "is the input enabled, its curve set, its range wide enough?"
            )
        return temperature_k
