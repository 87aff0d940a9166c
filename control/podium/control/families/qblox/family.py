"""Qblox clusters: compiled for by :mod:`podium.control.compilers.qblox`, started by a trigger input
of their trigger network."""

from collections.abc import Callable, Mapping, Sequence, Set

from podium.control.compilers.qblox.batches import compile_in_batches
from podium.control.compilers.qblox.compile import GRID
from podium.control.compilers.qblox.line_filters import latest_ns
from podium.control.compilers.qblox.loopback import marker_program, tag_program, tags_of
from podium.control.compilers.qblox.patching import compile_artifact
from podium.control.compilers.qblox.prepared_program import PreparedProgram
from podium.control.compilers.qblox.recompilation import Recompiler
from podium.control.facility.connector_ref import ConnectorRef
from podium.control.facility.facility import Facility
from podium.control.facility.line_response import LineResponse
from podium.control.facility.timing import TriggerWiring
from podium.control.families.family import ControllerFamily, Parts
from podium.control.families.markers import marker_of, module_of
from podium.control.families.qblox.targets import channel_of, targets_of
from podium.control.families.start_wiring import SIGMAS, StartWiring
from podium.control.program.program import Program, played_ports
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.limits import (
    SYNC_NS,
    TRIGGER_INPUT_PERIOD_NS,
    TRIGGER_LATENCY_NS,
)
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram, ExternalStart

END_OF_WAIT_NS = 4
"""Of ``wait_trigger`` itself: the shortest that it can be told to take."""
FROM_EDGE_NS = TRIGGER_INPUT_PERIOD_NS // 2 + TRIGGER_LATENCY_NS + END_OF_WAIT_NS + SYNC_NS
"""From the edge at a cluster's trigger input to the release of its party line: half a sample on
the average, the trigger network, the end of the wait, the meeting of the sequencers."""
CLOCK_WINDOW_FS = 13 * FS_PER_NS
"""Within this, full width, the counter of a cluster lies around TAI before it is measured. ASSUMED:
4 ns for the lock of its 250 MHz to the 10 MHz, 4 ns for how its counter was set, and five sigma of
500 ps to either side from box to box."""


class QbloxFamily:
    """The clusters of a facility. See :class:`.ControllerFamily`."""

    def __init__(self, facility: Facility, lines: Mapping[str, LineResponse] | None = None) -> None:
        """``lines``: by flux port, what its line does to pulses, which is undone."""
        self._facility = facility
        self._targets = targets_of(facility, lines or {})
        self._recompiling = Recompiler()
        self._corrected: dict[tuple[tuple[str, LineResponse], ...], QbloxFamily] = {}

    def corrected(self, lines: Mapping[str, LineResponse]) -> "QbloxFamily":
        """Return a family that undoes these lines; the latest one is kept."""
        key = tuple(sorted(lines.items(), key=lambda one: one[0]))
        if key not in self._corrected:
            self._corrected = {key: QbloxFamily(self._facility, lines)}
        return self._corrected[key]

    @property
    def ports(self) -> Mapping[str, Set[str]]:
        """By cluster."""
        return {name: target.ports.keys() for name, target in self._targets.items()}

    @property
    def hold_step_fs(self) -> int:
        """See :class:`.CorrectsLines`: sequencers wait in whole nanoseconds."""
        return FS_PER_NS

    def filters_fs(self, program: Program, controller: str) -> int:
        """See :class:`.CorrectsLines`."""
        return latest_ns(played_ports(program), self._targets[controller]) * FS_PER_NS

    def compile(
        self, program: Program, controller: str, start: StartWiring | None
    ) -> ClusterProgram:
        """Return what plays it; with other parameters it is not compiled again."""
        return self._recompiling.compile(program, self._targets[controller], _start(start))

    def prepare(self, program: Program, controller: str) -> PreparedProgram:
        """Return ``program`` with the places of its parameters worked out."""
        return PreparedProgram(compile_artifact(program, self._targets[controller]))

    def batches(self, program: Program, controller: str, start: StartWiring | None) -> Parts:
        """Return ``program`` in as many parts as it takes."""
        made = compile_in_batches(program, self._targets[controller], _start(start))
        return tuple((one.batch, one.artifact) for one in made)

    def started_by(self, controller: str, trigger: TriggerWiring) -> StartWiring:
        """Return how a cluster is started at a time."""
        cable = trigger.delay
        width_fs = TRIGGER_INPUT_PERIOD_NS * FS_PER_NS + CLOCK_WINDOW_FS
        after_fs = cable.value_fs + FROM_EDGE_NS * FS_PER_NS
        return StartWiring(
            controller,
            trigger.output.instrument,
            trigger.output.socket,
            start_after_fs=after_fs,
            begins_after_fs=after_fs,
            resolution_fs=width_fs + round(SIGMAS * cable.sigma_fs),
        )

    def markers(
        self, outputs: Sequence[ConnectorRef], pulses: int, start: StartWiring
    ) -> ClusterProgram:
        """Return what raises markers of modules."""
        by_slot: dict[int, tuple[str, list[int]]] = {}
        for output in outputs:
            slot, module = module_of(self._facility, output)
            marker = marker_of(module, output)
            by_slot.setdefault(slot, (module.name, []))[1].append(marker.bit)
        return marker_program(start.controller, by_slot, pulses, _external(start))

    def tags(
        self, inputs: Sequence[ConnectorRef], pulses: int, start: StartWiring
    ) -> ClusterProgram:
        """Return what tags on channels of time-tag modules."""
        channels: dict[int, list[int]] = {}
        for slot, channel in map(channel_of, inputs):
            channels.setdefault(slot, []).append(channel)
        return tag_program(start.controller, channels, pulses, _external(start))

    def tags_at(self, entry: ConnectorRef) -> str:
        """Return under which name the driver gives the tags of an input."""
        return tags_of(*channel_of(entry))


def _start(wiring: StartWiring | None) -> ExternalStart | None:
    return None if wiring is None else _external(wiring)


def _external(wiring: StartWiring) -> ExternalStart:
    held_ns = GRID.ticks(wiring.filters_fs)
    return ExternalStart(wiring.address, wiring.offset_ns, wiring.late_fs, held_ns)


_CONFORMS: Callable[[Facility], ControllerFamily] = QbloxFamily
"""For mypy: it is what the protocol asks for, made from what it says."""
