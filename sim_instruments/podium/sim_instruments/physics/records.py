"""What the acquisition windows of one feedline integrate, shot by shot.

A window's sum is what passes the resonators by, less what each resonator takes for its qubit's
path from level to level. Everything that does not change from shot to shot is summed once
for each kind of episode.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.episodes import Episodes, Kind
from podium.sim_instruments.physics.operating_point import FeedlinePoint
from podium.sim_instruments.physics.readout import (
    parts_taken,
    passing,
    ring_up,
    taken,
)
from podium.sim_instruments.physics.walk import Paths


@njit(cache=True, nogil=True)
def path_sums(
    level: Any,
    jump_shot: Any,
    jump_at: Any,
    jump_to: Any,
    response: Any,
    pull: Any,
    half_kappa: float,
    before: Any,
    tail: Any,
    total: Any,
) -> None:
    """Replace ``total`` (shots,), the sums without jumps, for the shots that have jumps.

    ``response``, ``pull`` (L, N), ``before``, ``tail`` (L, N + 1): see :mod:`.readout`; levels
    that no path visits may hold anything. Jumps are in order; those past N change nothing.
    """
    length = response.shape[1]
    turned = np.zeros((pull.shape[0], length + 1))
    for n in range(pull.shape[0]):
        for k in range(length):
            turned[n, k + 1] = turned[n, k] + pull[n, k]
    j = 0
    while j < jump_shot.size:
        shot = jump_shot[j]
        now, at = level[shot], 0
        apart = 0j
        sum_ = 0j
        while j < jump_shot.size and jump_shot[j] == shot:
            k = min(max(jump_at[j], 0), length)
            decay = np.exp(complex(-half_kappa * (k - at), turned[now, k] - turned[now, at]))
            sum_ += (
                before[now, k] - before[now, at] + apart * (tail[now, at] - decay * tail[now, k])
            )
            after = jump_to[j]
            apart = response[now, k] + apart * decay - response[after, k] if k < length else 0j
            now, at = after, k
            j += 1
        total[shot] = sum_ + before[now, length] - before[now, at] + apart * tail[now, at]


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
    order = np.argsort(episodes.kind, kind="stable")
    bounds = np.searchsorted(episodes.kind[order], np.arange(len(episodes.kinds) + 1))
    levels = [
        levels_of_episodes(episodes, reading, path)
        for reading, path in zip(reading_of, paths, strict=True)
    ]
    jump_episode = [
        reading[path.jump_reading] for reading, path in zip(reading_of, paths, strict=True)
    ]
    jump_kind = [episodes.kind[episode] for episode in jump_episode]
    jump_order = [np.argsort(kind, kind="stable") for kind in jump_kind]
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
            value = sums[w] * (feedline.gain_out / listening.window.duration_ns)
            train = int(episodes.train[rows[0]])
            out[train][episodes.element[rows]] = value * np.exp(2j * np.pi * turns)


def _sums(
    feedline: FeedlinePoint,
    kind: Kind,
    fraction: float,
    level: Sequence[NDArray[np.int64]],
    jump_shot: Sequence[NDArray[np.int64]],
    jump: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> NDArray[np.complex128]:
    """Return the windows' sums at the chip, shape (windows, shots of this kind)."""
    shots = level[0].size if level else 1
    sums = np.zeros((len(kind.windows), shots), np.complex128)
    if kind.tones is None:
        return sums
    length = max(kind.listened, 1)
    for w, listening in enumerate(kind.windows):
        sums[w] += passing(kind.tones, listening, fraction)
    for m, qubit in enumerate(feedline.qubits):
        count = qubit.levels_hz.size
        jump_at, jump_to = jump[m]
        visited = np.unique(np.concatenate([level[m], jump_to]))
        fields = {int(n): ring_up(qubit, kind.tones, int(n), fraction, length) for n in visited}
        for w, listening in enumerate(kind.windows):
            whole = np.zeros(count, np.complex128)
            for n, field in fields.items():
                whole[n] = taken(qubit, field, listening, fraction)
            total = whole[level[m]]
            if jump_at.size:
                response = np.zeros((count, length), np.complex128)
                pull = np.zeros((count, length))
                before = np.zeros((count, length + 1), np.complex128)
                tail = np.zeros((count, length + 1), np.complex128)
                for n, field in fields.items():
                    parts = parts_taken(qubit, field, listening, fraction)
                    response[n], pull[n] = field.response, field.pull
                    before[n], tail[n] = parts.before, parts.tail
                path_sums(
                    level[m],
                    jump_shot[m],
                    jump_at,
                    jump_to,
                    response,
                    pull,
                    1e-9 * np.pi * qubit.kappa_hz,
                    before,
                    tail,
                    total,
                )
            sums[w] -= total
    return sums
