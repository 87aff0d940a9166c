"""What goes wrong, and when: at random instants, and at every step of the protocol."""

import math
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.chaos.scheduler import Process, ms

from podium.control.bus.messages import RunId
from podium.control.runs.agent_values import Phase, Reply, RequestReceived
from podium.control.runs.coordinator_values import Keep, Tell
from podium.control.runs.messages import Abort, Arm, AskReport, Fire, Prepare
from podium.control.runs.run_values import Send

if TYPE_CHECKING:
    from tests.chaos.world import World

MESSAGES = ("lose", "delay", "duplicate", "reorder", "stale copy")
AT_STEPS_OF_AGENTS = ("kill agent", "freeze agent", "re-lock controller", "re-lock timing")
AT_STEPS_OF_COORDINATORS = ("kill coordinator", "freeze coordinator", "replace coordinator")
OF_HARDWARE = ("lose trigger", "late trigger message", "late trigger edge", "lose instruments")
AT_INSTANTS = ("kill any agent", "freeze any agent", "re-lock at an instant", "lose link")
KINDS = (
    *MESSAGES,
    *AT_STEPS_OF_AGENTS,
    *AT_STEPS_OF_COORDINATORS,
    *OF_HARDWARE,
    *AT_INSTANTS,
)

SENT = ("Prepare", "Arm", "Fire", "AskReport", "Abort", "Greet")
ANSWERED = ("Prepared", "Armed", "FireTaken", "Report", "StoodDown", "Refusal", "Present", "Beat")
STALE = (*SENT[:-1], "Fire", "Fire", "Fire")
STEPS_OF_AGENTS = (
    *(f"RequestReceived {name}" for name in SENT),
    *(f"Reply {name}" for name in ANSWERED[:-1]),
    *("Load", "ArmUp", "ReadClock", "SetTrigger", "Collect", "MakeSafe"),
    *("Loaded", "ArmedUp", "ClockRead", "TriggerSet", "Collected", "MadeSafe", "Ticked"),
)
STEPS_OF_COORDINATORS = (
    *(f"Send {name}" for name in SENT),
    *ANSWERED,
    *("Submitted", "ResultReceived", "ClockKnown", "AskTime", "TimePassed", "Tell JobEnded"),
    *("Keep JobAccepted", "Keep JobEnded", "Tell JobAccepted", "Keep JobForgotten"),
)
RESTART_MS = (50, 1_000)
"""A process is started anew after this. What its old connections still carry is executed within
20 ms. ASSUMED: no process starts faster than an instrument drops a dead connection."""


@dataclass(frozen=True, slots=True)
class Fault:
    kind: str
    step: str


def name_of(what: Any) -> str:
    match what:
        case RequestReceived(inner) | Reply(inner) | Keep(inner) | Tell(inner) | Send(_, inner):
            return f"{type(what).__name__} {type(inner).__name__}"
    return type(what).__name__


class Faults:
    """Draws faults, waits with each for its step, does it, counts it."""

    def __init__(self, world: "World", draw: random.Random, wanted: int, every_ms: float) -> None:
        self._world = world
        self._draw = draw
        self._wanted = wanted
        self._every_ms = every_ms
        self._waiting: dict[str, deque[Fault]] = {}
        self._late_triggers: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.seen_steps: set[tuple[str, str]] = set()
        """(kind, step) of what was done at a step."""

    @property
    def enough(self) -> bool:
        return self.done.total() >= self._wanted

    def begin(self) -> None:
        self._world.scheduler.after(ms(self._draw.expovariate(1 / self._every_ms)), self._draw_one)

    def _draw_one(self) -> None:
        if self.enough:
            self._waiting.clear()
            return
        kind = self._draw.choice(KINDS)
        if self._world.raises_late_triggers and kind == "late trigger message":
            kind = "lose trigger"
        if kind in MESSAGES:
            sent = STALE if kind == "stale copy" else (*SENT, *ANSWERED)
            self._wait(Fault(kind, self._draw.choice(sent)))
        elif kind in AT_STEPS_OF_AGENTS:
            step = self._draw.choice(STEPS_OF_AGENTS)
            if self._world.raises_late_triggers and step == "SetTrigger":
                step = "ReadClock"
            self._wait(Fault(kind, f"agent {step}"))
        elif kind in AT_STEPS_OF_COORDINATORS:
            self._wait(Fault(kind, f"coordinator {self._draw.choice(STEPS_OF_COORDINATORS)}"))
        else:
            self._at_once(kind, self._draw.choice(self._world.names))
        self.begin()

    def _wait(self, fault: Fault) -> None:
        self._waiting.setdefault(fault.step, deque()).append(fault)

    def _taken(self, step: str) -> Fault | None:
        waiting = self._waiting.get(step)
        if not waiting:
            return None
        fault = waiting.popleft()
        self.done[fault.kind] += 1
        self.seen_steps.add((fault.kind, step))
        return fault

    def _some_ms(self, low: float, high: float) -> int:
        """Return a time, every order of magnitude as often as any other."""
        return ms(math.exp(self._draw.uniform(math.log(low), math.log(high))))

    # At a step

    def hit(self, process: Process, what: Any, later: Callable[[], None]) -> bool:
        """Do what waits for this step of a process; True: it does not go on now.

        ``later`` is what it goes on with when it is thawed.
        """
        fault = self._taken(f"{process.role} {name_of(what)}")  # type: ignore[attr-defined]
        if fault is None:
            return not process.alive
        world, name = self._world, process.name  # type: ignore[attr-defined]
        match fault.kind:
            case "kill agent":
                world.kill_agent(name, self._some_ms(*RESTART_MS))
            case "kill coordinator":
                world.kill_coordinator(process, self._some_ms(*RESTART_MS))
            case "freeze agent" | "freeze coordinator":
                process.freeze(self._some_ms(0.3, 2_000))
                process.backlog.appendleft(later)
            case "replace coordinator":
                # Thought to be dead, it is replaced, and wakes up again.
                process.freeze(self._some_ms(60, 2_000))
                process.backlog.appendleft(later)
                world.replace_coordinator(self._some_ms(*RESTART_MS))
            case "re-lock controller":
                world.plants[name].relock_controller()
                return False
            case "re-lock timing":
                world.plants[name].relock_timing()
                return False
        return True

    # On the way of a message

    def ways_of(self, message: Any, arrive: Callable[[], None], node: str) -> tuple[int, ...]:
        """Return the delays beyond the usual of the copies of a message that arrive."""
        fault = self._taken(type(message).__name__)
        match fault.kind if fault is not None else "":
            case "lose":
                return ()
            case "delay":
                return (self._some_ms(5, 1_000),)
            case "reorder":
                return (self._some_ms(1, 30),)
            case "duplicate":
                return 0, self._some_ms(0.1, 500)
            case "stale copy" if isinstance(message, Prepare | Arm | Fire | AskReport | Abort):
                # Given up soon, so that there is a later run while its T0 is still to come.
                self._world.withdraw(message.run, self._some_ms(0.5, 10))
                self._hold(message.run, arrive, node, self._world.scheduler.now_fs + ms(1_000))
        return (0,)

    def _hold(self, run: RunId, arrive: Callable[[], None], node: str, until_fs: int) -> None:
        """Let a second copy arrive when a later run of the agent might take it for its own."""
        hand = self._world.agents[node].state.hand
        later = hand is not None and hand.run > run and hand.phase is not Phase.ENDED
        if (later and hand.phase is Phase.ARMED) or self._world.scheduler.now_fs >= until_fs:
            arrive()
        else:
            again = partial(self._hold, run, arrive, node, until_fs)
            self._world.scheduler.after(ms(0.5), again)

    # At any instant

    def trigger_message_late_fs(self, node: str) -> int:
        """Return by how much the next setting of a trigger takes longer."""
        if not self._late_triggers[node]:
            return 0
        self._late_triggers[node] -= 1
        return self._some_ms(1, 60)

    def _at_once(self, kind: str, node: str) -> None:
        world, plant = self._world, self._world.plants[node]
        self.done[kind] += 1
        match kind:
            case "lose trigger":
                plant.lose_next_edge += 1
            case "late trigger message":
                self._late_triggers[node] += 1
            case "late trigger edge":
                plant.delay_next_edge = self._some_ms(20e-6, 0.1)
            case "lose instruments":
                world.lose_instruments(node, self._some_ms(50, 500))
            case "kill any agent":
                world.kill_agent(node, self._some_ms(*RESTART_MS))
            case "freeze any agent":
                world.agents[node].freeze(self._some_ms(0.3, 2_000))
            case "re-lock at an instant":
                if self._draw.random() < 0.5:
                    plant.relock_controller()
                else:
                    plant.relock_timing()
            case "lose link":
                world.lose_link(node, self._some_ms(5, 1_500))
