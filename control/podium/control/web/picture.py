"""Holds the page's knowledge: the latest news of agents and the coordinator."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from podium.control.bus.findings import Finding
from podium.control.bus.messages import AgentStatus, RunId
from podium.control.bus.news import DataSummary, Event, PastRuns, RunNews
from podium.control.bus.procedures import SILENT_S as PROCEDURE_SILENT_S
from podium.control.bus.procedures import ProcedureNews
from podium.control.bus.progress import OutcomeNews, Progress
from podium.control.bus.queue import QueueNews
from podium.control.bus.readings import InstrumentReadings
from podium.control.facility.facility import Facility
from podium.control.parameters.entry import ParameterEntry
from podium.control.records.latest_readings import Latest, LatestReadings
from podium.control.web.cold_picture import ColdPicture

RUNS_KEPT = 60
DATA_KEPT = 30
EVENTS_KEPT = 400
PROCEDURES_KEPT = 16
SILENT_S = 1.5
"""An agent whose last heartbeat is older than this is shown as silent: news of it may be old."""


@dataclass(slots=True)
class AgentHere:
    """One agent, as it was heard."""

    present: bool = False
    beaten: float = 0.0
    """When its last heartbeat came, monotonic wall time."""
    status: AgentStatus | None = None

    def condition(self) -> str:
        """Return what is wrong with it; empty: nothing."""
        if not self.present:
            return "gone: its process or the way to it has ended"
        silent_s = time.monotonic() - self.beaten
        return f"silent for {silent_s:.0f} s" if self.beaten and silent_s > SILENT_S else ""


@dataclass(slots=True, eq=False)
class FacilityPicture:
    """Filled by :mod:`.bus_subscriptions`; everything else reads it."""

    facility: Facility
    store: str = ""
    """Where parameters are kept; empty: nowhere that is known."""
    coordinator: bool = False
    agents: dict[str, AgentHere] = field(default_factory=dict)
    runs: dict[RunId, RunNews] = field(default_factory=dict)
    data: dict[RunId, DataSummary] = field(default_factory=dict)
    procedures: dict[str, ProcedureNews] = field(default_factory=dict)
    """By their ids, oldest first."""
    findings: tuple[Finding, ...] = ()
    """What is wrong with files on the disk, and nobody has looked at yet."""
    done: int = 0
    failed: int = 0
    lost: int = 0
    """Starts that came too late and may have been made again."""
    events: list[Event] = field(default_factory=list)
    """By time, oldest first."""
    parameters: Mapping[str, ParameterEntry] = field(default_factory=dict)
    store_problem: str = ""
    readings: LatestReadings = field(default_factory=LatestReadings)
    """What agents publish of their instruments."""
    queue: QueueNews | None = None
    """Who waits for whom; None: nobody tells."""
    progress: Mapping[str, Progress] = field(default_factory=dict)
    """How far each run and procedure is that is on, by its id."""
    outcome: OutcomeNews | None = None
    """What a routine has found last."""
    recorded: str = ""
    """The run that was recorded last."""
    cold: ColdPicture = field(default_factory=ColdPicture)
    """What the supervisor of the cold side tells."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there is something new to show; whoever shows clears it."""
    _clock: tuple[float, float] | None = None
    _store_seen: bool = False

    def agent(self, name: str) -> AgentHere:
        """Return the agent ``name``, as far as it is known."""
        return self.agents.setdefault(name, AgentHere())

    def tai_s(self) -> float | None:
        """Return the facility's time, going on from what was last heard; None before that."""
        if self._clock is None:
            return None
        tai_s, at = self._clock
        return tai_s + time.monotonic() - at

    def clock_said(self, tai_s: float) -> None:
        """Take note of the facility's clock. It is heard late now and then, and never goes back."""
        known = self.tai_s()
        if known is None or tai_s > known or known - tai_s > 1:
            self._clock = (tai_s, time.monotonic())

    def runs_on(self) -> tuple[RunNews, ...]:
        """Return the runs that are on, in the order in which they began."""
        if not self.coordinator:
            return ()
        return tuple(run for run in self.runs.values() if run.state == "on")

    def procedures_on(self) -> tuple[ProcedureNews, ...]:
        """Return the procedures that are on, but for those whose clients are silent for long."""
        if not self.coordinator:
            return ()
        running = {run.procedure for run in self.runs_on()}
        now_s = time.time()
        return tuple(
            one
            for one in self.procedures.values()
            if one.state == "on"
            and (one.said.procedure in running or now_s - self._heard_s(one) < PROCEDURE_SILENT_S)
        )

    def _heard_s(self, one: ProcedureNews) -> float:
        """Return when something was heard of a procedure last: its client, or a run's end."""
        mine = (run for run in self.runs.values() if run.procedure == one.said.procedure)
        return max([one.heard_s, *(run.at_s + run.took_s for run in mine)])

    def add_procedure(self, news: ProcedureNews) -> None:
        """Take note of how a procedure goes."""
        self.procedures[news.said.procedure] = news
        while len(self.procedures) > PROCEDURES_KEPT:
            del self.procedures[next(iter(self.procedures))]

    def add_run(self, news: RunNews) -> None:
        """Take note of how a run goes."""
        before = self.runs.get(news.run)
        if before is not None and before.state != "on":
            return
        self.runs[news.run] = news
        if news.state == "done":
            self.done += 1
            self._later(news.tai_s)
        elif news.state == "late":
            self.lost += 1
        elif news.state not in ("on", "stopped"):
            self.failed += 1
        _forget_oldest(self.runs, RUNS_KEPT)

    def take_parameters(self, found: Mapping[str, ParameterEntry], problem: str) -> None:
        """Take note of what the store has now.

        What has just been measured says what time it is: the clock may have leapt since it was
        heard last. What was there before, or was set by hand, says nothing of the kind.
        """
        if self._store_seen:
            for name, entry in found.items():
                if entry != self.parameters.get(name) and entry.run and not entry.who:
                    self._later(entry.tai_s)
        self._store_seen = self._store_seen or not problem
        self.parameters, self.store_problem = found, problem

    def take_readings(self, told: InstrumentReadings) -> None:
        """Take note of what an instrument reads."""
        self.readings.hear(told, time.monotonic())

    def thermometer(self, fridge: str) -> Latest | None:
        """Return what a fridge's thermometer reads now; None: nothing was heard of it yet."""
        return self.readings.of(thermometer_name(self.facility, fridge), time.monotonic())

    def add_data(self, summary: DataSummary) -> None:
        """Take note of a run's data."""
        self.data.pop(summary.run, None)
        self.data[summary.run] = summary
        _forget_oldest(self.data, DATA_KEPT)

    def add_past(self, past: PastRuns) -> None:
        """Take note of what the coordinator told before it was heard: that counts."""
        self.runs = {**self.runs, **{run.run: run for run in past.runs}}
        for run, news in list(self.runs.items()):
            if news.state == "on" and run not in {one.run for one in past.runs}:
                del self.runs[run]  # of a coordinator that is no more
        for summary in past.data:
            self.add_data(summary)
        self.findings = past.findings
        self.procedures = {one.said.procedure: one for one in past.procedures}
        self.done, self.failed, self.lost = past.done, past.failed, past.lost
        self.runs = dict(sorted(self.runs.items()))
        _forget_oldest(self.runs, RUNS_KEPT)

    def add_events(self, events: tuple[Event, ...]) -> None:
        """Take note of events, each once."""
        known = {(one.process, one.number, one.at_s) for one in self.events}
        fresh = [one for one in events if (one.process, one.number, one.at_s) not in known]
        self.events = sorted([*self.events, *fresh], key=lambda one: one.at_s)[-EVENTS_KEPT:]

    def _later(self, tai_s: float) -> None:
        known = self.tai_s()
        if known is None or tai_s > known:
            self._clock = (tai_s, time.monotonic())


def thermometer_name(facility: Facility, fridge: str) -> str:
    """Return the channel of a fridge's thermometer, ``instrument.channel``."""
    place = facility.fridges[fridge].thermometer
    return f"{place.instrument}.{place.channel}"


def _forget_oldest(kept: dict[RunId, RunNews] | dict[RunId, DataSummary], most: int) -> None:
    while len(kept) > most:
        del kept[next(iter(kept))]
