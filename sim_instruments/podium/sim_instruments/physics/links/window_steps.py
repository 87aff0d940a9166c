"""The held steps of a window in retarded time: edges of both ends' samples and windows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.links.generator_values import TURN_1_NS
from podium.sim_instruments.physics.links.link_window import LinkWindow, WindowEnd

RING_FS = 1_000_000
"""Longest step while the resonators ring down."""
RINGING = 12.0
"""Lifetimes of the slower resonator that it counts as ringing for after a drive."""
IDLE_FS = 16_000_000
"""Longest step else."""


@dataclass(frozen=True, slots=True, eq=False)
class WindowSteps:
    """S steps in which drives and rates are held."""

    start_fs: NDArray[np.int64]
    """Shape (S + 1,): edges in retarded time, which is the first end's time."""
    span_ns: NDArray[np.float64]
    """Shape (S,)."""
    mode: NDArray[np.int64]
    """Shape (S,): 2 where the first atom changes, plus 1 where the second does."""
    drive: NDArray[np.complex128]
    """Shape (S, 6), rad/ns: g and its conjugate of both ends, then the two Stark shifts of f."""


def steps_of(window: LinkWindow) -> WindowSteps:
    """Return a window's steps, from the first atom's or the second's start to the last stop."""
    delays = (0, window.way.delay_fs)
    spans = [
        (end.start_fs - d, end.stop_fs - d) for end, d in zip(window.ends, delays, strict=True)
    ]
    begin, stop = min(one[0] for one in spans), max(one[1] for one in spans)
    ring_fs = round(
        RINGING / (TURN_1_NS * min(end.resonator.kappa_hz for end in window.ends)) * 1e6
    )
    if window.unseen is not None:
        stop += ring_fs
    edges = [np.array([begin, *spans[0], *spans[1], stop], np.int64)]
    drives = []
    for end, delay in zip(window.ends, delays, strict=True):
        grid = _driven_edges(end) - delay
        if grid.size:
            drives.append((int(grid[0]), int(grid[-1])))
            edges.append(grid)
    for _, last in drives:
        ringing = np.arange(last, last + ring_fs, RING_FS)
        for first, other in drives:
            ringing = ringing[(ringing <= first) | (ringing >= other)]
        edges.append(ringing)
    edges.append(np.arange(begin, stop, IDLE_FS))
    edge = np.unique(np.concatenate(edges))
    edge = edge[(edge >= begin) & (edge <= stop)]
    middle = (edge[1:] + edge[:-1]) // 2
    mode = np.zeros(middle.size, np.int64)
    drive = np.zeros((middle.size, 6), np.complex128)
    for e, (end, delay) in enumerate(zip(window.ends, delays, strict=True)):
        own = middle + delay
        live = (own >= end.start_fs) & (own < end.stop_fs)
        mode += np.where(live, 2 - e, 0)
        played = np.where(live, _at(end, own), 0)
        drive[:, 2 * e] = TURN_1_NS * played
        drive[:, 2 * e + 1] = TURN_1_NS * np.conj(played)
        drive[:, 4 + e] = TURN_1_NS * end.atom.stark_hz_per_hz2 * np.abs(played) ** 2
    return WindowSteps(edge, 1e-6 * np.diff(edge), mode, drive)


def _driven_edges(end: WindowEnd) -> NDArray[np.int64]:
    """Return the edges of an end's samples that are not zero, in its own time."""
    there = np.flatnonzero(end.sideband.samples_hz)
    if not there.size:
        return np.zeros(0, np.int64)
    first, last = int(there[0]), int(there[-1])
    count = np.arange(first, last + 2, dtype=np.int64)
    return end.sideband.first_fs + count * end.sideband.sample_fs


def _at(end: WindowEnd, times_fs: NDArray[np.int64]) -> NDArray[np.complex128]:
    """Return the samples that are played at these times of the end."""
    samples = end.sideband.samples_hz
    if not samples.size:
        return np.zeros(times_fs.size, np.complex128)
    index = (times_fs - end.sideband.first_fs) // end.sideband.sample_fs
    inside = (index >= 0) & (index < samples.size)
    return np.where(inside, samples[np.clip(index, 0, samples.size - 1)], 0)
