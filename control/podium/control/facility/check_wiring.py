"""Checks wiring: ports and connectors exist, fit, are used once, and are in range."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from podium.control.facility import schema
from podium.control.facility.connectors import PLAY_PULSES, ResolvedConnector, resolve
from podium.control.facility.designs import FluxoniumEntry
from podium.control.facility.file_contents import Complaints, FileContents
from podium.control.facility.problems import KeyPath, suggest
from podium.firmware_interfaces.models import (
    AnalyzerPort,
    InstrumentModel,
    IqOutput,
    ModulatedSource,
    PulseOutput,
    Range,
    RfInput,
    RfOutput,
    VoltageOutput,
)
from podium.firmware_interfaces.quantity import format_quantity


@dataclass(slots=True)
class _Panel:
    """Records which connectors are in use, and what each oscillator is set to."""

    parsed: FileContents
    complaints: Complaints
    plugged: dict[str, KeyPath] = field(default_factory=dict)
    oscillators: dict[tuple[str, int | None, str], tuple[float, KeyPath]] = field(
        default_factory=dict
    )

    def plug(self, resolved: ResolvedConnector, path: KeyPath) -> bool:
        """Note that the line of ``path`` takes a connector; False: another has it (reported)."""
        for socket in resolved.sockets:
            first = self.plugged.setdefault(str(socket), path)
            if first != path:
                line = self.parsed.source.line(first)
                message = f"{socket} is already the {first[-1]} of {first[1]} (line {line})"
                self.complaints.at(path, message)
                return False
        return True

    def tune(self, resolved: ResolvedConnector, lo_hz: float, path: KeyPath) -> None:
        """Note that the line of ``path`` sets an oscillator; it has one frequency only."""
        connector = resolved.connector
        if not isinstance(connector, RfOutput | RfInput):
            return
        key = (resolved.ref.instrument, resolved.ref.slot, connector.lo_name)
        first_hz, first = self.oscillators.setdefault(key, (lo_hz, path))
        if first_hz != lo_hz:
            first_line = self.parsed.source.line(first)
            message = (
                f"{resolved.ref} shares its oscillator with {first[1]} (line {first_line}), "
                f"which sets it to {format_quantity(first_hz, 'Hz')}"
            )
            self.complaints.at(path, message)


def check_wiring(
    parsed: FileContents, models: Mapping[str, InstrumentModel], complaints: Complaints
) -> dict[str, ResolvedConnector]:
    """Check every line; return the output (or source) of each port whose connector is sound."""
    panel = _Panel(parsed, complaints)
    ports = _ports(parsed)
    outputs: dict[str, ResolvedConnector] = {}
    for port, entry in parsed.wiring.items():
        path: KeyPath = ("wiring", port)
        if entry is not None:
            _check_port(port, ports, path, panel)
        match entry:
            case schema.FeedlineEntry():
                output = _check_feedline(entry, path, panel, models)
            case schema.DriveEntry():
                output = _check_drive(entry, path, panel, models)
            case schema.FluxEntry():
                output = _check_flux(entry, path, panel, models)
            case None:
                continue
        if output is not None:
            outputs[port] = output
    return outputs


def _check_port(port: str, ports: list[str], path: KeyPath, panel: _Panel) -> None:
    nodes = panel.parsed.nodes
    node = port.partition(".")[0]
    if node not in nodes:
        message = f"there is no node {node!r}; {suggest(node, nodes)}"
        panel.complaints.at(path, message, at_key=True)
    elif nodes[node] is not None and port not in ports:
        message = f"there is no port {port!r}; {suggest(port, ports)}"
        panel.complaints.at(path, message, at_key=True)


def _ports(parsed: FileContents) -> list[str]:
    """Return all ports that the file's nodes have."""
    ports = []
    for name, node in parsed.nodes.items():
        if node is not None:
            ports += [f"{name}.{feedline}" for feedline in node.entry.feedlines]
            ports += [f"{name}.{qubit}.{end}" for qubit in node.qubits for end in ("drive", "flux")]
            ports += [f"{name}.{coupler}.flux" for coupler in node.couplers]
            ports += [
                f"{name}.{element}.plasmon"
                for element, qubit in node.qubits.items()
                if isinstance(qubit, FluxoniumEntry)
            ]
    ports += [
        f"{node}.{end.qubit}.sideband"
        for link in parsed.links.values()
        if link is not None
        for node, end in link.transfer.items()
    ]
    return ports


def _check_feedline(
    entry: schema.FeedlineEntry,
    path: KeyPath,
    panel: _Panel,
    models: Mapping[str, InstrumentModel],
) -> ResolvedConnector | None:
    parsed, complaints = panel.parsed, panel.complaints
    at_output, at_input = (*path, "output"), (*path, "input")
    output = resolve(entry.output, (RfOutput,), at_output, parsed, models, complaints)
    back = resolve(entry.input, (RfInput,), at_input, parsed, models, complaints)
    for end, key, attenuation in (
        (output, "output", entry.output_attenuation),
        (back, "input", entry.input_attenuation),
    ):
        if end is not None and isinstance(end.connector, RfOutput | RfInput):
            if panel.plug(end, (*path, key)):
                panel.tune(end, entry.lo, (*path, "lo"))
            at_attenuation = (*path, f"{key}_attenuation")
            _check_range(attenuation, end.connector.attenuation, at_attenuation, complaints)
    if output is not None and isinstance(output.connector, RfOutput):
        _check_range(entry.lo, output.connector.lo, (*path, "lo"), complaints)
        if back is not None and not _same_oscillator(output, back):
            message = f"{back.ref} has another oscillator than {output.ref}; take both of one"
            complaints.at(at_input, message)
    if entry.analyzer is not None:
        _check_analyzer(entry.analyzer, entry.lo, (*path, "analyzer"), panel, models)
    return output


def _check_analyzer(
    entry: schema.AnalyzerEntry,
    lo_hz: float,
    path: KeyPath,
    panel: _Panel,
    models: Mapping[str, InstrumentModel],
) -> None:
    """Check a network analyzer: two ports of one box that reach the feedline's frequencies."""
    complaints = panel.complaints
    ends = {}
    for key, name in (("output", entry.output), ("input", entry.input)):
        at = (*path, key)
        end = resolve(name, (AnalyzerPort,), at, panel.parsed, models, complaints)
        if end is None or not isinstance(end.connector, AnalyzerPort) or not panel.plug(end, at):
            continue
        ends[key] = end
        reach = end.connector.frequency
        if lo_hz not in reach:
            low, high = (format_quantity(hz, "Hz") for hz in (reach.low, reach.high))
            message = (
                f"{name} goes from {low} to {high}; the feedline is read out about "
                f"{format_quantity(lo_hz, 'Hz')}"
            )
            complaints.at(at, message)
    if len(ends) == 2 and ends["output"].ref.instrument != ends["input"].ref.instrument:
        message = f"{entry.input} is a port of another box than {entry.output}; take both of one"
        complaints.at((*path, "input"), message)


def _same_oscillator(output: ResolvedConnector, back: ResolvedConnector) -> bool:
    if not isinstance(output.connector, RfOutput) or not isinstance(back.connector, RfInput):
        return False
    there, here = output.ref, back.ref
    return (there.instrument, there.slot, output.connector.lo_name) == (
        here.instrument,
        here.slot,
        back.connector.lo_name,
    )


def _check_drive(
    entry: schema.DriveEntry,
    path: KeyPath,
    panel: _Panel,
    models: Mapping[str, InstrumentModel],
) -> ResolvedConnector | None:
    parsed, complaints = panel.parsed, panel.complaints
    at_output = (*path, "output")
    output = resolve(entry.output, (RfOutput, IqOutput), at_output, parsed, models, complaints)
    match output.connector if output is not None else None:
        case RfOutput() as connector:
            _check_range(entry.lo, connector.lo, (*path, "lo"), complaints)
            at_attenuation = (*path, "output_attenuation")
            attenuation = entry.output_attenuation or 0.0
            _check_range(attenuation, connector.attenuation, at_attenuation, complaints)
            for key in ("modulator", "power"):
                if getattr(entry, key) is not None:
                    message = f"{entry.output} mixes up by itself: it takes no {key!r}"
                    complaints.at((*path, key), message, at_key=True)
        case IqOutput():
            _check_modulator(entry, path, panel, models)
    if output is not None and panel.plug(output, at_output):
        panel.tune(output, entry.lo, (*path, "lo"))
    return output


def _check_modulator(
    entry: schema.DriveEntry,
    path: KeyPath,
    panel: _Panel,
    models: Mapping[str, InstrumentModel],
) -> None:
    """Check the microwave source that a baseband pair modulates."""
    complaints = panel.complaints
    for key in ("modulator", "power"):
        if getattr(entry, key) is None:
            message = f"{entry.output} is baseband: {key!r} is missing"
            complaints.at(path, message, at_key=True)
    if entry.output_attenuation is not None:
        message = f"{entry.output} has no attenuator of its own; remove 'output_attenuation'"
        complaints.at((*path, "output_attenuation"), message, at_key=True)
    if entry.modulator is None:
        return
    at_modulator = (*path, "modulator")
    source = resolve(
        entry.modulator, (ModulatedSource,), at_modulator, panel.parsed, models, complaints
    )
    if source is None or not isinstance(source.connector, ModulatedSource):
        return
    panel.plug(source, at_modulator)
    _check_range(entry.lo, source.connector.carrier, (*path, "lo"), complaints)
    if entry.power is not None:
        _check_range(entry.power, source.connector.power, (*path, "power"), complaints)


def _check_flux(
    entry: schema.FluxEntry,
    path: KeyPath,
    panel: _Panel,
    models: Mapping[str, InstrumentModel],
) -> ResolvedConnector | None:
    at_source = (*path, "source")
    source = resolve(
        entry.source, (VoltageOutput,), at_source, panel.parsed, models, panel.complaints
    )
    if source is not None and isinstance(source.connector, VoltageOutput):
        panel.plug(source, at_source)
        _check_range(entry.limit, source.connector.level, (*path, "limit"), panel.complaints)
    if isinstance(entry.safe, float) and abs(entry.safe) > entry.limit:
        limit = format_quantity(entry.limit, "V")
        message = (
            f"{format_quantity(entry.safe, 'V')} is beyond the limit of this bias: from -{limit} "
            f"to {limit}; or 'hold', or 'finish'"
        )
        panel.complaints.at((*path, "safe"), message)
    _check_flux_pulses(entry, path, panel, models)
    return source


def _check_flux_pulses(
    entry: schema.FluxEntry,
    path: KeyPath,
    panel: _Panel,
    models: Mapping[str, InstrumentModel],
) -> None:
    """Check what plays pulses beside a static bias, where the file names it."""
    complaints = panel.complaints
    for key in ("range", "line_attenuation"):
        if (getattr(entry, key) is None) != (entry.output is None):
            if entry.output is None:
                message = f"{key!r} belongs to an output for pulses; name it by 'output'"
                complaints.at((*path, key), message, at_key=True)
            else:
                complaints.at(path, f"{entry.output} plays pulses: {key!r} is missing", at_key=True)
    if entry.output is None:
        return
    at_output = (*path, "output")
    output = resolve(entry.output, PLAY_PULSES, at_output, panel.parsed, models, complaints)
    if output is None or not isinstance(output.connector, PulseOutput | VoltageOutput):
        return
    ranges_v = output.connector.pulse_ranges_v
    if entry.output == entry.source:
        if entry.line_attenuation:
            message = f"{entry.output} holds the bias too: there is one line, and 0 dB in between"
            complaints.at((*path, "line_attenuation"), message)
    else:
        panel.plug(output, at_output)
    if entry.range is not None and entry.range not in ranges_v:
        there = ", ".join(format_quantity(one, "V") for one in ranges_v)
        message = f"{format_quantity(entry.range, 'V')} is no range of {entry.output}: {there}"
        complaints.at((*path, "range"), message)


def _check_range(value: float, allowed: Range, path: KeyPath, complaints: Complaints) -> None:
    if value in allowed:
        return
    unit = allowed.unit
    span = f"{format_quantity(allowed.low, unit)} to {format_quantity(allowed.high, unit)}"
    if allowed.step is not None:
        span += f" in steps of {format_quantity(allowed.step, unit)}"
    nearest = format_quantity(allowed.nearest(value), unit)
    message = f"{format_quantity(value, unit)} is not possible: {span}; the nearest is {nearest}"
    complaints.at(path, message)
