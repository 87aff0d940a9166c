"""Defines the messages of a run: PREPARE, ARM, FIRE, REPORT, ABORT.

Plain values, so that they go over any bus. Every message of a run carries the run's id; ids go
up, within a session of the coordinator and from one session to the next. Whatever is older than
what was seen changes nothing, and whatever is said twice is answered as it was the first time.
"""

from dataclasses import dataclass

from podium.control.bus.messages import RunId
from podium.control.timebase.epochs import Epochs
from podium.firmware_interfaces.tai import Tai

CAPTURE = "capture"
"""The start tick comes from a capture of the controller's own time keeping."""
MARKER = "marker"
"""It comes from a time-tagging module that saw the controller's marker."""
UNVERIFIED = "unverified"
"""The controller cannot tell; such a start is refused for runs on several nodes."""
VERIFIED = (CAPTURE, MARKER)


@dataclass(frozen=True, slots=True)
class Token:
    """Names the conditions of a start. An agent is armed only while all of it holds."""

    program_hash: str
    epochs: Epochs
    """Of the clock domains of this agent that take part."""
    minimum_lead_fs: int
    """FIRE with less than this before the start is late."""
    lease_s: float
    """No FIRE within this wall time: the agent stands down by itself."""


@dataclass(frozen=True, slots=True)
class Start:
    """When a program began, as its controller says."""

    at: Tai
    resolution_fs: int
    """Width of the bin in whose middle ``at`` lies."""
    source: str
    """``capture``, ``marker`` or ``unverified``."""


@dataclass(frozen=True, slots=True)
class Relock:
    """A clock domain was reset or locked anew."""

    domain: str
    epoch: int
    """From then on."""


@dataclass(frozen=True, slots=True)
class FireGrant:
    """Lets whoever knows its secret fire the same program again, without the coordinator."""

    secret: str
    last: RunId
    """Runs after the one that is prepared, up to this one, are kept for such fires."""
    for_s: float
    """None begins later than this after the report, wall time."""


@dataclass(frozen=True, slots=True)
class AtOnce:
    """The agent starts its controller itself, as soon as FIRE has come. Of one agent alone."""

    agreed: Token | None = None
    """Of a program that the agent holds prepared: PREPARE is ARM and FIRE as well, and is answered
    by the report. It is played only while all of the token holds."""
    grant: FireGrant | None = None
    """In force once it was played."""


@dataclass(frozen=True, slots=True)
class AtATime:
    """All controllers start by their triggers, at the time T0 that FIRE brings."""

    several: bool = True
    """Whether other agents take part."""


StartPlan = AtOnce | AtATime


# From coordinator to agent


@dataclass(frozen=True, slots=True)
class Greet:
    """Asks an agent who it is. Coordinators of a lower session are refused from then on."""

    session: int


@dataclass(frozen=True, slots=True)
class FiredProgram:
    """Names a program that the agent holds prepared, with the values that it is fired with."""

    program_hash: str
    values: bytes
    """Of all its parameters in their order: float64, little-endian."""


@dataclass(frozen=True, slots=True)
class Prepare:
    """Compile, upload, check. Nothing plays, unless the plan is agreed on already."""

    run: RunId
    life: int
    """The agent's life that is meant: another one knows nothing of what was agreed."""
    program: str | FiredProgram
    plan: StartPlan

    @property
    def fired(self) -> bool:
        """Return whether it is ARM and FIRE as well."""
        return isinstance(self.plan, AtOnce) and self.plan.agreed is not None


@dataclass(frozen=True, slots=True)
class Arm:
    """Make ready to start."""

    run: RunId
    token: Token


@dataclass(frozen=True, slots=True)
class Fire:
    """Start at ``t0``; None: at once."""

    run: RunId
    t0: Tai | None


@dataclass(frozen=True, slots=True)
class AskReport:
    """Tell how it went; answered when it is over."""

    run: RunId


@dataclass(frozen=True, slots=True)
class Abort:
    """Do not start. Of a start at a time honoured until T0 - guard; after that the run is stopped
    once it has begun."""

    run: RunId
    reason: str


Request = Greet | Prepare | Arm | Fire | AskReport | Abort


# From agent to coordinator


@dataclass(frozen=True, slots=True)
class Beat:
    """The agent's loop turns."""

    agent: str
    life: int


@dataclass(frozen=True, slots=True)
class Present:
    """Answer to ``Greet``."""

    agent: str
    life: int
    last: RunId | None
    """The latest run that this life has seen."""
    unsafe: str
    """Why its instruments are not known to be safe; empty: they are."""


@dataclass(frozen=True, slots=True)
class Fenced:
    """Answer to anything of a session that is over: another coordinator has taken its place."""

    agent: str
    session: int
    """The session that counts."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """All instruments have accepted their part."""

    agent: str
    run: RunId
    program_hash: str
    epochs: Epochs
    grid_fs: int
    """Period of the start grid of the hardware that takes part."""
    start_offset_fs: int
    """Its start tick lies so long after T0 (latency of the trigger, correction of the skew)."""
    source: str
    """Where the report's start tick will come from."""
    minimum_lead_fs: int
    guard_fs: int
    """Nothing that would start is set in hardware before T0 - guard."""
    duration_fs: int
    collect_fs: int
    """So long after its start all data are there, or its drivers have given up; wall time."""


@dataclass(frozen=True, slots=True)
class Armed:
    """Ready: waits for FIRE, ABORT or the end of the lease."""

    agent: str
    run: RunId
    now: Tai | None = None
    """Its clock, once all was armed; None: it was not read, and is asked for."""
    read_after_s: float = 0.0
    """That reading was begun at least so long after ARM had come; wall time."""


@dataclass(frozen=True, slots=True)
class FireTaken:
    """FIRE came in time."""

    agent: str
    run: RunId
    slack_fs: int
    """T0 minus the time at which it was checked."""
    started: Tai | None = None
    """Of a start at once: its clock, read just before."""


@dataclass(frozen=True, slots=True)
class Report:
    """Reports how a run went on one agent."""

    agent: str
    run: RunId
    ended: str
    """Why it did not play to its end; empty: it did."""
    program_hash: str
    epochs: Epochs
    """When it was over."""
    relocks: tuple[Relock, ...]
    """Since PREPARE."""
    start: Start | None
    """None: the controller has not started."""
    starts: int
    """How often the controller has started since it was armed."""
    late: int
    missed: int
    """Triggers that came too late, and that were lost for another reason, since it was armed."""
    data: bytes
    """What was captured; nobody looks into it before the whole run is found complete."""
    short_fs: int = 0
    """Of a trigger that was not set since its last look ended too late: how much was missing."""


@dataclass(frozen=True, slots=True)
class StoodDown:
    """Answer to ABORT: nothing of the run plays or will play."""

    agent: str
    run: RunId
    started: bool | None
    """Whether it had begun to play, as the controller says; None: not known."""
    unsafe: str = ""
    """Outputs of a run that was started at once and that could not be made safe yet; empty: all
    are. The agent goes on trying, and plays nothing on them before."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """It was not done, and nothing of it will be."""

    agent: str
    run: RunId
    step: str
    """``prepare``, ``arm``, ``fire``, ``report``."""
    kind: str
    """``stale``, ``refused``, ``busy``, ``epoch``, ``late``, ``lease``, ``failed``, ``unknown``,
    ``does not fit``."""
    reason: str
    short_fs: int = 0
    """Of a late FIRE: how much of the minimum lead was missing."""


Answer = Present | Fenced | Prepared | Armed | FireTaken | Report | StoodDown | Refusal


@dataclass(frozen=True, slots=True)
class OfRun:
    """Wraps a message of a run, as it goes over a bus."""

    said: Request | Answer


def is_answer_to(answer: Answer, request: Request) -> bool:
    """Return whether ``answer``, of the agent that was asked, answers ``request``."""
    if isinstance(answer, Fenced):
        return True
    if isinstance(request, Greet):
        return isinstance(answer, Present)
    if isinstance(answer, Present) or answer.run != request.run:
        return False
    match request:
        case Prepare():
            kind = Report if request.fired else Prepared
            return isinstance(answer, kind) or _refuses(answer, "prepare")
        case Arm():
            return isinstance(answer, Armed) or _refuses(answer, "arm")
        case Fire():
            return isinstance(answer, FireTaken) or _refuses(answer, "fire")
        case AskReport():
            return isinstance(answer, Report) or _refuses(answer, "report")
        case Abort():
            return isinstance(answer, StoodDown)


def _refuses(answer: Answer, step: str) -> bool:
    return isinstance(answer, Refusal) and answer.step == step
