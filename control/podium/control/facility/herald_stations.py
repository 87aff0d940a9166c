"""Defines herald stations as frozen values, and makes them from what the facility file says."""

from collections.abc import Mapping
from dataclasses import dataclass

from podium.control.facility.connector_ref import ConnectorRef
from podium.control.facility.design_values import estimate
from podium.control.facility.estimate import Estimate
from podium.control.facility.frozen_map import FrozenMap
from podium.control.facility.quantity_entries import FileEntry
from podium.control.facility.station_entries import (
    ARM_UNITS,
    DETECTOR_UNITS,
    STATION_UNITS,
    StationEntry,
    SwitchPathEntry,
)


@dataclass(frozen=True, slots=True)
class StationDetector:
    """One of the two detectors of a station, as designed."""

    port: str
    """Under which programs capture its clicks: ``link_ab.d0``."""
    input: ConnectorRef
    """Of the time tagger."""
    design: FrozenMap[str, Estimate]
    """By quantity: efficiency, dark_rate, dead_time, jitter, delay."""


@dataclass(frozen=True, slots=True)
class SwitchPath:
    """A way through an optical switch: it has light while the input is led to the output."""

    switch: str
    """The instrument."""
    input: int
    output: int
    """Both count from 1."""


@dataclass(frozen=True, slots=True)
class HeraldStation:
    """Where the photons of both ends of a link meet."""

    arms: tuple[FrozenMap[str, Estimate], FrozenMap[str, Estimate]]
    """In the order of the link's ends, by quantity: transducer, added_noise, noise_bandwidth,
    transmission, delay."""
    detectors: tuple[StationDetector, StationDetector]
    design: FrozenMap[str, Estimate]
    """By quantity: phase_drift, phase_time."""
    paths: tuple[SwitchPath, ...] = ()
    """Ways of its arms through optical switches."""

    def routes(self) -> dict[str, dict[int, int]]:
        """Return what leads both photons here: of each switch the output of each input."""
        found: dict[str, dict[int, int]] = {}
        for path in self.paths:
            found.setdefault(path.switch, {})[path.input] = path.output
        return found


def station_as_written(link: str, ends: tuple[str, str], entry: StationEntry) -> HeraldStation:
    """Return a station from a checked entry."""
    first, second = (_design(entry.arms[end], ARM_UNITS) for end in ends)
    one, other = (
        StationDetector(
            f"{link}.{name}", _connector(detector.input), _design(detector, DETECTOR_UNITS)
        )
        for name, detector in entry.detectors.items()
    )
    switched = (entry.arms[end].switch for end in ends)
    paths = tuple(path_as_written(one) for one in switched if one is not None)
    return HeraldStation((first, second), (one, other), _design(entry, STATION_UNITS), paths)


def path_as_written(entry: SwitchPathEntry) -> SwitchPath:
    """Return a way through a switch; raises ``ValueError`` where its ports are none."""
    ends = []
    for text, kind in ((entry.input, "in"), (entry.output, "out")):
        instrument, _, port = text.partition(".")
        number = port.removeprefix(kind)
        if not port.startswith(kind) or not number.isdecimal() or int(number) < 1:
            raise ValueError(f"{text!r} is no {kind}put of a switch, e.g. matrix.{kind}1")
        ends.append((instrument, int(number)))
    (switch, input_), (same, output) = ends
    if switch != same:
        raise ValueError(f"it goes into {switch} and comes out of {same}: one switch is wanted")
    return SwitchPath(switch, input_, output)


def _design(entry: FileEntry, units: Mapping[str, str]) -> FrozenMap[str, Estimate]:
    return FrozenMap(
        {
            quantity: estimate(one, unit)
            for quantity, unit in units.items()
            if (one := getattr(entry, quantity)) is not None
        }
    )


def _connector(text: str) -> ConnectorRef:
    instrument, _, channel = text.partition(".")
    return ConnectorRef(instrument, channel)
