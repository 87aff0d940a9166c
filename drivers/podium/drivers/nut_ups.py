"""Driver of a power supply behind Network UPS Tools: it asks ``upsd``, and sets nothing."""

import socket
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Self

from podium.drivers.channel_readings import ChannelReadings, Missing, Value
from podium.drivers.cryogenic_roles import SupplyStatus
from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.roles import Examination, Identity
from podium.firmware_interfaces import nut_ups as nut
from podium.firmware_interfaces.nut_ups import NutError, Word

ANSWER_S = 5.0
ANSWER_MAX = 1 << 18
"""Bytes of one answer."""
COMPLAINTS: Mapping[Word, str] = {
    Word.OVERLOAD: "overloaded",
    Word.REPLACE_BATTERY: "its battery is to be replaced",
    Word.BYPASS: "bypassed: the battery protects nothing",
    Word.OFF: "off",
    Word.ALARM: "it has an alarm",
    Word.FORCED_SHUTDOWN: "it is shutting down",
}
READINGS: Mapping[str, tuple[str, float, str]] = {
    "battery_charge": ("battery.charge", 0.01, "1"),
    "battery_runtime": ("battery.runtime", 1.0, "s"),
    "input_voltage": ("input.voltage", 1.0, "V"),
    "output_voltage": ("output.voltage", 1.0, "V"),
    "load": ("ups.load", 0.01, "1"),
}
"""By channel: variable, factor, unit."""
REHEARSED = {"ups.status": "OL", "battery.charge": "100"}


class NutUps:
    """A BatterySupply. All that it shows comes in one round trip."""

    _wire: socket.socket | None

    def __init__(
        self,
        name: str,
        host: str,
        ports: Mapping[str, int],
        ups: str = "ups",
        release: str | None = None,
    ) -> None:
        """Connect and read once; ``ups`` is the supply's name at its server.

        A server of another ``release`` of upsd is a complaint of :meth:`examine`.
        """
        self._begin(name, ups, release, rehearsed=False)
        at = (host, ports["nut"])
        try:
            self._wire = socket.create_connection(at, timeout=ANSWER_S)
        except OSError as error:
            raise Unreachable(f"{name} at {at[0]}:{at[1]} takes no connection: {error}") from error
        try:
            self._variables()
        except BaseException:
            self.close()
            raise

    @classmethod
    def rehearse(
        cls,
        name: str,
        note: Callable[[str], None],
        ups: str = "ups",
        release: str | None = None,
    ) -> Self:
        """Return a driver of no supply, with which nothing is wrong; it never sets anything."""
        driver = cls.__new__(cls)
        driver._begin(name, ups, release, rehearsed=True)
        return driver

    def _begin(self, name: str, ups: str, release: str | None, rehearsed: bool) -> None:
        self._name = name
        self._release = release
        self._ups = ups
        self._rehearsed = rehearsed
        self._wire = None
        self._closed = False

    def identity(self) -> Identity:
        """Return who answers, as the server has it from the supply."""
        said = self._variables()
        vendor, model, serial = (
            said.get(f"device.{one}", said.get(f"ups.{one}", ""))
            for one in ("mfr", "model", "serial")
        )
        return Identity(vendor, model, serial, said.get("ups.firmware", ""))

    def snapshot(self) -> dict[str, object]:
        """Return all variables as they are said."""
        return dict(self._variables())

    def examine(self) -> Examination:
        """Return what it says is wrong."""
        said = self._variables()
        complaints = _complaints(self._status(said))
        version = self._version()
        if version != self._release:
            complaints = (*complaints, f"its upsd is {version}, not {self._release}")
        return Examination(complaints=complaints)

    def readings(self) -> Mapping[str, Value]:
        """Return charge, runtime, voltages and load; what it does not say is left out."""
        return self.read_channels().values

    def read_channels(self) -> ChannelReadings:
        """Return the same; missing are the charge, and what is said to be no number."""
        said = self._variables()
        found: dict[str, Value | Missing] = {}
        for channel, (variable, factor, unit) in READINGS.items():
            value = nut.number_of(said, variable)
            if value is not None:
                found[channel] = (value * factor, unit)
            elif variable in said or channel == "battery_charge":
                found[channel] = Missing(unit, f"{variable} is {said.get(variable, 'not said')!r}")
        return ChannelReadings.of(found, _complaints(said.get("ups.status", "").split()))

    def supply(self) -> SupplyStatus:
        """Return how it is.

        Raises :class:`Refused` where its server has no data of it, or does not know it;
        :class:`Unreachable` without an answer and :class:`ProtocolError` for one that is none,
        which both close the connection.
        """
        said = self._variables()
        status = self._status(said)
        charge = nut.number_of(said, "battery.charge")
        return SupplyStatus(
            on_mains=Word.ON_LINE.value in status,
            low=Word.LOW_BATTERY.value in status,
            charge=None if charge is None else charge / 100,
            remaining_s=nut.number_of(said, "battery.runtime"),
            complaints=_faults(status),
        )

    def _status(self, said: Mapping[str, str]) -> list[str]:
        """Return the words of its status; :class:`Refused` if they do not tell of the mains."""
        status = said.get("ups.status", "").split()
        if Word.ON_LINE.value not in status and Word.ON_BATTERY.value not in status:
            raise Refused(f"{self._name} does not say whether it is on mains: {' '.join(status)!r}")
        return status

    def close(self) -> None:
        """Close the connection, from whatever thread; the supply goes on."""
        self._closed = True
        wire = self._wire
        if wire is not None:
            with suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)  # wakes who waits for an answer
            wire.close()

    def _variables(self) -> dict[str, str]:
        if self._rehearsed:
            return dict(REHEARSED)
        asked = f"LIST VAR {self._ups}"
        lines = self._asked(asked)
        try:
            return nut.read_variables(self._ups, lines)
        except NutError as error:
            self.close()
            raise ProtocolError(f"{self._name} was asked {asked!r} and said: {error}") from error

    def _version(self) -> str | None:
        """Return its server's release; the one that is expected, where nobody cares or says it."""
        if self._rehearsed or self._release is None:
            return self._release
        said = nut.words(self._asked(f"GET VAR {self._ups} server.version")[0])
        return said[3] if len(said) == 4 else self._release

    def _asked(self, asked: str) -> list[str]:
        said = f"{self._name} was asked {asked!r}"
        if self._closed or self._wire is None:
            raise Unreachable(f"{said}, but its connection was closed")
        try:
            lines = self._exchange(self._wire, asked)
        except (OSError, ValueError) as error:
            self.close()
            raise Unreachable(f"{said}: {error}") from error
        if lines[0].startswith("ERR "):
            raise Refused(f"{said}: {lines[0].removeprefix('ERR ')}")
        return lines

    def _exchange(self, wire: socket.socket, asked: str) -> list[str]:
        """Return the lines of an answer: one that begins no list, or all up to its end."""
        wire.sendall(f"{asked}\n".encode("ascii"))
        data = b""
        while True:
            more = wire.recv(65_536)
            if not more:
                raise ConnectionError("it closed the connection")
            data += more
            lines = data.decode("latin-1").split("\n")
            whole = data.endswith(b"\n")
            if whole and (not lines[0].startswith("BEGIN ") or lines[-2].startswith("END LIST")):
                return lines[:-1]
            if len(data) > ANSWER_MAX:
                raise ValueError(f"an answer of more than {ANSWER_MAX} bytes")


def _faults(status: Collection[str]) -> tuple[str, ...]:
    return tuple(text for word, text in COMPLAINTS.items() if word.value in status)


def _complaints(status: Collection[str]) -> tuple[str, ...]:
    """Return what a status says is wrong, the mains among it."""
    battery: tuple[str, ...] = ()
    if Word.ON_LINE.value not in status:
        runs = (
            "runs on its battery"
            if Word.ON_BATTERY.value in status
            else "does not say on what it runs"
        )
        battery = (f"it {runs}",)
    low = ("its battery is nearly empty",) if Word.LOW_BATTERY.value in status else ()
    return (*battery, *low, *_faults(status))
