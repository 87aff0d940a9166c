"""Atoms of several nodes from known levels or a shared state to their readings, through photons.

The state of n atoms is kept as ``[k1, 9, ... kn, 9]``: nodes of each atom's slow noise, and its
flat density matrix. What is played to one atom acts on its own index; a window of a link on two.
Slow noise acts half before and half behind a window: what that leaves out goes with the square of
the noise times the window.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import PHASE_STEP
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.meeting.atom_maps import LEVELS, SIZE, AtomMaps, phases
from podium.sim_instruments.physics.meeting.link_windows import LinkWindows
from podium.sim_instruments.physics.meeting.shared_shots import HARMONICS

DIAGONAL = np.arange(LEVELS) * (LEVELS + 1)
OUTSIDE = (0.0, 2e-2, 3e-4)
"""Levels with less population at the start of a window are evolved as if the other end were silent:
e does nothing in a window but decay, and f's photon goes on its way alone. What that leaves out is
so much times the decay of e in a window (4e-4 of 180 ns and T1 = 5 us), and 3e-4."""
Matrix = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Wait:
    """An atom waits."""

    span_ns: int
    """Below 0: what two pulses share was gone through twice, and is taken back once."""


@dataclass(frozen=True, slots=True)
class Gap:
    """An atom waits from one run to another, with slow noise that strays by itself (Hz)."""

    span_ns: float
    stray_hz: float


@dataclass(frozen=True, slots=True)
class Driven:
    """An atom is driven by a shape of its line."""

    shape: int
    turns: float


@dataclass(frozen=True, slots=True)
class Photon:
    """An atom's sideband is driven."""

    shape: int
    turns: float
    link: int
    end: int
    pair: int = -1
    """Number of the pair of windows; -1: the other end is silent."""
    lag_fs: int = 0


Event = Wait | Gap | Driven | Photon


@dataclass(frozen=True, slots=True, eq=False)
class SharedStart:
    """States before the events of a draw; each is of some of its axes."""

    axes: tuple[int, ...]
    rho: Matrix
    """Shape (9,) * axes."""


class SharedEvolution:
    """Evolves atoms of a meeting; windows are worked out once."""

    def __init__(self, windows: LinkWindows, maps: Sequence[AtomMaps]) -> None:
        """``maps``: of the members, by number."""
        self._windows = windows
        self._maps = maps

    def evolved(
        self, starts: Sequence[SharedStart], events: Mapping[int, Sequence[Event]]
    ) -> Matrix:
        """Return the density matrix (9,) * axes behind the events, averaged over slow noise.

        ``events``: by member; axes are these members in ascending order, and behind them those
        without events, which ``starts`` number from there on. Raises NotSimulated where windows
        would have to pass in a circle.
        """
        members = sorted(events)
        state = self.advanced(starts, events)
        for member in reversed(members):
            axis = members.index(member)
            state = np.tensordot(state, self._maps[member].weight, axes=(2 * axis, 0))
        # what is left of each further atom is [1, 9]
        return np.asarray(state.reshape((SIZE,) * (state.ndim - _ones(state, len(members)))))

    def advanced(
        self, starts: Sequence[SharedStart], events: Mapping[int, Sequence[Event]]
    ) -> Matrix:
        """Return the state ``[k1, 9, ...]`` behind the events: see :meth:`evolved`."""
        members = sorted(events)
        state = self._start(starts, members)
        rest = [list(events[member]) for member in members]
        while True:
            for axis, member in enumerate(members):
                while rest[axis] and not _is_shared(rest[axis][0]):
                    state = self._alone(state, axis, self._change(member, rest[axis].pop(0)))
            heads = {
                (one[0].pair, one[0].end): axis
                for axis, one in enumerate(rest)
                if one and isinstance(one[0], Photon)
            }
            ready = [pair for pair, end in heads if end == 0 and (pair, 1) in heads]
            if not ready:
                break
            axes = heads[ready[0], 0], heads[ready[0], 1]
            photons = rest[axes[0]].pop(0), rest[axes[1]].pop(0)
            state = self._shared(state, axes, (members[axes[0]], members[axes[1]]), photons)
        if any(rest):
            raise NotSimulated("photons between nodes are sent and caught in a circle in time")
        return state

    def effect(self, member: int, events: Sequence[Event], *, read: bool) -> Matrix:
        """Return what a reading behind further events of one member makes of its state.

        Shape (levels, K, 9), averaged over slow noise; ``read``: else it is traced out, and there
        is one row.
        """
        maps = self._maps[member]
        one = np.eye(SIZE, dtype=np.complex128)
        change = np.broadcast_to(one, (maps.weight.size, SIZE, SIZE))
        for event in events:
            change = self._change(member, event) @ change
        rows = np.moveaxis(change[:, DIAGONAL], 1, 0) * maps.weight[:, None]
        return np.asarray(rows if read else rows.sum(axis=0, keepdims=True))

    def _start(self, starts: Sequence[SharedStart], members: Sequence[int]) -> Matrix:
        """Return the product of the states before, [k1, 9, ...]."""
        order = [axis for start in starts for axis in start.axes]
        state = np.ones((), np.complex128)
        for start in starts:
            state = np.multiply.outer(state, start.rho)
        state = np.transpose(state, np.argsort(order))
        shape, nodes = [], []
        for axis in range(len(order)):
            shape += [1, SIZE]
            count = self._maps[members[axis]].weight.size if axis < len(members) else 1
            nodes += [count, SIZE]
        return np.ascontiguousarray(np.broadcast_to(state.reshape(shape), nodes))

    def _alone(self, state: Matrix, axis: int, change: Matrix) -> Matrix:
        """Let superoperators (K, 9, 9) act on an axis."""
        shape = state.shape
        before = int(np.prod(shape[: 2 * axis]))
        held = state.reshape(before, shape[2 * axis], SIZE, -1)
        return np.asarray((change @ held).reshape(shape))

    def _change(self, member: int, event: Event) -> Matrix:
        """Return the superoperators (K, 9, 9) of what happens to one atom alone."""
        maps = self._maps[member]
        match event:
            case Wait():
                return maps.wait(event.span_ns)
            case Gap():
                return maps.gap(event.span_ns, event.stray_hz)[None]
            case Driven():
                return maps.drive(event.shape, event.turns)
            case Photon():
                unit, half = self._turns(member, event)
                own = self._windows.one_sided(event.link, event.end, event.shape)
                return np.asarray((half / unit)[:, :, None] * own * (half * unit)[:, None, :])

    def _shared(
        self,
        state: Matrix,
        axes: tuple[int, int],
        members: tuple[int, int],
        photons: tuple[Event, ...],
    ) -> Matrix:
        """Let a window pass in which both ends play; ``axes``: of the link's first and second."""
        one, other = photons
        assert isinstance(one, Photon)
        assert isinstance(other, Photon)
        sides = [self._turns(member, x) for member, x in zip(members, (one, other), strict=True)]
        moved = np.moveaxis(
            state, (2 * axes[0], 2 * axes[1], 2 * axes[0] + 1, 2 * axes[1] + 1), (-4, -3, -2, -1)
        )
        shape = moved.shape
        held = moved.reshape(-1, *shape[-4:])
        levels = _populated(held)
        window = self._windows.shared(one.link, one.shape, other.shape, one.lag_fs, levels)
        half = sides[0][1][:, None, :, None] * sides[1][1][None, :, None, :]
        unit = sides[0][0][:, None] * sides[1][0][None, :]
        before = (held * half * unit).reshape(-1, SIZE * SIZE)
        after = (before @ window.T).reshape(held.shape) * half / unit
        back = after.reshape(shape)
        places = (2 * axes[0], 2 * axes[1], 2 * axes[0] + 1, 2 * axes[1] + 1)
        return np.ascontiguousarray(np.moveaxis(back, (-4, -3, -2, -1), places))

    def _turns(self, member: int, photon: Photon) -> tuple[Matrix, Matrix]:
        """Return what a drive's phase turns, (9,), and the noise of half its window, (K, 9)."""
        unit = phases(np.array([0.0, 0.0, photon.turns]))
        lasts = self._windows.duration_ns(photon.link, photon.end, photon.shape)
        return unit, self._maps[member].stray(0.5 * lasts)


def populations(rho: Matrix, read: Sequence[bool]) -> NDArray[np.float64]:
    """Return the populations (3 ** r,) of the r axes that are read; the others are traced out."""
    for axis in reversed(range(rho.ndim)):
        rho = np.take(rho, DIAGONAL, axis=axis)
        if not read[axis]:
            rho = rho.sum(axis=axis)
    return np.asarray(np.maximum(rho.real, 0.0).reshape(-1))


def populations_by(state: Matrix, effects: Sequence[Matrix]) -> NDArray[np.float64]:
    """Return the populations (3 ** r,) of a state ``[k1, 9, ...]`` by the members' effects."""
    for one in effects:
        state = np.tensordot(state, one, axes=((0, 1), (1, 2)))
    return np.asarray(np.maximum(state.real, 0.0).reshape(-1))


def parted(events: Sequence[Event]) -> tuple[list[Event], list[Event]]:
    """Return events up to the last photon that is shared, and those behind it."""
    shared = [place for place, event in enumerate(events) if _is_shared(event)]
    last = shared[-1] + 1 if shared else 0
    return list(events[:last]), list(events[last:])


def alike(event: Event) -> Event:
    """Return an event whose phase is a whole number of small steps: equal ones are alike."""
    match event:
        case Driven(shape, turns):
            return Driven(shape, round(turns / PHASE_STEP) * PHASE_STEP % 1.0)
        case _:
            return event


def left_behind(rho: Matrix, found: Sequence[int | None]) -> Matrix:
    """Return the state of axes that were not read (None), given the levels of the others."""
    for axis in reversed(range(rho.ndim)):
        level = found[axis]
        if level is not None:
            rho = np.take(rho, DIAGONAL[level], axis=axis)
    norm = rho
    for _ in range(rho.ndim):
        norm = np.take(norm, DIAGONAL, axis=0).sum(axis=0)
    return np.asarray(rho / norm.real)


def level_state(axis: int, level: int) -> SharedStart:
    """Return an atom in a level."""
    rho = np.zeros(SIZE, np.complex128)
    rho[DIAGONAL[level]] = 1.0
    return SharedStart((axis,), rho)


def _is_shared(event: Event) -> bool:
    return isinstance(event, Photon) and event.pair >= 0


def _ones(state: Matrix, members: int) -> int:
    """Return how many axes of length one a state has left: of atoms without events."""
    return (state.ndim - members) // 2


def _populated(held: Matrix) -> tuple[int, int]:
    """Return how many levels of two atoms are evolved with the other's photon.

    ``held`` [rest, k, l, 9, 9]: all elements of further atoms count.
    """
    weights = np.abs(held[..., DIAGONAL[:, None], DIAGONAL]).max(axis=(1, 2))
    most = weights[0]
    if len(held) > 1:
        most = weights.sum(axis=0) / weights.sum()
    outside = np.array(OUTSIDE)
    first, second = (most.sum(axis=axis) > outside for axis in (1, 0))
    return int(np.flatnonzero(first)[-1]) + 1, int(np.flatnonzero(second)[-1]) + 1


def phase_grid(count: int) -> list[tuple[float, ...]]:
    """Return phases of ``count`` pairs of windows that tell what any others do.

    Each phase acts before and behind its window, on one power of a coherence each time: what is
    found is a trigonometric polynomial of degree two in it.
    """
    return list(product([n / HARMONICS for n in range(HARMONICS)], repeat=count))


def interpolated(values: NDArray[np.float64], turns: Sequence[float]) -> NDArray[np.float64]:
    """Return what is found at phases, from ``values`` (5 ** pairs, n) at :func:`phase_grid`."""
    out = values
    at = np.arange(HARMONICS) / HARMONICS
    degree = np.arange(-(HARMONICS // 2), HARMONICS // 2 + 1)
    for one in turns:
        kernel = np.exp(2j * np.pi * np.outer(one - at, degree)).sum(axis=1).real / HARMONICS
        out = np.tensordot(kernel, out.reshape(HARMONICS, -1, values.shape[-1]), axes=(0, 0))
    return np.maximum(out.reshape(-1), 0.0)
