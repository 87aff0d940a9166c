"""Plays a recorded incident: what a fridge's instruments read then is what its twins read now.

The file is the black box of ``podium cold incident``: gzip of JSON lines, a head and one line for
each reading (docs/how-to/watch-the-fridge.md). Its time begins with the twins'. Signals that no
instrument read then come from the plant; a reading that had no value shows the last it had; what is
written to the fridge changes nothing that was recorded. After its end the last values stay.
"""

import gzip
import math
import zlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.json_text import parse_json

VERSION = 1
LINES_MAX = 100_000


class NoIncident(ValueError):
    """A file is no recorded incident. The message says why."""


@dataclass(frozen=True, slots=True)
class RecordedSignal:
    """The good values of one signal, oldest first."""

    times_s: tuple[float, ...]
    """From the begin of the recording."""
    values: tuple[float, ...]

    def at(self, elapsed_s: float) -> float:
        """Return the value that was the latest then; before the first one, the first."""
        return self.values[max(0, bisect_right(self.times_s, elapsed_s) - 1)]


@dataclass(frozen=True, slots=True)
class IncidentRecording:
    """A recording holds the signals of fridges around one alarm."""

    name: str
    alarm: str
    length_s: float
    fridges: Mapping[str, Mapping[str, RecordedSignal]]
    """By fridge, by signal."""

    def value(self, fridge: str, signal: str, elapsed_fs: int) -> float | None:
        """Return what a signal read so long after the begin; None: nobody had read it."""
        recorded = self.fridges.get(fridge, {}).get(signal)
        return None if recorded is None else recorded.at(elapsed_fs / FS_PER_S)


def read_incident(path: Path) -> IncidentRecording:
    """Return the incident in a file; raises OSError and :class:`NoIncident`.

    Of several readings of one signal, the one with most good values is played.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            head = parse_json(file.readline())
            if not isinstance(head, dict) or head.get("podium_incident") != VERSION:
                raise NoIncident(f"{path}: no recorded incident of version {VERSION}")
            from_s, until_s = float(head["from_s"]), float(head["until_s"])
            found: dict[str, dict[str, RecordedSignal]] = {}
            for number, line in enumerate(file):
                if number >= LINES_MAX:
                    raise NoIncident(f"{path}: more than {LINES_MAX} readings")
                fridge, signal, recorded = _signal(parse_json(line), from_s)
                known = found.setdefault(fridge, {}).get(signal)
                if recorded.times_s and (
                    known is None or len(known.times_s) < len(recorded.times_s)
                ):
                    found[fridge][signal] = recorded
    except (EOFError, KeyError, TypeError, ValueError, zlib.error) as error:
        if isinstance(error, NoIncident):
            raise
        raise NoIncident(f"{path}: damaged: {error!s:.200}") from error
    found.pop("", None)  # of no fridge, or no signal of one
    if not math.isfinite(until_s - from_s) or not any(found.values()):
        raise NoIncident(f"{path}: nothing of a fridge is recorded in it")
    return IncidentRecording(str(head["name"]), str(head["alarm"]), until_s - from_s, found)


def _signal(plain: object, from_s: float) -> tuple[str, str, RecordedSignal]:
    if not isinstance(plain, dict):
        raise TypeError("a reading is a mapping")
    good = [
        (float(at_s) - from_s, float(value))
        for at_s, value, quality in zip(
            plain["tai_s"], plain["value"], plain["quality"], strict=True
        )
        if quality == "good" and value is not None and math.isfinite(value)
    ]
    good.sort()
    fridge, signal = str(plain["fridge"]), str(plain["signal"])
    times, values = zip(*good, strict=True) if good else ((), ())
    return (fridge if signal else ""), signal, RecordedSignal(tuple(times), tuple(values))
