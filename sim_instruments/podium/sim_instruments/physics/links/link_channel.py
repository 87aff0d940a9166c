"""A window of a link as a channel of its two atoms, by a cascaded master equation.

The retarded time of the direction is used: the second end's clock is behind by the time of flight,
so that what leaves one end arrives at the other at once. Resonators are empty (thermal, where
their surroundings are) before, and what is left in them after the window, or on the way, is lost.
"""

from collections import OrderedDict
from dataclasses import dataclass
from itertools import product
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.links.generator_values import (
    TURN_1_NS,
    kept_jumps,
    static_values,
)
from podium.sim_instruments.physics.links.link_window import LEVELS, LinkWindow
from podium.sim_instruments.physics.links.pair_kernels import evolve_pairs
from podium.sim_instruments.physics.links.pair_space import (
    PairSpace,
    cost_of,
    level_of,
    pair_space,
    state_of,
)
from podium.sim_instruments.physics.links.photon_record import PhotonRecord, recorded, watch
from podium.sim_instruments.physics.links.window_steps import WindowSteps, steps_of
from podium.sim_instruments.physics.worker_threads import side_by_side

PAIR = LEVELS * LEVELS
TOLERANCE_1_NS = 3e-9
"""The next term of a step's Taylor series is smaller than this times its length in ns."""
LONG = 200_000
"""Numbers of all columns, times steps, from which on columns are worth the way to other threads."""
OUTSIDE = 1e-6
"""Population outside a channel's inputs up to which a state is accepted."""
THERMAL_EVENTS = 3.0
"""A thermal photon counts as this many times as probable as their mean number, in the search for
reachable states: a resonator meets several in a window. Tested against all states."""
KEPT = 256
"""Channels that are kept by content."""


@dataclass(frozen=True, slots=True, eq=False)
class LinkChannel:
    """A map from density matrices of two atoms before a window to those after it."""

    inputs: tuple[tuple[int, int], ...]
    """Levels (first, second) that the map knows: n of them."""
    matrix: NDArray[np.complex128]
    """Shape (81, n * n): column ``i * n + j`` is what becomes of ``|inputs[i]><inputs[j]|``, row
    ``9 * k + l`` its element k, l; a pair of levels has number ``3 * first + second``."""
    lost_trace: float
    """Largest part of a trace that left the states which are evolved."""

    def apply(self, state: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Return the state (..., 9, 9) after the window.

        Raises ValueError where more than :data:`OUTSIDE` of it is not among the inputs.
        """
        numbers = [LEVELS * first + second for first, second in self.inputs]
        populations = np.einsum("...kk->...k", state).real
        rest = np.delete(populations, numbers, axis=-1).sum(axis=-1)
        if np.any(rest > OUTSIDE):
            raise ValueError(
                f"{float(np.max(rest)):.2e} of the state is in levels other than {self.inputs}: "
                "name them among the window's inputs"
            )
        part = state[..., numbers, :][..., numbers].reshape(*state.shape[:-2], -1)
        return np.asarray((part @ self.matrix.T).reshape(*state.shape[:-2], PAIR, PAIR))


@dataclass(frozen=True, slots=True, eq=False)
class WindowResult:
    """A window's channel, and what the photon did."""

    channel: LinkChannel
    photon: PhotonRecord | None
    """Of a photon that the first atom emits from f; None where f is not among its inputs."""
    states: int
    """How many states of the whole link were evolved."""


_kept: OrderedDict[bytes, WindowResult] = OrderedDict()
_lock = Lock()


def channel_of(window: LinkWindow) -> WindowResult:
    """Return the channel of a window; equal contents are worked out once."""
    key = window.digest()
    with _lock:
        known = _kept.get(key)
        if known is not None:
            _kept.move_to_end(key)
            return known
    found = evolve_window(window)
    with _lock:
        _kept[key] = found
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return found


def photons_of(window: LinkWindow) -> int:
    """Return the number of Fock levels that the resonators are given."""
    if window.photons is not None:
        return window.photons
    most = max((first == 2) + (second == 2) for first, second in window.inputs)
    hot = max(end.resonator.thermal_photons for end in window.ends) > window.bound
    return max(most + 1, 3 if hot else 2)


def space_of(window: LinkWindow) -> PairSpace:
    """Return the pairs of states that a window's inputs reach within its bound."""
    hot = [THERMAL_EVENTS * end.resonator.thermal_photons for end in window.ends]
    one, other = (cost_of(value) for value in hot)
    return pair_space(
        window.inputs,
        photons_of(window),
        (one, other),
        kept_jumps(window),
        window.way.backward != 0,
        any(end.atom.stark_hz_per_hz2 != 0 for end in window.ends),
        cost_of(window.bound),
    )


def evolve_window(window: LinkWindow) -> WindowResult:
    """Return the channel of a window, worked out anew."""
    space = space_of(window)
    steps = steps_of(window)
    photons = photons_of(window)
    static = static_values(window, space)
    place, kind, size = _driven(space)
    norm = _norm(space, static, place, size, steps)
    state = _start(window, space, photons)
    watched = watch(space, photons)
    rows = np.searchsorted(space.pairs[:, 0], np.arange(len(space.columns) + 1)).tolist()

    def of_column(low: int, high: int) -> NDArray[np.complex128]:
        """Evolve a column, and return what is seen of it."""
        seen = np.zeros((steps.mode.size + 1, watched.groups), np.complex128)
        begin, end = int(space.first[low]), int(space.first[high])
        here = slice(*np.searchsorted(place, (begin, end)))
        own = (watched.place >= low) & (watched.place < high)
        evolve_pairs(
            space.first[low : high + 1] - begin,
            space.source[begin:end] - low,
            space.sign[begin:end],
            np.ascontiguousarray(static[:, begin:end]),
            place[here] - begin,
            kind[here],
            size[here],
            steps.drive,
            steps.mode,
            steps.span_ns,
            norm,
            TOLERANCE_1_NS,
            state[low:high],
            watched.place[own] - low,
            watched.weight[own],
            watched.group[own],
            seen,
        )
        return seen

    # Columns do not touch: each stays in a processor's cache.
    worth = len(state) * steps.mode.size > LONG
    each = side_by_side(of_column, rows[:-1], rows[1:], worth=worth)
    seen = np.sum(each, axis=0)
    channel = _traced(window, space, photons, state)
    photon = recorded(window, steps, seen, channel.matrix) if watched.place.size else None
    return WindowResult(channel, photon, space.states)


def _driven(
    space: PairSpace,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.complex128]]:
    """Return place, kind and size of what drives change in the generator.

    Kinds: g and its conjugate of the first end, the same of the second, the two Stark shifts.
    """
    kinds = np.array(
        [
            2 * term[1] + term[2]
            if term[0] == "drive"
            else 4 + term[1]
            if term[0] == "stark"
            else -1
            for term in space.terms
        ]
    )
    kind = kinds[space.term]
    there = kind >= 0
    return space.place[there], kind[there], space.size[there]


def _norm(
    space: PairSpace,
    static: NDArray[np.complex128],
    place: NDArray[np.int64],
    size: NDArray[np.complex128],
    steps: WindowSteps,
) -> NDArray[np.float64]:
    """Return a bound of the generator's norm in each step, 1/ns."""
    row = np.repeat(np.arange(space.first.size - 1), np.diff(space.first))
    rest = np.array([np.bincount(row, np.abs(one)).max() for one in static])
    most = np.bincount(row[place], np.abs(size)).max() if place.size else 0.0
    return np.asarray(rest[steps.mode] + most * np.abs(steps.drive).max(axis=1))


def _start(window: LinkWindow, space: PairSpace, photons: int) -> NDArray[np.complex128]:
    """Return the inputs with thermal resonators."""
    found = np.zeros(space.pairs.shape[0], np.complex128)
    loss = abs(window.way.forward) ** 2
    one, other = (end.resonator.thermal_photons for end in window.ends)
    weights = [_thermal(mean, photons) for mean in (one, loss * one + (1 - loss) * other)]
    at = {tuple(pair): r for r, pair in enumerate(space.pairs.tolist())}
    for c, (i, j) in enumerate(space.columns):
        for na, nb in product(range(photons), repeat=2):
            ket, bra = (
                state_of((space.inputs[n][0], na, space.inputs[n][1], nb), photons) for n in (i, j)
            )
            where = at.get((c, min(ket, bra), max(ket, bra)) if i == j else (c, ket, bra))
            if where is not None:
                found[where] = weights[0][na] * weights[1][nb]
        own = space.pairs[:, 0] == c
        found[own] /= found[own].sum()
    turn = _frame(window, space, photons, start=True)
    return found * turn


def _thermal(mean: float, photons: int) -> NDArray[np.float64]:
    """Return the populations of a thermal resonator that has so many Fock levels."""
    weights = (mean / (1 + mean)) ** np.arange(photons)
    return np.asarray(weights / weights.sum())


def _frame(
    window: LinkWindow, space: PairSpace, photons: int, *, start: bool
) -> NDArray[np.complex128]:
    """Return the factors of pairs into the frames of the drives at the start, or out of them."""
    turns = np.zeros(space.pairs.shape[0])
    levels = np.array([level_of(state, photons) for state in range((LEVELS * photons) ** 2)])
    for e, end in enumerate(window.ends):
        high = (levels[:, 2 * e] == 2).astype(np.float64)
        apart = high[space.pairs[:, 1]] - high[space.pairs[:, 2]]
        time_fs = end.start_fs if start else -end.stop_fs
        turns += apart * TURN_1_NS * end.sideband.detuning_hz * 1e-6 * time_fs
    return np.asarray(np.exp(1j * turns))


def _traced(
    window: LinkWindow, space: PairSpace, photons: int, state: NDArray[np.complex128]
) -> LinkChannel:
    """Return the channel: the resonators are traced out."""
    state = state * _frame(window, space, photons, start=False)
    levels = np.array([level_of(one, photons) for one in range((LEVELS * photons) ** 2)])
    ket, bra = levels[space.pairs[:, 1]], levels[space.pairs[:, 2]]
    same = (ket[:, 1] == bra[:, 1]) & (ket[:, 3] == bra[:, 3])
    k, l = (LEVELS * one[same, 0] + one[same, 2] for one in (ket, bra))  # noqa: E741
    found = np.zeros((len(space.columns), PAIR, PAIR), np.complex128)
    np.add.at(found, (space.pairs[same, 0], k, l), state[same])
    n = len(space.inputs)
    matrix = np.zeros((PAIR * PAIR, n * n), np.complex128)
    lost = 0.0
    for c, (i, j) in enumerate(space.columns):
        block = found[c]
        if i == j:
            half = np.triu(block, 1) + np.tril(block, -1)
            block = half + half.conj().T + np.diag(np.diag(block).real)
            lost = max(lost, abs(1 - float(np.trace(block).real)))
        matrix[:, i * n + j] = block.ravel()
        matrix[:, j * n + i] = block.conj().T.ravel()
    matrix.setflags(write=False)
    return LinkChannel(window.inputs, matrix, lost)
