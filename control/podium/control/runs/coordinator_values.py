"""Holds the events and actions of a coordinator's machine."""

from dataclasses import dataclass

from podium.control.bus.messages import RunId
from podium.control.runs.journal import Entry, JobAccepted, JobEnded
from podium.control.runs.messages import Answer, Beat
from podium.control.runs.run_values import AskTime, HeldProgram, Send, TimePassed
from podium.firmware_interfaces.tai import Tai

# What happens


@dataclass(frozen=True, slots=True)
class Submitted:
    """Somebody wants ``program`` to be played on ``agents``; the ticket is theirs, used once."""

    ticket: str
    program: str
    agents: tuple[str, ...]
    at_once: bool = False
    """Whether its one agent starts it as soon as it can; else all start at a time."""
    kept: bool = True
    """Whether it outlives the coordinator; a part of something larger does not by itself."""
    turn_held: bool = False
    """Whether nobody else uses the agents: whoever wants it has seen to that."""
    held: HeldProgram | None = None
    """What its one agent holds prepared, in place of ``program``; it is never kept."""
    by: str = ""
    priority: int = 0
    asked_s: float = 0.0
    """Who asks, how urgently, and since when (Unix time): its place in the queue is kept."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whoever wanted a job asks whether it has ended; told at once, if it has."""

    ticket: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Whoever wanted a job no longer wants it."""

    ticket: str


@dataclass(frozen=True, slots=True)
class ResultReceived:
    """Whoever asked for a job has its end, and will not ask again."""

    ticket: str


@dataclass(frozen=True, slots=True)
class ClockKnown:
    """The clock was read for a run."""

    run: RunId
    now: Tai


@dataclass(frozen=True, slots=True)
class ClockUnknown:
    """The clock could not be read for a run."""

    run: RunId
    reason: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The way to an agent has ended: sooner known than by its silence."""

    agent: str
    reason: str


@dataclass(frozen=True, slots=True)
class TurnHeld:
    """Nobody else uses the agents of a job now."""

    ticket: str


Event = (
    Submitted
    | Asked
    | Withdrawn
    | ResultReceived
    | Answer
    | Beat
    | Gone
    | ClockKnown
    | ClockUnknown
    | TurnHeld
    | TimePassed
)


# What is to be done


@dataclass(frozen=True, slots=True)
class Keep:
    """Have this on the disk before anybody is told what comes after it, or FIRE is said.

    Nothing else waits for a disk: a run that comes to nothing with its coordinator, and that
    nobody was promised, has done no harm.
    """

    entry: Entry


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell whoever asked: the job is accepted, or has ended."""

    state: JobAccepted | JobEnded


@dataclass(frozen=True, slots=True)
class AskTurn:
    """Let nobody else use these agents; ends with ``TurnHeld``, given back at the job's end."""

    ticket: str
    agents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StandAside:
    """Another coordinator has taken over: end this process, touch nothing."""

    session: int


Action = Send | AskTime | AskTurn | Keep | Tell | StandAside
