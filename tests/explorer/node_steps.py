"""What may happen next at a node without a fault, and when; what it comes to at last."""

from dataclasses import replace

from tests.explorer.abstraction import later
from tests.explorer.agent_process import born, in_order, told
from tests.explorer.hardware import LATE_FS, act, collected, collected_in, risen
from tests.explorer.machines import NEVER, NOW, NOW_S, PER_S, QUANTUM_FS, quanta
from tests.explorer.node import DEAD, FROZEN, UP, Command, Node, NodeStep, Reading, Turn, said

from podium.control.runs.agent_values import ClockRead, Phase, Ticked


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
    if node.collecting is not None and collected_in(node) <= 0:
        action = node.collecting.action
        after = replace(node, collecting=None)
        event = collected(node, action)
        step = told(after, event, f"{node.name} has collected run {action.run}", action)
        found.append((_turn(node.collecting.slow), step))
    if node.hardware.owed and not node.commands:
        silent = replace(node.hardware, plays=None, armed=False, owed=False)
        after = replace(node, hardware=silent)
        what = f"what is owed to the outputs of {node.name} is done"
        found.append((Turn.WHEN_STILL, NodeStep(what, node, None, (), after)))
    if _ticks(node):
        step = told(node, Ticked(), f"time passes at {node.name}")
        if step.after != node or step.actions or not node.agent.unsafe:
            found.append((Turn.NOW, step))
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
    what = f"{node.name} does {said(head.action)}"
    after, event = replace(node, commands=node.commands[1:]), head.ends
    if event is None:
        after, event = act(after, head)
    if head.unheard:
        return NodeStep(what, node, None, (), after, head.action)
    step = told(after, event, what, None if head.ends is not None else head.action)
    return replace(step, before=node)


def _read(node: Node, reading: Reading) -> NodeStep:
    after = replace(node, readings=tuple(one for one in node.readings if one != reading))
    asked_s = NOW_S if reading.asked_s is None else reading.asked_s
    event = reading.read or ClockRead(reading.run, NOW, node.epochs, asked_s, NOW_S)
    return told(after, event, f"{node.name} has read the clock for run {reading.run}")


# Time


def at_later(node: Node, count: int) -> Node:
    """Return the node ``count`` quanta later: nothing of it was due before."""
    node = later(node, count)
    hardware = node.hardware
    if hardware.plays is not None and hardware.plays[1] <= NOW:
        node = replace(node, hardware=replace(hardware, plays=None))
    if node.hardware.trigger is not None and node.hardware.trigger[1] - NOW <= LATE_FS:
        node = risen(node)
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
        instants.append(collected_in(node))
    ahead = [int(one) for one in instants if one > 0]
    return min(ahead, default=NEVER)


def due_finely(node: Node) -> int:
    """Return the same where something is slow: then every quantum until after T0 matters."""
    t0 = node.t0
    return min(due(node), 1 if t0 is not None and NOW - t0 <= quanta(2) else NEVER)


def is_slow(node: Node) -> bool:
    """Return whether something of a node stays under way while time goes on."""
    return (
        node.process == FROZEN
        or any(one.slow for one in node.commands)
        or any(one.slow for one in node.readings)
        or (node.collecting is not None and node.collecting.slow)
    )


# After the faults


def healed(node: Node) -> Node:
    """Return a node where nothing is slow any longer; a dead one comes back by itself."""
    collecting = node.collecting
    return replace(
        node,
        process=UP if node.process == FROZEN else node.process,
        commands=tuple(replace(one, slow=False) for one in node.commands),
        readings=in_order(tuple(replace(one, slow=False) for one in node.readings)),
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
    if node.hardware.owed:
        return f"the outputs of {node.name} are not safe"
    at_rest = not node.hardware.armed and node.hardware.trigger is None
    if not at_rest or node.hardware.plays is not None:
        return f"the instruments of {node.name} are not safe"
    return ""


def marked(node: Node) -> str:
    """Say how a node is, in one line."""
    hand = node.agent.hand
    doing = "nothing" if hand is None else f"run {hand.run} is {hand.phase.value}"
    return f"{node.name} ({node.process}, life {node.life}): {doing}"
