"""Allocates agents to a run: the owners of controllers of its ports, or of markers."""

from collections.abc import Iterable
from dataclasses import dataclass

from podium.control.bus.gather import gather
from podium.control.coordinator.agent_directory import AgentDirectory, KnownAgent
from podium.control.facility.facility import (
    DriveWiring,
    Facility,
    FeedlineWiring,
    FluxPulses,
    FluxWiring,
    UnknownPort,
)
from podium.control.facility.timing import MarkerWiring
from podium.control.program.loopback import Loopback
from podium.control.program.program import Program
from podium.control.runs.errors import RunRefused


@dataclass(frozen=True, slots=True)
class Participants:
    """Names a run's participants."""

    owners: tuple[KnownAgent, ...]
    controllers: tuple[str, ...]
    """Of the nodes; a time tagger that listens is none."""
    nodes: tuple[str, ...]


async def participants_of(
    program: Program, facility: Facility, agents: AgentDirectory
) -> Participants:
    """Return who plays ``program``; raises ``RunRefused``, or ``RunFailed`` if an agent is away."""
    instruments: dict[str, str] = {}
    detectors = facility.detectors()
    taggers = {
        detectors[frame.port].input.instrument
        for frame in program.frames
        if frame.port in detectors
    }
    for frame in program.frames:
        if frame.port in detectors:
            continue
        try:
            wiring = facility.wiring[facility.line(frame.port)]
        except UnknownPort as error:
            raise RunRefused(f"{program.name}: frame {frame.name}: {error}") from error
        match wiring:
            case FeedlineWiring() | DriveWiring():
                instruments[frame.port] = wiring.output.instrument
            case FluxWiring(pulses=FluxPulses(output=output)):
                instruments[frame.port] = output.instrument
            case FluxWiring():
                raise RunRefused(
                    f"{program.name}: frame {frame.name}: {frame.port} is a static bias; "
                    "pulses are played on drive and readout ports, and where the file names an "
                    "'output' beside the bias"
                )
    if not instruments and not taggers:
        raise RunRefused(f"{program.name}: it has no frames: there is nothing to play")
    nodes = tuple(dict.fromkeys(port.partition(".")[0] for port in instruments))
    return await _participants(instruments.values(), taggers, nodes, agents)


async def participants_of_loopback(
    loopback: Loopback, facility: Facility, agents: AgentDirectory
) -> Participants:
    """Return who plays a loopback: raises as :func:`participants_of`."""
    wirings = markers_of(loopback.nodes, facility)
    taggers = {one.input.instrument for one in wirings}
    if len(taggers) > 1:
        raise RunRefused(
            f"{loopback.name}: the markers of {', '.join(loopback.nodes)} go to the time taggers "
            f"{', '.join(sorted(taggers))}; tags are compared on one"
        )
    instruments = [one.output.instrument for one in wirings]
    return await _participants(instruments, taggers, loopback.nodes, agents)


def markers_of(nodes: Iterable[str], facility: Facility) -> tuple[MarkerWiring, ...]:
    """Return the ways from nodes to the time tagger; raises ``RunRefused`` where there is none."""
    markers, found = facility.timing.markers, []
    for node in nodes:
        if node not in facility.nodes:
            there = ", ".join(facility.nodes)
            raise RunRefused(f"{facility.name} has no node {node!r}; it has {there}")
        if node not in markers:
            there = ", ".join(markers) or "no node"
            raise RunRefused(
                f"{node} has no marker that goes to a time tagger, by which its start could be "
                f"seen; {there} has one (timing > markers in the facility file)"
            )
        found.append(markers[node])
    if not found:
        raise RunRefused("no node is named: there is nothing to start")
    return tuple(found)


async def _participants(
    instruments: Iterable[str],
    taggers: Iterable[str],
    nodes: tuple[str, ...],
    agents: AgentDirectory,
) -> Participants:
    controllers = tuple(dict.fromkeys(instruments))
    names = sorted({*controllers, *taggers})
    found = await gather(*(agents.owner_of(name) for name in names))
    owners = {owner.name: owner for owner in found}
    return Participants(tuple(owners.values()), controllers, nodes)
