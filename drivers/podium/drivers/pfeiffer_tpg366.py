"""Driver of the Pfeiffer TPG 366 gauge controller, by its mnemonics over Ethernet."""

from collections.abc import Iterator, Mapping
from typing import Self

from podium.drivers.byte_stream import ByteStream
from podium.drivers.channel_readings import ChannelReadings, Missing, Value
from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.rehearsed_stream import Note, RehearsedStream
from podium.drivers.roles import Examination, Identity
from podium.firmware_interfaces import pfeiffer_tpg366 as box
from podium.firmware_interfaces.pfeiffer_tpg366 import GaugeStatus, Pressure


class PfeifferTpg366:
    """Gauges of a fridge's gas handling. Nothing is ever set."""

    def __init__(
        self,
        name: str,
        host: str,
        ports: Mapping[str, int],
        gauges: Mapping[int, str] | None = None,
    ) -> None:
        """Connect by asking who it is; ``gauges`` names channels, ``p1`` to ``p6`` if left out."""
        self._begin(name, gauges, ByteStream(name, host, ports["mnemonics"]))
        try:
            self._stream.send(box.ENQ)  # from power-on it sends by itself until it hears something
            self._stream.line(box.END, "ENQ")
            self._stream.discard()
            self.identity()
        except BaseException:
            self.close()
            raise

    @classmethod
    def rehearse(cls, name: str, note: Note, gauges: Mapping[int, str] | None = None) -> Self:
        """Return a driver of no box, which answers as one with six gauges."""
        driver = cls.__new__(cls)
        driver._begin(name, gauges, RehearsedStream(name, _Rehearsed(note).answer))
        return driver

    def _begin(
        self, name: str, gauges: Mapping[int, str] | None, stream: ByteStream | RehearsedStream
    ) -> None:
        self._name = name
        self._gauges = dict(gauges) if gauges is not None else {n: f"p{n}" for n in range(1, 7)}
        self._stream = stream

    def identity(self) -> Identity:
        """Return who answers."""
        fields = self.ask("AYT").split(",")
        if len(fields) < 4 or not fields[0].replace(" ", "").startswith("TPG366"):
            self.close()
            raise Refused(f"{self._name} was asked AYT and said {fields}: it is no TPG 366")
        return Identity("Pfeiffer Vacuum", "TPG 366", serial=fields[2], firmware=fields[3])

    def snapshot(self) -> dict[str, object]:
        """Return unit, and which gauges there are and which of them are on."""
        return {"unit": self.ask("UNI"), "gauges": self.ask("TID"), "on": self.ask("SEN")}

    def examine(self) -> Examination:
        """Return what it complains of."""
        error = self.ask("ERR")
        return Examination(complaints=() if error == box.NO_ERROR else (f"ERR {error}",))

    def readings(self) -> Mapping[str, Value]:
        """Return the pressures of gauges that have a valid one, Pa."""
        return self.read_channels().values

    def read_channels(self) -> ChannelReadings:
        """Return the same, and how each of the others is."""
        pressures, scale = self._all()
        found: dict[str, Value | Missing] = {}
        under = any(one.status is GaugeStatus.UNDER_RANGE for one in pressures)
        kinds = self.ask("TID").split(",") if under else ()
        for channel, name in self._gauges.items():
            status = pressures[channel - 1].status
            if status is GaugeStatus.OK:
                found[name] = (pressures[channel - 1].value * scale, "Pa")
            elif status is GaugeStatus.UNDER_RANGE:
                kind = kinds[channel - 1].strip()[:3] if channel <= len(kinds) else ""
                found[name] = Missing("Pa", _words(status), box.LOWEST_PA.get(kind))
            else:
                found[name] = Missing("Pa", _words(status))
        return ChannelReadings.of(found)

    def pressure_pa(self, gauge: str) -> float:
        """Return the pressure of a gauge, Pa; :class:`Refused` where it has no valid one."""
        channels = {name: channel for channel, name in self._gauges.items()}
        if gauge not in channels:
            known = ", ".join(sorted(channels)) or "none"
            raise Refused(f"{self._name} has no gauge {gauge!r}; it has {known}")
        pressures, scale = self._all()
        reading = pressures[channels[gauge] - 1]
        if reading.status is not GaugeStatus.OK:
            raise Refused(f"{self._name} has no pressure of {gauge}: {_words(reading.status)}")
        return reading.value * scale

    def ask(self, message: str) -> str:
        """Send a mnemonic, fetch and return its data."""
        self._stream.send(message.encode("ascii", "replace") + box.END)
        verdict = self._stream.line(box.END, message)
        self._stream.send(box.ENQ)
        data = self._stream.line(box.END, message).decode("latin-1")
        if verdict == box.NAK:
            raise Refused(f"{self._name} was asked {message!r}: NAK, error word {data}")
        if verdict != box.ACK:
            self.close()
            raise ProtocolError(f"{self._name} was asked {message!r} and said {verdict!r}, no ACK")
        return data

    def tell(self, message: str) -> None:
        """Send a mnemonic with parameters."""
        self.ask(message)

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def _all(self) -> tuple[tuple[Pressure, ...], float]:
        """Return the readings of all channels, and what their unit is in Pa."""
        answer, unit = self.ask("PRX"), self.ask("UNI")
        if unit.strip() == str(box.VOLT):
            raise Refused(f"{self._name} shows volts (UNI 5), no pressures: set another unit")
        try:
            pressures = box.pressures_of(answer)
            scale = box.PASCAL_PER_UNIT[int(unit)]
        except (box.SyntaxFault, KeyError, ValueError) as error:
            self.close()
            raise ProtocolError(f"{self._name} was asked PRX, UNI: {error}") from error
        if len(pressures) != box.CHANNELS:
            self.close()
            raise ProtocolError(f"{self._name} was asked PRX and said {answer!r}")
        return pressures, scale


def _words(status: GaugeStatus) -> str:
    return status.name.lower().replace("_", " ")


_DATA = {
    b"AYT": "TPG366,PTG28770,0,010300,010100",
    b"PRX": ",".join(["0,+1.0000E-03"] * box.CHANNELS),
    b"ERR": box.NO_ERROR,
    b"UNI": str(box.MBAR),
}
"""What a rehearsed box answers, by mnemonic; all else 0."""


class _Rehearsed:
    """Acknowledges every mnemonic; those with parameters are noted."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._asked = b""

    def answer(self, sent: bytes) -> Iterator[bytes]:
        if sent == box.ENQ:
            yield _DATA.get(self._asked, "0").encode("ascii")
            return
        word, comma, _ = sent.strip().partition(b",")
        self._asked = word
        if comma:
            self._note(sent.decode("ascii").strip())
        yield box.ACK
