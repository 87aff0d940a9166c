"""The sampler reads herald stations from a facility file: arms, detectors, the phase between."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from podium.sim_instruments.physics.facility_place import DesignError, FacilityPlace
from podium.sim_instruments.physics.spread import Spread

ARM_UNITS = {
    "transducer": "1",
    "added_noise": "1",
    "noise_bandwidth": "Hz",
    "transmission": "1",
    "delay": "s",
}
"""What the design of an arm says, and the unit that code holds it in."""
DETECTOR_UNITS = {
    "efficiency": "1",
    "dark_rate": "Hz",
    "dead_time": "s",
    "jitter": "s",
    "delay": "s",
}
PHASE_UNITS = {"phase_drift": "1", "phase_time": "s"}
PARTS = frozenset({"transducer", "transmission", "efficiency"})
"""Parts of what comes: at most all of it."""
LEFT_OUT: Mapping[str, Mapping[str, float]] = {
    "arm": {"added_noise": 0.0, "noise_bandwidth": 0.0},
    "detector": {"dark_rate": 0.0, "dead_time": 0.0, "jitter": 0.0, "delay": 0.0},
    "phase": {"phase_drift": 0.0, "phase_time": 1e-3},
}
"""Of what a file does not say. ASSUMED: a phase that strays does so within a millisecond."""


@dataclass(frozen=True, slots=True)
class DrawnPart:
    """An arm, a detector, or the phase between the arms."""

    values: Mapping[str, Spread]
    origin: Mapping[str, str | None]
    """By quantity: the source that the file names; None where it says ``assumed``."""


@dataclass(frozen=True, slots=True)
class StationDesign:
    """A herald station that its world is drawn from."""

    element: str
    """The link that draws of detectors are keyed by: the first of those that share them."""
    heard: tuple[str, ...]
    """Inputs that hear its detectors: stations that have the same are one."""
    arms: tuple[DrawnPart, DrawnPart]
    """In the order of the link's ends."""
    detectors: Mapping[str, DrawnPart]
    """Two, by name."""
    phase: DrawnPart


def station_of(name: str, link: FacilityPlace, ends: tuple[str, str]) -> StationDesign | None:
    """Return the station of a link between these nodes; None: it has none. Raises DesignError."""
    if link.tree.get("station") is None:
        return None
    place = link.sub("station")
    arms = place.sub("arms")
    first, second = (_part(arms.sub(end), "arm", ARM_UNITS) for end in ends)
    detectors = {
        name: _part(one, "detector", DETECTOR_UNITS) for name, one in place.section("detectors")
    }
    if len(detectors) != len(ends):
        raise DesignError(f"{place.where}.detectors: two are wanted, not {len(detectors)}")
    heard = tuple(one.text("input") for _, one in place.section("detectors"))
    phase = _part(place, "phase", PHASE_UNITS)
    return StationDesign(name, heard, (first, second), detectors, phase)


def _part(place: FacilityPlace, kind: str, units: Mapping[str, str]) -> DrawnPart:
    values: dict[str, Spread] = {}
    origin: dict[str, str | None] = {}
    for key, unit in units.items():
        if key not in place and key in LEFT_OUT[kind]:
            values[key], origin[key] = Spread(LEFT_OUT[kind][key], 0.0, unit), None
            continue
        spread = replace(place.spread(key, unit), low=0.0)
        values[key] = replace(spread, high=1.0) if key in PARTS else spread
        origin[key] = place.origin(key, "the facility file's design")
    return DrawnPart(values, origin)
