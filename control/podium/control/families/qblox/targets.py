"""From the facility's wiring to what the compiler for Qblox clusters must know."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.target import (
    Module,
    PortTarget,
    QbloxTarget,
)
from podium.control.facility.facility import (
    ConnectorRef,
    DriveWiring,
    Facility,
    FeedlineWiring,
    FluxPulses,
    FluxWiring,
)
from podium.control.facility.line_response import LineResponse
from podium.control.families.result_lines import controllers_of_ports, result_lines_of

QBLOX = "qblox_cluster"
"""The model that the Qblox compiler serves."""


def targets_of(
    facility: Facility, lines: Mapping[str, LineResponse] = MappingProxyType({})
) -> dict[str, QbloxTarget]:
    """Return what the compiler must know of each Qblox cluster of the facility, by name.

    ``lines``: by flux port, what is undone; by drive port, where a modulator's carrier is put.
    """
    ports: dict[str, dict[str, PortTarget]] = {
        name: {} for name, entry in facility.instruments.items() if entry.model == QBLOX
    }
    for port, wiring in facility.wiring.items():
        line = lines.get(port)
        match wiring:
            case FeedlineWiring():
                output = wiring.output
                entry: str | None = wiring.input.socket
                attenuation_db = wiring.input_attenuation_db
                modulator, power_dbm = None, 0.0
            case DriveWiring():
                output, entry, attenuation_db = wiring.output, None, 0.0
                modulated = wiring.modulator
                modulator = None if modulated is None else modulated.instrument
                power_dbm = 0.0 if modulated is None else modulated.power_dbm
            case FluxWiring(pulses=FluxPulses(output=output)):
                if output.instrument in ports and output.slot is not None:
                    module = _module(facility, output)
                    ports[output.instrument][port] = PortTarget(
                        output.slot, module, output.socket, 0.0, response=line
                    )
                continue
            case FluxWiring():
                continue
        if output.instrument in ports and output.slot is not None:
            ports[output.instrument][port] = PortTarget(
                slot=output.slot,
                module=_module(facility, output),
                output=output.socket,
                lo_hz=wiring.lo_hz if line is None or line.carrier_hz is None else line.carrier_hz,
                input=entry,
                output_attenuation_db=wiring.output_attenuation_db,
                input_attenuation_db=attenuation_db,
                modulator=modulator,
                modulator_power_dbm=power_dbm,
            )
    for station in (one.station for one in facility.links.values() if one.station is not None):
        routes = tuple((one.switch, one.input, one.output) for one in station.paths)
        for detector in station.detectors:
            entry_ref = detector.input
            if entry_ref.instrument in ports and entry_ref.slot is not None:
                ports[entry_ref.instrument][detector.port] = PortTarget(
                    entry_ref.slot, "QTM", "", 0.0, entry_ref.socket, routes=routes
                )
    for qubit in facility.qubits().values():
        for served in ports.values():
            if qubit.feedline in served:
                served[qubit.readout_port] = served[qubit.feedline]
    at = controllers_of_ports(facility)
    carrying = result_lines_of(facility)
    return {
        name: QbloxTarget(
            name,
            served,
            tuple(one for one in carrying if name in (one.source, one.sink)),
            {port: other for port, other in at.items() if other != name},
        )
        for name, served in ports.items()
    }


def channel_of(entry: ConnectorRef) -> tuple[int, int]:
    """Return slot and channel of a time tagger's input; raises ``DoesNotFit``."""
    number = entry.socket.removeprefix("io")
    if entry.slot is None or not number.isdigit():
        raise DoesNotFit(f"{entry} is no channel of a time-tag module")
    return entry.slot, int(number)


def _module(facility: Facility, connector: ConnectorRef) -> Module:
    modules = facility.instruments[connector.instrument].options["modules"]
    if isinstance(modules, str) or connector.slot is None:
        raise ValueError(f"{connector}: {connector.instrument} has no modules in the facility file")
    return cast(Module, modules[connector.slot])
