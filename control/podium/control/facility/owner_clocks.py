"""Tells which clocks the parameters of a node or a link stand on."""

from collections.abc import Mapping

from podium.control.facility.facility import Facility, Link
from podium.control.facility.links import Relay, relays_of


def owner_clocks(facility: Facility) -> dict[str, tuple[str, ...]]:
    """Return the clock domains of each node, link and pair of links, by name.

    A link stands on the clocks of all of its nodes, and of the tagger of its station; a node of
    which the facility file names no clock is left out.
    """
    links: list[Link | Relay] = [*facility.links.values(), *relays_of(facility.links.values())]
    owners = {name: (one.clock,) for name, one in facility.nodes.items() if one.clock}
    return {**owners, **{one.name: _of_link(facility, one) for one in links}}


def epoch_number(epochs: Mapping[str, int], domains: tuple[str, ...]) -> int | None:
    """Return one number for the epochs of some clock domains; None where not all are known.

    It goes up whenever one of them does: the re-locks of all, and 1. Of one domain it is its epoch.
    """
    if not domains or not epochs.keys() >= set(domains):
        return None
    return 1 + sum(epochs[one] - 1 for one in domains)


def _of_link(facility: Facility, link: Link | Relay) -> tuple[str, ...]:
    nodes = [end for end in link.ends if end in facility.nodes]  # the other may be a hub
    domains = {facility.nodes[end].clock or end for end in nodes}
    if isinstance(link, Link) and link.station is not None:
        taggers = {one.input.instrument for one in link.station.detectors}
        domains |= {name for name, one in facility.clocks.items() if one.source in taggers}
    return tuple(sorted(domains))
