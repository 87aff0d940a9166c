"""Compares starts of several nodes on their common time tagger with the world."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.client.skew_calibration import LoopbackResult
from podium.control.facility.facility import Facility
from podium.control.runs.errors import RunFailed
from podium.firmware_interfaces.exact_time import FS_PER_MS
from podium.firmware_interfaces.tai import Tai

Array = NDArray[np.float64]

NEAR_FS = FS_PER_MS
"""What leaves a marker so long after T0, at most, belongs to that start."""


@dataclass(frozen=True, slots=True, eq=False)
class TaggedStart:
    """One start, of all nodes whose markers go to the tagger."""

    run: str
    t0: Tai
    edges_fs: Mapping[str, Array]
    """By node, the reference first: each pulse's edge after the mean edge of the reference, shape
    (pulses,); the cables from the markers to the tagger are taken off."""
    rest_fs: Mapping[str, int]
    """By node: what its start is set later by, below a tick. Its waveforms are; a marker stands on
    whole ticks."""

    @property
    def reference(self) -> str:
        """The node against which the others are measured."""
        return next(iter(self.edges_fs))

    def marker_fs(self, node: str) -> float:
        """Return by how much the marker of ``node`` came after that of the reference, fs."""
        return float(np.mean(self.edges_fs[node]))

    def skew_fs(self, node: str) -> float:
        """Return the same of the waveforms: with what is set below a tick."""
        return self.marker_fs(node) + self.rest_fs[node] - self.rest_fs[self.reference]


def tagged_start(facility: Facility, seen: LoopbackResult) -> TaggedStart:
    """Return what a loopback tells; raises ``RunFailed`` where a pulse was not tagged once."""
    markers = facility.timing.markers
    nodes = [node for node in facility.nodes if node in seen.tags_fs]
    missed = [node for node in nodes if not np.all(seen.counts[node] == 1)]
    if missed or len(nodes) < 2:
        told = {node: int(seen.counts[node].sum()) for node in nodes}
        raise RunFailed(
            f"run {seen.run}: the tagger saw {told} edges; one in each window is due, of two nodes "
            "at least: look at the markers' cables"
        )
    delays_fs = {node: markers[node].delay.value_fs for node in nodes}
    reference_fs = float(np.mean(seen.tags_fs[nodes[0]] - delays_fs[nodes[0]]))
    set_to = json.loads(seen.start_settings) if seen.start_settings else {}
    return TaggedStart(
        seen.run,
        seen.t0,
        {
            node: np.asarray(seen.tags_fs[node] - delays_fs[node] - reference_fs, np.float64)
            for node in nodes
        },
        {
            node: int(set_to.get(markers[node].output.instrument, {}).get("late_fs", 0))
            for node in nodes
        },
    )


@dataclass(frozen=True, slots=True)
class Edges:
    """Lists the edges that left one connector in one run, as the simulated world reports."""

    instrument: str
    connector: str
    at_fs: tuple[int, ...]
    """Rising edges, TAI."""


def true_skews_fs(
    facility: Facility, start: TaggedStart, world: Iterable[Edges]
) -> dict[str, float] | None:
    """Return by node what :meth:`TaggedStart.skew_fs` was in truth; None: the world has lost it.

    Where pulses of one marker were more than the world keeps, those that it has are compared.
    """
    near = [one for one in world if one.at_fs and 0 <= one.at_fs[0] - start.t0.total_fs < NEAR_FS]
    found: dict[str, NDArray[np.int64]] = {}
    for node in start.edges_fs:
        output = facility.timing.markers[node].output
        place = (output.instrument, output.channel)
        own = [one for one in near if (one.instrument, one.connector) == place]
        if len(own) != 1:
            return None
        # from T0 on: a float of absolute TAI would hold no femtosecond
        found[node] = np.array([at - start.t0.total_fs for at in own[0].at_fs], np.int64)
    reference = start.reference
    skews = {}
    for node in start.edges_fs:
        count = min(len(found[node]), len(found[reference]))
        marker_fs = float(np.mean(found[node][:count] - found[reference][:count]))
        skews[node] = marker_fs + start.rest_fs[node] - start.rest_fs[reference]
    return skews


@dataclass(frozen=True, slots=True)
class Spread:
    """Describes the distance of two nodes over some starts, fs."""

    starts: int
    mean_fs: float
    rms_fs: float
    """About zero: what is constant counts."""
    furthest_fs: float
    """Of a single start, without its sign."""


def spread_of(skews_fs: Sequence[float]) -> Spread | None:
    """Return the spread of a skew over starts; None of none."""
    if not skews_fs:
        return None
    values = np.asarray(skews_fs, np.float64)
    return Spread(
        len(values),
        float(np.mean(values)),
        float(np.sqrt(np.mean(values**2))),
        float(np.max(np.abs(values))),
    )
