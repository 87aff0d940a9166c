"""Lake Shore 372 AC resistance bridge: its commands, formats, limits and status bits.

Source: user's manual 119-372 Rev. 1.7, section 6.6.1 ("Interface Commands"),
<https://manualshive.com/en/manual/lake-shore/372/670645>; the vendor's Python
driver ``lakeshore`` 1.10 where the manual is silent. Not SCPI: flat mnemonics,
several fields in one command, no error queue; IEEE 488.2 status registers.
TCP, messages end with a newline, replies with carriage return and newline.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, IntFlag

from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value, Verbatim
from podium.firmware_interfaces.ieee4882.program_message import Number, Parameter, Word
from podium.firmware_interfaces.lakeshore_records import (
    ANY_VALUE,
    CURVES_END,
    FREE_VALUE,
    NAME_MAX,
    OFF_ON,
    OneOf,
    RampRate,
    Record,
    query,
    real,
    record,
    text,
    whole,
)

MODEL = "MODEL372"
CHANNELS = tuple(range(1, 17))
"""Measurement inputs with a 16-channel scanner."""
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


class OutputMode(IntEnum):
    """The modes of an output (OUTMODE)."""

    OFF = 0
    MONITOR = 1
    OPEN_LOOP = 2
    ZONE = 3
    STILL = 4
    CLOSED_LOOP = 5
    WARM_UP = 6


SAMPLE, WARM_UP, STILL_OUTPUT = 0, 1, 2
"""Numbers of the outputs: sample heater, warm-up heater, analog output (still)."""
OUTPUT_MODES: dict[int, tuple[OutputMode, ...]] = {
    SAMPLE: (OutputMode.OFF, OutputMode.OPEN_LOOP, OutputMode.ZONE, OutputMode.CLOSED_LOOP),
    WARM_UP: (
        OutputMode.OFF,
        OutputMode.OPEN_LOOP,
        OutputMode.ZONE,
        OutputMode.CLOSED_LOOP,
        OutputMode.WARM_UP,
    ),
    STILL_OUTPUT: (OutputMode.OFF, OutputMode.MONITOR, OutputMode.OPEN_LOOP, OutputMode.STILL),
}
"""Modes that an output has. ASSUMED: another one is an execution error."""
SAMPLE_FULL_SCALE_A = (0.0, *(100e-3 * 10 ** ((n - 8) / 2) for n in range(1, 9)))
"""Current of the sample heater by RANGE: 0 off, 1 is 31.6 uA, 8 is 100 mA (manual, page 173)."""
SAMPLE_COMPLIANCE_V = 10.0
"""Largest voltage across the sample heater. ASSUMED: 1 W into 100 ohm, as its specification."""
WARM_UP_FULL_SCALE_A = {1: 0.45, 2: 0.63}
"""Current of the warm-up heater by maximum of HTRSET; 0 is the user's (manual, page 163)."""
STILL_FULL_SCALE_V = 10.0
"""Analog output at 100 %: +-10 V."""


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
                return str(whole(0 if self.also_zero else 1, len(CHANNELS)).take(parameter))
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
                return str(whole(0, 0).take(parameter))
            case _:
                raise ScpiError(-222, "0 is the measurement inputs, A the control input")

    def answer(self, value: Value) -> str:
        """Write 0 or A."""
        return str(value)


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


_INPUT = Input()
_OUTPUT = whole(0, 2)  # 0 sample heater, 1 warm-up heater, 2 analog (still)
_LOOP = whole(0, 1)  # outputs that have a control loop
_SECONDS = whole(0, 200, digits=3)  # INSET: 1 to 200 (dwell), 3 to 200 (pause), 0 when disabling

# Settings on which the measurement depends.
INSET = record(
    "INSET",
    (_INPUT,),
    (OFF_ON, 0),
    (_SECONDS, 10),
    (_SECONDS, 3),
    (whole(0, 59, digits=2), 0),
    (whole(0, 2), 1),
    any_of=Input(also_zero=True),
)
"""Enabled, dwell s, pause s, curve, temperature coefficient (1 negative, 2 positive)."""
INTYPE = record(
    "INTYPE",
    (_INPUT,),
    (OFF_ON, 0),
    (whole(1, CURRENT_EXCITATIONS, digits=2), 1),
    (whole(0, 2), 1),
    (whole(0, 22, digits=2), 13),
    (OFF_ON, 0),
    (whole(1, 2), 1),
)
"""Mode (0 voltage), excitation, autorange, range, current source shunted, units (1 kelvin)."""
CONTROL_INTYPE: tuple[Value, ...] = (1, *INTYPE.defaults[1:])
"""Those of the control input, which has no voltage mode."""
INNAME = record("INNAME", (_INPUT,), (text(NAME_MAX), ""))
SCAN = Command("SCAN", (Input(), OFF_ON), (), optional=1, empty_keeps=True)
KELVIN = query("KRDG", _INPUT)
KELVIN_370 = query("RDGK", _INPUT)  # manual, page 174; the 370's name
OHMS = query("RDGR", _INPUT)
SENSOR = query("SRDG", _INPUT)
READING_STATUS = query("RDGST", _INPUT)
POWER = query("RDGPWR", _INPUT)
QUADRATURE = query("QRDG", _INPUT)
SETTLING = query("RDGSTL")

# What is kept and read back. ASSUMED: the defaults, where the manual gives none.
HTRSET = Command("HTRSET", (_LOOP, *(Verbatim() for _ in range(4))), (_OUTPUT,))
FREQUENCY = Command("FREQ", (Verbatim(), Verbatim()), (InputGroup(),), 1, 1)
"""Manual, page 162: input left out is 0, so ``FREQ 5`` has one parameter, the frequency."""
FREQUENCY_INPUT = InputGroup()
FREQUENCY_NUMBER = whole(1, 5)  # 9.8, 13.7, 16.2, 11.6, 18.2 Hz
FREQUENCY_AT_START = 2
INTERFACE = Command("IEEE", (Verbatim(), Verbatim(), Verbatim()), (), 2)
"""GPIB address. The vendor's driver sends it alone (``set_ieee_488``) and after terminator and
EOI, as on the 370 (``set_ieee_interface_parameter``); both of its queries expect one number.
ASSUMED: the box takes both; the manual's page could not be had.
"""
INTERFACE_ADDRESS = whole(1, 30, digits=2)
INTERFACE_ADDRESS_AT_START = 12  # ASSUMED: as all of the vendor's bench boxes
INTERFACE_OTHERS = (whole(0, 3), whole(0, 1))  # terminator, EOI
HEATER_LOAD = real("1", "2000")
WARMUP_LOAD = whole(1, 2)
MAX_CURRENT = whole(0, 2)
USER_CURRENT = real("0", "2")
HEATER_DISPLAY = whole(1, 2)
RANGE = Command("RANGE", (_OUTPUT, whole(0, 8)), (_OUTPUT,))  # manual, page 173
HEATER_RANGE_MAX = {0: 8, 1: 1, 2: 1}
HEATER_OUTPUT = query("HTR", _OUTPUT, optional=1)
ANALOG_OUTPUT = query("AOUT", _OUTPUT)
HEATER_STATUS = query("HTRST", _OUTPUT)
RAMP_STATUS = query("RAMPST", _OUTPUT, optional=1)
RELAY_STATUS = query("RELAYST", whole(1, 2))
ALARM_BIT = 1 << 3
"""Of the status byte (manual, page 154), whose others are RAMPW, VRC, VRM, OVLD and OSB."""
ALARM_STATUS = query("ALARMST", _INPUT)
EXTREMES = query("MDAT", _INPUT)
FORGET_EXTREMES = Command("MNMXRST", ())
RESET_ALARMS = Command("ALMRST", ())
DELETE_CURVE = Command("CRVDEL", (whole(*USER_CURVES),))
FACTORY_DEFAULTS = Command("DFLT", (whole(99, 99),))

_LOOP_KEYED = (_OUTPUT,)  # ASSUMED: QCoDeS asks output 2 for PID and the like and gets an answer

# What the heaters follow.
TLIMIT = record("TLIMIT", (_INPUT,), (real("0", "1000", 5, 0), Decimal(0)))
OUTMODE = record(
    "OUTMODE",
    (_OUTPUT,),
    (whole(0, 6), 0),
    (Input(also_zero=True), "1"),
    (OFF_ON, 0),
    (OFF_ON, 0),
    (OFF_ON, 0),
    (whole(1, 255, digits=3), 5),
)
PID = record(
    "PID",
    _LOOP_KEYED,
    (real("0", "1000"), Decimal(10)),
    (real("0", "10000"), Decimal(20)),
    (real("0", "2500"), Decimal(0)),
    first_left_out=SAMPLE,
)
SETP = record("SETP", _LOOP_KEYED, (FREE_VALUE, Decimal(0)), first_left_out=SAMPLE)
RAMP = record(
    "RAMP",
    _LOOP_KEYED,
    (OFF_ON, 0),
    (RampRate(real("0", "100"), Decimal("0.001")), Decimal("0.1")),
    first_left_out=SAMPLE,
)
"""Manual, pages 172, 173: without an output they are about the sample heater, as in a 370."""
MOUT = record("MOUT", (_OUTPUT,), (FREE_VALUE, Decimal(0)))
"""Percent of full scale; W of the sample heater while its output is shown in power. ASSUMED."""
STILL = record("STILL", (), (real("0", "100"), Decimal(0)))
WARMUP = record("WARMUP", (), (OFF_ON, 0), (real("0", "100"), Decimal(0)))
ZONE = record(
    "ZONE",
    (_LOOP, whole(1, 10)),
    (ANY_VALUE, Decimal(0)),
    (real("0", "1000"), Decimal(10)),
    (real("0", "10000"), Decimal(20)),
    (real("0", "2500"), Decimal(0)),
    (real("0", "100"), Decimal(0)),
    (whole(0, 8), 0),
    (real("0", "100"), Decimal("0.1")),
    (OFF_ON, 0),
    (OFF_ON, 0),
)

ALARM = record(
    "ALARM",
    (_INPUT,),
    (OFF_ON, 0),
    (whole(0, 2), 1),
    (real("-1E9", "1E9", 6, 0), Decimal(1000)),
    (real("-1E9", "1E9", 6, 0), Decimal(0)),
    (real("0", "1E9", 6, 0), Decimal(0)),
    (OFF_ON, 0),
    (OFF_ON, 0),
    (OFF_ON, 0),
    any_of=Input(also_zero=True),
)
"""On, of what (1 kelvin, 2 ohm), high, low, deadband, latching, audible, visible."""
RELAY = record(
    "RELAY", (whole(1, 2),), (whole(0, 4), 0), (Input(also_zero=True), "1"), (whole(0, 2), 0)
)
"""Mode (off, on, alarms, zones of the sample or warm-up heater), input, low, high or both alarms
(manual, page 175)."""

RECORDS: tuple[Record, ...] = (
    INSET,
    INTYPE,
    INNAME,
    TLIMIT,
    record(
        "FILTER",
        (_INPUT,),
        (OFF_ON, 0),
        (whole(1, 200, digits=3), 10),
        (whole(1, 80, digits=2), 10),
        any_of=Input(also_zero=True),  # manual, page 162
    ),
    record("INCRV", (_INPUT,), (whole(0, 59, digits=2), 0)),
    ALARM,
    RELAY,
    OUTMODE,
    PID,
    SETP,
    RAMP,
    MOUT,
    STILL,
    WARMUP,
    record(
        "ANALOG",
        (whole(1, 2),),
        (OFF_ON, 0),
        (whole(0, 6), 0),
        (Input(also_zero=True), "1"),
        (whole(1, 2), 1),
        (ANY_VALUE, Decimal(0)),
        (ANY_VALUE, Decimal(0)),
        (ANY_VALUE, Decimal(0)),
    ),
    ZONE,
    record(
        "CRVHDR",
        (whole(1, CURVES_END),),
        (text(15), "User Curve"),
        (text(10), ""),
        (OneOf((3, 4, 7)), 4),
        (real("0", "1000"), Decimal(375)),
        (whole(1, 2), 1),
        set_keys=(whole(*USER_CURVES),),
    ),
    record(
        "CRVPT",
        (whole(1, CURVES_END), whole(1, 200)),
        (ANY_VALUE, Decimal(0)),
        (ANY_VALUE, Decimal(0)),
        (ANY_VALUE, Decimal(0)),
        set_keys=(whole(*USER_CURVES), whole(1, 200)),
    ),
    record("CMR", (), (OFF_ON, 0)),
    record("BEEP", (), (OFF_ON, 1)),
    record("BRIGT", (), (whole(0, 3), 3)),
    record("DISPLAY", (), (whole(0, 2), 0), (whole(0, 2), 0), (whole(0, 3), 0)),
    record("DOUT", (), (whole(0, 31, digits=2), 0)),
    record("LOCK", (), (OFF_ON, 0), (whole(0, 999, digits=3), 123)),
    record("MODE", (), (whole(0, 2), 1)),
    record("INTSEL", (), (whole(0, 2), 2)),
    record("MONITOR", (), (whole(0, 7), 0)),
    record("EMUL", (), (OFF_ON, 0)),
    record(
        "WEBLOG",
        (),
        (text(15), "user"),
        (text(15), "password"),
    ),
)
"""All commands whose fields are kept as they were set."""

MEANT_RECORDS = (
    *(INSET, INTYPE, INNAME, TLIMIT, OUTMODE, PID, SETP, RAMP, MOUT, STILL, WARMUP, ZONE),
    *(ALARM, RELAY),
)
"""Those on which something in the simulation depends."""
