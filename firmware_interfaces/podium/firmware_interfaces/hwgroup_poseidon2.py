"""Objects that a Poseidon2 of HW group shows over SNMP: POSEIDON-MIB 2.10 (2020-05-27).

A box for rooms: sensors on two buses (temperature, humidity, pressure, ...) and dry contacts, one
of which may be a water detector's.

Sources: the MIB as LibreNMS ships it; a recording of a Poseidon 4002 in its test data; the
Poseidon2 family manual (values are tenths, 999.9 says that a sensor was not found, the buses are
read once a second, contacts every 200 ms); manuals of Comet's transmitters, which give such a box
temperature in C, humidity in % and barometric pressure in kPa.
"""

from dataclasses import dataclass
from enum import IntEnum

from podium.firmware_interfaces.snmp import Oid

COMMUNITY = "public"
WRITE_COMMUNITY = "private"
"""ASSUMED, like that for reading."""
"""For reading; ASSUMED: as the box comes. Version 2c, of which its maker says "some parts"."""
VENDOR = "HW group"
SENSORS_MAX = 42
"""Rows of the table of sensors (the MIB's head)."""
INPUTS_MAX = 12
"""Dry contacts of the largest model; a 3268 has :data:`INPUTS_OF_3268`."""
INPUTS_OF_3268 = 4
OUTPUTS_OF_3268 = 2
"""Relays. ASSUMED: its data sheet, from memory."""
SCAN_S = 1
"""The buses are read so often (manual; up to 30 s with many sensors)."""
INPUT_SCAN_MS = 200
NOT_FOUND = 9999
"""Tenths, with either sign: the sensor was not found."""
ZERO_C_K = 273.15

POSEIDON: Oid = (1, 3, 6, 1, 4, 1, 21796, 3, 3)
SYSTEM: Oid = (1, 3, 6, 1, 2, 1, 1)
SYS_DESCR: Oid = (*SYSTEM, 1, 0)
"""``Poseidon 4002 SNMP Supervisor v2.0.15``"""
SYS_OBJECT_ID: Oid = (*SYSTEM, 2, 0)
SYS_UP_TIME: Oid = (*SYSTEM, 3, 0)
SYS_CONTACT: Oid = (*SYSTEM, 4, 0)
SYS_NAME: Oid = (*SYSTEM, 5, 0)
SYS_LOCATION: Oid = (*SYSTEM, 6, 0)

INPUT_COLUMNS: dict[str, Oid] = {
    "value": (*POSEIDON, 1, 1, 2),
    "name": (*POSEIDON, 1, 1, 3),
    "alarm_setup": (*POSEIDON, 1, 1, 4),
    "alarm_state": (*POSEIDON, 1, 1, 5),
    "counter": (*POSEIDON, 1, 1, 6),
}
OUTPUT_COLUMNS: dict[str, Oid] = {
    "value": (*POSEIDON, 2, 1, 2),
    "name": (*POSEIDON, 2, 1, 3),
    "type": (*POSEIDON, 2, 1, 4),
    "mode": (*POSEIDON, 2, 1, 5),
}
SENSOR_COLUMNS: dict[str, Oid] = {
    "name": (*POSEIDON, 3, 1, 2),
    "state": (*POSEIDON, 3, 1, 4),
    "text": (*POSEIDON, 3, 1, 5),
    "value": (*POSEIDON, 3, 1, 6),
    "raw": (*POSEIDON, 3, 1, 7),
    "id": (*POSEIDON, 3, 1, 8),
    "unit": (*POSEIDON, 3, 1, 9),
    "unit_text": (*POSEIDON, 3, 1, 10),
    "port": (*POSEIDON, 3, 1, 11),
}
ALARMS_PRESENT: Oid = (*POSEIDON, 50, 1, 0)
ALARM_COLUMNS: dict[str, Oid] = {
    "id": (*POSEIDON, 50, 2, 1, 2),
    "what": (*POSEIDON, 50, 2, 1, 3),
    "name": (*POSEIDON, 50, 2, 1, 4),
    "since": (*POSEIDON, 50, 2, 1, 5),
}
MAC_ADDRESS: Oid = (*POSEIDON, 70, 1, 0)
UNIT_SETUP: Oid = (*POSEIDON, 99, 1, 1, 0)
SETUP_COLUMNS: dict[str, Oid] = {
    "name": (*POSEIDON, 99, 1, 2, 1, 2),
    "flags": (*POSEIDON, 99, 1, 2, 1, 5),
    "low": (*POSEIDON, 99, 1, 2, 1, 6),
    "high": (*POSEIDON, 99, 1, 2, 1, 7),
    "hysteresis": (*POSEIDON, 99, 1, 2, 1, 8),
}
NAME_MAX, INPUT_NAME_MAX = 15, 20
"""Characters of a sensor's and of an input's name."""


class Unit(IntEnum):
    """Kinds of sensors (``UnitType``)."""

    CELSIUS = 0
    FAHRENHEIT = 1
    KELVIN = 2
    PERCENT = 3
    VOLT = 4
    MILLIAMPERE = 5
    NO_UNIT = 6
    PULSE = 7
    SWITCH = 8
    DEW_POINT = 9
    ABSOLUTE_HUMIDITY = 10
    PRESSURE = 11
    UNIVERSAL = 12


class SensorState(IntEnum):
    """A sensor is in one of these states."""

    INVALID = 0
    NORMAL = 1
    ALARM_UNREPORTED = 2
    """Out of its limits, and nobody is notified (``alarmstate``)."""
    ALARM = 3


class AlarmSetup(IntEnum):
    """When an input is in alarm."""

    INACTIVE = 0
    WHEN_OFF = 1
    WHEN_ON = 2


class SensorFlag(IntEnum):
    """Bits of ``sensFlags``."""

    LIMITS = 0x01
    TRAP = 0x02
    ENABLED = 0x08
    SMS = 0x10
    EMAIL = 0x20


FLAGS_MAX = 0x3F
ALERTS = SensorFlag.TRAP | SensorFlag.SMS | SensorFlag.EMAIL
"""A sensor out of its limits is in alarm while one of them is set (manual, page 20)."""


class OutputMode(IntEnum):
    """Source that switches an output (manual, page 16)."""

    MANUAL = 0
    ALARM = 1
    """On while any input or sensor is in alarm."""
    EQUAL = 2
    HIGHER = 3
    LOWER = 4


INPUT_ALARM, SENSOR_ALARM = 1, 2
"""``inputStateAlarm`` and ``temperatureOutOfRange`` of the table of alarms."""
_PASCALS = {"Pa": 1.0, "hPa": 100.0, "mbar": 100.0, "kPa": 1000.0, "bar": 1e5}


@dataclass(frozen=True, slots=True)
class Reading:
    """The state of one sensor as its row has it."""

    state: int
    tenths: int
    unit: int
    """One of :class:`Unit`, as a rule."""
    unit_text: str


def si_reading(row: Reading) -> tuple[float, str] | None:
    """Return value and unit in SI; None for what is invalid, not found or of no known unit.

    Relative humidity is a number from 0 to 1; of a switch 1 is on.
    """
    if row.state == SensorState.INVALID or abs(row.tenths) >= NOT_FOUND:
        return None
    value = row.tenths / 10
    match row.unit:
        case Unit.CELSIUS | Unit.DEW_POINT:
            return value + ZERO_C_K, "K"
        case Unit.FAHRENHEIT:
            return (value - 32.0) / 1.8 + ZERO_C_K, "K"
        case Unit.KELVIN:
            return value, "K"
        case Unit.PERCENT:
            return value / 100, "1"
        case Unit.VOLT:
            return value, "V"
        case Unit.MILLIAMPERE:
            return value / 1000, "A"
        case Unit.SWITCH:
            return float(value != 0), "1"
        case Unit.ABSOLUTE_HUMIDITY:
            return value / 1000, "kg/m^3"  # ASSUMED: it shows g/m3
        case Unit.PRESSURE:
            pascals = _PASCALS.get(row.unit_text.strip())
            return None if pascals is None else (value * pascals, "Pa")
    return None


def model_and_firmware(description: str) -> tuple[str, str]:
    """Return what ``sysDescr`` says: ``("Poseidon2 3268", "3.1.7")``; the whole if it is odd."""
    model, found, firmware = description.partition(" SNMP Supervisor v")
    return (model, firmware.strip()) if found else (description, "")
