"""What may go wrong at a node."""

from dataclasses import replace
from typing import Any

from tests.explorer.agent_process import in_order, told
from tests.explorer.hardware import act, collected_in, failed, relocked
from tests.explorer.machines import MARGINS, NOW, NOW_S, QUANTUM_S
from tests.explorer.node import DEAD, FROZEN, UP, Memory, Node, NodeStep, said

from podium.control.runs.agent_values import (
    AgentState,
    ClockRead,
    HardwareFailed,
    Load,
    MakeSafe,
    NotSafe,
)

BACK_AFTER = 3
"""Quanta until a dead agent can be back: above the guard. ASSUMED: as in chaos, no process starts
so fast that a trigger of its life before is still to come."""

Fault = tuple[str, NodeStep]
"""Its kind, and what it does."""


def faults(node: Node) -> list[Fault]:
    """Return what may go wrong at a node, each by its kind."""
    if node.process != UP:
        return []
    name = node.name
    busy = node.commands or node.readings or node.collecting or node.agent.hand
    found = [*_of_commands(node), *_of_readings(node), *_of_collecting(node)]
    if node.hardware.trigger is not None and not node.hardware.edge:
        for edge in ("lost", "late"):
            hardware = replace(node.hardware, edge=edge)
            found.append(
                _fault(f"edge {edge}", node, f"at {name}", replace(node, hardware=hardware))
            )
    if busy:
        found.append(_fault("agent freezes", node, name, replace(node, process=FROZEN)))
        own = relocked(node, own=True)
        found.append(_fault("clock re-locks", node, f"the own one of {name}", own))
        found.append(_fault("agent crashes", node, name, _crashed(node)))
        if node.commands and node.commands[0].may_act:
            acted, _ = act(node, node.commands[0])
            what = f"{name}, once it has done {said(node.commands[0].action)}"
            found.append(_fault("agent crashes", node, what, _crashed(acted)))
    return found


def _fault(kind: str, node: Node, what: str, after: Node) -> Fault:
    return kind, NodeStep(f"({kind}) {what}", node, None, (), after)


def _fails(node: Node, what: str, after: Node, event: Any) -> Fault:
    step = told(after, event, f"(hardware fails) {what}")
    return "hardware fails", replace(step, before=node)


def _of_commands(node: Node) -> list[Fault]:
    if not node.commands:
        return []
    found: list[Fault] = []
    name, head, rest = node.name, node.commands[0], node.commands[1:]
    what = said(head.action)
    if not head.unheard:
        without = replace(node, commands=rest)
        found.append(
            _fails(node, f"{what} at {name}", failed(without, head.action), _failure(head.action))
        )
        if head.may_act:
            acted, _ = act(without, head)
            failure = _failure(head.action)
            found.append(_fails(node, f"the answer to {what} at {name}", acted, failure))
        if isinstance(head.action, Load):
            acted, event = act(without, head)
            event = replace(event, program_hash="hash of another program")
            step = told(acted, event, f"(compiled otherwise) {what} at {name}", head.action)
            found.append(("compiled otherwise", replace(step, before=node)))
    if not head.slow:
        late = replace(node, commands=(replace(head, slow=True), *rest))
        kind = "hardware is slow"
        found.append(_fault(kind, node, f"{what} at {name} stays under way", late))
        if head.may_act and not head.unheard:
            acted, event = act(node, head)
            held = replace(acted, commands=(replace(head, slow=True, ends=event), *rest))
            words = f"{what} at {name} is done, its answer stays under way"
            found.append(_fault(kind, node, words, held))
    return found


def _of_readings(node: Node) -> list[Fault]:
    found: list[Fault] = []
    name, kind = node.name, "hardware is slow"
    for reading in node.readings:
        others = tuple(one for one in node.readings if one != reading)
        if reading.due_s > NOW_S:
            early = replace(node, readings=in_order((*others, replace(reading, due_s=NOW_S))))
            found.append(_fault(kind, node, f"{name} wakes up early to read the clock", early))
        if reading.due_s > NOW_S or reading.slow:
            continue
        without = replace(node, readings=others)
        failure = HardwareFailed(reading.run, "it failed")
        found.append(_fails(node, f"reading the clock at {name}", without, failure))
        waits = replace(reading, slow=True)
        asked = replace(waits, asked_s=NOW_S)
        told_later = replace(waits, read=ClockRead(reading.run, NOW, node.epochs, NOW_S, NOW_S))
        for what, slow in (
            (f"{name} wakes up late to read the clock", waits),
            (f"{name} asks the clock, which takes its time", asked),
            (f"{name} has asked the clock, the reading stays under way", told_later),
        ):
            after = replace(node, readings=in_order((*others, slow)))
            found.append(_fault(kind, node, what, after))
    return found


def _of_collecting(node: Node) -> list[Fault]:
    if node.collecting is None or collected_in(node) > 0 or node.collecting.slow:
        return []
    run = node.collecting.action.run
    without = replace(node, collecting=None)
    failure = HardwareFailed(run, "it failed")
    waits = replace(node, collecting=replace(node.collecting, slow=True))
    words = f"{node.name} goes on collecting run {run}"
    return [
        _fails(node, f"collecting run {run} at {node.name}", without, failure),
        _fault("hardware is slow", node, words, waits),
    ]


def _crashed(node: Node) -> Node:
    agent = AgentState(node.name, node.life, MARGINS)
    back_s = NOW_S + BACK_AFTER * QUANTUM_S
    memory = Memory(stopped=node.memory.stopped)
    # What is owed to outputs dies with the process: the next one makes all safe.
    hardware = replace(node.hardware, owed=False)
    return Node(
        node.name,
        node.life,
        agent,
        DEAD,
        back_s,
        hardware=hardware,
        memory=memory,
        source=node.source,
    )


def _failure(action: Any) -> Any:
    if isinstance(action, MakeSafe):
        return NotSafe("it failed", action.of_run)
    return HardwareFailed(action.run, "it failed")
