"""Driver of the QDevil QSwitch, a breakout box: over TCP or UDP, as its firmware has it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Self

from podium.drivers.byte_stream import ByteStream
from podium.drivers.datagram_line import DatagramLine
from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.roles import Examination, Identity
from podium.firmware_interfaces import qdevil_qswitch as box
from podium.firmware_interfaces.built_in_models.bias_sources import QDEVIL_QSWITCH
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.qdevil_qswitch import Relay

SETTINGS = {"closed": "clos:stat?", "autosave": "aut?", "beeper": "beep:stat?"}
"""What a snapshot holds."""
REHEARSED = {
    "*idn?": f"{box.VENDOR},{box.MODEL},0,{box.RELEASES[-1]}",
    "all?": box.NO_ERROR,
    "aut?": "off",
    "beep:stat?": "off",
}


class QdevilQswitch:
    """24 lines with ten relays each: ground, eight breakouts, input.

    ``firmware`` 1.3 and older is reached over TCP, one client at a time; newer over UDP, where
    a command may get lost: what was switched is read back.
    """

    _line: "DatagramLine | _StreamLine | _Rehearsed"

    def __init__(
        self,
        name: str,
        host: str,
        ports: Mapping[str, int],
        firmware: str = box.RELEASES[-1],
        flux_lines: Mapping[int, str] | None = None,
    ) -> None:
        """Connect by reading; relays stay as they are. Raises ``Unreachable``, ``Refused``.

        ``flux_lines``: the flux lines that go through it, by its line.
        """
        self._begin(name, firmware, flux_lines)
        opened = DatagramLine if box.takes_datagrams(firmware) else _StreamLine
        self._line = opened(name, host, ports["scpi"])
        try:
            found = self.identity()
            complaint = QDEVIL_QSWITCH.complaint(found.vendor, found.model, found.serial)
            if complaint:
                raise Refused(f"{name} at {self._line.where}: {complaint}")
        except BaseException:
            self.close()
            raise

    @classmethod
    def rehearse(
        cls,
        name: str,
        note: Callable[[str], None],
        firmware: str = box.RELEASES[-1],
        flux_lines: Mapping[int, str] | None = None,
    ) -> Self:
        """Return a driver that sends nothing: ``note`` gets every message that would set."""
        driver = cls.__new__(cls)
        driver._begin(name, firmware, flux_lines)
        driver._line = _Rehearsed(note)
        return driver

    def _begin(self, name: str, firmware: str, flux_lines: Mapping[int, str] | None) -> None:
        self._name, self._firmware = name, firmware
        self._flux_lines = dict(flux_lines or {})

    def identity(self) -> Identity:
        """Return who answers."""
        said = self.ask("*idn?")
        fields = [field.strip() for field in said.split(",")]
        if len(fields) != 4:
            raise ProtocolError(f"{self._name} was asked who it is and says {said!r}")
        return Identity(*fields)

    def examine(self) -> Examination:
        """Return what is wrong: another firmware than the facility file's, flux lines that are off.

        A flux line is off where its input is open: no bias of its source is on it then.
        """
        found, closed = self.identity().firmware, self.closed()
        other = (
            () if found == self._firmware else (f"its firmware is {found}, not {self._firmware}",)
        )
        off = tuple(
            f"{flux_line} is off: the input of line {line} is open"
            for line, flux_line in self._flux_lines.items()
            if (line, box.INPUT) not in closed
        )
        return Examination(complaints=(*other, *off))

    def snapshot(self) -> dict[str, object]:
        """Return its relays and settings."""
        return {name: self.ask(query) for name, query in SETTINGS.items()}

    def ask(self, message: str) -> str:
        """Send a query and return the reply."""
        answer = self._line.ask(f"{message}\n".encode("ascii", "replace"), repr(message))
        return answer.decode("ascii", "replace").strip()

    def tell(self, message: str) -> None:
        """Send a command; return once the error queue has nothing against it."""
        self.ask("all?")  # errors of others, before
        self._line.send(f"{message}\n".encode("ascii", "replace"))
        errors = self.ask("all?")
        if not errors.startswith("0,"):
            raise Refused(f"{self._name} was asked {message!r}: {errors}")

    def closed(self) -> frozenset[Relay]:
        """Return the relays that are closed, line and tap, as it says."""
        said = self.ask(SETTINGS["closed"])
        try:
            return frozenset(box.relays_of(said))
        except ScpiError as error:
            raise ProtocolError(f"{self._name} was asked for its relays, says {said!r}") from error

    def close_relays(self, relays: Iterable[Relay]) -> None:
        """Close relays; return once they are read back closed. Raises ``Refused``."""
        self._switch("clos", relays)

    def open_relays(self, relays: Iterable[Relay]) -> None:
        """Open relays; return once they are read back open. Raises ``Refused``."""
        self._switch("open", relays)

    def connect(self, line: int, taps: Iterable[int]) -> None:
        """Connect a line to these taps and to no others; new ones are closed before old ones open.

        No taps leave it floating. Taps: 0 ground, 1 to 8 breakouts, 9 input.
        """
        wanted = frozenset((line, tap) for tap in taps)
        self._check(wanted | {(line, box.GROUND)})
        present = frozenset(relay for relay in self.closed() if relay[0] == line)
        self.close_relays(wanted - present)
        self.open_relays(present - wanted)

    def close(self) -> None:
        """Close the connection, from whatever thread; relays stay as they are. Idempotent."""
        self._line.close()

    def _switch(self, verb: str, relays: Iterable[Relay]) -> None:
        wanted = frozenset(relays)
        if not wanted:
            return
        self._check(wanted)
        listed = box.channel_list_of(wanted)
        self.tell(f"{verb} {listed}")
        said = self.ask(f"{verb}? {listed}")
        if set(said.split(",")) != {"1"} or len(said.split(",")) != len(wanted):
            raise ProtocolError(
                f"{self._name} was asked '{verb} {listed}', says nothing against it, and reads "
                f"back {said}: a datagram may be lost, or its relays do not obey"
            )

    def _check(self, relays: Iterable[Relay]) -> None:
        for line, tap in relays:
            if line not in box.LINES or tap not in box.TAPS:
                raise Refused(
                    f"{self._name} has no relay {line}!{tap}: its lines are 1 to 24, taps 0 to 9"
                )


class _StreamLine(ByteStream):
    """The same over TCP."""

    def ask(self, data: bytes, asked: str) -> bytes:
        """Ask and return the answer; raises ``Unreachable``, and the connection is closed then."""
        self.send(data)
        return self.line(b"\n", asked)


class _Rehearsed:
    """Answers as if all had been done: relays are as after *RST, and as was said since."""

    where = "nowhere"

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._closed = frozenset(box.RESET)

    def send(self, data: bytes) -> None:
        """Note what would be sent."""
        message = data.decode("ascii").strip()
        self._note(message)
        verb, _, listed = message.partition(" ")
        if verb == "clos":
            self._closed |= frozenset(box.relays_of(listed))
        elif verb == "open":
            self._closed -= frozenset(box.relays_of(listed))

    def ask(self, data: bytes, asked: str) -> bytes:
        """Return what it would say."""
        query, _, listed = data.decode("ascii").strip().partition(" ")
        if listed:
            is_closed = (relay in self._closed for relay in box.relays_of(listed))
            said = ",".join(str(int(one is (query == "clos?"))) for one in is_closed)
        elif query == SETTINGS["closed"]:
            said = box.channel_list_of(self._closed)
        else:
            said = REHEARSED.get(query, "0")
        return said.encode("ascii")

    def close(self) -> None:
        """Do nothing: nothing is open."""
