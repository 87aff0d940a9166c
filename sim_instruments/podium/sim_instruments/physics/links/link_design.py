"""The sampler reads quantum links and their transfer resonators from a facility file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from podium.sim_instruments.physics.facility_place import DesignError, FacilityPlace
from podium.sim_instruments.physics.links.station_design import StationDesign, station_of
from podium.sim_instruments.physics.spread import Spread

END_UNITS = {
    "frequency": "Hz",
    "kappa": "Hz",
    "sideband_rate": "Hz",
    "stark_shift": "Hz",
    "thermal_photons": "1",
}
"""What the design of a link's end says, and the unit that code holds it in."""
LINK_UNITS = {"loss": "1", "delay": "s", "isolation": "1"}
"""The same of a link itself."""
NOTHING = {
    "loss": Spread(0.0, 0.0, "1"),
    "delay": Spread(0.0, 0.0, "s"),
    "stark_shift": Spread(0.0, 0.0, "Hz"),
    "thermal_photons": Spread(0.0, 0.0, "1"),
}
"""Of what a file leaves out: there is none."""
SharedStations = dict[tuple[str, ...], tuple[str, dict[str, str]]]
"""By what hears a station: the first link that has it, and by node what its draws are keyed by."""
_ABOVE_ZERO = ("frequency", "kappa", "sideband_rate", "thermal_photons", "loss", "delay")
LEAST_LOSS, MOST_LOSS = 0.0, 0.999


@dataclass(frozen=True, slots=True)
class LinkEndDesign:
    """One end of a link that its world is drawn from."""

    element: str
    """What its draws are keyed by: ``link_ab.a``; of a resonator that several links have, as a
    switch leads its photons, the first one's."""
    qubit: str
    """``node_a.q0``."""
    values: Mapping[str, Spread]
    """By quantity of :data:`END_UNITS`."""
    origin: Mapping[str, str | None]
    """By quantity: the source that the file names; None where it says ``assumed``."""
    full_scale: float
    """Amplitude of a full-scale tone at the connector that drives the sideband, sqrt(W)."""


@dataclass(frozen=True, slots=True)
class LinkDesign:
    """A link whose ends have transfer resonators."""

    name: str
    ends: tuple[LinkEndDesign, LinkEndDesign]
    values: Mapping[str, Spread]
    """By quantity of :data:`LINK_UNITS`; without ``isolation`` there is no circulator."""
    origin: Mapping[str, str | None]
    """As of an end."""
    station: StationDesign | None = None
    """Where photons of both ends meet in place of going from one to the other."""


def links_of(
    root: FacilityPlace, full_scale: Callable[[str], float | None]
) -> tuple[LinkDesign, ...]:
    """Return the links of a file; ``full_scale``: sqrt(W) of a port's output, None: not wired.

    A link of which the file tells no transfer resonators is left out. Raises DesignError.
    """
    shared: SharedStations = {}
    return tuple(
        _link(name, link, full_scale, shared)
        for name, link in (root.section("links") if "links" in root else [])
        if link.tree.get("transfer")
    )


def _link(
    name: str,
    link: FacilityPlace,
    full_scale: Callable[[str], float | None],
    shared: SharedStations,
) -> LinkDesign:
    ends, transfer = link["ends"], link.sub("transfer")
    if not isinstance(ends, list) or len(ends) != 2:
        raise DesignError(f"{link.where}.ends: two nodes are wanted, not {ends!r}")
    station = station_of(name, link, (str(ends[0]), str(ends[1])))
    elements = {str(node): f"{name}.{label}" for node, label in zip(ends, "ab", strict=True)}
    if station is not None:
        owner, known = shared.setdefault(station.heard, (name, {}))
        elements = {node: known.setdefault(node, own) for node, own in elements.items()}
        station = replace(station, element=owner)
    first, second = (
        _end(elements[str(node)], str(node), transfer.sub(str(node)), full_scale) for node in ends
    )
    values, origin = _values(link, LINK_UNITS)
    return LinkDesign(name, (first, second), values, origin, station)


def _end(
    element: str, node: str, end: FacilityPlace, full_scale: Callable[[str], float | None]
) -> LinkEndDesign:
    qubit = f"{node}.{end.text('qubit')}"
    amplitude = full_scale(f"{qubit}.sideband")
    if not amplitude:
        raise DesignError(f"{end.where}: {qubit}.sideband is not wired")
    values, origin = _values(end, END_UNITS)
    return LinkEndDesign(element, qubit, values, origin, amplitude)


def _values(
    place: FacilityPlace, units: Mapping[str, str]
) -> tuple[dict[str, Spread], dict[str, str | None]]:
    values: dict[str, Spread] = {}
    origin: dict[str, str | None] = {}
    for key, unit in units.items():
        if key in place:
            spread = place.spread(key, unit)
            low = LEAST_LOSS if key in _ABOVE_ZERO or key == "isolation" else spread.low
            high = MOST_LOSS if key in ("loss", "isolation") else spread.high
            values[key] = replace(spread, low=low, high=high)
            origin[key] = place.origin(key, "the facility file's design")
        elif key in NOTHING:
            values[key], origin[key] = NOTHING[key], None
        elif key != "isolation":
            place[key]  # says that it is missing
    return values, origin
