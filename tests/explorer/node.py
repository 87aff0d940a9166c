"""One node: an agent's machine, the commands that it has given, and the truth about its hardware.

A step is what the agent's process or the hardware does next; it takes no time. Each of the
hardware's commands is done, fails, or stays under way (*slow*): then time goes on without it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from tests.explorer.machines import (
    DURATION_FS,
    GRID_FS,
    MARGINS,
    NEVER,
    NOW,
    NOW_S,
    OFFSET_FS,
    PER_S,
    QUANTUM_FS,
    QUANTUM_S,
    RESOLUTION_FS,
    later,
    quanta,
    tidied_agent,
    without_reasons,
)

from podium.control.bus.messages import RunId
from podium.control.runs import agent_machine
from podium.control.runs.agent_values import (
    AgentState,
    ArmedUp,
    ArmUp,
    ClockRead,
    Collect,
    Collected,
    HardwareFailed,
    Heard,
    Load,
    Loaded,
    MadeSafe,
    MakeSafe,
    NotSafe,
    Phase,
    ReadClock,
    Reply,
    SetTrigger,
    Ticked,
    TriggerSet,
)
from podium.control.runs.messages import CAPTURE, Abort, Answer, Fire, Greet, Relock, Start
from podium.control.timebase.epochs import Epochs
from podium.firmware_interfaces.tai import Tai

BACK_AFTER = 3
"""Quanta until a dead agent can be back: above the guard. ASSUMED: as in chaos, no process starts
so fast that a trigger of its life before is still to come."""

LATE_FS = 1_000_000
"""An edge that is late comes a quantum and 1 ns after its time."""

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

    def epochs(self, name: str) -> Epochs:
        return Epochs.of({"house": self.house, f"clock of {name}": self.own})


@dataclass(frozen=True, slots=True)
class Command:
    """A command that is done after those before it."""

    action: Any
    slow: bool = False
    acted: bool = False
    """It is done, and its answer is still under way."""
    unheard: bool = False
    """Nobody waits for its answer any more."""


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


def born(name: str, life: int, before: Node | None = None, source: str = CAPTURE) -> Node:
    """Return a node whose agent has just been started, on the hardware as it is."""
    state, actions = agent_machine.born(name, life, MARGINS)
    state = tidied_agent(without_reasons(state))
    if before is None:
        node = Node(name, life, state, source=source)
    else:
        memory = Memory(stopped=before.memory.stopped)
        node = Node(
            name, life, state, hardware=before.hardware, memory=memory, source=before.source
        )
    return _doing(node, actions)


def told(node: Node, event: Any, what: str, done: Any = None) -> NodeStep:
    """Return what an event leads to."""
    try:
        state, actions = agent_machine.step(node.agent, event, NOW_S)
    except Exception as error:  # whatever it is, a machine raises nothing
        return NodeStep(what, node, event, (), node, done, f"{type(error).__name__}: {error}")
    after = replace(node, agent=tidied_agent(without_reasons(state)))
    after = _remembered(node, event, actions, _doing(after, actions))
    return NodeStep(what, node, event, actions, after, done)


def hear(node: Node, request: Any, stranger: bool = False) -> NodeStep:
    """Return what a request leads to; a dead process does nothing."""
    what = f"{node.name} receives {_said(request)}"
    if node.process == DEAD:
        return NodeStep(f"{what}, and is dead", node, None, (), node)
    step = told(node, Heard(request), what)
    if stranger or isinstance(request, Greet) or not isinstance(request, Fire):
        return step
    if request.run.session >= node.agent.session:
        fires = tuple(sorted({*step.after.memory.fires, (request.run, request.t0)}))
        memory = replace(step.after.memory, fires=fires)
        step = replace(step, after=replace(step.after, memory=memory))
    return step


def _remembered(before: Node, event: Any, actions: tuple[Any, ...], after: Node) -> Node:
    memory = after.memory
    stopped = set(memory.stopped)
    match event:
        case Heard(Abort(run)) if not _beyond_recall(before, run):
            stopped.add(run)
    for one in actions:
        match one:
            case Reply(answer) if type(answer).__name__ == "StoodDown":
                stopped.add(answer.run)
            case Load(run):
                memory = replace(memory, loaded=(*memory.loaded, run))
    session = memory.session
    if isinstance(event, Heard):
        request = event.request
        of = request.session if isinstance(request, Greet) else request.run.session
        session = max(session, of)
    memory = replace(memory, stopped=tuple(sorted(stopped)), session=session)
    return after if memory == after.memory else replace(after, memory=memory)


def _beyond_recall(node: Node, run: RunId) -> bool:
    """Return whether the trigger for a run is set, or was commanded to be."""
    hardware = node.hardware
    return (
        (hardware.trigger is not None and hardware.trigger[0] == run)
        or (hardware.plays is not None and hardware.plays[0] == run)
        or any(one.action == SetTrigger(run, one.action.t0) for one in _triggers(node))
        or (run in [played for played, _ in hardware.played])
    )


def _triggers(node: Node) -> Iterable[Command]:
    return (one for one in node.commands if isinstance(one.action, SetTrigger))


def _doing(node: Node, actions: tuple[Any, ...]) -> Node:
    """Begin what the machine wants to be done, as ``Starting`` of an agent does."""
    for action in actions:
        match action:
            case Reply():
                pass
            case ReadClock(run, after_fs):
                due_s = NOW_S + after_fs / QUANTUM_FS * QUANTUM_S
                readings = (*node.readings, Reading(run, due_s))
                node = replace(node, readings=_in_order(readings))
            case MakeSafe():
                # What was given to an instrument is done before it. Who is waited for is slow.
                under_way = tuple(
                    one if one.slow else replace(one, unheard=True)
                    for one in node.commands[:1]
                    if one.slow or _may_act(one)
                )
                node = replace(
                    node,
                    commands=(*under_way, Command(action)),
                    readings=tuple(one for one in node.readings if one.slow),
                    collecting=None,
                )
            case Collect():
                node = replace(node, collecting=Command(action))
            case _:
                node = replace(node, commands=(*node.commands, Command(action)))
    return node


def _may_act(command: Command) -> bool:
    return isinstance(command.action, SetTrigger) and not command.acted


def _in_order(readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
    unique = dict.fromkeys(readings)
    return tuple(sorted(unique, key=_place_of))


def _place_of(reading: Reading) -> Any:
    asked = reading.asked_s is None, reading.read is None
    return reading.run, reading.due_s, asked, reading.slow


# The hardware


def act(node: Node, command: Command) -> tuple[Node, Any]:
    """Let the hardware do a command; return the event with which it ends."""
    hardware = node.hardware
    match command.action:
        case Load(run, program):
            hardware = replace(
                hardware,
                loaded=run,
                loaded_under=node.epochs,
                relocked=None,
                armed=False,
                starts=0,
                start=None,
            )
            event: Any = Loaded(
                run,
                f"hash of {program}",
                node.epochs,
                GRID_FS,
                OFFSET_FS,
                node.source,
                DURATION_FS,
            )
        case ArmUp(run):
            hardware = replace(
                hardware, armed=hardware.loaded is not None, starts=0, start=None, late=0
            )
            event = ArmedUp(run, node.epochs, NOW)
        case SetTrigger(run, t0):
            if t0 <= NOW:
                hardware = replace(hardware, late=hardware.late + 1)
            else:
                hardware = replace(hardware, trigger=(run, t0))
            event = TriggerSet(run)
        case MakeSafe():
            event = MadeSafe(hardware.starts > 0)
            hardware = replace(
                hardware, loaded=None, loaded_under=None, relocked=None, armed=False,
                trigger=None, plays=None, start=None, starts=0, late=0, edge_is_late=False,
            )  # fmt: skip
            node = replace(node, memory=replace(node.memory, made_safe=True))
        case _:
            raise AssertionError(command)
    return replace(node, hardware=hardware), event


def collected(node: Node, action: Collect) -> Collected:
    hardware = node.hardware
    relocks = ()
    if hardware.loaded_under is not None:
        moved = hardware.loaded_under.moved(node.epochs)
        relocks = tuple(Relock(one.domain, one.now or 0) for one in moved)
    return Collected(
        action.run,
        node.epochs,
        relocks,
        hardware.start,
        hardware.starts,
        hardware.late,
        0,
        str(hardware.loaded).encode(),
    )


def _rise(node: Node) -> Node:
    """Let the edge of the trigger come, whose time is now."""
    hardware = node.hardware
    assert hardware.trigger is not None
    run, t0 = hardware.trigger
    if hardware.edge == "late":
        at = Tai.from_fs(t0.total_fs + quanta(1) + LATE_FS)
        return replace(
            node,
            hardware=replace(hardware, trigger=(run, at), edge="", edge_is_late=True),
        )
    lost = hardware.edge == "lost" or not hardware.armed or hardware.loaded is None
    hardware = replace(hardware, trigger=None, edge="")
    if lost:
        return replace(node, hardware=replace(hardware, edge_is_late=False))
    flaw = "its edge was late" if hardware.edge_is_late else ""
    if hardware.loaded_under != node.epochs:
        flaw = "a clock had been locked anew"
    resolved = Tai.from_fs(t0.total_fs + OFFSET_FS)
    assert hardware.loaded is not None
    hardware = replace(
        hardware,
        armed=False,
        starts=hardware.starts + 1,
        start=Start(resolved, RESOLUTION_FS, node.source),
        plays=(hardware.loaded, Tai.from_fs(NOW.total_fs + DURATION_FS)),
        played=(*hardware.played, (hardware.loaded, flaw)),
        edge_is_late=False,
    )
    return replace(node, hardware=hardware)


# Time


def at_later(node: Node, count: int) -> Node:
    """Return the node ``count`` quanta later: nothing of it was due before."""
    node = later(node, count)
    hardware = node.hardware
    if hardware.plays is not None and hardware.plays[1] <= NOW:
        node = replace(node, hardware=replace(hardware, plays=None))
    if node.hardware.trigger is not None and node.hardware.trigger[1] - NOW <= LATE_FS:
        node = _rise(node)
    fires = node.memory.fires
    if fires and any(NOW - t0 > quanta(2) for _, t0 in fires):
        to_come = tuple((run, t0) for run, t0 in fires if NOW - t0 <= quanta(2))
        node = replace(node, memory=replace(node.memory, fires=to_come))
    return node


def due(node: Node) -> int:
    """Return in how many quanta something is due; ``NEVER``: nothing is."""
    instants: list[float] = []
    if node.hardware.trigger is not None:
        instants.append((node.hardware.trigger[1] - NOW) // QUANTUM_FS)
    if node.process == DEAD:
        instants.append((node.back_s - NOW_S) * PER_S)
    hand = node.agent.hand
    if hand is not None and hand.phase is Phase.ARMED and hand.lease_ends_s is not None:
        instants.append((hand.lease_ends_s - NOW_S) * PER_S)
    if node.agent.unsafe and not node.agent.making_safe:
        instants.append((node.agent.safe_at_s - NOW_S) * PER_S)
    instants += [(one.due_s - NOW_S) * PER_S for one in node.readings if one.read is None]
    if node.collecting is not None:
        instants.append(_collected_in(node))
    ahead = [int(one) for one in instants if one > 0]
    return min(ahead, default=NEVER)


def due_finely(node: Node) -> int:
    """Return the same where something is slow: then every quantum until after T0 matters."""
    t0 = node.t0
    return min(due(node), 1 if t0 is not None and NOW - t0 <= quanta(2) else NEVER)


def _collected_in(node: Node) -> float:
    assert node.collecting is not None
    action = node.collecting.action
    ends_fs = action.t0 - NOW + action.duration_fs
    if node.hardware.plays is not None:
        ends_fs = max(ends_fs, node.hardware.plays[1] - NOW)
    return ends_fs // QUANTUM_FS


# The steps that are open to a node


def steps(node: Node) -> list[tuple[Turn, NodeStep]]:
    """Return what may happen next at a node without a fault."""
    if node.process == DEAD:
        if node.back_s <= NOW_S:
            back = born(node.name, node.life + 1, node)
            what = f"{node.name} is started anew"
            return [(Turn.WHEN_STILL, NodeStep(what, node, None, (), back))]
        return []
    found: list[tuple[Turn, NodeStep]] = []
    if node.process == FROZEN:
        thawed = replace(node, process=UP)
        return [(Turn.WHEN_STILL, NodeStep(f"{node.name} thaws", node, None, (), thawed))]
    if node.commands:
        head = node.commands[0]
        found.append((_turn(head.slow), _done(node, head)))
    for reading in node.readings:
        if reading.due_s <= NOW_S:
            found.append((_turn(reading.slow), _read(node, reading)))
    if node.collecting is not None and _collected_in(node) <= 0:
        action = node.collecting.action
        after = replace(node, collecting=None)
        event = collected(node, action)
        step = told(after, event, f"{node.name} has collected run {action.run}", action)
        found.append((_turn(node.collecting.slow), step))
    if _ticks(node):
        found.append((Turn.NOW, told(node, Ticked(), f"time passes at {node.name}")))
    return found


def _turn(slow: bool) -> Turn:
    return Turn.ANY_TIME if slow else Turn.NOW


def _ticks(node: Node) -> bool:
    hand = node.agent.hand
    if hand is not None and hand.phase is Phase.ARMED and hand.lease_ends_s is not None:
        return hand.lease_ends_s <= NOW_S
    agent = node.agent
    return bool(agent.unsafe) and not agent.making_safe and agent.safe_at_s <= NOW_S


def _done(node: Node, head: Command) -> NodeStep:
    what = f"{node.name} does {_said(head.action)}"
    after = replace(node, commands=node.commands[1:])
    event = _answer_of(head.action)
    if not head.acted:
        after, event = act(after, head)
    if head.unheard:
        return NodeStep(what, node, None, (), after, head.action)
    step = told(after, event, what, None if head.acted else head.action)
    return replace(step, before=node)


def _answer_of(action: Any) -> Any:
    return TriggerSet(action.run) if isinstance(action, SetTrigger) else None


def _read(node: Node, reading: Reading) -> NodeStep:
    after = replace(node, readings=tuple(one for one in node.readings if one != reading))
    asked_s = NOW_S if reading.asked_s is None else reading.asked_s
    event = reading.read or ClockRead(reading.run, NOW, node.epochs, asked_s)
    return told(after, event, f"{node.name} has read the clock for run {reading.run}")


def faults(node: Node) -> list[tuple[str, NodeStep]]:
    """Return what may go wrong at a node, each by its kind."""
    if node.process != UP:
        return []
    name = node.name
    found: list[tuple[str, NodeStep]] = []

    def add(kind: str, what: str, after: Node) -> None:
        found.append((kind, NodeStep(f"({kind}) {what}", node, None, (), after)))

    def fail(what: str, after: Node, event: Any) -> None:
        step = told(after, event, f"(hardware fails) {what}")
        found.append(("hardware fails", replace(step, before=node)))

    busy = node.commands or node.readings or node.collecting or node.agent.hand
    if node.commands:
        head, rest = node.commands[0], node.commands[1:]
        said = _said(head.action)
        if not head.unheard:
            without = replace(node, commands=rest)
            fail(f"{said} at {name}", without, _failure(head.action))
            if _may_act(head):
                acted, _ = act(without, head)
                fail(f"the answer to {said} at {name}", acted, _failure(head.action))
            if isinstance(head.action, Load):
                acted, event = act(without, head)
                event = replace(event, program_hash="hash of another program")
                step = told(acted, event, f"(compiled otherwise) {said} at {name}", head.action)
                found.append(("compiled otherwise", replace(step, before=node)))
        if not head.slow:
            late = replace(node, commands=(replace(head, slow=True), *rest))
            add("hardware is slow", f"{said} at {name} stays under way", late)
            if _may_act(head) and not head.unheard:
                acted, _ = act(node, head)
                held = replace(head, slow=True, acted=True)
                add(
                    "hardware is slow",
                    f"{said} at {name} is done, its answer stays under way",
                    replace(acted, commands=(held, *rest)),
                )
    for reading in node.readings:
        others = tuple(one for one in node.readings if one != reading)
        if reading.due_s <= NOW_S and not reading.slow:
            fail(
                f"reading the clock at {name}",
                replace(node, readings=others),
                HardwareFailed(reading.run, "it failed"),
            )
            waits = replace(reading, slow=True)
            add(
                "hardware is slow",
                f"{name} wakes up late to read the clock",
                replace(node, readings=_in_order((*others, waits))),
            )
            asked = replace(waits, asked_s=NOW_S)
            add(
                "hardware is slow",
                f"{name} asks the clock, which takes its time",
                replace(node, readings=_in_order((*others, asked))),
            )
            told_later = replace(waits, read=ClockRead(reading.run, NOW, node.epochs, NOW_S))
            add(
                "hardware is slow",
                f"{name} has asked the clock, the reading stays under way",
                replace(node, readings=_in_order((*others, told_later))),
            )
    if node.collecting is not None and _collected_in(node) <= 0 and not node.collecting.slow:
        run = node.collecting.action.run
        without = replace(node, collecting=None)
        fail(f"collecting run {run} at {name}", without, HardwareFailed(run, "it failed"))
        waits_on = replace(node, collecting=replace(node.collecting, slow=True))
        add("hardware is slow", f"{name} goes on collecting run {run}", waits_on)
    if node.hardware.trigger is not None and not node.hardware.edge:
        for edge in ("lost", "late"):
            hardware = replace(node.hardware, edge=edge)
            add(f"edge {edge}", f"at {name}", replace(node, hardware=hardware))
    if busy:
        add("agent freezes", name, replace(node, process=FROZEN))
        add("clock re-locks", f"the own one of {name}", relocked(node, own=True))
        for acts in (False, True):
            if not acts:
                add("agent crashes", name, _crashed(node))
            elif node.commands and _may_act(node.commands[0]):
                acted, _ = act(node, node.commands[0])
                add("agent crashes", f"{name}, once it has set the trigger", _crashed(acted))
    return found


def relocked(node: Node, own: bool) -> Node:
    """Return the node after a clock was locked anew: its own, or the one that all share."""
    hardware = node.hardware
    if own:
        hardware = replace(hardware, own=hardware.own + 1)
    else:
        hardware = replace(hardware, house=hardware.house + 1)
    if hardware.loaded is not None and hardware.relocked is None:
        hardware = replace(hardware, relocked=NOW)
    return replace(node, hardware=hardware)


def _crashed(node: Node) -> Node:
    agent = AgentState(node.name, node.life, MARGINS)
    back_s = NOW_S + BACK_AFTER * QUANTUM_S
    memory = Memory(stopped=node.memory.stopped)
    return Node(
        node.name,
        node.life,
        agent,
        DEAD,
        back_s,
        hardware=node.hardware,
        memory=memory,
        source=node.source,
    )


def _failure(action: Any) -> Any:
    if isinstance(action, MakeSafe):
        return NotSafe("it failed")
    return HardwareFailed(action.run, "it failed")


def _said(what: Any) -> str:
    """Say a request, an answer or a command."""
    name = type(what).__name__
    run = getattr(what, "run", None)
    return name if run is None else f"{name} of run {run}"


said = _said


def is_slow(node: Node) -> bool:
    """Return whether something of a node stays under way while time goes on."""
    return (
        node.process == FROZEN
        or any(one.slow for one in node.commands)
        or any(one.slow for one in node.readings)
        or (node.collecting is not None and node.collecting.slow)
    )


def healed(node: Node) -> Node:
    """Return a node where nothing is slow any more; a dead one comes back by itself."""
    collecting = node.collecting
    return replace(
        node,
        process=UP if node.process == FROZEN else node.process,
        commands=tuple(replace(one, slow=False) for one in node.commands),
        readings=_in_order(tuple(replace(one, slow=False) for one in node.readings)),
        collecting=None if collecting is None else replace(collecting, slow=False),
        hardware=replace(node.hardware, edge=""),
    )


def not_idle(node: Node) -> str:
    """Say what a node still does; empty: nothing, and its instruments are safe."""
    hand, agent = node.agent.hand, node.agent
    if node.process != UP or agent.unsafe or agent.making_safe or agent.following is not None:
        return f"{node.name} is not ready"
    if hand is not None and hand.phase is not Phase.ENDED:
        return f"{node.name} still has run {hand.run} in hand"
    if node.commands or node.readings or node.collecting is not None:
        return f"{node.name} still uses its hardware"
    if node.hardware.armed or node.hardware.trigger is not None or node.hardware.plays is not None:
        return f"the instruments of {node.name} are not safe"
    return ""


def marked(node: Node) -> str:
    """Say how a node is, in one line."""
    hand = node.agent.hand
    doing = "nothing" if hand is None else f"run {hand.run} is {hand.phase.value}"
    return f"{node.name} ({node.process}, life {node.life}): {doing}"
