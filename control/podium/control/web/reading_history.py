"""Keeps fridges' temperatures over weeks in a file, older ones thinned."""

import json
import time
from pathlib import Path

from podium.control.bus.log import event_log
from podium.firmware_interfaces.json_text import parse_json

HOUR_S, DAY_S = 3600.0, 86400.0
TIERS = ((HOUR_S, 0.0), (DAY_S, 60.0), (60 * DAY_S, 900.0))
"""Of readings up to this age one is kept in so many s; older ones are forgotten."""
ANEW_LINES = 20_000
"""After so many lines the file is written anew, thinned."""

log = event_log("page")
Reading = tuple[float, float]
"""Unix time, s, and K."""


class FridgeHistory:
    """Readings of each fridge, oldest first."""

    def __init__(self, path: Path | None = None) -> None:
        """Read what ``path`` holds; None: kept in memory only. Lines that are damaged are lost."""
        self._path = path
        self._readings: dict[str, list[Reading]] = {}
        self._lines = 0
        self._complained = False
        if path is not None and path.exists():
            self._read(path)
            self._write_anew()

    def of(self, fridge: str) -> tuple[Reading, ...]:
        """Return the readings of a fridge, oldest first."""
        return tuple(self._readings.get(fridge, ()))

    def add(self, fridge: str, kelvin: float, at_s: float | None = None) -> None:
        """Keep a reading; a disk that is full costs the file, and not the page."""
        at_s = time.time() if at_s is None else at_s
        readings = self._readings.setdefault(fridge, [])
        readings.append((at_s, kelvin))
        if len(readings) % 500 == 0:
            self._readings[fridge] = thinned(readings, at_s)
        if self._path is None:
            return
        self._lines += 1
        if self._lines >= ANEW_LINES:
            self._write_anew()
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([fridge, round(at_s, 1), kelvin]) + "\n")
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
                fridge, at_s, kelvin = parse_json(line)
                self._readings.setdefault(str(fridge), []).append((float(at_s), float(kelvin)))
            except (ValueError, TypeError):
                continue  # torn by a crash

    def _write_anew(self) -> None:
        now_s = time.time()
        self._readings = {name: thinned(all_, now_s) for name, all_ in self._readings.items()}
        rows = [(name, *one) for name, readings in self._readings.items() for one in readings]
        if self._path is None:
            return
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
            log.warning("temperatures not kept", file=str(self._path), error=str(error))


def thinned(readings: list[Reading], now_s: float) -> list[Reading]:
    """Return the readings that are kept at ``now_s``; the newest always is."""
    kept: list[Reading] = []
    for at_s, kelvin in readings:
        step_s = next((step for age, step in TIERS if now_s - at_s <= age), None)
        if step_s is not None and (not kept or at_s - kept[-1][0] >= step_s):
            kept.append((at_s, kelvin))
    return kept
