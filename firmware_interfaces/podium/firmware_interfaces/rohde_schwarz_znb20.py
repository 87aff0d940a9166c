"""Rohde & Schwarz ZNB20 vector network analyzer, two ports: its commands and limits.

Source: QCoDeS 0.58 ``ZNB`` for what drivers send; the R&S ZNB/ZNBT user manual (1173.9163.02,
"Command reference") for headers, words and the formats of trace data. What stands below without
a page was written down from memory of that manual and of the data sheet (version 09.00):
# ASSUMED: reset values, the limits of averages, and which options are fitted.
SCPI over TCP, HiSLIP and VXI-11; messages end with a newline.
"""

from decimal import Decimal

from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.parameters import (
    Choice,
    Extreme,
    Kind,
    Real,
    Switch,
    Text,
    Value,
    Verbatim,
    Whole,
)
from podium.firmware_interfaces.ieee4882.responses import plain

TCP_PORT = 5025
VENDOR = "Rohde-Schwarz"
MODEL = "ZNB20-2Port"
MATERIAL = "1311601062"  # ASSUMED: stands before the serial number
OPTIONS = "ZNB20-B22,ZN-B14,ZNB-K17"  # ASSUMED: extended power range, 10 MHz of bandwidth
PORTS = 2

FREQUENCY_MIN_HZ, FREQUENCY_MAX_HZ = Decimal("100E3"), Decimal("20E9")
POWER_MIN_DBM, POWER_MAX_DBM = Decimal("-60"), Decimal("25")
"""What QCoDeS takes of a ZNB20 with the extended power range."""
POINTS_MAX = 100_001
BANDWIDTH_STEPS = (Decimal("1"), *map(Decimal, ("1.5", "2", "3", "5", "7")))
"""Bandwidths are these times powers of ten from 1 Hz to 1 MHz, and 1.5 to 10 MHz with K17."""
BANDWIDTH_MIN_HZ, BANDWIDTH_MAX_HZ = Decimal(1), Decimal("10E6")
FREQUENCY_DEFAULT_HZ = (FREQUENCY_MIN_HZ, FREQUENCY_MAX_HZ)
POWER_DEFAULT_DBM = Decimal(-10)
POINTS_DEFAULT = 201
BANDWIDTH_DEFAULT_HZ = Decimal("10E3")

CHANNELS_MAX = 100  # ASSUMED
TRACES_MAX = 100  # ASSUMED
NAME_MAX = 100  # ASSUMED: characters of a trace's name
FORMATS = (
    "MLINear",
    "MLOGarithmic",
    "PHASe",
    "UPHase",
    "POLar",
    "SMITh",
    "ISMith",
    "GDELay",
    "REAL",
    "IMAGinary",
    "SWR",
    "COMPlex",
    "MAGNitude",
)
"""MAGNitude is in dB, too: so R&S' published examples use it."""
SWEEP_TYPES = ("LINear", "LOGarithmic", "POWer", "CW", "POINt")
"""Segmented sweeps are refused."""

_EXTREME: tuple[Kind, ...] = (Extreme(),)
_SENSE = "[:SENSe<Ch>]"


def _real(header: str, unit: str, low: Decimal, high: Decimal, default: Decimal) -> Command:
    kind = Real(unit, low, high, None, default, plain)
    return Command(header, (kind,), _EXTREME, asks_optional=1)


def _frequency(name: str, default: Decimal) -> Command:
    return _real(f"{_SENSE}:FREQuency:{name}", "HZ", FREQUENCY_MIN_HZ, FREQUENCY_MAX_HZ, default)


def _switch(header: str) -> Command:
    return Command(header, (Switch(),), ())


START = _frequency("STARt", FREQUENCY_MIN_HZ)
STOP = _frequency("STOP", FREQUENCY_MAX_HZ)
CENTER = _frequency("CENTer", (FREQUENCY_MIN_HZ + FREQUENCY_MAX_HZ) / 2)
SPAN = _real(
    f"{_SENSE}:FREQuency:SPAN",
    "HZ",
    Decimal(0),
    FREQUENCY_MAX_HZ - FREQUENCY_MIN_HZ,
    FREQUENCY_MAX_HZ - FREQUENCY_MIN_HZ,
)
CW = _real(
    f"{_SENSE}:FREQuency[:CW|:FIXed]",
    "HZ",
    FREQUENCY_MIN_HZ,
    FREQUENCY_MAX_HZ,
    Decimal("1E9"),
)
_BANDWIDTH = Real("HZ", Decimal(0), Decimal("1E12"), None, BANDWIDTH_DEFAULT_HZ, plain)
BANDWIDTH = Command(f"{_SENSE}:BANDwidth[:RESolution]", (_BANDWIDTH,), _EXTREME, asks_optional=1)
BANDWIDTH_BY = Command(f"{_SENSE}:BWIDth[:RESolution]", (_BANDWIDTH,), _EXTREME, asks_optional=1)
"""Values between the steps are rounded up, those beyond the largest down."""
POINTS = Command(f"{_SENSE}:SWEep:POINts", (Whole(1, POINTS_MAX),), ())
SWEEP_TYPE = Command(f"{_SENSE}:SWEep:TYPE", (Choice(SWEEP_TYPES),), ())
SWEEP_TIME = _real(f"{_SENSE}:SWEep:TIME", "S", Decimal(0), Decimal("100E3"), Decimal(0))
SWEEP_TIME_AUTO = _switch(f"{_SENSE}:SWEep:TIME:AUTO")
SWEEP_COUNT = Command(f"{_SENSE}:SWEep:COUNt", (Whole(1, 100_000),), ())
AVERAGE = _switch(f"{_SENSE}:AVERage[:STATe]")
AVERAGE_COUNT = Command(f"{_SENSE}:AVERage:COUNt", (Whole(1, 5000),), ())
AVERAGE_CLEAR = Command(f"{_SENSE}:AVERage:CLEar", ())
DELAY = _real(f"{_SENSE}:CORRection:EDELay<Port>:TIME", "S", Decimal(-10), Decimal(10), Decimal(0))
DELAY_AUTO = Command(f"{_SENSE}:CORRection:EDELay<Port>:AUTO", (Choice(("ONCE",)),))

POWER = _real(
    "[:SOURce<Ch>]:POWer<Port>[:LEVel][:IMMediate][:AMPLitude]",
    "DBM",
    POWER_MIN_DBM,
    POWER_MAX_DBM,
    POWER_DEFAULT_DBM,
)
POWER_START = _real(
    "[:SOURce<Ch>]:POWer<Port>:STARt", "DBM", POWER_MIN_DBM, POWER_MAX_DBM, Decimal(-25)
)
POWER_STOP = _real(
    "[:SOURce<Ch>]:POWer<Port>:STOP", "DBM", POWER_MIN_DBM, POWER_MAX_DBM, Decimal(0)
)
OUTPUT = _switch(":OUTPut<Ch>[:STATe]")

CONTINUOUS = _switch(":INITiate<Ch>:CONTinuous")
CONTINUOUS_ALL = _switch(":INITiate<Ch>:CONTinuous:ALL")
INITIATE = Command(":INITiate<Ch>[:IMMediate]", ())
INITIATE_ALL = Command(":INITiate<Ch>[:IMMediate]:ALL", ())
MEASURED = _switch(":CONFigure:CHANnel<Ch>:MEASure[:STATe]")
CHANNEL_STATE = _switch(":CONFigure:CHANnel<Ch>[:STATe]")
CHANNEL_CATALOG = Command(":CONFigure:CHANnel<Ch>:CATalog", asks=())
TRACE_CATALOG = Command(":CONFigure:TRACe<Trc>:CATalog", asks=())
TRIGGER_SOURCE = Command(
    ":TRIGger<Ch>[:SEQuence]:SOURce",
    (Choice(("IMMediate", "EXTernal", "MANual", "MULTiple")),),
    (),
)

_NAME = Text(NAME_MAX, bare_words=True)
DEFINE = Command(":CALCulate<Ch>:PARameter:SDEFine", (_NAME, _NAME))
MEASURE = Command(":CALCulate<Ch>:PARameter:MEASure", (_NAME, _NAME), (_NAME,))
SELECT = Command(":CALCulate<Ch>:PARameter:SELect", (_NAME,), ())
CATALOG = Command(":CALCulate<Ch>:PARameter:CATalog", asks=())
DELETE = Command(":CALCulate<Ch>:PARameter:DELete", (_NAME,))
DELETE_CHANNEL = Command(":CALCulate<Ch>:PARameter:DELete:CALL", ())
DELETE_ALL = Command(":CALCulate<Ch>:PARameter:DELete:ALL", ())
FORMAT = Command(":CALCulate<Ch>:FORMat", (Choice(FORMATS),), ())
DATA = Command(":CALCulate<Ch>:DATA", asks=(Choice(("FDATa", "SDATa", "MDATa")),))
STIMULUS = Command(":CALCulate<Ch>:DATA:STIMulus", asks=())

DATA_FORMAT = Command(":FORMat[:DATA]", (Choice(("ASCii", "REAL")), Whole(0, 64)), (), optional=1)
BYTE_ORDER = Command(":FORMat:BORDer", (Choice(("NORMal", "SWAPped")),), ())
PORT_COUNT = Command(":INSTrument:PORT:COUNt", asks=())
PORT_COUNT_OLD = Command(":INSTrument:NPORt:COUNt", asks=())
REFERENCE = Command("[:SENSe<Ch>]:ROSCillator[:SOURce]", (Choice(("INTernal", "EXTernal")),), ())
REFERENCE_HZ = _real(
    "[:SENSe<Ch>]:ROSCillator:EXTernal:FREQuency",
    "HZ",
    Decimal("1E6"),
    Decimal("20E6"),
    Decimal("10E6"),
)
HARDWARE = Command(":STATus:QUEStionable:INTegrity:HARDware[:EVENt]", asks=())
ERROR = Command(":SYSTem:ERRor[:NEXT]", asks=())
PRESET = Command(":SYSTem:PRESet[:DUMMy]", ())

UPDATE = Command(":SYSTem:DISPlay:UPDate", (Choice(("ON", "OFF", "ONCE")),), ())
DISPLAY_SETTINGS: dict[Command, Value] = {
    _switch(":SYSTem:ERRor:DISPlay"): True,
    Command(
        ":DISPlay:LAYout", (Choice(("LINeup", "STACk", "HORizontal", "VERTical", "GRID")),), ()
    ): ("GRID"),
}
"""What is shown on the screen, with what *RST makes of it; the twin has none."""
DISPLAY_COMMANDS = (
    Command(":DISPlay:LAYout:GRID", (Whole(1, 16), Whole(1, 16))),
    Command(":DISPlay:WINDow<Wnd>:STATe", (Switch(),)),
    Command(":DISPlay:WINDow<Wnd>:TRACe<Trc>:FEED", (_NAME,)),
    Command(":DISPlay:WINDow<Wnd>:TRACe<Trc>:EFEed", (_NAME,)),
    Command(":DISPlay:WINDow<Wnd>:TRACe<Trc>:DELete", ()),
    Command(":DISPlay:TRACe<Trc>:Y[:SCALe]:AUTO", (Choice(("ONCE",)), Verbatim()), optional=1),
    Command(
        ":DISPlay:WINDow<Wnd>:TRACe<Trc>:Y[:SCALe]:AUTO",
        (Choice(("ONCE",)), Verbatim()),
        optional=1,
    ),
)
"""Taken and forgotten: they move windows about."""


def possible_bandwidth_hz(asked_hz: Decimal) -> Decimal:
    """Return the bandwidth that the instrument sets: the next above, or the largest."""
    power = BANDWIDTH_MIN_HZ
    while power < BANDWIDTH_MAX_HZ:
        for step in BANDWIDTH_STEPS:
            if asked_hz <= step * power:
                return step * power
        power *= 10
    return BANDWIDTH_MAX_HZ
