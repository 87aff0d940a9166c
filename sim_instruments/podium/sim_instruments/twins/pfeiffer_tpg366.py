"""Twin of the Pfeiffer TPG 366 gauge controller.

Gauges read the fridge's pressures p1 to p6. One that is switched off, that is not connected or
whose pressure is out of its range says so in its status, with a value that is not to be believed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from podium.firmware_interfaces import pfeiffer_tpg366 as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.pfeiffer_tpg366 import GaugeStatus, Mnemonic, Pressure
from podium.sim_instruments.twins.plain_twin import PlainTwin
from podium.sim_instruments.twins.twin import Session

Read = Callable[[str, int], float]
FIRMWARE, HARDWARE = "010300", "010100"
"""Firmware of the protocol's document; ASSUMED: hardware, that of a public program's sample."""
_SENSOR_ON, _SENSOR_OFF = 2, 1  # SEN: 0 no change or no such gauge, 1 off, 2 on
_NO_FAULT = "0"  # RES: numbers of the messages that are present


LINES_AT_ONCE = 60
"""Lines sent unasked that a connection is given at once; older ones are lost."""


class Refusal(ValueError):
    """A mnemonic is refused: one of :data:`.pfeiffer_tpg366.ERRORS`."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Settings that SAV keeps over a power cycle."""

    unit: int = box.HECTOPASCAL
    filters: tuple[int, ...] = (box.FILTER_MEDIUM,) * box.CHANNELS


@dataclass(frozen=True, slots=True)
class Sending:
    """Pressures are sent without being asked, the first one interval after ``since_fs``."""

    since_fs: int
    period_fs: int


class PfeifferTpg366(PlainTwin):
    """A TPG 366 whose gauges read ``pressure.p1`` to ``p6`` of a fridge, Pa."""

    def __init__(
        self, serial: str, read: Read | None = None, gauges: Mapping[int, str] | None = None
    ) -> None:
        """Wire ``gauges`` (channel: ``p1`` ... ``p6``, all by default) to a fridge's pressures.

        Without a fridge nothing is connected.
        """
        super().__init__({"mnemonics": box.TCP_PORT}, _words)
        wired = dict(gauges) if gauges is not None else {n: f"p{n}" for n in range(1, 7)}
        if wrong := [channel for channel in wired if not 1 <= channel <= box.CHANNELS]:
            raise ValueError(f"gauge {wrong[0]}: a TPG 366 has channels 1 to 6")
        self._gauges = wired if read is not None else {}
        self._read = read
        self._serial = serial
        self._on = dict.fromkeys(range(1, box.CHANNELS + 1), True)
        self._parameters = self._saved = Parameters()
        self._errors: set[str] = set()
        self._sending: Sending | None = None

    def _session(self) -> Session:
        return MnemonicSession(self)

    # --- what it does -----------------------------------------------------------------

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on: it sends all pressures each second until a character comes.

        Parameters are those that were saved (SAV), the gauges are on (ASSUMED).
        """
        self._send(box.ONCE_A_SECOND, now_fs)
        self._parameters = self._saved
        self._on = dict.fromkeys(self._on, True)
        self._errors.clear()

    def obey(self, line: bytes, now_fs: int) -> Callable[[int], str] | None:
        """Carry out a mnemonic; return what ENQ then asks, None where it is refused."""
        before = self._ear.begin()
        self._commands += 1
        refused = False
        try:
            return self._act(box.decode(line), now_fs)
        except box.SyntaxFault:
            self._unknown += 1
            self._errors.add("syntax")
            refused = True
        except Refusal as refusal:
            self._errors.add(str(refusal))
            refused = True
        finally:
            self._ear.end(before, line, refused)
        return None

    def continuous(self, since_fs: int, now_fs: int) -> list[str]:
        """Return the lines that it sends by itself between two times."""
        if self._sending is None:
            return []
        start_fs, period_fs = self._sending.since_fs, self._sending.period_fs
        first, last = ((at - start_fs) // period_fs for at in (since_fs, now_fs))
        first = max(first, last - LINES_AT_ONCE, 0)
        times = (start_fs + n * period_fs for n in range(first + 1, last + 1))
        return [self._all(at_fs) for at_fs in times]

    @property
    def sending(self) -> bool:
        """Tell whether it sends without being asked."""
        return self._sending is not None

    def stop_sending(self) -> None:
        """End what it sends without being asked."""
        self._sending = None

    def take_error(self) -> str:
        """Return the error word, which is forgotten then."""
        word = box.error_word(self._errors)
        self._errors.clear()
        return word

    def pressure(self, channel: int, now_fs: int) -> Pressure:
        """Return the reading of a channel, in the unit that is set."""
        if channel not in self._gauges or self._read is None:
            return Pressure(GaugeStatus.NO_SENSOR, self._in_unit(2e-2))  # BG 5195: 5,2.0000E-2
        if not self._on[channel]:
            return Pressure(GaugeStatus.SENSOR_OFF, 0.0)
        mbar = self._read(f"pressure.{self._gauges[channel]}", now_fs) / 100
        if mbar < box.PRESSURE_LOW_MBAR:
            return Pressure(GaugeStatus.UNDER_RANGE, self._in_unit(box.PRESSURE_LOW_MBAR))
        if mbar > box.PRESSURE_HIGH_MBAR:
            return Pressure(GaugeStatus.OVER_RANGE, self._in_unit(box.PRESSURE_HIGH_MBAR))
        return Pressure(GaugeStatus.OK, self._in_unit(mbar))

    def _in_unit(self, mbar: float) -> float:
        if self._parameters.unit == box.VOLT:
            return box.gauge_volts(mbar)
        return mbar * 100 / box.PASCAL_PER_UNIT[self._parameters.unit]

    def _text(self, channel: int, now_fs: int) -> str:
        logarithmic = self._parameters.unit != box.VOLT
        return box.pressure_text(self.pressure(channel, now_fs), logarithmic)

    def _send(self, mode: int, now_fs: int) -> None:
        self._sending = Sending(now_fs, round(box.CONTINUOUS_S[mode] * FS_PER_S))

    # --- mnemonics --------------------------------------------------------------------

    def _act(self, asked: Mnemonic, now_fs: int) -> Callable[[int], str]:
        word, given = asked.word, asked.parameters
        if word in ("PR1", "PR2", "PR3", "PR4", "PR5", "PR6"):
            _none(given)
            return lambda at_fs: self._text(int(word[2]), at_fs)
        match word:
            case "PRX":
                _none(given)
                return self._all
            case "TID":
                _none(given)
                return lambda at_fs: ",".join(map(self._kind, self._on))
            case "ERR":
                _none(given)
                return lambda at_fs: self.take_error()
            case "PNR":
                _none(given)
                return lambda at_fs: FIRMWARE
            case "AYT":
                _none(given)
                return lambda at_fs: f"TPG366,PTG28770,{self._serial},{FIRMWARE},{HARDWARE}"
            case "RES":
                _whole(given, 1, 1, optional=True)
                return lambda at_fs: _NO_FAULT
        return self._set(word, given, now_fs)

    def _set(self, word: str, given: tuple[str, ...], now_fs: int) -> Callable[[int], str]:
        match word:
            case "SEN":
                self._switch(given)
                return lambda at_fs: ",".join(map(self._sensor_state, self._on))
            case "UNI":
                for unit in _whole(given, 1, box.VOLT, optional=True):
                    self._parameters = replace(self._parameters, unit=unit)
                return lambda at_fs: str(self._parameters.unit)
            case "FIL":
                if filters := _whole(given, box.CHANNELS, box.FILTER_MAX, optional=True):
                    self._parameters = replace(self._parameters, filters=filters)
                    self._unmeant += 1  # a pressure changes more slowly than any filter
                return lambda at_fs: ",".join(map(str, self._parameters.filters))
            case "SAV":
                mode = _whole(given, 1, 1, optional=True)
                self._saved = self._parameters if mode == (1,) else Parameters()
                return lambda at_fs: self.take_error()  # it has no data: ENQ gets the word
            case "COM":
                modes = _whole(given, 1, max(box.CONTINUOUS_S), optional=True)
                self._send(modes[0] if modes else box.ONCE_A_SECOND, now_fs)
                return self._all
        raise box.SyntaxFault(word)

    def _all(self, now_fs: int) -> str:
        return ",".join(self._text(channel, now_fs) for channel in self._on)

    def _switch(self, given: tuple[str, ...]) -> None:
        for channel, state in enumerate(_whole(given, box.CHANNELS, 2, optional=True), start=1):
            if state:
                self._on[channel] = state == _SENSOR_ON

    def _sensor_state(self, channel: int) -> str:
        if channel not in self._gauges:
            return "0"
        return str(_SENSOR_ON if self._on[channel] else _SENSOR_OFF)

    def _kind(self, channel: int) -> str:
        return box.COMBINED_GAUGE if channel in self._gauges else box.NO_SENSOR


class MnemonicSession:
    """One connection: a line, ACK, ENQ, data."""

    def __init__(self, controller: PfeifferTpg366) -> None:
        self._controller = controller
        self._buffer = b""
        self._answer: Callable[[int], str] = lambda at_fs: controller.take_error()
        self._seen_fs: int | None = None

    def feed(self, data: bytes, now_fs: int) -> bytes:
        """Take bytes, return what is sent."""
        since_fs = now_fs if self._seen_fs is None else self._seen_fs
        self._seen_fs = now_fs
        lines = self._controller.continuous(since_fs, now_fs)
        sent = [f"{line}\r\n".encode("ascii") for line in lines]
        sent.extend(self._take(data[at : at + 1], now_fs) for at in range(len(data)))
        return b"".join(sent)

    def _take(self, one: bytes, now_fs: int) -> bytes:
        if one == b"\n":  # it may follow the end of COM
            return b""
        self._controller.stop_sending()
        if one == box.ENQ:
            self._buffer = b""
            return self._answer(now_fs).encode("ascii") + box.END
        if one == box.ETX:
            self._buffer = b""  # manual: clears the input buffer
            return b""
        if one != b"\r":
            self._buffer += one
            if len(self._buffer) <= box.LINE_MAX:
                return b""
        line, self._buffer = self._buffer, b""
        if not line.strip():
            return b""
        answer = self._controller.obey(line, now_fs)
        if answer is None:
            self._answer = lambda at_fs: self._controller.take_error()
            return box.NAK + box.END
        self._answer = answer
        if self._controller.sending:  # COM: ACK is followed by the first at once
            return box.ACK + box.END + answer(now_fs).encode("ascii") + box.END
        return box.ACK + box.END


def _none(given: tuple[str, ...]) -> None:
    if given:
        raise box.SyntaxFault(",".join(given))


def _whole(
    given: tuple[str, ...], count: int, highest: int, optional: bool = False
) -> tuple[int, ...]:
    if optional and not given:
        return ()
    if len(given) != count:
        raise Refusal("parameter")
    if not all(one.isascii() and one.isdigit() and int(one) <= highest for one in given):
        raise Refusal("parameter")
    return tuple(map(int, given))


def _words(line: bytes) -> str:
    return line.decode("latin-1").strip()
