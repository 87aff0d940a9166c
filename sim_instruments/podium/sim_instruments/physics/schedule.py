"""The run as one qubit meets it: its drive shapes and the readouts, in the order of time.

Times are those of the feedline's connector: a drive is set back by the difference of the two
lines' delays, rounded to whole nanoseconds. Each episode with tones has one instant at which
its records read the level: the episode's start, or, where drives overlap it, the end of the last
drive that begins before the middle of what is listened to (ASSUMED: the record is made as if
that level had been there from the start; drives that begin later are not seen in it).

After the reading the coherences count no more once measurement and time have taken
all but :data:`FORGOTTEN` of them before the next drive, or where there is a record that tells 0 and
1 apart: the run falls into blocks that start from a known level, and equal blocks need evolving
only once.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import (
    StretchNumbers,
    firsts,
    number_stretches,
    numbered,
    offsets,
    phase_word,
)
from podium.sim_instruments.physics.drive_line import Drives
from podium.sim_instruments.physics.episodes import Episodes
from podium.sim_instruments.physics.evolution import DURING_READOUT, PART, PULSE, Events

FORGOTTEN = 1e-6
"""What may be left of a coherence that is dropped; populations are off by less than this."""
TOLD = 0.05
"""What may be left of the coherence of 0 and 1 after a reading that has a record: the qubit goes on
from the level that the record shows, or else a herald and the readout that follows would be drawn
apart. ASSUMED: a record that tells less (0 and 1 by 2.5 standard deviations, where a third of the
photons is detected) shows nothing, and no coherence of higher levels outlives one that tells more.
"""


@njit(cache=True, nogil=True)
def _put(
    row: Any, what: Any, item: Any, start: Any, end: Any, a: Any, b: Any, sampled: Any
) -> None:
    """Fill a row of :func:`_lay`. One assignment of a slice would take seconds to compile."""
    row[0] = what
    row[1] = item
    row[2] = start
    row[3] = end
    row[4] = a
    row[5] = b
    row[6] = sampled


@njit(cache=True, nogil=True)
def _lay(
    drive_start: Any, drive_end: Any, start: Any, end: Any, middle: Any, episode: Any, out: Any
) -> int:
    """Fill ``out`` (R, 7): what, index (drive or episode), time, end, a, b, sampled."""
    # Typed: for each literal number that is handed on, another _put would be compiled.
    pulse, during_readout, part, none = (
        np.int64(PULSE),
        np.int64(DURING_READOUT),
        np.int64(PART),
        np.int64(0),
    )
    count = 0
    d = 0
    now = -(1 << 62)
    for g in range(start.size):
        while d < drive_start.size and drive_end[d] <= start[g]:
            _put(out[count], pulse, d, drive_start[d], drive_end[d], none, none, none)
            count += 1
            d += 1
        until = d
        reading = d
        while until < drive_start.size and drive_start[until] < end[g]:
            if drive_start[until] < middle[g]:
                reading = until + 1
            until += 1
        position = max(start[g], now)
        for i in range(d, until):
            if drive_start[i] > position or i == reading:
                stop = max(drive_start[i], position)
                _put(
                    out[count],
                    part,
                    g,
                    position,
                    stop,
                    min(position, end[g]) - episode[g],
                    min(stop, end[g]) - episode[g],
                    np.int64(i == reading),
                )
                count += 1
            _put(out[count], during_readout, i, drive_start[i], drive_end[i], g, none, none)
            count += 1
            position = max(position, drive_end[i])
        if position < end[g] or reading == until:
            stop = max(position, end[g])
            _put(
                out[count],
                part,
                g,
                position,
                stop,
                min(position, end[g]) - episode[g],
                end[g] - episode[g],
                np.int64(reading == until),
            )
            count += 1
            position = stop
        now = position
        d = until
    return count


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """The events of one qubit up to the last reading; R events, S readings."""

    what: NDArray[np.int64]
    """Shape (R,): PULSE, DURING_READOUT or PART."""
    item: NDArray[np.int64]
    """Shape (R,): index of the shape, or into ``during_readout`` or ``parts``."""
    gap: NDArray[np.int64]
    """Shape (R,): index into ``gaps_ns``: the wait before each event."""
    gaps_ns: NDArray[np.int64]
    """The different waits."""
    turns: NDArray[np.float64]
    sampled: NDArray[np.bool_]
    heard: NDArray[np.bool_]
    """Shape (R,): whether it is a stretch of an episode that somebody listens to."""
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    quiet: NDArray[np.bool_]
    """Shape (R,): whether nothing is driven, so that the phase does not count."""
    during_readout: tuple[tuple[int, int, int], ...]
    """(shape, kind of episode, offset in it) of each different shape that meets photons."""
    parts: tuple[tuple[int, int, int], ...]
    """(kind of episode, begin, end) of each different stretch of a readout."""
    episode: NDArray[np.int64]
    """Shape (S,): the episode of each reading."""

    def events(self) -> Events:
        """Return the events as the compiled functions want them."""
        return Events(self.what, self.item, self.gap, self.turns, self.sampled)


def schedule_of(drives: Drives, drive_later_ns: int, episodes: Episodes) -> Schedule:
    """Lay drives and episodes of one qubit along time.

    ``drive_later_ns``: how much longer a drive is under way to the chip than a tone.
    """
    lit = episodes.lit
    kind, origin = lit.kind, lit.origin_ns
    rows = _laid(
        drives.start_ns + drive_later_ns,
        drives.end_ns + drive_later_ns,
        lit.lit_ns,
        lit.dark_ns,
        lit.middle_ns,
        origin,
    )
    what, index, start, end, a, b, sampled = rows.T
    # copies of what is kept: the rows are as large as all else together
    what, start, end, sampled = what.copy(), start.copy(), end.copy(), sampled.astype(np.bool_)

    item = np.zeros(what.size, np.int64)
    turns = np.zeros(what.size)
    driven = what != PART
    turns[driven] = drives.phase_turns[index[driven]]
    item[driven] = drives.shape[index[driven]]
    still = np.array([shape.quiet for shape in drives.shapes], np.bool_)
    quiet = np.zeros(what.size, np.bool_)
    if still.any():
        quiet[driven] = still[item[driven]]
    during = what == DURING_READOUT
    within = kind[a[during]]
    offset = start[during] - origin[a[during]]
    during_readout, item[during] = _numbered(item[during], within, offset)
    part = what == PART
    within = kind[index[part]]
    parts, item[part] = _numbered(within, a[part], b[part])
    heard = np.zeros(what.size, np.bool_)
    heard[part] = lit.listened[within]
    wait = np.zeros(what.size, np.int64)
    wait[1:] = np.maximum(start[1:] - end[:-1], 0)
    gaps, gap = numbered(wait)
    return Schedule(
        what=what,
        item=item,
        gap=gap,
        gaps_ns=gaps,
        turns=turns,
        sampled=sampled,
        heard=heard,
        start_ns=start,
        end_ns=end,
        quiet=quiet,
        during_readout=during_readout,
        parts=parts,
        episode=lit.number[index[sampled]],
    )


def _laid(
    drive_start: NDArray[np.int64],
    drive_end: NDArray[np.int64],
    lit: NDArray[np.int64],
    over: NDArray[np.int64],
    middle: NDArray[np.int64],
    origin: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the rows (R, 7) of :func:`_lay` up to the last reading."""
    dark = _apart(lit, over, drive_start, drive_end)
    met = np.searchsorted(drive_start, dark) - np.searchsorted(drive_end, lit, side="right")
    # one for each drive and readout, and one more for each drive that meets a readout
    room = drive_start.size + lit.size + int(np.maximum(met, 0).sum())
    rows = np.empty((room, 7), np.int64)
    count = _lay(drive_start, drive_end, lit, dark, middle, origin, rows)
    readings = np.flatnonzero(rows[:count, 6])
    return rows[: int(readings[-1]) + 1 if readings.size else 0]


def _apart(
    lit: NDArray[np.int64],
    dark: NDArray[np.int64],
    drive_start: NDArray[np.int64],
    drive_end: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return when each readout is over; one that begins in a ring-down ends it.

    The photons that count are then its own; also for a drive between both that it meets.
    """
    out, over = dark.copy(), np.flatnonzero(dark[:-1] > lit[1:])
    arrives = lit[over + 1]
    out[over] = arrives
    last = np.searchsorted(drive_start, arrives) - 1
    over, arrives, last = over[last >= 0], arrives[last >= 0], last[last >= 0]
    met = drive_end[last] > arrives
    out[over[met]] = drive_start[last[met]]
    return out


def _numbered(
    a: NDArray[np.int64], b: NDArray[np.int64], c: NDArray[np.int64]
) -> tuple[tuple[tuple[int, int, int], ...], NDArray[np.int64]]:
    """Return the different triples and the number of each."""
    if not a.size:
        return (), np.zeros(0, np.int64)
    found = number_stretches(np.arange(a.size, dtype=np.int64), [a, b, c])
    triples = zip(a[found.example], b[found.example], c[found.example], strict=True)
    return tuple((int(x), int(y), int(z)) for x, y, z in triples), found.kind


@njit(cache=True, nogil=True)
def _forgets(
    what: Any,
    item: Any,
    gap: Any,
    sampled: Any,
    heard: Any,
    part_loss: Any,
    fading: Any,
    folds: float,
    told_folds: float,
) -> Any:
    """Say for each event whether it is a reading after which no coherence counts."""
    levels = fading.shape[0]
    lost = np.full((levels, levels), np.inf)
    out = np.zeros(what.size, np.bool_)
    for r in range(what.size - 1, -1, -1):
        if what[r] == PART:
            least = np.inf
            for a in range(levels):
                for b in range(a):
                    lost[a, b] += part_loss[item[r], a, b]
                    least = min(least, lost[a, b])
            told = heard[r] and part_loss[item[r], 1, 0] >= told_folds
            out[r] = sampled[r] and (told or least >= folds)
        else:
            lost[:, :] = 0.0
        for a in range(levels):
            for b in range(a):
                lost[a, b] += fading[a, b] * gap[r]
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Stretches of a schedule that start from a known level and end with a reading."""

    first: NDArray[np.int64]
    """Shape (B,): first event of each."""
    alike: StretchNumbers
    first_reading: NDArray[np.int64]
    """Shape (B + 1,): number of readings before each block."""


def blocks_of(
    schedule: Schedule, part_loss: NDArray[np.float64], fading: NDArray[np.float64]
) -> Blocks:
    """Cut a schedule where nothing but the level is left.

    ``part_loss`` (P, L, L): e-folds of each coherence lost in each part; ``fading``: 1/ns.
    """
    ends = _forgets(
        schedule.what,
        schedule.item,
        schedule.gaps_ns[schedule.gap],
        schedule.sampled,
        schedule.heard,
        part_loss,
        fading,
        float(-np.log(FORGOTTEN)),
        float(-np.log(TOLD)),
    )
    last = np.flatnonzero(ends)
    first = np.append(0, last[:-1] + 1)[: last.size].astype(np.int64)
    found = number_stretches(
        first,
        [
            schedule.what,
            schedule.item,
            schedule.gap,
            schedule.sampled.view(np.int8),
            _relative_phases(schedule, first),
        ],
    )
    readings = offsets(schedule.sampled)
    return Blocks(first, found, np.append(readings[first], readings[-1]))


def _relative_phases(schedule: Schedule, first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the phase word of each event, (R,), against the first drive of its block."""
    block = np.repeat(
        np.arange(first.size, dtype=np.int32), np.diff(np.append(first, schedule.what.size))
    )
    base = np.zeros(first.size)
    phased = (schedule.what != PART) & ~schedule.quiet
    driven = np.flatnonzero(phased)
    row = firsts(block[driven])
    base[block[driven[row]]] = schedule.turns[driven[row]]
    relative = base[block]
    np.subtract(schedule.turns, relative, out=relative)
    relative[~phased] = 0.0
    return phase_word(relative)
