"""Defines what the supervisor of the cold side tells and is asked, over the bus.

Times are TAI of the facility in seconds and femtoseconds, durations are in s of the facility's
time. The supervisor owns no instrument: it asks their agents.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from podium.control.bus.readings import Course, Quality

TaiFs = tuple[int, int]

Priority = Literal["low", "medium", "high", "critical"]
AlarmState = Literal[
    "normal",
    "unacknowledged",
    "acknowledged",
    "returned",
    "latched",
    "shelved",
    "suppressed",
    "out_of_service",
]
"""ISA-18.2 (ANSI/ISA-18.2-2016, figure 3). ``returned``: its cause went before anybody
acknowledged it; ``latched``: likewise, and it stays until reset."""
AlarmKind = Literal["limit", "rate", "staleness", "model"]
StepState = Literal["waiting", "asking", "running", "done", "skipped", "failed"]
ProcedureState = Literal["running", "asking", "done", "failed", "stopped"]
"""``asking``: a person has to confirm; dangerous ones ask two."""


def cold_key(facility: str) -> str:
    """Key under which the supervisor answers requests."""
    return f"podium/{facility}/cold"


def cold_news_key(facility: str) -> str:
    """Key under which the supervisor publishes :class:`ColdNews`, each second at least."""
    return f"podium/{facility}/cold_news"


@dataclass(frozen=True, slots=True)
class ReadingNews:
    """The latest reading of one channel."""

    name: str
    """``thermometry_a.still``: instrument and channel."""
    fridge: str
    """Empty: of none."""
    signal: str
    """What it is of the fridge (:mod:`podium.firmware_interfaces.fridge_signals`); empty: none."""
    value: float | None
    unit: str
    tai: TaiFs | None
    quality: Quality
    problem: str = ""


@dataclass(frozen=True, slots=True)
class AlarmNews:
    """An alarm that is not normal, or one that is shelved or out of service."""

    name: str
    """``fridge_a.second_stage_warm``."""
    fridge: str
    kind: AlarmKind
    state: AlarmState
    priority: Priority
    active: bool
    """Whether its condition holds now."""
    reading: str
    """Name of the reading that it is about; empty: of several."""
    value: float | None
    limit: float | None
    unit: str
    since: TaiFs | None
    what: str
    """One line: what is wrong, with its value and limit."""
    cause: str
    to_do: str
    leader: str = ""
    """Name of the alarm whose follower this one is: same cause, one notice."""
    by: str = ""
    """Who acknowledged, shelved or took it out of service."""
    until: TaiFs | None = None
    """When shelving ends."""


@dataclass(frozen=True, slots=True)
class StepNews:
    """One step of a procedure."""

    name: str
    state: StepState
    words: str = ""
    """What it waits for, or why it failed."""
    began: TaiFs | None = None
    ended: TaiFs | None = None


@dataclass(frozen=True, slots=True)
class ColdProcedureNews:
    """A procedure of a fridge: cooldown, condense, warm_up, recover."""

    id: str
    name: str
    fridge: str
    state: ProcedureState
    steps: tuple[StepNews, ...]
    by: str
    dry_run: bool
    began: TaiFs | None
    confirmed_by: tuple[str, ...] = ()
    words: str = ""


@dataclass(frozen=True, slots=True)
class Countdown:
    """Tells when something will happen unless somebody acts."""

    fridge: str
    event: str
    """``second_stage_above_10K``, ``turbo_overloaded``, ``mixture_boils_off``,
    ``check_valves_open``, ``last_moment``: stable words."""
    words: str
    """For people: ``4 K plate above 10 K``."""
    at_s: float
    """From now, s of the facility's time: the median."""
    low_s: float
    high_s: float
    """Between these with 90 %; ``high_s`` is inf where it may well not happen at all."""


@dataclass(frozen=True, slots=True)
class ColdFinding:
    """A finding of the observer that no reading shows by itself."""

    fridge: str
    kind: Literal["extra_heat", "sensor", "hidden_flow", "fault"]
    where: str
    """A stage, or the name of a reading."""
    value: float
    sigma: float
    unit: str
    since: TaiFs | None
    node: str
    """Whose playing explains it; empty: none's."""
    words: str


@dataclass(frozen=True, slots=True, eq=False)
class ColdNews:
    """The cold side as the supervisor sees it."""

    number: int
    """Counts; begins anew with each supervisor."""
    tai: TaiFs | None
    readings: tuple[ReadingNews, ...]
    alarms: tuple[AlarmNews, ...]
    procedures: tuple[ColdProcedureNews, ...]
    """Running ones, and the last of each fridge."""
    countdowns: tuple[Countdown, ...]
    findings: tuple[ColdFinding, ...]
    notes: tuple[str, ...]
    """For people: a recorder that is dead, a notice that could not be sent."""


# Requests


@dataclass(frozen=True, slots=True)
class AskCold:
    """Asks for the state of the cold side; answered with :class:`ColdNews`."""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Somebody has seen this alarm. Answered with ``Done``, as are those that follow."""

    alarm: str
    by: str


@dataclass(frozen=True, slots=True)
class ResetAlarm:
    """A latched alarm whose condition is gone goes back to normal."""

    alarm: str
    by: str


@dataclass(frozen=True, slots=True)
class Shelve:
    """Do not tell of this alarm for a while; 0 s ends it."""

    alarm: str
    for_s: float
    by: str


@dataclass(frozen=True, slots=True)
class SetService:
    """Take an alarm out of service, or back into it."""

    alarm: str
    in_service: bool
    by: str


@dataclass(frozen=True, slots=True)
class BeginProcedure:
    """Begin a procedure on a fridge. Answered with :class:`ColdProcedureNews`."""

    procedure: str
    fridge: str
    by: str
    dry_run: bool = False
    """Only say what would be done."""


@dataclass(frozen=True, slots=True)
class ConfirmProcedure:
    """A person agrees to what a procedure is about to do. Answered with ``ColdProcedureNews``."""

    id: str
    by: str


@dataclass(frozen=True, slots=True)
class StopProcedure:
    """End a procedure where it is; what it has set stays. Answered with ``ColdProcedureNews``."""

    id: str
    by: str


@dataclass(frozen=True, slots=True)
class Rehearse:
    """Run a procedure on a copy of the live state. Answered with :class:`Rehearsal`."""

    procedure: str
    fridge: str


@dataclass(frozen=True, slots=True)
class AskCorridor:
    """Asks how a running procedure was rehearsed, from its begin on: :class:`Rehearsal`.

    Refused as long as there is none: a rehearsal takes seconds.
    """

    id: str
    """Of the procedure."""


@dataclass(frozen=True, slots=True, eq=False)
class Rehearsal:
    """Predicts a procedure's effect by the model: a corridor for each signal."""

    procedure: str
    fridge: str
    time_s: NDArray[Any]
    """From its begin, s of the facility's time."""
    signals: Mapping[str, "Corridor"]
    steps: tuple[StepNews, ...]
    step_begins_s: tuple[float, ...]
    words: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Corridor:
    """A signal's course with its 90 % interval; each as long as the times."""

    unit: str
    median: NDArray[Any]
    low: NDArray[Any]
    high: NDArray[Any]


@dataclass(frozen=True, slots=True)
class AskHistory:
    """Asks for earlier readings; answered with :class:`ColdHistory`."""

    readings: tuple[str, ...]
    """Names; empty: all."""
    last_s: float
    """Of the facility's time before now."""
    points: int
    """At most so many a reading."""


@dataclass(frozen=True, slots=True, eq=False)
class ColdHistory:
    """The courses of readings, by name."""

    courses: Mapping[str, Course]


@dataclass(frozen=True, slots=True)
class AskIncidents:
    """Which incidents are kept? Answered with :class:`Incidents`."""


@dataclass(frozen=True, slots=True)
class Incident:
    """An alarm whose readings before and after are kept in one file."""

    name: str
    alarm: str
    at: TaiFs | None
    file: str
    """On the supervisor's computer."""
    complete: bool
    """Whether the time after it is over."""


@dataclass(frozen=True, slots=True)
class Incidents:
    """Incidents that are kept, oldest first."""

    incidents: tuple[Incident, ...]
