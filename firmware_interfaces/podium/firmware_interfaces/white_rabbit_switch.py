"""Objects that a White Rabbit switch shows over SNMP: WR-SWITCH-MIB, revision 2023-03-26.

Object identifiers, types and enumerations are those of the MIB as published in compiled form;
of what a status is made, the diagnostics document of its open source (wr-switch-sw,
``doc/wrs_failures``) says. Here are the objects that tell how the timing is, and those that its
user manual prints as an example (``doc/wrs-user-manual.in``, "SNMP Support").
"""

from enum import IntEnum

from podium.firmware_interfaces.snmp import Oid

COMMUNITY = "public"
"""For reading; ASSUMED: as the switch comes."""
PORTS = 18
"""Fibres of a switch; ``wri1`` to ``wri18``."""
CACHE_S = 5
"""The agent looks at the switch every so often only (WRS*_CACHE_TIMEOUT of its source)."""

CERN: Oid = (1, 3, 6, 1, 4, 1, 96)
SWITCH: Oid = (*CERN, 100)
SYSTEM: Oid = (1, 3, 6, 1, 2, 1, 1)

SYS_DESCR: Oid = (*SYSTEM, 1, 0)
SYS_OBJECT_ID: Oid = (*SYSTEM, 2, 0)
SYS_UP_TIME: Oid = (*SYSTEM, 3, 0)
SYS_NAME: Oid = (*SYSTEM, 5, 0)

SCALAR: Oid = (*SWITCH, 1, 0)
"""A test object; always 1."""
_GENERAL: Oid = (*SWITCH, 6, 1)
MAIN_STATUS: Oid = (*_GENERAL, 1, 0)
OS_STATUS: Oid = (*_GENERAL, 2, 0)
TIMING_STATUS: Oid = (*_GENERAL, 3, 0)
NETWORKING_STATUS: Oid = (*_GENERAL, 4, 0)

_DETAILED: Oid = (*SWITCH, 6, 2)
BOOT_SUCCESSFUL: Oid = (*_DETAILED, 1, 1, 0)
TEMPERATURE_WARNING: Oid = (*_DETAILED, 1, 2, 0)
PTP_STATUS: Oid = (*_DETAILED, 2, 1, 0)
SOFT_PLL_STATUS: Oid = (*_DETAILED, 2, 2, 0)
SLAVE_LINKS_STATUS: Oid = (*_DETAILED, 2, 3, 0)
PTP_FRAMES_FLOWING: Oid = (*_DETAILED, 2, 4, 0)
SYSTEM_CLOCK_STATUS: Oid = (*_DETAILED, 2, 5, 0)
SFPS_STATUS: Oid = (*_DETAILED, 3, 1, 0)
ENDPOINT_STATUS: Oid = (*_DETAILED, 3, 2, 0)

_VERSION: Oid = (*SWITCH, 6, 3)
SOFTWARE_VERSION: Oid = (*_VERSION, 1, 0)
MANUFACTURER: Oid = (*_VERSION, 6, 0)
SERIAL_NUMBER: Oid = (*_VERSION, 7, 0)
GATEWARE_VERSION: Oid = (*_VERSION, 9, 0)

DATE_TAI: Oid = (*SWITCH, 7, 1, 1, 1, 0)
DATE_TAI_STRING: Oid = (*SWITCH, 7, 1, 1, 2, 0)

_BOOT: Oid = (*SWITCH, 7, 1, 2)
CONFIG_SOURCE: Oid = (*_BOOT, 6, 0)
CONFIG_SOURCE_URL: Oid = (*_BOOT, 7, 0)
BOOT_PARTS: tuple[Oid, ...] = tuple((*_BOOT, number, 0) for number in (9, 10, 11, 12))
"""Configuration, hardware information, FPGA, soft processor: whether each was loaded."""

_TEMPERATURE: Oid = (*SWITCH, 7, 1, 3)
TEMPERATURES: dict[str, Oid] = {
    "fpga": (*_TEMPERATURE, 1, 0),
    "pll": (*_TEMPERATURE, 2, 0),
    "psl": (*_TEMPERATURE, 3, 0),
    "psr": (*_TEMPERATURE, 4, 0),
}
"""Whole degrees Celsius: of the FPGA, its PLL, left and right power supply."""
THRESHOLDS: dict[str, Oid] = {
    "fpga": (*_TEMPERATURE, 5, 0),
    "pll": (*_TEMPERATURE, 6, 0),
    "psl": (*_TEMPERATURE, 7, 0),
    "psr": (*_TEMPERATURE, 8, 0),
}

_SPLL: Oid = (*SWITCH, 7, 3, 2)
SPLL_MODE: Oid = (*_SPLL, 1, 0)
SPLL_SEQUENCE: Oid = (*_SPLL, 3, 0)
SPLL_ALIGNMENT: Oid = (*_SPLL, 4, 0)
SPLL_HELPER_LOCK: Oid = (*_SPLL, 5, 0)
SPLL_MAIN_LOCK: Oid = (*_SPLL, 6, 0)
SPLL_DELOCKS: Oid = (*_SPLL, 9, 0)
"""How often it has lost its lock since it was started."""

_SERVO: Oid = (*SWITCH, 7, 5, 1)
"""Columns of the table of servos; there is one row, 1."""
SERVO_PORT: Oid = (*_SERVO, 2, 1)
SERVO_STATE: Oid = (*_SERVO, 6, 1)
SERVO_STATE_NUMBER: Oid = (*_SERVO, 7, 1)
SERVO_TRACKING: Oid = (*_SERVO, 8, 1)
SERVO_OFFSET_PS: Oid = (*_SERVO, 10, 1)
"""Signed 64 bits, in a counter."""
SERVO_OFFSET_PS_HUMAN: Oid = (*_SERVO, 11, 1)
"""The same, held within 32 bits."""
SERVO_SKEW_PS: Oid = (*_SERVO, 12, 1)
SERVO_ROUND_TRIP_PS: Oid = (*_SERVO, 13, 1)
SERVO_LINK_LENGTH_M: Oid = (*_SERVO, 14, 1)
SERVO_UPDATES: Oid = (*_SERVO, 15, 1)
SERVO_UPDATE_TIME: Oid = (*_SERVO, 23, 1)

PORT_COLUMNS: dict[str, Oid] = {
    "name": (*SWITCH, 7, 6, 1, 2),
    "link": (*SWITCH, 7, 6, 1, 3),
    "mode": (*SWITCH, 7, 6, 1, 4),
    "locked": (*SWITCH, 7, 6, 1, 5),
    "sfp_vendor": (*SWITCH, 7, 6, 1, 7),
    "sfp_part": (*SWITCH, 7, 6, 1, 8),
    "sfp_serial": (*SWITCH, 7, 6, 1, 9),
    "sfp_in_database": (*SWITCH, 7, 6, 1, 10),
    "sfp_error": (*SWITCH, 7, 6, 1, 12),
    "ptp_sent": (*SWITCH, 7, 6, 1, 13),
    "ptp_received": (*SWITCH, 7, 6, 1, 14),
    "counters_name": (*SWITCH, 7, 7, 1, 2),
    "frames_sent": (*SWITCH, 7, 7, 1, 21),
    "frames_received": (*SWITCH, 7, 7, 1, 22),
}
"""Columns of the table of ports; rows are 1 to :data:`PORTS`."""


class Status(IntEnum):
    """Of the switch or a part of it."""

    NA = 0
    OK = 1
    ERROR = 2
    WARNING = 3
    WARNING_NA = 4
    BUG = 5
    FIRST_READ = 6


class TemperatureWarning(IntEnum):
    """``wrsTemperatureWarning``."""

    NA = 0
    THRESHOLD_NOT_SET = 1
    OK = 2
    TOO_HIGH = 3


class ConfigSource(IntEnum):
    """``wrsConfigSource``, where its configuration came from."""

    LOCAL = 3
    REMOTE = 4


class SpllMode(IntEnum):
    """``wrsSpllMode``."""

    NA = 0
    GRANDMASTER = 1
    MASTER = 2
    SLAVE = 3
    DISABLED = 4


class SpllSequence(IntEnum):
    """``wrsSpllSeqState``, those that a switch is seen in."""

    START_EXTERNAL = 1
    WAIT_EXTERNAL = 2
    START_HELPER = 3
    WAIT_HELPER = 4
    START_MAIN = 5
    WAIT_MAIN = 6
    DISABLED = 7
    READY = 8


class SpllAlignment(IntEnum):
    """``wrsSpllAlignState``, those that a switch is seen in."""

    EXTERNAL_OFF = 0
    START = 1
    WAIT_CLOCK_IN = 9
    COMPENSATE_DELAY = 5
    LOCKED = 6


class ServoState(IntEnum):
    """``wrsPtpServoStateN``."""

    UNINITIALIZED = 0
    SYNC_NSEC = 1
    SYNC_SEC = 2
    SYNC_PHASE = 3
    TRACK_PHASE = 4
    WAIT_OFFSET_STABLE = 5


class PortLink(IntEnum):
    """``wrsPortStatusLink``."""

    NA = 0
    DOWN = 1
    UP = 2


class PortMode(IntEnum):
    """``wrsPortStatusConfiguredMode``."""

    UNKNOWN = 0
    MASTER = 1
    SLAVE = 2
    NON_WR = 3
    AUTO = 4
    NONE = 5


class PortLocked(IntEnum):
    """``wrsPortStatusLocked``."""

    NA = 0
    NOT_LOCKED = 1
    LOCKED = 2


class SfpError(IntEnum):
    """``wrsPortStatusSfpError``."""

    NA = 0
    OK = 1
    ERROR = 2
    PORT_DOWN = 3
