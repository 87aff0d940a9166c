"""Defines quantum links as frozen values, and makes them from what the facility file says."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from podium.control.facility.design_values import estimate
from podium.control.facility.estimate import Estimate
from podium.control.facility.frozen_map import FrozenMap
from podium.control.facility.herald_stations import HeraldStation, station_as_written
from podium.control.facility.link_entries import (
    LINK_UNITS,
    TRANSFER_UNITS,
    LinkEntry,
    TransferEntry,
)

END_NAMES = ("a", "b")
"""Parameters of a link's ends are called so, in the order of its ends: ``link_ab.a.kappa``."""


@dataclass(frozen=True, slots=True)
class LinkEnd:
    """One end of a microwave link, as designed."""

    link: str
    label: str
    """``a`` of the first end, ``b`` of the second."""
    qubit: str
    """Full name of the qubit that emits and catches there, e.g. ``node_a.q0``."""
    design: FrozenMap[str, Estimate]
    """By quantity: frequency, kappa, sideband_rate, stark_shift, thermal_photons."""

    @property
    def name(self) -> str:
        """Under which its parameters stand: ``link_ab.a``."""
        return f"{self.link}.{self.label}"

    @property
    def element(self) -> str:
        """Whose captures its data are: those of its qubit."""
        return self.qubit

    @property
    def sideband_port(self) -> str:
        """The port that drives f0-g1, e.g. ``node_a.q0.sideband``."""
        return f"{self.qubit}.sideband"


@dataclass(frozen=True, slots=True)
class Link:
    """A quantum interconnect between two nodes, or between a node and a hub."""

    name: str
    ends: tuple[str, str]
    """Nodes; one of them may be a hub."""
    frequency_hz: float | None = None
    """Carrier of a microwave link."""
    bandwidth_hz: float | None = None
    """Of its photons, over 2 pi; None: what both transfer resonators can do."""
    design: FrozenMap[str, Estimate] = field(default_factory=FrozenMap)
    """By quantity: loss, delay, isolation."""
    transfer: tuple[LinkEnd, ...] = ()
    """Both ends, in the order of ``ends``; empty: nothing is said of them."""
    station: HeraldStation | None = None
    """Where photons of both ends meet; None: they go from one end to the other."""

    @property
    def element(self) -> str:
        """Its name: a link is in no node."""
        return self.name


@dataclass(frozen=True, slots=True)
class Relay:
    """Two links with a hub between: parameters of all three nodes stand under both names."""

    first: Link
    last: Link
    design: FrozenMap[str, Estimate] = field(default_factory=FrozenMap)

    @property
    def name(self) -> str:
        """Both links: ``link_ab.link_bc``."""
        return f"{self.first.name}.{self.last.name}"

    @property
    def element(self) -> str:
        """The hub's qubit."""
        return self.first.transfer[1].qubit

    @property
    def ends(self) -> tuple[str, str, str]:
        """Nodes: the first, the hub, the last."""
        return (*self.first.ends, self.last.ends[1])

    @property
    def transfer(self) -> tuple[LinkEnd, ...]:
        """Three ends: the first, the hub's as it catches, the last."""
        return (*self.first.transfer, self.last.transfer[1])


def link_of(name: str, entry: LinkEntry) -> Link:
    """Return a link from a checked entry."""
    first, second = entry.ends
    design = {
        quantity: estimate(one, unit)
        for quantity, unit in LINK_UNITS.items()
        if (one := getattr(entry, quantity)) is not None
    }
    transfer = tuple(
        _end(name, label, node, entry.transfer[node])
        for label, node in zip(END_NAMES, (first, second), strict=True)
        if node in entry.transfer
    )
    ends = first, second
    station = None if entry.station is None else station_as_written(name, ends, entry.station)
    return Link(name, ends, entry.frequency, entry.bandwidth, FrozenMap(design), transfer, station)


def _end(link: str, label: str, node: str, entry: TransferEntry) -> LinkEnd:
    design = {
        quantity: estimate(one, unit)
        for quantity, unit in TRANSFER_UNITS.items()
        if (one := getattr(entry, quantity)) is not None
    }
    for quantity in ("stark_shift", "thermal_photons"):
        unit = TRANSFER_UNITS[quantity]
        design.setdefault(quantity, Estimate(0.0, 0.0, unit, "not given", True, True))
    return LinkEnd(link, label, f"{node}.{entry.qubit}", FrozenMap(design))


def station_of(link: Link | Relay) -> HeraldStation | None:
    """Return where the photons of a link meet; None: they go from one end to another."""
    return link.station if isinstance(link, Link) else None


def relays_of(links: Iterable[Link]) -> tuple[Relay, ...]:
    """Return all ways over a hub: a link that ends at a qubit, and one that begins there."""
    ways = [one for one in links if one.station is None]
    ended = [one for one in ways if len(one.transfer) == len(one.ends)]
    return tuple(
        Relay(first, last)
        for first in ended
        for last in ended
        if first.transfer[1].qubit == last.transfer[0].qubit and first.ends[0] != last.ends[1]
    )
