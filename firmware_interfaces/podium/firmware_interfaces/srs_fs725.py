"""Wire of the SRS FS725 rubidium standard (a PRS10 in a box): RS-232, on a socket by a server.

Commands are two letters; ``LO?`` asks, ``LO1`` or ``LO 1`` sets, ``LO!`` keeps a setting in the
EEPROM, ``LO!?`` asks what is kept there. Spaces count for nothing, nor does the case. Every line
ends with a carriage return, answers as well, and only questions are answered; what is wrong shows
in the status bytes.

Sources: the manual of the PRS10, "RS-232 Instruction Set", pages 22 to 40, which stands beside a
public monitor for it; readings of two units that others have published; the terminal server in
raw mode and answers that come up to 2 s late of the EPICS support written and tested with
firmware 3.24 (``sr725.proto``).
"""

import re
from dataclasses import dataclass

TCP_PORT = 4001
"""ASSUMED: first serial line of a terminal server in raw mode."""
BAUD = 9600
END = b"\r"
LINE_MAX = 64
"""ASSUMED: what is longer is bad syntax."""
FIRMWARE = "3.24"
LATE_S = 2.0
"""An answer comes within this; most come at once."""
RELOCK_S = 60.0
"""To lock again a warm standard. ASSUMED; from cold see :data:`WARM_UP_S`."""
WARM_UP_S = 360.0
"""From power-on to lock. ASSUMED: so long the gain is the program's (page 27)."""
START_GAIN = 8
"""Gain of the frequency lock for so long after a restart, unless it is set; page 27."""
GREETING = "PRS_10"
"""What it says by itself when it was reset; page 22."""
CASE_SCALE_C = 100.0
"""``AD10`` counts in these: 10 mV for a degree Celsius."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A command that has whole numbers."""

    limits: tuple[tuple[int, int], ...]
    """Of each number."""
    initial: tuple[int, ...]
    """As a unit came whose readings are published, or in its limits' middle."""
    settable: bool = True
    """Whether the user may set it; else only the factory may."""
    kept: bool = False
    """Whether the EEPROM has it."""
    savable: bool = True
    """Whether the user may keep it there."""


def _one(low: int, high: int, initial: int, *, kept: bool = False, savable: bool = True) -> Setting:
    return Setting(((low, high),), (initial,), kept=kept, savable=savable)


def _of_factory(low: int, high: int, initial: int) -> Setting:
    return Setting(((low, high),), (initial,), settable=False, kept=True, savable=False)


SETTINGS: dict[str, Setting] = {
    "VB": _one(0, 1, 0),
    "LM": _one(0, 3, 1, kept=True),
    "LO": _one(0, 1, 1),
    "FC": Setting(((0, 4095), (1024, 3072)), (1596, 2048), kept=True),
    "SF": _one(-2000, 2000, -22),
    "SS": _of_factory(1000, 1900, 1176),
    "GA": _one(0, 10, 7, kept=True),
    "PH": _one(0, 31, 24, kept=True, savable=False),
    "SP": Setting(((1500, 8191), (800, 4095), (0, 63)), (7008, 3938, 60), kept=True),
    "MS": _one(0, 1, 1),
    "MO": _one(2300, 3600, 2949, kept=True),
    "TS": _of_factory(7000, 25000, 14186),
    "TO": _one(-32767, 32768, -1788, kept=True),
    "PS": _of_factory(100, 255, 187),
    "PL": _one(0, 1, 1, kept=True),
    "PT": _one(0, 14, 8, kept=True),
    "PF": _one(0, 4, 2, kept=True),
    "PI": _one(-2000, 2000, -21),
    **{
        f"SD{number}": _of_factory(0, 255, initial)
        for number, initial in enumerate((149, 158, 55, 150, 182, 190, 99, 180))
    },
}
"""Settings that are read back as they were set. PRS10 3.24, serial number 19957."""

CALIBRATION_POT = -22.8
"""Frequency offset by its potentiometer, in 1e-12, as long as ``SF`` has not set another. ASSUMED
behind the point: with it ``MR?`` says of that unit what it said, by the manual's formula."""
POWER_CYCLES, FC_WRITES = 120, 400
"""First two numbers of ``FC!?``. ASSUMED: how often this unit was switched on, and wrote FC."""

VOLTS: tuple[float, ...] = (
    *(0.005, 2.328, 2.331, 0.491, 0.363, 2.226, 2.326, 1.501, 1.102, 3.055),
    *(0.802, 0.962, 0.962, 0.975, 2.497, 0.006, 2.6, 2.7, 2.4, 4.8),
)
"""``AD0`` to ``AD19`` of the same unit; those from 16 on ASSUMED, but for 4.8 V of the lock."""
CASE_CHANNEL = 10
COARSE_CHANNEL = 16
"""From this one on converters have 8 bits, and answers two decimals (page 38)."""

FREE_PULSE = -1
"""``TT?`` says this where no pulse a second has come since it was asked last."""

STATUS: tuple[tuple[str, ...], ...] = (
    (
        *("electronics supply below 22 V", "electronics supply above 30 V"),
        *("heater supply below 22 V", "heater supply above 30 V"),
        *("lamp light too low", "lamp light too high"),
        *("gate voltage too low", "gate voltage too high"),
    ),
    (
        "RF synthesizer unlocked",
        *("RF crystal varactor too low", "RF crystal varactor too high"),
        *("RF VCO control too low", "RF VCO control too high"),
        *("RF gain control too low", "RF gain control too high"),
        "bad synthesizer parameter",
    ),
    (
        *("lamp too cold", "lamp too hot", "crystal too cold", "crystal too hot"),
        *("cell too cold", "cell too hot", "case too cold", "case too hot"),
    ),
    (
        *("frequency lock is off", "frequency lock is disabled"),
        *("10 MHz control too high", "10 MHz control too low"),
        *("calibration voltage above 4.9 V", "calibration voltage below 0.1 V"),
        *("", ""),
    ),
    (
        *("pulse lock is disabled", "fewer than 256 good pulses", "pulse lock is active"),
        *("more than 256 bad pulses", "pulse too far away", "pulse lock restarted"),
        *("frequency control saturated", "no pulse comes"),
    ),
    (
        *("lamp restarted", "watchdog reset", "bad interrupt", "EEPROM write failed"),
        *("EEPROM corrupt", "bad syntax", "bad parameter", "was reset"),
    ),
)
"""Meaning of each bit, lowest first, of the six status bytes."""
LAMP_DARK = 1 << 4  # of ST1
RF_UNLOCKED, VARACTOR_LOW = 1 << 0, 1 << 1  # of ST2
LAMP_COLD, CRYSTAL_COLD, CELL_COLD = 1 << 0, 1 << 2, 1 << 4  # of ST3
LOCK_OFF, LOCK_DISABLED = 1 << 0, 1 << 1  # of ST4
PULSE_LOCK_DISABLED, FEW_PULSES, NO_PULSE = 1 << 0, 1 << 1, 1 << 7  # of ST5
LAMP_RESTARTED = 1 << 0  # of ST6
BAD_SYNTAX, BAD_PARAMETER, WAS_RESET = 1 << 5, 1 << 6, 1 << 7

_COMMAND = re.compile(r"(SD\d|AD\d{1,2}|[A-Z]{2})(!?)(\??)(.*)")


class SyntaxFault(ValueError):
    """A line is no command."""


@dataclass(frozen=True, slots=True)
class Line:
    """One command as it is sent."""

    word: str
    kept: bool
    """Whether it is about the EEPROM's copy."""
    query: bool
    numbers: tuple[int, ...]


def decode(line: str) -> Line:
    """Return the command in a line, in any case; raises :class:`SyntaxFault`."""
    found = _COMMAND.fullmatch(line.replace(" ", "").upper())
    if found is None:
        raise SyntaxFault(f"{line!r} is no command: two letters, then ! or ?, then numbers")
    word, kept, query, rest = found.groups()
    try:
        numbers = tuple(int(one) for one in rest.split(",")) if rest else ()
    except ValueError:
        raise SyntaxFault(f"{rest!r} of {line!r} are no whole numbers") from None
    if query and numbers:
        raise SyntaxFault(f"{line!r} asks and has numbers as well")
    return Line(word, bool(kept), bool(query), numbers)


def numbers_of(answer: str, count: int) -> tuple[int, ...]:
    """Return the ``count`` whole numbers of an answer; raises ValueError."""
    numbers = tuple(int(one) for one in answer.split(","))
    if len(numbers) != count:
        raise ValueError(f"{count} whole numbers are wanted, got {answer!r}")
    return numbers


def status_words(bits: tuple[int, ...], ignored: tuple[int, ...] = (0,) * 6) -> tuple[str, ...]:
    """Return what the six status bytes say, without the bits in ``ignored``."""
    return tuple(
        meaning
        for byte, ignore, meanings in zip(bits, ignored, STATUS, strict=True)
        for number, meaning in enumerate(meanings)
        if (byte & ~ignore) >> number & 1 and meaning
    )
