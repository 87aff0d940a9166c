"""Lake Shore 372 AC resistance bridge: its commands, formats, limits and status bits.

Source: user's manual 119-372 Rev. 1.7, section 6.6.1 ("Interface Commands"),
<https://manualshive.com/en/manual/lake-shore/372/670645>; the vendor's Python
driver ``lakeshore`` 1.10 where the manual is silent. Not SCPI: flat mnemonics,
several fields in one command, no error queue; IEEE 488.2 status registers.
TCP, messages end with a newline, replies with carriage return and newline.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import IntFlag
from math import floor, log10

from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import (
    Kind,
    Real,
    Text,
    Value,
    Verbatim,
    Whole,
)
from podium.firmware_interfaces.ieee4882.program_message import Number, Parameter, Word

TCP_PORT = 7777
VENDOR = "LSCI"
MODEL = "MODEL372"
TERMINATOR = b"\r\n"
REGISTER_DIGITS = 3  # *ESR? and the like answer nnn
CHANNELS = tuple(range(1, 17))
"""Measurement inputs with a 16-channel scanner."""
NAME_MAX = 15  # INNAME
USER_CURVES = (21, 59)  # CRVHDR
READINGS_PER_S = 10  # specifications: 10 readings a second on one channel


VOLTAGE_EXCITATIONS = 12
"""INTYPE, voltage mode: 1 is 2 uV, 12 is 632 mV, in half decades."""
CURRENT_EXCITATIONS = 22
"""INTYPE, current mode: 1 is 1 pA, 22 is 31.6 mA, in half decades."""
CONTROL_EXCITATIONS = 6
"""INTYPE of the control input, which has currents only: 1 is 316 pA, 6 is 100 nA."""
RESISTANCE_RANGES = 22
"""INTYPE: 1 is 2 mohm, 22 is 63.2 Mohm, in half decades."""


class ReadingStatus(IntFlag):
    """Bits of the answer to RDGST?; 0 is a valid reading."""

    CURRENT_SOURCE_OVERLOAD = 1
    COMMON_MODE_OVERLOAD = 2
    MIXER_OVERLOAD = 4
    DIFFERENTIAL_OVERLOAD = 8
    RESISTANCE_OVER = 16
    RESISTANCE_UNDER = 32
    TEMPERATURE_OVER = 64
    TEMPERATURE_UNDER = 128


@dataclass(frozen=True, slots=True)
class Input:
    """An input: a number of a measurement input, or ``A``, the control input."""

    also_zero: bool = False
    """0 is allowed too and stands for none, for all or for the scanned channel."""

    def take(self, parameter: Parameter) -> str:
        """Take 1 to 16 or the letter A; the value is what the box would answer."""
        match parameter:
            case Word("A"):
                return "A"
            case Number():
                return str(_whole(0 if self.also_zero else 1, len(CHANNELS)).take(parameter))
            case _:
                raise ScpiError(-222, "an input is 1 to 16, or A")

    def answer(self, value: Value) -> str:
        """Write two digits, or A."""
        return f"{value!s:0>2}" if value != "A" else "A"


@dataclass(frozen=True, slots=True)
class InputGroup:
    """All measurement inputs together, written 0, or ``A``, the control input."""

    def take(self, parameter: Parameter) -> str:
        """Take 0 or the letter A; the value is what the box would answer."""
        match parameter:
            case Word("A"):
                return "A"
            case Number():
                return str(_whole(0, 0).take(parameter))
            case _:
                raise ScpiError(-222, "0 is the measurement inputs, A the control input")

    def answer(self, value: Value) -> str:
        """Write 0 or A."""
        return str(value)


@dataclass(frozen=True, slots=True)
class Record:
    """A command that stores several fields for an input, an output, a curve..., and its query."""

    command: Command
    defaults: tuple[Value, ...]
    """One for each field; the first parameters say of what."""
    all_inputs: bool = False
    """The command, not the query, takes 0 for all measurement inputs."""

    @property
    def keys(self) -> int:
        """Return how many parameters name what the command is about."""
        return len(self.command.asks or ())

    @property
    def fields(self) -> tuple[Kind, ...]:
        """The kinds of the fields that are stored."""
        return (self.command.sets or ())[self.keys :]


def _record(
    mnemonic: str,
    keys: tuple[Kind, ...],
    *fields: tuple[Kind, Value],
    all_inputs: bool = False,
) -> Record:
    kinds = tuple(kind for kind, _ in fields)
    sets = (*((Input(also_zero=True),) if all_inputs else keys), *kinds)
    command = Command(mnemonic, sets, keys, optional=len(kinds) - 1, empty_keeps=True)
    return Record(command, tuple(default for _, default in fields), all_inputs)


def _query(mnemonic: str, *keys: Kind, optional: int = 0) -> Command:
    return Command(mnemonic, asks=keys, asks_optional=optional)


def _signed(width: int, decimals: int) -> Callable[[Decimal], str]:
    return lambda value: f"{value:+0{width}.{decimals}f}"


def _whole(low: int, high: int, digits: int = 1) -> Whole:
    return Whole(low, high, digits, words=False)


def _real(low: str, high: str, width: int = 8, decimals: int = 3) -> Real:
    return Real("", Decimal(low), Decimal(high), style=_signed(width, decimals), words=False)


def reading(value: float) -> str:
    """Write a reading as the box does: six digits, exponent a multiple of three."""
    if value == 0:
        return "+000.000E+00"
    power = floor(log10(abs(value)) / 3) * 3
    mantissa = f"{value / 10.0**power:+08.3f}"
    if mantissa.lstrip("+-") == "1000.000":
        power += 3
        mantissa = f"{value / 10.0**power:+08.3f}"
    return f"{mantissa}E{power:+03d}"


def full_scale_ohm(resistance_range: int) -> float:
    """Return the full scale of a resistance range of INTYPE."""
    return 2e-3 * _half_decades(resistance_range)


def autorange(resistance_ohm: float) -> int:
    """Return the smallest resistance range that ``resistance_ohm`` fits, or the largest."""
    for resistance_range in range(1, RESISTANCE_RANGES):
        if resistance_ohm <= full_scale_ohm(resistance_range):
            return resistance_range
    return RESISTANCE_RANGES


def excitation_a(mode: int, excitation: int, resistance_range: int) -> float:
    """Return the current through the sensor of a measurement input, A rms.

    ``mode`` 1 states it (``MeasurementInputCurrentRange`` of the vendor's driver). ``mode`` 0
    states the voltage at full scale of the resistance range: the 370's manual, 8.12.2.6, pairs
    200 kohm with 316 nA and 63.2 mV, with 100 nA and 20 mV, and so on.
    ASSUMED: the 372 does so too; values are exact half decades (31.6 uA is 10 uA times sqrt(10)).
    """
    if mode == 1:
        return 1e-12 * _half_decades(excitation)
    wanted_a = 2e-6 * _half_decades(excitation) / full_scale_ohm(resistance_range)
    return min(wanted_a, 1e-12 * _half_decades(CURRENT_EXCITATIONS))


def _half_decades(number: int) -> float:
    return float(10 ** ((number - 1) / 2))


def _name(text: str) -> str:
    return text


_OFF_ON = _whole(0, 1)
_INPUT = Input()
_OUTPUT = _whole(0, 2)  # 0 sample heater, 1 warm-up heater, 2 analog (still)
_LOOP = _whole(0, 1)  # outputs that have a control loop
_ANY_VALUE = _real("-1E9", "1E9")
_SECONDS = _whole(0, 200, digits=3)  # INSET: 1 to 200 (dwell), 3 to 200 (pause), 0 when disabling

# Settings on which the measurement depends.
INSET = _record(
    "INSET",
    (_INPUT,),
    (_OFF_ON, 0),
    (_SECONDS, 10),
    (_SECONDS, 3),
    (_whole(0, 59, digits=2), 0),
    (_whole(0, 2), 1),
)
"""Enabled, dwell s, pause s, curve, temperature coefficient (1 negative, 2 positive)."""
INTYPE = _record(
    "INTYPE",
    (_INPUT,),
    (_OFF_ON, 0),
    (_whole(1, CURRENT_EXCITATIONS, digits=2), 1),
    (_whole(0, 2), 1),
    (_whole(0, 22, digits=2), 13),
    (_OFF_ON, 0),
    (_whole(1, 2), 1),
)
"""Mode (0 voltage), excitation, autorange, range, current source shunted, units (1 kelvin)."""
CONTROL_INTYPE: tuple[Value, ...] = (1, *INTYPE.defaults[1:])
"""Those of the control input, which has no voltage mode."""
INNAME = _record("INNAME", (_INPUT,), (Text(NAME_MAX, bare_words=True, style=_name), ""))
SCAN = Command("SCAN", (Input(), _OFF_ON), (), optional=1, empty_keeps=True)
KELVIN = _query("KRDG", _INPUT)
KELVIN_370 = _query("RDGK", _INPUT)  # manual, page 174; the 370's name
OHMS = _query("RDGR", _INPUT)
SENSOR = _query("SRDG", _INPUT)
READING_STATUS = _query("RDGST", _INPUT)
POWER = _query("RDGPWR", _INPUT)
QUADRATURE = _query("QRDG", _INPUT)
SETTLING = _query("RDGSTL")

# What is kept and read back. ASSUMED: the defaults, where the manual gives none.
HTRSET = Command("HTRSET", (_LOOP, *(Verbatim() for _ in range(4))), (_OUTPUT,))
FREQUENCY = Command("FREQ", (Verbatim(), Verbatim()), (InputGroup(),), 1, 1)
"""Manual, page 162: input left out is 0, so ``FREQ 5`` has one parameter, the frequency."""
FREQUENCY_INPUT = InputGroup()
FREQUENCY_NUMBER = _whole(1, 5)  # 9.8, 13.7, 16.2, 11.6, 18.2 Hz
FREQUENCY_AT_START = 2
INTERFACE = Command("IEEE", (Verbatim(), Verbatim(), Verbatim()), (), 2)
"""GPIB address. The vendor's driver sends it alone (``set_ieee_488``) and after terminator and
EOI, as on the 370 (``set_ieee_interface_parameter``); both of its queries expect one number.
ASSUMED: the box takes both; the manual's page could not be had.
"""
INTERFACE_ADDRESS = _whole(1, 30, digits=2)
INTERFACE_ADDRESS_AT_START = 12  # ASSUMED: as all of the vendor's bench boxes
INTERFACE_OTHERS = (_whole(0, 3), _whole(0, 1))  # terminator, EOI
HEATER_LOAD = _real("1", "2000")
WARMUP_LOAD = _whole(1, 2)
MAX_CURRENT = _whole(0, 2)
USER_CURRENT = _real("0", "2")
HEATER_DISPLAY = _whole(1, 2)
RANGE = Command("RANGE", (_OUTPUT, _whole(0, 8)), (_OUTPUT,))
HEATER_RANGE_MAX = {0: 8, 1: 1, 2: 1}
HEATER_OUTPUT = _query("HTR", _OUTPUT, optional=1)
ANALOG_OUTPUT = _query("AOUT", _OUTPUT)
HEATER_STATUS = _query("HTRST", _OUTPUT)
RAMP_STATUS = _query("RAMPST", _OUTPUT, optional=1)
RELAY_STATUS = _query("RELAYST", _whole(1, 2))
ALARM_STATUS = _query("ALARMST", _INPUT)
EXTREMES = _query("MDAT", _INPUT)
FORGET_EXTREMES = Command("MNMXRST", ())
RESET_ALARMS = Command("ALMRST", ())
DELETE_CURVE = Command("CRVDEL", (_whole(*USER_CURVES),))
FACTORY_DEFAULTS = Command("DFLT", (_whole(99, 99),))

_LOOP_KEYED = (_OUTPUT,)  # ASSUMED: QCoDeS asks output 2 for PID and the like and gets an answer

RECORDS: tuple[Record, ...] = (
    INSET,
    INTYPE,
    INNAME,
    _record("TLIMIT", (_INPUT,), (_real("0", "1000", 5, 0), Decimal(0))),
    _record(
        "FILTER",
        (_INPUT,),
        (_OFF_ON, 0),
        (_whole(1, 200, digits=3), 10),
        (_whole(1, 80, digits=2), 10),
        all_inputs=True,  # manual, page 162
    ),
    _record("INCRV", (_INPUT,), (_whole(0, 59, digits=2), 0)),
    _record(
        "ALARM",
        (Input(also_zero=True),),
        (_OFF_ON, 0),
        (_whole(0, 2), 1),
        (_real("-1E9", "1E9", 6, 0), Decimal(1000)),
        (_real("-1E9", "1E9", 6, 0), Decimal(0)),
        (_real("0", "1E9", 6, 0), Decimal(0)),
        (_OFF_ON, 0),
        (_OFF_ON, 0),
        (_OFF_ON, 0),
    ),
    _record(
        "OUTMODE",
        (_OUTPUT,),
        (_whole(0, 6), 0),
        (Input(also_zero=True), "1"),
        (_OFF_ON, 0),
        (_OFF_ON, 0),
        (_OFF_ON, 0),
        (_whole(0, 255, digits=3), 5),
    ),
    _record(
        "PID",
        _LOOP_KEYED,
        (_real("0", "1000"), Decimal(10)),
        (_real("0", "10000"), Decimal(20)),
        (_real("0", "2500"), Decimal(0)),
    ),
    _record(
        "SETP", _LOOP_KEYED, (Real("", Decimal("-1E9"), Decimal("1E9"), words=False), Decimal(0))
    ),
    _record("RAMP", _LOOP_KEYED, (_OFF_ON, 0), (_real("0", "100"), Decimal("0.1"))),
    _record("MOUT", (_OUTPUT,), (_ANY_VALUE, Decimal(0))),
    _record("STILL", (), (_real("0", "100"), Decimal(0))),
    _record("WARMUP", (), (_OFF_ON, 0), (_real("0", "100"), Decimal(0))),
    _record(
        "ANALOG",
        (_whole(1, 2),),
        (_OFF_ON, 0),
        (_whole(0, 6), 0),
        (Input(also_zero=True), "1"),
        (_whole(1, 2), 1),
        (_ANY_VALUE, Decimal(0)),
        (_ANY_VALUE, Decimal(0)),
        (_ANY_VALUE, Decimal(0)),
    ),
    _record(
        "ZONE",
        (_LOOP, _whole(1, 10)),
        (_ANY_VALUE, Decimal(0)),
        (_real("0", "1000"), Decimal(10)),
        (_real("0", "10000"), Decimal(20)),
        (_real("0", "2500"), Decimal(0)),
        (_real("0", "100"), Decimal(0)),
        (_whole(0, 8), 0),
        (_real("0", "100"), Decimal("0.1")),
        (_OFF_ON, 0),
        (_OFF_ON, 0),
    ),
    _record(
        "RELAY", (_whole(1, 2),), (_whole(0, 4), 0), (Input(also_zero=True), "1"), (_whole(0, 2), 0)
    ),
    _record(
        "CRVHDR",
        (_whole(1, 59),),
        (Text(15, bare_words=True, style=_name), "User Curve"),
        (Text(10, bare_words=True, style=_name), ""),
        (_whole(3, 7), 4),
        (_real("0", "1000"), Decimal(375)),
        (_whole(1, 2), 1),
    ),
    _record(
        "CRVPT",
        (_whole(1, 59), _whole(1, 200)),
        (_ANY_VALUE, Decimal(0)),
        (_ANY_VALUE, Decimal(0)),
        (_ANY_VALUE, Decimal(0)),
    ),
    _record("CMR", (), (_OFF_ON, 0)),
    _record("BEEP", (), (_OFF_ON, 1)),
    _record("BRIGT", (), (_whole(0, 3), 3)),
    _record("DISPLAY", (), (_whole(0, 2), 0), (_whole(0, 2), 0), (_whole(0, 3), 0)),
    _record("DOUT", (), (_whole(0, 31, digits=2), 0)),
    _record("LOCK", (), (_OFF_ON, 0), (_whole(0, 999, digits=3), 123)),
    _record("MODE", (), (_whole(0, 2), 1)),
    _record("INTSEL", (), (_whole(0, 2), 2)),
    _record("MONITOR", (), (_whole(0, 7), 0)),
    _record("EMUL", (), (_OFF_ON, 0)),
    _record(
        "WEBLOG",
        (),
        (Text(15, bare_words=True, style=_name), "user"),
        (Text(15, bare_words=True, style=_name), "password"),
    ),
)
"""All commands whose fields are kept as they were set."""

MEANT_RECORDS = (INSET, INTYPE, INNAME)
"""Those on which something in the simulation depends."""
