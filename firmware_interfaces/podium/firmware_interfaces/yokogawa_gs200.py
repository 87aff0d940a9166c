"""Yokogawa GS200 DC voltage and current source: its commands, ranges and status bits.

Source: user's manual IM GS210-01EN, chapter 13 ("Communication Commands") and
the specifications in chapter 15. SCPI over TCP, messages end with a newline.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import IntFlag

from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.parameters import (
    Choice,
    Extreme,
    Real,
    Switch,
    Text,
    Verbatim,
    Whole,
)
from podium.firmware_interfaces.ieee4882.responses import engineering

TCP_PORT = 7655
VENDOR = "YOKOGAWA"
MODEL = "GS210"
NO_OPTIONS = "0"  # answer to *OPT? of a box without the monitor option /MON

CLOCK_S = Decimal("0.1")
"""Program times are whole multiples of it (QCoDeS 0.59, YokogawaGS200Program)."""
TIME_MAX_S = Decimal(3600)  # :PROGram:INTerval and :PROGram:SLOPe
PROGRAM_STEPS_MAX = 10_000  # :PROGram:COUNt


@dataclass(frozen=True, slots=True)
class SourceRange:
    """One range of the source, in V or in A."""

    full_scale: Decimal
    """What :SOURce:RANGe is called by."""
    limit: Decimal
    """The level goes from minus to plus this."""
    resolution: Decimal


def _range(full_scale: str, limit: str, resolution: str) -> SourceRange:
    return SourceRange(Decimal(full_scale), Decimal(limit), Decimal(resolution).normalize())


VOLTAGE_RANGES = (
    _range("10E-3", "12E-3", "100E-9"),
    _range("100E-3", "120E-3", "1E-6"),
    _range("1", "1.2", "10E-6"),
    _range("10", "12", "100E-6"),
    _range("30", "32", "1E-3"),
)
CURRENT_RANGES = (
    _range("1E-3", "1.2E-3", "10E-9"),
    _range("10E-3", "12E-3", "100E-9"),
    _range("100E-3", "120E-3", "1E-6"),
    _range("200E-3", "200E-3", "1E-6"),
)
RANGES = {"VOLT": VOLTAGE_RANGES, "CURR": CURRENT_RANGES}
UNITS = {"VOLT": "V", "CURR": "A"}


class Condition(IntFlag):
    """Bits of the condition register and of the extended event register (13.3.4).

    Bits 10 to 13 (limiters, trips, emergency) stay 0: what hangs at its terminals is not known.
    """

    NOT_MEASURING = 1 << 0
    NOT_STORING = 1 << 2
    NO_FILE_BEING_MADE = 1 << 3
    NO_SAMPLING_ERROR = 1 << 4
    SOURCE_CHANGED = 1 << 5
    """Event only."""
    END_OF_STEP = 1 << 6
    """Event only."""
    END_OF_PROGRAM = 1 << 7
    """Event only."""
    READY_FOR_PROGRAM = 1 << 8
    """0 only while it gets ready to run a program."""


AT_REST = (
    Condition.NOT_MEASURING
    | Condition.NOT_STORING
    | Condition.NO_FILE_BEING_MADE
    | Condition.NO_SAMPLING_ERROR
    | Condition.READY_FOR_PROGRAM
)
"""The condition register of a box that neither measures nor gets a program ready (page 13-30)."""

EXTENDED_EVENT_SUMMARY = 1 << 1  # EES in the status byte (13.3.2)

_TIME = Real("S", Decimal(0), TIME_MAX_S, CLOCK_S, style=engineering)
_INTERVAL = Real("S", CLOCK_S, TIME_MAX_S, CLOCK_S, style=engineering)
VOLTAGE_LIMITER = Real("V", Decimal(1), Decimal(30), Decimal(1), style=engineering)
CURRENT_LIMITER = Real("A", Decimal("1E-3"), Decimal("200E-3"), Decimal("1E-3"), style=engineering)
MASK = Whole(0, 65_535)

_FILE_NAME = Text(max_length=31)  # ASSUMED
_EXTREME = (Extreme(),)

OUTPUT = Command(":OUTPut[:STATe]", (Switch(),), ())
FUNCTION = Command(":SOURce:FUNCtion", (Choice(("VOLTage", "CURRent")),), ())
RANGE = Command(":SOURce:RANGe", (Verbatim(),), _EXTREME, asks_optional=1)
LEVEL = Command(":SOURce:LEVel[:FIXed]", (Verbatim(),), _EXTREME, asks_optional=1)
LEVEL_AUTO = Command(":SOURce:LEVel:AUTO", (Verbatim(),), _EXTREME, asks_optional=1)
PROTECT_VOLTAGE = Command(
    ":SOURce:PROTection:VOLTage", (VOLTAGE_LIMITER,), _EXTREME, asks_optional=1
)
PROTECT_CURRENT = Command(
    ":SOURce:PROTection:CURRent", (CURRENT_LIMITER,), _EXTREME, asks_optional=1
)

PROGRAM_REPEAT = Command(":PROGram:REPeat", (Switch(),), ())
PROGRAM_INTERVAL = Command(":PROGram:INTerval", (_INTERVAL,), _EXTREME, asks_optional=1)
PROGRAM_SLOPE = Command(":PROGram:SLOPe", (_TIME,), _EXTREME, asks_optional=1)
PROGRAM_SAVE = Command(":PROGram:SAVE", (_FILE_NAME,))
PROGRAM_LOAD = Command(":PROGram:LOAD", (_FILE_NAME,), ())  # ASSUMED: QCoDeS asks it as well
PROGRAM_DELETE = Command(":PROGram:DELete", (_FILE_NAME,))
PROGRAM_RUN = Command(":PROGram:RUN", ())
PROGRAM_HOLD = Command(":PROGram:HOLD", ())
PROGRAM_PAUSE = Command(":PROGram:PAUSe", ())
PROGRAM_CONTINUE = Command(":PROGram:CONTinue", ())
PROGRAM_COUNT = Command(":PROGram:COUNt", (Whole(1, PROGRAM_STEPS_MAX),), _EXTREME, asks_optional=1)
PROGRAM_EDIT_START = Command(":PROGram:EDIT:STARt", ())
PROGRAM_EDIT_END = Command(":PROGram:EDIT:END", ())

FOUR_WIRE = Command(":SENSe:REMote", (Switch(),), ())
GUARD = Command(":SENSe:GUARd", (Switch(),), ())
BNC_OUT = Command(":ROUTe:BNCOut", (Choice(("TRIGger", "OUTPut", "READy")),), ())
BNC_IN = Command(":ROUTe:BNCIn", (Choice(("TRIGger", "OUTPut")),), ())

ERROR = Command(":SYSTem:ERRor", asks=())
STATUS_ERROR = Command(":STATus:ERRor", asks=())
LINE_FREQUENCY = Command(":SYSTem:LFRequency", asks=())
LOCAL = Command(":SYSTem:LOCal", ())
REMOTE = Command(":SYSTem:REMote", ())
DISPLAY = Command(":SYSTem:DISPlay[:STATe]", (Switch(),), ())
CONDITION = Command(":STATus:CONDition", asks=())
EVENT = Command(":STATus:EVENt", asks=())
EVENT_ENABLE = Command(":STATus:ENABle", (MASK,), ())


def range_for(magnitude: Decimal, function: str) -> SourceRange | None:
    """Return the smallest range whose full scale includes ``magnitude``, or None."""
    fitting = (entry for entry in RANGES[function] if abs(magnitude) <= entry.full_scale)
    return next(fitting, None)


def range_reaching(level: Decimal, function: str) -> SourceRange | None:
    """Return the smallest range in which ``level`` can be set, or None."""
    fitting = (entry for entry in RANGES[function] if abs(level) <= entry.limit)
    return next(fitting, None)


def ramp_message(target: Decimal, duration_s: Decimal) -> str:
    """Return the message that starts a program of one step: a ramp from where the source is.

    It clears the status first, so that the end of this program is what sets
    END_OF_PROGRAM. ``duration_s``: a multiple of :data:`CLOCK_S`, at most
    :data:`TIME_MAX_S`.
    """
    return (
        f"*CLS;:PROG:REP 0;:PROG:SLOP {duration_s};:PROG:INT {duration_s};"
        f":PROG:EDIT:STAR;:SOUR:LEV {target:f};:PROG:EDIT:END;:PROG:RUN"
    )
