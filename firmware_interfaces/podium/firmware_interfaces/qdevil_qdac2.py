"""QDevil QDAC-II, a DC source of 24 channels: its commands, ranges and numbers.

Sources: headers and words as the drivers of ``qcodes_contrib_drivers`` 0.24.1 (``QDAC2.py``, by
QDevil) and qkit (``QDevil_QDAC_II.py``, which quotes the manual's syntax) send them; ranges,
filters and resolution by Quantum Machines' page of the QDAC; limits of times, lists and slew as
public drivers have them from the manual. SCPI over TCP, messages end with a newline.
"""

from dataclasses import dataclass
from decimal import Decimal
from struct import iter_unpack

from podium.firmware_interfaces.ieee4882.channel_list import ChannelList
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import (
    Choice,
    Kind,
    Real,
    Switch,
    Value,
    Verbatim,
    Whole,
)
from podium.firmware_interfaces.ieee4882.program_message import Block, Number, Parameter, Word
from podium.firmware_interfaces.ieee4882.responses import plain

TCP_PORT = 5025
VENDOR = "QDevil"
MODEL = "QDAC-II"
CHANNELS = 24
NAMES = tuple(f"ch{n:02}" for n in range(1, CHANNELS + 1))
"""What QCoDeS calls the channels, and a facility file."""
NO_ERROR = '0, "No error"'  # QDevil's tests with an instrument (real_qdac2_fixtures.py)

RANGES_V = {"LOW": Decimal(2), "HIGH": Decimal(10)}
"""Levels go from minus to plus this. ASSUMED: no channel's calibration takes any of it away."""
DAC_BITS = 20  # ASSUMED: of the converter without resolution enhancement
ENHANCED_BITS = 25  # page of the QDAC: 25-bit resolution
OUTPUT_OHM = 50.0  # page of the QDAC: output series resistance
SLEW_MIN_V_PER_S = Decimal("0.01")
SLEW_MAX_V_PER_S = Decimal("2E7")
SLEW_FREE = Decimal("Infinity")
"""The level jumps."""
DWELL_MIN_S, DWELL_MAX_S = Decimal("1E-6"), Decimal(36_000)
DELAY_MAX_S = Decimal(3600)
LIST_NUMBERS_MAX = 1023
"""Numbers of one message; longer lists are sent as a block, or appended."""
LIST_LENGTH_MAX = 65_536  # ASSUMED
SWEEP_POINTS_MAX = 10_000_000  # ASSUMED
TRIGGERS = 14  # internal ones
TRIGGER_INPUTS = 4
TRIGGER_OUTPUTS = 5
SENSOR_RANGES_A = {"LOW": 200e-9, "HIGH": 10e-3}
APERTURE_MIN_S, APERTURE_MAX_S = Decimal("0.0003"), Decimal(2)
NPLC_MAX = Decimal(100)
SAMPLES_MAX = 1_000_000  # ASSUMED: measurements of one series


def digits(value: Decimal) -> str:
    """Write with eight significant digits, as firmware since 7-0.17.5 does (pyHegel)."""
    if value == SLEW_FREE:
        return "INF"  # ASSUMED
    return f"{float(value) + 0.0:.8g}"


def step_v(range_name: str, enhanced: bool) -> Decimal:
    """Return the step of the converter in a range, V."""
    bits = ENHANCED_BITS if enhanced else DAC_BITS
    return 2 * RANGES_V[range_name] / (1 << bits)


@dataclass(frozen=True, slots=True)
class Slew:
    """A slew in V/s, or INFinity for none."""

    def take(self, parameter: Parameter) -> Decimal:
        """Take a number or one of the words INFinity, DEFault, MINimum and MAXimum."""
        match parameter:
            case Word("INF" | "INFINITY" | "DEF" | "DEFAULT"):
                return SLEW_FREE
        return _SLEW.take(parameter)

    def answer(self, value: Value) -> str:
        """Write the number, or INF."""
        return _SLEW.answer(value)


@dataclass(frozen=True, slots=True)
class Count:
    """Repetitions; -1 or INFinity: without end."""

    highest: int

    def take(self, parameter: Parameter) -> int:
        """Take a number or a word for one."""
        match parameter:
            case Word("INF" | "INFINITY"):
                return -1
            case Number(value, "") if value == -1:
                return -1
        return Whole(1, self.highest).take(parameter)

    def answer(self, value: Value) -> str:
        """Write the number."""
        return str(value)


def _seconds(low: Decimal, high: Decimal) -> Real:
    return Real("S", low, high, style=digits)


_SLEW = Real("", SLEW_MIN_V_PER_S, SLEW_MAX_V_PER_S, style=digits)
VOLTS = Real("V", -RANGES_V["HIGH"], RANGES_V["HIGH"], style=digits)
"""A level; the range in use may have less."""
_DWELL = _seconds(DWELL_MIN_S, DWELL_MAX_S)
_LISTED = (ChannelList(),)
TRIGGERS_FROM = Choice(
    (
        *("HOLD", "BUS", "IMMediate"),
        *(f"INTernal{n}" for n in range(1, TRIGGERS + 1)),
        *(f"EXTernal{n}" for n in range(1, TRIGGER_INPUTS + 1)),
    )
)
_MARKED = Whole(0, TRIGGERS)  # 0: none
_UP_DOWN = Choice(("UP", "DOWN"))


def _setting(header: str, kind: Kind) -> Command:
    """Return a setting of channels: by a suffix, or by a list behind the value."""
    return Command(header, (kind, ChannelList()), _LISTED, optional=1, asks_optional=1)


def _asked(header: str) -> Command:
    return Command(header, asks=_LISTED, asks_optional=1)


def _done(header: str) -> Command:
    return Command(header, _LISTED, optional=1)


_LEVEL = ":SOURce<n>[:DC]:VOLTage[:LEVel][:IMMediate][:AMPLitude]"
VOLTAGE = _setting(_LEVEL, VOLTS)
VOLTAGE_LAST = _asked(f"{_LEVEL}:LAST")
VOLTAGE_NEXT = _setting(":SOURce<n>[:DC]:VOLTage[:LEVel]:TRIGgered[:AMPLitude]", VOLTS)
MODE = _setting(":SOURce<n>[:DC][:VOLTage]:MODE", Choice(("FIXed", "SWEep", "LIST")))
SLEW = _setting(":SOURce<n>[:DC]:VOLTage:SLEW", Slew())
RANGE = _setting(":SOURce<n>[:VOLTage]:RANGe", Choice(("LOW", "HIGH")))
LIMITS = {
    (name, side): _asked(f":SOURce<n>[:VOLTage]:RANGe:{name}:{word}")
    for name in RANGES_V
    for side, word in ((-1, "MINimum"), (1, "MAXimum"))
}
FILTER = _setting(":SOURce<n>[:VOLTage]:FILTer[:LOWPass]", Choice(("DC", "MEDium", "HIGH")))
ENHANCEMENT = _setting(":SOURce<n>[:VOLTage]:RENHancement", Switch())

_SWEEP = ":SOURce<n>[:DC]:SWEep"
SWEEP_START = _setting(f"{_SWEEP}[:VOLTage]:STARt", VOLTS)
SWEEP_STOP = _setting(f"{_SWEEP}[:VOLTage]:STOP", VOLTS)
SWEEP_POINTS = _setting(f"{_SWEEP}:POINts", Whole(2, SWEEP_POINTS_MAX))
SWEEP_DWELL = _setting(f"{_SWEEP}:DWELl", _DWELL)
SWEEP_GENERATION = _setting(f"{_SWEEP}:GENeration", Choice(("STEPped", "ANALog")))
SWEEP_DIRECTION = _setting(f"{_SWEEP}:DIRection", _UP_DOWN)
SWEEP_COUNT = _setting(f"{_SWEEP}:COUNt", Count(SWEEP_POINTS_MAX))
SWEEP_LEFT = _asked(f"{_SWEEP}:NCLeft")
SWEEP_TIME = _asked(f"{_SWEEP}:TIME")

_LIST = ":SOURce<n>[:DC]:LIST"
_NUMBERS = (Verbatim(),) * LIST_NUMBERS_MAX
LIST_VOLTAGE = Command(
    f"{_LIST}:VOLTage", _NUMBERS, _LISTED, optional=LIST_NUMBERS_MAX - 1, asks_optional=1
)
LIST_APPEND = Command(f"{_LIST}:VOLTage:APPend", _NUMBERS, optional=LIST_NUMBERS_MAX - 1)
LIST_POINTS = _asked(f"{_LIST}:POINts")
LIST_DWELL = _setting(f"{_LIST}:DWELl", _DWELL)
LIST_DIRECTION = _setting(f"{_LIST}:DIRection", _UP_DOWN)
LIST_COUNT = _setting(f"{_LIST}:COUNt", Count(SWEEP_POINTS_MAX))
LIST_LEFT = _asked(f"{_LIST}:NCLeft")
LIST_STEPS = _setting(f"{_LIST}:TMODe", Choice(("AUTO", "STEPped")))

DC_DELAY = _setting(":SOURce<n>:DC:DELay", _seconds(Decimal(0), DELAY_MAX_S))
DC_TRIGGER = _setting(":SOURce<n>:DC:TRIGger:SOURce", TRIGGERS_FROM)
DC_START = _done(":SOURce<n>:DC:INITiate[:IMMediate]")
DC_CONTINUOUS = _setting(":SOURce<n>:DC:INITiate:CONTinuous", Switch())
DC_ABORT = _done(":SOURce<n>:DC:ABORt")
CHANNEL_ABORT = _done(":SOURce<n>:ALL:ABORt")
DC_MARKERS = tuple(
    _setting(f":SOURce<n>:DC:MARKer:{event}[:TNUMber]", _MARKED)
    for event in ("STARt", "END", "PSTart", "PEND", "SSTart", "SEND")
)

_SENSE = ":SENSe<n>[:CURRent]"
SENSE_RANGE = _setting(f"{_SENSE}:RANGe", Choice(("LOW", "HIGH")))
SENSE_APERTURE = _setting(f"{_SENSE}:APERture", _seconds(APERTURE_MIN_S, APERTURE_MAX_S))
SENSE_NPLC = _setting(f"{_SENSE}:NPLCycles", Real("", APERTURE_MIN_S * 50, NPLC_MAX, style=plain))
SENSE_DELAY = _setting(f"{_SENSE}:DELay", _seconds(Decimal(0), DELAY_MAX_S))
SENSE_COUNT = _setting(f"{_SENSE}:COUNt", Count(SAMPLES_MAX))
SENSE_LEFT = _asked(f"{_SENSE}:NCLeft")
SENSE_LAST = _asked(f"{_SENSE}:DATA:LAST")
SENSE_POINTS = _asked(f"{_SENSE}:DATA:POINts")
SENSE_REMOVE = _asked(f"{_SENSE}:DATA:REMove")
SENSE_TRIGGER = _setting(":SENSe<n>:TRIGger:SOURce", TRIGGERS_FROM)
SENSE_START = _done(":SENSe<n>:INITiate[:IMMediate]")
SENSE_CONTINUOUS = _setting(":SENSe<n>:INITiate:CONTinuous", Switch())
SENSE_ABORT = _done(":SENSe<n>:ABORt")
READ = _asked(":READ<n>[:CURRent]")
FETCH = _asked(":FETCh<n>[:CURRent]")


def _output(header: str, kind: Kind) -> Command:
    return Command(f":OUTPut:TRIGger<n>:{header}", (kind,), ())


TRIGGER_SOURCE = _output("SOURce", TRIGGERS_FROM)
TRIGGER_WIDTH = _output("WIDTh", _seconds(Decimal("1E-6"), DELAY_MAX_S))
TRIGGER_POLARITY = _output("POLarity", Choice(("NORMal", "INVerted")))
TRIGGER_DELAY = _output("DELay", _seconds(Decimal(0), DELAY_MAX_S))
TRIGGER_SIGNAL = Command(":OUTPut:TRIGger<n>:SIGNal", ())
FIRE = Command(":TINTernal", (Whole(1, TRIGGERS),))  # ASSUMED: the long form; drivers send TINT
ABORT = Command(":ABORt", ())

ERROR = Command(":SYSTem:ERRor[:NEXT]", asks=())
ERRORS = Command(":SYSTem:ERRor:ALL", asks=())
ERROR_COUNT = Command(":SYSTem:ERRor:COUNt", asks=())
MAC = Command(":SYSTem:COMMunicate:LAN:MAC", asks=())
LINE_FREQUENCY = Command(":SYSTem:LFRequency", (Choice(("50", "60")),), ())
TEMPERATURE = Command(":SYSTem:TEMPerature", asks=(Whole(1, 3), Whole(1, 3)))
CLOCK_SOURCE = Command(":SYSTem:CLOCk:SOURce", (Choice(("INTernal", "EXTernal")),), ())
CLOCK_SEND = Command(":SYSTem:CLOCk:SEND", (Switch(),), ())
CLOCK_SYNC = Command(":SYSTem:CLOCk:SYNC", ())
OUTPUT_SYNC = Command(":OUTPut:SYNC:SIGNal", ())


def volts_of_block(block: Block, most: int = LIST_LENGTH_MAX) -> tuple[Decimal, ...]:
    """Return the levels of a binary list: IEEE floats of 32 bits, least byte first, in V.

    Raises :class:`ScpiError` -161 for what is none, -223 for more than ``most``.
    """
    if len(block.data) % 4:
        raise ScpiError(-161, f"{len(block.data)} bytes are no floats of four")
    if len(block.data) > 4 * most:
        raise ScpiError(-223, f"{len(block.data) // 4} levels, {most} are possible")
    values = tuple(value for (value,) in iter_unpack("<f", block.data))
    if not all(abs(value) <= float(RANGES_V["HIGH"]) for value in values):  # nor NaN
        raise ScpiError(-222, "a level of the list")
    return tuple(Decimal(f"{value:.9g}") for value in values)


def channel_messages(query: str) -> str:
    """Return the query of all channels at once: ``:SOUR:VOLT? (@1:24)``."""
    return f"{query} (@1:{CHANNELS})"
