"""Requests and answers of the Bluefors Temperature Controller (BFTC): JSON over HTTP, WebSockets.

Endpoints are paths without numbers, ``/heater/update``; which channel or heater is meant stands in
the payload. Every answer has ``status`` and the controller's UTC ``datetime``. A WebSocket takes
the same payloads at the same paths; at those that end in ``/listen`` it sends what is new.

Source: "Bluefors Temperature Controller API, Technical Reference", version 2.0 of 2024-08-28
(BF1000-1234517327-58), below as "TR" with its chapter. Clients of others: pyHegel, pybluefors,
Lab::Measurement, QCoDeS drivers of several labs.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from podium.firmware_interfaces.json_text import NotJson, parse_json

HTTP_PORT = 5001  # TR 2.3.2
WEBSOCKET_PORT = 5002  # TR 2.3.3
VENDOR = "Bluefors"
TYPE = "Bluefors TC"  # TR 3.1.2
API_VERSION = 1
CHANNELS = range(1, 13)
HEATERS = range(1, 5)
LISTEN = "/listen"
SAMPLES_MAX = 100_000  # TR 3.9.2: of historical data in one answer
CURRENT_MAX_A = 0.1  # TR 3.13.2: of a heater

SYSTEM, DEVICE, NETWORK = "/system", "/system/device", "/system/network"
STATEMACHINE, STATEMACHINE_UPDATE = "/statemachine", "/statemachine/update"
ALL_CHANNELS, CHANNEL, CHANNEL_UPDATE = "/channels", "/channel", "/channel/update"
CHANNEL_HISTORY, LATEST = "/channel/historical-data", "/channel/measurement/latest"
CHANNEL_HEATER_UPDATE = "/channel/heater/update"
ALL_HEATERS, HEATER, HEATER_UPDATE = "/heaters", "/heater", "/heater/update"
RELAY, RELAY_UPDATE = "/heater/relay", "/heater/relay/update"
HEATER_HISTORY = "/heater/historical-data"
MEASUREMENTS_LISTEN = "/channel/measurement/listen"
READ = (SYSTEM, DEVICE, NETWORK, STATEMACHINE, ALL_CHANNELS, ALL_HEATERS)
"""By GET; the others by POST, and :data:`LATEST` by both."""
POSTED = (
    *(STATEMACHINE_UPDATE, CHANNEL, CHANNEL_UPDATE, CHANNEL_HISTORY, CHANNEL_HEATER_UPDATE),
    *(HEATER, HEATER_UPDATE, RELAY, RELAY_UPDATE, HEATER_HISTORY, LATEST),
)
MEASURED = ("temperature", "resistance", "reactance", "rez", "imz", "magnitude", "angle")
CHANNEL_FIELDS = (*MEASURED, "status_flags", "channel_nr", "settings_nr")
"""That historical data of a channel can have, beside ``timestamp``, which comes unasked."""
HEATER_FIELDS = ("power", "current")


class Code(IntEnum):
    """Codes of errors and of readings (TR 2.4.1)."""

    WRONG_PARAMETERS = 123  # TR 2.4.1: of its example; # ASSUMED: of every bad payload
    NO_DATA = 200
    BELOW_RANGE = 511
    ABOVE_RANGE = 512
    NO_CURVE = 519


class ApiError(ValueError):
    """A payload or an answer is not what the API says."""


class Denied(ApiError):
    """The controller answers with an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"error {code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Setting:
    """The value that a payload may have under one key."""

    kind: type
    low: float = -math.inf
    high: float = math.inf

    def take(self, key: str, value: object) -> Any:
        """Return a value of the right type; raises :class:`Denied`."""
        if self.kind is bool and value in (0, 1, False, True):
            return bool(value)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if self.kind is float and number:
            value = float(str(value))
        if type(value) is not self.kind:
            raise Denied(Code.WRONG_PARAMETERS, f"{key} is no {self.kind.__name__}")
        if isinstance(value, str):
            if len(value) > self.high:
                raise Denied(Code.WRONG_PARAMETERS, f"{key} is too long")
        elif isinstance(value, int | float) and not self.low <= value <= self.high:
            raise Denied(Code.WRONG_PARAMETERS, f"{key} is {self.low:g} to {self.high:g}")
        return value


STATEMACHINE_SETTINGS = {
    "wait_time": Setting(float, 1, 100),
    "meas_time": Setting(float, 1, 100),
    "control_algorithm": Setting(int, 0, 100),
}
CHANNEL_SETTINGS = {
    "active": Setting(bool),
    "name": Setting(str, 0, 50),
    "excitation_mode": Setting(int, 0, 2),
    "excitation_current_range": Setting(int, 1, 22),
    "excitation_cmn_range": Setting(int, 1, 2),
    "excitation_vmax_range": Setting(int, 1, 2),
    "use_non_default_timeconstants": Setting(bool),
    "wait_time": Setting(float, 1, 100),
    "meas_time": Setting(float, 1, 100),
    "calib_curve_nr": Setting(int, 1, 100),
}
HEATER_SETTINGS = {
    "active": Setting(bool),
    "name": Setting(str, 0, 50),
    "pid_mode": Setting(int, 0, 1),
    "resistance": Setting(float, 0, 1000),
    "power": Setting(float, 0, 1),
    "max_power": Setting(float, 0, 1),
    "target_temperature": Setting(float, 0, 1000),
    "target_temperature_shown": Setting(bool),
    "control_algorithm": Setting(int, 1, 1),
    "setpoint": Setting(float, 0, 1000),
}
GAINS = "control_algorithm_settings"
GAIN_SETTINGS = {
    name: Setting(float, -1e9, 1e9) for name in ("proportional", "integral", "derivative")
}
RELAY_SETTINGS = {"relay_mode": Setting(int, 0, 1)}
CHANNEL_NUMBER = Setting(int, CHANNELS.start, CHANNELS.stop - 1)
HEATER_NUMBER = Setting(int, HEATERS.start, HEATERS.stop - 1)
"""Names' lengths and gains' limits: # ASSUMED."""


# --- payloads and answers ------------------------------------------------------------------


def read_payload(body: bytes) -> dict[str, Any]:
    """Return a request's payload; none is empty. Raises :class:`ApiError`."""
    return {} if not body.strip() else dict(_object(body))


def settings_in(payload: Mapping[str, Any], known: Mapping[str, Setting]) -> dict[str, Any]:
    """Return the settings that a payload has, by key; raises :class:`Denied`."""
    return {key: one.take(key, payload[key]) for key, one in known.items() if key in payload}


def wanted(payload: Mapping[str, Any], key: str, setting: Setting) -> Any:
    """Return what a payload must have under a key; raises :class:`Denied`."""
    if key not in payload:
        raise Denied(Code.WRONG_PARAMETERS, f"{key} is missing")
    return setting.take(key, payload[key])


def answer_body(payload: Mapping[str, Any], utc_s: float, content: Mapping[str, Any]) -> bytes:
    """Return an answer to a request, with what its sender knows it by."""
    return json.dumps({**_common(payload, utc_s), "status": "OK", **content}).encode()


def error_body(payload: Mapping[str, Any], utc_s: float, error: Denied) -> bytes:
    """Return the answer that something is wrong."""
    told = {"code": int(error.code), "message": error.message[:2000]}
    return json.dumps({**_common(payload, utc_s), "status": "ERROR", "error": told}).encode()


def _common(payload: Mapping[str, Any], utc_s: float) -> dict[str, Any]:
    known = {key: str(payload[key])[:50] for key in ("sender", "hash") if key in payload}
    return {**known, "datetime": utc_text(utc_s)}


def read_answer(body: bytes) -> Mapping[str, Any]:
    """Return an answer; raises :class:`Denied` for an error, :class:`ApiError` for no answer."""
    whole = _object(body)
    status = whole.get("status")
    if status == "OK":
        return whole
    error = whole.get("error")
    if status != "ERROR":
        raise ApiError(f"an answer whose status is {str(status)[:40]!r}")
    if not isinstance(error, Mapping):
        raise Denied(0, str(whole.get("error_msg", error))[:200])
    code = error.get("code")
    message = str(error.get("message", ""))[:500]
    raise Denied(code if isinstance(code, int) else 0, message)


def answered_at(answer: Mapping[str, Any]) -> datetime:
    """Return the controller's clock when it answered; raises :class:`ApiError`."""
    found = answer.get("datetime")
    if not isinstance(found, str):
        raise ApiError("an answer without its datetime")
    return parse_utc(found)


@dataclass(frozen=True, slots=True)
class Heater:
    """The settings of a heater that our driver reads."""

    number: int
    active: bool
    regulates: bool
    """It follows its control loop, else :attr:`power_w`."""
    power_w: float
    max_power_w: float


def read_heater(content: Mapping[str, Any]) -> Heater:
    """Return a heater of an answer; raises :class:`ApiError`."""
    number, active, mode = (content.get(key) for key in ("heater_nr", "active", "pid_mode"))
    power, most = (_number(content, key) for key in ("power", "max_power"))
    if number not in HEATERS or active not in (0, 1) or mode not in (0, 1):
        raise ApiError(f"a heater {number!r} that is active {active!r}, in mode {mode!r}")
    return Heater(int(str(number)), bool(active), bool(mode), power, most)


def read_list(answer: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Return the ``data`` of an answer about all channels or heaters; raises :class:`ApiError`."""
    data = answer.get("data")
    if not isinstance(data, list) or not all(isinstance(one, Mapping) for one in data):
        raise ApiError("an answer without a list of data")
    return tuple(data)


def last_sample(answer: Mapping[str, Any], field: str) -> float | None:
    """Return the newest value of historical data, None: there is none that is valid.

    Samples need not come in the order of time. Raises :class:`ApiError`.
    """
    measured = answer.get("measurements")
    times = measured.get("timestamp") if isinstance(measured, Mapping) else None
    values = measured.get(field) if isinstance(measured, Mapping) else None
    if not isinstance(times, list) or not isinstance(values, list) or len(times) != len(values):
        raise ApiError(f"historical data without timestamps and as many values of {field}")
    if not all(isinstance(one, int | float) and math.isfinite(one) for one in times):
        raise ApiError("historical data whose timestamps are no numbers")
    newest = max(zip(times, values, strict=True), key=lambda pair: pair[0], default=(0, None))[1]
    if isinstance(newest, bool) or not isinstance(newest, int | float):
        return None
    return float(newest) if math.isfinite(newest) else None


def _number(content: Mapping[str, Any], key: str) -> float:
    value = content.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ApiError(f"{key} is no number but {str(value)[:40]!r}")
    return float(value)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        whole = parse_json(body)
    except NotJson as error:
        raise ApiError(f"no JSON: {error}") from error
    if not isinstance(whole, Mapping):
        raise ApiError(f"no object but {type(whole).__name__}")
    return whole


# --- times and impedances ------------------------------------------------------------------

_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ")  # TR 3.9.1
_ALSO = ("%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%S")
"""A published driver sends fractions, another one no Z. # ASSUMED: both are taken"""


def parse_utc(text: str) -> datetime:
    """Return a time of a payload; raises :class:`ApiError`."""
    for form in (*_FORMATS, *_ALSO):
        try:
            return datetime.strptime(text[:40], form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise ApiError(f"{text[:40]!r} is no time; {', '.join(_FORMATS)} are")


def utc_text(utc_s: float) -> str:
    """Return a time as answers have it."""
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def impedance(resistance: float, reactance: float) -> dict[str, float]:
    """Return ``rez``, ``imz``, ``magnitude`` (ohm) and ``angle`` (degrees) of both in parallel.

    So the example of TR 2.5.1 has them; its angle counts from the imaginary axis.
    """
    square = resistance**2 + reactance**2
    real, imaginary = resistance * reactance**2 / square, resistance**2 * reactance / square
    return {
        "rez": real,
        "imz": imaginary,
        "magnitude": math.hypot(real, imaginary),
        "angle": 90.0 - math.degrees(math.atan2(imaginary, real)),
    }
