"""Pfeiffer TC 400 electronic drive unit of a turbopump: its parameters, on a terminal server.

Sources: operating instructions of the TC 400 (parameter set, chapter 7; data types, 8.3; error
codes, chapter 10); SOCS (simonsobs), which drives one behind a Moxa server. Telegrams:
:mod:`.pfeiffer_telegram`.
"""

from dataclasses import dataclass
from enum import IntEnum

TCP_PORT = 4001
"""ASSUMED: first serial line of a terminal server in raw mode."""
BAUD = 9600
ADDRESS = 1
"""P:797, from the factory."""
ADDRESSES = (1, 255)
NOMINAL_HZ = 820
"""Of a HiPace 400, as Bluefors' gas handling has it. P:308 and P:399, final speed."""
TRUE, FALSE = "111111", "000000"


class DataType(IntEnum):
    """How a parameter's data is written."""

    BOOLEAN_OLD = 0
    U_INTEGER = 1
    U_REAL = 2
    STRING = 4
    BOOLEAN_NEW = 6
    U_SHORT_INT = 7


LENGTHS = {
    DataType.BOOLEAN_OLD: 6,
    DataType.U_INTEGER: 6,
    DataType.U_REAL: 6,
    DataType.STRING: 6,
    DataType.BOOLEAN_NEW: 1,
    DataType.U_SHORT_INT: 3,
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One line of the parameter set."""

    number: int
    name: str
    kind: DataType
    settable: bool = False
    highest: int = 999_999
    initial: int = 0


_BOOL, _INT, _REAL, _TEXT, _SHORT = (
    DataType.BOOLEAN_OLD,
    DataType.U_INTEGER,
    DataType.U_REAL,
    DataType.STRING,
    DataType.U_SHORT_INT,
)
PUMPING_STATION = Parameter(10, "PumpgStatn", _BOOL, settable=True)
MOTOR = Parameter(23, "MotorPump", _BOOL, settable=True, initial=1)
ACKNOWLEDGE = Parameter(9, "ErrorAckn", _BOOL, settable=True, initial=1)
ERROR_CODE = Parameter(303, "ErrorCode", _TEXT)
SET_SPEED = Parameter(308, "SetRotSpd", _INT)
ACTUAL_SPEED = Parameter(309, "ActualSpd", _INT)
CURRENT = Parameter(310, "DrvCurrent", _REAL)
VOLTAGE = Parameter(313, "DrvVoltage", _REAL)
POWER = Parameter(316, "DrvPower", _INT)
FIRMWARE = Parameter(312, "Fw version", _TEXT)
NAME = Parameter(349, "ElecName", _TEXT)
ACCELERATING = Parameter(307, "PumpAccel", _BOOL)
AT_SPEED = Parameter(306, "SetSpdAtt", _BOOL)
HEATING = Parameter(1, "Heating", _BOOL, settable=True)
STANDBY = Parameter(2, "Standby", _BOOL, settable=True)
TEMPERATURES = {
    324: Parameter(324, "TempPwrStg", _INT, initial=41),
    326: Parameter(326, "TempElec", _INT, initial=36),
    330: Parameter(330, "TempPmpBot", _INT, initial=29),
    342: Parameter(342, "TempBearng", _INT, initial=34),
    346: Parameter(346, "TempMotor", _INT, initial=45),
}
"""Degrees Celsius. ASSUMED values of a pump that runs."""
HOURS_PUMP = Parameter(311, "OpHrsPump", _INT, initial=20122)
HOURS_ELECTRONICS = Parameter(314, "OpHrsElec", _INT, initial=20144)
GAS_MODE = Parameter(27, "GasMode", _SHORT, settable=True, highest=2)
SPEED_SETPOINT = Parameter(707, "SpdSVal", _REAL, settable=True, highest=10_000, initial=6500)
STANDBY_SETPOINT = Parameter(717, "StdbySVal", _REAL, settable=True, highest=10_000, initial=6670)
DEVICE_ADDRESS = Parameter(797, "RS485Adr", _INT, settable=True, highest=255, initial=ADDRESS)

PARAMETERS: dict[int, Parameter] = {
    one.number: one
    for one in (
        *(PUMPING_STATION, MOTOR, ACKNOWLEDGE, HEATING, STANDBY, GAS_MODE),
        *(ERROR_CODE, SET_SPEED, ACTUAL_SPEED, CURRENT, VOLTAGE, POWER, FIRMWARE, NAME),
        *(ACCELERATING, AT_SPEED, HOURS_PUMP, HOURS_ELECTRONICS),
        *(SPEED_SETPOINT, STANDBY_SETPOINT, DEVICE_ADDRESS),
        *TEMPERATURES.values(),
    )
}


def write(kind: DataType, value: float | str) -> str:
    """Return a value as data: ``000820``, ``111111``, ``001571`` for 15.71.

    A number beyond what six digits hold is cut.
    """
    match kind:
        case DataType.BOOLEAN_OLD:
            return TRUE if value else FALSE
        case DataType.BOOLEAN_NEW:
            return "1" if value else "0"
        case DataType.STRING:
            return f"{value!s:<6.6}"
        case DataType.U_REAL:
            return f"{_digits(100 * float(value), 999_999):06d}"
        case DataType.U_SHORT_INT:
            return f"{_digits(float(value), 999):03d}"
        case DataType.U_INTEGER:
            return f"{_digits(float(value), 999_999):06d}"


def _digits(value: float, highest: int) -> int:
    return min(max(round(value), 0), highest)


def parse(kind: DataType, data: str) -> float | str:
    """Return the value of data, 0 or 1 for booleans; raises ValueError."""
    if len(data) != LENGTHS[kind]:
        raise ValueError(f"{data!r} is to have {LENGTHS[kind]} characters")
    if kind is DataType.STRING:
        return data.strip()
    if not (data.isascii() and data.isdigit()):
        raise ValueError(f"{data!r} is to be digits")
    if kind in (DataType.BOOLEAN_OLD, DataType.BOOLEAN_NEW) and set(data) not in ({"0"}, {"1"}):
        raise ValueError(f"{data!r} is neither true nor false")
    match kind:
        case DataType.BOOLEAN_OLD | DataType.BOOLEAN_NEW:
            return float(data[0])
        case DataType.U_REAL:
            return int(data) / 100
        case _:
            return float(data)
