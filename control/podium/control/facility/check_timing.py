"""Checks the timing plane: clocks and their chain, triggers, markers, phase references."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from podium.control.facility.check_result_lines import check_result_lines
from podium.control.facility.check_stations import check_stations
from podium.control.facility.connectors import ResolvedConnector, connectors_of, resolve
from podium.control.facility.file_contents import Complaints, FileContents
from podium.control.facility.problems import KeyPath, suggest
from podium.control.facility.timing import PhaseReference
from podium.control.facility.timing_entries import MarkerEntry, TriggerEntry
from podium.firmware_interfaces.models import (
    Connector,
    DigitalPort,
    InstrumentModel,
    Marker,
    TriggerInput,
    TriggerOutput,
)
from podium.firmware_interfaces.quantity import format_quantity

INFIDELITY_LIMIT = 0.005
"""What phase jitter alone may take from a pair of qubits that a link entangles. ASSUMED: a tenth
of the 5 % that error-corrected seams between chips tolerate."""
PHASE_LIMIT_DEG = math.degrees(math.sqrt(-2 * math.log(1 - 2 * INFIDELITY_LIMIT)))
"""8.1 degrees: a phase of s radians rms leaves a Bell pair a fidelity of (1 + exp(-s**2/2)) / 2."""


@dataclass(slots=True)
class _Sockets:
    """Records which connectors are in use."""

    parsed: FileContents
    complaints: Complaints
    plugged: dict[str, KeyPath] = field(default_factory=dict)

    def plug(self, resolved: ResolvedConnector | None, path: KeyPath) -> None:
        """Note that the cable of ``path`` takes a connector; report it where another has it."""
        if resolved is None:
            return
        first = self.plugged.setdefault(str(resolved.ref), path)
        if first != path:
            line = self.parsed.source.line(first)
            message = f"{resolved.ref} is already the {first[-1]} of {first[-2]} (line {line})"
            self.complaints.at(path, message)


def check_timing(
    parsed: FileContents,
    models: Mapping[str, InstrumentModel],
    outputs: Mapping[str, ResolvedConnector],
    complaints: Complaints,
) -> None:
    """Check triggers, markers, stations, result lines and the phase reference.

    ``outputs``: of the wiring, by port.
    """
    sockets = _Sockets(parsed, complaints)
    for name, trigger in parsed.triggers.items():
        _check_trigger(name, trigger, sockets, models)
    for node, marker in parsed.markers.items():
        _check_marker(node, marker, sockets, models, outputs)
    check_stations(parsed, models, outputs, complaints, sockets.plug)
    check_result_lines(parsed, models, outputs, complaints, sockets.plug)
    reference = parsed.phase_reference
    if reference is not None and reference.clock not in parsed.clocks:
        near = suggest(reference.clock, parsed.clocks)
        path: KeyPath = ("timing", "phase_reference", "clock")
        complaints.at(path, f"there is no clock {reference.clock!r}; {near}")


def _check_trigger(
    name: str, entry: TriggerEntry | None, sockets: _Sockets, models: Mapping[str, InstrumentModel]
) -> None:
    parsed, complaints = sockets.parsed, sockets.complaints
    path: KeyPath = ("timing", "triggers", name)
    if name not in parsed.instruments:
        near = suggest(name, parsed.instruments)
        complaints.at(path, f"there is no instrument {name!r}; {near}", at_key=True)
    elif name in models and trigger_input(models[name]) is None:
        having = [one for one, model in models.items() if trigger_input(model) is not None]
        near = ", ".join(having) or "there is none"
        complaints.at(path, f"{name} has no trigger input; those that do: {near}", at_key=True)
    if entry is None:
        return
    kinds: tuple[type[Connector], ...] = (TriggerOutput,)
    output = resolve(entry.output, kinds, (*path, "output"), parsed, models, complaints)
    sockets.plug(output, (*path, "output"))
    _check_input(name, entry, sockets, models)
    if entry.delay.value < 0:
        complaints.at((*path, "delay"), "a cable cannot be left before it is entered: 0 ns or more")


def _check_input(
    name: str, entry: TriggerEntry, sockets: _Sockets, models: Mapping[str, InstrumentModel]
) -> None:
    """Check which trigger input is meant: those of modules have to be named."""
    parsed, complaints = sockets.parsed, sockets.complaints
    path: KeyPath = ("timing", "triggers", name)
    model = models.get(name)
    if model is None or trigger_input(model) is None:
        return
    if entry.input is None:
        if own_trigger_input(model) is None:
            there = [
                one
                for one in connectors_of(name, (TriggerInput,), parsed, models)
                if one.startswith(f"{name}.")
            ]
            example = f"e.g. {there[0]!r}" if there else "but none as it is fitted"
            message = f"{name} has several trigger inputs: say which, as 'input', {example}"
            complaints.at(path, message, at_key=True)
        return
    at_input = (*path, "input")
    if entry.input.partition(".")[0] != name:
        complaints.at(at_input, f"{entry.input} is no connector of {name}, which it is to start")
        return
    sockets.plug(
        resolve(entry.input, (TriggerInput,), at_input, parsed, models, complaints), at_input
    )


def own_trigger_input(model: InstrumentModel) -> TriggerInput | None:
    """Return the trigger input of a box itself, if it has one."""
    return next((one for one in model.connectors if isinstance(one, TriggerInput)), None)


def trigger_input(model: InstrumentModel) -> TriggerInput | None:
    """Return the trigger input of a model, or one of a module that may be in it; None: no such.

    All of one model are alike but for their names.
    """
    own = own_trigger_input(model)
    if own is not None or model.modules is None:
        return own
    fitted = (one for module in model.modules.values() for one in module.connectors)
    return next((one for one in fitted if isinstance(one, TriggerInput)), None)


def _check_marker(
    node: str,
    entry: MarkerEntry | None,
    sockets: _Sockets,
    models: Mapping[str, InstrumentModel],
    outputs: Mapping[str, ResolvedConnector],
) -> None:
    parsed, complaints = sockets.parsed, sockets.complaints
    path: KeyPath = ("timing", "markers", node)
    if node not in parsed.nodes:
        near = suggest(node, parsed.nodes)
        complaints.at(path, f"there is no node {node!r}; {near}", at_key=True)
    if entry is None:
        return
    kinds: tuple[type[Connector], ...] = (Marker, DigitalPort)
    at_output, at_input = (*path, "output"), (*path, "input")
    output = resolve(entry.output, kinds, at_output, parsed, models, complaints)
    tagger = resolve(entry.input, (DigitalPort,), at_input, parsed, models, complaints)
    sockets.plug(output, at_output)
    sockets.plug(tagger, at_input)
    if output is not None:
        players = _players(node, outputs)
        if players and output.ref.instrument not in players:
            message = f"{output.ref.instrument} plays nothing of {node}; {', '.join(players)} does"
            complaints.at(at_output, message)
    for end, where in ((output, at_output), (tagger, at_input)):
        if end is not None and end.ref.instrument not in parsed.triggers:
            message = (
                f"{end.ref.instrument} starts on no trigger, so its times are nobody else's; "
                "add it under timing > triggers"
            )
            complaints.at(where, message)
    if entry.delay.value < 0:
        complaints.at((*path, "delay"), "a cable cannot be left before it is entered: 0 ns or more")
    elif not entry.delay.spread:
        message = (
            "say how well it is known, e.g. {value: 30 ns, spread: 20 ps}: a skew is not known "
            "any better"
        )
        complaints.at((*path, "delay"), message)


def _players(node: str, outputs: Mapping[str, ResolvedConnector]) -> list[str]:
    """Return the instruments that drive the lines of a node, biases left out."""
    return list(
        dict.fromkeys(
            resolved.ref.instrument
            for port, resolved in outputs.items()
            if port.partition(".")[0] == node and not port.endswith(".flux")
        )
    )


def check_phases(
    parsed: FileContents, reference: PhaseReference | None, remarks: Complaints
) -> None:
    """Remark on every microwave link whose phase the phase reference cannot hold."""
    for name, link in parsed.links.items():
        if link is None or link.frequency is None:
            continue
        path: KeyPath = ("links", name, "frequency")
        frequency = format_quantity(link.frequency, "Hz")
        if reference is None:
            message = (
                f"nothing holds the phase of its ends at {frequency} together; name what does "
                "under timing > phase_reference"
            )
            remarks.at(path, message)
            continue
        phase_deg = reference.phase_deg(link.frequency)
        if phase_deg > PHASE_LIMIT_DEG:
            enough_s = PHASE_LIMIT_DEG / 360 / link.frequency
            message = (
                f"the phase reference {reference.clock} cannot hold its phase: "
                f"{reference.jitter_s * 1e12:.3g} ps rms are {phase_deg:.0f} degrees at "
                f"{frequency}; {PHASE_LIMIT_DEG:.0f} degrees, or {enough_s * 1e12:.2g} ps, would do"
            )
            remarks.at(path, message)


def check_shared_triggers(
    parsed: FileContents, outputs: Mapping[str, ResolvedConnector], remarks: Complaints
) -> None:
    """Remark on every trigger node that starts the controllers of more than one node."""
    started: dict[str, dict[str, str]] = {}
    for node in parsed.nodes:
        for controller in _players(node, outputs):
            trigger = parsed.triggers.get(controller)
            if trigger is not None:
                plane = trigger.output.partition(".")[0]
                started.setdefault(plane, {})[node] = controller
    for plane, controllers in started.items():
        if len(controllers) > 1:
            path: KeyPath = ("timing", "triggers", list(controllers.values())[-1], "output")
            nodes = " and ".join(controllers)
            message = (
                f"{plane} starts controllers of {nodes}: one agent owns all of them, and when it "
                "is lost so are these nodes; with a trigger node each they are apart"
            )
            remarks.at(path, message)


def check_tells_time(
    parsed: FileContents, models: Mapping[str, InstrumentModel], complaints: Complaints
) -> None:
    """Check that the clock of every node tells the time, and does not only give ticks."""
    telling = [name for name in parsed.clocks if "Clock" in _roles(_source(name, parsed), models)]
    for name, node in parsed.nodes.items():
        clock = None if node is None else node.entry.clock
        source = None if clock is None else _source(clock, parsed)
        if clock is None or source not in models or clock in telling:
            continue
        near = ", ".join(telling) or "there is none"
        message = f"{source}, the source of {clock!r}, gives ticks and no time; clocks that do: "
        complaints.at(("nodes", name, "clock"), message + near)


def remark_on_time(
    parsed: FileContents, models: Mapping[str, InstrumentModel], remarks: Complaints
) -> None:
    """Remark on nodes where no instrument tells the time: nothing can be dated there."""
    if not parsed.nodes or any("Clock" in _roles(name, models) for name in parsed.instruments):
        return
    remarks.at(
        ("instruments",),
        "no instrument tells the time: podium calibrate and podium demo, which date what they find "
        "by it, will refuse; add a cluster, or a wrtd_node with its switch as a clock's source",
        at_key=True,
    )


def _roles(source: str | None, models: Mapping[str, InstrumentModel]) -> Iterable[str]:
    return () if source is None or source not in models else models[source].roles


def _source(clock: str, parsed: FileContents) -> str | None:
    """Return the instrument that a clock domain takes its ticks from, if there is one."""
    seen: set[str] = set()
    name = clock
    while name in parsed.clocks and name not in seen:
        seen.add(name)
        entry = parsed.clocks[name]
        if entry is None:
            return None
        name = entry.source
    return name if name in parsed.instruments else None
