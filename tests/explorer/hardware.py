"""What the instruments of a node do when they are commanded, or when an edge comes."""

from dataclasses import replace
from typing import Any

from tests.explorer.machines import (
    DURATION_FS,
    GRID_FS,
    NOW,
    OFFSET_FS,
    QUANTUM_FS,
    RESOLUTION_FS,
    quanta,
)
from tests.explorer.node import Command, Hardware, Node

from podium.control.runs.agent_values import (
    ArmedUp,
    ArmUp,
    Collect,
    Collected,
    HardwareFailed,
    Load,
    Loaded,
    MadeSafe,
    MakeSafe,
    SetTrigger,
    StartedNow,
    StartNow,
    TriggerSet,
)
from podium.control.runs.messages import UNVERIFIED, AtOnce, Relock, Start
from podium.firmware_interfaces.tai import Tai

LATE_FS = 1_000_000
"""An edge that is late comes a quantum and 1 ns after its time."""


def act(node: Node, command: Command) -> tuple[Node, Any]:
    """Let the hardware do a command; return the event with which it ends."""
    hardware = node.hardware
    match command.action:
        case Load(run, program, plan):
            if hardware.owed:
                hardware = silenced(hardware)
            at_once = isinstance(plan, AtOnce)
            hardware = replace(
                hardware,
                loaded=run,
                loaded_under=node.epochs,
                relocked=None,
                at_once=at_once,
                armed=False,
                starts=0,
                start=None,
            )
            event: Any = Loaded(
                run,
                f"hash of {program}",
                node.epochs,
                1 if at_once else GRID_FS,
                0 if at_once else OFFSET_FS,
                UNVERIFIED if at_once else node.source,
                DURATION_FS,
                DURATION_FS,
            )
        case ArmUp(run) if hardware.at_once:
            hardware = replace(hardware, armed=hardware.loaded_under == node.epochs, starts=0)
            event = ArmedUp(run, node.epochs)
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
        case StartNow(run) if hardware.loaded is None:
            event = HardwareFailed(run, "nothing is loaded")
        case StartNow(run):
            hardware = _begun(hardware, Start(NOW, 0, UNVERIFIED), "")
            event = StartedNow(run, NOW)
        case MakeSafe(of_run):
            event = MadeSafe(hardware.starts > 0, of_run)
            if not of_run or hardware.loaded in node.memory.loaded:
                hardware = silenced(hardware)
            if not of_run:
                hardware = replace(hardware, trigger=None, edge_is_late=False)
                node = replace(node, memory=replace(node.memory, made_safe=True))
        case _:
            raise AssertionError(command)
    return replace(node, hardware=hardware), event


def silenced(hardware: Hardware) -> Hardware:
    """Return the hardware where nothing is loaded or plays; a trigger may still be set."""
    return replace(
        hardware, loaded=None, loaded_under=None, relocked=None, at_once=False, armed=False,
        plays=None, start=None, starts=0, late=0, owed=False,
    )  # fmt: skip


def failed(node: Node, action: Any) -> Node:
    """Return a node whose hardware has not done a command: what was to be made safe is owed."""
    if not isinstance(action, MakeSafe):
        return node
    return replace(node, hardware=replace(node.hardware, owed=True))


def collected(node: Node, action: Collect) -> Collected:
    """Return what the controller says of a run that is over, or has not begun."""
    hardware = node.hardware
    data = str(hardware.loaded).encode()
    if hardware.at_once and hardware.loaded_under is not None:
        start = Start(action.t0, 0, UNVERIFIED)
        return Collected(action.run, hardware.loaded_under, (), start, 1, 0, 0, data)
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
        data,
    )


def risen(node: Node) -> Node:
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
    if lost or hardware.at_once:
        return replace(node, hardware=replace(hardware, edge_is_late=False))
    flaw = "its edge was late" if hardware.edge_is_late else ""
    if hardware.loaded_under != node.epochs:
        flaw = "a clock had been locked anew"
    resolved = Tai.from_fs(t0.total_fs + OFFSET_FS)
    begun = _begun(hardware, Start(resolved, RESOLUTION_FS, node.source), flaw)
    return replace(node, hardware=replace(begun, edge_is_late=False))


def _begun(hardware: Hardware, start: Start, flaw: str) -> Hardware:
    assert hardware.loaded is not None
    return replace(
        hardware,
        armed=False,
        starts=hardware.starts + 1,
        start=start,
        plays=(hardware.loaded, Tai.from_fs(NOW.total_fs + DURATION_FS)),
        played=(*hardware.played, (hardware.loaded, flaw)),
    )


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


def collected_in(node: Node) -> float:
    """Return in how many quanta a run that is collected is over."""
    assert node.collecting is not None
    action = node.collecting.action
    ends_fs = action.t0 - NOW + action.duration_fs
    if node.hardware.plays is not None:
        ends_fs = max(ends_fs, node.hardware.plays[1] - NOW)
    return ends_fs // QUANTUM_FS
