"""Holds a facility's alarms: steps them, does what people ask, and keeps them on the disk."""

import asyncio
import sqlite3
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType

from podium.control.bus.cold import Acknowledge, AlarmNews, ResetAlarm, SetService, Shelve
from podium.control.bus.log import event_log
from podium.control.facility.facility import Facility
from podium.control.records.latest_readings import FridgeView, Latest
from podium.control.supervision import alarm_states
from podium.control.supervision.alarm_conditions import Found
from podium.control.supervision.alarm_states import AlarmsState, Instant
from podium.control.supervision.alarm_store import AlarmStore
from podium.control.supervision.facility_alarms import ALARM_STORE, rules_of

AlarmRequest = Acknowledge | ResetAlarm | Shelve | SetService
BY_MAX = 120
"""Characters of a name that are kept."""

log = event_log("supervisor")


class NotWritten(Exception):
    """A request is done, but not on the disk: a restart forgets it. The message says why."""


class AlarmKeeper:
    """The alarms of a facility."""

    def __init__(self, facility: Facility, path: Path | None) -> None:
        """``path``: the file that they are kept in; None: in memory, lost with the process."""
        self._path = path
        self._store: AlarmStore | None = None
        self._writing = asyncio.Lock()
        self._state = AlarmsState()
        self.problem: str | None = None
        """Why alarms are not written down; None: they are."""
        self.news: tuple[AlarmNews, ...] = ()
        """Alarms that are not normal, as of the last step or request, or as they were kept."""
        self._open()
        self.grow(facility)
        self.news = alarm_states.news_of(self._state, self._rules)

    def grow(self, facility: Facility) -> None:
        """Take over a facility that has only grown."""
        self._rules = rules_of(facility)

    def step(
        self,
        views: Mapping[str, FridgeView],
        readings: Mapping[str, Latest],
        now: Instant,
        *,
        contradictions: Mapping[tuple[str, str], Found] = MappingProxyType({}),
        failures: Mapping[str, str] = MappingProxyType({}),
        suppressed: Collection[str] = (),
    ) -> None:
        """Step all alarms; see :func:`podium.control.supervision.alarm_states.step`."""
        if self.problem is not None:
            failures = {**failures, ALARM_STORE: self.problem}
        self._state, self.news = alarm_states.step(
            self._state,
            self._rules,
            views,
            readings,
            now,
            contradictions=contradictions,
            failures=failures,
            suppressed=suppressed,
        )

    async def do(self, request: AlarmRequest, now: Instant) -> None:
        """Do what a person asks; returns once it is on the disk.

        Raises ``NotPossible`` and :class:`NotWritten`.
        """
        by = request.by[:BY_MAX]
        state, rules, name = self._state, self._rules, request.alarm
        match request:
            case Acknowledge():
                state = alarm_states.acknowledge(state, rules, name, by)
            case ResetAlarm():
                state = alarm_states.reset(state, rules, name, by)
            case Shelve():
                state = alarm_states.shelve(state, rules, name, request.for_s, by, now)
            case SetService():
                state = alarm_states.set_service(state, rules, name, request.in_service, by)
        self._state = state
        self.news = alarm_states.news_of(state, rules)
        log.info("alarm by hand", what=type(request).__name__, alarm=name, by=by)
        await self.write()
        if self.problem is not None:
            raise NotWritten(f"{name}: done, but a restart forgets it: {self.problem}")

    async def write(self) -> None:
        """Keep what has changed; a disk that cannot be written is a problem and ends nothing."""
        async with self._writing:
            before = self.problem
            await asyncio.to_thread(self._write)
            if self.problem is not None and before is None:
                log.error("alarms not written", problem=self.problem)

    def _write(self) -> None:
        if self._store is None:
            self._open()
        if self._store is None:
            return
        try:
            self._store.write(self._state.alarms)
        except sqlite3.Error as error:
            self.problem = f"{self._path}: {error}"
        else:
            self.problem = None

    def _open(self) -> None:
        """Open the file; one that is damaged is put aside, so that a new one keeps what comes."""
        try:
            try:
                self._store = AlarmStore(self._path)
                kept = self._store.read()
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError) or self._path is None:
                    raise
                log.error("alarms put aside", file=str(self._path), problem=str(error))
                self._path.replace(self._path.with_suffix(".damaged"))
                self._store = AlarmStore(self._path)
                kept = {}
        except (sqlite3.Error, OSError) as error:
            self._store = None
            self.problem = f"{self._path}: {error}"
            return
        self.problem = None
        if not self._state.alarms:
            self._state = AlarmsState(kept)

    def close(self) -> None:
        """Close the file."""
        if self._store is not None:
            with closing(self._store):
                self._store = None
