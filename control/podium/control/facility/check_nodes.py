"""Checks that names, nodes and clocks exist where they are named."""

import re
from collections.abc import Mapping

from podium.control.facility import schema
from podium.control.facility.design_values import written_of
from podium.control.facility.designs import OF_A_FLUX_LINE, TransmonEntry
from podium.control.facility.file_contents import Complaints, FileContents, NodeContents
from podium.control.facility.problems import KeyPath, suggest
from podium.firmware_interfaces.models import InstrumentModel

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def check_names(parsed: FileContents, complaints: Complaints) -> None:
    """Check that names can be parts of ``owner.element.quantity`` and tell owners apart."""
    owners: dict[str, KeyPath] = {}
    for section in ("nodes", "hubs", "links", "clocks", "fridges", "instruments"):
        names = getattr(parsed, section)
        for name in names:
            path: KeyPath = (section, name)
            _check_name(name, path, complaints)
            if section == "instruments":
                continue
            if name in owners:
                line = parsed.source.line(owners[name])
                message = f"{name!r} is also a name in {owners[name][0]!r} (line {line})"
                complaints.at(path, message, at_key=True)
            owners.setdefault(name, path)
    for name, node in parsed.nodes.items():
        if node is None:
            continue
        for feedline in node.entry.feedlines:
            _check_name(feedline, ("nodes", name, "feedlines", feedline), complaints)
        for qubit in node.qubits:
            path = ("nodes", name, "qubits", qubit)
            _check_name(qubit, path, complaints)
            if qubit in node.entry.feedlines:
                complaints.at(path, f"{qubit!r} is also the name of a feedline", at_key=True)
        taken = dict.fromkeys(node.qubits, "qubit") | dict.fromkeys(
            node.entry.feedlines, "feedline"
        )
        for kind in ("coupling", "coupler", "edge"):
            section = f"{kind}s"
            for element in getattr(node, section):
                path = ("nodes", name, section, element)
                _check_name(element, path, complaints)
                if element in taken:
                    what = taken[element]
                    complaints.at(path, f"{element!r} is also the name of a {what}", at_key=True)
                taken.setdefault(element, kind)


def _check_name(name: str, path: KeyPath, complaints: Complaints) -> None:
    if not _NAME.fullmatch(name):
        message = (
            f"{name!r} cannot be a name: small letters, digits and underscores, a letter first"
        )
        complaints.at(path, message, at_key=True)


def check_nodes(parsed: FileContents, complaints: Complaints) -> None:
    """Check what nodes refer to, that a feedline reads every qubit once, and all is wired."""
    for name, node in parsed.nodes.items():
        if node is None:
            continue
        path: KeyPath = ("nodes", name)
        fridge, clock = node.entry.fridge, node.entry.clock
        if fridge is not None and fridge not in parsed.fridges:
            message = f"there is no fridge {fridge!r}; {suggest(fridge, parsed.fridges)}"
            complaints.at((*path, "fridge"), message)
        if clock is not None and clock not in parsed.clocks:
            message = f"there is no clock {clock!r}; {suggest(clock, parsed.clocks)}"
            complaints.at((*path, "clock"), message)
        _check_feedlines(name, node, complaints)
        _check_all_wired(name, node, parsed, complaints)


def _check_feedlines(name: str, node: NodeContents, complaints: Complaints) -> None:
    reader: dict[str, str] = {}
    for feedline, qubits in node.entry.feedlines.items():
        for place, qubit in enumerate(qubits):
            path: KeyPath = ("nodes", name, "feedlines", feedline, place)
            if qubit not in node.qubits:
                message = f"{name} has no qubit {qubit!r}; {suggest(qubit, node.qubits)}"
                complaints.at(path, message)
            elif qubit in reader:
                complaints.at(path, f"{qubit!r} is already read by {reader[qubit]!r}")
            reader.setdefault(qubit, feedline)
    for qubit in node.qubits:
        if qubit not in reader:
            message = f"no feedline reads {qubit!r}; add it to one of the node's feedlines"
            complaints.at(("nodes", name, "qubits", qubit), message, at_key=True)


def _check_all_wired(
    name: str, node: NodeContents, parsed: FileContents, complaints: Complaints
) -> None:
    """Check the ports that a node cannot do without; a register is played by its fluxes alone.

    A transmon of a digital node may have no flux line, and then no design values of one.
    """
    kind = node.entry.kind
    if not node.qubits:
        word = "a digital" if kind == "digital" else "an analog"
        complaints.at(("nodes", name), f"{word} node has at least one qubit", at_key=True)
    ports: dict[str, KeyPath] = {
        f"{name}.{feedline}": ("nodes", name, "feedlines", feedline)
        for feedline in node.entry.feedlines
    }
    for element, qubit in node.qubits.items():
        path: KeyPath = ("nodes", name, "qubits", element)
        if kind == "digital":
            ports[f"{name}.{element}.drive"] = path
        written = {} if qubit is None else written_of(qubit.design)
        of_a_line = next((one for one in OF_A_FLUX_LINE if one in written), None)
        fixed = isinstance(qubit, TransmonEntry) and kind == "digital" and of_a_line is None
        if qubit is not None and not fixed:
            ports[f"{name}.{element}.flux"] = path
    for port, path in ports.items():
        if port not in parsed.wiring:
            right = "add it under 'wiring'"
            if port.endswith(".flux") and kind == "digital":
                right += "; a transmon without a flux line has no flux_period and flux_offset"
            complaints.at(path, f"{port!r} is not wired; {right}", at_key=True)


HAVE_TICKS = frozenset({"Clock", "CountsTicks", "TimingPlane", "MicrowaveSource"})
"""Roles of instruments that a clock domain may be of. A microwave source is of one where its
10 MHz come by another way than with the controller whose signals it carries."""


def check_clocks(
    parsed: FileContents, models: Mapping[str, InstrumentModel], complaints: Complaints
) -> None:
    """Check that every clock domain takes its ticks from something, in the end an instrument."""
    for name, clock in parsed.clocks.items():
        if clock is None:
            continue
        path: KeyPath = ("clocks", name, "source")
        source = clock.source
        if source in parsed.instruments:
            model = models.get(source)
            if model is not None and not HAVE_TICKS & set(model.roles):
                near = ", ".join(playing("Clock", models)) or "there is none"
                complaints.at(path, f"{source} tells no time; instruments that do: {near}")
        elif source not in parsed.clocks:
            near = suggest(source, [*parsed.instruments, *parsed.clocks])
            complaints.at(path, f"there is no instrument or clock {source!r}; {near}")
        _check_reference(name, clock, parsed, complaints)
    _check_sources_differ(parsed, complaints)
    for cycle in _cycles(parsed):
        first = parsed.clocks[cycle[0]]
        key = "source" if first is None or first.reference is None else "reference"
        complaints.at(("clocks", cycle[0], key), f"the clock follows itself: {_told(cycle)}")


def _check_reference(
    name: str, clock: schema.ClockEntry, parsed: FileContents, complaints: Complaints
) -> None:
    path: KeyPath = ("clocks", name, "reference")
    if clock.reference is None:
        return
    if clock.source in parsed.clocks:
        message = f"{name!r} takes its ticks from {clock.source!r} as they are; remove one of both"
        complaints.at(path, message, at_key=True)
    elif clock.reference not in parsed.clocks:
        near = suggest(clock.reference, parsed.clocks)
        complaints.at(path, f"there is no clock {clock.reference!r}; {near}")


def _check_sources_differ(parsed: FileContents, complaints: Complaints) -> None:
    """Check that an instrument is the source of one clock domain only."""
    first: dict[str, str] = {}
    for name, clock in parsed.clocks.items():
        if clock is None or clock.source not in parsed.instruments:
            continue
        other = first.setdefault(clock.source, name)
        if other != name:
            line = parsed.source.line(("clocks", other))
            message = f"{clock.source} is already the source of {other!r} (line {line})"
            complaints.at(("clocks", name, "source"), message)


def _cycles(parsed: FileContents) -> list[list[str]]:
    """Return the clocks of each cycle, from the one that stands first in the file."""
    follows = {
        name: clock.reference or clock.source
        for name, clock in parsed.clocks.items()
        if clock is not None
    }
    seen: set[str] = set()
    cycles = []
    for name in follows:
        way: dict[str, None] = {}
        while name in follows and name not in seen:
            seen.add(name)
            way[name] = None
            name = follows[name]
        if name in way:
            names = list(way)
            cycles.append(names[names.index(name) :])
    return cycles


CYCLE_SHOWN = 6


def _told(cycle: list[str]) -> str:
    """Return the way round as words; of a long one its beginning and its length."""
    if len(cycle) <= CYCLE_SHOWN:
        return " <- ".join([*cycle, cycle[0]])
    return f"{' <- '.join(cycle[:CYCLE_SHOWN])} <- ... <- {cycle[0]} ({len(cycle)} clocks)"


def playing(role: str, models: Mapping[str, InstrumentModel]) -> list[str]:
    """Return the instruments of the file that play ``role``."""
    return [name for name, model in models.items() if role in model.roles]
