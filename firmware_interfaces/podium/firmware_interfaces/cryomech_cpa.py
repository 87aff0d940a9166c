"""Registers of the digital panel of Cryomech's CPA helium compressors, over Modbus TCP.

Input registers count from 1 on the wire. 1 to 33 are those of panels with software 2, of which
quantities are 32-bit floats; panels with software 3 have them too, and the same quantities in
tenths from 40 to 55. Of a pair of registers the lower one has the lower half. What is wrong is a
sum of bits with a minus sign.

Sources: Cryomech's published sample programs (github.com/Cryomech/SampleCode, CPA_2xxx_ModbusTCP
and CPA_3xxx_ModbusTCP); the register table of the "CPAxxxx Digital Panel User Manual" as the
client cpa1110 quotes it; readings of a running compressor from published log files of fridges.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum, IntFlag
from struct import Struct

VENDOR = "Cryomech"
UNIT = 16
"""The panel's address as delivered; it answers any (one public client sends 1)."""
FIRST = 1
"""Address of the first input register."""
FLOATS_END = 33
"""The last one of panels with software 2."""
LAST = 55
"""The last one of panels with software 3."""
COMMAND = 1
"""The one holding register."""
START = 0x0001
STOP = 0x00FF
STOP_OF_SAMPLES = 0xFFFF
"""What the vendor's own programs send to stop."""
PSI_PA = 6894.757293168
BAR_PA = 1e5
ZERO_C_K = 273.15
_FLOAT = Struct("<f")
_WORDS = Struct("<HH")


class State(IntEnum):
    """Operating states, register 1."""

    IDLE = 0
    STARTING = 2
    RUNNING = 3
    STOPPING = 5
    ERROR_LOCKOUT = 6
    ERROR = 7
    HELIUM_COOL_DOWN = 8
    POWER_ERROR = 9
    RECOVERED = 15


class Trouble(IntFlag):
    """Bits of warnings and of errors; registers hold minus their sum."""

    COOLANT_IN_HIGH = 1 << 0
    COOLANT_IN_LOW = 1 << 1
    COOLANT_OUT_HIGH = 1 << 2
    COOLANT_OUT_LOW = 1 << 3
    OIL_HIGH = 1 << 4
    OIL_LOW = 1 << 5
    HELIUM_HIGH = 1 << 6
    HELIUM_LOW = 1 << 7
    LOW_PRESSURE_HIGH = 1 << 8
    LOW_PRESSURE_LOW = 1 << 9
    HIGH_PRESSURE_HIGH = 1 << 10
    HIGH_PRESSURE_LOW = 1 << 11
    DELTA_PRESSURE_HIGH = 1 << 12
    DELTA_PRESSURE_LOW = 1 << 13
    MOTOR_CURRENT_LOW = 1 << 14
    THREE_PHASE = 1 << 15
    POWER_SUPPLY = 1 << 16
    STATIC_PRESSURE_HIGH = 1 << 17
    STATIC_PRESSURE_LOW = 1 << 18
    COLD_HEAD_STALL = 1 << 19
    COOLANT_IN_SENSOR = 1 << 20
    COOLANT_OUT_SENSOR = 1 << 21
    HELIUM_SENSOR = 1 << 22
    OIL_SENSOR = 1 << 23
    HIGH_PRESSURE_SENSOR = 1 << 24
    LOW_PRESSURE_SENSOR = 1 << 25
    MOTOR_CURRENT_SENSOR = 1 << 26
    MOTOR_CURRENT_HIGH = 1 << 27
    INVERTER_ERROR = 1 << 28
    DRIVER_COMMUNICATION = 1 << 29
    INVERTER_COMMUNICATION = 1 << 30


class PressureScale(IntEnum):
    """Unit of pressures, register 29."""

    PSI = 0
    BAR = 1
    KPA = 2


class TemperatureScale(IntEnum):
    """Unit of temperatures, register 30."""

    FAHRENHEIT = 0
    CELSIUS = 1
    KELVIN = 2


_PASCALS = {PressureScale.PSI: PSI_PA, PressureScale.BAR: BAR_PA, PressureScale.KPA: 1e3}
QUANTITIES: Mapping[str, tuple[int, int, str]] = {
    "coolant_in": (7, 40, "K"),
    "coolant_out": (9, 41, "K"),
    "oil": (11, 42, "K"),
    "helium": (13, 43, "K"),
    "low_pressure": (15, 44, "Pa"),
    "low_pressure_average": (17, 45, "Pa"),
    "high_pressure": (19, 46, "Pa"),
    "high_pressure_average": (21, 47, "Pa"),
    "pressure_difference": (23, 48, "Pa"),
    "motor_current": (25, 49, "A"),
    "run_time": (27, 50, "s"),
}
"""By name: the first register of its float, the register of its tenths, the unit here."""
_HOURS = 50
_WARNINGS, _ERRORS = 52, 54
SERIES = {1: "08", 2: "09", 3: "10", 4: "11", 5: "28"}
"""Upper byte of register 32, by the vendor's samples."""
SIZES = {19: "10", 22: "12", 23: "13", 24: "14", 18: "9C", 16: "08"}
"""Lower byte of register 32: those of the two that are sold with dilution refrigerators, and
their neighbours."""


class RegisterError(ValueError):
    """Registers are not those of a compressor's panel."""


@dataclass(frozen=True, slots=True)
class Panel:
    """What a panel shows."""

    state: int
    """One of :class:`State`, as a rule."""
    running: bool
    warnings: Trouble
    errors: Trouble
    values: Mapping[str, float]
    """Of every name in :data:`QUANTITIES`, in the unit there (SI)."""
    serial: int
    model: tuple[int, int]
    """Series and size, see :data:`SERIES` and :data:`SIZES`."""
    software: tuple[int, int]
    pressure_scale: PressureScale = PressureScale.PSI
    temperature_scale: TemperatureScale = TemperatureScale.CELSIUS


def product(model: tuple[int, int]) -> str:
    """Return the name of a model as it stands on its label: ``CPA1110``."""
    series, size = model
    return f"CPA{SERIES.get(series, f'-{series}-')}{SIZES.get(size, f'-{size}')}"


def encode_panel(panel: Panel) -> tuple[int, ...]:
    """Return registers :data:`FIRST` to :data:`LAST`."""
    words = dict.fromkeys(range(FIRST, LAST + 1), 0)
    words[1], words[2] = panel.state, int(panel.running)
    words[3], words[4] = _float_words(float(-panel.warnings))
    words[5], words[6] = _float_words(float(-panel.errors))
    for name, (first, tenths, unit) in QUANTITIES.items():
        shown = _shown(panel.values[name], unit, panel)
        words[first], words[first + 1] = _float_words(shown)
        if tenths == _HOURS:
            words[tenths], words[tenths + 1] = _long_words(_tenths(shown, 2**31))
        else:
            words[tenths] = _tenths(shown, 2**15) & 0xFFFF
    words[29], words[30] = panel.pressure_scale, panel.temperature_scale
    words[31] = panel.serial & 0xFFFF
    words[32] = panel.model[0] << 8 | panel.model[1]
    words[33] = panel.software[0] << 8 | panel.software[1]
    words[_WARNINGS], words[_WARNINGS + 1] = _long_words(-panel.warnings)
    words[_ERRORS], words[_ERRORS + 1] = _long_words(-panel.errors)
    return tuple(words.values())


def decode_panel(registers: Sequence[int]) -> Panel:
    """Return what registers from :data:`FIRST` on show; raises :class:`RegisterError`.

    The floats are read, which panels of every software have.
    """
    if len(registers) < FLOATS_END:
        raise RegisterError(f"{len(registers)} registers; a panel has {FLOATS_END} at least")
    words = dict(enumerate(registers, start=FIRST))
    try:
        panel = Panel(
            state=words[1],
            running=bool(words[2]),
            warnings=_trouble(_float(words, 3)),
            errors=_trouble(_float(words, 5)),
            values={},
            serial=words[31],
            model=(words[32] >> 8, words[32] & 0xFF),
            software=(words[33] >> 8, words[33] & 0xFF),
            pressure_scale=PressureScale(words[29]),
            temperature_scale=TemperatureScale(words[30]),
        )
    except (ValueError, OverflowError) as error:
        raise RegisterError(f"no panel of a compressor: {error}") from error
    values = {
        name: _meant(_float(words, first), unit, panel)
        for name, (first, _, unit) in QUANTITIES.items()
    }
    return replace(panel, values=values)


def _shown(value: float, unit: str, panel: Panel) -> float:
    """Return a quantity in the unit that the panel is set to; of differences of pressure as well.

    ASSUMED: pressures as the gauges have them, without the atmosphere's.
    """
    match unit:
        case "K":
            celsius = value - ZERO_C_K
            if panel.temperature_scale is TemperatureScale.FAHRENHEIT:
                return celsius * 1.8 + 32.0
            return celsius if panel.temperature_scale is TemperatureScale.CELSIUS else value
        case "Pa":
            return value / _PASCALS[panel.pressure_scale]
        case "s":
            return value / 3600.0
    return value


def _meant(shown: float, unit: str, panel: Panel) -> float:
    match unit:
        case "K":
            if panel.temperature_scale is TemperatureScale.FAHRENHEIT:
                return (shown - 32.0) / 1.8 + ZERO_C_K
            return shown + (
                ZERO_C_K if panel.temperature_scale is TemperatureScale.CELSIUS else 0.0
            )
        case "Pa":
            return shown * _PASCALS[panel.pressure_scale]
        case "s":
            return shown * 3600.0
    return shown


def _trouble(shown: float) -> Trouble:
    return Trouble(abs(round(shown)))


def _tenths(shown: float, beyond: int) -> int:
    """Return tenths below ``beyond``; what is no number is the lowest. ASSUMED."""
    if math.isnan(shown):
        return -beyond
    return round(min(max(10 * shown, -beyond), beyond - 1))


def _float_words(value: float) -> tuple[int, int]:
    low, high = _WORDS.unpack(_FLOAT.pack(value + 0.0))  # no minus zero
    return low, high


def _long_words(value: int) -> tuple[int, int]:
    return value & 0xFFFF, value >> 16 & 0xFFFF


def _float(words: Mapping[int, int], first: int) -> float:
    value: float
    (value,) = _FLOAT.unpack(_WORDS.pack(words[first], words[first + 1]))
    return value
