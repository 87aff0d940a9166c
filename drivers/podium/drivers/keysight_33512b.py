"""Driver of the Keysight 33512B function generator, over QCoDeS."""

from dataclasses import dataclass

from qcodes.instrument_drivers.Keysight import Keysight33512B as QCoDeSDriver

from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.over_visa import OverVisa
from podium.drivers.visa_session import ChecksIdentity, VisaSession
from podium.firmware_interfaces import keysight_33512b as box
from podium.firmware_interfaces.built_in_models.waveform_generators import KEYSIGHT_33512B

CHANNELS = {f"ch{n}": n for n in range(1, box.CHANNELS + 1)}
FUNCTIONS = ("SIN", "SQU", "TRI", "RAMP", "PULS", "DC")
"""Functions that a waveform of this driver can have; the box has more."""
ANY_FUNCTION_HZ = 1000
_OF_CHANNEL = {
    "function": ":SOUR{n}:FUNC?",
    "frequency_hz": ":SOUR{n}:FREQ?",
    "amplitude": ":SOUR{n}:VOLT?",
    "amplitude_unit": ":SOUR{n}:VOLT:UNIT?",
    "offset_v": ":SOUR{n}:VOLT:OFFS?",
    "phase_deg": ":SOUR{n}:PHAS?",
    "burst": ":SOUR{n}:BURS:STAT?",
    "burst_cycles": ":SOUR{n}:BURS:NCYC?",
    "trigger": ":TRIG{n}:SOUR?",
    "load_ohm": ":OUTP{n}:LOAD?",
    "output": ":OUTP{n}?",
}
SETTINGS = {
    f"{channel}.{name}": query.format(n=n)
    for channel, n in CHANNELS.items()
    for name, query in _OF_CHANNEL.items()
}
"""What a snapshot holds."""
REHEARSAL = {
    f"{header}": answer
    for n in CHANNELS.values()
    for header, answer in ((f"SOUR{n}:FUNC", "SIN"), (f"SOUR{n}:VOLT:UNIT", "VPP"))
}


@dataclass(frozen=True, slots=True)
class Waveform:
    """A channel repeats this waveform; volts are those at the termination that it is set to."""

    function: str
    """One of :data:`FUNCTIONS`."""
    frequency_hz: float
    amplitude_vpp: float
    offset_v: float = 0.0


class _Identified33512B(ChecksIdentity, QCoDeSDriver):
    """The QCoDeS driver, for such a box and no other."""

    # QCoDeS gives the name of what it has met to each instance; until then this one is looked at.
    model = KEYSIGHT_33512B  # type: ignore[misc]


class Keysight33512B(OverVisa):
    """Two channels, ``ch1`` and ``ch2``. What limits what is the box's to know: it is read back."""

    def __init__(self, name: str, visa: str, heaters: dict[int, str] | None = None) -> None:
        """Connect by reading; what it plays stays as it is.

        ``heaters``: of a fridge, by the channel that each hangs at; the box knows nothing of them.
        """
        self._session = VisaSession(name, visa, _Identified33512B)

    def snapshot(self) -> dict[str, object]:
        """Return its settings, in one round trip."""
        return self._session.ask_all(SETTINGS)

    def set_waveform(self, channel: str, waveform: Waveform) -> None:
        """Set what a channel plays; whether it leaves the connector is unchanged.

        The frequency goes to one that all functions have and the amplitude to its least first, so
        that nothing of before stands in the way. Raises :class:`Refused` with the box's words for
        what it has clipped or changed: then the channel plays neither the old waveform nor this.
        """
        n = self._number(channel)
        if waveform.function not in FUNCTIONS:
            raise Refused(
                f"{self._session.name} was asked for a {waveform.function}; "
                f"there are {', '.join(FUNCTIONS)}"
            )
        messages = [
            f":SOUR{n}:VOLT:UNIT VPP",
            f":SOUR{n}:FREQ {ANY_FUNCTION_HZ}",
            f":SOUR{n}:FUNC {waveform.function}",
        ]
        if waveform.function != "DC":
            messages += [f":SOUR{n}:FREQ {waveform.frequency_hz!r}", f":SOUR{n}:VOLT MIN"]
        messages.append(f":SOUR{n}:VOLT:OFFS {waveform.offset_v!r}")
        if waveform.function != "DC":
            messages.append(f":SOUR{n}:VOLT {waveform.amplitude_vpp!r}")
        for message in messages:
            self.tell(message)

    def waveform(self, channel: str) -> Waveform:
        """Return what a channel plays, as read from the instrument, in one round trip."""
        n = self._number(channel)
        found = self._session.ask_all(
            {name: query.format(n=n) for name, query in _OF_CHANNEL.items()}
        )
        if found["amplitude_unit"] != "VPP":
            raise Refused(
                f"{self._session.name}: the amplitude of {channel} is in "
                f"{found['amplitude_unit']}, not VPP: somebody has set it by hand"
            )
        with self._session.talking(f"for the waveform of {channel}"):
            return Waveform(
                str(found["function"]),
                float(str(found["frequency_hz"])),
                float(str(found["amplitude"])),
                float(str(found["offset_v"])),
            )

    def set_burst(self, channel: str, cycles: int) -> None:
        """Let a channel wait for :meth:`trigger` and play so many cycles then; 0: play always."""
        n = self._number(channel)
        if cycles:
            self.tell(f":SOUR{n}:BURS:MODE TRIG;:SOUR{n}:BURS:NCYC {cycles:d}")
            self.tell(f":TRIG{n}:SOUR BUS")
        self.tell(f":SOUR{n}:BURS:STAT {int(cycles > 0)}")

    def trigger(self) -> None:
        """Start the bursts that wait for it; return when they are over."""
        self._session.write("*TRG")
        done = self._session.ask("*OPC?")
        if done.lstrip("+") != "1":
            raise ProtocolError(f"{self._session.name} was asked '*OPC?' and says {done!r}")

    def output(self, channel: str, on: bool) -> None:
        """Switch an output; return once the instrument has confirmed."""
        n = self._number(channel)
        self.tell(f":OUTP{n} {int(on)}")
        if self._session.ask(f":OUTP{n}?") != str(int(on)):
            raise Refused(f"{self._session.name} was to switch {channel}; it did not")

    def output_on(self, channel: str) -> bool:
        """Return whether a channel is at its connector."""
        answer = self._session.ask(f":OUTP{self._number(channel)}?")
        with self._session.talking("for its output"):
            return {"0": False, "1": True}[answer]

    def safe(self) -> None:
        """Switch both outputs off."""
        for channel in CHANNELS:
            self.output(channel, on=False)

    def _number(self, channel: str) -> int:
        if channel not in CHANNELS:
            raise Refused(
                f"{self._session.name} has no channel {channel!r}; it has {', '.join(CHANNELS)}"
            )
        return CHANNELS[channel]
