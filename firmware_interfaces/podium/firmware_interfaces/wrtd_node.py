"""A WRTD node's host service: CERN's library calls, one JSON object a line over TCP.

The real node (a SPEC or SVEC card) has no network protocol for its configuration: a library on
its host computer, ``libwrtd``, reads and writes attributes of rules over the card's bus. Podium
reaches it through a small service on that host that carries out the methods of the library's
Python class ``PyWrtd`` by name. ASSUMED, because it is ours: the service, this framing, port
5045, and two calls that the library does not have: ``link_state`` reads a field of the firmware
that it keeps to itself, ``link_losses`` answers ``{"losses": 2, "since_s": 1800000000}``, how often
the service has seen that link leave ``synced``, and since when it looks at it (whole seconds of
TAI); it looks more often than a link takes to be synchronised anew.
True to CERN's sources (``PyWrtd.py``, ``wrtd-common.h``): names of calls, numbers of attributes
and errors, form of a time stamp, states of the link, counters. ASSUMED besides: which attribute
may be written when, wherever the tables below say so.

Request ``{"id": 7, "call": "get_attr_bool", "args": ["WGRCI", 1150002]}``, answer
``{"id": 7, "ok": true}`` or ``{"id": 7, "error": {"code": 3220840454, "message": "..."}}``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.json_text import parse_json

TCP_PORT = 5045  # ASSUMED
LINE_MAX = 4096
"""Bytes in a request. ASSUMED."""
GLOBAL = "WGRCI"
"""What stands for the node as a whole where a rule would be named."""
RULES_MAX = 16  # ASSUMED: WRTD_ATTR_FW_MAX_RULES of the reference designs
OUTPUTS = 4  # ASSUMED: channels of the fine-delay mezzanine
LOG_ENTRY_SIZE = 120
LOG_MAX = 128
"""Entries that are kept; then the oldest go. ASSUMED."""
QUEUE_MAX = 8
"""Pulses that an output can have before it; more overflow. ASSUMED."""
DELAY_MAX_NS = 999_999_999
"""Of delays, hold-offs and periods, which are whole nanoseconds below a second. ASSUMED: the
firmware holds them as 32-bit nanoseconds, the library as time stamps."""
LATENCY_NS = 20_000
"""An output must be at least this far ahead when the message comes. ASSUMED."""
PULSE_WIDTH_NS = 1_000
"""Of an output, fixed. ASSUMED: the library has no attribute for it."""
OUTPUT_STEP_FS = 10_000
"""An output can be placed every 10 ps. ASSUMED: resolution of the fine-delay mezzanine."""


class Attribute(IntEnum):
    """Attributes of the library, by its numbers."""

    EVENT_LOG_EMPTY = 1150000
    EVENT_LOG_ENABLED = 1150001
    IS_TIME_SYNCHRONIZED = 1150002
    SYS_TIME = 1150003
    ALARM_COUNT = 1150016
    RULE_COUNT = 1150032
    RULE_ENABLED = 1150033
    RULE_REPEAT_COUNT = 1150034
    RULE_SOURCE = 1150035
    RULE_DESTINATION = 1150036
    RULE_SEND_LATE = 1150037
    RULE_DELAY = 1150038
    RULE_HOLDOFF = 1150039
    RULE_RESYNC_PERIOD = 1150040
    RULE_RESYNC_FACTOR = 1150041
    STAT_RULE_RX_EVENTS = 1150048
    STAT_RULE_RX_LAST = 1150049
    STAT_RULE_TX_EVENTS = 1150050
    STAT_RULE_TX_LAST = 1150051
    STAT_RULE_MISSED_LATE = 1150052
    STAT_RULE_MISSED_HOLDOFF = 1150053
    STAT_RULE_MISSED_NOSYNC = 1150054
    STAT_RULE_MISSED_OVERFLOW = 1150055
    STAT_RULE_MISSED_LAST = 1150056
    FW_COUNT = 1150128
    FW_MAJOR_VERSION = 1150129
    FW_MINOR_VERSION = 1150130
    FW_MAX_RULES = 1150133
    FW_MAX_ALARMS = 1150134
    FW_CAPABILITIES = 1150136
    FW_LOCAL_INPUTS = 1150138
    FW_LOCAL_OUTPUTS = 1150139


class ErrorCode(IntEnum):
    """Errors of the library, by its numbers, and ours of the service."""

    INVALID_ATTRIBUTE = 0xBFFA000C
    ATTR_NOT_WRITEABLE = 0xBFFA000D
    ATTR_NOT_READABLE = 0xBFFA000E
    INVALID_VALUE = 0xBFFA0010
    RESOURCE_UNKNOWN = 0xBFFA0060
    RESOURCE_ACTIVE = 0xBFFA6003
    ATTR_GLOBAL = 0xBFFA6004
    OUT_OF_RESOURCES = 0xBFFA6005
    RULE_EXISTS = 0xBFFA6006
    RULE_DOES_NOT_EXIST = 0xBFFA6007
    SERVICE_BAD_REQUEST = 0xBFFAF000  # ASSUMED: of the service, not of the library
    SERVICE_UNKNOWN_CALL = 0xBFFAF001  # ASSUMED


class Link(IntEnum):
    """The state of the node's link to its White Rabbit network (``enum wrtd_wr_link``)."""

    OFFLINE = 0
    ONLINE = 1
    SYNCING = 2
    WAIT = 3
    SYNCED = 4


class ServiceError(Exception):
    """The node says no. Its rules are as they were."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class LineError(ValueError):
    """A line is no request or no answer."""


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A time stamp as the library has it."""

    seconds: int
    ns: int
    frac: int = 0
    """Of a nanosecond, in units of 2**-32 ns."""

    def __post_init__(self) -> None:
        for name, value, most in (
            ("seconds", self.seconds, 2**32 - 1),
            ("ns", self.ns, 10**9 - 1),
            ("frac", self.frac, 2**32 - 1),
        ):
            if not 0 <= value <= most:
                raise LineError(f"{name} of a time stamp lies in 0 ... {most}, got {value}")

    @classmethod
    def from_fs(cls, total_fs: int) -> "Timestamp":
        """Return the last time stamp that is not after ``total_fs``."""
        seconds, rest_fs = divmod(total_fs, FS_PER_S)
        ns, part_fs = divmod(rest_fs, FS_PER_NS)
        return cls(seconds, ns, part_fs * 2**32 // FS_PER_NS)

    @property
    def total_fs(self) -> int:
        """Femtoseconds since the epoch; the nearest whole one."""
        part_fs = (self.frac * FS_PER_NS + 2**31) // 2**32
        return self.seconds * FS_PER_S + self.ns * FS_PER_NS + part_fs

    @classmethod
    def of(cls, value: object) -> "Timestamp":
        """Return what a line's ``{"seconds", "ns", "frac"}`` says; raises :class:`LineError`."""
        if not isinstance(value, Mapping) or value.keys() != {"seconds", "ns", "frac"}:
            raise LineError(f'a time stamp is {{"seconds", "ns", "frac"}}, got {value!r}')
        return cls(*(whole(value[name], name) for name in ("seconds", "ns", "frac")))

    def as_json(self) -> dict[str, int]:
        """Return it as a line has it."""
        return {"seconds": self.seconds, "ns": self.ns, "frac": self.frac}


def whole(value: object, what: str) -> int:
    """Return ``value`` if it is a whole number; raises :class:`LineError`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise LineError(f"{what} is a whole number, got {value!r}")
    return value


@dataclass(frozen=True, slots=True)
class Request:
    """One call of the library."""

    number: int
    """The answer carries it too."""
    call: str
    args: tuple[object, ...]


def encode_request(request: Request) -> bytes:
    """Return the line of a call."""
    line = {"id": request.number, "call": request.call, "args": list(request.args)}
    return json.dumps(line).encode() + b"\n"


def decode_request(line: bytes) -> Request:
    """Return the call in a line; raises :class:`LineError`."""
    found = _object(line)
    call, args = found.get("call"), found.get("args", [])
    if not isinstance(call, str) or not isinstance(args, list):
        raise LineError(f'a request is {{"id", "call": NAME, "args": [...]}}, got {line!r}')
    return Request(whole(found.get("id"), "id"), call, tuple(args))


def encode_answer(number: int | None, result: object) -> bytes:
    """Return the line that answers a call; ``result``: its value, or a :class:`ServiceError`."""
    if isinstance(result, ServiceError):
        error = {"code": int(result.code), "message": result.message}
        return json.dumps({"id": number, "error": error}).encode() + b"\n"
    return json.dumps({"id": number, "ok": result}).encode() + b"\n"


def decode_answer(line: bytes, number: int) -> object:
    """Return the value in the answer to call ``number``.

    Raises :class:`ServiceError` where the node said no, :class:`LineError` where the line is no
    answer, or the answer to another call.
    """
    found = _object(line)
    if found.get("id") not in (number, None):
        raise LineError(f"the answer to call {number} says that it is to {found.get('id')!r}")
    if "error" in found:
        error = found["error"]
        if not isinstance(error, Mapping) or not isinstance(error.get("message"), str):
            raise LineError(f"an error has a code and a message, got {line!r}")
        raise ServiceError(whole(error.get("code"), "code"), error["message"])
    if "ok" not in found or found.get("id") is None:
        raise LineError(f'an answer has "id" and "ok" or "error", got {line!r}')
    return found["ok"]


def _object(line: bytes) -> dict[str, object]:
    try:
        found = parse_json(line)
    except ValueError as error:
        raise LineError(f"one JSON object a line is wanted: {error}") from error
    if not isinstance(found, dict):
        raise LineError(f"one JSON object a line is wanted, got {found!r}")
    return found
