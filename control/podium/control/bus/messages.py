"""Defines messages of the bus: requests, their answers, and news.

What is said of a run between coordinator and agents is in :mod:`podium.control.runs.messages`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from numpy.typing import NDArray

from podium.control.bus.bus import AnswererFailed, Bus, Denied, NoAnswer
from podium.control.bus.findings import Finding
from podium.control.bus.mixers import CalibrateMixers
from podium.control.bus.prepared_requests import FireProgram, PrepareProgram
from podium.control.bus.refusals import Refusal
from podium.control.bus.snapshots import FacilitySnapshot
from podium.control.bus.wire import BadMessage, decode, encode


@dataclass(frozen=True, slots=True)
class AskEpochs:
    """Under which epochs would you start now? Reads what the instruments show."""


@dataclass(frozen=True, slots=True)
class EpochsNow:
    """The epochs of one agent's clock domains."""

    epochs: Mapping[str, int]
    """Of all controllers that a trigger starts, and of what raises their triggers."""


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One thing that touches instruments: a run, a bias move, a write by hand, a release."""

    number: int
    """Counts them since the coordinator started; on one agent they come one after the other."""
    what: str
    """``run 17-00003 rabi``, ``bias node_a.q0.flux to 0.1 V``, ``set lo_q2 power to -5``."""
    by: str
    """Who asked."""
    at_s: float
    """When it began, by the host's clock, Unix time."""
    took_s: float
    """Wall time from begin to end; 0 while it is on."""
    state: str
    """``on``, ``done``, ``failed`` or ``stopped``."""
    error: str
    """Why it failed, or was stopped."""


@dataclass(frozen=True, slots=True)
class Rounding:
    """One parameter that the hardware cannot hold as it was asked for."""

    what: str
    """For a person, e.g. ``q0.drive: amplitude of statement 3``."""
    unit: str
    step: float
    """Spacing of the values that the hardware can hold."""
    values: int
    """How many values it takes in the program's sweeps."""
    worst: float
    """The largest error of one of them."""


Roundings = tuple[Rounding, ...]


def roundings_to_json(roundings: Iterable[Rounding]) -> str:
    """Return the attribute ``quantised`` of a dataset: a list of objects."""
    return json.dumps([asdict(one) for one in roundings])


Answer = TypeVar("Answer")


def agent_key(facility: str, agent: str) -> str:
    """Key under which an agent answers, and under which it is announced."""
    return f"podium/{facility}/agent/{agent}"


def heartbeat_key(facility: str, agent: str) -> str:
    """Key under which an agent's own loop says that it turns."""
    return f"podium/{facility}/heartbeat/{agent}"


def coordinator_key(facility: str) -> str:
    """Key under which the coordinator answers, and under which it is announced."""
    return f"podium/{facility}/coordinator"


@dataclass(frozen=True, slots=True, order=True)
class RunId:
    """Names a run; the order is the order in which runs were begun."""

    session: int
    """Of the coordinator; goes up at each of its starts (TAI seconds of the facility's clock)."""
    number: int

    def __str__(self) -> str:
        return f"{self.session}-{self.number:05d}"


DOES_NOT_FIT = "does not fit"
LATE = "late"
PARTIAL_START = "partial start"


@dataclass(frozen=True, slots=True)
class Failed:
    """Answer to any request: it was not done."""

    kind: str
    """``refused`` (fix the request), :data:`DOES_NOT_FIT` (the program, its controllers),
    :data:`LATE` (a start came too late: ask again), :data:`PARTIAL_START` (not all have started,
    and all were stopped: ask again), ``unreachable`` (an instrument is; its state
    is unknown), ``failed``, ``later`` (nothing was done; what it stands on is not there now, and
    may soon be: ask again), or, made on this side, ``no answer`` (whether it was done is
    unknown)."""
    message: str


@dataclass(frozen=True, slots=True)
class Done:
    """Answer to a request that has nothing to tell: it was done."""


# From coordinator to agent


@dataclass(frozen=True, slots=True)
class Hello:
    """Asks an agent for its name and its instruments."""


@dataclass(frozen=True, slots=True)
class Welcome:
    """Names an agent's instruments."""

    agent: str
    facility_hash: str
    """Of the facility file that it read."""
    instruments: tuple[str, ...]
    timed: bool = False
    """Whether its controllers can start at a time, together with others."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Not over yet: ask again."""

    why: str = ""
    """For whom it waits and about how long, in words; empty: it is on."""


@dataclass(frozen=True, slots=True, eq=False)
class CaptureData:
    """Carries one capture's data; arrays of the shape ([shots,] *axes)."""

    i: NDArray[Any]
    q: NDArray[Any]
    """V at the input connector."""
    counts: NDArray[Any] | int
    """How many acquisitions each is the mean of; one number: as many everywhere."""
    trace_i: NDArray[Any] | None
    trace_q: NDArray[Any] | None
    out_of_range: bool
    results: NDArray[Any] | None = None
    """Share of results that were 1, where the capture has a discriminator."""
    clicks: bool = False
    """Of a detector's port: ``i`` is how often it clicked in the window, ``q`` when first, s."""


@dataclass(frozen=True, slots=True, eq=False)
class TagData:
    """Carries a loopback's tags in one channel of a time tagger; arrays of shape (pulses,)."""

    counts: NDArray[Any]
    """Edges in each window."""
    at_fs: NDArray[Any]
    """From the opening of the window to the edge."""


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """Carries the data of an agent's part of a run, or of all agents together."""

    program_hash: str
    started: "Time"
    """The time that was agreed on; of a start at once, when it was."""
    epochs: Mapping[str, int]
    """Epoch of each clock domain that takes part."""
    quantised: Roundings
    """What was rounded."""
    captures: Mapping[str, CaptureData]
    starts: Mapping[str, "Time"] = field(default_factory=dict)
    """By controller: when its own record says that it began."""
    tags: Mapping[str, TagData] = field(default_factory=dict)
    """By node: of a loopback, what the tagger saw of its marker."""
    leads_fs: Mapping[str, int] = field(default_factory=dict)
    """By controller of a run that starts at a time: from that time to its first shot."""


@dataclass(frozen=True, slots=True)
class Read:
    """Read one channel of one instrument."""

    instrument: str
    channel: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading in SI."""

    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Now:
    """Asks for the time of the facility's clock."""


@dataclass(frozen=True, slots=True)
class Time:
    """An instant of TAI."""

    tai_s: int
    tai_fs: int


@dataclass(frozen=True, slots=True)
class Status:
    """Asks for the state of everything."""


@dataclass(frozen=True, slots=True)
class InstrumentStatus:
    """Describes the state of one instrument."""

    name: str
    model: str
    state: str
    """``connected``, ``connecting`` (for the first time), ``lost`` (until it answers again),
    ``released``."""
    identity: str
    connections: int
    """How often it was connected so far."""
    calls: int
    last_error: str
    """Empty: none since it was last connected."""
    heard_s: float = 0.0
    """When it answered last, by the host's clock, Unix time; 0: never."""


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """Describes the state of an agent and its instruments."""

    agent: str
    doing: str
    """``idle`` or what it does, with the run's id."""
    instruments: tuple[InstrumentStatus, ...]
    notes: tuple[str, ...] = ()
    """What a person should know: biases whose last ramp was cut off."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The agent's loop turns."""

    beat: int
    late_s: float
    """How much later than planned this beat was sent: what blocked the loop."""
    life: int = 0
    """As in :class:`Welcome`."""


# Long work: begun under a ticket, asked for until it is over


@dataclass(frozen=True, slots=True)
class RunProgram:
    """Run this program on the nodes it names. Ends with ``RunDone``."""

    program: str
    """JSON of the program."""
    timed: bool = False
    """Start at a time, by the trigger plane, also where one agent plays all of it."""
    corrected: bool = True
    """Take measured skews out; a run on several nodes whose skews are not known is refused.
    False: start as the wiring says, a few ns apart."""


@dataclass(frozen=True, slots=True)
class RunLoopback:
    """Start nodes' controllers and the time tagger once. Ends with ``RunDone``, with tags."""

    program: str
    """JSON of a ``TimedProgram`` of a ``Loopback``."""


@dataclass(frozen=True, slots=True)
class Bias:
    """Ramp flux ports to these levels, V. Ends with ``Done``."""

    volts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Begin:
    """Begin this work. Answered with its end if that comes within ``wait_s``."""

    ticket: str
    """Chosen by who asks, never used twice; a repeated one begins nothing."""
    work: RunProgram | RunLoopback | Bias | CalibrateMixers | PrepareProgram | FireProgram
    wait_s: float
    by: str = ""
    """Who asks."""
    procedure: str = ""
    """Id of the procedure that it is a part of; empty: of none."""
    priority: int = 0
    """Its place in the queue: from -10 to 10, higher first."""


@dataclass(frozen=True, slots=True)
class Await:
    """Give the end of the work, or say that it is pending after ``wait_s``."""

    ticket: str
    wait_s: float


@dataclass(frozen=True, slots=True)
class Cancel:
    """Give up the work; answered once it has ended and outputs are safe. Idempotent."""

    ticket: str


@dataclass(frozen=True, slots=True, eq=False)
class RunDone:
    """A finished run."""

    run: RunId
    program_hash: str
    facility_hash: str
    epochs: Mapping[str, int]
    started: Time
    quantised: Roundings
    captures: Mapping[str, CaptureData]
    snapshot: FacilitySnapshot
    """How all instruments were set when it had ended."""
    starts: Mapping[str, Time] = field(default_factory=dict)
    """By controller, for a run that started at a time: when its own record says that it began."""
    tags: Mapping[str, TagData] = field(default_factory=dict)
    """By node: of a loopback, what the tagger saw of its marker."""
    start_settings: str = ""
    """JSON: by controller, how its start was set; empty: as it is wired."""
    leads_fs: Mapping[str, int] = field(default_factory=dict)
    """By controller: from ``started`` to its first shot."""


@dataclass(frozen=True, slots=True)
class FacilityStatus:
    """Describes the state of the whole facility."""

    facility: str
    agents: tuple[AgentStatus, ...]
    missing: tuple[str, ...]
    """Agents that are expected or were there and do not answer, with the reason."""
    runs_done: int
    runs_failed: int
    asked: tuple[LoggedRequest, ...] = ()
    """What was asked of it lately, oldest first; what is on now is among it."""
    refused: tuple[Refusal, ...] = ()
    """Who was not let in since it is up, oldest first."""
    starts_lost: int = 0
    """Starts that came too late: nothing was played, and who asked may have made them again."""
    findings: tuple[Finding, ...] = ()
    """What is wrong with files on the disk, and nobody has looked at yet."""


async def ask(
    bus: Bus, key: str, request: object, *expected: type[Answer], timeout_s: float
) -> Answer | Failed:
    """Send ``request`` to ``key`` and return its answer, or ``Failed`` whatever went wrong."""
    try:
        payload = await bus.request(key, encode(request), timeout_s)
        answer: Answer | Failed = decode(payload, *expected, Failed)  # type: ignore[assignment]
        return answer  # one of the classes that were expected
    except NoAnswer as error:
        return Failed("no answer", f"{type(request).__name__} to {key}: {error}")
    except Denied as error:
        return Failed("refused", str(error))
    except (AnswererFailed, BadMessage) as error:
        return Failed("failed", f"{type(request).__name__} to {key}: {error}")
