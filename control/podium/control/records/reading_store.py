"""Keeps the history of readings in an SQLite file: raw, then by the minute, then by the quarter.

Raw readings lie in chunks, one row for each reading and flush, so that 5,000 readings a second
are a few hundred kB a second on the disk; minutes and quarters of an hour have least, mean and
greatest value. The file is bounded: beyond its size the oldest go, raw ones first. Only good values
count in minutes and quarters; raw ones keep their quality, and one without a value is NaN.

Times are s of one clock, that of whoever keeps the readings: TAI for the supervisor, Unix time for
the records. :mod:`.reading_recorder` calls the store in a worker thread.
"""

import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.control.bus.readings import Course, Quality
from podium.control.facility.write_ahead import BUSY_S

SIZE_MB = 512.0
"""The file grows no larger than this."""
MINUTE_S, QUARTER_S = 60.0, 900.0
RAW_LEAST_S, MINUTES_LEAST_S = 3600.0, 7 * 86_400.0
"""So much of raw readings and of minutes is kept before coarser ones are forgotten."""
DROPPED = 0.05
"""Of the time that a tier holds, so much is forgotten at once."""
QUALITIES: tuple[Quality, ...] = ("good", "stale", "out_of_range", "disconnected")
SAMPLE = np.dtype([("at_s", "<f8"), ("value", "<f8"), ("quality", "u1")])
TIERS = {"minute": MINUTE_S, "quarter": QUARTER_S}


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading of one channel."""

    name: str
    unit: str
    at_s: float
    value: float | None
    quality: Quality


@dataclass(slots=True)
class _Bucket:
    begin_s: float
    low: float = inf
    high: float = -inf
    total: float = 0.0
    count: int = 0

    def row(self, reading: int) -> tuple[int, float, float, float, float, int]:
        mean = self.total / self.count
        return reading, self.begin_s, self.low, mean, self.high, self.count


@dataclass(frozen=True, slots=True)
class _Channel:
    number: int
    unit: str


class ReadingStore:
    """The file. Every method raises ``sqlite3.Error``, and what was to be kept then is lost."""

    def __init__(self, path: Path | None, size_mb: float = SIZE_MB) -> None:
        """Open ``path``; None: in memory. ``size_mb``: the file grows no larger, in 1e6 bytes."""
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._in_use = threading.Lock()
        self._database = sqlite3.connect(
            ":memory:" if path is None else path,
            timeout=BUSY_S,
            check_same_thread=False,
            isolation_level=None,
        )
        run = self._database.execute
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")  # a power cut may take the last seconds of history
        run(
            "CREATE TABLE IF NOT EXISTS reading (number INTEGER PRIMARY KEY, name TEXT UNIQUE, "
            "unit TEXT)"
        )
        run("CREATE TABLE IF NOT EXISTS raw (reading INTEGER, begin REAL, end REAL, samples BLOB)")
        run("CREATE INDEX IF NOT EXISTS raw_of ON raw (reading, begin)")
        for tier in TIERS:
            run(
                f"CREATE TABLE IF NOT EXISTS {tier} (reading INTEGER, begin REAL, low REAL, "
                "mean REAL, high REAL, count INTEGER, PRIMARY KEY (reading, begin)) WITHOUT ROWID"
            )
        (self._page,) = run("PRAGMA page_size").fetchone()
        self._pages = max(64, int(size_mb * 1e6 / self._page))
        run(f"PRAGMA max_page_count = {self._pages}")
        run(f"PRAGMA journal_size_limit = {int(0.05 * size_mb * 1e6)}")
        self._channels = self._known()

    @property
    def size_bytes(self) -> int:
        """Return the bytes in use in the file, without its write-ahead log."""
        run = self._database.execute
        (pages,) = run("PRAGMA page_count").fetchone()
        (free,) = run("PRAGMA freelist_count").fetchone()
        return int((pages - free) * self._page)

    def add(self, samples: Iterable[Sample]) -> int:
        """Keep samples, all of them or none; return how many those were."""
        by_name: dict[str, list[Sample]] = {}
        for one in samples:
            by_name.setdefault(one.name, []).append(one)
        if not by_name:
            return 0
        with self._in_use:
            self._add(by_name)
        return sum(map(len, by_name.values()))

    def _add(self, by_name: Mapping[str, Sequence[Sample]]) -> None:
        self._make_room()
        run = self._database.execute
        run("BEGIN IMMEDIATE")
        try:
            raw: list[tuple[int, float, float, bytes]] = []
            rows: dict[str, list[tuple[int, float, float, float, float, int]]] = {
                tier: [] for tier in TIERS
            }
            for name, several in by_name.items():
                channel = self._channel(name, several[-1].unit)
                raw.append((channel.number, *_chunk(several)))
                for tier, length_s in TIERS.items():
                    rows[tier] += _tiered(channel, length_s, several)
            self._database.executemany("INSERT INTO raw VALUES (?, ?, ?, ?)", raw)
            for tier, several_rows in rows.items():
                self._database.executemany(_UPSERT[tier], several_rows)
            run("COMMIT")
        except BaseException:
            self._database.rollback()
            self._channels = self._known()
            raise

    def courses(
        self, names: Sequence[str], since_s: float, until_s: float, points: int
    ) -> Mapping[str, Course]:
        """Return the courses of readings (all, if none is named) between two times, s.

        Each from the finest tier that reaches back so far and has no more than ``points`` values
        there, else thinned: every point has least, mean and greatest of what it stands for.
        """
        found = {}
        for name in names or self._channels:
            channel = self._channels.get(name)
            if channel is not None:
                with self._in_use:
                    found[name] = self._course(channel, since_s, until_s, max(1, points))
        return found

    def raw(
        self, names: Sequence[str], since_s: float, until_s: float
    ) -> Mapping[str, tuple[str, NDArray[Any]]]:
        """Return unit and samples (:data:`SAMPLE`) of readings between two times, at full rate."""
        found = {}
        for name in names or self._channels:
            channel = self._channels.get(name)
            if channel is not None:
                with self._in_use:
                    samples = self._raw(channel, since_s, until_s)
                if samples.size:
                    found[name] = (channel.unit, samples)
        return found

    def units(self) -> Mapping[str, str]:
        """Return the unit of each channel that was ever kept, by name."""
        return {name: channel.unit for name, channel in sorted(self._channels.items())}

    def close(self) -> None:
        """Close the file, once no thread uses it: SQLite does not bear that meanwhile."""
        with self._in_use:
            self._database.close()

    def _known(self) -> dict[str, _Channel]:
        rows = self._database.execute("SELECT number, name, unit FROM reading")
        return {name: _Channel(number, unit) for number, name, unit in rows}

    def _channel(self, name: str, unit: str) -> _Channel:
        known = self._channels.get(name)
        if known is None or known.unit != unit:
            self._database.execute(
                "INSERT INTO reading (name, unit) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET "
                "unit = excluded.unit",
                (name, unit),
            )
            (number,) = self._database.execute(
                "SELECT number FROM reading WHERE name = ?", (name,)
            ).fetchone()
            known = self._channels[name] = _Channel(number, unit)
        return known

    def _raw(self, channel: _Channel, since_s: float, until_s: float) -> NDArray[Any]:
        rows = self._database.execute(
            "SELECT samples FROM raw WHERE reading = ? AND begin <= ? AND end >= ? ORDER BY begin",
            (channel.number, until_s, since_s),
        )
        parts = [np.frombuffer(samples, SAMPLE) for (samples,) in rows]
        whole = np.concatenate(parts) if parts else np.empty(0, SAMPLE)
        within = (whole["at_s"] >= since_s) & (whole["at_s"] <= until_s)
        return np.asarray(whole[within])

    def _course(self, channel: _Channel, since_s: float, until_s: float, points: int) -> Course:
        raw = self._raw(channel, since_s, until_s)
        raw = raw[raw["quality"] == 0]
        oldest = self._oldest(channel, since_s, until_s)
        reaches = raw.size and raw["at_s"][0] - oldest <= MINUTE_S
        if reaches and (raw.size <= points or (until_s - since_s) / points < MINUTE_S):
            at, value = raw["at_s"], raw["value"]
            return _thinned(channel.unit, at, value, value, value, np.ones(at.size), points)
        tier = "minute" if self._reaches("minute", channel, oldest) else "quarter"
        rows = self._database.execute(
            f"SELECT begin, low, mean, high, count FROM {tier} WHERE reading = ? AND begin >= ? "
            "AND begin <= ? ORDER BY begin",
            (channel.number, since_s - TIERS[tier], until_s),
        ).fetchall()
        begin, low, mean, high, count = np.array(rows, float).reshape(-1, 5).T
        return _thinned(channel.unit, begin, low, mean, high, count, points)

    def _oldest(self, channel: _Channel, since_s: float, until_s: float) -> float:
        """Return the time of the oldest that any tier has of a reading since then.

        To the minute, where the minutes reach as far back as the quarters do.
        """
        first: dict[str, float | None] = {}
        for tier, length_s in TIERS.items():
            (first[tier],) = self._database.execute(
                f"SELECT min(begin) FROM {tier} WHERE reading = ? AND begin >= ? AND begin <= ?",
                (channel.number, since_s - length_s, until_s),
            ).fetchone()
        minute, quarter = first["minute"], first["quarter"]
        if quarter is None:
            return until_s
        as_far = minute is not None and minute < quarter + QUARTER_S
        return max(since_s, minute if minute is not None and as_far else quarter)

    def _reaches(self, tier: str, channel: _Channel, oldest_s: float) -> bool:
        (found,) = self._database.execute(
            f"SELECT min(begin) FROM {tier} WHERE reading = ?", (channel.number,)
        ).fetchone()
        return found is not None and float(found) <= oldest_s + QUARTER_S

    def _make_room(self) -> None:
        """Forget the oldest while the file is nearly full: raw, then minutes, then quarters."""
        while self.size_bytes > 0.9 * self._pages * self._page:
            for table, least_s in (("raw", RAW_LEAST_S), ("minute", MINUTES_LEAST_S), ("raw", 0.0)):
                if self._forget(table, least_s):
                    break
            else:
                if not (self._forget("minute", 0.0) or self._forget("quarter", 0.0)):
                    return

    def _forget(self, table: str, least_s: float) -> bool:
        """Forget the oldest part of a table that holds more than ``least_s``; tell if it did."""
        run = self._database.execute
        oldest, newest = run(f"SELECT min(begin), max(begin) FROM {table}").fetchone()
        if oldest is None or newest - oldest <= least_s:
            return False
        before = oldest + max(DROPPED * (newest - oldest), 1e-3)
        run(f"DELETE FROM {table} WHERE begin <= ?", (before,))
        return True


_UPSERT = {
    tier: f"INSERT INTO {tier} VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (reading, begin) DO UPDATE "
    "SET low = min(low, excluded.low), high = max(high, excluded.high), "
    "mean = (mean * count + excluded.mean * excluded.count) / (count + excluded.count), "
    "count = count + excluded.count"
    for tier in TIERS
}
"""A minute that is kept in two goes, as after a restart, is one in the end."""


def _chunk(samples: Sequence[Sample]) -> tuple[float, float, bytes]:
    rows = np.empty(len(samples), SAMPLE)
    rows["at_s"] = [one.at_s for one in samples]
    rows["value"] = [nan if one.value is None else one.value for one in samples]
    rows["quality"] = [QUALITIES.index(one.quality) for one in samples]
    return float(rows["at_s"].min()), float(rows["at_s"].max()), rows.tobytes()


def _tiered(
    channel: _Channel, length_s: float, samples: Sequence[Sample]
) -> list[tuple[int, float, float, float, float, int]]:
    """Return the rows of a tier that samples make; each is laid over what is there."""
    buckets: dict[float, _Bucket] = {}
    for one in samples:
        if one.value is None or one.quality != "good":
            continue
        begin_s = one.at_s // length_s * length_s
        bucket = buckets.setdefault(begin_s, _Bucket(begin_s))
        bucket.low, bucket.high = min(bucket.low, one.value), max(bucket.high, one.value)
        bucket.total += one.value
        bucket.count += 1
    return [bucket.row(channel.number) for bucket in buckets.values()]


def _thinned(
    unit: str,
    at: NDArray[Any],
    low: NDArray[Any],
    mean: NDArray[Any],
    high: NDArray[Any],
    count: NDArray[Any],
    points: int,
) -> Course:
    if at.size <= points:
        return Course(unit, at.copy(), low.copy(), mean.copy(), high.copy())
    edges = np.linspace(0, at.size, points + 1).astype(int)[:-1]
    weight = np.add.reduceat(count, edges)
    return Course(
        unit,
        at[edges].copy(),
        np.minimum.reduceat(low, edges),
        np.add.reduceat(mean * count, edges) / weight,
        np.maximum.reduceat(high, edges),
    )
