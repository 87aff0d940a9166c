"""Windows of both ends of a link that share a photon, found in world time.

At a herald station the photons of two windows meet, and one that meets none is there alone: it is
a pair of its own, with itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.meeting.member import Member

RING_DOWN_FOLDS = 12.0
"""A transfer resonator is empty so many e-folds of its energy behind a pulse."""
LAG_STEP_FS = 200_000
"""Lags that differ by half of it from the run's median share its channel: at a lag of 10 ns a
photon of 10 MHz is caught alike to 1e-3, without a lag to 1e-6. Carriers' phases are exact."""
LAG_GRID_FS = 10_000
"""Grid of the median itself: runs after each other share channels."""
ALONE_FS = -(1 << 62)
"""In place of a lag: of a window whose photon goes to a herald station by itself."""


@dataclass(frozen=True, eq=False)
class WindowPairs:
    """Of members of a meeting, n pairs by link and time."""

    link: NDArray[np.int64]
    """Shape (n,): number of the link."""
    member: NDArray[np.int64]
    """Shape (n, 2): numbers of the members at the link's first and second end; twice the same of a
    window that is alone."""
    row: NDArray[np.int64]
    """Shape (n, 2): rows among the windows of each."""
    lag_fs: NDArray[np.int64]
    """Shape (n,): second's begin less first's and the delay, as channels are made for."""
    turns: NDArray[np.float64]
    """Shape (n,): by how much the second drive is turned: see :mod:`.window_channel`."""

    @cached_property
    def alone(self) -> NDArray[np.bool_]:
        """Return which are windows that are alone, (n,)."""
        return np.asarray(self.lag_fs == ALONE_FS)


def reach_fs(link: Link) -> int:
    """Return how far apart in time pulses at both ends may be and still share a photon, fs."""
    slowest = min(end.kappa_hz for end in link.ends)
    return abs(link.delay_fs) + round(1e15 * RING_DOWN_FOLDS / (2 * np.pi * slowest))


def window_pairs(
    links: Sequence[Link],
    ends: Sequence[tuple[int, int]],
    members: Sequence[Member],
    strays: Callable[[Link, NDArray[np.int64]], NDArray[np.float64]],
) -> WindowPairs:
    """Return which windows share a photon.

    ``ends``: the numbers of the members at both ends of each link; -1: nobody. ``strays``: by how
    many turns the way between the ends of a link is longer at the world's instants (n,). Raises
    NotSimulated where a window meets two of the other end.
    """
    found = []
    for number, (link, (one, other)) in enumerate(zip(links, ends, strict=True)):
        here = [member for member in (one, other) if member >= 0]
        windows = [members[member].window_fs(number) for member in here]
        rest = [rows for rows, _, _ in windows]
        if len(here) == len(link.ends):
            first, second = windows
            met, meets, apart = _met(link, first[1:], second[1:])
            count = met.size
            turns = link.ends[0].transfer_hz * 1e-15 * apart + strays(link, first[1][met])
            found.append(
                WindowPairs(
                    np.full(count, number),
                    np.tile([one, other], (count, 1)),
                    np.stack([first[0][met], second[0][meets]], axis=1),
                    _shared_lags(apart - link.delay_fs),
                    np.asarray(turns % 1.0, np.float64),
                )
            )
            rest = [np.delete(first[0], met), np.delete(second[0], meets)]
        if link.station is not None:
            found += [_alone(number, *of) for of in zip(here, rest, strict=True)]
    none = np.zeros(0, np.int64)
    empty = WindowPairs(none, none.reshape(0, 2), none.reshape(0, 2), none, np.zeros(0))
    parts = [empty, *found]
    return WindowPairs(
        np.concatenate([part.link for part in parts]).astype(np.int64),
        np.concatenate([part.member for part in parts]).astype(np.int64),
        np.concatenate([part.row for part in parts]).astype(np.int64),
        np.concatenate([part.lag_fs for part in parts]).astype(np.int64),
        np.concatenate([part.turns for part in parts]),
    )


def _alone(link: int, member: int, rows: NDArray[np.int64]) -> WindowPairs:
    """Return windows of a member whose photons meet no others."""
    count = rows.size
    return WindowPairs(
        np.full(count, link),
        np.full((count, 2), member),
        np.stack([rows, rows], axis=1),
        np.full(count, ALONE_FS),
        np.zeros(count),
    )


Spans = tuple[NDArray[np.int64], NDArray[np.int64]]


def _met(
    link: Link, first: Spans, second: Spans
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return rows of both ends' windows that meet, and how much later the second begins, fs."""
    reach = reach_fs(link)
    low = np.searchsorted(second[1], first[0] - reach, side="right")
    high = np.searchsorted(second[0], first[1] + reach, side="left")
    met = np.flatnonzero(high > low)
    other = low[met]
    if np.any(high[met] > other + 1) or np.any(np.diff(other) == 0):
        names = " and ".join(end.sideband for end in link.ends)
        raise NotSimulated(
            f"a pulse on one of {names} overlaps two pulses of the other end, counted with the "
            f"{reach / 1e6:.0f} ns of its flight and of the resonators' ring-down: that is not "
            "simulated; send one photon for each pulse that catches it"
        )
    return met, other, second[0][other] - first[0][met]


def _shared_lags(lag_fs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return lags of which many are equal."""
    if not lag_fs.size:
        return lag_fs
    middle = round(float(np.median(lag_fs)) / LAG_GRID_FS) * LAG_GRID_FS
    steps = np.rint((lag_fs - middle) / LAG_STEP_FS).astype(np.int64)
    return np.asarray(middle + steps * LAG_STEP_FS)
