"""Assigns instruments to agents: one agent for each node, one for what belongs to no node."""

from podium.control.facility.facility import (
    DriveWiring,
    Facility,
    FeedlineWiring,
    FluxWiring,
    Wiring,
)

ROOM = "room"
"""Name of the agent that owns what belongs to no node, or everything."""


def owners_of(facility: Facility) -> dict[str, tuple[str, ...]]:
    """Return the agents of a facility, by name, with the instruments that each of them owns.

    A facility of one node has one agent. Otherwise an instrument that plays on a node's ports,
    and the source of its clock where no other node has a part in it, is owned by the node's
    agent; so is what starts such a controller, and whatever else that starts, and the switch that
    leads light to whose clicks it counts. Nodes that share such an instrument share an agent: it
    bears their names, with ``+``.
    """
    if len(facility.nodes) < 2:
        return {ROOM: tuple(facility.instruments)}
    users = users_of(facility)
    for started in _started_together(facility):
        using = set[str]().union(*(users.get(name, set()) for name in started))
        if using:
            users |= dict.fromkeys(started, using)
    group = {node: {node} for node in facility.nodes}
    for link in facility.links.values():
        if link.station is not None:  # who counts its clicks leads its light
            counting = users.get(link.station.detectors[0].input.instrument, set())
            for path in link.station.paths:
                users[path.switch] = users.get(path.switch, set()) | counting
    for nodes in users.values():
        together = set().union(*(group[node] for node in nodes))
        for node in together:
            group[node] = together
    names = {node: "+".join(one for one in facility.nodes if one in group[node]) for node in group}
    owned: dict[str, list[str]] = {names[node]: [] for node in facility.nodes}
    rest: list[str] = []
    for instrument in facility.instruments:
        nodes = users.get(instrument, set())
        (owned[names[next(iter(nodes))]] if nodes else rest).append(instrument)
    found = {name: tuple(instruments) for name, instruments in owned.items() if instruments}
    return found | ({ROOM: tuple(rest)} if rest else {})


def _started_together(facility: Facility) -> list[set[str]]:
    """Return each trigger node with all the controllers that it starts."""
    found: dict[str, set[str]] = {}
    for controller, trigger in facility.timing.triggers.items():
        plane = trigger.output.instrument
        found.setdefault(plane, {plane}).add(controller)
    return list(found.values())


def users_of(facility: Facility) -> dict[str, set[str]]:
    """Return the nodes that cannot do without an instrument, by the instrument's name."""
    users: dict[str, set[str]] = {}
    for port, wiring in facility.wiring.items():
        node = port.partition(".")[0]
        if node in facility.nodes:
            for instrument in _instruments(wiring):
                users.setdefault(instrument, set()).add(node)
    ticking: dict[str, set[str]] = {}
    for node, entry in facility.nodes.items():
        clock = facility.clocks.get(entry.clock or "")
        if clock is not None and clock.source in facility.instruments:
            ticking.setdefault(clock.source, set()).add(node)
    for source, nodes in ticking.items():
        if source not in users and len(nodes) == 1:
            users[source] = nodes
    return users


def _instruments(wiring: Wiring) -> tuple[str, ...]:
    match wiring:
        case FeedlineWiring():
            return wiring.output.instrument, wiring.input.instrument
        case DriveWiring():
            modulator = () if wiring.modulator is None else (wiring.modulator.instrument,)
            return wiring.output.instrument, *modulator
        case FluxWiring():
            pulses = () if wiring.pulses is None else (wiring.pulses.output.instrument,)
            return wiring.source.instrument, *pulses
