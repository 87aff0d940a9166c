"""One atom of a meeting in its own run: drives, sideband windows and readings, cut into blocks.

A block ends with a reading and begins behind the one before, in the level that was found. Times are
those of the feedline's connector, ns from the start of the atom's own run.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.physics.drive_line import Drives
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.operating_point import QubitPoint
from podium.sim_instruments.physics.walk import Pace, Readings

DRIVE, WINDOW, READING = 0, 1, 2
UNTIL_THE_END = 1 << 62
SHARED_NS = 2
"""Neighbours may share so much: pulses of instruments that sample twice in a nanosecond end and
begin within one, and one that begins between two samples has another one behind its end."""


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """An atom of three levels in a run; S readings."""

    qubit: QubitPoint
    run: int
    drives: Drives
    """Of its own line."""
    windows: Drives
    """Of its sidebands' lines: what follows closely is one."""
    link: NDArray[np.int64]
    """Shape (windows,): number of the link over which each sends or catches."""
    world_fs: Callable[[NDArray[np.int64]], NDArray[np.int64]]
    """The world's instants at which something of times (n,) is at the chip, fs from an origin."""
    readings: Readings
    pace: Pace
    lit_ns: NDArray[np.int64]
    """Shape (S,): when each reading finds its level."""
    episode: NDArray[np.int64]
    """Shape (S,): of its feedline."""
    fraction: float
    """See :func:`..readout.flight`."""
    slow_hz: tuple[float, float]
    """Mean of its slow noise over the run, and how far it strays in it."""

    @property
    def dark_ns(self) -> NDArray[np.int64]:
        """Return when what follows each reading is over, shape (S,)."""
        lasts = np.asarray(self.readings.end_ns - self.readings.begin_ns, np.int64)
        return np.asarray(self.lit_ns + lasts)

    def window_fs(
        self, link: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return rows, and the world's begin and end (fs), of a link's windows, (n,) each."""
        rows = np.flatnonzero(self.link == link)
        begins = self.world_fs(self.windows.start_ns[rows])
        lasts = self.windows.end_ns[rows] - self.windows.start_ns[rows]
        return rows, begins, begins + FS_PER_NS * lasts


@dataclass(frozen=True, slots=True, eq=False)
class MemberBlocks:
    """All that happens to a member, n rows by time; S + 1 blocks, the last without a reading."""

    what: NDArray[np.int64]
    """Shape (n,): DRIVE or WINDOW."""
    row: NDArray[np.int64]
    """Shape (n,): row among drives or windows."""
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    first: NDArray[np.int64]
    """Shape (S + 2,): where each block begins."""
    block_of_window: NDArray[np.int64]
    """Shape (windows,)."""
    since_ns: NDArray[np.int64]
    """Shape (S + 1,): when each block begins."""


def member_blocks(member: Member) -> MemberBlocks:
    """Cut what is played to a member at its readings.

    Neighbours may share :data:`SHARED_NS`. Raises NotSimulated for a drive during a window of its
    sideband, and for what is played while there are photons in the resonators of its feedline.
    """
    drives, windows, name = member.drives, member.windows, member.qubit.name
    start = np.concatenate([drives.start_ns, windows.start_ns])
    end = np.concatenate([drives.end_ns, windows.end_ns])
    what = np.repeat([DRIVE, WINDOW], [drives.start_ns.size, windows.start_ns.size])
    row = np.concatenate([np.arange(drives.start_ns.size), np.arange(windows.start_ns.size)])
    order = np.argsort(start, kind="stable")
    start, end, what, row = start[order], end[order], what[order], row[order]
    over = np.flatnonzero(end[:-1] > start[1:] + SHARED_NS)
    if over.size:
        at = int(start[over[0] + 1])
        raise NotSimulated(
            f"{name} is driven at {at} ns of its run while its sideband makes or catches a photon: "
            "that is not simulated; let the drive end before the sideband's pulse or begin behind "
            "it"
        )
    lit, dark = member.lit_ns, member.dark_ns
    block = np.searchsorted(lit, start, side="left")
    since = np.append(start[:1] if start.size else 0, dark).astype(np.int64)
    since[0] = min(int(since[0]), int(lit[0])) if lit.size else since[0]
    until = np.append(lit, UNTIL_THE_END)
    if np.any(end > until[block]) or np.any((block > 0) & (start < since[block])):
        raise NotSimulated(
            f"something is played to {name}, which shares photons with another node, while there "
            "are photons in the resonators of its feedline: that is not simulated; let it end "
            "before a readout, and begin when that has rung down"
        )
    first = np.searchsorted(block, np.arange(lit.size + 2))
    block_of_window = np.zeros(windows.start_ns.size, np.int64)
    block_of_window[row[what == WINDOW]] = block[what == WINDOW]
    return MemberBlocks(what, row, start, end, first, block_of_window, since)
