"""One atom of a meeting in its own run: drives, sideband windows and readings, cut into blocks.

A block ends with a reading and begins behind the one before, in the level that was found. Times are
those of the feedline's connector, ns from the start of the atom's own run.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.physics.drive_line import Drives
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.meeting.gate_pulses import GateRows, no_gates
from podium.sim_instruments.physics.operating_point import QubitPoint
from podium.sim_instruments.physics.walk import Pace, Readings

DRIVE, WINDOW, READING, GATE, SHONE = range(5)
UNTIL_THE_END = 1 << 62
SHARED_NS = 2
"""Neighbours may share so much: pulses of instruments that sample twice in a nanosecond end and
begin within one, and one that begins between two samples has another one behind its end."""
GATE_SHARED_NS = 8
"""The neighbour of a qubit that is pulsed may be driven so much before the pulse has ended, or so
long into it: lines to a chip differ by as much. One is played behind the other. With an exchange of
4 MHz that moves half a pi pulse of 32 ns by 3e-5, one of 20 ns by 3e-4 (average infidelity)."""
FILLING_NS = 4
"""A pulse may reach so far into a readout: a resonator of 5 MHz has 0.4 % of its photons by then,
which turn a qubit by a hundredth of a radian at most."""


@dataclass(frozen=True, slots=True, eq=False)
class ShoneRows:
    """Readouts of others on its feedline, n of them, through which an atom stays coherent."""

    start_ns: NDArray[np.int64]
    """Shape (n,): when their photons are first there."""
    end_ns: NDArray[np.int64]
    part: NDArray[np.int64]
    """Shape (n,): which of ``factors``."""
    factors: NDArray[np.complex128]
    """Shape (parts, 3, 3): what photons do to coherences."""


def in_the_dark() -> ShoneRows:
    """Return no readouts."""
    none = np.zeros(0, np.int64)
    return ShoneRows(none, none, none, np.zeros((0, 3, 3), np.complex128))


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
    carrier_fs: Callable[[NDArray[np.int64]], NDArray[np.int64]]
    """The same by the clock of its carriers, which a run takes for right from its start on."""
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
    gates: GateRows = field(default_factory=no_gates)
    """With its neighbours on the chip."""
    shone: ShoneRows = field(default_factory=in_the_dark)
    """Readouts that are none of its readings."""

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
    """Shape (n,): DRIVE, WINDOW, GATE or SHONE."""
    row: NDArray[np.int64]
    """Shape (n,): row among drives, windows, gates or readouts of others."""
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    first: NDArray[np.int64]
    """Shape (S + 2,): where each block begins."""
    block_of_window: NDArray[np.int64]
    """Shape (windows,)."""
    block_of_gate: NDArray[np.int64]
    """Shape (gates,)."""
    since_ns: NDArray[np.int64]
    """Shape (S + 1,): when each block begins."""


def member_blocks(member: Member) -> MemberBlocks:
    """Cut what is played to a member at its readings.

    Neighbours may share :data:`SHARED_NS`, and :data:`GATE_SHARED_NS` where it is a gate of which
    another qubit is pulsed. Raises NotSimulated for a drive during a window of its
    sideband or a gate, and for what is played while there are photons in the resonators of its
    feedline.
    """
    name = member.qubit.name
    parts: dict[int, Drives | GateRows | ShoneRows] = {
        DRIVE: member.drives,
        WINDOW: member.windows,
        GATE: member.gates,
        SHONE: member.shone,
    }
    start = np.concatenate([one.start_ns for one in parts.values()])
    end = np.concatenate([one.end_ns for one in parts.values()])
    counts = [one.start_ns.size for one in parts.values()]
    what = np.repeat(list(parts), counts)
    row = np.concatenate([np.arange(count) for count in counts])
    order = np.argsort(start, kind="stable")
    start, end, what, row = start[order], end[order], what[order], row[order]
    _check_apart(name, what, start, end, _shared_ns(member, what, row))
    lit, dark = member.lit_ns, member.dark_ns
    block = np.searchsorted(lit, start, side="left")
    since = np.append(start[:1] if start.size else 0, dark).astype(np.int64)
    since[0] = min(int(since[0]), int(lit[0])) if lit.size else since[0]
    until = np.append(lit, UNTIL_THE_END)
    late, soon = end - until[block] - FILLING_NS, np.where(block > 0, since[block] - start, 0)
    if np.any(late > 0) or np.any(soon > 0):
        wrong = int(np.argmax((late > 0) | (soon > 0)))
        raise NotSimulated(
            f"something is played to {name} from {start[wrong]} to {end[wrong]} ns of its run, "
            "which shares photons with another node, while there are photons in the resonators of "
            f"its feedline ({max(late[wrong], soon[wrong])} ns too many): that is not simulated; "
            "let it end before a readout, and begin when that has rung down"
        )
    first = np.searchsorted(block, np.arange(lit.size + 2))
    block_of = {}
    for kind in (WINDOW, GATE):
        block_of[kind] = np.zeros(parts[kind].start_ns.size, np.int64)
        block_of[kind][row[what == kind]] = block[what == kind]
    return MemberBlocks(what, row, start, end, first, block_of[WINDOW], block_of[GATE], since)


def _shared_ns(
    member: Member, what: NDArray[np.int64], row: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return how much each may share with what begins next, (n - 1,)."""
    pulsed = np.ones(what.size, np.bool_)
    gate = what == GATE
    pulsed[gate] = member.gates.end[row[gate]] == 0
    soft = (~pulsed[:-1] & (what[1:] == DRIVE)) | (~pulsed[1:] & (what[:-1] == DRIVE))
    return np.where(soft, GATE_SHARED_NS, SHARED_NS)


def _check_apart(
    name: str,
    what: NDArray[np.int64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    shared_ns: NDArray[np.int64],
) -> None:
    """Raise NotSimulated for two things that happen to an atom at one time."""
    over = np.flatnonzero(end[:-1] > start[1:] + shared_ns)
    if not over.size:
        return
    at, both = int(start[over[0] + 1]), {int(what[over[0]]), int(what[over[0] + 1])}
    if SHONE in both:
        raise NotSimulated(
            f"something is played to {name} at {at} ns of its run, which shares a state with "
            "others, while there are photons of another readout on its feedline: that is not "
            "simulated; wait until they have rung down"
        )
    meanwhile = "its sideband makes or catches a photon"
    if GATE in both:
        meanwhile = "a flux pulse brings it together with its neighbour"
    raise NotSimulated(
        f"{name} is driven at {at} ns of its run while {meanwhile}: that is not simulated; let the "
        "one end before the other's pulse or begin behind it"
    )
