"""The coordinator's side of one run, as values: what can happen, what is to be done, is known."""

from dataclasses import dataclass
from enum import Enum

from podium.control.bus.messages import RunId
from podium.control.runs.messages import (
    Answer,
    Armed,
    AtOnce,
    FiredProgram,
    Prepared,
    Report,
    Request,
    StartPlan,
    Token,
)
from podium.firmware_interfaces.tai import Tai


@dataclass(frozen=True, slots=True)
class Patience:
    """Holds the deadlines of a coordinator, monotonic wall time."""

    prepare_s: float = 150.0
    arm_s: float = 40.0
    time_s: float = 10.0
    report_s: float = 30.0
    """Beyond the lead and what agents give their drivers, whose messages are to be heard first. A
    run that was started at once is waited for as long as its agent lives."""
    abort_s: float = 60.0
    again_s: float = 1.0
    """A request without an answer is said again after this time."""
    fire_again_s: float = 0.005
    taken_s: float = 0.010
    """FIRE may take so long to be taken at least: an agent looks at its clock first, which takes
    3 to 6 ms of a slow machine that does nothing else."""
    recall_s: float = 0.004
    """FIRE that was not taken by all so long before T0 - guard is called back from all."""
    lease_s: float = 10.0
    reading_s: float = 0.2
    """A reading of the clock that may be older is asked for anew. As old as an agent's last look
    may be for the longest guard."""
    slow_s: float = 2.0
    """Who has not taken FIRE in time, but stands down this soon after, is well: the way is slow, or
    the computer busy (at loads of ten it took 0.2 s and more). Longer leads are learned of it."""


@dataclass(frozen=True, slots=True)
class HeldProgram:
    """A program that an agent holds prepared, fired with values."""

    program: FiredProgram
    life: int
    """Of the agent, when it was prepared."""
    token: Token
    """What it rests on."""
    duration_fs: int
    granted: int = 0
    """So many fires after it may be asked of the agent directly, by who knows the secret."""
    secret: str = ""
    granted_s: float = 0.0
    """As in ``FireGrant``."""


class Stage(Enum):
    """Names the stages of a run on the whole."""

    PREPARING = "PREPARE"
    ARMING = "ARM"
    ASKING_TIME = "the question for the time"
    FIRING = "FIRE"
    REPORTING = "REPORT"
    ABORTING = "ABORT"
    OVER = "over"


# What happens


@dataclass(frozen=True, slots=True)
class TimeTold:
    """The clock was read."""

    run: RunId
    now: Tai
    lead_fs: int
    """To be kept between this reading and T0."""
    margin_fs: int = 0
    """What of it is meant for the agents, from taking FIRE to T0; more, if they need more."""


@dataclass(frozen=True, slots=True)
class AgentLost:
    """An agent is dead, frozen, or another life of itself."""

    agent: str
    reason: str


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Whoever wanted the run no longer wants it."""

    reason: str


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Time has passed."""


RunEvent = Answer | TimeTold | AgentLost | GivenUp | TimePassed


# What is to be done


@dataclass(frozen=True, slots=True)
class Send:
    """Say this to an agent."""

    agent: str
    request: Request


@dataclass(frozen=True, slots=True)
class AskTime:
    """Read the clock; ends with ``TimeTold`` or ``GivenUp``."""

    run: RunId
    told: Tai | None = None
    """What the agents' own readings said just now: the clock need not be read again."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """FIRE was taken, or came too late, so long after the clock was read for it."""

    delivery_fs: int
    late: bool
    since_s: float = float("-inf")
    """It began no earlier than this, wall time."""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """An agent that does not stand down is not to be used."""

    agent: str
    reason: str


RunAction = Send | AskTime | Delivered | Quarantine


# What is known


@dataclass(frozen=True, slots=True)
class NodeOfRun:
    """One agent's part in a run."""

    agent: str
    life: int
    request: Request | None = None
    """Said and not answered yet."""
    said_s: float = 0.0
    said_again: bool = False
    """Its answer may have been long on its way."""
    armed: Armed | None = None
    prepared: Prepared | None = None
    report: Report | None = None
    down: bool = False
    """Nothing of the run plays there, or nobody can be asked any longer."""
    started: bool | None = None
    """Whether it had begun to play before it was stopped; None: not known, or not stopped."""


@dataclass(frozen=True, slots=True)
class RunStart:
    """All that a coordinator knows of one run."""

    run: RunId
    program: str
    plan: StartPlan
    nodes: tuple[NodeOfRun, ...]
    patience: Patience
    stage: Stage = Stage.PREPARING
    deadline_s: float = 0.0
    read_from_s: float = 0.0
    """No reading of the clock that is waited for, or counted from, is older: wall time."""
    told: Tai | None = None
    """The reading of the clock from which T0 was counted."""
    t0: Tai | None = None
    """When it starts, or has started."""
    failed: str = ""
    """Why it came to nothing."""
    late: bool = False
    """It came to nothing only because its start came too late: made again, it may do."""
    partial: bool = False
    """Some have started as they should and the others stayed still: all was stopped, and its data
    are discarded. Made again as a whole, it may do."""
    unfit: bool = False
    """It came to nothing because its program does not fit the controllers of an agent."""
    refused: bool = False
    """It came to nothing because an agent has refused to prepare it."""
    unsafe: str = ""
    """Outputs that could not be made safe after it; empty: all are."""
    unheard: tuple[str, ...] = ()
    """Who had not taken FIRE when it was called back."""
    recalled_s: float = 0.0
    """When that was."""

    @property
    def reports(self) -> tuple[Report, ...]:
        """Return the reports of a complete run; empty while it is not, and if it failed."""
        if self.stage is not Stage.OVER or self.failed:
            return ()
        return tuple(node.report for node in self.nodes if node.report is not None)

    @property
    def pause_s(self) -> float:
        """Return how long it waits for an answer before it asks again."""
        firing = self.stage is Stage.FIRING and not self.at_once
        return self.patience.fire_again_s if firing else self.patience.again_s

    @property
    def at_once(self) -> bool:
        """Return whether its agent starts it as soon as FIRE has come."""
        return isinstance(self.plan, AtOnce)

    @property
    def fired(self) -> bool:
        """Return whether its agent held it prepared: one request is all of it."""
        return isinstance(self.plan, AtOnce) and self.plan.agreed is not None

    @property
    def lead_fs(self) -> int:
        """The time from the reading of the clock to T0."""
        return 0 if self.t0 is None or self.told is None else self.t0 - self.told

    def due_s(self) -> float:
        """Return when it wants to know that time has passed, if nothing happens before."""
        pause_s = self.pause_s
        again = [node.said_s + pause_s for node in self.nodes if node.request is not None]
        return min([self.deadline_s, *again])


Did = tuple[RunStart, tuple[RunAction, ...]]
