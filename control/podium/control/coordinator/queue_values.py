"""Defines the values of the queue: what wants agents, what has them, and where each is placed."""

from dataclasses import dataclass, field

from podium.control.bus.queue import Kind, Reservation

AGE_S = 300.0
"""Waiting so long counts as much as one priority more."""
DRAIN_S = 3600.0
"""What has waited so long has its agents kept free: nothing short is let in before it."""
SLICE_S = 2.0
"""Work that yields has its agents for so long before equals with more patience are let in."""


@dataclass(frozen=True, slots=True)
class QueuedWork:
    """Describes work that wants all of its agents at once."""

    ticket: str
    agents: frozenset[str]
    """Whose instruments it takes; ``AGENT/INSTRUMENT``: a single one, which takes no part in
    runs."""
    by: str
    asked_s: float
    """Unix time."""
    priority: int = 0
    lasts_s: float = 1.0
    """Estimate of its wall time, and its standard deviation."""
    sigma_s: float = 1.0
    yields: bool = False
    """Whether it has safe points, at which it gives its agents back for a while."""
    changes: bool = False
    """Whether it leaves something set otherwise: it is not let in at others' safe points."""
    suspended: bool = False
    """Whether it was on, and has let others in: until it ends nothing may be set otherwise."""
    shared: bool = False
    """Whether it only reads: others that only read may have the same agent beside it."""
    kind: Kind = "run"
    what: str = ""
    run: str = ""
    procedure: str = ""
    laboratory_s: float = 0.0

    @property
    def rank(self) -> float:
        """Return where it stands among those who wait: its priority, raised by waiting.

        All age at the same pace, so the order of two never changes by itself, and whatever is
        asked for later than :data:`AGE_S` for each priority that it is higher comes after.
        """
        return self.priority - self.asked_s / AGE_S


@dataclass(frozen=True, slots=True)
class ActiveWork:
    """Work that has its agents."""

    work: QueuedWork
    began_s: float
    asked_to_yield: bool = False


@dataclass(frozen=True, slots=True)
class QueueState:
    """Holds the works that are on, and reservations."""

    on: tuple[ActiveWork, ...] = ()
    reservations: tuple[Reservation, ...] = ()


@dataclass(frozen=True, slots=True)
class Start:
    """Let this work have its agents now."""

    ticket: str


@dataclass(frozen=True, slots=True)
class Wait:
    """This work waits."""

    ticket: str
    starts_s: float
    """When its turn is expected, Unix time."""
    sigma_s: float
    behind: tuple[str, ...]
    """Tickets of the works, and ids of the reservations, after whose end it starts."""


@dataclass(frozen=True, slots=True)
class Yield:
    """Let work that is on give its agents back at its next safe point."""

    ticket: str
    to: str
    """Ticket of who is let in, or id of a reservation."""


Placement = Start | Wait | Yield


@dataclass(slots=True, eq=False)
class Hole:
    """A time in which an agent is free."""

    begins_s: float
    ends_s: float
    variance_s2: float = 0.0
    """Of its beginning."""
    after: str = ""
    """Ticket of what ends there."""


@dataclass(slots=True, eq=False)
class AgentTimeline:
    """The holes of one agent, in their order; the last has no end."""

    holes: list[Hole] = field(default_factory=list)
    readers_end_s: float = 0.0
    """Until then those that have it only read."""
