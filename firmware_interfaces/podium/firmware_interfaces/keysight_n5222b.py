"""Keysight PNA N5222B vector network analyzer, four ports: its commands and limits.

Source: QCoDeS 0.58 ``N52xx`` for what drivers send; Keysight's PNA help, "SCPI command tree", for
headers, words and the order of bytes. # ASSUMED, from memory of that help: reset values, the list
of bandwidths, how numbers are written, and which options are fitted.
SCPI over TCP and HiSLIP; messages end with a newline.
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
    Whole,
)

TCP_PORT = 5025
VENDOR = "Keysight Technologies"
MODEL = "N5222B"
OPTIONS = '"419"'  # ASSUMED: four ports with attenuators
PORTS = 4
FREQUENCY_MIN_HZ, FREQUENCY_MAX_HZ = Decimal("10E6"), Decimal("26.5E9")
POWER_MIN_DBM, POWER_MAX_DBM = Decimal("-95"), Decimal("13")
"""What QCoDeS takes of a box with option 419."""
POINTS_MAX = 100_001
TRACES_MAX = 24
BANDWIDTHS_HZ = tuple(
    step * Decimal(10) ** power
    for power in range(8)
    for step in map(Decimal, ("1", "1.5", "2", "3", "5", "7"))
    if (power > 0 or step != Decimal("1.5")) and step * 10**power <= 15_000_000
)
FORMATS = (
    "MLINear",
    "MLOGarithmic",
    "PHASe",
    "UPHase",
    "IMAGinary",
    "REAL",
    "POLar",
    "SMITh",
    "SADMittance",
    "SWR",
    "GDELay",
)
SWEEP_TYPES = ("LINear", "LOGarithmic", "POWer", "CW")
"""Sweeps over segments and phases are refused."""
SWEEP_MODES = ("HOLD", "CONTinuous", "GROups", "SINGle")

_EXTREME: tuple[Kind, ...] = (Extreme(),)


def written(value: Decimal) -> str:
    """Return a number as this box writes it: ``+1.00000000000E+007``."""
    mantissa, _, power = f"{float(value):+.11E}".partition("E")
    return f"{mantissa}E{int(power):+04d}"


def _real(header: str, unit: str, low: Decimal, high: Decimal, default: Decimal) -> Command:
    kind = Real(unit, low, high, None, default, written)
    return Command(header, (kind,), _EXTREME, asks_optional=1)


def _frequency(name: str, default: Decimal) -> Command:
    header = f"[:SENSe<Ch>]:FREQuency{name}"
    return _real(header, "HZ", FREQUENCY_MIN_HZ, FREQUENCY_MAX_HZ, default)


def _power(name: str, default: Decimal) -> Command:
    header = f"[:SOURce<Ch>]:POWer<Port>{name}"
    return _real(header, "DBM", POWER_MIN_DBM, POWER_MAX_DBM, default)


START = _frequency(":STARt", FREQUENCY_MIN_HZ)
STOP = _frequency(":STOP", FREQUENCY_MAX_HZ)
CENTER = _frequency(":CENTer", (FREQUENCY_MIN_HZ + FREQUENCY_MAX_HZ) / 2)
SPAN = _real(
    "[:SENSe<Ch>]:FREQuency:SPAN",
    "HZ",
    Decimal(0),
    FREQUENCY_MAX_HZ - FREQUENCY_MIN_HZ,
    FREQUENCY_MAX_HZ - FREQUENCY_MIN_HZ,
)
CW = _frequency("[:CW|:FIXed]", Decimal("1E9"))
BANDWIDTH = _real(
    "[:SENSe<Ch>]:BANDwidth[:RESolution]", "HZ", Decimal(0), Decimal("1E9"), Decimal("100E3")
)
"""Values between those of :data:`BANDWIDTHS_HZ` are rounded up, larger ones down."""
POINTS = Command("[:SENSe<Ch>]:SWEep:POINts", (Whole(1, POINTS_MAX),), ())
SWEEP_TYPE = Command("[:SENSe<Ch>]:SWEep:TYPE", (Choice(SWEEP_TYPES),), ())
SWEEP_MODE = Command("[:SENSe<Ch>]:SWEep:MODE", (Choice(SWEEP_MODES),), ())
SWEEP_TIME = _real("[:SENSe<Ch>]:SWEep:TIME", "S", Decimal(0), Decimal("86400"), Decimal(0))
SWEEP_TIME_AUTO = Command("[:SENSe<Ch>]:SWEep:TIME:AUTO", (Switch(),), ())
GROUP_COUNT = Command("[:SENSe<Ch>]:SWEep:GROups:COUNt", (Whole(1, 2_000_000),), ())
AVERAGE = Command("[:SENSe<Ch>]:AVERage[:STATe]", (Switch(),), ())
AVERAGE_COUNT = Command("[:SENSe<Ch>]:AVERage:COUNt", (Whole(1, 65_536),), ())
AVERAGE_CLEAR = Command("[:SENSe<Ch>]:AVERage:CLEar", ())
POWER = _power("[:LEVel][:IMMediate][:AMPLitude]", Decimal(0))
POWER_START = _power(":STARt", Decimal(-10))
POWER_STOP = _power(":STOP", Decimal(0))
OUTPUT = Command(":OUTPut[:STATe]", (Switch(),), ())
CONTINUOUS = Command(":INITiate<Ch>:CONTinuous", (Switch(),), ())
INITIATE = Command(":INITiate<Ch>[:IMMediate]", ())
TRIGGER_SOURCE = Command(
    ":TRIGger[:SEQuence]:SOURce", (Choice(("EXTernal", "IMMediate", "MANual")),), ()
)

_NAME = Text(64, bare_words=True)
CATALOG = Command(":CALCulate<Ch>:PARameter:CATalog:EXTended", asks=())
DEFINE = Command(":CALCulate<Ch>:PARameter:DEFine:EXTended", (_NAME, _NAME))
MODIFY = Command(":CALCulate<Ch>:PARameter:MODify:EXTended", (_NAME,))
SELECT = Command(":CALCulate<Ch>:PARameter:SELect", (_NAME,), ())
NUMBER = Command(":CALCulate<Ch>:PARameter:MNUMber[:SELect]", (Whole(1, TRACES_MAX),), ())
DELETE = Command(":CALCulate<Ch>:PARameter:DELete[:NAME]", (_NAME,))
DELETE_ALL = Command(":CALCulate<Ch>:PARameter:DELete:ALL", ())
FORMAT = Command(":CALCulate<Ch>:FORMat", (Choice(FORMATS),), ())
DATA = Command(":CALCulate<Ch>:DATA", asks=(Choice(("FDATA", "SDATA", "RDATA")),))
STIMULUS = Command(":CALCulate<Ch>:X[:VALues]", asks=())
DELAY = _real(":CALCulate<Ch>:CORRection:EDELay[:TIME]", "S", Decimal(-10), Decimal(10), Decimal(0))
DATA_FORMAT = Command(":FORMat[:DATA]", (Choice(("ASCii", "REAL")), Whole(0, 64)), (), optional=1)
BYTE_ORDER = Command(":FORMat:BORDer", (Choice(("NORMal", "SWAPped")),), ())
"""NORMal: the most significant byte first."""
NEW_TRACE = Command(":DISPlay:TRACe<Trc>:NEW", (Whole(0, 1),))
TRACE_STATE = Command(":DISPlay:TRACe<Trc>:STATe", (Switch(),), ())
"""ASSUMED, both of them: QCoDeS makes and ends traces so."""
FEED = Command(":DISPlay:WINDow<Wnd>:TRACe<Trc>:FEED", (_NAME,))
WINDOW = Command(":DISPlay:WINDow<Wnd>[:STATe]", (Switch(),), ())
ERROR = Command(":SYSTem:ERRor[:NEXT]", asks=())
PRESET = Command(":SYSTem:PRESet", ())
PRESET_EMPTY = Command(":SYSTem:FPReset", ())


def possible_bandwidth_hz(asked_hz: Decimal) -> Decimal:
    """Return the bandwidth that the instrument sets: the next above, or the largest."""
    return next((one for one in BANDWIDTHS_HZ if one >= asked_hz), BANDWIDTHS_HZ[-1])
