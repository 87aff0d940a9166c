"""From the facility's wiring to lines that carry results, and to the controller of each port."""

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.result_routes import ResultLineTarget
from podium.control.facility.connector_ref import ConnectorRef
from podium.control.facility.facility import (
    DriveWiring,
    Facility,
    FeedlineWiring,
    FluxPulses,
    FluxWiring,
)
from podium.control.facility.instrument_models import model_of
from podium.control.families.markers import marker_of, module_of
from podium.firmware_interfaces.instrument_model import DigitalPort, ModuleModel, ResultTiming


def result_lines_of(facility: Facility) -> tuple[ResultLineTarget, ...]:
    """Return the lines that carry results, by name."""
    found = []
    for name, line in sorted(facility.timing.result_lines.items()):
        slot, module = module_of(facility, line.output)
        sink_slot, _ = module_of(facility, line.input)
        shows = _timing_of(facility, line.output)
        acts = _timing_of(facility, line.input)
        found.append(
            ResultLineTarget(
                name,
                line.output.instrument,
                slot,
                module.name,
                _place_of(module, line.output),
                line.input.instrument,
                sink_slot,
                _number(line.input),
                line.delay.value_fs,
                line.delay.sigma_fs,
                shows.shown_ns,
                shows.shown_doubt_ns,
                acts.level_ns,
                acts.known_ns,
                acts.acts_ns,
            )
        )
    return tuple(found)


def result_line_of(facility: Facility, name: str) -> ResultLineTarget:
    """Return the line of a name; raises KeyError."""
    return {one.name: one for one in result_lines_of(facility)}[name]


def controllers_of_ports(facility: Facility) -> dict[str, str]:
    """Return which instrument serves each port, physical and logical ones."""
    found: dict[str, str] = {}
    for port, wiring in facility.wiring.items():
        match wiring:
            case FeedlineWiring() | DriveWiring():
                found[port] = wiring.output.instrument
            case FluxWiring(pulses=FluxPulses(output=output)):
                found[port] = output.instrument
            case _:
                continue
    found |= {port: one.input.instrument for port, one in facility.detectors().items()}
    for qubit in facility.qubits().values():
        if qubit.feedline in found:
            found[qubit.readout_port] = found[qubit.feedline]
    return found


def _place_of(module: ModuleModel, output: ConnectorRef) -> int:
    """Return which of a module's markers, or of its digital outputs, a line begins at."""
    if DigitalPort(output.socket) in module.connectors:
        return _number(output)
    return marker_of(module, output).bit


def _number(connector: ConnectorRef) -> int:
    return int("".join(one for one in connector.socket if one.isdigit()))


def _timing_of(facility: Facility, connector: ConnectorRef) -> ResultTiming:
    timing = model_of(facility.instruments[connector.instrument]).results
    if timing is None:
        raise DoesNotFit(f"{connector}: no line carries results to or from it")
    return timing
