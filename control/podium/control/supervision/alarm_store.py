"""Keeps the states of alarms on the disk, so that they survive a restart and a kill.

One row for each alarm in an SQLite file with a write-ahead log: a kill at any moment leaves what
was committed last, and who acknowledged is answered only after the commit.
"""

import json
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from podium.control.facility.write_ahead import write_ahead
from podium.control.supervision.alarm_conditions import Found
from podium.control.supervision.alarm_states import NEW, Alarm
from podium.firmware_interfaces.json_text import parse_json

NOT_KEPT = ("changing_s",)


class AlarmStore:
    """The file. Closing waits for a thread that writes; every method raises ``sqlite3.Error``."""

    def __init__(self, path: Path | None) -> None:
        """Open ``path``; None: in memory, lost with the process."""
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._database = sqlite3.connect(
            ":memory:" if path is None else path, check_same_thread=False, isolation_level=None
        )
        if path is not None:
            write_ahead(self._database.execute)
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS alarm (name TEXT PRIMARY KEY, state TEXT NOT NULL)"
        )
        self._written: dict[str, str] = {}
        self._in_use = threading.Lock()

    def read(self) -> dict[str, Alarm]:
        """Return all alarms that are kept; a row that cannot be read is left out."""
        found = {}
        for name, text in self._database.execute("SELECT name, state FROM alarm"):
            try:
                found[name] = _alarm(parse_json(text))
            except (ValueError, TypeError, KeyError):
                continue
            self._written[name] = text
        return found

    def write(self, alarms: Mapping[str, Alarm]) -> int:
        """Keep what has changed, all of it or nothing; return how many alarms that were."""
        with self._in_use:
            return self._write(alarms)

    def _write(self, alarms: Mapping[str, Alarm]) -> int:
        texts = {name: _text(one) for name, one in alarms.items()}
        changed = {
            name: text for name, text in texts.items() if self._written.get(name, _EMPTY) != text
        }
        if not changed:
            return 0
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany(
                "INSERT INTO alarm VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET state = "
                "excluded.state",
                list(changed.items()),
            )
            self._database.execute("COMMIT")
        except BaseException:
            self._database.rollback()
            raise
        self._written |= changed
        return len(changed)

    def close(self) -> None:
        """Close the file, once nobody writes: SQLite does not bear that in the middle of it."""
        with self._in_use:
            self._database.close()


def _text(alarm: Alarm) -> str:
    plain = asdict(alarm)
    for name in NOT_KEPT:
        del plain[name]
    if not alarm.active:  # what a value is while nothing is wrong need not be written each second
        plain["found"] = asdict(Found())
    else:
        plain["found"] |= {"value": None, "words": ""}
    return json.dumps(plain)


def _alarm(plain: object) -> Alarm:
    if not isinstance(plain, dict):
        raise TypeError(plain)
    for name in ("since", "shelved_until"):
        if plain[name] is not None:
            seconds, femtoseconds = plain[name]
            plain[name] = (int(seconds), int(femtoseconds))
    found = Found(**plain.pop("found"))
    return Alarm(**plain, found=found)


_EMPTY = _text(NEW)
