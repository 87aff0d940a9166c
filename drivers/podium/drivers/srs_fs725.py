"""Driver of the SRS FS725 rubidium standard, over a serial line or a terminal server's socket."""

from typing import Any

from pyvisa.constants import ControlFlow
from pyvisa.resources import SerialInstrument
from qcodes.instrument import VisaInstrument

from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.manual_access import Plain
from podium.drivers.roles import Examination, Identity, TimingStatus
from podium.drivers.visa_session import VisaSession
from podium.firmware_interfaces import srs_fs725 as box

KELVIN = 273.15
REHEARSAL = {"ST": "0,0,0,0,1,0", "ID": "PRS10_3.24_SN_0", "LO": "1", "TT": "-1"}
IGNORED = (
    *(0, 0, 0, 0),
    # No pulse a second is connected, as a rule: that is no complaint.
    box.PULSE_LOCK_DISABLED | box.FEW_PULSES | 1 << 2 | box.NO_PULSE,
    0,
)
"""Status bits that complain of nothing."""
SETTINGS = {
    "frequency_offset": "SF",
    "gain": "GA",
    "lock_pin": "LM",
    "magnetic_offset": "MO",
    "pulse_lock": "PL",
    "time_constant": "PT",
}
"""What a snapshot holds, by command."""


class _Rubidium(VisaInstrument):
    """The least that QCoDeS needs to know of it; nobody else has written a driver."""

    def __init__(self, name: str, address: str, **options: Any) -> None:
        super().__init__(name, address, terminator="\r", timeout=box.LATE_S + 1, **options)
        if isinstance(self.visa_handle, SerialInstrument):
            self.visa_handle.baud_rate = box.BAUD
            self.visa_handle.flow_control = ControlFlow.xon_xoff
        for parameter, word in SETTINGS.items():
            self.add_parameter(parameter, get_cmd=f"{word}?", set_cmd=f"{word}{{}}", get_parser=int)
        self.add_parameter("locked", get_cmd="LO?", get_parser=lambda text: bool(int(text)))

    def connect_message(self, idn_param: str = "IDN", begin_time: float | None = None) -> None:
        """Print nothing."""


class SrsFs725:
    """A TimingPlane: the 10 MHz that all others follow. Its status bytes are cleared by reading."""

    def __init__(self, name: str, visa: str) -> None:
        """Connect by asking who it is."""
        self._session = VisaSession(name, visa, _Rubidium)
        self.identity()

    # --- as any instrument ------------------------------------------------------------

    def identity(self) -> Identity:
        """Return who answers."""
        said = self._session.ask("ID?")
        words = said.split("_")
        if len(words) != 4 or words[0] != "PRS10" or words[2] != "SN":
            self.close()
            raise ProtocolError(f"{self._session.name} was asked ID? and said {said!r}")
        return Identity("SRS", "FS725", serial=words[3], firmware=words[1])

    def snapshot(self) -> dict[str, object]:
        """Return its settings."""
        return {name: self._number(f"{word}?") for name, word in SETTINGS.items()}

    def examine(self) -> Examination:
        """Return what its status bytes say was wrong since they were read last."""
        return Examination(reference="internal", complaints=self._complaints())

    def readings(self) -> dict[str, tuple[float, str]]:
        """Return the temperature of its case."""
        said = self._session.ask(f"AD{box.CASE_CHANNEL}?")
        try:
            return {"case_temperature": (float(said) * box.CASE_SCALE_C + KELVIN, "K")}
        except ValueError as error:
            raise self._nonsense(f"AD{box.CASE_CHANNEL}?", said) from error

    def ask(self, message: str) -> str:
        """Send a query and return the reply."""
        return self._session.ask(message)

    def tell(self, message: str) -> None:
        """Send a command; raises :class:`Refused` with what the status bytes say of it."""
        self._status()  # of others, before
        self._session.write(message)
        faults = self._status()[-1] & (box.BAD_SYNTAX | box.BAD_PARAMETER)
        if faults:
            words = ", ".join(box.status_words((0, 0, 0, 0, 0, faults)))
            raise Refused(f"{self._session.name} was told {message!r}: {words}")

    def get(self, parameter: str) -> tuple[Plain, str]:
        """Read a parameter; return its value and unit."""
        return self._session.get(parameter)

    def set(self, parameter: str, value: object) -> None:
        """Set a parameter."""
        if parameter not in SETTINGS:
            self._session.set(parameter, value)
            return
        self.tell(f"{SETTINGS[parameter]}{value}")

    def close(self) -> None:
        """Close the connection; the standard goes on."""
        self._session.close()

    # --- as a timing plane ------------------------------------------------------------

    def timing(self) -> TimingStatus:
        """Return whether it is locked to the rubidium line, and what was wrong since last asked."""
        return TimingStatus(
            locked=self._number("LO?") == 1,
            source="rubidium",
            servo="",
            offset_s=None,
            lost_locks=None,
            complaints=self._complaints(),
        )

    def _complaints(self) -> tuple[str, ...]:
        return box.status_words(self._status(), IGNORED)

    def _status(self) -> tuple[int, ...]:
        said = self._session.ask("ST?")
        try:
            return box.numbers_of(said, 6)
        except ValueError as error:
            raise self._nonsense("ST?", said) from error

    def _number(self, query: str) -> int:
        said = self._session.ask(query)
        try:
            return box.numbers_of(said, 1)[0]
        except ValueError as error:
            raise self._nonsense(query, said) from error

    def _nonsense(self, asked: str, said: str) -> ProtocolError:
        self.close()
        return ProtocolError(f"{self._session.name} was asked {asked} and said {said!r}")
