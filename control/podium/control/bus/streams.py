"""Defines messages of a measurement whose data are seen as they come.

A stream is long work like a run, begun under a ticket. Who follows it is given the data so
far, always the latest and all of it: who is slow misses nothing but looks in between.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from podium.control.bus.messages import CaptureData, Roundings, RunId, Time
from podium.control.bus.snapshots import FacilitySnapshot


@dataclass(frozen=True, slots=True)
class BeginStream:
    """Measure this program in batches. Answered at once with ``Done``; then follow it."""

    ticket: str
    """Chosen by who asks, never used twice; a repeated one begins nothing."""
    program: str
    """JSON of the program."""
    every_s: float
    """A batch shall take about so long, wall time."""
    batch_shots: int
    """So many shots in each batch; 0: as many as take about ``every_s``."""
    by: str = ""
    """Who asks."""
    priority: int = 0
    """As in ``Begin``."""


@dataclass(frozen=True, slots=True)
class Follow:
    """Give the data so far, or say ``Pending`` if none newer than ``after`` came in ``wait_s``."""

    ticket: str
    after: int
    """Number of the latest part that is known; 0: none."""
    wait_s: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop a stream, whose data are kept, or a run in one piece, which has none. Idempotent.

    Answered once outputs are safe, with the last ``StreamPart``, or with ``Done`` if nothing
    was measured or nothing of that name is on.
    """

    stream: str
    """Its ticket, or the id of its run."""
    reason: str
    by: str = ""
    """Who asks."""


@dataclass(frozen=True, slots=True)
class AskStreams:
    """Asks for the streams that are on."""


@dataclass(frozen=True, slots=True)
class ActiveStream:
    """A stream that is on."""

    ticket: str
    run: str
    """Empty until its first batch is prepared."""
    program: str
    """Its name."""
    shots: int
    shots_done: int
    by: str
    """Who has begun it."""


@dataclass(frozen=True, slots=True)
class ActiveStreams:
    """All streams that are on."""

    streams: tuple[ActiveStream, ...]


@dataclass(frozen=True, slots=True, eq=False)
class StreamPart:
    """Carries the data so far; fields as in ``RunDone`` where they have the same name."""

    number: int
    """Counts the parts of a stream, from 1."""
    ended: bool
    """True: this is the last part."""
    stopped: str
    """Why it ended before its time; empty: it goes on, or is complete."""
    stopped_by: str
    """Who stopped it."""
    shots_done: int
    """Repetitions in which every point was visited."""
    done: float
    """Share of the whole."""
    run: RunId
    """Of the first batch; it stands for all of them."""
    program_hash: str
    """Of the whole program."""
    facility_hash: str
    epochs: Mapping[str, int]
    started: Time
    """When the first batch was."""
    quantised: Roundings
    batches: str
    """JSON: how it was split: a list of {runs: [first, last], shots, pieces, times}."""
    captures: Mapping[str, CaptureData]
    """Averages are over the shots so far; a point that was not visited yet is nan."""
    snapshot: FacilitySnapshot
    """Taken after the first batch."""


@dataclass(frozen=True, slots=True)
class AskDuration:
    """Asked of an agent: compile only, and say how long it would play. Nothing is touched."""

    program: str
    """JSON of the program."""
    timed: bool = False
    """Whether it starts at a time, and may be a ``TimedProgram``."""


@dataclass(frozen=True, slots=True)
class ProgramDuration:
    """Answers ``AskDuration`` with a program's duration."""

    duration_fs: int
    quantised: Roundings
    """As in ``Played``."""


@dataclass(frozen=True, slots=True)
class AskParts:
    """Asked of an agent: compile only, in as many parts as it takes. Nothing is touched."""

    program: str
    """JSON of the program."""
    timed: bool = False
    """Whether it starts at a time, and may be a ``TimedProgram``."""


@dataclass(frozen=True, slots=True)
class ProgramPart:
    """Some repetitions of some points of a program."""

    first_shot: int
    shots: int
    first: tuple[int, ...]
    """Of the points: the first along each axis, and the first that is not among them any longer."""
    end: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ProgramParts:
    """The parts that a program takes, in their order; one where it fits as it is."""

    parts: tuple[ProgramPart, ...]
