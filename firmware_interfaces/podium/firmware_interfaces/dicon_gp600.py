"""DiCon GP600 with a 3D MEMS matrix switch (configuration X1): commands, answers, errors, limits.

ASCII over its Ethernet port or RS-232; lines and answers end with a carriage return, commands are
not answered, and several may stand in a line with semicolons between them.

Sources: ``autosweep`` 0.1.0 (``DiConGP600.py``), written from table 4-11 of the GP600's manual and
used on a real one, for commands, identity, port, the empty error queue and that no leading colon is
understood; DiCon's manual of the MXS-9100 (91592 Rev. A2, 2019) for the line's conventions (page
17), the error queue (page 22) and the automatic saving of states (page 25).
"""

import re
from dataclasses import dataclass
from enum import Enum

TCP_PORT = 10001
END = b"\r"
VENDOR = "Dicon Fiberoptics Inc"
MODEL = "GP600"
FIRMWARE = "7.0"
CONFIGURATION = "X1"
"""One matrix switch is fitted."""
SIZES = ("4x4", "8x8", "16x16", "32x32")
"""Inputs and outputs. ASSUMED: those that DiCon fits in this box."""
OFF = 0
"""Output to which an input goes whose light goes nowhere."""
WAVELENGTHS_NM = (1310.0, 1550.0)
"""For which its mirrors are calibrated. ASSUMED: these two."""
ERRORS_MOST = 8
"""Of its error queue; further ones are not recorded (MXS-9100, page 22)."""
SETTLE_S = 0.05
"""From a command until light passes. ASSUMED: most of a 3D MEMS matrix."""
LINE_MAX = 256
"""ASSUMED: what is longer is no command."""

NO_ERROR = "+0, No Error"
ERRORS = {
    -113: "Undefined Header",
    -109: "Missing Parameter",
    -108: "Parameter Not Allowed",
    -222: "Data Out of Range",
    -221: "Settings Conflict",
}
"""Codes of SCPI with their texts. ASSUMED: that it has these, and says them so."""


class Question(Enum):
    """Questions without a number."""

    IDENTITY = "*IDN?"
    VERSION = "VER?"
    CONFIGURATION = "SYST:CONF?"
    ERROR = "SYST:ERR?"
    AUTO_SAVE = "WEN?"
    SIZE = "X1 DIM?"
    WAVELENGTHS = "X1 WAVESAVAIL?"
    WAVELENGTH = "X1 W?"


@dataclass(frozen=True, slots=True)
class AskOutput:
    """Asks to which output an input goes."""

    input: int


@dataclass(frozen=True, slots=True)
class Connect:
    """Leads an input to an output, or to :data:`OFF`."""

    input: int
    output: int


@dataclass(frozen=True, slots=True)
class SetAutoSave:
    """Says whether what is connected outlasts the power."""

    on: bool


@dataclass(frozen=True, slots=True)
class SetWavelength:
    """Steers the mirrors for a wavelength."""

    nm: float


@dataclass(frozen=True, slots=True)
class Reset:
    """Leads all inputs to :data:`OFF`."""


Command = Question | AskOutput | Connect | SetAutoSave | SetWavelength | Reset

_QUESTIONS = {
    re.compile(pattern, re.IGNORECASE): question
    for pattern, question in {
        r"\*IDN\?": Question.IDENTITY,
        r"VER\?": Question.VERSION,
        r"SYST(EM)?:CONF(IGURATION)?\?": Question.CONFIGURATION,
        r"SYST(EM)?:ERR(OR)?\?": Question.ERROR,
        r"WEN\?": Question.AUTO_SAVE,
        r"X1 DIM\?": Question.SIZE,
        r"X1 WAVESAVAIL\?": Question.WAVELENGTHS,
        r"X1 W\?": Question.WAVELENGTH,
    }.items()
}
_HEADERS = {"X1 CH": (1, 2), "X1 W": (1, 1), "WEN": (1, 1), "RESET": (0, 0)}
"""Fewest and most numbers of each."""
_COMMAND = re.compile(r"(X1 CH|X1 W|WEN|RESET)((?: [^ ?]+)*)(\?)?", re.IGNORECASE)
_WHOLE = re.compile(r"\d{1,4}")


class Fault(ValueError):
    """A line is refused; ``code`` is one of :data:`ERRORS`, and lands in the error queue."""

    def __init__(self, code: int) -> None:
        super().__init__(error_text(code))
        self.code = code


def error_text(code: int) -> str:
    """Return an error as its queue says it."""
    return f"{code:+d}, {ERRORS[code]}"


def decode(text: str) -> Command:
    """Return the command in a line without semicolons; raises :class:`Fault`."""
    line = " ".join(text[:LINE_MAX].split())
    for pattern, question in _QUESTIONS.items():
        if pattern.fullmatch(line):
            return question
    found = _COMMAND.fullmatch(line)
    if found is None or len(text) > LINE_MAX:
        raise Fault(-113)
    header, words, asks = found[1].upper(), found[2].split(), found[3] is not None
    fewest, most = _HEADERS[header]
    if asks and header != "X1 CH":
        raise Fault(-113)
    if len(words) < (1 if asks else most):
        raise Fault(-109)
    if len(words) > (fewest if asks else most):
        raise Fault(-108)
    match header:
        case "RESET":
            return Reset()
        case "WEN":
            if words[0] not in ("0", "1"):
                raise Fault(-222)
            return SetAutoSave(words[0] == "1")
        case "X1 W":
            return SetWavelength(_nanometres(words[0]))
        case _:
            numbers = [_whole(word) for word in words]
            return AskOutput(numbers[0]) if asks else Connect(*numbers)


def encode(command: Command) -> str:
    """Return the line of a command."""
    match command:
        case Question():
            return command.value
        case AskOutput(number):
            return f"X1 CH {number}?"
        case Connect(number, output):
            return f"X1 CH {number} {output}"
        case SetAutoSave(on):
            return f"WEN {int(on)}"
        case SetWavelength(nm):
            return f"X1 W {nm:g}"
        case Reset():
            return "RESET"


def numbers_of(answer: str, count: int) -> tuple[int, ...]:
    """Return the whole numbers of an answer; raises ValueError."""
    found = answer.split(",")
    if len(found) != count:
        raise ValueError(f"{count} numbers are wanted, got {answer!r}")
    return tuple(_plain(one.strip()) for one in found)


def _plain(word: str) -> int:
    if _WHOLE.fullmatch(word) is None:
        raise ValueError(f"{word!r} is no whole number")
    return int(word)


def _whole(word: str) -> int:
    try:
        return _plain(word)
    except ValueError:
        raise Fault(-222) from None


def _nanometres(word: str) -> float:
    if re.fullmatch(r"\d{1,5}(\.\d{0,6})?", word) is None:
        raise Fault(-222)
    return float(word)
