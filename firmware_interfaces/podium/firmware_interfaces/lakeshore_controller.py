"""Lake Shore 336 and 350 temperature controllers: the commands that both have, and their ranges.

Sources: chapters 6 of the manuals 119-048 (336) and 119-057 (350), among them pages 154 and 156
of the latter (RANGE, RDGST?, SRDG?, TLIMIT); what QCoDeS 0.58 and the vendor's ``lakeshore`` 1.10
send and parse. Grammar: :mod:`.lakeshore_records`. Inputs D1 to D5 (option 3062) are not fitted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, IntFlag
from math import floor, log10

from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Kind, Value
from podium.firmware_interfaces.ieee4882.program_message import Number, Parameter, Word
from podium.firmware_interfaces.lakeshore_records import (
    CURVES_END,
    FREE_VALUE,
    NAME_MAX,
    OFF_ON,
    RampRate,
    Record,
    query,
    real,
    record,
    text,
    whole,
)

INPUTS = ("A", "B", "C", "D")
OUTPUTS = (1, 2, 3, 4)
"""1 and 2 are current sources for heaters, 3 and 4 voltage outputs of 10 V."""
CURRENT_OUTPUTS = (1, 2)
VOLTAGE_FULL_SCALE_V = 10.0
USER_CURVES = (21, 59)
CURVE_POINTS = 200
READINGS_PER_S = 10  # specifications
ZERO_CELSIUS_K = 273.15


class OutputMode(IntEnum):
    """The modes of an output (OUTMODE)."""

    OFF = 0
    CLOSED_LOOP = 1
    ZONE = 2
    OPEN_LOOP = 3
    MONITOR = 4
    WARM_UP = 5


class ReadingStatus(IntFlag):
    """Bits of the answer to RDGST?; 0 is a valid reading."""

    INVALID = 1
    TEMPERATURE_UNDER = 16
    TEMPERATURE_OVER = 32
    SENSOR_ZERO = 64
    SENSOR_OVER = 128


class SensorType(IntEnum):
    """INTYPE."""

    DISABLED = 0
    DIODE = 1
    PLATINUM = 2
    NTC = 3


NTC_RANGES_OHM = (10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 10e3, 30e3, 100e3)
"""INTYPE, NTC resistors: full scale by range."""
KELVIN, CELSIUS, SENSOR_UNITS = 1, 2, 3  # INTYPE
SHOW_CURRENT, SHOW_POWER = 1, 2  # HTRSET
HEATER_LOADS_OHM = {1: 25.0, 2: 50.0}  # HTRSET


@dataclass(frozen=True, slots=True)
class LetterInput:
    """An input, by its letter."""

    also_all: bool = False
    """0 is allowed too: all inputs."""

    def take(self, parameter: Parameter) -> str:
        """Take a letter of an input, or 0."""
        match parameter:
            case Word(letter) if letter in INPUTS:
                return letter
            case Number(value) if self.also_all and value == 0:
                return "0"
            case _:
                raise ScpiError(-222, f"inputs are {', '.join(INPUTS)}")

    def answer(self, value: Value) -> str:
        """Write the letter."""
        return str(value)


@dataclass(frozen=True, slots=True)
class Heater:
    """A current source for a heater."""

    limits_a: Mapping[int, float]
    """Most current into the load that HTRSET names (1 25 ohm, 2 50 ohm)."""
    ranges: int
    """RANGE goes up to this; each is a decade of power below the next."""


HeaterSetup = tuple[int, int, float, int]
"""Fields of HTRSET: load (1, 2), maximum current (0 the user's), the user's A, display."""


@dataclass(frozen=True, slots=True)
class Controller:
    """One model of the family."""

    identity: str
    """Second field of ``*IDN?``."""
    heaters: Mapping[int, Heater]
    presets_a: tuple[float, ...]
    """Maximum currents that HTRSET numbers from 1 on; 0 is the user's own."""
    intype: Record
    """Its fields begin with type, autorange, range, compensation, units."""
    pid: Record

    def highest_range(self, output: int) -> int:
        """Return up to where RANGE of an output goes."""
        return self.heaters[output].ranges if output in self.heaters else 1

    def full_scale_a(self, output: int, setup: HeaterSetup, heater_range: int) -> float:
        """Return the full-scale current of a heater in a range; 0 A in range 0."""
        load, maximum, user_a, _ = setup
        heater = self.heaters[output]
        chosen = user_a if maximum == 0 else self.presets_a[maximum - 1]
        most_a = min(chosen, heater.limits_a[load])
        return float(most_a * 10 ** ((heater_range - heater.ranges) / 2)) if heater_range else 0.0


def number(value: float) -> str:
    """Write a reading with a sign and six digits: ``+4.20000``. ASSUMED: where the point is."""
    decimals = 5 if abs(value) < 1 else max(0, 5 - floor(log10(abs(value))))
    return f"{value:+.{decimals}f}"


INPUT = LetterInput()
ANY_INPUT = LetterInput(also_all=True)
OUTPUT = whole(1, 4)
HEATER = whole(1, 4)
"""Of HTRSET. ASSUMED: outputs 3 and 4 are answered, since QCoDeS asks for them."""
CONTROL_INPUT = whole(0, 8)
"""OUTMODE: 0 none, 1 to 4 are A to D, the others those of option 3062."""

INNAME = record("INNAME", (INPUT,), (text(NAME_MAX), ""))
INCRV = record("INCRV", (INPUT,), (whole(0, 59, digits=2), 1))
"""ASSUMED: from the factory every input has the curve of a silicon diode, 1."""
DIODE_CURVE: tuple[Value, ...] = ("DT-470", "STANDARD C", 2, Decimal(475), 1)
"""CRVHDR of curve 1: format V/K, up to 475 K, negative coefficient."""
TLIMIT = record("TLIMIT", (INPUT,), (real("0", "9999", 5, 0), Decimal(0)))
OUTMODE = record("OUTMODE", (OUTPUT,), (whole(0, 5), 0), (CONTROL_INPUT, 0), (OFF_ON, 0))
HTRSET = record(
    "HTRSET",
    (HEATER,),
    (whole(1, 2), 2),
    (whole(0, 4), 2),
    (real("0", "2", 6, 3), Decimal(0)),
    (whole(1, 2), 1),
)
"""Load, maximum current, the user's maximum A, shown in current or power. ASSUMED: defaults."""
SETP = record("SETP", (OUTPUT,), (FREE_VALUE, Decimal(0)))
RAMP_RATE = RampRate(real("0", "100", 6, 1), Decimal("0.1"))
RAMP = record("RAMP", (OUTPUT,), (OFF_ON, 0), (RAMP_RATE, Decimal("0.1")))
MOUT = record("MOUT", (OUTPUT,), (real("-100", "100", 8, 3), Decimal(0)))
WARMUP = record("WARMUP", (whole(3, 4),), (OFF_ON, 0), (real("0", "100", 7, 2), Decimal(0)))
ANALOG = record(
    "ANALOG",
    (whole(3, 4),),
    (CONTROL_INPUT, 0),
    (whole(1, 3), 1),
    (FREE_VALUE, Decimal(1000)),
    (FREE_VALUE, Decimal(0)),
    (OFF_ON, 0),
)
ZONE = record(
    "ZONE",
    (OUTPUT, whole(1, 10)),
    (FREE_VALUE, Decimal(0)),
    (real("0", "1000", 7, 1), Decimal(50)),
    (real("0", "1000", 7, 1), Decimal(20)),
    (real("0", "200", 7, 1), Decimal(0)),
    (real("0", "100", 8, 3), Decimal(0)),
    (whole(0, 5), 0),
    (CONTROL_INPUT, 0),
    (RAMP_RATE, Decimal("0.1")),
)
"""Upper bound, P, I, D, manual output, range, input (0 default), ramp rate."""


def pid(least: str) -> Record:
    """Return PID of a model; ``least``: the smallest P and I."""
    return record(
        "PID",
        (OUTPUT,),
        (real(least, "1000", 7, 1), Decimal(50)),
        (real(least, "1000", 7, 1), Decimal(20)),
        (real("0", "200", 7, 1), Decimal(0)),
    )


def intype(*more: tuple[Kind, Value]) -> Record:
    """Return INTYPE of a model; ``more``: fields after type, autorange, range, compensation, units.

    ASSUMED: a sensor of a fridge is an NTC resistor (Cernox) with autorange.
    """
    return record(
        "INTYPE",
        (INPUT,),
        (whole(0, 5), 0),
        (OFF_ON, 1),
        (whole(0, 8), 0),
        (OFF_ON, 1),
        (whole(1, 3), 1),
        *more,
    )


KELVIN_READING = query("KRDG", ANY_INPUT)
CELSIUS_READING = query("CRDG", ANY_INPUT)
SENSOR_READING = query("SRDG", ANY_INPUT)
READING_STATUS = query("RDGST", INPUT)
RANGE = Command("RANGE", (OUTPUT, whole(0, 5)), (OUTPUT,))
HEATER_OUTPUT = query("HTR", OUTPUT)
HEATER_STATUS = query("HTRST", OUTPUT)
ANALOG_OUTPUT = query("AOUT", OUTPUT)
RAMP_STATUS = query("RAMPST", OUTPUT)
TUNING = query("TUNEST")
AUTOTUNE = Command("ATUNE", (OUTPUT, whole(0, 2)))
EXTREMES = query("MDAT", INPUT)
FORGET_EXTREMES = Command("MNMXRST", ())
ALARM_STATUS = query("ALARMST", INPUT)
RESET_ALARMS = Command("ALMRST", ())
RELAY_STATUS = query("RELAYST", whole(1, 2))
OPERATION = query("OPST")
OPERATION_EVENT = query("OPSTR")
BLOCK_TEMPERATURE = query("TEMP")
DELETE_CURVE = Command("CRVDEL", (whole(*USER_CURVES),))
FACTORY_DEFAULTS = Command("DFLT", (whole(99, 99),))

ALARM = record(
    "ALARM",
    (INPUT,),
    (OFF_ON, 0),
    (FREE_VALUE, Decimal(1000)),
    (FREE_VALUE, Decimal(0)),
    (FREE_VALUE, Decimal(0)),
    (OFF_ON, 0),
    (OFF_ON, 0),
    (OFF_ON, 0),
)
"""On, high, low, deadband, latching, audible, visible."""
RELAY = record("RELAY", (whole(1, 2),), (whole(0, 2), 0), (INPUT, "A"), (whole(0, 2), 0))
"""Mode (off, on, alarms), input, low, high or both alarms (manual of the 350, page 154)."""
FOLLOWED = (OUTMODE, HTRSET, MOUT, WARMUP, ZONE, TLIMIT)
"""Records that the outputs follow."""
MEANT = (INNAME, SETP, RAMP, ALARM, RELAY, *FOLLOWED)
KEPT = (
    INCRV,
    ANALOG,
    record("FILTER", (INPUT,), (OFF_ON, 0), (whole(2, 64, 2), 8), (whole(1, 10, 2), 10)),
    record("DIOCUR", (INPUT,), (whole(0, 1), 0)),
    record(
        "CRVHDR",
        (whole(1, CURVES_END),),
        (text(15), "User Curve"),
        (text(10), ""),
        (whole(1, 4), 4),
        (real("0", "1500", 8, 3), Decimal(325)),
        (whole(1, 2), 1),
        set_keys=(whole(*USER_CURVES),),
    ),
    record(
        "CRVPT",
        (whole(1, CURVES_END), whole(1, CURVE_POINTS)),
        *(((FREE_VALUE, Decimal(0)),) * 2),
        set_keys=(whole(*USER_CURVES), whole(1, CURVE_POINTS)),
    ),
    record("DISPLAY", (), (whole(0, 10, 2), 6), (whole(0, 2), 1), (whole(1, 4), 1)),
    record("DISPFLD", (whole(1, 8),), (CONTROL_INPUT, 1), (whole(1, 6), 1)),
    record("BRIGT", (), (whole(0, 3), 2)),
    record("LEDS", (), (OFF_ON, 1)),
    record("LOCK", (), (OFF_ON, 0), (whole(0, 999, 3), 123)),
    record("MODE", (), (whole(0, 2), 1)),
    record("INTSEL", (), (whole(0, 2), 1)),
    record("IEEE", (), (whole(1, 30, 2), 12)),
    record("OPSTE", (), (whole(0, 255, 3), 0)),
    record("WEBLOG", (), (text(15), "user"), (text(15), "password")),
)
"""Records that are kept and read back. ASSUMED: defaults."""
