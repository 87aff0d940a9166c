"""Driver of the Pfeiffer TC 400, the drive of a turbopump, over a terminal server's socket."""

from collections.abc import Callable, Iterator, Mapping
from typing import Self

from podium.drivers.byte_stream import ByteStream
from podium.drivers.channel_readings import ChannelReadings, Missing, Value
from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.rehearsed_stream import Note, RehearsedStream
from podium.drivers.roles import Examination, Identity
from podium.firmware_interfaces import pfeiffer_tc400 as box
from podium.firmware_interfaces import pfeiffer_telegram as telegrams
from podium.firmware_interfaces.pfeiffer_tc400 import Parameter
from podium.firmware_interfaces.pfeiffer_telegram import Telegram, TelegramError

READINGS = {
    "speed": (box.ACTUAL_SPEED, "Hz"),
    "current": (box.CURRENT, "A"),
    "voltage": (box.VOLTAGE, "V"),
    "power": (box.POWER, "W"),
}
KELVIN = 273.15


class PfeifferTc400:
    """A turbopump: read, started and stopped. It needs minutes to reach its speed and to stop."""

    def __init__(
        self,
        name: str,
        host: str,
        ports: Mapping[str, int],
        pump: str = "turbo1",
        bus_address: str = str(box.ADDRESS),
        turbopump: str = "HiPace 400",
    ) -> None:
        """Connect by asking who it is; ``pump`` is what the fridge calls it.

        Which ``turbopump`` it is, its drive does not say.
        """
        self._begin(name, pump, bus_address, ByteStream(name, host, ports["serial"]))
        try:
            self.identity()
        except BaseException:
            self.close()
            raise

    @classmethod
    def rehearse(
        cls,
        name: str,
        note: Note,
        pump: str = "turbo1",
        bus_address: str = str(box.ADDRESS),
        turbopump: str = "HiPace 400",
    ) -> Self:
        """Return a driver of no drive, which answers as one that stands still."""
        driver = cls.__new__(cls)
        driver._begin(name, pump, bus_address, RehearsedStream(name, _rehearsed(note)))
        return driver

    def _begin(
        self, name: str, pump: str, bus_address: str, stream: ByteStream | RehearsedStream
    ) -> None:
        self._name, self.pump = name, pump
        self._address = int(bus_address)
        self._stream = stream

    def identity(self) -> Identity:
        """Return who answers; it has no serial number on the wire."""
        kind = str(self._value(box.NAME))
        if not kind.upper().startswith("TC"):
            self.close()
            raise Refused(f"{self._name} says that it is a {kind!r}, no TC 400")
        firmware = str(self._value(box.FIRMWARE))
        return Identity("Pfeiffer Vacuum", kind.replace("_", " "), serial="", firmware=firmware)

    def snapshot(self) -> dict[str, object]:
        """Return whether it is to run, and its set points."""
        wanted = (box.PUMPING_STATION, box.MOTOR, box.SPEED_SETPOINT, box.SET_SPEED, box.STANDBY)
        return {one.name: self._value(one) for one in wanted}

    def examine(self) -> Examination:
        """Return its error, if it has one."""
        error = str(self._value(box.ERROR_CODE))
        return Examination(complaints=() if error.strip("0") == "" else (error,))

    def readings(self) -> Mapping[str, Value]:
        """Return speed, current, voltage, power, temperatures, and whether it is to run."""
        return self.read_channels().values

    def read_channels(self) -> ChannelReadings:
        """Return the same, each by its own telegram, and its error if it has one."""
        found: dict[str, Value | Missing] = {
            name: (float(self._value(one)), unit) for name, (one, unit) in READINGS.items()
        }
        for one in box.TEMPERATURES.values():
            found[one.name] = (float(self._value(one)) + KELVIN, "K")
        found["pump"] = (float(self._value(box.PUMPING_STATION)), "1")
        return ChannelReadings.of(found, self.examine().complaints)

    def run(self, on: bool) -> None:
        """Start or stop the pump; return once the drive has acknowledged it."""
        if on:
            self._set(box.MOTOR, box.TRUE)
        self._set(box.PUMPING_STATION, box.TRUE if on else box.FALSE)

    def acknowledge_error(self) -> None:
        """Acknowledge its error; where its cause is gone, it runs again."""
        self._set(box.ACKNOWLEDGE, box.TRUE)

    def ask(self, message: str) -> str:
        """Ask for a parameter by its number; return the data."""
        if not message.strip().isdigit():
            raise Refused(f"{self._name}: a parameter's number is asked for, not {message!r}")
        return self._exchange(telegrams.question(self._address, int(message))).data

    def tell(self, message: str) -> None:
        """Set a parameter: ``NUMBER DATA``, with data as in the telegram."""
        number, _, data = message.strip().partition(" ")
        if not number.isdigit() or not data.isascii():
            raise Refused(f"{self._name} is told NUMBER DATA, not {message!r}")
        self._exchange(telegrams.setting(self._address, int(number), data))

    def close(self) -> None:
        """Close the connection; the pump stays as it is."""
        self._stream.close()

    def _value(self, parameter: Parameter) -> float | str:
        answer = self._exchange(telegrams.question(self._address, parameter.number))
        try:
            return box.parse(parameter.kind, answer.data)
        except ValueError as error:
            self.close()
            raise ProtocolError(f"{self._name} was asked {parameter.name}: {error}") from error

    def _set(self, parameter: Parameter, data: str) -> None:
        answer = self._exchange(telegrams.setting(self._address, parameter.number, data))
        if answer.data != data:
            self.close()
            raise ProtocolError(
                f"{self._name} was to set {parameter.name} to {data} and answers {answer.data}"
            )

    def _exchange(self, telegram: Telegram) -> Telegram:
        sent = telegrams.encode(telegram)
        asked = sent.decode("ascii").strip()
        self._stream.send(sent)
        line = self._stream.line(telegrams.END, asked)
        try:
            answer = telegrams.decode(line)
        except TelegramError as error:
            self.close()
            raise ProtocolError(f"{self._name} was asked {asked}: {error}") from error
        if (answer.address, answer.parameter) != (telegram.address, telegram.parameter):
            self.close()
            raise ProtocolError(f"{self._name} was asked {asked} and answers {line!r}")
        if answer.refusal:
            raise Refused(f"{self._name} was asked {asked}: {answer.refusal}")
        return answer


def _rehearsed(note: Note) -> Callable[[bytes], Iterator[bytes]]:
    """Return what echoes every setting, and notes it, and answers questions with what was set."""
    held = {one.number: box.write(one.kind, one.initial) for one in box.PARAMETERS.values()}
    held |= {box.NAME.number: "TC_400", box.ERROR_CODE.number: "000000"}

    def answer(sent: bytes) -> Iterator[bytes]:
        telegram = telegrams.decode(sent.removesuffix(telegrams.END))
        if not telegram.asks:
            held[telegram.parameter] = telegram.data
            note(f"{telegram.parameter:03d} {telegram.data}")
        data = held.get(telegram.parameter, telegrams.NO_SUCH_PARAMETER)
        said = telegrams.setting(telegram.address, telegram.parameter, data)
        yield telegrams.encode(said).removesuffix(telegrams.END)

    return answer
