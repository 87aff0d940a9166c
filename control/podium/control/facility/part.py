"""Cuts some nodes out of a facility, with everything that they depend on.

Works on a facility file's content as plain values, so that the part is a facility file again.
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from podium.control.facility.problems import suggest
from podium.control.facility.source import Plain

Tree = dict[str | int, Plain]


class NoSuchNode(LookupError):
    """A node is asked for that the facility does not have. The message names those it has."""

    def __str__(self) -> str:
        return str(self.args[0])


def part_of(tree: Tree, nodes: Iterable[str], name: str | None = None) -> Tree:
    """Return the facility of ``nodes`` alone, called ``name`` (if None: as it was).

    What belongs to the nodes left out alone goes with them: their instruments, clocks, triggers,
    markers, lines and links. What belongs to no node stays. ``tree`` must describe a sound
    facility. Raises :class:`NoSuchNode`.
    """
    kept = set(nodes)
    every = _section(tree, "nodes")
    for node in kept - every.keys():
        raise NoSuchNode(f"there is no node {node!r}; {suggest(node, map(str, every))}")
    needed, spare = _Needs(tree, kept), _Needs(tree, every.keys() - kept)
    gone = spare.instruments - needed.instruments
    gone_clocks = spare.clocks - needed.clocks
    fridges = {_entry(every, node).get("fridge") for node in kept}
    links = {
        link: entry
        for link, entry in _section(tree, "links").items()
        if not {str(end) for end in _entry(entry)["ends"]} & (every.keys() - kept)
    }
    hubs = {end for entry in links.values() for end in _entry(entry)["ends"]}
    fridges |= {_entry(_section(tree, "hubs"), hub).get("fridge") for hub in hubs - every.keys()}
    timing = _section(tree, "timing")
    part: Tree = {}
    for key, section in tree.items():
        match key:
            case "facility":
                part[key] = section if name is None else name
            case "nodes":
                part[key] = {node: entry for node, entry in every.items() if node in kept}
            case "fridges":
                part[key] = {one: e for one, e in _section(tree, key).items() if one in fridges}
            case "clocks":
                part[key] = _without(_section(tree, key), gone_clocks)
            case "instruments":
                part[key] = {
                    one: _unplugged(entry, gone)
                    for one, entry in _without(_section(tree, key), gone).items()
                }
            case "hubs":
                part[key] = {hub: e for hub, e in _section(tree, key).items() if hub in hubs}
            case "links":
                part[key] = cast(Plain, links)
            case "wiring":
                part[key] = {
                    port: line
                    for port, line in _section(tree, key).items()
                    if str(port).partition(".")[0] in kept
                }
            case "timing":
                triggers = _without(_section(timing, "triggers"), gone)
                markers = {n: m for n, m in _section(timing, "markers").items() if n in kept}
                part[key] = cast(Plain, {**timing, "triggers": triggers, "markers": markers})
            case "validity":
                owners = every.keys() - kept
                part[key] = {
                    quantity: lasts
                    for quantity, lasts in _section(tree, key).items()
                    if str(quantity).partition(".")[0] not in owners
                }
            case _:
                part[key] = section
    return part


class _Needs:
    """Collects what some nodes depend on: instruments, and clock domains."""

    def __init__(self, tree: Tree, nodes: Iterable[str | int]) -> None:
        self.instruments: set[str] = set()
        self.clocks: set[str] = set()
        self._tree = tree
        self._triggers = _section(_section(tree, "timing"), "triggers")
        owners = set(nodes)
        fridges, all_nodes = _section(tree, "fridges"), _section(tree, "nodes")
        for port, line in _section(tree, "wiring").items():
            if str(port).partition(".")[0] in owners:
                for end in ("output", "input", "source", "modulator"):
                    self._connector(_entry(line).get(end))
        for node in owners:
            entry = _entry(all_nodes, node)
            self._clock(entry.get("clock"))
            if entry.get("fridge") in fridges:
                fridge = _entry(fridges, str(entry["fridge"]))
                self._connector(fridge.get("thermometer"))
                operated_by = fridge.get("instruments")
                for one in operated_by if isinstance(operated_by, list) else ():
                    self._connector(one)
            marker = _section(_section(tree, "timing"), "markers").get(node)
            if isinstance(marker, dict):
                self._connector(marker.get("output"))
                self._connector(marker.get("input"))

    def _connector(self, text: Plain) -> None:
        """Need the instrument of a connector, what triggers it, and the clocks it is behind."""
        instrument = str(text or "").partition(".")[0]
        if instrument in self.instruments or instrument not in _section(self._tree, "instruments"):
            return
        self.instruments.add(instrument)
        trigger = self._triggers.get(instrument)
        if isinstance(trigger, dict):
            self._connector(trigger.get("output"))
        for clock, entry in _section(self._tree, "clocks").items():
            if _entry(entry).get("source") == instrument:
                self._clock(clock)

    def _clock(self, name: Plain) -> None:
        """Need a clock domain, what gives it ticks, and what that follows."""
        clocks = _section(self._tree, "clocks")
        if not isinstance(name, str) or name in self.clocks:
            return
        if name not in clocks:
            self._connector(name)
            return
        self.clocks.add(name)
        entry = _entry(clocks, name)
        self._clock(entry.get("source"))
        self._clock(entry.get("reference"))


def _unplugged(entry: Plain, gone: set[str]) -> Plain:
    """Return an instrument whose ``links`` go to nobody who is gone."""
    links = entry.get("links") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(links, dict):
        return entry
    return {**entry, "links": {place: to for place, to in links.items() if str(to) not in gone}}


def _without(section: Mapping[str | int, Plain], names: set[str]) -> Tree:
    return {name: entry for name, entry in section.items() if name not in names}


def _section(tree: Mapping[str | int, Plain], key: str) -> Tree:
    section = tree.get(key)
    return section if isinstance(section, dict) else {}


def _entry(section: Plain, name: str | int | None = None) -> dict[str | int, Any]:
    """Return an entry, or the one of that name in a section; an empty one where it is none."""
    entry = section.get(name) if name is not None and isinstance(section, dict) else section
    return entry if isinstance(entry, dict) else {}
