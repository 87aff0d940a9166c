"""Keysight N5183B MXG microwave signal generator: its commands and limits.

Source: QCoDeS 0.58 ``KeysightN5183B`` for headers and words; the data sheet (5991-3131) for the
ranges of option 520 with 1EA and UNW. SCPI over TCP, messages end with a newline.
"""

from decimal import Decimal

from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.parameters import Choice, Extreme, Real, Switch
from podium.firmware_interfaces.ieee4882.responses import nr3

TCP_PORT = 5025
VENDOR = "Keysight Technologies"
MODEL = "N5183B"
OPTIONS = "520,1EA,UNW"  # ASSUMED: what is fitted
FREQUENCY_MIN_HZ, FREQUENCY_MAX_HZ = Decimal("9E3"), Decimal("20E9")
FREQUENCY_STEP_HZ = Decimal("0.01")
POWER_MIN_DBM, POWER_MAX_DBM = Decimal("-135"), Decimal("19")
POWER_STEP_DB = Decimal("0.01")

_EXTREME = (Extreme(),)


def _real(header: str, unit: str, low: Decimal, high: Decimal, step: str, default: str) -> Command:
    kind = Real(unit, low, high, Decimal(step), Decimal(default), nr3)
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
OUTPUT = Command(":OUTPut[:STATe]", (Switch(),), ())
REFERENCE_AUTO = Command("[:SOURce]:ROSCillator:SOURce:AUTO", (Switch(),), ())
REFERENCE = Command("[:SOURce]:ROSCillator:SOURce", asks=())
PULSE = Command("[:SOURce]:PULM:STATe", (Switch(),), ())
PULSE_SOURCE = Command("[:SOURce]:PULM:SOURce", (Choice(("INTernal", "EXTernal")),), ())
ERROR = Command(":SYSTem:ERRor[:NEXT]", asks=())
PRESET = Command(":SYSTem:PRESet", ())
