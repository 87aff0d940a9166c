"""Pfeiffer TC 400 electronic drive unit of a turbopump: its parameters, on a terminal server.

Sources: operating instructions of the TC 400 (parameter set, chapter 7; data types, 8.3; error
codes, chapter 10); limits as those of the TC 110 have them (5.2.5 data types, 6.2 control commands,
6.4 reference values), where the same parameter is in both; SOCS (simonsobs), which drives one
behind a Moxa server. Telegrams: :mod:`.pfeiffer_telegram`.
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
TURBOPUMPS = {"HiPace 300": 1000, "HiPace 400": NOMINAL_HZ, "HiPace 700": NOMINAL_HZ}
"""Nominal speeds of the pumps that have this drive, Hz (Pfeiffer's data sheets)."""
CHARACTER_BITS = 10
"""Of the serial line: one to start, eight of data, no parity, one to stop (operating
instructions, technical data, as the baud rate)."""
TRUE, FALSE = "111111", "000000"


class DataType(IntEnum):
    """The format of a parameter's data."""

    BOOLEAN_OLD = 0
    U_INTEGER = 1
    U_REAL = 2
    STRING = 4
    BOOLEAN_NEW = 6
    U_SHORT_INT = 7
    U_EXPO = 10


LENGTHS = {
    DataType.BOOLEAN_OLD: 6,
    DataType.U_INTEGER: 6,
    DataType.U_REAL: 6,
    DataType.STRING: 6,
    DataType.BOOLEAN_NEW: 1,
    DataType.U_SHORT_INT: 3,
    DataType.U_EXPO: 6,
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One line of the parameter set."""

    number: int
    name: str
    kind: DataType
    settable: bool = False
    highest: float = 999_999
    initial: float | str = 0
    lowest: float = 0


_BOOL, _INT, _REAL, _TEXT, _SHORT, _EXPO = (
    DataType.BOOLEAN_OLD,
    DataType.U_INTEGER,
    DataType.U_REAL,
    DataType.STRING,
    DataType.U_SHORT_INT,
    DataType.U_EXPO,
)


def _setting(
    number: int, name: str, kind: DataType, initial: float, highest: float, lowest: float = 0
) -> Parameter:
    return Parameter(number, name, kind, True, highest, initial, lowest)


PUMPING_STATION = _setting(10, "PumpgStatn", _BOOL, 0, 1)
MOTOR = _setting(23, "MotorPump", _BOOL, 1, 1)
ACKNOWLEDGE = _setting(9, "ErrorAckn", _BOOL, 1, 1, lowest=1)
"""The one parameter that is only written."""
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
HEATING = _setting(1, "Heating", _BOOL, 0, 1)
STANDBY = _setting(2, "Standby", _BOOL, 0, 1)
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
GAS_MODE = _setting(27, "GasMode", _SHORT, 0, 2)
SPEED_SETTING = _setting(26, "SpdSetMode", _SHORT, 0, 1)
SPEED_SETPOINT = _setting(707, "SpdSVal", _REAL, 65, 100, 20)
STANDBY_SETPOINT = _setting(717, "StdbySVal", _REAL, 66.7, 100, 20)
DEVICE_ADDRESS = _setting(797, "RS485Adr", _INT, ADDRESS, ADDRESSES[1], ADDRESSES[0])
SETPOINT_SPEED_RPM = Parameter(397, "SetRotSpd", _INT)
ACTUAL_SPEED_RPM = Parameter(398, "ActualSpd", _INT)
NOMINAL_SPEED = Parameter(315, "Nominal Spd", _INT)
NOMINAL_SPEED_RPM = Parameter(399, "NominalSpd", _INT)
SWITCH_POINT = _setting(701, "SpdSwPt1", _INT, 80, 97, 50)
"""Percent of the nominal speed, which P:302 is about."""
SWITCH_POINT_ATTAINED = Parameter(302, "SpdSwPtAtt", _BOOL)
_CONFIGURATION = (
    _setting(4, "RUTimeCtrl", _BOOL, 1, 1),
    _setting(12, "EnableVent", _BOOL, 0, 1),
    _setting(17, "CfgSpdSwPt", _SHORT, 0, 1),
    _setting(19, "Cfg DO2", _SHORT, 1, 22),
    _setting(24, "Cfg DO1", _SHORT, 0, 22),
    _setting(25, "OpMode BKP", _SHORT, 0, 3),
    _setting(28, "Cfg Remote", _SHORT, 0, 4),
    _setting(30, "VentMode", _SHORT, 0, 2),
    _setting(35, "Cfg Acc A1", _SHORT, 0, 14),
    _setting(36, "Cfg Acc B1", _SHORT, 1, 14),
    _setting(37, "Cfg Acc A2", _SHORT, 3, 14),
    _setting(38, "Cfg Acc B2", _SHORT, 2, 14),
    _setting(41, "Press1HVen", _SHORT, 2, 3),
    _setting(45, "Cfg Rel R1", _SHORT, 0, 22),
    _setting(46, "Cfg Rel R2", _SHORT, 1, 22),
    _setting(47, "Cfg Rel R3", _SHORT, 3, 22),
    _setting(50, "SealingGas", _BOOL, 0, 1),
    _setting(55, "Cfg AO1", _SHORT, 0, 8),
    _setting(57, "Cfg AI1", _SHORT, 1, 1),
    _setting(60, "CtrlViaInt", _SHORT, 1, 255, 1),
    _setting(61, "IntSelLckd", _BOOL, 0, 1),
    _setting(62, "Cfg DI1", _SHORT, 1, 7),
    _setting(63, "Cfg DI2", _SHORT, 2, 7),
    _setting(64, "Cfg DI3", _SHORT, 3, 7),
    _setting(700, "RUTimeSVal", _INT, 8, 120, 1),
    _setting(708, "PwrSVal", _SHORT, 100, 100, 10),
    _setting(710, "Swoff BKP", _INT, 0, 1000),
    _setting(711, "SwOn BKP", _INT, 0, 1000),
    _setting(719, "SpdSwPt2", _INT, 20, 97, 5),
    _setting(720, "VentSpd", _SHORT, 50, 98, 40),
    _setting(721, "VentTime", _INT, 3600, 3600, 6),
    _setting(730, "PrsSwPt 1", _EXPO, 1000, 1e6),
    _setting(732, "PrsSwPt 2", _EXPO, 1000, 1e6),
    _setting(742, "PrsCorrPi 1", _REAL, 1, 8, 0.1),
    _setting(752, "PrsCorrPi 2", _REAL, 1, 8, 0.1),
    _setting(777, "NomSpdConf", _INT, 0, 1500),
    _setting(791, "SlgWrnThrs", _INT, 15, 200, 5),
)
"""Of P:035 to P:038 every number that the manual lists. ASSUMED: limits of P:028, 730, 732, 791 and
the correction factors' first values."""
_SHOWN = (
    Parameter(300, "RemotePrio", _BOOL),
    Parameter(304, "OvTempElec", _BOOL),
    Parameter(305, "OvTempPump", _BOOL),
    Parameter(319, "PumpCycles", _INT, initial=213),
    Parameter(336, "AccelDecel", _INT),
    Parameter(337, "SealGasFlw", _INT),
    Parameter(354, "HW Version", _TEXT, initial="000000"),
    *(Parameter(360 + n, f"ErrHist{n + 1}", _TEXT, initial="000000") for n in range(10)),
    Parameter(739, "PrsSn1Name", _TEXT, initial="no Sen"),
    Parameter(740, "Pressure 1", _EXPO),
    Parameter(749, "PrsSn2Name", _TEXT, initial="no Sen"),
    Parameter(750, "Pressure 2", _EXPO),
)
"""ASSUMED: hardware version, cycles, that nothing has gone wrong yet; no sensor is connected."""

PARAMETERS: dict[int, Parameter] = {
    one.number: one
    for one in (
        *(PUMPING_STATION, MOTOR, ACKNOWLEDGE, HEATING, STANDBY, GAS_MODE),
        *(ERROR_CODE, SET_SPEED, ACTUAL_SPEED, CURRENT, VOLTAGE, POWER, FIRMWARE, NAME),
        *(ACCELERATING, AT_SPEED, HOURS_PUMP, HOURS_ELECTRONICS),
        *(SPEED_SETTING, SPEED_SETPOINT, STANDBY_SETPOINT, DEVICE_ADDRESS),
        *(NOMINAL_SPEED, NOMINAL_SPEED_RPM),
        *(SETPOINT_SPEED_RPM, ACTUAL_SPEED_RPM, SWITCH_POINT, SWITCH_POINT_ATTAINED),
        *(*_CONFIGURATION, *_SHOWN),
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
        case DataType.U_EXPO:  # 1000 is 100023: 1.000 and an exponent of 3, plus 20
            mantissa, exponent = f"{float(value):.3e}".split("e")
            power = int(exponent) + 20
            return f"{mantissa.replace('.', '')}{power:02d}" if 0 <= power <= 99 else "000000"
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
        case DataType.U_EXPO:
            return float(f"{data[0]}.{data[1:4]}e{int(data[4:]) - 20}")
        case _:
            return float(data)
