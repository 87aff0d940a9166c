"""Shows what instruments read, with how far each value can be trusted."""

import time
from dataclasses import dataclass

from podium.control.parameters.quantities import alone
from podium.control.web.picture import FacilityPicture

WORDS = {"stale": "old", "out_of_range": "out of range", "disconnected": "disconnected"}


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One channel of an instrument."""

    name: str
    told: str
    """Its value with its unit, or the word for what it is instead."""
    mark: str
    why: str


def readings(picture: FacilityPicture) -> tuple[ReadingRow, ...]:
    """Return the latest of every channel, by name."""
    rows = []
    for one in picture.readings.all(time.monotonic()):
        if one.good is not None:
            rows.append(ReadingRow(one.name, _told(one.good, one.unit), "good", ""))
            continue
        word = WORDS.get(one.quality, one.quality)
        below = "" if one.below is None else f"below {_told(one.below, one.unit)}"
        mark = "unknown" if one.quality == "out_of_range" else "warn"
        rows.append(ReadingRow(one.name, below or word, mark, one.problem))
    return tuple(sorted(rows, key=lambda row: row.name))


def _told(value: float, unit: str) -> str:
    if unit in ("", "1"):
        return f"{value:.4g}"
    return alone(value, unit)
