"""One node as values: an agent's machine, the commands that it has given, its hardware's truth.

A step is what the agent's process or the hardware does next; it takes no time. Each of the
hardware's commands is done, fails, or stays under way (*slow*): then time goes on without it.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from tests.explorer.abstraction import without_reasons

from podium.control.bus.messages import RunId
from podium.control.runs.agent_values import (
    AgentState,
    ClockRead,
    Phase,
    Reply,
    SetTrigger,
    StartNow,
)
from podium.control.runs.messages import CAPTURE, Answer, Start
from podium.control.timebase.epochs import Epochs
from podium.firmware_interfaces.tai import Tai

UP, FROZEN, DEAD = "up", "frozen", "dead"


class Turn(Enum):
    """When a step comes."""

    NOW = 1
    """Time waits for it."""
    ANY_TIME = 2
    """It stays under way as long as it likes."""
    WHEN_STILL = 3
    """Once all is done that time waits for; or later. ASSUMED: a process takes longer to be back
    than what is under way at once."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """What the instruments of a node do, whoever thinks what."""

    house: int = 1
    own: int = 1
    """Epochs of the clock that all nodes share, and of its own."""
    loaded: RunId | None = None
    loaded_under: Epochs | None = None
    """The epochs for which what is loaded was corrected."""
    relocked: Tai | None = None
    """When a clock was first locked anew after that."""
    at_once: bool = False
    """Whether what is loaded starts without a trigger."""
    armed: bool = False
    trigger: tuple[RunId, Tai] | None = None
    starts: int = 0
    late: int = 0
    start: Start | None = None
    edge: str = ""
    """What becomes of the next edge: ``lost``, ``late``; empty: it comes."""
    edge_is_late: bool = False
    plays: tuple[RunId, Tai] | None = None
    """And until when."""
    played: tuple[tuple[RunId, str], ...] = ()
    """All that left the connectors, and what is wrong with it."""
    owed: bool = False
    """Whether its outputs are still to be made safe: they are before anything else is loaded."""

    def epochs(self, name: str) -> Epochs:
        return Epochs.of({"house": self.house, f"clock of {name}": self.own})


@dataclass(frozen=True, slots=True)
class Command:
    """A command that is done after those before it."""

    action: Any
    slow: bool = False
    ends: Any = None
    """What it ends with, once it is done and only its answer is still under way."""
    unheard: bool = False
    """Nobody waits for its answer any longer."""

    @property
    def may_act(self) -> bool:
        """Whether something may start by it, and has not yet."""
        return isinstance(self.action, SetTrigger | StartNow) and self.ends is None


@dataclass(frozen=True, slots=True)
class Reading:
    """The clock is to be read, or its reading is on the way."""

    run: RunId
    due_s: float
    asked_s: float | None = None
    """When the exchange with the clock was begun; None: it was not."""
    read: ClockRead | None = None
    slow: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """What the judge remembers of a node."""

    fires: tuple[tuple[RunId, Tai], ...] = ()
    """FIREs that this life has received from a coordinator whose session counted."""
    stopped: tuple[RunId, ...] = ()
    """Runs that must not play from now on: aborted, or stood down, before a trigger was set."""
    loaded: tuple[RunId, ...] = ()
    """Runs that this life has taken on."""
    unsafe: tuple[RunId, ...] = ()
    """Runs of which this life has said that their outputs are not safe yet."""
    made_safe: bool = False
    """Whether this life has made its instruments safe."""
    session: int = -1
    """The highest session that this life has heard of."""


@dataclass(frozen=True, slots=True)
class Node:
    name: str
    life: int
    agent: AgentState
    process: str = UP
    back_s: float = 0.0
    commands: tuple[Command, ...] = ()
    readings: tuple[Reading, ...] = ()
    collecting: Command | None = None
    hardware: Hardware = Hardware()
    memory: Memory = Memory()
    source: str = CAPTURE

    @property
    def epochs(self) -> Epochs:
        return self.hardware.epochs(self.name)

    @property
    def t0(self) -> Tai | None:
        """The start that is before it."""
        hand = self.agent.hand
        if hand is None or hand.phase in (Phase.STANDING_DOWN, Phase.ENDED):
            return None
        return hand.t0


@dataclass(frozen=True, slots=True)
class NodeStep:
    """What a step of a node has led to."""

    what: str
    """In plain words."""
    before: Node
    event: Any
    """What its machine was given; None: nothing."""
    actions: tuple[Any, ...]
    """What that has led to, with the machine's own reasons."""
    after: Node
    done: Any = None
    """The command that the hardware has done."""
    error: str = ""
    """What the machine has raised."""

    @property
    def answers(self) -> tuple[Answer, ...]:
        return tuple(one.answer for one in self.actions if isinstance(one, Reply))

    @property
    def said(self) -> tuple[Answer, ...]:
        """What goes on the network."""
        return tuple(without_reasons(one) for one in self.answers)


def said(what: Any) -> str:
    """Say a request, an answer or a command."""
    name = type(what).__name__
    run = getattr(what, "run", None)
    return name if run is None else f"{name} of run {run}"
