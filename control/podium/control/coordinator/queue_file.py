"""Keeps reservations, so that they outlive the coordinator.

Runs that were accepted, with who asked and their priority, stand in the coordinator's journal.
"""

import json
from dataclasses import asdict
from pathlib import Path

from podium.control.bus.log import event_log
from podium.control.bus.queue import Reservation
from podium.control.facility.atomic_files import write_text
from podium.firmware_interfaces.json_text import parse_json

log = event_log("coordinator")


class QueueFile:
    """The file. One process writes it."""

    def __init__(self, path: Path | None) -> None:
        """Read what is there; None: kept in memory only. What cannot be read is logged."""
        self._path = path
        self.reservations: tuple[Reservation, ...] = ()
        if path is None or not path.exists():
            return
        try:
            self.reservations = tuple(map(_reservation, parse_json(path.read_bytes())))
        except (OSError, ValueError, TypeError, KeyError) as error:
            log.error("reservations cannot be read", file=str(path), problem=str(error))

    def keep(self, reservations: tuple[Reservation, ...]) -> None:
        """Keep these in place of those before; raises ``OSError``, and nothing has changed."""
        if self._path is not None:
            text = json.dumps([asdict(one) for one in reservations], indent=1)
            write_text(self._path, text)
        self.reservations = reservations


def _reservation(plain: dict[str, object]) -> Reservation:
    agents = plain["agents"]
    begins_s, ends_s = plain["begins_s"], plain["ends_s"]
    if not (
        isinstance(agents, list)
        and isinstance(begins_s, int | float)
        and isinstance(ends_s, int | float)
    ):
        raise ValueError(f"this is no reservation: {plain!r:.200}")
    words = {name: str(plain[name]) for name in ("id", "by", "why")}
    return Reservation(
        words["id"],
        tuple(map(str, agents)),
        float(begins_s),
        float(ends_s),
        words["by"],
        words["why"],
    )
