"""Atoms of several nodes from known levels or a shared state to their readings, through photons.

The state of n atoms is kept as ``[k1, 9, ... kn, 9]``: nodes of each atom's slow noise, and its
flat density matrix. What is played to one atom acts on its own index; a window of a link, or a gate
of a chip, on two. Atoms that have shared nothing yet have states of their own.
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
from podium.sim_instruments.physics.meeting.gate_pulses import GatePair
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
    clicks: int = 0
    """At a herald station: number of the pattern of clicks, see :mod:`.click_channel`."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A flux pulse brings an atom together with its neighbour."""

    pair: int
    end: int
    shape: int
    before_ns: int
    """For how long nothing has driven it."""
    behind_ns: int
    """For how long nothing does."""


@dataclass(frozen=True, slots=True)
class Shone:
    """An atom stays coherent while another one of its feedline is read."""

    part: int
    span_ns: int


Event = Wait | Gap | Driven | Photon | Gate | Shone


@dataclass(frozen=True, slots=True, eq=False)
class SharedStart:
    """States before the events of a draw; each is of some of its axes."""

    axes: tuple[int, ...]
    rho: Matrix
    """Shape (9,) * axes."""


class SharedEvolution:
    """Evolves atoms of a meeting; windows are worked out once."""

    def __init__(
        self,
        windows: LinkWindows,
        maps: Sequence[AtomMaps],
        gates: Sequence[GatePair] = (),
        shone: Sequence[Matrix] = (),
    ) -> None:
        """``maps`` and ``shone``, what photons do to coherences: of the members, by number."""
        self._windows = windows
        self._maps = maps
        self._gates = gates
        self._shone = shone

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
        parts = [self._begun(start, members) for start in starts]
        rest = [list(events[member]) for member in members]
        while True:
            for axis, member in enumerate(members):
                part = next(one for one in parts if axis in one.axes)
                while rest[axis] and not _is_shared(rest[axis][0]):
                    part.alone(axis, self._change(member, rest[axis].pop(0)))
            heads = {_meets(one[0]): axis for axis, one in enumerate(rest) if one}
            ready = [what for what in heads if what[-1] == 0 and (*what[:-1], 1) in heads]
            if not ready:
                break
            axes = heads[ready[0]], heads[(*ready[0][:-1], 1)]
            both = rest[axes[0]].pop(0), rest[axes[1]].pop(0)
            part = _joined([one for one in parts if {*axes} & {*one.axes}])
            parts = [one for one in parts if not {*axes} & {*one.axes}] + [part]
            places = part.axes.index(axes[0]), part.axes.index(axes[1])
            part.state = self._shared(
                part.state, places, (members[axes[0]], members[axes[1]]), both
            )
        if any(rest):
            raise NotSimulated("photons between nodes are sent and caught in a circle in time")
        return _joined(parts).in_order()

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

    def _begun(self, start: SharedStart, members: Sequence[int]) -> "_Part":
        """Return a state before, with nodes of slow noise."""
        shape, nodes = [], []
        for axis in start.axes:
            shape += [1, SIZE]
            count = self._maps[members[axis]].weight.size if axis < len(members) else 1
            nodes += [count, SIZE]
        state = np.ascontiguousarray(np.broadcast_to(start.rho.reshape(shape), nodes))
        return _Part(list(start.axes), state)

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
                where = event.link, event.end, event.shape
                own = self._windows.one_sided(*where, event.clicks)
                return np.asarray((half / unit)[:, :, None] * own * (half * unit)[:, None, :])
            case Shone():
                photons = self._shone[member][event.part].reshape(SIZE)
                return np.asarray(maps.wait(event.span_ns) * photons)
            case Gate():
                raise NotSimulated("a gate of two qubits is played to one of them alone")

    def _shared(
        self,
        state: Matrix,
        axes: tuple[int, int],
        members: tuple[int, int],
        both: tuple[Event, ...],
    ) -> Matrix:
        """Let a window of a link, or a gate, pass; ``axes``: of its first and its second end."""
        one, other = both
        sides = [self._turns(member, x) for member, x in zip(members, both, strict=True)]
        moved = np.moveaxis(
            state, (2 * axes[0], 2 * axes[1], 2 * axes[0] + 1, 2 * axes[1] + 1), (-4, -3, -2, -1)
        )
        shape = moved.shape
        held = moved.reshape(-1, *shape[-4:])
        if isinstance(one, Gate) and isinstance(other, Gate):
            window = self._gate(one, other)
        else:
            assert isinstance(one, Photon)
            assert isinstance(other, Photon)
            asked = one.link, one.shape, other.shape, one.lag_fs
            if self._windows.has_station(one.link):
                window = self._windows.clicked(*asked, one.clicks)
            else:
                window = self._windows.shared(*asked, _populated(held))
        half = sides[0][1][:, None, :, None] * sides[1][1][None, :, None, :]
        unit = sides[0][0][:, None] * sides[1][0][None, :]
        before = (held * half * unit).reshape(-1, SIZE * SIZE)
        after = (before @ window.T).reshape(held.shape) * half / unit
        back = after.reshape(shape)
        places = (2 * axes[0], 2 * axes[1], 2 * axes[0] + 1, 2 * axes[1] + 1)
        return np.ascontiguousarray(np.moveaxis(back, (-4, -3, -2, -1), places))

    def _gate(self, one: Gate, other: Gate) -> Matrix:
        """Return a gate's channel (81, 81), with the shift of each other before and behind it."""
        pair = self._gates[one.pair]
        before = pair.shifted(min(one.before_ns, other.before_ns)).reshape(-1)
        behind = pair.shifted(min(one.behind_ns, other.behind_ns)).reshape(-1)
        return np.asarray(behind[:, None] * pair.channel(one.shape) * before)

    def _turns(self, member: int, photon: Event) -> tuple[Matrix, Matrix]:
        """Return what a drive's phase turns, (9,), and the noise of half its window, (K, 9)."""
        if isinstance(photon, Gate):
            half_ns = 0.5 * self._gates[photon.pair].lasts_ns(photon.shape)
            return np.ones(SIZE, np.complex128), self._maps[member].stray(half_ns)
        assert isinstance(photon, Photon)
        unit = phases(np.array([0.0, 0.0, photon.turns]))
        lasts = self._windows.duration_ns(photon.link, photon.end, photon.shape)
        return unit, self._maps[member].stray(0.5 * lasts)


@dataclass(slots=True, eq=False)
class _Part:
    """Atoms that share a state: [k, 9] of each, in the order of ``axes``."""

    axes: list[int]
    state: Matrix

    def alone(self, axis: int, change: Matrix) -> None:
        """Let superoperators (K, 9, 9) act on an atom."""
        place, shape = self.axes.index(axis), self.state.shape
        before = int(np.prod(shape[: 2 * place]))
        held = self.state.reshape(before, shape[2 * place], SIZE, -1)
        self.state = np.asarray((change @ held).reshape(shape))

    def in_order(self) -> Matrix:
        """Return the state with its atoms in ascending order."""
        order = [2 * int(at) + part for at in np.argsort(self.axes) for part in (0, 1)]
        return np.ascontiguousarray(np.transpose(self.state, order))


def _joined(parts: Sequence[_Part]) -> _Part:
    """Return the product of states."""
    state = np.ones((), np.complex128)
    for part in parts:
        state = np.multiply.outer(state, part.state)
    return _Part([axis for part in parts for axis in part.axes], state)


def _meets(event: Event) -> tuple[str, int, int]:
    """Return what an event that is shared waits for, and its own end of it."""
    assert isinstance(event, Photon | Gate)
    return type(event).__name__, event.pair, event.end


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
    return isinstance(event, Gate) or (isinstance(event, Photon) and event.pair >= 0)


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


def interpolated(values: NDArray[np.float64], turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what is found at phases ``turns`` (k, pairs), shape (k, n).

    ``values`` (5 ** pairs, n): at :func:`phase_grid`.
    """
    at = np.arange(HARMONICS) / HARMONICS
    degree = np.arange(-(HARMONICS // 2), HARMONICS // 2 + 1)
    out = values[None]
    for one in turns.T:
        angle = 2j * np.pi * (one[:, None, None] - at[:, None]) * degree
        kernel = np.exp(angle).sum(axis=-1).real / HARMONICS
        out = np.einsum("kf,kfr->kr", kernel, out.reshape(len(out), HARMONICS, -1))
    return np.maximum(out.reshape(len(turns), -1), 0.0)
