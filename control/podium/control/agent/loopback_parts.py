"""An agent's part in a loopback: markers of its controllers, and channels of its time taggers."""

from collections.abc import Mapping, Sequence

from podium.control.agent.start_wiring import StartWiring
from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.loopback import marker_program, tag_program, tags_of
from podium.control.facility.connector_ref import ConnectorRef
from podium.control.facility.facility import Facility
from podium.control.facility.models_of import model_of
from podium.control.facility.timing import MarkerWiring
from podium.control.program.loopback import Loopback
from podium.firmware_interfaces.models import Marker, ModuleModel
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram, ExternalStart


def compile_loopback(
    facility: Facility, loopback: Loopback, wirings: Sequence[StartWiring]
) -> dict[str, ClusterProgram]:
    """Return the programs of the controllers among ``wirings`` that take part, by their names.

    Raises ``DoesNotFit`` where a node has no marker, or one that no program can raise.
    """
    wired = _markers(facility, loopback)
    found: dict[str, ClusterProgram] = {}
    for one in wirings:
        start = ExternalStart(one.address, one.offset_ns, one.late_fs)
        sent = [marker.output for marker in wired if marker.output.instrument == one.controller]
        heard = [marker.input for marker in wired if marker.input.instrument == one.controller]
        if sent and heard:
            raise DoesNotFit(
                f"{one.controller} would have to send the marker {sent[0]} and to tag {heard[0]} "
                "at once; a time tagger of its own is wanted"
            )
        if sent:
            markers = _bits(facility, sent)
            found[one.controller] = marker_program(one.controller, markers, loopback.pulses, start)
        elif heard:
            channels: dict[int, list[int]] = {}
            for slot, channel in map(_channel, heard):
                channels.setdefault(slot, []).append(channel)
            found[one.controller] = tag_program(one.controller, channels, loopback.pulses, start)
    return found


def tagged_by(facility: Facility, loopback: Loopback) -> Mapping[str, tuple[str, str]]:
    """Return for each node the tagger of its marker, and under which name that gives the tags."""
    return {
        marker.node: (marker.input.instrument, tags_of(*_channel(marker.input)))
        for marker in _markers(facility, loopback)
    }


def _markers(facility: Facility, loopback: Loopback) -> list[MarkerWiring]:
    there = facility.timing.markers
    if missing := [node for node in loopback.nodes if node not in there]:
        raise DoesNotFit(
            f"{', '.join(missing)}: no marker goes to a time tagger; the facility file names those "
            f"of {', '.join(there) or 'no node'} under timing > markers"
        )
    return [there[node] for node in loopback.nodes]


def _bits(facility: Facility, outputs: Sequence[ConnectorRef]) -> dict[int, tuple[str, list[int]]]:
    found: dict[int, tuple[str, list[int]]] = {}
    for output in outputs:
        slot, module = _module(facility, output)
        marker = next((one for one in module.connectors if one.name == output.socket), None)
        if not isinstance(marker, Marker):
            raise DoesNotFit(
                f"{output} is a channel of a {module.name}; a loopback raises the markers of "
                "control and readout modules"
            )
        found.setdefault(slot, (module.name, []))[1].append(marker.bit)
    return found


def _module(facility: Facility, connector: ConnectorRef) -> tuple[int, ModuleModel]:
    entry = facility.instruments[connector.instrument]
    kinds, known, slot = entry.options["modules"], model_of(entry).modules, connector.slot
    if isinstance(kinds, str) or known is None or slot is None:
        raise DoesNotFit(f"{connector} is no connector of a module")
    return slot, known[kinds[slot]]


def _channel(entry: ConnectorRef) -> tuple[int, int]:
    number = entry.socket.removeprefix("io")
    if entry.slot is None or not number.isdigit():
        raise DoesNotFit(f"{entry} is no channel of a time-tag module")
    return entry.slot, int(number)
