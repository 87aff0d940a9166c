"""Acquisition windows of one feedline are integrated shot by shot.

A window's sum is what passes the resonators by, less what each resonator takes for its qubit's
path from level to level. Everything that does not change from shot to shot is summed once
for each kind of episode.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import in_groups
from podium.sim_instruments.physics.episodes import EpisodeKind, Episodes
from podium.sim_instruments.physics.operating_point import FeedlinePoint
from podium.sim_instruments.physics.readout import SampledWindows, passing, take
from podium.sim_instruments.physics.walk import Paths


def levels_of_episodes(episodes: Episodes, reading_of: NDArray[np.int64], path: Paths) -> Any:
    """Return the level (G,) read in each episode; 0 in those without tones."""
    level = np.zeros(episodes.kind.size, np.int64)
    level[reading_of] = path.level
    return level


def integrate(
    feedline: FeedlinePoint,
    episodes: Episodes,
    fraction: float,
    paths: Sequence[Paths],
    reading_of: Sequence[NDArray[np.int64]],
    out: Sequence[NDArray[np.complex128]],
) -> None:
    """Fill ``out``, one array for each capture train, with integrated values without noise.

    ``paths``: one for each qubit of the feedline; ``reading_of``: the episode of each of its
    readings, shape (S,).
    """
    order = in_groups(episodes.kind, len(episodes.kinds))
    bounds = np.searchsorted(episodes.kind[order], np.arange(len(episodes.kinds) + 1))
    levels = [
        levels_of_episodes(episodes, reading, path)
        for reading, path in zip(reading_of, paths, strict=True)
    ]
    jump_episode = [
        reading[path.jump_reading] for reading, path in zip(reading_of, paths, strict=True)
    ]
    jump_kind = [episodes.kind[episode] for episode in jump_episode]
    jump_order = [in_groups(kind, len(episodes.kinds)) for kind in jump_kind]
    jump_bounds = [
        np.searchsorted(kind[rows], np.arange(len(episodes.kinds) + 1))
        for kind, rows in zip(jump_kind, jump_order, strict=True)
    ]
    for u, kind in enumerate(episodes.kinds):
        if not kind.windows:
            continue
        shots = order[bounds[u] : bounds[u + 1]]
        jumps = [
            rows[edge[u] : edge[u + 1]] for rows, edge in zip(jump_order, jump_bounds, strict=True)
        ]
        sums = _sums(
            feedline,
            kind,
            fraction,
            [level[shots] for level in levels],
            [np.searchsorted(shots, e[j]) for e, j in zip(jump_episode, jumps, strict=True)],
            [(path.jump_at[j], path.jump_to[j]) for path, j in zip(paths, jumps, strict=True)],
        )
        for w, listening in enumerate(kind.windows):
            rows = episodes.first_window[shots] + w
            turns = episodes.phase_turns[shots] - episodes.demod_turns[rows]
            value = sums[:, w] * (feedline.gain_out / listening.window.duration_ns)
            train = int(episodes.train[rows[0]])
            out[train][episodes.element[rows]] = value * np.exp(2j * np.pi * turns)


def _sums(
    feedline: FeedlinePoint,
    kind: EpisodeKind,
    fraction: float,
    level: Sequence[NDArray[np.int64]],
    jump_shot: Sequence[NDArray[np.int64]],
    jump: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> NDArray[np.complex128]:
    """Return the windows' sums at the chip, shape (shots of this kind, windows)."""
    shots = level[0].size if level else 1
    sums = np.zeros((shots, len(kind.windows)), np.complex128)
    if kind.tones is None:
        return sums
    for w, listening in enumerate(kind.windows):
        sums[:, w] += passing(kind.tones, listening, fraction)
    windows = SampledWindows.of(kind.windows)
    for qubit, levels, shot, (at, to) in zip(feedline.qubits, level, jump_shot, jump, strict=True):
        taken = np.empty(sums.shape, np.complex128)
        take(qubit, kind.tones, windows, fraction, (levels, shot, at, to), taken)
        sums -= taken
    return sums
