"""Two atoms of two nodes from known levels to their readings, through drives and shared photons.

The state is kept as ``[ka, kb, 9, 9]``: nodes of both atoms' slow noise, then the flat density
matrices of first and second. What is played to one atom acts on its own index; a window of the link
on both. Slow noise acts half before and half behind a window: what that leaves out goes with the
square of the noise times the window.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.meeting.atom_maps import LEVELS, SIZE, AtomMaps, phases
from podium.sim_instruments.physics.meeting.member import Member
from podium.sim_instruments.physics.meeting.window_channel import SidebandPulse, WindowChannel

DIAGONAL = np.arange(LEVELS) * (LEVELS + 1)
OUTSIDE = (0.0, 2e-2, 3e-4)
"""Levels with less population at the start of a window are evolved as if the other end were silent:
e does nothing in a window but decay, and f's photon goes on its way alone. What that leaves out is
so much times the decay of e in a window (4e-4 of 180 ns and T1 = 5 us), and 3e-4."""
SILENT = -1
"""In place of a shape: the end plays nothing."""


@dataclass(frozen=True, slots=True)
class Wait:
    """An atom waits."""

    span_ns: int


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
    pair: int
    """Number of the pair among those of its block; -1: the other end is silent."""
    lag_fs: int = 0


Event = Wait | Driven | Photon


class PairEvolution:
    """Evolves the two atoms of a link; what repeats is worked out once."""

    def __init__(
        self,
        link: Link,
        channel: WindowChannel,
        members: tuple[Member, Member],
        maps: tuple[AtomMaps, AtomMaps],
    ) -> None:
        self._link = link
        self._channel = channel
        self._members = members
        self._maps = maps
        self._atoms = members[0].qubit, members[1].qubit
        self._windows: dict[tuple[int, int, int, tuple[int, int]], NDArray[np.complex128]] = {}

    def alone(self, end: int, level: int, events: Sequence[Event]) -> NDArray[np.float64]:
        """Return the populations (3,) of one end, whose partner is silent, from a level."""
        state = self._start(end, level)[:, :, None]
        for event in events:
            state = self._change(end, event) @ state
        mean = np.einsum("k,knc->n", self._maps[end].weight, state)
        return np.asarray(np.maximum(mean[DIAGONAL].real, 0.0))

    def together(
        self, levels: tuple[int, int], events: tuple[Sequence[Event], Sequence[Event]]
    ) -> NDArray[np.float64]:
        """Return the populations (9,), first times second, at both readings, from two levels."""
        first, second = (self._start(end, level) for end, level in enumerate(levels))
        state = first[:, None, :, None] * second[None, :, None, :]
        rest = list(events[0]), list(events[1])
        while True:
            photons = []
            for end in (0, 1):
                state = self._until_pair(end, rest[end], state)
                photons.append(rest[end].pop(0) if rest[end] else None)
            if not (isinstance(photons[0], Photon) and isinstance(photons[1], Photon)):
                break
            state = self._shared(photons[0], photons[1], state)
        weights = np.outer(self._maps[0].weight, self._maps[1].weight)
        mean = np.einsum("kl,klij->ij", weights, state)
        return np.asarray(np.maximum(mean[DIAGONAL[:, None], DIAGONAL].real, 0.0).reshape(-1))

    def _until_pair(
        self, end: int, events: list[Event], state: NDArray[np.complex128]
    ) -> NDArray[np.complex128]:
        """Let an end go on until its next window with a partner, or its end; drop what is over."""
        if end:
            state = np.transpose(state, (1, 0, 3, 2))
        while events and not (isinstance(events[0], Photon) and events[0].pair >= 0):
            state = self._change(end, events.pop(0))[:, None] @ state
        return np.transpose(state, (1, 0, 3, 2)) if end else state

    def _change(self, end: int, event: Event) -> NDArray[np.complex128]:
        """Return the superoperators (K, 9, 9) of what happens to one end alone."""
        maps = self._maps[end]
        match event:
            case Wait():
                return maps.wait(event.span_ns)
            case Driven():
                return maps.drive(event.shape, event.turns)
            case Photon():
                unit, half = self._turns(end, event)
                own = self._one_sided(end, event.shape)
                return np.asarray((half / unit)[:, :, None] * own * (half * unit)[:, None, :])

    def _shared(
        self, one: Photon, other: Photon, state: NDArray[np.complex128]
    ) -> NDArray[np.complex128]:
        """Let a window pass in which both ends play."""
        window = self._window(one.shape, other.shape, one.lag_fs, self._populated(state))
        sides = [self._turns(end, photon) for end, photon in enumerate((one, other))]
        half = sides[0][1][:, None, :, None] * sides[1][1][None, :, None, :]
        unit = sides[0][0][:, None] * sides[1][0][None, :]
        shape = state.shape
        before = (state * half * unit).reshape(*shape[:2], SIZE * SIZE)
        after = (before @ window.T).reshape(shape)
        return np.asarray(after * half / unit)

    def _turns(
        self, end: int, photon: Photon
    ) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
        """Return what a drive's phase turns, (9,), and the noise of half its window, (K, 9)."""
        unit = phases(np.array([0.0, 0.0, photon.turns]))
        lasts = self._pulse(end, photon.shape).duration_ns
        return unit, self._maps[end].stray(0.5 * lasts)

    def _start(self, end: int, level: int) -> NDArray[np.complex128]:
        state = np.zeros((self._maps[end].weight.size, SIZE), np.complex128)
        state[:, DIAGONAL[level]] = 1.0
        return state

    def _pulse(self, end: int, shape: int) -> SidebandPulse:
        """Return what an end plays; SILENT: nothing."""
        if shape == SILENT:
            return SidebandPulse(self._link.ends[end].transfer_hz, np.zeros(0, np.complex128), 1.0)
        played = self._members[end].windows.shapes[shape]
        samples = np.full(round(played.duration_ns / played.step_ns), played.level, np.complex128)
        samples[: played.samples.size] = played.samples
        return SidebandPulse(played.carrier_hz, samples, played.step_ns)

    def _populated(self, state: NDArray[np.complex128]) -> tuple[int, int]:
        """Return how many levels of each atom are evolved with the other's photon."""
        most = state[..., DIAGONAL[:, None], DIAGONAL].real.max(axis=(0, 1))
        outside = np.array(OUTSIDE)
        first, second = (most.sum(axis=axis) > outside for axis in (1, 0))
        return int(np.flatnonzero(first)[-1]) + 1, int(np.flatnonzero(second)[-1]) + 1

    def _window(
        self, one: int, other: int, lag_fs: int, levels: tuple[int, int]
    ) -> NDArray[np.complex128]:
        """Return the channel (81, 81) of a window, in the laboratory's frame of each atom."""
        asked = one, other, lag_fs, self._enough(one, other, lag_fs, levels)
        if asked not in self._windows:
            pulses = self._pulse(0, one), self._pulse(1, other)
            found = self._channel(self._link, self._atoms, pulses, lag_fs, asked[3])
            if SILENT not in (one, other) and asked[3] != (LEVELS, LEVELS):
                found = self._completed(found, pulses, asked[3])
            turns = [
                phases(-1e-9 * pulse.duration_ns * atom.levels_hz)
                for pulse, atom in zip(pulses, self._atoms, strict=True)
            ]
            self._windows[asked] = np.outer(*turns).reshape(-1)[:, None] * found
        return self._windows[asked]

    def _completed(
        self,
        found: NDArray[np.complex128],
        pulses: tuple[SidebandPulse, SidebandPulse],
        levels: tuple[int, int],
    ) -> NDArray[np.complex128]:
        """Return a channel with what it leaves out put in: both ends by themselves."""
        sides = []
        for end in (0, 1):
            silent = SidebandPulse(pulses[1 - end].carrier_hz, np.zeros(0, np.complex128), 1.0)
            pair = (pulses[0], silent) if end == 0 else (silent, pulses[1])
            populated = (LEVELS, 1) if end == 0 else (1, LEVELS)
            sides.append(_reduced(end, self._channel(self._link, self._atoms, pair, 0, populated)))
        apart = np.einsum("ik,jl->ijkl", *sides).reshape(found.shape)
        known = [np.arange(LEVELS) < count for count in levels]
        inside = [np.outer(one, one).reshape(-1) for one in known]
        mask = np.outer(*inside).reshape(-1)
        return np.where(mask[None, :], found, apart)

    def _enough(
        self, one: int, other: int, lag_fs: int, levels: tuple[int, int]
    ) -> tuple[int, int]:
        """Return the levels of a channel that is known already and has these, else ``levels``."""
        for more in product(range(levels[0], LEVELS + 1), range(levels[1], LEVELS + 1)):
            if (one, other, lag_fs, more) in self._windows:
                return more
        return levels

    def _one_sided(self, end: int, shape: int) -> NDArray[np.complex128]:
        """Return what a window does to one end (9, 9) while the other is silent, and in g."""
        if end == 0:
            whole = self._window(shape, SILENT, 0, (LEVELS, 1))
        else:
            whole = self._window(SILENT, shape, 0, (1, LEVELS))
        return _reduced(end, whole)


def _reduced(end: int, whole: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return what a window (81, 81) does to one end (9, 9) while the other is in g."""
    parts = whole.reshape(SIZE, SIZE, SIZE, SIZE)  # to first, to second, from both
    if end == 0:
        return np.asarray(parts[:, DIAGONAL][:, :, :, 0].sum(axis=1))
    return np.asarray(parts[DIAGONAL][:, :, 0].sum(axis=0))
