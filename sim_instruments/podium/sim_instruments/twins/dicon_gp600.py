"""Twin of the DiCon GP600 optical switch: mirrors that take time, paths that lose light.

ASSUMED: losses, how long mirrors take, that an output that is taken is refused to another input,
and that a question is answered with where mirrors are going while they are on their way.
"""

from collections.abc import Callable
from random import Random

from podium.firmware_interfaces import dicon_gp600 as box
from podium.firmware_interfaces.dicon_gp600 import (
    AskOutput,
    Command,
    Connect,
    Fault,
    Question,
    Reset,
    SetAutoSave,
    SetWavelength,
)
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.twins.plain_twin import PlainTwin
from podium.sim_instruments.twins.twin import Session

LOSS_DB, LOSS_SPREAD_DB, LOSS_LEAST_DB = 1.5, 0.3, 0.5
"""Of a path at the wavelength that its mirrors are steered for. ASSUMED."""
OTHER_WAVELENGTH_DB = 0.5
"""More, where the light has another one. ASSUMED."""
LIGHT_NM = 1550.0
"""Of the light that it switches, where nothing else is said. ASSUMED."""
SETTLE_FS = round(box.SETTLE_S * FS_PER_S)
UNMEANT = (SetAutoSave,)
"""Only a power cut shows it."""


class DiconGp600(PlainTwin):
    """A matrix switch: each input goes to one output or to none, each output takes one input."""

    def __init__(self, serial: str, noise_seed: int = 0, size: str = "8x8") -> None:
        """``size``: inputs and outputs, one of :data:`.dicon_gp600.SIZES`."""
        super().__init__({"commands": box.TCP_PORT}, str.strip)
        self._serial = serial
        self._inputs, self._outputs = (int(word) for word in size.split("x"))
        drawn = Random(f"losses of a GP600, {noise_seed}")
        self._loss_db = {
            (one, other): max(LOSS_LEAST_DB, drawn.gauss(LOSS_DB, LOSS_SPREAD_DB))
            for one in range(1, self._inputs + 1)
            for other in range(1, self._outputs + 1)
        }
        self._output = dict.fromkeys(range(1, self._inputs + 1), box.OFF)
        self._moved_fs: dict[int, int] = {}
        self.stuck: frozenset[int] = frozenset()
        """Inputs whose mirrors stay as they are, whatever is said: the box does not see it."""
        self._true = dict(self._output)
        self._auto_save = False
        self._wavelength_nm = box.WAVELENGTHS_NM[-1]
        self._errors: list[int] = []
        self._refused = False

    def _session(self) -> Session:
        return CommandSession(self.obey)

    # --- light ------------------------------------------------------------------------

    def transmission(
        self, input_: int, output: int, now_fs: int, light_nm: float = LIGHT_NM
    ) -> float:
        """Return what part of the light at an input comes out of an output (0 to 1).

        Nothing does while mirrors are on their way.
        """
        if self._true.get(input_) != output or output == box.OFF:
            return 0.0
        if now_fs < self._moved_fs.get(input_, now_fs):
            return 0.0
        return self.through(input_, output, light_nm)

    def through(self, input_: int, output: int, light_nm: float = LIGHT_NM) -> float:
        """Return what part of the light a path lets through while it is led there."""
        loss_db = self._loss_db[input_, output]
        if light_nm != self._wavelength_nm:
            loss_db += OTHER_WAVELENGTH_DB
        return float(10.0 ** (-loss_db / 10.0))

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on: what was connected is so again if automatic saving was on."""
        connected = self._output if self._auto_save else dict.fromkeys(self._output, box.OFF)
        self._errors.clear()
        self._wavelength_nm = box.WAVELENGTHS_NM[-1]
        self._moved_fs = dict.fromkeys(connected, now_fs + SETTLE_FS)
        self._output = dict(connected)
        self._steer()

    def _move(self, input_: int, output: int, now_fs: int) -> None:
        if self._output[input_] == output:
            return
        self._output[input_] = output
        self._moved_fs[input_] = now_fs + SETTLE_FS
        self._steer()

    def _steer(self) -> None:
        """Let all mirrors follow that are not stuck."""
        self._true = {
            number: self._true[number] if number in self.stuck else output
            for number, output in self._output.items()
        }

    # --- commands ---------------------------------------------------------------------

    def obey(self, line: str, now_fs: int) -> str | None:
        """Carry out a command; return its answer, if it asks. What is wrong is queued."""
        before, self._refused = self._ear.begin(), False
        self._commands += 1
        answer = None
        try:
            answer = self._carry_out(box.decode(line), now_fs)
        except Fault as fault:
            self._unknown += fault.code == -113
            self._refused = True
            if len(self._errors) < box.ERRORS_MOST:
                self._errors.append(fault.code)
        self._ear.end(before, line, self._refused)
        return answer

    def _carry_out(self, command: Command, now_fs: int) -> str | None:
        self._unmeant += isinstance(command, UNMEANT)
        match command:
            case Question():
                return self._answer(command)
            case AskOutput(number):
                self._check(number, box.OFF)
                return f"{number}, {self._output[number]}"
            case Connect(number, output):
                self._connect(number, output, now_fs)
            case SetAutoSave(on):
                self._auto_save = on
            case SetWavelength(nm):
                if nm not in box.WAVELENGTHS_NM:
                    raise Fault(-222)
                self._steer_for(nm, now_fs)
            case Reset():
                for number in self._output:
                    self._move(number, box.OFF, now_fs)
        return None

    def _steer_for(self, nm: float, now_fs: int) -> None:
        if nm != self._wavelength_nm:
            self._wavelength_nm = nm
            self._moved_fs = {
                number: now_fs + SETTLE_FS for number, output in self._output.items() if output
            }

    def _connect(self, number: int, output: int, now_fs: int) -> None:
        self._check(number, output)
        taken = [one for one, other in self._output.items() if other == output and one != number]
        if output != box.OFF and taken:
            raise Fault(-221)
        self._move(number, output, now_fs)

    def _check(self, number: int, output: int) -> None:
        if not 1 <= number <= self._inputs or not 0 <= output <= self._outputs:
            raise Fault(-222)

    def _answer(self, question: Question) -> str:
        match question:
            case Question.IDENTITY:
                return f"{box.VENDOR}, {box.MODEL}, {self._serial}, {box.FIRMWARE}"
            case Question.VERSION:
                return box.FIRMWARE
            case Question.CONFIGURATION:
                return box.CONFIGURATION
            case Question.ERROR:
                return box.error_text(self._errors.pop(0)) if self._errors else box.NO_ERROR
            case Question.AUTO_SAVE:
                return str(int(self._auto_save))
            case Question.SIZE:
                return f"{self._inputs}, {self._outputs}"
            case Question.WAVELENGTHS:
                return ", ".join(f"{nm:.1f}" for nm in box.WAVELENGTHS_NM)
            case Question.WAVELENGTH:
                return f"{self._wavelength_nm:.1f}"


class CommandSession:
    """One connection: lines end with a carriage return, semicolons part commands."""

    def __init__(self, obey: Callable[[str, int], str | None]) -> None:
        self._obey = obey
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
            for command in line.decode("latin-1").split(";"):
                if command.strip():
                    answer = self._obey(command, now_fs)
                    answers += b"" if answer is None else answer.encode("ascii") + box.END
        return answers
