"""Keysight N5183B MXG microwave signal generator: its commands and limits.

Sources: QCoDeS 0.58 ``KeysightN5183B`` for headers and words; the data sheet (5991-3131) for the
ranges of option 520 with 1EA and UNW; X-Series Signal Generators SCPI Command Reference, in pages
that others publish (6 to 11: types of parameters and responses; 17: other bases; 67: ALC). SCPI
over TCP, messages end with a newline.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from math import pi

from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.parameters import (
    Choice,
    Extreme,
    Real,
    Switch,
    Value,
)
from podium.firmware_interfaces.ieee4882.program_message import Number, Parameter, Word

TCP_PORT = 5025
VENDOR = "Keysight Technologies"
MODEL = "N5183B"
OPTIONS = "520,1EA,UNW"  # ASSUMED: what is fitted
FREQUENCY_MIN_HZ, FREQUENCY_MAX_HZ = Decimal("9E3"), Decimal("20E9")
FREQUENCY_STEP_HZ = Decimal("0.01")
POWER_MIN_DBM, POWER_MAX_DBM = Decimal("-135"), Decimal("19")
POWER_STEP_DB = Decimal("0.01")
ALC_MIN_DB, ALC_MAX_DB = Decimal(-20), Decimal(20)


def _exponential(decimals: int) -> Callable[[Decimal], str]:
    """Return how numbers are written: signs, and three digits of exponent (page 10)."""

    def write(value: Decimal) -> str:
        mantissa, exponent = f"{float(value) + 0.0:+.{decimals}E}".split("E")
        return f"{mantissa}E{int(exponent):+04d}"

    return write


FINE, COARSE = _exponential(13), _exponential(8)
"""Of page 10, and of the reset value on page 67. ASSUMED: which is of which command."""


@dataclass(frozen=True, slots=True)
class Angle(Real):
    """An angle in radians, or behind its number in degrees."""

    def take(self, parameter: Parameter) -> Decimal:
        """Take what a :class:`Real` takes; degrees as radians."""
        if isinstance(parameter, Number) and parameter.suffix == "DEG":
            parameter = Number(parameter.value * Decimal(pi) / 180)
        return Real.take(self, parameter)


@dataclass(frozen=True, slots=True)
class Search:
    """A mode of the power search: on, off, or ONCE, which is no mode."""

    def take(self, parameter: Parameter) -> Value:
        """Take ONCE as a word, all else as a switch does."""
        return "ONCE" if parameter == Word("ONCE") else Switch().take(parameter)

    def answer(self, value: Value) -> str:
        """Write 1 or 0."""
        return Switch().answer(value)


_EXTREME = (Extreme(),)


def _real(header: str, unit: str, low: Decimal, high: Decimal, step: str, default: str) -> Command:
    style = FINE if unit == "HZ" else COARSE
    make = Angle if unit == "RAD" else Real
    kind = make(unit, low, high, Decimal(step), Decimal(default), style)
    return Command(header, (kind,), _EXTREME, asks_optional=1)


FREQUENCY = _real(
    "[:SOURce]:FREQuency[:CW|:FIXed]",
    "HZ",
    FREQUENCY_MIN_HZ,
    FREQUENCY_MAX_HZ,
    "0.01",
    "20E9",
)
POWER = _real(
    "[:SOURce]:POWer[:LEVel][:IMMediate][:AMPLitude]",
    "DBM",
    POWER_MIN_DBM,
    POWER_MAX_DBM,
    "0.01",
    "-135",
)
PHASE = _real("[:SOURce]:PHASe[:ADJust]", "RAD", Decimal("-3.14"), Decimal("3.14"), "0.001", "0")
FREQUENCY_MODE = Command(
    "[:SOURce]:FREQuency:MODE", (Choice(("CW",), (("FIX", "CW"), ("FIXED", "CW"))),), ()
)
ALC = Command("[:SOURce]:POWer:ALC[:STATe]", (Switch(),), ())
ALC_LEVEL = _real("[:SOURce]:POWer:ALC:LEVel", "DB", ALC_MIN_DB, ALC_MAX_DB, "0.01", "1")
ALC_SOURCE = Command("[:SOURce]:POWer:ALC:SOURce", asks=())
ALC_SEARCH = Command("[:SOURce]:POWer:ALC:SEARch", (Search(),), ())
ALC_REFERENCE = Command(
    "[:SOURce]:POWer:ALC:SEARch:REFerence",
    (Choice(("RMS", "FIXed", "MANual", "MODulated")),),
    (),
)
OUTPUT = Command(":OUTPut[:STATe]", (Switch(),), ())
REFERENCE_AUTO = Command("[:SOURce]:ROSCillator:SOURce:AUTO", (Switch(),), ())
REFERENCE = Command("[:SOURce]:ROSCillator:SOURce", asks=())
PULSE = Command("[:SOURce]:PULM:STATe", (Switch(),), ())
PULSE_SOURCE = Command("[:SOURce]:PULM:SOURce", (Choice(("INTernal", "EXTernal")),), ())
ERROR = Command(":SYSTem:ERRor[:NEXT]", asks=())
PRESET = Command(":SYSTem:PRESet", ())
