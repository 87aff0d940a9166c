"""A MicrowaveSource made of parameters."""

from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.qcodes_any.parameter import RoleParameter, Session
from podium.drivers.roles import Tone
from podium.firmware_interfaces.qcodes_any import MicrowaveMapping


class MicrowaveParameters:
    """One tone."""

    def __init__(self, session: Session, mapping: MicrowaveMapping) -> None:
        self._name = session.name
        self._mapping = mapping
        self._frequency = RoleParameter(session, mapping.frequency, "Hz")
        self._power = RoleParameter(session, mapping.power, "dBm")
        self._output = RoleParameter(session, mapping.output)
        modulated = mapping.modulated
        self._modulated = None if modulated is None else RoleParameter(session, modulated)

    def set_tone(self, frequency_hz: float, power_dbm: float, modulated: bool) -> None:
        """Set the tone, all of it checked before any of it is sent."""
        may = self._mapping
        if not may.lowest_hz <= frequency_hz <= may.highest_hz:
            raise Refused(
                f"{self._name} was asked for {frequency_hz} Hz; its entry in the facility file "
                f"allows {may.lowest_hz} Hz to {may.highest_hz} Hz"
            )
        if not power_dbm <= may.limit_dbm:
            raise Refused(
                f"{self._name} was asked for {power_dbm} dBm; its entry in the facility file "
                f"allows {may.limit_dbm} dBm at most"
            )
        if modulated and self._modulated is None:
            raise Refused(
                f"{self._name}: its entry in the facility file names no parameter 'modulated'"
            )
        self._frequency.put_number(frequency_hz)
        self._power.put_number(power_dbm)
        if self._modulated is not None:
            self._modulated.switch(modulated)

    def tone(self) -> Tone:
        """Return the tone as read from the instrument."""
        modulated = self._modulated is not None and self._modulated.is_on()
        return Tone(self._frequency.number(), self._power.number(), modulated, self._output.is_on())

    def output(self, on: bool) -> None:
        """Switch the output; return once it reads so."""
        self._output.switch(on)
        if self._output.is_on() is not on:
            asked, is_now = ("on", "off") if on else ("off", "on")
            raise ProtocolError(f"{self._name} was switched {asked} and says that it is {is_now}")
