"""Twin of the SRS FS725 rubidium standard, on a terminal server's socket.

What it is off TAI when it is locked is left out: all the laboratory's time comes from it. From
power-on it warms up, unlocked; then it locks. Settings are kept and read back; those of the lock
mean something, the others nothing.
"""

from collections.abc import Callable
from math import exp, sqrt

from podium.firmware_interfaces import srs_fs725 as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.srs_fs725 import Line, SyntaxFault
from podium.sim_instruments.physics.clock_makes import RUBIDIUM, ClockMake
from podium.sim_instruments.physics.clocks import Clock, LockState
from podium.sim_instruments.twins.plain_twin import PlainTwin
from podium.sim_instruments.twins.twin import Session

WARM_FS = round(0.6 * box.WARM_UP_S) * FS_PER_S
"""From power-on until lamp, crystal and cell are at their temperatures. ASSUMED."""
LAMP_FS = 60 * FS_PER_S
"""From power-on until the lamp is lit and the synthesizer is locked. ASSUMED."""
MISSED_PULSE_FS = 2 * FS_PER_S
"""After so long without a pulse it says that none comes. ASSUMED."""
COLD_V = 0.25
"""Case sensor at power-on: the room's 25 degrees."""
MEANT = {"LO", "PL", "VB", "SF", "MO", "GA"}
"""Settings on which something depends; VB only as far as it is not understood further. ASSUMED:
verbose, it answers as it does else; the manual names its prompts and does not print them."""
FACTORY = {word: one.initial for word, one in box.SETTINGS.items() if one.kept}
"""What the EEPROM had when it was shipped."""


class SrsFs725(PlainTwin):
    """An FS725 with no pulse a second at its input."""

    def __init__(self, serial: str, clock_of: Callable[[ClockMake], Clock]) -> None:
        super().__init__({"serial": box.TCP_PORT}, str.strip)
        self._serial = int("".join(filter(str.isdigit, serial)) or 0)
        self.clock = clock_of(RUBIDIUM)
        self._refused = False
        self._kept = dict(FACTORY)
        self._power_cycles, self._fc_writes = box.POWER_CYCLES, box.FC_WRITES
        self._gain_until_fs = 0
        """So long the gain is the program's own."""
        self._pot_rules = True
        """No SF has come: the potentiometer sets the frequency."""
        self._powered_fs: int | None = None
        """When it was switched on; None: so long ago that all is warm."""
        self._status_read_fs = 0
        self._faults = 0
        self._restart()

    def _session(self) -> Session:
        return SerialSession(self)

    # --- what it does -----------------------------------------------------------------

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on: cold, unlocked, settings as the EEPROM has them."""
        self._powered_fs = now_fs
        self._status_read_fs = now_fs
        self._power_cycles += 1
        self._restart()
        self._gain_until_fs = now_fs + round(box.WARM_UP_S) * FS_PER_S
        self._faults = box.WAS_RESET | box.LAMP_RESTARTED
        self.clock.lock(now_fs, round(box.WARM_UP_S) * FS_PER_S)

    def locked(self, now_fs: int) -> bool:
        """Return whether it is locked to the rubidium line."""
        return self.clock.state(now_fs) is LockState.LOCKED

    def _restart(self) -> None:
        self._settings = {word: one.initial for word, one in box.SETTINGS.items()} | self._kept
        self._pot_rules = True

    def _enable_lock(self, on: bool, now_fs: int) -> None:
        was_on = self._settings["LO"] == (1,)
        if was_on and not on:
            self.clock.lose(now_fs)
        elif on and not was_on:
            self.clock.lock(now_fs, round(box.RELOCK_S) * FS_PER_S)

    # --- commands ---------------------------------------------------------------------

    def obey(self, line: str, now_fs: int) -> str | None:
        """Carry out a command; return its answer, if it asks. What is wrong sets a status bit."""
        before, self._refused = self._ear.begin(), False
        answer = self._obey(line, now_fs)
        self._ear.end(before, line, self._refused)
        return answer

    def _obey(self, line: str, now_fs: int) -> str | None:
        self._commands += 1
        try:
            command = box.decode(line)
        except SyntaxFault:
            self._unknown += 1
            self._refuse(box.BAD_SYNTAX)
            return None
        if command.query:
            answer = self._answer(command, now_fs)
            if answer is None:
                self._unknown += 1
                self._refuse(box.BAD_SYNTAX)
            return answer
        if command.word in ("RS", "RC") and not command.kept:
            return self._restart_by_command(command, now_fs)
        self._set(command, now_fs)
        return None

    def _refuse(self, fault: int) -> None:
        self._faults |= fault
        self._refused = True

    def _answer(self, command: Line, now_fs: int) -> str | None:
        word = command.word
        if command.kept:
            return self._answer_kept(word)
        match word:
            case "ID":
                return f"PRS10_{box.FIRMWARE}_SN_{self._serial}"
            case "SN":
                return str(self._serial)
            case "ST":
                return _listed(self._status(now_fs))
            case "LO":
                return str(int(self.locked(now_fs)))
            case "TT":
                return str(box.FREE_PULSE)
            case "DS":
                return "0,1800" if self.locked(now_fs) else "412,60"  # ASSUMED: numbers
            case "MR":
                return str(self._magnet())
            case "GA" if now_fs < self._gain_until_fs:
                return str(box.START_GAIN)
        if word in self._settings:
            return _listed(self._settings[word])
        if word.startswith("AD") and word[2:].isdigit() and int(word[2:]) < len(box.VOLTS):
            channel = int(word[2:])
            volts = self._volts(channel, now_fs)
            return f"{volts:.2f}" if channel >= box.COARSE_CHANNEL else f"{volts:.3f}"
        return None

    def _answer_kept(self, word: str) -> str | None:
        if word == "SN":
            return str(self._serial)
        held = self._kept.get(word)
        if held is None:
            return None
        counters = (self._power_cycles, self._fc_writes) if word == "FC" else ()
        return _listed((*counters, *held))

    def _magnet(self) -> int:
        """Return the converter's value of the magnetic field; page 30."""
        (offset,), (slope,) = self._settings["MO"], self._settings["SS"]
        wanted = box.CALIBRATION_POT if self._pot_rules else self._settings["SF"][0]
        return round(sqrt(wanted * slope + offset**2))

    def _set(self, command: Line, now_fs: int) -> None:
        word, numbers = command.word, command.numbers
        setting = box.SETTINGS.get(word)
        if command.kept:
            if setting is None or not (setting.kept and setting.savable) or numbers:
                self._refuse(box.BAD_SYNTAX)
                self._unknown += setting is None
                return
            self._kept[word] = self._settings[word]
            self._fc_writes += word == "FC"
        elif word == "PP" and numbers:  # ASSUMED: within a second; nothing depends on the pulse
            self._unmeant += 1
            if not 0 <= numbers[0] <= 999_999_999:
                self._refuse(box.BAD_PARAMETER)
        elif setting is None or not setting.settable:
            self._refuse(box.BAD_SYNTAX)
            self._unknown += setting is None
        elif len(numbers) != len(setting.limits) or not all(
            low <= number <= high
            for number, (low, high) in zip(numbers, setting.limits, strict=True)
        ):
            self._refuse(box.BAD_PARAMETER)
        else:
            self._unmeant += word not in MEANT
            if word == "LO":
                self._enable_lock(numbers == (1,), now_fs)
            self._pot_rules = self._pot_rules and word != "SF"
            if word == "GA":
                self._gain_until_fs = now_fs
            self._settings[word] = numbers

    def _restart_by_command(self, command: Line, now_fs: int) -> str | None:
        """Restart, after RC with what the factory kept; return what it says then.

        The frequency lock begins anew. ASSUMED: lamp and temperatures stay, and the reset is told
        to whoever asked for it.
        """
        if command.numbers != (1,):
            self._refuse(box.BAD_PARAMETER)
            return None
        if command.word == "RC":
            self._kept = dict(FACTORY)
        self._restart()
        self._gain_until_fs = now_fs + round(box.WARM_UP_S) * FS_PER_S
        self._faults |= box.WAS_RESET
        self.clock.lock(now_fs, round(box.RELOCK_S) * FS_PER_S)
        return box.GREETING

    # --- what it shows ----------------------------------------------------------------

    def _status(self, now_fs: int) -> tuple[int, ...]:
        """Return the status bytes: all that was so since they were read last."""
        since_fs, self._status_read_fs = self._status_read_fs, now_fs
        faults, self._faults = self._faults, 0
        cold = self._powered_fs is not None and since_fs < self._powered_fs + WARM_FS
        dark = self._powered_fs is not None and since_fs < self._powered_fs + LAMP_FS
        lamp = box.LAMP_DARK if dark else 0
        radio = box.RF_UNLOCKED | box.VARACTOR_LOW if dark else 0
        heating = box.LAMP_COLD | box.CRYSTAL_COLD | box.CELL_COLD if cold else 0
        enabled = self._settings["LO"] == (1,)
        lock = 0 if self.clock.held(since_fs, now_fs) else box.LOCK_OFF
        lock |= 0 if enabled else box.LOCK_DISABLED
        # ASSUMED: what it says of a pulse that never came
        waited = self._powered_fs is None or now_fs >= self._powered_fs + MISSED_PULSE_FS
        none = box.FEW_PULSES | (box.NO_PULSE if waited else 0)
        pulses = none if self._settings["PL"] == (1,) else 0
        pulses |= 0 if self._settings["PL"] == (1,) else box.PULSE_LOCK_DISABLED
        return lamp, radio, heating, lock, pulses, faults

    def _volts(self, channel: int, now_fs: int) -> float:
        warm_v = box.VOLTS[channel]
        if channel != box.CASE_CHANNEL:
            return warm_v
        room_v = self.clock.room_k(now_fs) / box.CASE_SCALE_C
        if self._powered_fs is None:
            return warm_v + room_v
        since_s = (now_fs - self._powered_fs) / FS_PER_S
        return warm_v + room_v + (COLD_V - warm_v) * exp(-since_s / (box.WARM_UP_S / 2))


class SerialSession:
    """One connection to the serial line: lines end with a carriage return."""

    def __init__(self, standard: SrsFs725) -> None:
        self._standard = standard
        self._buffer = b""

    def feed(self, data: bytes, now_fs: int) -> bytes:
        """Take bytes, return the answers."""
        self._buffer += data.replace(b"\n", b"")  # ASSUMED: line feeds are passed over
        *lines, self._buffer = self._buffer.split(box.END)
        if len(self._buffer) > box.LINE_MAX:
            lines.append(self._buffer)
            self._buffer = b""
        answers = b""
        for line in lines:
            if line.strip():
                answer = self._standard.obey(line.decode("latin-1"), now_fs)
                answers += b"" if answer is None else answer.encode("ascii") + box.END
        return answers


def _listed(numbers: tuple[int, ...]) -> str:
    return ",".join(map(str, numbers))
