"""Keeps findings about files of a facility until somebody has looked at them."""

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from podium.control.bus.findings import Finding
from podium.firmware_interfaces.json_text import parse_json


@dataclass(frozen=True, slots=True)
class KeptFinding:
    """A finding, and who has looked at it."""

    finding: Finding
    seen_by: str = ""
    """Empty: nobody yet."""


class FindingsFile:
    """The file. One process writes at a time: who puts a facility up, then its coordinator."""

    def __init__(self, path: Path | None) -> None:
        """Read what is there; None: kept in memory only. A file that cannot be read is a finding.

        Raises ``OSError``.
        """
        self._path = path
        self._kept: dict[str, KeptFinding] = {}
        if path is None or not path.exists():
            return
        try:
            for one in parse_json(path.read_bytes()):
                kept = KeptFinding(Finding(**one["finding"]), str(one["seen_by"]))
                self._kept[kept.finding.id] = kept
        except (ValueError, TypeError, KeyError) as error:
            self._kept = {}
            self.add(f"{path}: the findings before cannot be read ({error}); they are forgotten")

    @property
    def unseen(self) -> tuple[Finding, ...]:
        """Those at which nobody has looked, oldest first."""
        return tuple(one.finding for one in self._kept.values() if not one.seen_by)

    def add(self, what: str) -> None:
        """Keep a finding; one that is known already stays as it is."""
        name = hashlib.sha256(what.encode()).hexdigest()[:12]
        if name not in self._kept:
            self._kept[name] = KeptFinding(Finding(name, what, time.time()))
            self._write()

    def looked_at(self, finding: str, by: str) -> None:
        """Note who has looked; raises ``KeyError`` for a finding that is not there."""
        self._kept[finding] = KeptFinding(self._kept[finding].finding, by or "somebody")
        self._write()

    def only(self, found: tuple[str, ...]) -> None:
        """Add what was found; forget what somebody has seen and is not found any longer."""
        self._kept = {
            name: one
            for name, one in self._kept.items()
            if not one.seen_by or one.finding.what in found
        }
        for what in found:
            self.add(what)
        if self._path is not None and self._path.exists():
            self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(f"{self._path.name}.new")
        text = json.dumps([asdict(one) for one in self._kept.values()], indent=2)
        fresh.write_text(text + "\n", encoding="utf-8")
        fresh.replace(self._path)
