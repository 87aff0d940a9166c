"""Clicks at herald stations: when each of them comes, and how the phase between the arms strays.

ASSUMED: a click's instant tells nothing of which pattern it belongs to but that its photon was
there; windows of a time tagger that cut into a photon see clicks of states that are averaged over
it. The phase between the arms is stationary in world time, with an exponential memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.counter_based_random import key
from podium.sim_instruments.physics.links.heralded_states import WINDOW
from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.meeting.link_windows import LinkWindows
from podium.sim_instruments.physics.meeting.member import Member
from podium.sim_instruments.physics.meeting.window_pairs import WindowPairs
from podium.sim_instruments.physics.noise import COSINES, gaussians

DETECTORS = len(WINDOW[0])


@dataclass(frozen=True, slots=True, eq=False)
class HeraldClicks:
    """Photons that detectors of one link's station saw in a meeting, n of them by time."""

    link: str
    origin_fs: int
    """World time (TAI) from which instants count."""
    at_fs: NDArray[np.int64]
    """Shape (n,): when each would click, a blind one too; its jitter is in it."""
    detector: NDArray[np.int64]
    """Shape (n,)."""


def phase_turns(
    link: Link, seed: int, origin_fs: int, at_fs: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return by how many turns the phase between a link's arms strays at the world's instants."""
    station = link.station
    if station is None or station.phase_sigma_rad == 0.0:
        return np.full(at_fs.size, link.phase_turns)
    angles = np.angle(gaussians(key(seed, link.name, "phase of the arms"), 0, COSINES))
    # Stratified quantiles of the Lorentzian, as of slow noise: equal amplitudes give its spectrum.
    rate = np.tan(0.5 * np.pi * (np.arange(COSINES) + 0.5) / COSINES) / station.phase_time_fs
    begun = np.array([(one * origin_fs) % (2 * np.pi) for one in rate.tolist()])
    total = np.zeros(at_fs.size)
    for one, angle in zip(rate, begun + angles, strict=True):
        total += np.cos(one * at_fs + angle)
    strays_rad = station.phase_sigma_rad * np.sqrt(2.0 / COSINES) * total
    return np.asarray(link.phase_turns + strays_rad / (2 * np.pi))


def click_instants(
    link: Link,
    windows: LinkWindows,
    members: Sequence[Member],
    pairs: WindowPairs,
    seen: NDArray[np.int64],
    origin_fs: int,
    random: np.random.Generator,
) -> HeraldClicks:
    """Return the clicks of pairs of windows; ``seen`` (2, n): pairs, and their patterns."""
    station = link.station
    assert station is not None
    number, pattern = seen
    clicked = np.array(WINDOW)[pattern]  # (n, 2): by detector
    pair = np.repeat(number, clicked.sum(axis=1))
    detector = np.nonzero(clicked)[1]
    weights = np.array([arm.efficiency for arm in station.arms])
    side = (random.random(pair.size) * weights.sum() >= weights[0]).astype(np.int64)
    part = random.random(pair.size)
    at_fs = np.zeros(pair.size, np.int64)
    ends = windows.ends_of(int(pairs.link[number[0]]))
    side = np.where(pairs.alone[pair], (pairs.member[pair, 0] == ends[1]).astype(np.int64), side)
    for end, member_number in enumerate(ends):
        mine = np.flatnonzero(side == end)
        if not mine.size:
            continue
        played = members[member_number].windows
        rows = pairs.row[pair[mine], end]
        later = np.zeros(mine.size)
        for shape in np.unique(played.shape[rows]).tolist():
            which = played.shape[rows] == shape
            times, left = windows.flux(int(pairs.link[number[0]]), end, shape)
            later[which] = np.interp(part[mine[which]], left, times)
        begins = members[member_number].world_fs(played.start_ns[rows])
        at_fs[mine] = begins + np.rint(later).astype(np.int64) + station.arms[end].delay_fs
    jitter_fs = np.array([one.jitter_fs for one in station.detectors])[detector]
    at_fs += np.rint(jitter_fs * random.standard_normal(at_fs.size)).astype(np.int64)
    order = np.argsort(at_fs, kind="stable")
    return HeraldClicks(link.name, origin_fs, at_fs[order], detector[order])
