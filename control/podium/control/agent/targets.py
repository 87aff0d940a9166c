"""From the facility's wiring to what the compilers must know, and compiling for all of it."""

from collections.abc import Mapping
from typing import cast

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.batches import compile_in_batches
from podium.control.compilers.qblox.recompiling import Recompiling
from podium.control.compilers.qblox.target import Module, PortTarget, QbloxTarget
from podium.control.facility.facility import (
    ConnectorRef,
    DriveWiring,
    Facility,
    FeedlineWiring,
    FluxWiring,
)
from podium.control.program.batches import Batch
from podium.control.program.program import Program
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram

QBLOX = "qblox_cluster"
"""The model that the Qblox compiler serves."""


class Compiler:
    """Compiles for the controllers of a facility, of which one plays all of a program."""

    def __init__(self, facility: Facility) -> None:
        self._targets = targets_of(facility)
        self._recompiling = Recompiling()

    def __call__(self, program: Program) -> Mapping[str, ClusterProgram]:
        """Return the artifact of the controller that takes part; raises as the compiler does.

        What came before with other parameters is not compiled again.
        """
        name = self._cluster(program)
        return {name: self._recompiling.compile(program, self._targets[name])}

    def batches(self, program: Program) -> tuple[tuple[Batch, Mapping[str, ClusterProgram]], ...]:
        """Return ``program`` in as many parts as it takes, with their artifacts."""
        name = self._cluster(program)
        made = compile_in_batches(program, self._targets[name])
        return tuple((one.batch, {name: one.artifact}) for one in made)

    def _cluster(self, program: Program) -> str:
        clusters = [
            name
            for name, target in self._targets.items()
            if any(frame.port in target.ports for frame in program.frames)
        ]
        if len(clusters) > 1:
            raise DoesNotFit(
                f"its ports are on the clusters {', '.join(clusters)}: a program on several is "
                "started by a trigger, and these have none that the facility file names"
            )
        if not clusters:
            ports = sorted({port for target in self._targets.values() for port in target.ports})
            raise DoesNotFit(
                f"none of its ports is played by a controller; there are {', '.join(ports)}"
            )
        return clusters[0]


def compiler_for(facility: Facility) -> Compiler:
    """Return what compiles a program for the controllers of ``facility``."""
    return Compiler(facility)


def targets_of(facility: Facility) -> dict[str, QbloxTarget]:
    """Return what the compiler must know of each Qblox cluster of the facility, by name."""
    ports: dict[str, dict[str, PortTarget]] = {
        name: {} for name, entry in facility.instruments.items() if entry.model == QBLOX
    }
    for port, wiring in facility.wiring.items():
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
            case FluxWiring():
                continue
        if output.instrument in ports and output.slot is not None:
            ports[output.instrument][port] = PortTarget(
                slot=output.slot,
                module=_module(facility, output),
                output=output.socket,
                lo_hz=wiring.lo_hz,
                input=entry,
                output_attenuation_db=wiring.output_attenuation_db,
                input_attenuation_db=attenuation_db,
                modulator=modulator,
                modulator_power_dbm=power_dbm,
            )
    for qubit in facility.qubits().values():
        for served in ports.values():
            if qubit.feedline in served:
                served[qubit.readout_port] = served[qubit.feedline]
    return {name: QbloxTarget(name, served) for name, served in ports.items()}


def _module(facility: Facility, connector: ConnectorRef) -> Module:
    modules = facility.instruments[connector.instrument].options["modules"]
    if isinstance(modules, str) or connector.slot is None:
        raise ValueError(f"{connector}: {connector.instrument} has no modules in the facility file")
    return cast(Module, modules[connector.slot])
