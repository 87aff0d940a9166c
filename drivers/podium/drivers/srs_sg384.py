"""Driver of the SRS SG384 RF source, over QCoDeS."""

from qcodes.instrument_drivers.stanford_research import SG384

from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.unmodulated_source import UnmodulatedSource
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


class SrsSg384(UnmodulatedSource):
    """A MicrowaveSource at its type N connector; its I/Q inputs are not used."""

    HZ = (box.FREQUENCY_MIN_HZ, box.FREQUENCY_MAX_HZ)
    DBM = (box.POWER_MIN_DBM, box.POWER_MAX_DBM)
    QUERIES = SETTINGS
    TONE = "FREQ {hz:.3f};AMPR {dbm:.2f}"
    OUTPUT = "ENBR {on}"
    NOT_MODULATED = ": its I/Q modulation inputs are not used"

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

    def _errors(self) -> list[str]:
        found: list[str] = []
        for _ in range(box.ERRORS_MAX + 1):
            said = self._session.ask("LERR?")
            if said == str(box.NO_ERROR):
                return found
            found.append(said)
        raise ProtocolError(f"{self._session.name}: its errors never end, it says {found[-1]}")
