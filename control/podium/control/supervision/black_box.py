"""Keeps ten minutes before and after an alarm at full rate, in one file: the black box.

A file is gzip of JSON lines. The first is its head: ``{"podium_incident": 1, "name", "facility",
"alarm", "what", "at": [TAI s, fs], "from_s", "until_s", "complete", "alarms": [...]}`` (times TAI
in s). Each other line is one reading: ``{"reading", "unit", "fridge", "signal", "tai_s": [...],
"value": [... or null], "quality": [...]}``, SI units. ``podium twin serve --incident FILE`` plays
it.
"""

import gzip
import json
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from podium.control.bus.cold import AlarmNews, Incident, TaiFs
from podium.control.records.reading_recorder import RecordedCourse
from podium.firmware_interfaces.json_text import parse_json
from podium.firmware_interfaces.tai import Tai

BEFORE_S, AFTER_S = 600.0, 600.0
"""Of the facility's time."""
FILES_MAX = 200
"""So many incidents are kept; then the oldest go."""
END = ".incident.jsonl.gz"
VERSION = 1


@dataclass(frozen=True, slots=True)
class IncidentHead:
    """Describes an incident in the first line of its file."""

    name: str
    facility: str
    alarm: str
    what: str
    at: TaiFs
    complete: bool = False
    alarms: tuple[str, ...] = ()
    """Alarms that followed, in their order."""

    @property
    def at_s(self) -> float:
        """When the alarm was raised, TAI in s."""
        return float(self.at[0] + self.at[1] * 1e-15)

    @property
    def span_s(self) -> tuple[float, float]:
        """From when to when its file goes, TAI in s."""
        return self.at_s - BEFORE_S, self.at_s + AFTER_S

    def news(self, folder: Path) -> Incident:
        """Return it as it is reported."""
        return Incident(
            self.name, self.alarm, self.at, str(folder / f"{self.name}{END}"), self.complete
        )


Owner = Callable[[str], tuple[str, str]]
"""Returns fridge and signal of a reading."""


class BlackBox:
    """The incidents of a facility, in one folder. Writing raises OSError."""

    def __init__(self, folder: Path, facility: str) -> None:
        self.folder, self._facility = folder.resolve(), facility
        self._heads: dict[str, IncidentHead] = {}
        for file in sorted(folder.glob(f"*{END}")):
            head = read_head(file)
            if head is not None:
                self._heads[head.name] = head

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """Incidents that are kept, oldest first."""
        heads = sorted(self._heads.values(), key=lambda head: (head.at, head.name))
        return tuple(head.news(self.folder) for head in heads)

    def hear(self, alarms: tuple[AlarmNews, ...]) -> tuple[IncidentHead, ...]:
        """Take the alarms as they are; return the incidents that begin with them.

        An alarm that follows another is part of that one's incident.
        """
        begun = []
        for one in alarms:
            if one.state != "unacknowledged" or one.since is None:
                continue
            if one.leader:
                self._add_follower(one)
            elif not any(
                head.alarm == one.name and (not head.complete or head.at == one.since)
                for head in self._heads.values()
            ):
                when = Tai(*one.since).date()[:19].replace("-", "").replace(":", "")
                name = f"{when.replace(' ', '-')}-{one.name}"
                head = IncidentHead(name, self._facility, one.name, one.what, one.since)
                self._heads[name] = head
                begun.append(head)
        return tuple(begun)

    def _add_follower(self, alarm: AlarmNews) -> None:
        for head in self._heads.values():
            if head.alarm == alarm.leader and not head.complete and alarm.name not in head.alarms:
                self._heads[head.name] = replace(head, alarms=(*head.alarms, alarm.name))
                return

    def due(self, now_tai_s: float) -> tuple[IncidentHead, ...]:
        """Return the incidents whose time after the alarm is over, and are not complete."""
        return tuple(
            head
            for head in self._heads.values()
            if not head.complete
            and (now_tai_s >= head.at_s + AFTER_S or now_tai_s < head.at_s - BEFORE_S)
        )

    def write(
        self, name: str, courses: Mapping[str, RecordedCourse], owner: Owner, *, complete: bool
    ) -> Incident:
        """Write the file of an incident, whole or not at all; the oldest go if there are many."""
        head = replace(self._heads[name], complete=complete)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / f"{name}{END}"
        draft = path.with_name(f".{path.name}.part")
        with gzip.open(draft, "wt", encoding="utf-8") as file:
            first = {"podium_incident": VERSION, **asdict(head)}
            first |= dict(zip(("from_s", "until_s"), head.span_s, strict=True))
            file.write(json.dumps(first) + "\n")
            for reading, course in courses.items():
                fridge, signal = owner(reading)
                line = {"reading": reading, "fridge": fridge, "signal": signal, **asdict(course)}
                file.write(json.dumps(line) + "\n")
        os.replace(draft, path)
        self._heads[name] = head
        for old in sorted(self._heads.values(), key=lambda head: head.at)[:-FILES_MAX]:
            (self.folder / f"{old.name}{END}").unlink(missing_ok=True)
            del self._heads[old.name]
        return head.news(self.folder)


def read_head(file: Path) -> IncidentHead | None:
    """Return the head of an incident's file; None: it is none, or damaged."""
    try:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            plain = parse_json(lines.readline())
        if not isinstance(plain, dict) or plain.get("podium_incident") != VERSION:
            return None
        seconds, femtoseconds = plain["at"]
        return IncidentHead(
            str(plain["name"]),
            str(plain["facility"]),
            str(plain["alarm"]),
            str(plain["what"]),
            (int(seconds), int(femtoseconds)),
            bool(plain["complete"]),
            tuple(map(str, plain["alarms"])),
        )
    except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error):
        return None
