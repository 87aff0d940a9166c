"""Twin of the Pfeiffer TC 400, the drive of a turbopump, on a terminal server's socket.

It starts and stops its pump in the fridge, drives it to the set speed or to that of standby, and
shows the speed, current, voltage, power and error that the pump has there. Without a fridge no pump
is connected: it stands still. Temperatures and hours of operation are fixed; gas mode, heating and
all about accessories, switching outputs and interfaces is kept and read back. Telegrams take the
time that they need on its serial line.
"""

from collections.abc import Callable

from podium.firmware_interfaces import pfeiffer_tc400 as box
from podium.firmware_interfaces import pfeiffer_telegram as telegrams
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.fridge_signals import set_speed_of
from podium.firmware_interfaces.pfeiffer_tc400 import Parameter
from podium.firmware_interfaces.pfeiffer_telegram import Telegram, TelegramError
from podium.sim_instruments.twins.answer_pace import (
    AnswerPace,
    AnswerTimes,
    carriage_return_end,
)
from podium.sim_instruments.twins.heater_loop import Write
from podium.sim_instruments.twins.plain_twin import PlainTwin
from podium.sim_instruments.twins.twin import Horizon, Session

Read = Callable[[str, int], float]
FIRMWARE = "010300"  # ASSUMED
LINE_MAX = 16 + telegrams.DATA_MAX
AT_SPEED_SHARE = 0.98
"""From which share of the set speed on it has arrived. ASSUMED."""
_SPEEDS = {box.STANDBY, box.SPEED_SETTING, box.SPEED_SETPOINT, box.STANDBY_SETPOINT}
_DRIVEN = {box.PUMPING_STATION, box.MOTOR, box.ACKNOWLEDGE, box.SWITCH_POINT, *_SPEEDS}


class PfeifferTc400(PlainTwin):
    """A TC 400 with the pump ``pump`` of a fridge, at its factory address."""

    def __init__(
        self,
        serial: str,
        read: Read | None = None,
        write: Write | None = None,
        pump: str = "turbo1",
        bus_address: str = str(box.ADDRESS),
        turbopump: str = "HiPace 400",
    ) -> None:
        """Connect the pump; ``bus_address`` is that on the RS-485 bus, 1 to 255.

        ``turbopump``: which it is. A fridge's own is a HiPace 400; another's speed is scaled.
        """
        super().__init__({"serial": box.TCP_PORT}, _words)
        if turbopump not in box.TURBOPUMPS:
            raise ValueError(f"turbopump {turbopump!r}: there are {', '.join(box.TURBOPUMPS)}")
        self._nominal_hz = float(box.TURBOPUMPS[turbopump])
        self.pace = AnswerPace(AnswerTimes(carriage_return_end, _takes_fs))
        low, high = box.ADDRESSES
        if not bus_address.isdigit() or not low <= int(bus_address) <= high:
            raise ValueError(f"bus_address {bus_address!r}: a TC 400 has one of {low} to {high}")
        self._read, self._write, self._pump = read, write, pump
        self._values: dict[int, float | str] = {
            number: one.initial for number, one in box.PARAMETERS.items()
        }
        self._values[box.DEVICE_ADDRESS.number] = float(bus_address)
        self._pump_on = False
        """Whether the fridge had the pump on when it was looked at last."""

    def _session(self) -> Session:
        return TelegramSession(self)

    def horizon(self, now_fs: int) -> Horizon:
        """Return when what it is asked is answered; nothing else holds world time up."""
        return self.pace.horizon(now_fs)

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on: it keeps its settings, and runs if it was set to.

        Parameters and hours stay saved when it is switched off (TC 110, 6.1, non-volatile data).
        """
        self._follow(now_fs)
        self._begin_anew(now_fs)

    def obey(self, line: bytes, now_fs: int) -> bytes:
        """Return the answer to a line; nothing to what is damaged or for another device."""
        before = self._ear.begin()
        self._commands += 1
        answer = b""
        refused = True
        try:
            asked = telegrams.decode(line)
            if asked.address == self._values[box.DEVICE_ADDRESS.number]:
                self._follow(now_fs)
                data = self._answer(asked, now_fs)
                reply = telegrams.setting(asked.address, asked.parameter, data)
                refused = bool(reply.refusal)
                answer = telegrams.encode(reply)
        except TelegramError:
            self._unknown += 1
        self._ear.end(before, line, refused)
        return answer

    def _answer(self, asked: Telegram, now_fs: int) -> str:
        parameter = box.PARAMETERS.get(asked.parameter)
        if parameter is None:
            self._unknown += 1
            return telegrams.NO_SUCH_PARAMETER
        if asked.asks:
            if parameter is box.ACKNOWLEDGE:  # ASSUMED: how it refuses; it is written only
                return telegrams.NOT_ALLOWED
            return self._data(parameter, now_fs)
        if not parameter.settable:
            return telegrams.NOT_ALLOWED
        try:
            value = float(box.parse(parameter.kind, asked.data))
        except ValueError:
            return telegrams.OUT_OF_RANGE
        if not parameter.lowest <= value <= parameter.highest:
            return telegrams.OUT_OF_RANGE
        self._set(parameter, value, now_fs)
        return asked.data

    def _set(self, parameter: Parameter, value: float, now_fs: int) -> None:
        self._unmeant += parameter not in _DRIVEN
        was_on = self._on
        if parameter is box.ACKNOWLEDGE:
            # ASSUMED: where the error is gone, the pump goes on as it is set.
            self._begin_anew(now_fs)
            return
        before = self._share
        self._values[parameter.number] = value
        if parameter in _SPEEDS and self._share != before and self._write is not None:
            self._write(set_speed_of(self._pump), self._share, now_fs)
        if parameter in _DRIVEN and self._on != was_on:
            self._command(on=self._on, now_fs=now_fs)

    def _begin_anew(self, now_fs: int) -> None:
        if self._on:
            self._command(on=False, now_fs=now_fs)
            self._command(on=True, now_fs=now_fs)

    def _follow(self, now_fs: int) -> None:
        """Take over what others have switched: a fridge's software does it by this same drive.

        A pump that an error has stopped is still to run, as the drive is set.
        """
        if self._read is None:
            return
        on = self._read(f"pump.{self._pump}.on", now_fs) > 0
        if on != self._pump_on and (on or not self._shown("error", now_fs)):
            self._values[box.PUMPING_STATION.number] = float(on)
            if on:
                self._values[box.MOTOR.number] = 1.0
        self._pump_on = on

    @property
    def _on(self) -> bool:
        """It runs with both: pumping station and motor of the pump."""
        return bool(self._values[box.PUMPING_STATION.number] and self._values[box.MOTOR.number])

    @property
    def _share(self) -> float:
        """Return the set speed as a share of the nominal one; ASSUMED: standby comes first."""
        if self._values[box.STANDBY.number]:
            return float(self._values[box.STANDBY_SETPOINT.number]) / 100
        if self._values[box.SPEED_SETTING.number]:
            return float(self._values[box.SPEED_SETPOINT.number]) / 100
        return 1.0

    @property
    def _set_hz(self) -> float:
        return self._nominal_hz * self._share

    def _speed_hz(self, now_fs: int) -> float:
        return self._shown("speed", now_fs) * self._nominal_hz / box.NOMINAL_HZ

    def _command(self, *, on: bool, now_fs: int) -> None:
        if self._write is not None:
            self._write(f"pump.{self._pump}.on", float(on), now_fs)
        if self._read is not None:
            self._pump_on = self._read(f"pump.{self._pump}.on", now_fs) > 0

    def _data(self, parameter: Parameter, now_fs: int) -> str:
        return box.write(parameter.kind, self._value(parameter, now_fs))

    def _value(self, parameter: Parameter, now_fs: int) -> float | str:
        match parameter:
            case box.FIRMWARE:
                return FIRMWARE
            case box.NAME:
                return "TC_400"
            case box.ERROR_CODE:
                code = round(self._shown("error", now_fs))
                return f"Err{code:03d}" if code else "000000"
            case box.NOMINAL_SPEED:
                return self._nominal_hz
            case box.NOMINAL_SPEED_RPM:
                return 60 * self._nominal_hz
            case box.SET_SPEED:
                return self._set_hz
            case box.ACTUAL_SPEED:
                return self._speed_hz(now_fs)
            case box.SETPOINT_SPEED_RPM:
                return 60 * self._set_hz
            case box.ACTUAL_SPEED_RPM:
                return 60 * self._speed_hz(now_fs)
            case box.SWITCH_POINT_ATTAINED:
                percent = 100 * self._speed_hz(now_fs) / self._nominal_hz
                return float(percent >= float(self._values[box.SWITCH_POINT.number]))
            case box.CURRENT:
                return self._shown("current", now_fs)
            case box.VOLTAGE:
                return self._shown("voltage", now_fs)
            case box.POWER:
                return self._shown("power", now_fs)
            case box.AT_SPEED:
                return float(self._speed_hz(now_fs) >= AT_SPEED_SHARE * self._set_hz)
            case box.ACCELERATING:
                slow = self._speed_hz(now_fs) < AT_SPEED_SHARE * self._set_hz
                return float(self._on and slow)
            case _:
                return self._values[parameter.number]

    def _shown(self, what: str, now_fs: int) -> float:
        return 0.0 if self._read is None else self._read(f"{self._pump}.{what}", now_fs)


class TelegramSession:
    """One connection to the serial line."""

    def __init__(self, drive: PfeifferTc400) -> None:
        self._drive = drive
        self._buffer = b""

    def feed(self, data: bytes, now_fs: int) -> bytes:
        """Take bytes, return the answers."""
        *lines, self._buffer = (self._buffer + data).split(telegrams.END)
        if len(self._buffer) > LINE_MAX:
            lines.append(self._buffer)
            self._buffer = b""
        stripped = (line.strip(b"\n") for line in lines)
        return b"".join(self._drive.obey(line, now_fs) for line in stripped if line)


def _takes_fs(asked: bytes, answer: bytes) -> int:
    """Return how long telegrams are on the serial line, fs. ASSUMED: the drive takes no time."""
    return round((len(asked) + len(answer)) * box.CHARACTER_BITS * FS_PER_S / box.BAUD)


def _words(line: bytes) -> str:
    return line.decode("latin-1")
