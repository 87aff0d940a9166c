"""Defines news that agents and the coordinator publish without being asked.

Who comes late asks for what was published last: every teller answers :class:`Recent` under a
key of its own. Nothing is steered by news: they are for people to look at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from podium.control.bus.findings import Finding
from podium.control.bus.messages import RunId
from podium.control.bus.procedures import ProcedureNews


def events_key(facility: str, process: str) -> str:
    """Key under which a process publishes its :class:`Event` s (``*``: all processes)."""
    return f"podium/{facility}/events/{word(process)}"


def past_events_key(facility: str, process: str) -> str:
    """Key under which a process answers :class:`Recent` with its :class:`PastEvents`."""
    return f"podium/{facility}/past_events/{word(process)}"


def status_key(facility: str, agent: str) -> str:
    """Key under which an agent publishes its ``AgentStatus``: when it changes, and every second."""
    return f"podium/{facility}/status/{agent}"


def runs_key(facility: str) -> str:
    """Key under which the coordinator publishes :class:`RunNews`."""
    return f"podium/{facility}/runs"


def data_key(facility: str) -> str:
    """Key under which the coordinator publishes a :class:`DataSummary` of every run."""
    return f"podium/{facility}/data"


def past_runs_key(facility: str) -> str:
    """Key under which the coordinator answers :class:`Recent` with its :class:`PastRuns`."""
    return f"podium/{facility}/past_runs"


def word(name: str) -> str:
    """Return ``name`` as one word of a key."""
    return name.replace(" ", "_").replace("/", "_")


@dataclass(frozen=True, slots=True)
class Recent:
    """Asks for the latest news."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened: a line of a process's log."""

    number: int
    """Counts what this process has told."""
    at_s: float
    """By the host's clock, Unix time."""
    process: str
    level: str
    """``info``, ``warning`` or ``error``."""
    what: str
    told: Mapping[str, str]
    """Its circumstances."""


@dataclass(frozen=True, slots=True)
class PastEvents:
    """The latest events of one process, oldest first."""

    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class RunNews:
    """Reports a run's progress: when it begins, after each batch, and when it ends."""

    run: RunId
    program: str
    """Its name."""
    ports: tuple[str, ...]
    axes: tuple[str, ...]
    """What is swept: names of the axes."""
    points: int
    """Of all axes together."""
    shots: int
    state: str
    """``on``, ``done``, ``failed``, ``stopped`` (by somebody), ``given up``, or ``late``: its start
    came too late, nothing was played, and who asked may make it again."""
    at_s: float
    """When it began by the host's clock, Unix time."""
    took_s: float
    """Wall time from begin to end; 0 while it is on."""
    tai_s: float
    """When its first pulse was played, by the facility's clock; 0 until it has ended well."""
    error: str
    """Why it failed, or was stopped."""
    by: str = ""
    """Who asked for it."""
    batches: bool = False
    """Whether it is seen as it comes: a stop keeps what was measured."""
    shots_done: int = 0
    """Repetitions in which every point was visited, as far as is known."""
    share: float = 0.0
    """How much of it is done, 0 to 1, as far as is known."""
    stopped_by: str = ""
    """Who stopped it."""
    unsafe: str = ""
    """What could not be made safe after it; empty: all is."""
    nodes: tuple[str, ...] = ()
    """Those that take part."""
    procedure: str = ""
    """Id of the procedure that it is a part of; empty: of none."""
    fired: bool = False
    """Whether it was a program held prepared: many are fired in a row, and not all are reported."""


@dataclass(frozen=True, slots=True, eq=False)
class VariableSummary:
    """One variable of an axis, with its value at every point."""

    name: str
    unit: str
    values: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class AxisSummary:
    """One axis of a summary. Its variables step together."""

    name: str
    variables: tuple[VariableSummary, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CaptureSummary:
    """Carries one capture's data, thinned for the eye; V at the input connector."""

    i: NDArray[Any]
    q: NDArray[Any]
    """Mean over the shots, one value for each point of the axes."""
    cloud_i: NDArray[Any] | None
    cloud_q: NDArray[Any] | None
    """Single shots, where they were kept: (shots, points)."""
    trace_i: NDArray[Any] | None
    trace_q: NDArray[Any] | None
    trace_step_s: float
    """From one value of the trace to the next."""
    out_of_range: bool


@dataclass(frozen=True, slots=True, eq=False)
class DataSummary:
    """The data of a run, small enough to be looked at."""

    run: RunId
    program: str
    axes: tuple[AxisSummary, ...]
    captures: Mapping[str, CaptureSummary]
    complete: bool
    """False: the run goes on, or was stopped; points that are missing are nan."""


@dataclass(frozen=True, slots=True, eq=False)
class PastRuns:
    """The latest runs and their data, oldest first, and how many there were."""

    runs: tuple[RunNews, ...]
    data: tuple[DataSummary, ...]
    done: int
    failed: int
    lost: int = 0
    """Starts that were lost, which a client makes again; they are not among the failed."""
    procedures: tuple[ProcedureNews, ...] = ()
    """The latest, oldest first."""
    findings: tuple[Finding, ...] = ()
    """Those at which nobody has looked."""
