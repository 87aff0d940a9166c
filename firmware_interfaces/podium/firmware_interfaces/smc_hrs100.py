"""Registers of SMC's thermo-chillers HRS100 and HRS150, over Modbus.

The chiller has a serial line (RS-485, Modbus RTU or ASCII); on a network it stands behind a Modbus
gateway, which takes Modbus TCP and passes on unit, function and data as they are. Registers count
from 0 on the wire. It has functions 3, 6, 16 and 23.

Sources: SMC's operation manual HRX-OM-S010 (HRS100/150, communication function), chapter 4.10 with
registers, status and alarm flags 1 and 2; HRX-OM-M091 (HRS012 to 060), whose registers are the
same but for the flow, for the status flag, for the exceptions and for the run command; catalogue
CAT.EUS40-62B. Public clients read and write the same registers (Mouvent's ``chiller.c``, CMS's
``Lab5015Utils``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag

VENDOR = "SMC"
UNIT = 1
"""Its number on the serial line as delivered; 1 to 99."""
REGISTERS = 16
"""Addresses 0000h to 000Fh."""
TEMPERATURE, FLOW, PRESSURE, CONDUCTIVITY, STATUS = range(5)
ALARMS = range(5, 9)
"""Alarm flags 1 to 4."""
SET_TEMPERATURE, RUN = 0x000B, 0x000C
WRITABLE = range(SET_TEMPERATURE, REGISTERS)
"""Those marked R/W; what is reserved among them keeps nothing. # ASSUMED"""
SET_MIN_C, SET_MAX_C = 5.0, 35.0
COOLING_W = {"HRS100": 10e3, "HRS150": 15e3}
"""By size (catalogue, at 20 C and an ambient temperature of 32 C): all else is alike."""
BAUD = 19_200
"""Of the serial line: 9600 or 19200 (HRX-OM-M091, 4.2); which as delivered is ASSUMED."""
CHARACTER_BITS = 10
"""One to start, 7 of data, even parity, one to stop (4.2)."""
INTERVAL_S = 0.100
"""To be waited after a response before the next request (4.1.2)."""
RESEND_S = 1.0
"""Without a response for so long a request is sent again (4.1.2)."""
ZERO_C_K = 273.15
PSI_PA = 6894.757293168
MPA_PA = 1e6
L_PER_MIN = 1e-3 / 60
"""In m3/s."""
MICROSIEMENS_PER_CM = 1e-4
"""In S/m."""


class Status(IntFlag):
    """Bits of the status flag (4.10.5)."""

    RUNNING = 1 << 0
    STOPPED_BY_ALARM = 1 << 1
    ALARM = 1 << 2
    """One that lets it go on."""
    PSI = 1 << 4
    """Pressures are in psi, else in MPa."""
    SERIAL_MODE = 1 << 5
    """It obeys the serial line, else its panel or its contacts."""
    TEMPERATURE_READY = 1 << 9
    FAHRENHEIT = 1 << 10
    RUN_TIMER = 1 << 11
    STOP_TIMER = 1 << 12
    RESTARTS = 1 << 13
    """It goes on by itself after a power failure."""
    ANTI_FREEZING = 1 << 14
    FILLING = 1 << 15


ALARM_WORDS: tuple[tuple[str, ...], ...] = (
    (
        "low level in tank",
        "high circulating fluid discharge temperature",
        "circulating fluid discharge temperature rise",
        "circulating fluid discharge temperature drop",
        "high circulating fluid return temperature",
        "high circulating fluid discharge pressure",
        "abnormal pump operation",
        "circulating fluid discharge pressure rise",
        "circulating fluid discharge pressure drop",
        "high compressor suction temperature",
        "low compressor suction temperature",
        "low super heat temperature",
        "high compressor discharge pressure",
        "",
        "refrigerant circuit pressure (high side) drop",
        "refrigerant circuit pressure (low side) rise",
    ),
    (
        "refrigerant circuit pressure (low side) drop",
        "compressor running failure",
        "communication error",
        "memory error",
        "DC line fuse cut",
        "circulating fluid discharge temperature sensor failure",
        "circulating fluid return temperature sensor failure",
        "compressor suction temperature sensor failure",
        "circulating fluid discharge pressure sensor failure",
        "compressor discharge pressure sensor failure",
        "compressor suction pressure sensor failure",
        "pump maintenance",
        "fan maintenance",
        "compressor maintenance",
        "contact input 1",
        "contact input 2",
    ),
)
"""By alarm flag (the first two, which could be read) and bit; nothing: it is not used."""


class Alarm(IntFlag):
    """Those bits of alarm flag 1 that the twin can raise."""

    DISCHARGE_HOT = 1 << 1
    PRESSURE_RISE = 1 << 7
    REFRIGERANT_PRESSURE = 1 << 12


def line_s(pdu: int) -> float:
    """Return how long a message is on the serial line, s; ``pdu``: bytes of function and data.

    ASCII mode (HRX-OM-M091, 4.5): a colon, two characters each for address, function, data and
    LRC, CR and LF.
    """
    return (1 + 2 * (pdu + 2) + 2) * CHARACTER_BITS / BAUD


class RegisterError(ValueError):
    """Registers are not those of such a chiller."""


@dataclass(frozen=True, slots=True)
class Chiller:
    """All registers of a chiller give these values, in SI units."""

    temperature_k: float
    """Of the water that goes out."""
    flow_m3_s: float
    pressure_pa: float
    """Of the water that goes out, above the air's."""
    conductivity_s_m: float
    """0 where its sensor is off."""
    status: Status
    alarms: tuple[int, int, int, int]
    """Alarm flags 1 to 4."""
    set_temperature_k: float
    wanted: bool
    """It is set to run."""


def encode(chiller: Chiller) -> tuple[int, ...]:
    """Return all registers."""
    words = [0] * REGISTERS
    words[TEMPERATURE] = _temperature_word(chiller.temperature_k, chiller.status)
    words[FLOW] = _held(chiller.flow_m3_s / L_PER_MIN * 10)
    words[PRESSURE] = _held(chiller.pressure_pa / _pressure_step_pa(chiller.status))
    words[CONDUCTIVITY] = _held(chiller.conductivity_s_m / MICROSIEMENS_PER_CM * 10)
    words[STATUS] = int(chiller.status)
    for at, flag in zip(ALARMS, chiller.alarms, strict=True):
        words[at] = flag
    words[SET_TEMPERATURE] = _temperature_word(chiller.set_temperature_k, chiller.status)
    words[RUN] = int(chiller.wanted)
    return tuple(words)


def decode(registers: Sequence[int]) -> Chiller:
    """Return what registers 0000h to 000Fh say; raises :class:`RegisterError`."""
    if len(registers) != REGISTERS:
        raise RegisterError(f"{len(registers)} registers; such a chiller has {REGISTERS}")
    if any(not 0 <= word <= 0xFFFF for word in registers):
        raise RegisterError("a register has 16 bits")
    status = Status(registers[STATUS] & _KNOWN)
    alarms = registers[ALARMS.start], registers[ALARMS.start + 1]
    return Chiller(
        temperature_k=_kelvin(registers[TEMPERATURE], status),
        flow_m3_s=registers[FLOW] / 10 * L_PER_MIN,
        pressure_pa=registers[PRESSURE] * _pressure_step_pa(status),
        conductivity_s_m=registers[CONDUCTIVITY] / 10 * MICROSIEMENS_PER_CM,
        status=status,
        alarms=(*alarms, registers[ALARMS.start + 2], registers[ALARMS.start + 3]),
        set_temperature_k=_kelvin(registers[SET_TEMPERATURE], status),
        wanted=bool(registers[RUN] & 1),
    )


_KNOWN = sum(int(bit) for bit in Status)


def set_word(kelvin: float, status: Status) -> int:
    """Return the register for a set temperature, in the unit that the chiller shows."""
    return _temperature_word(kelvin, status)


def set_temperature_k(word: int, status: Status) -> float | None:
    """Return the temperature that a written register means; None: it is out of range."""
    kelvin = _kelvin(word, status)
    celsius = kelvin - ZERO_C_K
    return kelvin if SET_MIN_C - 1e-6 <= celsius <= SET_MAX_C + 1e-6 else None


def alarm_words(alarms: Sequence[int]) -> tuple[str, ...]:
    """Return what alarm flags say, in words; bits that no table names by flag and bit."""
    found = []
    for number, flag in enumerate(alarms, start=1):
        words = ALARM_WORDS[number - 1] if number <= len(ALARM_WORDS) else ()
        for bit in range(16):
            if flag >> bit & 1:
                named = words[bit] if bit < len(words) else ""
                found.append(named or f"alarm flag {number}, bit {bit}")
    return tuple(found)


def _temperature_word(kelvin: float, status: Status) -> int:
    shown = kelvin - ZERO_C_K
    if status & Status.FAHRENHEIT:
        shown = shown * 1.8 + 32.0
    return max(-(2**15), min(round(shown * 10), 2**15 - 1)) & 0xFFFF


def _kelvin(word: int, status: Status) -> float:
    shown = (word - 2**16 if word >= 2**15 else word) / 10
    if status & Status.FAHRENHEIT:
        shown = (shown - 32.0) / 1.8
    return shown + ZERO_C_K


def _pressure_step_pa(status: Status) -> float:
    return PSI_PA if status & Status.PSI else 0.01 * MPA_PA


def _held(value: float) -> int:
    return max(0, min(round(value), 0xFFFF))
