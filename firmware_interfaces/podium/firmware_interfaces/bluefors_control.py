"""Control API of the Bluefors Control Software (generation 1): a tree of values in JSON.

Each value has a dotted path, ``mapper.bf.temperatures.tmixing``; in a URL the dots are slashes.
Answers are flat: one object for each path, numbers as text. What is set of a temperature
controller stays in the software until the ``.write`` beside it is called.

No manual is public. Sources: clients of others, with what they send and what they take for an
answer: pyHegel (``bf_controller``, the commands of WebSockets among them), a QCoDeS driver of the
"nanoelectronics" group (``BlueFors.py``), ClementCollignon/bluefors-api-python,
eliasankerhold/BlueForsControl, Redorazu/Bluefors-Alarm-Bot.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from podium.firmware_interfaces.json_text import NotJson, parse_json

HTTP_PORT = 49099
"""Without a key; WebSockets as well."""
HTTPS_PORT = 49098
"""With ``?key=`` in every request; the certificate is the box's own."""
API_VERSION = "v2.2"
GREATEST = 1e300
"""Of a number that is set; greater ones and those that are none are refused. ASSUMED."""
SEPARATOR = "."
TAI_MINUS_UTC_S = 37  # IERS Bulletin C 71, since 2017-01-01
VALUES, SYSTEM, NOTIFICATIONS, RESOURCES, SOCKETS = (
    *("values", "system", "notifications"),
    *("resources", "ws"),
)
"""First words of a URL's path."""

TEMPERATURES: Mapping[int, str] = {
    1: "t50k",
    2: "t4k",
    3: "tmagnet",
    5: "tstill",
    6: "tmixing",
    9: "tfse",
}
"""Names of temperatures, by the channel of the temperature controller that measures them."""
PRESSURES = tuple(f"p{number}" for number in range(1, 7))
"""Vacuum can, still line, condensing line, behind the turbo pump, tank, service."""
VALVES = tuple(f"v{number}" for number in range(1, 24))
PUMPS = ("scroll1", "scroll2", "turbo1", "turbo2", "compressor")
SWITCHES = ("hs-still", "hs-mc", "ext", "heater")
PULSE_TUBE = "pulsetube"
HEATERS: Mapping[str, int] = {"still": 3, "mixing_chamber": 4}
"""Heaters by the number that they have at the temperature controller."""
BF = "mapper.bf"
HEATERS_FOLDER = "driver.bftc.data.heaters"
HEATER = f"{HEATERS_FOLDER}.heater_{{}}"
COMPRESSOR = "driver.cpa"


class Type(Enum):
    """The kinds of values, in the software's words."""

    TEMPERATURE = "Value.Number.Float.Unit.temperature"
    PRESSURE = "Value.Number.Float.Unit.pressure"
    FLOAT = "Value.Number.Float"
    INTEGER = "Value.Number.Integer"
    BOOLEAN = "Value.Number.Integer.Enumeration.Boolean"
    METHOD = "Method"  # ASSUMED: the word; clients call it and do not look
    TEXT = "Value.String"  # ASSUMED: the word


class Status(Enum):
    """The software's verdict on a value."""

    SYNCHRONIZED = "SYNCHRONIZED"
    INDEPENDENT = "INDEPENDENT"
    QUEUED = "QUEUED"
    CHANGED = "CHANGED"
    INVALID = "INVALID"
    DISCONNECTED = "DISCONNECTED"


VALID = frozenset({Status.SYNCHRONIZED, Status.INDEPENDENT, Status.QUEUED})
"""Of what is so now; of the others clients make no number."""


class ApiError(ValueError):
    """An answer is none of this API, or a body is none. The message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A value as it was at a time."""

    text: str
    """As it is sent; empty: there is none."""
    date_ms: int
    """UTC, since 1970."""
    status: Status
    outdated: bool = False

    @property
    def number(self) -> float:
        """The value; NaN where it is none, is old, or is not valid."""
        if self.outdated or self.status not in VALID:
            return math.nan
        try:
            return float(self.text)
        except ValueError:
            return math.nan


@dataclass(frozen=True, slots=True)
class Node:
    """One value of the tree."""

    path: str
    type: str
    latest: Sample
    latest_valid: Sample
    read_only: bool = True


@dataclass(frozen=True, slots=True)
class Assignment:
    """One entry of a request that sets: a value, or the call of a method."""

    path: str
    value: str | None
    """None: a call."""


@dataclass(frozen=True, slots=True)
class ErrorWords:
    """The error in an answer."""

    code: int
    name: str
    description: str


def path_of(url_path: str) -> str:
    """Return the dotted path of what follows ``/values``; slashes at either end do not count."""
    return SEPARATOR.join(part for part in url_path.split("/") if part)


def url_of(path: str) -> str:
    """Return the URL's path of a value or of all below it."""
    return f"/{VALUES}/{path.replace(SEPARATOR, '/')}/"


def number_text(value: float) -> str:
    """Return a number as the tree has it: the shortest text that is it; empty for none."""
    if not math.isfinite(value):
        return ""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


# --- answers ------------------------------------------------------------------------------


def node_object(node: Node, fields: frozenset[str] | None = None) -> dict[str, Any]:
    """Return what an answer has at a path; ``fields``: of each sample, only these; None: all."""
    return {
        "name": node.path,
        "type": node.type,
        "content": {
            "latest_value": _sample_object(node.latest, fields),
            "latest_valid_value": _sample_object(node.latest_valid, fields),
            "read_only": node.read_only,
        },
    }


def _sample_object(sample: Sample, fields: frozenset[str] | None) -> dict[str, Any]:
    whole = {
        "value": sample.text,
        "outdated": sample.outdated,
        "date": sample.date_ms,
        "status": sample.status.value,
        "exception": "",
    }
    return whole if fields is None else {key: one for key, one in whole.items() if key in fields}


def values_object(nodes: Iterable[Node], fields: frozenset[str] | None = None) -> dict[str, Any]:
    """Return the ``data`` of an answer, by path."""
    return {node.path: node_object(node, fields) for node in nodes}


def error_object(words: ErrorWords) -> dict[str, Any]:
    """Return an answer that refuses."""
    return {
        "error": {
            "code": words.code,
            "name": words.name,
            "description": words.description,
            "details": {},
        },
        "status": "ERROR",
    }


def read_values(body: bytes) -> dict[str, Sample]:
    """Return the latest value at each path of an answer.

    Raises :class:`ApiError` for what is no answer, or is one that refuses.
    """
    whole = _object(body)
    words = read_error(whole)
    if words is not None:
        raise ApiError(f"{words.name}: {words.description}")
    data = whole.get("data")
    if not isinstance(data, Mapping):
        raise ApiError("an answer without data")
    return {str(path): _sample(path, node) for path, node in data.items()}


def read_error(whole: Mapping[str, Any]) -> ErrorWords | None:
    """Return what an answer says is wrong; None: nothing."""
    error = whole.get("error")
    if error is None:
        return None
    if not isinstance(error, Mapping):
        return ErrorWords(0, "error", str(error)[:200])
    code = error.get("code")
    return ErrorWords(
        code if isinstance(code, int) else 0,
        str(error.get("name", "error"))[:200],
        str(error.get("description", ""))[:500],
    )


def error_of(body: bytes) -> ErrorWords | None:
    """Return what the body of a refusal says; raises :class:`ApiError`."""
    return read_error(_object(body))


def read_system(body: bytes) -> dict[str, str]:
    """Return what the software says of itself, by key: ``system_name``, ``system_version``."""
    whole = _object(body)
    data = whole.get("data", whole)
    if not isinstance(data, Mapping):
        raise ApiError("an answer about the system without data")
    return {str(key): str(one) for key, one in data.items() if isinstance(one, str | int)}


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        whole = parse_json(body)
    except NotJson as error:
        raise ApiError(f"no JSON: {error}") from error
    if not isinstance(whole, Mapping):
        raise ApiError(f"no object but {type(whole).__name__}")
    return whole


def _sample(path: object, node: object) -> Sample:
    content = node.get("content") if isinstance(node, Mapping) else None
    latest = content.get("latest_value") if isinstance(content, Mapping) else None
    if not isinstance(latest, Mapping):
        raise ApiError(f"{str(path)[:100]!r} has no latest value")
    value, date, outdated = (latest.get(key) for key in ("value", "date", "outdated"))
    try:
        status = Status(latest.get("status"))
    except ValueError:
        raise ApiError(
            f"{str(path)[:100]!r} has status {str(latest.get('status'))[:40]!r}"
        ) from None
    if not isinstance(value, str) or not isinstance(outdated, bool):
        raise ApiError(f"{str(path)[:100]!r} has no text as its value")
    return Sample(value, date if isinstance(date, int) else 0, status, outdated)


# --- requests -----------------------------------------------------------------------------


def assignments_body(assignments: Iterable[Assignment]) -> bytes:
    """Return the body of a request that sets values or calls methods."""
    data = {
        one.path: {"content": {"call": 1} if one.value is None else {"value": one.value}}
        for one in assignments
    }
    return json.dumps({"data": data}).encode()


def read_request(body: bytes) -> tuple[Assignment, ...]:
    """Return what the body of a request sets; raises :class:`ApiError`."""
    return read_assignments(_object(body).get("data"))


def read_assignments(data: object) -> tuple[Assignment, ...]:
    """Return what the ``data`` of a request sets; raises :class:`ApiError`."""
    if not isinstance(data, Mapping):
        raise ApiError('"data" is an object of paths')
    found = []
    for path, node in data.items():
        content = node.get("content") if isinstance(node, Mapping) else None
        if not isinstance(content, Mapping) or not ({"value", "call"} & content.keys()):
            raise ApiError(f'{str(path)[:100]!r} has neither "value" nor "call" in its content')
        value = None if "call" in content else _value_text(content["value"])
        found.append(Assignment(str(path), value))
    return tuple(found)


def _value_text(value: object) -> str:
    """Return a value that was given as text, number or truth value (clients send all three)."""
    match value:
        case bool():
            return str(int(value))
        case int() | float() if abs(value) < GREATEST:
            return number_text(value)
        case str():
            return value
    raise ApiError(f"a value is text or a sound number, not {type(value).__name__}")


@dataclass(frozen=True, slots=True)
class SocketCommand:
    """A message of a client over a WebSocket."""

    command: str
    id: str | None
    target: str
    """Dotted path."""
    recursion: int
    """So many levels below the target; -1: all."""
    fields: frozenset[str] | None
    assignments: tuple[Assignment, ...]
    must_exist: bool
    all: bool
    """Of ``listen``: send what is known already, too."""


def read_socket_command(text: str) -> SocketCommand:
    """Return what a client asks over a WebSocket; raises :class:`ApiError`.

    Numbers and truth values may be text: ``"recursion": "1"``, ``"recursive": "true"``.
    """
    whole = _object(text.encode())
    command = whole.get("command")
    data = whole.get("data", {})
    if not isinstance(command, str):
        raise ApiError('no "command"')
    if not isinstance(data, Mapping):
        raise ApiError('"data" is no object')
    known_id = whole.get("id")
    target = data.get("target", "")
    if not isinstance(target, str):
        raise ApiError('"target" is no text')
    recursion = whole_number(data.get("recursion", 0))
    if truth(data.get("recursive", False)):
        recursion = -1
    return SocketCommand(
        command,
        None if known_id is None else str(known_id)[:100],
        path_of(target.replace(SEPARATOR, "/")),
        recursion,
        fields_of(data.get("fields")),
        read_assignments(data["data"]) if "data" in data else (),
        truth(data.get("must_exist", False)),
        truth(data.get("all", False)),
    )


def fields_of(text: object) -> frozenset[str] | None:
    """Return the fields that ``value;status`` names; None: all."""
    if text in (None, ""):
        return None
    return frozenset(str(text).split(";"))


def truth(value: object) -> bool:
    """Return a truth value that may be text or a number: ``true``, ``1``, ``"True"``, ``"0"``."""
    return str(value).lower() in ("true", "1")


def whole_number(value: object) -> int:
    """Return a whole number that may be text, or a truth value for all levels.

    Raises :class:`ApiError`.
    """
    if isinstance(value, bool) or str(value).lower() in ("true", "false"):
        return -1 if truth(value) else 0
    try:
        return int(str(value)[:20])
    except ValueError:
        raise ApiError(f"{str(value)[:40]!r} is no whole number") from None
