"""From the facility's wiring to what the compilers must know, and compiling for all of it."""

from collections.abc import Mapping, Set
from typing import Protocol, cast

from podium.control.agent.zurich_targets import ZurichCompiler
from podium.control.compilers.artifact import Artifact
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

QBLOX = "qblox_cluster"
"""The model that the Qblox compiler serves."""


class Family(Protocol):
    """A compiler for all controllers of one family that a facility has."""

    @property
    def ports(self) -> Mapping[str, Set[str]]:
        """By controller: the ports that it serves."""
        ...

    def compile(self, program: Program, controller: str) -> Artifact:
        """Return what plays ``program`` there."""
        ...

    def batches(self, program: Program, controller: str) -> tuple[tuple[Batch, Artifact], ...]:
        """Return ``program`` in as many parts as it takes, with what plays each."""
        ...


class QbloxCompiler:
    """Compiles for the Qblox clusters of a facility."""

    def __init__(self, facility: Facility) -> None:
        self._targets = targets_of(facility)
        self._recompiling = Recompiling()

    @property
    def ports(self) -> Mapping[str, Set[str]]:
        """By cluster."""
        return {name: target.ports.keys() for name, target in self._targets.items()}

    def compile(self, program: Program, controller: str) -> Artifact:
        """Return what plays ``program``; with other parameters it is not compiled again."""
        return self._recompiling.compile(program, self._targets[controller])

    def batches(self, program: Program, controller: str) -> tuple[tuple[Batch, Artifact], ...]:
        """Return ``program`` in as many parts as it takes, with what plays each."""
        made = compile_in_batches(program, self._targets[controller])
        return tuple((one.batch, one.artifact) for one in made)


class Compiler:
    """Compiles for the controllers of a facility, of which one plays all of a program."""

    def __init__(self, facility: Facility) -> None:
        families: tuple[Family, ...] = (QbloxCompiler(facility), ZurichCompiler(facility))
        self._family = {name: family for family in families for name in family.ports}
        self._ports = {name: family.ports[name] for name, family in self._family.items()}

    def __call__(self, program: Program) -> Mapping[str, Artifact]:
        """Return the artifact of the controller that takes part; raises as its compiler does."""
        name = self._controller(program)
        return {name: self._family[name].compile(program, name)}

    def batches(self, program: Program) -> tuple[tuple[Batch, Mapping[str, Artifact]], ...]:
        """Return ``program`` in as many parts as it takes, with their artifacts."""
        name = self._controller(program)
        made = self._family[name].batches(program, name)
        return tuple((batch, {name: artifact}) for batch, artifact in made)

    def _controller(self, program: Program) -> str:
        taking_part = [
            name
            for name, ports in self._ports.items()
            if any(frame.port in ports for frame in program.frames)
        ]
        if len(taking_part) > 1:
            raise DoesNotFit(
                f"its ports are on the clusters {', '.join(taking_part)}: a program on several is "
                "started by a trigger, and these have none that the facility file names"
            )
        if not taking_part:
            ports = sorted({port for served in self._ports.values() for port in served})
            raise DoesNotFit(
                f"none of its ports is played by a controller; there are {', '.join(ports)}"
            )
        return taking_part[0]


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
