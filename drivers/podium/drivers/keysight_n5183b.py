"""Driver of the Keysight N5183B microwave source, over QCoDeS."""

from qcodes.instrument_drivers.Keysight import KeysightN5183B as QCoDeSDriver

from podium.drivers.errors import Refused
from podium.drivers.over_visa import OverVisa
from podium.drivers.roles import Examination, Tone
from podium.drivers.tone_range import check_range
from podium.drivers.visa_session import ChecksIdentity, VisaSession
from podium.firmware_interfaces import keysight_n5183b as box
from podium.firmware_interfaces.built_in_models.microwave_sources import KEYSIGHT_N5183B

SETTINGS = {
    "frequency_hz": ":SOUR:FREQ?",
    "power_dbm": ":SOUR:POW?",
    "phase_rad": ":SOUR:PHAS?",
    "output": ":OUTP:STAT?",
    "reference_auto": ":SOUR:ROSC:SOUR:AUTO?",
}


class _Identified(ChecksIdentity, QCoDeSDriver):
    """The QCoDeS driver, for such a box and no other."""

    model = KEYSIGHT_N5183B


class KeysightN5183B(OverVisa):
    """A MicrowaveSource without I/Q modulation inputs, as the pump of an amplifier."""

    def __init__(self, name: str, visa: str) -> None:
        """Connect by reading; the tone stays as it is."""
        self._session = VisaSession(name, visa, _Identified)

    def examine(self) -> Examination:
        """Return the options that are fitted and where its reference frequency comes from."""
        source = self._session.ask(":SOUR:ROSC:SOUR?")
        words = {"INT": "internal", "EXT": "external"}
        return Examination(
            options=self._session.options(), reference=words.get(source.upper()[:3], source)
        )

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
            raise Refused(f"{name} has no I/Q modulation inputs")
        check_range(
            name, "frequency", frequency_hz, box.FREQUENCY_MIN_HZ, box.FREQUENCY_MAX_HZ, "Hz"
        )
        check_range(name, "power", power_dbm, box.POWER_MIN_DBM, box.POWER_MAX_DBM, "dBm")
        self.tell(f":SOUR:FREQ {frequency_hz:.2f} HZ;:SOUR:POW {power_dbm:.2f} DBM")

    def tone(self) -> Tone:
        """Return the tone as read from the instrument, in one round trip."""
        found = self._session.ask_all(SETTINGS)
        with self._session.talking("for its tone"):
            return Tone(
                frequency_hz=float(str(found["frequency_hz"])),
                power_dbm=float(str(found["power_dbm"])),
                modulated=False,
                on={"0": False, "1": True}[str(found["output"])],
            )

    def output(self, on: bool) -> None:
        """Switch the output; return once the instrument has confirmed."""
        self.tell(f":OUTP:STAT {int(on)}")
        if self.tone().on != on:
            raise Refused(f"{self._session.name} was to switch its output; it did not")

    def safe(self) -> None:
        """Switch the output off."""
        self.output(on=False)
