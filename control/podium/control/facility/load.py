"""Loads a facility file: reads and checks all of it, and returns a frozen value."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from podium.control.facility import schema
from podium.control.facility.check_alarms import alarm_settings, check_alarms
from podium.control.facility.check_bus import check_bus, meeting_point, remark_on_bus
from podium.control.facility.check_couplings import check_couplings, check_hubs
from podium.control.facility.check_crossings import check_crossings
from podium.control.facility.check_design import check_design, lines_of, remark_on_reach
from podium.control.facility.check_edges import check_edges, lines_limits
from podium.control.facility.check_fridges import (
    check_fridges,
    check_procedures,
    remark_on_fridges,
)
from podium.control.facility.check_instruments import check_instruments
from podium.control.facility.check_links import check_link_ends, check_links
from podium.control.facility.check_nodes import check_clocks, check_names, check_nodes
from podium.control.facility.check_timing import (
    check_phases,
    check_shared_triggers,
    check_tells_time,
    check_timing,
    own_trigger_input,
    remark_on_time,
)
from podium.control.facility.check_wiring import check_wiring
from podium.control.facility.connectors import ResolvedConnector
from podium.control.facility.design_values import Lines, design_of, estimate
from podium.control.facility.edge_values import couplers_of, edges_of
from podium.control.facility.endpoints import lay_over
from podium.control.facility.facility import (
    Address,
    ChipEntry,
    ClockDomain,
    ConnectorRef,
    Coupling,
    DriveWiring,
    Facility,
    FeedlineWiring,
    FluxPulses,
    FluxWiring,
    Fridge,
    HostAddress,
    Hub,
    InstrumentEntry,
    Modulator,
    Node,
    Qubit,
    VisaAddress,
    Wiring,
)
from podium.control.facility.file_contents import (
    Complaints,
    FileContents,
    NodeContents,
    WireEntry,
    parse,
)
from podium.control.facility.frozen_map import FrozenMap
from podium.control.facility.instrument_models import driver_of, models_of
from podium.control.facility.link_oscillators import remark_on_oscillators
from podium.control.facility.links import link_of
from podium.control.facility.meeting_point import MeetingPoint
from podium.control.facility.problems import FacilityError, Problem
from podium.control.facility.quantity_entries import EstimateEntry
from podium.control.facility.source import Plain, SourceFile, read_source
from podium.control.facility.timing import (
    CableDelay,
    MarkerWiring,
    PhaseReference,
    ResultLine,
    TimingPlane,
    TriggerWiring,
)
from podium.firmware_interfaces.models import InstrumentModel, known_models
from podium_process import no_collection


def load_facility(path: Path | str, endpoints: Path | str | None = None) -> Facility:
    """Return the facility that the file ``path`` describes, in SI units.

    ``endpoints`` names a file whose addresses are laid over those of the facility file.
    Raises :class:`FacilityError` with everything that is wrong with a file, each with its
    place; :class:`OSError` when a file cannot be read; ``ModelError`` when an installed
    package offers a model that cannot be used.
    """
    return load_with_remarks(path, endpoints)[0]


def load_with_remarks(
    path: Path | str, endpoints: Path | str | None = None
) -> tuple[Facility, tuple[Problem, ...]]:
    """Return the facility, and what is possible but will not do what somebody may expect.

    Raises what :func:`load_facility` raises.
    """
    with no_collection():
        return _load(Path(path), endpoints)


def _load(path: Path, endpoints: Path | str | None) -> tuple[Facility, tuple[Problem, ...]]:
    known = known_models()
    source, problems = read_source(path)
    complaints = Complaints(source, problems)
    parsed = parse(source, complaints)
    check_names(parsed, complaints)
    models = check_instruments(parsed, known, complaints)
    check_nodes(parsed, complaints)
    check_couplings(parsed, complaints)
    check_edges(parsed, complaints)
    check_crossings(parsed, complaints)
    check_fridges(parsed, models, complaints)
    check_alarms(parsed, complaints)
    check_clocks(parsed, models, complaints)
    check_tells_time(parsed, models, complaints)
    check_hubs(parsed, complaints)
    check_links(parsed, complaints)
    outputs = check_wiring(parsed, models, complaints)
    check_design(parsed, outputs, complaints)
    check_link_ends(parsed, outputs, complaints)
    check_timing(parsed, models, outputs, complaints)
    check_bus(parsed, complaints)
    if complaints.problems:
        raise FacilityError(source.file, complaints.problems)
    instruments = _instruments(parsed, known)
    if endpoints is not None:
        instruments = lay_over(instruments, Path(endpoints))
    facility = _facility(parsed, instruments, source, known, outputs)
    check_procedures(facility, complaints)
    if complaints.problems:
        raise FacilityError(source.file, complaints.problems)
    remarks = Complaints(source, [])
    remark_on_bus(parsed, remarks)
    remark_on_fridges(parsed, facility, remarks)
    check_phases(parsed, facility.timing.phase_reference, remarks)
    remark_on_oscillators(facility.links.values(), facility, remarks)
    check_shared_triggers(parsed, outputs, remarks)
    remark_on_time(parsed, models, remarks)
    remark_on_reach(parsed, outputs, remarks)
    return facility, tuple(remarks.problems)


def _facility(
    parsed: FileContents,
    instruments: Mapping[str, InstrumentEntry],
    source: SourceFile,
    known: Mapping[str, InstrumentModel],
    outputs: Mapping[str, ResolvedConnector],
) -> Facility:
    """Return the checked file as values. No entry is None any longer: all were checked."""
    return Facility(
        name=parsed.name,
        digest=hashlib.sha256(_canonical(_of_the_facility(source.data)).encode()).hexdigest(),
        instruments=FrozenMap(instruments),
        nodes=FrozenMap(
            {
                name: _node(
                    name,
                    node,
                    {q: lines_of(f"{name}.{q}", parsed, outputs) for q in node.qubits},
                    lines_limits(parsed, name),
                )
                for name, node in parsed.nodes.items()
                if node is not None
            }
        ),
        wiring=FrozenMap(
            {port: _wiring(port, entry) for port, entry in parsed.wiring.items() if entry}
        ),
        fridges=FrozenMap(
            {
                name: Fridge(
                    name,
                    _ref(fridge.thermometer),
                    fridge.cold_below,
                    fridge.model,
                    tuple(fridge.instruments),
                    alarm_settings(fridge),
                    procedures=tuple(fridge.procedures),
                )
                for name, fridge in parsed.fridges.items()
                if fridge is not None
            }
        ),
        clocks=FrozenMap(
            {
                name: ClockDomain(name, clock.source, clock.reference)
                for name, clock in parsed.clocks.items()
                if clock
            }
        ),
        links=FrozenMap(
            {name: link_of(name, link) for name, link in parsed.links.items() if link is not None}
        ),
        validity=FrozenMap(parsed.validity),
        timing=_timing(parsed, models_of(parsed, known)),
        hubs=FrozenMap(
            {
                name: Hub(name, hub.fridge, hub.source)
                for name, hub in parsed.hubs.items()
                if hub is not None
            }
        ),
        bus=_bus(parsed, Path(source.file).resolve().parent),
        insecure=parsed.bus is not None and parsed.bus.insecure,
        notices=parsed.notices,
    )


def _bus(parsed: FileContents, folder: Path) -> MeetingPoint | None:
    if parsed.bus is None or not parsed.bus.names_a_place:
        return None
    where = parsed.bus.certificates
    return replace(
        meeting_point(parsed.bus), certificates=None if where is None else folder / where
    )


def _timing(parsed: FileContents, models: Mapping[str, InstrumentModel]) -> TimingPlane:
    def delay(entry: EstimateEntry[float]) -> CableDelay:
        return CableDelay(entry.value, entry.spread or 0.0)

    triggers: dict[str, TriggerWiring] = {}
    for name, entry in parsed.triggers.items():
        socket = own_trigger_input(models[name])
        if entry is None:
            continue
        here = None if socket is None else ConnectorRef(name, socket.name)
        if entry.input is not None:
            here = _ref(entry.input)
        if here is not None:
            triggers[name] = TriggerWiring(
                _ref(entry.output), here, entry.event, delay(entry.delay)
            )
    reference = parsed.phase_reference
    return TimingPlane(
        None if reference is None else PhaseReference(reference.clock, reference.jitter),
        FrozenMap(triggers),
        FrozenMap(
            {
                node: MarkerWiring(node, _ref(entry.output), _ref(entry.input), delay(entry.delay))
                for node, entry in parsed.markers.items()
                if entry is not None
            }
        ),
        FrozenMap(
            {
                name: ResultLine(name, _ref(entry.output), _ref(entry.input), delay(entry.delay))
                for name, entry in parsed.result_lines.items()
                if entry is not None
            }
        ),
    )


def _of_the_facility(data: Plain) -> Plain:
    """Return what a file says of the facility itself, not of how its processes talk."""
    if not isinstance(data, dict):
        return data
    return {key: value for key, value in data.items() if key not in ("bus", "notices")}


def _canonical(data: Plain) -> str:
    """Return one text for all layouts of the same content."""
    if isinstance(data, dict):
        items = sorted((repr(key), _canonical(value)) for key, value in data.items())
        return "{" + ",".join(f"{key}:{value}" for key, value in items) + "}"
    if isinstance(data, list):
        return "[" + ",".join(map(_canonical, data)) + "]"
    return repr(data)


def _ref(text: str) -> ConnectorRef:
    instrument, _, channel = text.partition(".")
    return ConnectorRef(instrument, channel)


def _instruments(
    parsed: FileContents, known: Mapping[str, InstrumentModel]
) -> dict[str, InstrumentEntry]:
    result = {}
    for name, entry in parsed.instruments.items():
        if entry is None:
            continue
        if isinstance(entry, schema.DriverEntry):
            here = VisaAddress(entry.address)
            result[name] = InstrumentEntry(name, entry.driver, here, driver=driver_of(entry))
            continue
        model = known[entry.model]
        address: Address = VisaAddress(entry.address)
        if model.address == "host":
            address = HostAddress(entry.address, FrozenMap(model.ports))
        options = {
            key: FrozenMap(value) if isinstance(value, dict) else str(value)
            for key, value in (entry.model_extra or {}).items()
        }
        result[name] = InstrumentEntry(name, entry.model, address, FrozenMap(options))
    return result


def _node(
    name: str, node: NodeContents, lines: Mapping[str, Lines], limits_v: Mapping[str, float]
) -> Node:
    """Return a node; ``lines`` of its qubits and ``limits_v`` of its biases, by their names."""
    feedline_of = {
        qubit: f"{name}.{feedline}"
        for feedline, qubits in node.entry.feedlines.items()
        for qubit in qubits
    }
    chip = node.entry.chip
    designs = {
        element: design_of(qubit, lines[element])
        for element, qubit in node.qubits.items()
        if qubit is not None
    }
    return Node(
        name=name,
        kind=node.entry.kind,
        fridge=node.entry.fridge,
        clock=node.entry.clock,
        chip=ChipEntry(chip.device, chip.source) if chip is not None else None,
        feedlines=FrozenMap({line: tuple(on_it) for line, on_it in node.entry.feedlines.items()}),
        qubits=FrozenMap(
            {
                element: Qubit(
                    name,
                    element,
                    qubit.kind,
                    designs[element],
                    feedline_of[element],
                )
                for element, qubit in node.qubits.items()
                if qubit is not None
            }
        ),
        couplings=FrozenMap(
            {
                element: Coupling(
                    name,
                    element,
                    (coupling.ends[0], coupling.ends[1]),
                    estimate(coupling.exchange, "Hz"),
                )
                for element, coupling in node.couplings.items()
                if coupling is not None
            }
        ),
        couplers=couplers_of(name, node, limits_v),
        edges=edges_of(name, node, designs),
    )


def _wiring(port: str, entry: WireEntry) -> Wiring:
    match entry:
        case schema.FeedlineEntry():
            return FeedlineWiring(
                port=port,
                output=_ref(entry.output),
                input=_ref(entry.input),
                lo_hz=entry.lo,
                output_attenuation_db=entry.output_attenuation,
                input_attenuation_db=entry.input_attenuation,
                line_attenuation_db=entry.line_attenuation,
                line_gain_db=entry.line_gain,
                noise_temperature_k=entry.noise_temperature,
                delay=estimate(entry.delay, "s"),
            )
        case schema.DriveEntry():
            modulator = None
            if entry.modulator is not None and entry.power is not None:
                modulator = Modulator(entry.modulator, entry.power)
            return DriveWiring(
                port=port,
                output=_ref(entry.output),
                lo_hz=entry.lo,
                output_attenuation_db=entry.output_attenuation or 0.0,
                line_attenuation_db=entry.line_attenuation,
                modulator=modulator,
            )
        case schema.FluxEntry():
            pulses = None
            if entry.output is not None and entry.range is not None:
                weaker_db = entry.line_attenuation or 0.0
                pulses = FluxPulses(_ref(entry.output), entry.range, weaker_db)
            source = _ref(entry.source)
            return FluxWiring(port, source, entry.limit, entry.slew, entry.safe, pulses)
