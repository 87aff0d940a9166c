"""Driver of the SRS SG384 RF source, over QCoDeS."""

from qcodes.instrument_drivers.stanford_research import SG384

from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.over_visa import OverVisa
from podium.drivers.roles import Tone
from podium.drivers.tone_range import check_range
from podium.drivers.visa_session import ChecksIdentity, VisaSession
from podium.firmware_interfaces import srs_sg384 as box
from podium.firmware_interfaces.built_in_models.microwave_sources import SRS_SG384

SETTINGS = {
    "frequency_hz": "FREQ?",
    "power_dbm": "AMPR?",
    "output": "ENBR?",
    "phase_deg": "PHAS?",
    "modulation": "MODL?",
}
"""What a snapshot holds: of the type N connector."""


class _Identified(ChecksIdentity, SG384):
    """The QCoDeS driver, for such a box and no other."""

    model = SRS_SG384


class SrsSg384(OverVisa):
    """A MicrowaveSource at its type N connector; its I/Q inputs are not used."""

    def __init__(self, name: str, visa: str) -> None:
        """Connect by reading; the tone stays as it is."""
        self._session = VisaSession(name, visa, _Identified)

    def tell(self, message: str) -> None:
        """Send a command; return once it has no error of it."""
        self._errors()  # of others, before
        self._session.write(message)
        errors = self._errors()
        if errors:
            raise Refused(f"{self._session.name} was asked {message!r}: LERR? {', '.join(errors)}")

    def snapshot(self) -> dict[str, object]:
        """Return its settings, in one round trip."""
        return self._session.ask_all(SETTINGS)

    def set_tone(self, frequency_hz: float, power_dbm: float, modulated: bool) -> None:
        """Set the tone; whether it leaves the connector is unchanged.

        Raises :class:`Refused` for a modulated tone and for what is out of range; then nothing
        has changed.
        """
        name = self._session.name
        if modulated:
            raise Refused(f"{name}: its I/Q modulation inputs are not used")
        check_range(
            name, "frequency", frequency_hz, box.FREQUENCY_MIN_HZ, box.FREQUENCY_MAX_HZ, "Hz"
        )
        check_range(name, "power", power_dbm, box.POWER_MIN_DBM, box.POWER_MAX_DBM, "dBm")
        self.tell(f"FREQ {frequency_hz:.3f};AMPR {power_dbm:.2f}")

    def tone(self) -> Tone:
        """Return the tone as read from the instrument, in one round trip."""
        found = self._session.ask_all(SETTINGS)
        with self._session.talking("for its tone"):
            return Tone(
                frequency_hz=float(str(found["frequency_hz"])),
                power_dbm=float(str(found["power_dbm"])),
                modulated={"0": False, "1": True}[str(found["modulation"])],
                on={"0": False, "1": True}[str(found["output"])],
            )

    def output(self, on: bool) -> None:
        """Switch the output; return once the instrument has confirmed."""
        self.tell(f"ENBR {int(on)}")
        if self.tone().on != on:
            raise Refused(f"{self._session.name} was to switch its output; it did not")

    def safe(self) -> None:
        """Switch the output off."""
        self.output(on=False)

    def _errors(self) -> list[str]:
        found: list[str] = []
        for _ in range(box.ERRORS_MAX + 1):
            said = self._session.ask("LERR?")
            if said == str(box.NO_ERROR):
                return found
            found.append(said)
        raise ProtocolError(f"{self._session.name}: its errors never end, it says {found[-1]}")
