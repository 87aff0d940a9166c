"""One feedline plays a run whose shots repeat: only chance is worked out shot by shot.

The run's short form (:mod:`.short_run`) goes the way of any run, up to the maps of its blocks. On
the long one levels and jumps are drawn, and windows summed from what each resonator takes for each
level; a shot in which a level jumps is followed by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import firsts, in_groups, offsets, rows_of
from podium.sim_instruments.physics.episodes import Episodes
from podium.sim_instruments.physics.grouped_walk import (
    JUMPED,
    fill_values,
    no_jump_below,
    sum_windows,
    walk_steps,
)
from podium.sim_instruments.physics.noise import gaussian_pairs
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.readout import SampledWindows, Shots, noise_sigma, passing, take
from podium.sim_instruments.physics.short_run import FOR_EVER, ShortRun, StepTables
from podium.sim_instruments.physics.shot_kinds import LineTrain
from podium.sim_instruments.physics.shots import PreparedShots, thermal
from podium.sim_instruments.physics.signals import CaptureTrain
from podium.sim_instruments.physics.walk import Paths

SUMS_AT_ONCE = 1 << 16
"""So many numbers are summed before listeners take them: as much as a cache holds."""


@dataclass(frozen=True, slots=True, eq=False)
class DrawnLevels:
    """Levels of one qubit at all readings of a run and the jumps after them."""

    level: NDArray[np.uint8]
    """Shape (S,): with JUMPED added where a jump follows."""
    jump_reading: NDArray[np.int64]
    jump_at: NDArray[np.int64]
    jump_to: NDArray[np.int64]
    """Shape (J,) each, as :class:`.walk.Paths` has them."""


def draw_levels(
    qubit: QubitPoint,
    prepared: PreparedShots,
    tables: StepTables,
    step: NDArray[np.int32],
    fraction: float,
    key: int,
    run: int,
) -> DrawnLevels:
    """Draw levels and jumps of all readings of a run; see :func:`.shots.shots_of`."""
    rates, pace = prepared.tables.rates, prepared.pace
    stays = no_jump_below(tables.kind, tables.begin_ns, tables.end_ns, rates, pace)
    fields = (
        tables.first,
        tables.begins,
        tables.matrix,
        tables.kind,
        tables.begin_ns,
        tables.end_ns,
    )
    level = np.empty(tables.readings, np.uint8)
    room = 64 + tables.readings // 8
    while True:
        jumps = np.zeros((room, 3), np.int64)
        happened = walk_steps(
            step,
            fields,
            stays,
            rates,
            pace,
            thermal(qubit),
            fraction,
            np.uint64(key),
            np.uint64(run),
            level,
            jumps,
        )
        if happened <= room:
            columns = (np.ascontiguousarray(column) for column in jumps[:happened].T)
            return DrawnLevels(level, *columns)
        room = happened


def drawn_levels(paths: Paths) -> DrawnLevels:
    """Return the same from what a cluster's walk has drawn for one of its qubits."""
    level = paths.level.astype(np.uint8)
    level[paths.jump_reading] |= JUMPED
    return DrawnLevels(level, paths.jump_reading, paths.jump_at, paths.jump_to)


@dataclass(frozen=True, slots=True, eq=False)
class ShownEpisodes:
    """Episodes with the levels in them, of which :func:`.trace.trace_of` makes a trace."""

    episodes: Episodes
    paths: Sequence[Paths]
    """By qubit."""
    reading_of: Sequence[NDArray[np.int64]]
    """By qubit: the episode of each reading."""


@dataclass(frozen=True, slots=True, eq=False)
class _Jumped:
    """The readings of one qubit that jumps follow, by kind of episode."""

    reading: NDArray[np.int64]
    """Shape (J,), ascending."""
    of_kind: list[NDArray[np.int64]]
    """Which of them lie in one."""
    jumps: list[NDArray[np.int64]]
    """Which jumps do."""
    of: NDArray[np.int64]
    """The reading, 0 ... J - 1, that each jump follows."""
    levels: NDArray[np.int64]
    """All that are met."""


@dataclass(frozen=True, slots=True, eq=False)
class _WindowTables:
    """Sums of the windows of all kinds of episodes; U kinds, at most W windows in one."""

    base: NDArray[np.complex128]
    """Shape (U, W): what passes the resonators by."""
    taken: NDArray[np.complex128]
    """Shape (R, W): what a resonator takes."""
    whole: NDArray[np.int64]
    """Shape (U, Q, L): the row for a level that is kept; of those never met another's."""
    jumped: NDArray[np.int64]
    """Shape (J,): the rows of readings that jumps follow, of all qubits in turn."""
    scale: NDArray[np.float64]
    """Shape (U, W): of the sums on their way to the listener."""
    sigma: NDArray[np.float64]
    """Shape (U, W): of the noise there."""


@dataclass(frozen=True, slots=True, eq=False)
class _Windows:
    """The windows of one listener in the shots of all steps, in their order; W of them."""

    count: NDArray[np.int64]
    """Shape (C,): of the shot of each step."""
    episode: NDArray[np.int64]
    """Shape (W,): of the short run."""
    number: NDArray[np.int64]
    """Shape (W,): place among all windows of its episode."""


_TonePhases = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""See :meth:`GroupedShots._tone_phases`."""


class GroupedShots:
    """A run of one feedline after its levels were drawn."""

    def __init__(
        self,
        feedline: FeedlinePoint,
        short: ShortRun,
        episodes: Episodes,
        tones: Sequence[LineTrain],
        fraction: float,
        drawn: Sequence[DrawnLevels],
    ) -> None:
        """``episodes``: of the short run; ``tones``: of the long one; ``drawn``: by qubit."""
        self._feedline, self._short, self._episodes = feedline, short, episodes
        self._fraction, self._drawn, self._tones = fraction, drawn, tones
        self._levels = np.array([one.level for one in drawn])
        self._place = short.place_of(episodes.start_ns)
        self._first = np.searchsorted(self._place, short.target, side="left")
        self._last = np.searchsorted(self._place, short.target, side="right")
        has_tones = np.array([kind.tones is not None for kind in episodes.kinds], np.bool_)
        lit = has_tones[episodes.kind]
        before = offsets(lit)
        first_here = np.searchsorted(self._place, self._place, side="left")
        self._reading_at = np.where(lit, before[:-1] - before[first_here], -1).astype(np.int64)
        self._readings: NDArray[np.int64] = before[self._last] - before[self._first]
        kinds = [episodes.kind[a:b][lit[a:b]] for a, b in zip(self._first, self._last, strict=True)]
        self._reading_kind = np.concatenate([np.zeros(0, np.int64), *kinds])
        self._leading = self._leading_tones()
        step, begins = short.kinds.step, offsets(self._readings)[:-1]
        kind = self._reading_kind[rows_of(begins[step], self._readings[step])]
        self._jumped = [
            self._jumped_of(qubit, one, kind)
            for qubit, one in zip(feedline.qubits, drawn, strict=True)
        ]
        self._jump_first = offsets(np.array([one.reading.size for one in self._jumped], np.int64))
        self._tables = self._window_tables()
        self._phases: dict[bytes, _TonePhases] = {}
        """By the windows: listeners that open theirs together read the same phases."""

    def _leading_tones(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the train of each episode's first tone, and its place in the train's shot."""
        count = self._episodes.start_ns.size
        earliest = np.full(count, FOR_EVER)
        train, row = np.zeros(count, np.int64), np.full(count, -1)
        for i, one in enumerate(self._tones):
            begin, end = self._short.rows(one)
            begins = offsets(end - begin)
            moved = self._short.shortened(one)
            sounding = np.flatnonzero(one.lasts_ns()[one.item_of(moved)] >= 0)
            start = moved.start_ns[sounding]
            episode = np.searchsorted(self._episodes.start_ns, start, side="right") - 1
            rows = firsts(episode)
            sooner = rows[start[rows] < earliest[episode[rows]]]
            which = episode[sooner]
            earliest[which], train[which] = start[sooner], i
            row[which] = sounding[sooner] - begins[self._place[which]]
        return train, row

    def _jumped_of(
        self, qubit: QubitPoint, one: DrawnLevels, kind_of: NDArray[np.int64]
    ) -> _Jumped:
        reading = one.jump_reading[firsts(one.jump_reading)]
        kind = kind_of[reading]
        of = np.searchsorted(reading, one.jump_reading)
        level = one.level & ~JUMPED
        met = np.array([np.any(level == n) for n in range(qubit.levels_hz.size)])
        met[one.jump_to] = True
        met[0] = True  # where there is nothing to read, all are in 0
        count = len(self._episodes.kinds)
        return _Jumped(
            reading, _by_kind(kind, count), _by_kind(kind[of], count), of, np.flatnonzero(met)
        )

    def _window_tables(self) -> _WindowTables:
        """Sum all windows, for levels that are kept and for each reading that jumps follow."""
        kinds, qubits = self._episodes.kinds, self._feedline.qubits
        width = max((len(kind.windows) for kind in kinds), default=0)
        levels = max((qubit.levels_hz.size for qubit in qubits), default=0)
        each = sum(one.levels.size for one in self._jumped)
        tables = _WindowTables(
            base=np.zeros((len(kinds), width), np.complex128),
            taken=np.zeros((len(kinds) * each + int(self._jump_first[-1]), width), np.complex128),
            whole=np.zeros((len(kinds), len(qubits), levels), np.int64),
            jumped=np.zeros(int(self._jump_first[-1]), np.int64),
            scale=np.zeros((len(kinds), width)),
            sigma=np.zeros((len(kinds), width)),
        )
        row = 0
        for u, kind in enumerate(kinds):
            windows = kind.windows
            for w, one in enumerate(windows):
                tables.scale[u, w] = self._feedline.gain_out / one.window.duration_ns
                tables.sigma[u, w] = noise_sigma(self._feedline, one.window)
            if kind.tones is None or not windows:
                continue
            together = SampledWindows.of(windows)
            passed = [passing(kind.tones, one, self._fraction) for one in windows]
            tables.base[u, : len(windows)] = passed
            for q, (qubit, jumped) in enumerate(zip(qubits, self._jumped, strict=True)):
                paths = self._paths(q, u)
                rows = np.arange(row, row + paths[0].size)
                taken = tables.taken[row : row + rows.size]
                take(qubit, kind.tones, together, self._fraction, paths, taken)
                tables.whole[u, q, jumped.levels] = rows[: jumped.levels.size]
                of_kind = self._jump_first[q] + jumped.of_kind[u]
                tables.jumped[of_kind] = rows[jumped.levels.size :]
                row += rows.size
        return tables

    def _paths(self, q: int, u: int) -> Shots:
        """Return levels of a qubit at readings in a kind of episode, and its jumps then.

        First each level by itself, then the readings that jumps follow.
        """
        jumped, drawn = self._jumped[q], self._drawn[q]
        mine, jumps = jumped.of_kind[u], jumped.jumps[u]
        found = drawn.level[jumped.reading[mine]] & ~JUMPED
        level = np.concatenate([jumped.levels, found])
        row = jumped.levels.size + np.searchsorted(mine, jumped.of[jumps])
        return level, row, drawn.jump_at[jumps], drawn.jump_to[jumps]

    def listen(
        self,
        captures: Sequence[CaptureTrain],
        keys: Sequence[int],
        run: int,
        values: Sequence[NDArray[np.complex128]],
    ) -> None:
        """Fill ``values`` with those of all capture trains, with noise.

        Some shots of all of them, then the next: what windows hear of the same readings is summed
        together.
        """
        listeners = [
            self._listener(place, capture, key, run, out)
            for place, (capture, key, out) in enumerate(zip(captures, keys, values, strict=True))
            if capture.start_ns.size
        ]
        tables, step = self._tables, self._short.kinds.step
        readings = offsets(self._readings[step])
        first_reading = offsets(self._readings)
        jump_reading = np.concatenate([np.zeros(0, np.int64), *(o.reading for o in self._jumped)])
        at_jump = self._jump_first[:-1].copy()
        width = tables.base.shape[1]
        most = max(1, int(self._readings.max(initial=0))) * max(1, width)
        at_once = max(1, SUMS_AT_ONCE // most)
        for begin in range(0, step.size, at_once):
            shots = step[begin : begin + at_once]
            first, last = readings[begin], readings[begin + shots.size]
            sums = np.empty((last - first, width), np.complex128)
            sum_windows(
                shots,
                first_reading,
                self._reading_kind,
                tables.base,
                tables.taken,
                tables.whole,
                self._levels,
                self._jump_first,
                jump_reading,
                tables.jumped,
                first,
                at_jump,
                sums,
            )
            for one in listeners:
                one.go_on(shots, self._readings, sums)

    def _listener(
        self,
        place: int,
        capture: CaptureTrain,
        key: int,
        run: int,
        out: NDArray[np.complex128],
    ) -> "_Listener":
        windows = self._windows_of(place)
        kind = self._episodes.kind[windows.episode]
        content = windows.count.tobytes() + windows.episode.tobytes()
        if content not in self._phases:
            self._phases[content] = self._tone_phases(windows)
        tone_at, tone_count, tone_turns = self._phases[content]
        gaussian_pairs(np.uint64(key), np.uint64(run), out)
        return _Listener(
            offsets(windows.count),
            self._reading_at[windows.episode],
            windows.number,
            tone_at,
            tone_count,
            self._tables.scale[kind, windows.number],
            self._tables.sigma[kind, windows.number],
            tone_turns,
            np.require(capture.phase_turns, np.float64, ["C", "W"]),
            out,
        )

    def _windows_of(self, place: int) -> _Windows:
        first = self._episodes.first_window
        mine = np.flatnonzero(self._episodes.train == place)
        begin = np.searchsorted(mine, first[self._first], side="left")
        end = np.searchsorted(mine, first[self._last], side="left")
        rows = mine[rows_of(begin, end - begin)]
        episode = np.searchsorted(first, rows, side="right") - 1
        return _Windows((end - begin).astype(np.int64), episode, rows - first[episode])

    def _tone_phases(self, windows: _Windows) -> _TonePhases:
        """Return each window's place among the tones of its shot, their number, and their phases.

        These are of one train, or gathered where windows take their phases from several.
        """
        trains, rows = self._leading
        train = trains[windows.episode]
        row = np.where(self._reading_at[windows.episode] < 0, -1, rows[windows.episode])
        used = np.unique(train[row >= 0])
        if used.size <= 1:
            one = self._tones[int(used[0]) if used.size else 0]
            return row, self._short.counts(one), one.turns
        step = self._short.kinds.step
        begins = offsets(windows.count)
        of = np.repeat(begins[step], windows.count[step])
        starts = offsets(windows.count[step])
        shot = np.repeat(np.arange(step.size), windows.count[step])
        of += np.arange(of.size) - starts[shot]
        turns = np.zeros(of.size)
        for i in used.tolist():
            mine = np.flatnonzero((train[of] == i) & (row[of] >= 0))
            tones = offsets(self._short.counts(self._tones[i])[step])
            turns[mine] = self._tones[i].train.phase_turns[tones[shot[mine]] + row[of[mine]]]
        within = np.arange(row.size) - np.repeat(begins[:-1], windows.count)
        return np.where(row < 0, -1, within), windows.count, turns

    def last_shown(self, place: int, capture: CaptureTrain) -> ShownEpisodes:
        """Return the episode of a listener's last window by itself, and the levels in it."""
        kinds = self._short.kinds
        windows = self._windows_of(place)
        counts = windows.count[kinds.step]
        shot = int(np.flatnonzero(counts)[-1])
        step = int(kinds.step[shot])
        episode = int(windows.episode[int(np.sum(windows.count[: step + 1])) - 1])
        begin = self._episodes.start_ns[episode] - self._short.begin_ns[self._place[episode]]
        none = np.zeros(1, np.int64)
        alone = Episodes(
            np.array([begin + kinds.begin_ns[shot]]),
            none,
            (),
            np.zeros(1),
            np.array([0, 1]),
            np.array([place]),
            np.array([capture.start_ns.size - 1]),
            np.zeros(1),
        )
        at = int(self._reading_at[episode])
        reading = int(self._readings[kinds.step[:shot]].sum()) + at
        paths: list[Paths] = []
        for one in self._drawn:
            mine = one.jump_reading == reading if at >= 0 else np.zeros(0, np.bool_)
            level = one.level[reading] & ~JUMPED if at >= 0 else np.uint8(0)
            rows = np.flatnonzero(mine)
            paths.append(
                Paths(
                    np.array([level], np.int64),
                    np.zeros(rows.size, np.int64),
                    one.jump_at[rows],
                    one.jump_to[rows],
                )
            )
        return ShownEpisodes(alone, paths, [none] * len(paths))


@dataclass(slots=True, eq=False)
class _Listener:
    """One listener's values are filled shot by shot; fields as :func:`.fill_values` has them."""

    first: NDArray[np.int64]
    reading_at: NDArray[np.int64]
    number: NDArray[np.int64]
    tone_at: NDArray[np.int64]
    tone_count: NDArray[np.int64]
    scale: NDArray[np.float64]
    sigma: NDArray[np.float64]
    tone_turns: NDArray[np.float64]
    turns: NDArray[np.float64]
    out: NDArray[np.complex128]
    tone: int = 0
    element: int = 0

    def go_on(
        self,
        step: NDArray[np.int32],
        readings: NDArray[np.int64],
        sums: NDArray[np.complex128],
    ) -> None:
        """Fill the values of the shots that follow."""
        self.tone, self.element = fill_values(
            step,
            readings,
            self.first,
            self.reading_at,
            self.number,
            self.tone_at,
            self.tone_count,
            self.scale,
            self.sigma,
            sums,
            self.tone,
            self.tone_turns,
            self.turns,
            self.element,
            self.out,
        )


def _by_kind(kind: NDArray[np.int64], count: int) -> list[NDArray[np.int64]]:
    """Return the rows of each kind, 0 ... count - 1, in their order."""
    rows = in_groups(kind, count)
    return np.split(rows, np.searchsorted(kind[rows], np.arange(1, count)))
