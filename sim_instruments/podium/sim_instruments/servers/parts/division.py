"""Divides a facility into parts that share nothing but world time, edges and clocks.

Two nodes are in one part where they share an instrument, a fridge with a plant, or a link of their
own, whose herald station's time tagger is with them; the trigger node that starts one part's
controllers alone is in that part. What is left, which belongs to no node or to several, is the
room: switches, standards, time taggers. Between parts go values only: instants of edges and changes
of clocks.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from podium.sim_instruments.wiring import Plan, PlanError

if TYPE_CHECKING:
    from podium.sim_instruments.physics.bench_world import BenchWorld
    from podium.sim_instruments.physics.world_file import WorldFile

T = TypeVar("T")
ROOM = "room"
"""Name of the part without nodes."""
NAMES_NO_CABLES = frozenset({"white_rabbit_switch"})
"""Models whose entries name instruments, and nothing of those reaches them but by their clocks."""


@dataclass(frozen=True, slots=True)
class FacilityPart:
    """Nodes, instruments and fridges that one process serves."""

    name: str
    """The names of its nodes, joined by ``+``; ``room`` where it has none."""
    nodes: tuple[str, ...]
    instruments: tuple[str, ...]
    fridges: tuple[str, ...]


class _Groups:
    """Merges things that are to be together (disjoint sets)."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def find(self, one: str) -> str:
        while (above := self._above.setdefault(one, one)) != one:
            self._above[one] = self._above[above]
            one = above
        return one

    def join(self, one: str, other: str) -> None:
        self._above[self.find(one)] = self.find(other)


def divide(plan: Plan, tree: Mapping[str, Any]) -> tuple[FacilityPart, ...]:
    """Return the parts of a facility, those with nodes first, all in the order of the file.

    ``tree``: the content of the facility file that ``plan`` was made of. Raises PlanError where
    no instrument is left.
    """
    nodes = [str(node) for node in _section(tree, "nodes")]
    fridges = _section(tree, "fridges")
    groups = _Groups()
    for one, other in _together(plan, tree, frozenset(nodes)):
        groups.join(one, other)
    _join_trigger_nodes(plan, groups)
    parts: dict[str, FacilityPart] = {}
    for node in nodes:
        root = groups.find(f"node {node}")
        known = parts.get(root, FacilityPart("", (), (), ()))
        parts[root] = replace(known, nodes=(*known.nodes, node))
    parts = {root: replace(part, name="+".join(part.nodes)) for root, part in parts.items()}
    room = FacilityPart(ROOM, (), (), ())
    for name in plan.instruments:
        part = parts.get(root := groups.find(name), room)
        part = replace(part, instruments=(*part.instruments, name))
        if root in parts:
            parts[root] = part
        else:
            room = part
    for fridge in fridges:
        root = groups.find(f"fridge {fridge}")
        part = parts.get(root, room)
        part = replace(part, fridges=(*part.fridges, str(fridge)))
        if root in parts:
            parts[root] = part
        else:
            room = part
    found = [one for one in (*parts.values(), room) if one.instruments]
    if not found:
        raise PlanError(f"{plan.name} has no instrument that is simulated")
    return tuple(found)


def _together(
    plan: Plan, tree: Mapping[str, Any], nodes: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """Yield pairs of what has to be in one process; nodes and fridges by their kind and name."""

    def of_node(instrument: str, line: str) -> Iterator[tuple[str, str]]:
        node = line.partition(".")[0]
        if node in nodes:
            yield instrument, f"node {node}"

    for instrument, cables in plan.outputs.items():
        for cable in cables.values():
            yield from of_node(instrument, cable.line)
            if cable.modulator is not None:
                yield instrument, cable.modulator
    for instrument, lines in plan.inputs.items():
        for line in lines.values():
            yield from of_node(instrument, line)
    for line, (instrument, _) in plan.biases.items():
        yield from of_node(instrument, line)
    for instrument, analyzed in plan.analyzed.items():
        for one in analyzed.values():
            yield from of_node(instrument, one.line)
    for instrument, entry in plan.instruments.items():
        if entry.get("model") in NAMES_NO_CABLES:
            continue
        for name in _names_in(entry):
            if name in plan.instruments:
                yield instrument, name
            elif name in nodes:
                yield instrument, f"node {name}"
    yield from _at_fridges(plan, tree)
    for link in _section(tree, "links").values():
        ends = link.get("ends") if isinstance(link, Mapping) else None
        at_nodes = [str(end) for end in ends or () if str(end) in nodes]
        if len(at_nodes) == 2:  # what ends in a hub sends it clicks, which are values
            yield f"node {at_nodes[0]}", f"node {at_nodes[1]}"
    ends_of = {str(name): link.get("ends") for name, link in _section(tree, "links").items()}
    for (name, _), (instrument, _) in plan.detectors.items():
        for end in ends_of[name] or ():
            yield instrument, f"node {end}"


def _at_fridges(plan: Plan, tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for instrument, fridge in plan.fridge_of.items():
        yield instrument, f"fridge {fridge}"
    for fridge, entry in _section(tree, "fridges").items():
        cooled = [node for node, name in plan.fridge_of_node.items() if name == fridge]
        has_plant = isinstance(entry, Mapping) and "model" in entry
        if has_plant or len(cooled) == 1:
            for node in cooled:
                yield f"node {node}", f"fridge {fridge}"


def _join_trigger_nodes(plan: Plan, groups: _Groups) -> None:
    """Put who triggers controllers of one part alone into that part."""
    sinks: dict[str, list[str]] = {}
    for cable in plan.timing.triggers:
        sinks.setdefault(cable.source[0], []).append(cable.sink[0])
    for source, controllers in sinks.items():
        if len({groups.find(one) for one in controllers}) == 1:
            groups.join(source, controllers[0])


def _names_in(given: Any) -> Iterator[str]:
    """Yield the first word of every text in an entry: what it may name."""
    if isinstance(given, Mapping):
        for value in given.values():
            yield from _names_in(value)
    elif isinstance(given, list | tuple):
        for value in given:
            yield from _names_in(value)
    elif isinstance(given, str):
        yield given.partition(".")[0]


def _section(tree: Mapping[str, Any], name: str) -> Mapping[Any, Any]:
    found = tree.get(name)
    return found if isinstance(found, Mapping) else {}


def plan_of_part(plan: Plan, part: FacilityPart) -> Plan:
    """Return the plan of one part; its timing plane keeps what ends or begins in it.

    Clocks that its own follow, over however many others, are kept wherever their boxes are.
    """
    mine = frozenset(part.instruments)
    timing = plan.timing
    clocks = mine | _followed(timing.references, mine)
    return replace(
        plan,
        instruments=_only(plan.instruments, mine),
        outputs=_only(plan.outputs, mine),
        inputs=_only(plan.inputs, mine),
        biases={line: at for line, at in plan.biases.items() if at[0] in mine},
        thermometers=_only(plan.thermometers, mine),
        fridge_of=_only(plan.fridge_of, mine),
        fridge_of_node=_only(plan.fridge_of_node, frozenset(part.nodes)),
        analyzed=_only(plan.analyzed, mine),
        detectors={key: sink for key, sink in plan.detectors.items() if sink[0] in mine},
        timing=replace(
            timing,
            triggers=tuple(c for c in timing.triggers if {c.source[0], c.sink[0]} & mine),
            markers=tuple(c for c in timing.markers if {c.source[0], c.sink[0]} & mine),
            clocks=_only(timing.clocks, clocks),
            elsewhere=frozenset(plan.instruments) - mine,
        ),
    )


def _followed(references: Mapping[str, str], names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for name in names:
        while (above := references.get(name)) is not None and above not in found:
            found.add(above)
            name = above
    return found


def _only(given: Mapping[str, T], names: frozenset[str]) -> dict[str, T]:
    return {name: one for name, one in given.items() if name in names}


def world_of_part(world: "WorldFile | BenchWorld", part: FacilityPart) -> "WorldFile | BenchWorld":
    """Return the hidden constants of one part: its nodes, fridges and mixers.

    Random numbers are keyed by names, so they are the same as in the whole world.
    """
    from podium.sim_instruments.physics.bench_world import BenchWorld

    nodes, fridges = frozenset(part.nodes), frozenset(part.fridges)
    instruments = frozenset(part.instruments)
    kept: dict[str, Any] = {
        "nodes": _only(world.nodes, nodes),
        "fridges": _only(world.fridges, fridges),
        "plants": _only(world.plants, fridges),
        "mixers": {
            output: mixer
            for output, mixer in world.mixers.items()
            if output.partition(".")[0] in instruments
        },
    }
    if isinstance(world, BenchWorld):
        return replace(world, **kept)
    return world.model_copy(update=kept)
