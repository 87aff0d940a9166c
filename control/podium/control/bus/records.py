"""Defines what the records of a facility receive and answer, over the bus.

Times are those of the host's clock, Unix time in s: people ask for last Tuesday. When a run's
first pulse was played, by the facility's clock, stands beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from podium.control.bus.news import AxisSummary, CaptureSummary, Event
from podium.control.bus.readings import Course

MAIN = "data"
"""Name of the file that a run itself has brought back."""
STREAMED = "stream"
"""Name of the file of a stream whose client died: what had come until then."""


def records_key(facility: str) -> str:
    """Key under which the records answer requests."""
    return f"podium/{facility}/records"


def recorded_key(facility: str) -> str:
    """Key under which the records publish :class:`Recorded`, once it is on the disk."""
    return f"podium/{facility}/recorded"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run in the records' words: who asked for what, how it ended, and when."""

    ticket: str
    """Names the request: said twice, it is one run."""
    run: str
    """The run's id; empty: it came to none, it was refused."""
    program: str
    state: str
    """``done``, ``stopped``, ``failed``, ``refused``, ``late`` or ``given up``."""
    by: str
    nodes: tuple[str, ...]
    qubits: tuple[str, ...]
    """Full names: ``node_a.q1``."""
    asked_s: float
    ended_s: float
    """Unix time of the request and of its end."""
    routine: str = ""
    procedure: str = ""
    error: str = ""
    tai_s: float = 0.0
    """When its first pulse was played, by the facility's clock; 0: never."""
    program_hash: str = ""
    facility_hash: str = ""
    snapshot: str = ""
    """Hash of the snapshot of all settings."""
    code_version: str = ""


@dataclass(frozen=True, slots=True)
class KeepRun:
    """Asks for a run to be recorded with its data, durably."""

    facts: RunFacts
    content: bytes
    """A netCDF-4 file; empty: there are no data."""
    hash: str
    """SHA-256 of the content, hex."""
    snapshot_text: str = ""


@dataclass(frozen=True, slots=True)
class KeepPart:
    """Asks for what a stream has measured so far to be kept, should its client die."""

    facts: RunFacts
    content: bytes
    """A netCDF-4 file."""
    hash: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run is in the records, and its data are on the disk."""

    run: str
    """Its id there: that of the run, with ``.2`` behind it where another had the same."""
    file: str
    """Where its data are, on the records' computer; empty: there are none."""
    hash: str
    state: str


@dataclass(frozen=True, slots=True)
class KeepFile:
    """Asks for another file of a run, the result of an analysis, to be recorded durably."""

    run: str
    name: str
    content: bytes
    hash: str
    by: str


@dataclass(frozen=True, slots=True)
class RecordedValue:
    """A value that a fit has given, in ``unit``."""

    value: float
    sigma: float
    unit: str


@dataclass(frozen=True, slots=True)
class KeepOutcome:
    """Asks for a routine's outcome to be recorded with its runs."""

    ticket: str
    routine: str
    title: str
    runs: tuple[str, ...]
    values: Mapping[str, RecordedValue]
    """By full name, ``node_a.q0.t1``."""
    failures: Mapping[str, str]
    """Why it failed, by element."""
    notes: tuple[str, ...]
    panels_json: str
    """What is drawn: a list of panels with their series."""


@dataclass(frozen=True, slots=True)
class FindRuns:
    """Asks for runs, the latest first. What is empty does not matter."""

    run: str = ""
    """Its id, or how it begins."""
    node: str = ""
    qubit: str = ""
    """``node_a.q1``, or ``q1`` of any node."""
    routine: str = ""
    program: str = ""
    parameter: str = ""
    """A parameter for which it gave a value: ``node_a.q1.t1``, or ``t1`` of anything."""
    by: str = ""
    """A person, or how the name of who asked begins."""
    state: str = ""
    tag: str = ""
    words: str = ""
    """Words in its notes, all of them."""
    since_s: float | None = None
    until_s: float | None = None
    limit: int = 50
    skip: int = 0
    """So many of those that fit are left out, the latest first."""


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """One run as it stands in the records."""

    run: str
    program: str
    routine: str
    state: str
    error: str
    by: str
    started_s: float
    took_s: float | None
    waited_s: float | None
    """None: it is not known."""
    tai_s: float
    nodes: tuple[str, ...]
    qubits: tuple[str, ...]
    parameters: tuple[str, ...]
    """For which its routine gave values."""
    tags: tuple[str, ...]
    file: str
    """Where its data are; empty: there are none, or they were pruned."""
    hash: str
    size: int
    procedure: str
    program_hash: str
    facility_hash: str
    snapshot: str
    code_version: str


@dataclass(frozen=True, slots=True)
class RunsFound:
    """The runs that were asked for."""

    runs: tuple[RecordedRun, ...]


@dataclass(frozen=True, slots=True)
class FetchFile:
    """Asks for the content of a file of a run."""

    run: str
    name: str = MAIN
    version: int = 0
    """0: the newest."""


@dataclass(frozen=True, slots=True)
class LocateFile:
    """Asks where a file of a run is."""

    run: str
    name: str = MAIN
    version: int = 0


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """One file of a run."""

    run: str
    name: str
    version: int
    file: str
    """Its path on the records' computer."""
    hash: str
    size: int
    by: str
    at_s: float


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file of a run with all its bytes."""

    of: RecordedFile
    content: bytes


@dataclass(frozen=True, slots=True)
class LabelRun:
    """Asks for tags to be put on a run or taken off, and a note to be added."""

    run: str
    by: str
    tags: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class AskRun:
    """Asks for all that is known of one run, by its id or by how that begins."""

    run: str


@dataclass(frozen=True, slots=True)
class RunNote:
    """A note that a person has added to a run."""

    at_s: float
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class RunDescription:
    """All that is known of one run, but for its data."""

    run: RecordedRun
    files: tuple[RecordedFile, ...]
    notes: tuple[RunNote, ...]
    outcome_json: str
    """Of the routine that it was a part of; empty: of none."""
    in_use_json: str
    """Parameters that were in use, as JSON; empty: it names none."""


@dataclass(frozen=True, slots=True)
class AskSnapshot:
    """Asks for the snapshot of all settings that a run names."""

    run: str


@dataclass(frozen=True, slots=True)
class SnapshotText:
    """A snapshot as it is stored: JSON."""

    run: str
    text: str


@dataclass(frozen=True, slots=True)
class AskPreview:
    """Asks for a run's data, thinned for the eye."""

    run: str


@dataclass(frozen=True, slots=True, eq=False)
class ValuePreview:
    """One variable that is no capture; thinned like the axes."""

    axes: tuple[str, ...]
    unit: str
    values: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class RunPreview:
    """A run's data, thinned for the eye."""

    run: str
    program: str
    complete: bool
    axes: tuple[AxisSummary, ...]
    captures: Mapping[str, CaptureSummary]
    values: Mapping[str, ValuePreview]


@dataclass(frozen=True, slots=True)
class AskSlice:
    """Asks for a part of one variable of a file. The rest of it is not read."""

    run: str
    variable: str
    select: str = ""
    """As numpy writes it: ``0:100, ::4, 7``; empty: all."""
    name: str = MAIN
    version: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class SliceFound:
    """A part of one variable."""

    run: str
    variable: str
    axes: tuple[str, ...]
    """Those that are left: one that a single number has selected is not among them."""
    shape: tuple[int, ...]
    """Of the whole variable."""
    unit: str
    values: NDArray[Any]


@dataclass(frozen=True, slots=True)
class AskReadings:
    """Asks what was read over time."""

    names: tuple[str, ...]
    """``instrument.channel``; empty: all."""
    since_s: float
    until_s: float
    """Unix time."""
    points: int
    """At most so many a channel."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadingsFound:
    """The courses of channels by name, over Unix time; of those of which nothing is known none."""

    courses: Mapping[str, Course]


@dataclass(frozen=True, slots=True)
class AskEvents:
    """Asks for the latest events before one that the asker has: before its time, process, number.

    Of the events at the same time those come before it whose process, and then number, is less.
    """

    at_s: float
    process: str = ""
    number: int = 0
    limit: int = 100


@dataclass(frozen=True, slots=True)
class EventsFound:
    """Events, oldest first."""

    events: tuple[Event, ...]
