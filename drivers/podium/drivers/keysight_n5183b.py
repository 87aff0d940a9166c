"""Driver of the Keysight N5183B microwave source, over QCoDeS."""

from qcodes.instrument_drivers.Keysight import KeysightN5183B as QCoDeSDriver

from podium.drivers.roles import Examination
from podium.drivers.unmodulated_source import UnmodulatedSource
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


class KeysightN5183B(UnmodulatedSource):
    """A MicrowaveSource without I/Q modulation inputs, as the pump of an amplifier."""

    HZ = (box.FREQUENCY_MIN_HZ, box.FREQUENCY_MAX_HZ)
    DBM = (box.POWER_MIN_DBM, box.POWER_MAX_DBM)
    QUERIES = SETTINGS
    TONE = ":SOUR:FREQ {hz:.2f} HZ;:SOUR:POW {dbm:.2f} DBM"
    OUTPUT = ":OUTP:STAT {on}"
    NOT_MODULATED = " has no I/Q modulation inputs"

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
