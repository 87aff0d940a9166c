"""An agent's process: events to its machine, and what that wants to be done to the hardware."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tests.explorer.abstraction import without_reasons
from tests.explorer.machines import MARGINS, NOW_S, QUANTUM_FS, QUANTUM_S, tidied_agent
from tests.explorer.node import DEAD, Command, Memory, Node, NodeStep, Reading, said

from podium.control.bus.messages import RunId
from podium.control.runs import agent_machine
from podium.control.runs.agent_values import (
    Collect,
    Load,
    MakeSafe,
    ReadClock,
    Reply,
    RequestReceived,
    SetTrigger,
    StartNow,
)
from podium.control.runs.messages import CAPTURE, Abort, Fire, Greet, StoodDown


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
    what = f"{node.name} receives {said(request)}"
    if node.process == DEAD:
        return NodeStep(f"{what}, and is dead", node, None, (), node)
    step = told(node, RequestReceived(request), what)
    if stranger or not isinstance(request, Fire) or request.t0 is None:
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
        case RequestReceived(Abort(run)) if not _beyond_recall(before, run):
            stopped.add(run)
    for one in actions:
        match one:
            case Reply(StoodDown(_, run, unsafe=unsafe)):
                stopped.add(run)
                if unsafe and run not in memory.unsafe:
                    memory = replace(memory, unsafe=(*memory.unsafe, run))
            case Load(run):
                memory = replace(memory, loaded=(*memory.loaded, run))
    session = memory.session
    if isinstance(event, RequestReceived):
        request = event.request
        of = request.session if isinstance(request, Greet) else request.run.session
        session = max(session, of)
    memory = replace(memory, stopped=tuple(sorted(stopped)), session=session)
    return after if memory == after.memory else replace(after, memory=memory)


def _beyond_recall(node: Node, run: RunId) -> bool:
    """Return whether what lets a run begin is done, or was commanded to be."""
    hardware = node.hardware
    return (
        (hardware.trigger is not None and hardware.trigger[0] == run)
        or (hardware.plays is not None and hardware.plays[0] == run)
        or any(one.action.run == run for one in _starts(node))
        or (run in [played for played, _ in hardware.played])
    )


def _starts(node: Node) -> Iterable[Command]:
    return (one for one in node.commands if isinstance(one.action, SetTrigger | StartNow))


def _doing(node: Node, actions: tuple[Any, ...]) -> Node:
    """Begin what the machine wants to be done, as ``AgentRuns`` does."""
    for action in actions:
        match action:
            case Reply():
                pass
            case ReadClock(run, after_fs):
                due_s = NOW_S + after_fs / QUANTUM_FS * QUANTUM_S
                readings = (*node.readings, Reading(run, due_s))
                node = replace(node, readings=in_order(readings))
            case MakeSafe():
                # What was given to an instrument is done before it. Who is waited for is slow.
                under_way = tuple(
                    replace(one, unheard=not one.slow or isinstance(one.action, MakeSafe))
                    for one in node.commands[:1]
                    if one.slow or one.may_act
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


def in_order(readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """Return readings of the clock in an order of their own, each once."""
    unique = dict.fromkeys(readings)
    return tuple(sorted(unique, key=_place_of))


def _place_of(reading: Reading) -> Any:
    asked = reading.asked_s is None, reading.read is None
    return reading.run, reading.due_s, asked, reading.slow
