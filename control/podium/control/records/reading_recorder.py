"""Records readings: gathers them, and keeps them in the history, in a worker thread.

A disk that is full or gone is a problem that people are notified of; it ends nothing, and recording
goes on by itself when there is room again.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from podium.control.bus.log import event_log
from podium.control.bus.readings import Course, InstrumentReadings, Quality
from podium.control.records.reading_store import QUALITIES, SIZE_MB, ReadingStore, Sample

READINGS = "readings.sqlite"
"""File of a facility's records with what its instruments read."""
FLUSH_S = 10.0
"""Readings lie in memory so long; a kill takes no more."""
WAITING_MAX = 200_000
"""So many samples wait for a disk that cannot be written; then the oldest are lost."""
POINTS_MAX = 100_000

Result = TypeVar("Result")
log = event_log("readings")


@dataclass(frozen=True, slots=True)
class RecordedCourse:
    """A reading at full rate."""

    unit: str
    tai_s: tuple[float, ...]
    value: tuple[float | None, ...]
    """None: it had none."""
    quality: tuple[Quality, ...]


class Recorder:
    """Keeps readings in the file of a history."""

    def __init__(self, path: Path | None, size_mb: float = SIZE_MB) -> None:
        """``path``: the file; None: in memory. ``size_mb``: it grows no larger."""
        self._path, self._size_mb = path, size_mb
        self._history: ReadingStore | None = None
        self._waiting: deque[Sample] = deque(maxlen=WAITING_MAX)
        self._using = asyncio.Lock()
        self._flushed_s: float | None = None
        self.recorded = 0
        """Samples that were kept, since the start."""
        self.problem: str | None = None
        """Why nothing is recorded; None: it is."""

    def hear(self, told: InstrumentReadings, at_s: float) -> None:
        """Take readings of a time, s."""
        for one in told.readings:
            name = f"{told.instrument}.{one.channel}"
            self._waiting.append(Sample(name, one.unit, at_s, one.value, one.quality))

    async def flush_if_due(self, wall_s: float) -> None:
        """Keep what has gathered, if :data:`FLUSH_S` have passed since the last time."""
        if self._flushed_s is None or wall_s - self._flushed_s >= FLUSH_S:
            self._flushed_s = wall_s
            await self.flush()

    async def flush(self) -> None:
        """Keep what has gathered now."""
        await self._use(lambda _: None)

    async def courses(
        self, names: Sequence[str], since_s: float, until_s: float, points: int
    ) -> Mapping[str, Course]:
        """Return the courses of readings, see :meth:`.ReadingStore.courses`.

        Empty where nothing can be read.
        """
        points = min(points, POINTS_MAX)
        found = await self._use(lambda store: store.courses(names, since_s, until_s, points))
        return {} if found is None else found

    async def between(self, since_s: float, until_s: float) -> Mapping[str, RecordedCourse]:
        """Return all readings between two times at full rate; empty where none can be read."""
        found = await self._use(lambda history: history.raw((), since_s, until_s))
        return {
            name: RecordedCourse(
                unit,
                tuple(samples["at_s"].tolist()),
                tuple(
                    None if quality or value != value else value
                    for value, quality in zip(
                        samples["value"].tolist(), samples["quality"].tolist(), strict=True
                    )
                ),
                tuple(QUALITIES[one] for one in samples["quality"].tolist()),
            )
            for name, (unit, samples) in (found or {}).items()
        }

    async def _use(self, work: Callable[[ReadingStore], Result]) -> Result | None:
        """Flush, then work with the history, in a thread; None: it cannot be used."""
        async with self._using:
            waiting = tuple(self._waiting)
            self._waiting.clear()
            before = self.problem
            result = await asyncio.to_thread(self._work, waiting, work)
            if self.problem is not None:
                self._waiting.extendleft(reversed(waiting[: WAITING_MAX - len(self._waiting)]))
                if before is None:
                    log.error("readings not recorded", problem=self.problem)
            return result

    def _work(
        self, waiting: tuple[Sample, ...], work: Callable[[ReadingStore], Result]
    ) -> Result | None:
        try:
            if self._history is None:
                self._history = self._opened()
            self.recorded += self._history.add(waiting)
            result = work(self._history)
        except (sqlite3.Error, OSError) as error:
            self.problem = f"{self._path}: {error}"
            self._drop()
            return None
        self.problem = None
        return result

    def _opened(self) -> ReadingStore:
        """Open the file; one that is damaged is put aside."""
        try:
            return ReadingStore(self._path, self._size_mb)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) or self._path is None:
                raise
            log.error("history put aside", file=str(self._path), problem=str(error))
            self._path.replace(self._path.with_suffix(".damaged"))
            return ReadingStore(self._path, self._size_mb)

    def _drop(self) -> None:
        """Close a file that failed, so that it is opened anew; one in memory is kept."""
        if self._history is not None and self._path is not None:
            try:
                self._history.close()
            except sqlite3.Error as error:
                log.warning("history not closed", problem=str(error))
            self._history = None

    def close(self) -> None:
        """Close the file; what has not been flushed is lost."""
        if self._history is not None:
            self._history.close()
            self._history = None
