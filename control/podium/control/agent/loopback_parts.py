"""Compiles an agent's part of a loopback: markers of controllers, channels of time taggers."""

from collections.abc import Mapping, Sequence

from podium.control.compilers.errors import DoesNotFit
from podium.control.facility.facility import Facility
from podium.control.facility.timing import MarkerWiring
from podium.control.families.family import ControllerFamily
from podium.control.families.start_wiring import StartWiring
from podium.control.program.loopback import Loopback
from podium.firmware_interfaces.compiled import Artifact


def compile_loopback(
    facility: Facility,
    families: Mapping[str, ControllerFamily],
    loopback: Loopback,
    wirings: Sequence[StartWiring],
) -> dict[str, Artifact]:
    """Return the programs of the controllers among ``wirings`` that take part, by their names.

    ``families``: by controller. Raises ``DoesNotFit`` where a node has no marker, or one that no
    program can raise.
    """
    wired = _markers(facility, loopback)
    found: dict[str, Artifact] = {}
    for one in wirings:
        sent = [marker.output for marker in wired if marker.output.instrument == one.controller]
        heard = [marker.input for marker in wired if marker.input.instrument == one.controller]
        if sent and heard:
            raise DoesNotFit(
                f"{one.controller} would have to send the marker {sent[0]} and to tag {heard[0]} "
                "at once; a time tagger of its own is wanted"
            )
        family = families[one.controller]
        if sent:
            found[one.controller] = family.markers(sent, loopback.pulses, one)
        elif heard:
            found[one.controller] = family.tags(heard, loopback.pulses, one)
    return found


def tagged_by(
    facility: Facility, families: Mapping[str, ControllerFamily], loopback: Loopback
) -> Mapping[str, tuple[str, str]]:
    """Return for each node whose marker is tagged by one of ``families`` the tagger, and under
    which name that gives the tags."""
    return {
        marker.node: (marker.input.instrument, family.tags_at(marker.input))
        for marker in _markers(facility, loopback)
        if (family := families.get(marker.input.instrument)) is not None
    }


def _markers(facility: Facility, loopback: Loopback) -> list[MarkerWiring]:
    there = facility.timing.markers
    if missing := [node for node in loopback.nodes if node not in there]:
        raise DoesNotFit(
            f"{', '.join(missing)}: no marker goes to a time tagger; the facility file names those "
            f"of {', '.join(there) or 'no node'} under timing > markers"
        )
    return [there[node] for node in loopback.nodes]
