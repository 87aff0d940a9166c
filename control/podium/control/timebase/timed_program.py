"""Encodes a program with its controllers' start settings, for a start at a time."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from podium.control.facility.line_response import (
    LineResponse,
    lines_from_plain,
    lines_to_plain,
)
from podium.control.program.loopback import Loopback
from podium.control.program.program import Program
from podium.control.program.serialise import (
    NotAProgram,
    digest,
    from_json,
    from_plain,
    to_json,
)
from podium.control.timebase.epochs import Epochs
from podium.control.timebase.start_setting import StartSetting
from podium.firmware_interfaces.json_text import NotJson, parse_json


@dataclass(frozen=True, slots=True)
class TimedProgram:
    """One program for all controllers of a run, and the setting of each start."""

    program: Program | Loopback
    starts: Mapping[str, StartSetting] = field(default_factory=dict, hash=False)
    """By controller; one that is left out is started as its wiring says."""
    lines: Mapping[str, LineResponse] = field(default_factory=dict, hash=False)
    """By flux port: what its line does to pulses, which its controller undoes."""


def timed_to_json(timed: TimedProgram) -> str:
    """Return the text of ``timed``: equal ones give equal text."""
    program = timed.program
    parts = {"starts": _text({name: _plain(one) for name, one in timed.starts.items()})}
    if isinstance(program, Loopback):
        parts["loopback"] = _text(asdict(program))
    else:
        parts["program"] = to_json(program)
    if timed.lines:
        parts["lines"] = _text(lines_to_plain(timed.lines))
    return "{" + ",".join(f'"{name}":{parts[name]}' for name in sorted(parts)) + "}"


def settings_to_json(starts: Mapping[str, StartSetting]) -> str:
    """Return the text that a dataset carries of how controllers were started, by controller."""
    return json.dumps({name: _plain(one) for name, one in starts.items()}, sort_keys=True)


def timed_from_json(text: str) -> TimedProgram:
    """Return what :func:`timed_to_json` was given, or a program alone without settings.

    Raises ``NotAProgram``.
    """
    try:
        plain = parse_json(text)
    except NotJson as error:
        raise NotAProgram(f"not JSON: {error}") from error
    if not isinstance(plain, dict) or "starts" not in plain:
        return TimedProgram(from_json(text))
    try:
        starts = {str(name): _setting(one) for name, one in plain["starts"].items()}
        if "loopback" in plain:
            words = plain["loopback"]
            loopback = Loopback(tuple(words["nodes"]), int(words["pulses"]), str(words["name"]))
            return TimedProgram(loopback, starts)
        program = from_plain(plain["program"])
        lines = lines_from_plain(plain.get("lines", {}))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise NotAProgram(f"no program with its starts: {error!r}") from error
    if not isinstance(program, Program):
        raise NotAProgram(f"holds a {type(program).__name__}, not a Program")
    return TimedProgram(program, starts, lines)


def name_of(program: Program, lines: Mapping[str, LineResponse]) -> str:
    """Return SHA-256 (hex) of a program as it is compiled with these lines."""
    if not lines:
        return digest(program)
    return digest_of(timed_to_json(TimedProgram(program, {}, lines)))


def digest_of(text: str) -> str:
    """Return SHA-256 (hex) of the text: what a token names."""
    return hashlib.sha256(text.encode()).hexdigest()


def _text(plain: Mapping[str, Any]) -> str:
    return json.dumps(plain, sort_keys=True, separators=(",", ":"))


def _plain(setting: StartSetting) -> dict[str, Any]:
    plain = asdict(setting)
    plain["epochs"] = None if setting.epochs is None else dict(setting.epochs.numbers)
    return plain


def _setting(plain: dict[str, Any]) -> StartSetting:
    epochs = plain.pop("epochs")
    return StartSetting(**plain, epochs=None if epochs is None else Epochs.of(epochs))
