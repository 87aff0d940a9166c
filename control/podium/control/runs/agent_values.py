"""The agent's side of a run, as values: what can happen, what is to be done, what is known.

    preparing ─▶ prepared ─▶ arming ─▶ armed ─▶ checking ─▶ waiting ─▶ committing ─▶ committed
        │           │          │        ├─▶ starting ─▶ playing ─────────────────────────┐│
        └───────────┴──────────┴────────┴─────┴────────────┴─ standing down ─▶ ended ◀───┴┘

A run starts at once (*starting*, *playing*: it can be stopped whenever) or at a time. Of a program
that is held prepared a run is *playing* from the first: all steps are one. Until
T0 - guard a start at a time exists in software only: the trigger is set in hardware in the phase
*committing*, after the clock and the epochs were read once more. An agent that is killed, frozen
or aborted before that stays still, whatever its instruments are armed for.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from podium.control.bus.messages import RunId
from podium.control.runs.messages import (
    Answer,
    AtOnce,
    FiredProgram,
    Prepare,
    Prepared,
    Relock,
    Report,
    Request,
    Start,
    StartPlan,
    Token,
)
from podium.control.timebase.epochs import Epochs
from podium.firmware_interfaces.exact_time import FS_PER_MS, FS_PER_US
from podium.firmware_interfaces.tai import Tai


class Phase(Enum):
    """Names the phases of a run on one agent."""

    PREPARING = "preparing"
    PREPARED = "prepared"
    ARMING = "arming"
    ARMED = "armed"
    CHECKING = "checking"
    """FIRE has come; the clock is being read."""
    WAITING = "waiting"
    """FIRE was in time; nothing is set before T0 - guard."""
    COMMITTING = "committing"
    """The trigger is being set."""
    COMMITTED = "committed"
    """The hardware starts by itself; hands off until T0."""
    STARTING = "starting"
    """At once: FIRE has come."""
    PLAYING = "playing"
    STANDING_DOWN = "standing down"
    ENDED = "ended"


_P = Phase
TRANSITIONS: dict[Phase, frozenset[Phase]] = {
    _P.PREPARING: frozenset({_P.PREPARED, _P.STANDING_DOWN}),
    _P.PREPARED: frozenset({_P.ARMING, _P.STANDING_DOWN}),
    _P.ARMING: frozenset({_P.ARMED, _P.STANDING_DOWN}),
    _P.ARMED: frozenset({_P.CHECKING, _P.STARTING, _P.STANDING_DOWN}),
    _P.CHECKING: frozenset({_P.WAITING, _P.STANDING_DOWN}),
    _P.WAITING: frozenset({_P.COMMITTING, _P.STANDING_DOWN}),
    _P.COMMITTING: frozenset({_P.COMMITTED, _P.STANDING_DOWN}),
    _P.COMMITTED: frozenset({_P.ENDED, _P.STANDING_DOWN}),
    _P.STARTING: frozenset({_P.PLAYING, _P.STANDING_DOWN}),
    _P.PLAYING: frozenset({_P.ENDED, _P.STANDING_DOWN}),
    _P.STANDING_DOWN: frozenset({_P.ENDED}),
    _P.ENDED: frozenset(),
}
BEYOND_RECALL = (Phase.COMMITTING, Phase.COMMITTED)
"""The trigger is set, or may be: nothing is touched before T0 has passed."""


LOOKS = 1.5
"""So much longer than the longest of late a look may take."""
LOOK_KEPT = 0.98
"""What is remembered of the longest look, from one to the next: half of it after 34."""


@dataclass(frozen=True, slots=True)
class Margins:
    """Holds the times that an agent keeps between its steps and T0."""

    guard_fs: int = 12_500 * FS_PER_US
    """The trigger is not set before T0 - guard. Above the longest wake-up of the process."""
    setup_fs: int = 1 * FS_PER_MS
    """Nor later than T0 - setup. ASSUMED: setting a trigger takes below 1 ms on the wire."""
    minimum_lead_fs: int = 13 * FS_PER_MS
    """FIRE with less than this is late; above the guard, so that there is time to ask the clock."""
    after_fs: int = 1 * FS_PER_MS
    """Only so long after T0 is a run stopped that must not go on: it has begun whole."""
    longest_lead_fs: int = 10_000 * FS_PER_MS
    """A start further ahead than this is refused: it would block the instruments."""
    safe_again_s: float = 0.5
    """Pause between attempts to make safe."""
    longest_guard_fs: int = 200 * FS_PER_MS
    """However slow looks are, the guard is no longer."""

    def __post_init__(self) -> None:
        if not 0 < self.setup_fs < self.guard_fs <= self.minimum_lead_fs:
            raise ValueError(
                "0 < set-up < guard <= minimum lead is needed, got "
                f"{self.setup_fs}, {self.guard_fs}, {self.minimum_lead_fs} fs"
            )

    def widened(self, look_fs: int) -> "Margins":
        """Return margins within which a last look that takes ``look_fs`` finds room.

        It is made when the guard begins, and the trigger has to be set after it.
        """
        needed_fs = min(self.setup_fs + int(LOOKS * look_fs), self.longest_guard_fs)
        more_fs = max(0, needed_fs - self.guard_fs)
        return replace(
            self,
            guard_fs=self.guard_fs + more_fs,
            minimum_lead_fs=self.minimum_lead_fs + more_fs,
        )


# What happens


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """A request has come."""

    request: Request


@dataclass(frozen=True, slots=True)
class Loaded:
    """Compiled, uploaded, accepted by all instruments."""

    run: RunId
    program_hash: str
    epochs: Epochs
    """Read before the upload."""
    grid_fs: int
    start_offset_fs: int
    source: str
    duration_fs: int
    collect_fs: int
    """As in ``Prepared``."""
    look_fs: int = 0
    """How long its look at the epochs took."""


@dataclass(frozen=True, slots=True)
class ArmedUp:
    """All instruments wait for their start."""

    run: RunId
    epochs: Epochs
    """Read after arming."""
    now: Tai | None = None
    """The clock, read last; None: it was not."""
    read_after_s: float = 0.0
    """That reading was begun so long after ``ArmUp`` was; wall time."""


@dataclass(frozen=True, slots=True)
class ClockRead:
    """The clock was read, and after it the epochs."""

    run: RunId
    now: Tai
    epochs: Epochs
    asked_s: float
    read_s: float
    """When the reading of the clock was begun, and when it was over: monotonic wall time."""


@dataclass(frozen=True, slots=True)
class TriggerSet:
    """The trigger plane has accepted the trigger."""

    run: RunId


@dataclass(frozen=True, slots=True)
class StartedNow:
    """The controllers have been started."""

    run: RunId
    at: Tai
    """The clock, read just before."""


@dataclass(frozen=True, slots=True)
class Collected:
    """The run is over, or did not begin although T0 is long past."""

    run: RunId
    epochs: Epochs
    relocks: tuple[Relock, ...]
    start: Start | None
    starts: int
    late: int
    missed: int
    data: bytes
    unstarted: str = ""
    """Of one that did not begin: why, as its controller's driver says."""


@dataclass(frozen=True, slots=True)
class HardwareFailed:
    """A step of a run has failed; the state of the instruments is not known."""

    run: RunId
    reason: str
    kind: str = "failed"
    """As in ``Refusal``."""


@dataclass(frozen=True, slots=True)
class MadeSafe:
    """No trigger is set, nothing is armed, nothing plays."""

    started: bool | None
    """Whether the program had begun since it was armed; None: the controller cannot tell."""
    of_run: bool = False
    """Only of what ``MakeSafe`` with that word names; otherwise of all."""


@dataclass(frozen=True, slots=True)
class NotSafe:
    """Making safe has failed."""

    reason: str
    of_run: bool = False
    """As in ``MadeSafe``."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """Time has passed."""


Event = (
    RequestReceived
    | Loaded
    | ArmedUp
    | ClockRead
    | TriggerSet
    | StartedNow
    | Collected
    | HardwareFailed
    | MadeSafe
    | NotSafe
    | Ticked
)


# What is to be done, in the order given; the instruments' part strictly one after another


@dataclass(frozen=True, slots=True)
class Reply:
    """Say this to the coordinator."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Load:
    """Read the epochs, compile, upload, check. Ends with ``Loaded`` or ``HardwareFailed``."""

    run: RunId
    program: str
    plan: StartPlan


@dataclass(frozen=True, slots=True)
class ArmUp:
    """Clear what was captured, wait for the start. ``ArmedUp`` or ``HardwareFailed``."""

    run: RunId


@dataclass(frozen=True, slots=True)
class ReadClock:
    """Read the clock ``after_fs`` from now, then the epochs. ``ClockRead`` or failed."""

    run: RunId
    after_fs: int


@dataclass(frozen=True, slots=True)
class SetTrigger:
    """Let the trigger rise at ``t0``. ``TriggerSet`` or ``HardwareFailed``.

    The trigger plane itself discards a trigger whose time is past and counts it as late: only so
    is a process harmless that stops between the reading of the clock and this.
    """

    run: RunId
    t0: Tai


@dataclass(frozen=True, slots=True)
class StartNow:
    """Read the clock, start. ``StartedNow`` or ``HardwareFailed``."""

    run: RunId


@dataclass(frozen=True, slots=True)
class PlayFired:
    """Check the token, load, arm, start, collect in one go. ``Collected`` or ``HardwareFailed``."""

    run: RunId
    program: FiredProgram
    token: Token


@dataclass(frozen=True, slots=True)
class Collect:
    """Wait for the end, read start tick, counters, epochs, data. ``Collected`` or failed.

    What comes after it does not wait for it.
    """

    run: RunId
    t0: Tai
    duration_fs: int


@dataclass(frozen=True, slots=True)
class MakeSafe:
    """Give up what is under way, take triggers back, disarm, silence. ``MadeSafe``, ``NotSafe``."""

    of_run: bool = False
    """Only what the run in hand plays on: it was to start at once, so no trigger was set for it."""


Action = Reply | Load | ArmUp | ReadClock | SetTrigger | StartNow | PlayFired | Collect | MakeSafe


# What is known


@dataclass(frozen=True, slots=True)
class RunInHand:
    """The latest run of an agent."""

    run: RunId
    plan: StartPlan
    phase: Phase = Phase.PREPARING
    margins: Margins = Margins()
    """As they were when it was prepared."""
    prepared: Prepared | None = None
    token: Token | None = None
    lease_ends_s: float | None = None
    t0: Tai | None = None
    answers: tuple[tuple[str, Answer], ...] = ()
    """What was answered to each step, to be said again."""
    why: str = ""
    """Why it does not play to its end."""
    short_fs: int = 0
    """As in ``Report``."""
    report: Report | None = None
    started: bool | None = False
    unsafe: str = ""
    """What of it could not be made safe; of a start at once only: it ends all the same."""
    reported_to: bool = False
    """Whether somebody waits for the report."""
    aborted_by: bool = False
    """Whether somebody waits for it to have stood down."""

    @property
    def at_once(self) -> bool:
        """Return whether it starts as soon as FIRE has come."""
        return isinstance(self.plan, AtOnce)

    @property
    def fired(self) -> bool:
        """Return whether it plays a program that was held prepared: PREPARE was FIRE as well."""
        return isinstance(self.plan, AtOnce) and self.plan.agreed is not None

    def to(self, phase: Phase, **known: Any) -> "RunInHand":
        """Return the run in ``phase``, with fields that are known by then.

        Raises ``ValueError`` if that may not follow.
        """
        if phase not in TRANSITIONS[self.phase]:
            raise ValueError(f"run {self.run} is {self.phase.value}: it cannot be {phase.value}")
        return replace(self, phase=phase, **known)

    def answer_to(self, step: str) -> Answer | None:
        """Return what was answered to ``step``."""
        return dict(self.answers).get(step)


@dataclass(frozen=True, slots=True)
class AgentState:
    """All that an agent knows of runs."""

    name: str
    life: int
    margins: Margins = Margins()
    """Where looks at the clock are quick."""
    look_fs: int = 0
    """How long the longest look at clock and epochs has taken recently."""
    session: int = -1
    """The highest that was heard of."""
    last: RunId | None = None
    """The latest run that was heard of; everything up to it is stale."""
    hand: RunInHand | None = None
    following: Prepare | None = None
    """To be taken on when the hand is free."""
    unsafe: str = "not made safe since the agent was started"
    making_safe: bool = True
    """Whether a ``MakeSafe`` is under way."""
    safe_at_s: float = 0.0
    """When it is tried again, if it has failed."""


Did = tuple[AgentState, tuple[Action, ...]]
"""What is known afterwards, and what is to be done."""
