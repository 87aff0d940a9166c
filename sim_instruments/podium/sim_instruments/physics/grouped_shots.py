"""One feedline plays a run whose shots repeat: only chance is worked out shot by shot.

The run's short form (:mod:`.short_run`) goes the way of any run, up to the maps of its blocks. On
the long one levels and jumps are drawn, and windows summed from what each resonator takes for each
level; a shot in which a level jumps is followed by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import firsts, in_groups, numbered, offsets, rows_of
from podium.sim_instruments.physics.episodes import Episodes
from podium.sim_instruments.physics.grouped_walk import (
    JUMPED,
    no_jump_below,
    step_values,
    walk_steps,
)
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.readout import noise_sigma, passing, take
from podium.sim_instruments.physics.short_run import FOR_EVER, ShortRun, StepTables
from podium.sim_instruments.physics.shot_kinds import LineTrain
from podium.sim_instruments.physics.shots import PreparedShots, thermal
from podium.sim_instruments.physics.signals import CaptureTrain
from podium.sim_instruments.physics.walk import Paths


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
    readings = int(np.diff(tables.first)[step].sum())
    level = np.empty(readings, np.uint8)
    room = 64 + readings // 8
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
    """The readings of one qubit that a jump follows, and what its resonator takes."""

    reading: NDArray[np.int64]
    """Shape (J,), ascending."""
    of_kind: dict[int, NDArray[np.int64]]
    """By kind of episode: which of them lie in one."""
    taken: dict[int, NDArray[np.complex128]]
    """By kind of episode: shape (windows, readings ``of_kind``), sqrt(W)."""
    whole: dict[int, NDArray[np.complex128]]
    """By kind of episode: shape (windows, L), without a jump; levels never met hold 0."""


@dataclass(frozen=True, slots=True, eq=False)
class _Windows:
    """The windows of one listener in the shots of all steps, in their order; W of them."""

    count: NDArray[np.int64]
    """Shape (C,): of the shot of each step."""
    episode: NDArray[np.int64]
    """Shape (W,): of the short run."""
    number: NDArray[np.int64]
    """Shape (W,): place among all windows of its episode."""
    ordinal: NDArray[np.int64]
    """Shape (W,): place among this listener's windows of its episode."""


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
        self._leading = self._leading_tones()
        kind = self._kind_of_readings(lit)
        self._jumped = [
            self._jumped_of(qubit, one, kind)
            for qubit, one in zip(feedline.qubits, drawn, strict=True)
        ]
        self._jump_first = offsets(np.array([one.reading.size for one in self._jumped], np.int64))
        reading = [one.reading for one in self._jumped]
        self._jump_reading = np.concatenate([np.zeros(0, np.int64), *reading])
        self._taken_in = self._taken_by_kind()

    def _kind_of_readings(self, lit: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the kind of the episode of each reading of the run, (S,)."""
        step = self._short.kinds.step
        kinds = [
            self._episodes.kind[a:b][lit[a:b]] for a, b in zip(self._first, self._last, strict=True)
        ]
        every = np.concatenate([np.zeros(0, np.int64), *kinds])
        begins = offsets(self._readings)[:-1]
        return np.asarray(every[rows_of(begins[step], self._readings[step])])

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
        met = np.bincount(one.level & ~JUMPED, minlength=qubit.levels_hz.size)
        met[: qubit.levels_hz.size] += np.bincount(one.jump_to, minlength=qubit.levels_hz.size)
        met[0] += 1  # where there is nothing to read, all are in 0
        levels = np.flatnonzero(met)
        row = np.zeros(reading.size, np.int64)
        readings_in = _by_kind(kind, len(self._episodes.kinds))
        jumps_in = _by_kind(kind[of], len(self._episodes.kinds))
        taken, whole, of_kind = {}, {}, {}
        for u, episode in enumerate(self._episodes.kinds):
            if not episode.windows or episode.tones is None:
                continue
            mine = of_kind[u] = readings_in[u]
            row[mine] = np.arange(mine.size)
            jumps = jumps_in[u]
            # each level by itself, then the readings that a jump follows
            level = np.append(levels, one.level[reading[mine]] & ~JUMPED).astype(np.int64)
            sums = np.zeros((len(episode.windows), level.size), np.complex128)
            paths = level, levels.size + row[of[jumps]], one.jump_at[jumps], one.jump_to[jumps]
            take(qubit, episode.tones, episode.windows, self._fraction, paths, sums)
            whole[u] = np.zeros((len(episode.windows), qubit.levels_hz.size), np.complex128)
            whole[u][:, levels] = -sums[:, : levels.size]
            taken[u] = -sums[:, levels.size :]
        return _Jumped(reading, of_kind, taken, whole)

    def listen(
        self,
        place: int,
        capture: CaptureTrain,
        key: int,
        run: int,
        out: NDArray[np.complex128],
    ) -> None:
        """Fill ``out`` with the values of the capture train of number ``place``, with noise."""
        windows = self._windows_of(place)
        most = int(np.max(windows.number, initial=0)) + 1
        pairs, sort = numbered(self._episodes.kind[windows.episode] * most + windows.number)
        found = [divmod(pair, most) for pair in pairs.tolist()]
        listening = [self._episodes.kinds[u].windows[w] for u, w in found]
        base = np.zeros(len(listening), np.complex128)
        whole = np.zeros((len(found), *self._whole_shape), np.complex128)
        for d, (u, w) in enumerate(found):
            tones = self._episodes.kinds[u].tones
            if tones is not None:
                base[d] = passing(tones, listening[d], self._fraction)
                for q, one in enumerate(self._jumped):
                    whole[d, q, : one.whole[u].shape[1]] = one.whole[u][w]
        tone_at, tone_count, tone_turns = self._tone_phases(windows)
        step_values(
            self._short.kinds.step,
            self._readings,
            offsets(windows.count),
            sort,
            self._reading_at[windows.episode],
            tone_at,
            windows.ordinal,
            tone_count,
            base,
            whole,
            np.array([self._feedline.gain_out / one.window.duration_ns for one in listening]),
            np.array([noise_sigma(self._feedline, one.window) for one in listening]),
            self._levels,
            self._jump_first,
            self._jump_reading,
            self._taken(place, int(np.max(windows.ordinal, initial=0)) + 1),
            tone_turns,
            np.require(capture.phase_turns, np.float64, ["C", "W"]),
            np.uint64(key),
            np.uint64(run),
            out,
        )

    @property
    def _whole_shape(self) -> tuple[int, int]:
        qubits = self._feedline.qubits
        return len(qubits), max(qubit.levels_hz.size for qubit in qubits)

    def _windows_of(self, place: int) -> _Windows:
        first = self._episodes.first_window
        mine = np.flatnonzero(self._episodes.train == place)
        begin = np.searchsorted(mine, first[self._first], side="left")
        end = np.searchsorted(mine, first[self._last], side="left")
        parts = [mine[a:b] for a, b in zip(begin, end, strict=True)]
        rows = np.concatenate([np.zeros(0, np.int64), *parts])
        episode = np.searchsorted(first, rows, side="right") - 1
        ordinal = np.searchsorted(mine, rows) - np.searchsorted(mine, first[episode])
        return _Windows(
            (end - begin).astype(np.int64), episode, rows - first[episode], ordinal.astype(np.int64)
        )

    def _taken_by_kind(self) -> dict[int, tuple[NDArray[np.int64], NDArray[np.complex128]]]:
        """Return, by kind of episode, which of the jumped readings of all qubits lie in one.

        And what resonators take then, shape (windows, so many).
        """
        found = {}
        for u in self._jumped[0].taken if self._jumped else ():
            at = zip(self._jumped, self._jump_first.tolist(), strict=False)
            rows = np.concatenate([first + one.of_kind[u] for one, first in at])
            found[u] = rows, np.concatenate([one.taken[u] for one in self._jumped], axis=1)
        return found

    def _taken(self, place: int, ordinals: int) -> NDArray[np.complex128]:
        """Return what resonators take of a listener's windows at readings that jumps follow.

        Shape (jumped readings of all qubits, ordinals).
        """
        table = np.zeros((int(self._jump_first[-1]), ordinals), np.complex128)
        for u, (rows, taken) in self._taken_in.items():
            example = int(np.argmax(self._episodes.kind == u))
            begin, end = self._episodes.first_window[example : example + 2]
            windows = np.flatnonzero(self._episodes.train[begin:end] == place).tolist()
            for ordinal, w in enumerate(windows):
                table[rows, ordinal] = taken[w]
        return table

    def _tone_phases(
        self, windows: _Windows
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
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


def _by_kind(kind: NDArray[np.int64], count: int) -> list[NDArray[np.int64]]:
    """Return the rows of each kind, 0 ... count - 1, in their order."""
    rows = in_groups(kind, count)
    return np.split(rows, np.searchsorted(kind[rows], np.arange(1, count)))
