"""Keeps readings over time, older ones thinned; those of fridges in a file, over weeks."""

import json
import time
from collections.abc import Iterable, Mapping
from math import inf
from pathlib import Path

from podium.control.bus.log import event_log
from podium.firmware_interfaces.json_text import parse_json

HOUR_S, DAY_S = 3600.0, 86400.0
TIERS = ((HOUR_S, 0.0), (DAY_S, 60.0), (60 * DAY_S, 900.0))
"""Of readings up to this age one is kept in so many s; older ones are forgotten."""
IN_MEMORY_S = DAY_S
"""What is not in the file is kept so long."""
ANEW_LINES = 20_000
"""After so many lines the file is written anew, thinned."""

log = event_log("page")
Reading = tuple[float, float]
"""Unix time, s, and the value in SI units."""


class ReadingHistory:
    """Readings of each channel, ``instrument.channel``, oldest first."""

    def __init__(
        self, path: Path | None = None, durable: Iterable[str] = (), old: Mapping[str, str] = {}
    ) -> None:
        """Read what ``path`` holds; None: kept in memory only. Lines that are damaged are lost.

        ``durable``: the channels that are kept in the file. ``old``: names in older files.
        """
        self._path = path
        self._durable = set(durable)
        self._old = dict(old)
        self._readings: dict[str, list[Reading]] = {}
        self._lines = 0
        self._complained = False
        if path is not None and path.exists():
            self._read(path)
            self._write_anew()

    def of(self, name: str, since_s: float = -inf) -> tuple[Reading, ...]:
        """Return the readings of a channel from ``since_s`` on, oldest first."""
        return tuple(one for one in self._readings.get(name, ()) if one[0] >= since_s)

    def add(self, name: str, value: float, at_s: float | None = None) -> None:
        """Keep a reading; a disk that is full costs the file, and not the page."""
        at_s = time.time() if at_s is None else at_s
        readings = self._readings.setdefault(name, [])
        readings.append((at_s, value))
        if len(readings) % 500 == 0:
            self._readings[name] = self._thinned(name, at_s)
        if self._path is None or name not in self._durable:
            return
        self._lines += 1
        if self._lines >= ANEW_LINES:
            self._write_anew()
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([name, round(at_s, 1), value]) + "\n")
        except OSError as error:
            self._complain(error)

    def _read(self, path: Path) -> None:
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            self._complain(error)
            return
        for line in lines:
            try:
                name, at_s, value = parse_json(line)
                here = self._old.get(str(name), str(name))
                self._readings.setdefault(here, []).append((float(at_s), float(value)))
                self._durable.add(here)
            except (ValueError, TypeError):
                continue  # torn by a crash

    def _thinned(self, name: str, now_s: float) -> list[Reading]:
        kept = thinned(self._readings[name], now_s)
        if name in self._durable or self._path is None:
            return kept
        return [one for one in kept if now_s - one[0] <= IN_MEMORY_S]

    def _write_anew(self) -> None:
        now_s = time.time()
        self._readings = {name: thinned(all_, now_s) for name, all_ in self._readings.items()}
        if self._path is None:
            return
        rows = [
            (name, *one)
            for name, readings in self._readings.items()
            if name in self._durable
            for one in readings
        ]
        fresh = self._path.with_name(f"{self._path.name}.new")
        try:
            fresh.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
            fresh.replace(self._path)
        except OSError as error:
            self._complain(error)
        self._lines = 0

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            log.warning("readings not kept", file=str(self._path), error=str(error))


def thinned(readings: list[Reading], now_s: float) -> list[Reading]:
    """Return the readings that are kept at ``now_s``; the newest always is."""
    kept: list[Reading] = []
    for at_s, value in readings:
        step_s = next((step for age, step in TIERS if now_s - at_s <= age), None)
        if step_s is not None and (not kept or at_s - kept[-1][0] >= step_s):
            kept.append((at_s, value))
    return kept


def summarised(readings: tuple[Reading, ...], points: int) -> dict[str, list[float]]:
    """Return at most so many equal spans of time with their mean, least and greatest value.

    ``at_s`` (Unix time, the middle of each span's readings), ``value``, ``least``, ``most``:
    lists of equal length, oldest first.
    """
    if not readings:
        return {"at_s": [], "value": [], "least": [], "most": []}
    first, last = readings[0][0], readings[-1][0]
    span_s = (last - first) / points or 1.0
    groups: dict[int, list[Reading]] = {}
    for one in readings:
        groups.setdefault(min(points - 1, int((one[0] - first) / span_s)), []).append(one)
    return {
        "at_s": [sum(at for at, _ in one) / len(one) for one in groups.values()],
        "value": [sum(value for _, value in one) / len(one) for one in groups.values()],
        "least": [min(value for _, value in one) for one in groups.values()],
        "most": [max(value for _, value in one) for one in groups.values()],
    }
