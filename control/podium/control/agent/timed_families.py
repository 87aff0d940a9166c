"""What starts at a time, for controllers of each family: by which trigger, with which programs."""

from collections.abc import Mapping, Sequence, Set
from typing import Protocol

from podium.control.agent.start_wiring import StartWiring
from podium.control.agent.targets import targets_of
from podium.control.compilers.artifact import Artifact
from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.batches import compile_in_batches as qblox_batches
from podium.control.compilers.qblox.loopback import marker_program as qblox_markers
from podium.control.compilers.qblox.loopback import tag_program
from podium.control.compilers.qblox.recompiling import Recompiling
from podium.control.facility.connector_ref import ConnectorRef
from podium.control.facility.facility import Facility
from podium.control.facility.models_of import model_of
from podium.control.program.batches import Batch
from podium.control.program.program import Program
from podium.firmware_interfaces.models import Marker, ModuleModel
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart


class TimedFamily(Protocol):
    """Compiles what begins on a trigger from outside. All raise as the family's compiler does."""

    @property
    def ports(self) -> Mapping[str, Set[str]]:
        """By controller: the ports that it serves."""
        ...

    def compile(self, program: Program, wiring: StartWiring) -> Artifact:
        """Return what plays ``program``, begun as ``wiring`` says."""
        ...

    def batches(self, program: Program, wiring: StartWiring) -> list[Batch]:
        """Return the parts that it takes."""
        ...

    def markers(
        self, outputs: Sequence[ConnectorRef], pulses: int, wiring: StartWiring
    ) -> Artifact:
        """Return what raises these outputs ``pulses`` times."""
        ...

    def tags(self, inputs: Sequence[ConnectorRef], pulses: int, wiring: StartWiring) -> Artifact:
        """Return what tags edges at these inputs."""
        ...


class TimedQblox:
    """Qblox clusters: by an address of their trigger network."""

    def __init__(self, facility: Facility) -> None:
        self._facility = facility
        self._targets = targets_of(facility)
        self._recompiling = Recompiling()

    @property
    def ports(self) -> Mapping[str, Set[str]]:
        """By cluster."""
        return {name: target.ports.keys() for name, target in self._targets.items()}

    def compile(self, program: Program, wiring: StartWiring) -> Artifact:
        """Return what plays it; with other parameters it is not compiled again."""
        target = self._targets[wiring.controller]
        return self._recompiling.compile(program, target, _qblox_start(wiring))

    def batches(self, program: Program, wiring: StartWiring) -> list[Batch]:
        """Return the parts that it takes."""
        target = self._targets[wiring.controller]
        return [one.batch for one in qblox_batches(program, target, _qblox_start(wiring))]

    def markers(
        self, outputs: Sequence[ConnectorRef], pulses: int, wiring: StartWiring
    ) -> Artifact:
        """Return what raises markers of modules."""
        by_slot: dict[int, tuple[str, list[int]]] = {}
        for output in outputs:
            slot, module = module_of(self._facility, output)
            marker = marker_of(module, output)
            by_slot.setdefault(slot, (module.name, []))[1].append(marker.bit)
        return qblox_markers(wiring.controller, by_slot, pulses, _qblox_start(wiring))

    def tags(self, inputs: Sequence[ConnectorRef], pulses: int, wiring: StartWiring) -> Artifact:
        """Return what tags on channels of time-tag modules."""
        channels: dict[int, list[int]] = {}
        for slot, channel in map(channel_of, inputs):
            channels.setdefault(slot, []).append(channel)
        return tag_program(wiring.controller, channels, pulses, _qblox_start(wiring))


def _qblox_start(wiring: StartWiring) -> ExternalStart:
    return ExternalStart(wiring.address, wiring.offset_ns, wiring.late_fs)


def module_of(facility: Facility, connector: ConnectorRef) -> tuple[int, ModuleModel]:
    """Return the place of a connector's module and the module; raises ``DoesNotFit``."""
    entry = facility.instruments[connector.instrument]
    model = model_of(entry)
    kinds, known, slot = entry.options.get(model.modules_option), model.modules, connector.slot
    if kinds is None or isinstance(kinds, str) or known is None or slot is None:
        raise DoesNotFit(f"{connector} is no connector of a module")
    return slot, known[kinds[slot]]


def marker_of(module: ModuleModel, output: ConnectorRef) -> Marker:
    """Return a marker output; raises ``DoesNotFit`` where it is no such thing."""
    found = next((one for one in module.connectors if one.name == output.socket), None)
    if not isinstance(found, Marker):
        raise DoesNotFit(
            f"{output} is a channel of a {module.name}; a loopback raises the markers of "
            "control and readout modules"
        )
    return found


def channel_of(entry: ConnectorRef) -> tuple[int, int]:
    """Return slot and channel of a time tagger's input; raises ``DoesNotFit``."""
    number = entry.socket.removeprefix("io")
    if entry.slot is None or not number.isdigit():
        raise DoesNotFit(f"{entry} is no channel of a time-tag module")
    return entry.slot, int(number)
