"""Which pulses of sessions that share photons are played in the part that ends with some windows.

What is played to qubits that are not read yet waits until it matters; a photon's two pulses stay
together.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain

TOGETHER_NS = 60
"""Pulses of both ends of a link that begin within so much may be one photon's: never parted."""
NEVER_FS = -(1 << 62)
"""Before every pulse."""


@dataclass(frozen=True, slots=True, eq=False)
class PendingPulses:
    """Pulses that one session has said and not played."""

    trains: Sequence[PulseTrain]
    world_fs: Callable[[NDArray[np.int64]], NDArray[np.int64]]
    """World time of times of its run, ns, from an instant on that all sessions have in common."""


@dataclass(frozen=True, slots=True, eq=False)
class LinkedLines:
    """Links, and the lines of all that they end at."""

    links: Sequence[Link]
    feedline_of: Mapping[str, str]
    """By qubit."""
    qubit_of: Mapping[str, str]
    """By line for drives or sidebands."""


def ends_ns(capture: CaptureTrain) -> int:
    """Return when the last window of a train closes."""
    lasts = np.array([window.duration_ns for window in capture.windows], np.int64)
    return int((capture.start_ns + lasts[capture.window]).max())


def opens_ns(captures: Sequence[CaptureTrain]) -> int:
    """Return when the last window of all opens."""
    return max(int(capture.start_ns[-1]) for capture in captures if capture.start_ns.size)


def parted_pulses(
    lines: LinkedLines, captures: Sequence[CaptureTrain], sessions: Sequence[PendingPulses]
) -> list[tuple[list[PulseTrain], list[PulseTrain]]]:
    """Return of each session what is played in the part that ends with windows, and what is not.

    The first session asks for the windows. To a qubit that is read, all that begins before its last
    window closes is played; to others, all that begins before the last window opens. Readouts of
    other sessions wait for their windows.
    """
    mine = sessions[0]
    over: dict[str, int] = {}
    for capture in captures:
        if capture.start_ns.size:
            over[capture.line] = max(over.get(capture.line, 0), ends_ns(capture))
    over = {line: _fs(mine, at_ns) for line, at_ns in over.items()}
    opens_fs = _fs(mine, opens_ns(captures))
    until = _until(lines, sessions, over, opens_fs)
    limit = {line: until[name] for line, name in lines.qubit_of.items()}
    found = []
    for session in sessions:
        own = over if session is mine else _tones_until(lines, session, limit)
        limits = limit | own
        played: list[PulseTrain] = []
        rest: list[PulseTrain] = []
        for train in session.trains:
            row = _row(session, train, limits.get(train.line, opens_fs))
            played += [train.only(slice(row))] if row else []
            rest += [train.only(slice(row, None))] if row < train.start_ns.size else []
        found.append((played, rest))
    return found


def _tones_until(
    lines: LinkedLines, session: PendingPulses, limit: Mapping[str, int]
) -> dict[str, int]:
    """Return until when tones of a session that asks for no window are played, by feedline.

    What is left of a readout is over before anything else is played to its qubits.
    """
    until = dict.fromkeys(lines.feedline_of.values(), NEVER_FS)
    for train in session.trains:
        name = lines.qubit_of.get(train.line)
        row = 0 if name is None else _row(session, train, limit[train.line])
        if name is not None and row:
            feedline = lines.feedline_of[name]
            until[feedline] = max(until[feedline], _fs(session, int(train.start_ns[row - 1])))
    return until


def _row(session: PendingPulses, train: PulseTrain, until_fs: int) -> int:
    """Return how many pulses of a train begin before an instant."""
    return int(np.searchsorted(session.world_fs(train.start_ns), until_fs))


def _until(
    lines: LinkedLines, sessions: Sequence[PendingPulses], over: Mapping[str, int], opens_fs: int
) -> dict[str, int]:
    """Return until when pulses to each qubit are played, world fs."""
    until = {name: over.get(line, opens_fs) for name, line in lines.feedline_of.items()}
    read = {name for name, line in lines.feedline_of.items() if line in over}
    pairs = list(_pairs(lines.links, sessions))
    moved = True
    while moved:
        moved = False
        for (one, begins), (other, later) in pairs:
            if (begins < until[one]) == (later < until[other]):
                continue
            inside, at, outside, behind = (
                (one, begins, other, later) if begins < until[one] else (other, later, one, begins)
            )
            if inside in read:
                until[outside] = behind + 1
            else:
                until[inside] = at
            moved = True
    return until


def _pairs(
    links: Sequence[Link], sessions: Sequence[PendingPulses]
) -> Iterator[tuple[tuple[str, int], tuple[str, int]]]:
    """Yield pulses of both ends of a link that may be one photon's: qubits and begins, fs."""
    for link in links:
        begins = [
            np.concatenate(
                [
                    session.world_fs(t.start_ns)
                    for session in sessions
                    for t in session.trains
                    if t.line == end.sideband
                ]
                or [np.zeros(0, np.int64)]
            )
            for end in link.ends
        ]
        near = np.abs(np.subtract.outer(*begins)) <= TOGETHER_NS * FS_PER_NS + link.delay_fs
        for one, other in zip(*np.nonzero(near), strict=True):
            yield (
                (link.ends[0].qubit, int(begins[0][one])),
                (link.ends[1].qubit, int(begins[1][other])),
            )


def _fs(session: PendingPulses, at_ns: int) -> int:
    return int(session.world_fs(np.array([at_ns], np.int64))[0])
