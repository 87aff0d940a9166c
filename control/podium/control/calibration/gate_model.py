"""Foretells what a flux pulse does to two coupled transmons, and how that goes with its samples.

The pair has three levels each; a pulse conserves the excitations, so 10 and 01 are one block, and
11, 20 and 02 another. Each nanosecond is a rotation of both. The gradient is exact: states run
forward, those that are wanted run backward, and between them stands the derivative of one rotation
(Khaneja et al., J. Magn. Reson. 172, 296 (2005)).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.flux import arc

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
NEAR = 1e-9
"""Eigenvalues that are nearer than this (GHz) count as one."""
STEP = 1e-6
"""Of full scale, over which slopes of Hamiltonians are taken."""


@dataclass(frozen=True, slots=True)
class PairLevels:
    """Tells the levels of an edge under flux: those of the moved end follow its arc."""

    top_hz: float
    """f01 of the moved end at its sweet spot."""
    still_hz: float
    """f01 of the other end."""
    anharmonicities_hz: tuple[float, float]
    """Of the moved end at its sweet spot and of the other: below 0."""
    exchange_hz: float
    """Where 11 and 20 meet: half of their splitting over the root of 2."""
    period: float
    """Of the arc, in amplitudes of full scale."""
    asymmetry: float
    growth: float = 0.0
    """By what part of itself the moved end's anharmonicity is larger where 11 and 20 meet."""

    def f01_hz(self, amplitude: Array) -> Array:
        """Return f01 of the moved end under flux, Hz, in the shape of ``amplitude``."""
        charging = -self.anharmonicities_hz[0]
        return arc(amplitude, self.top_hz, charging, 0.0, self.period, self.asymmetry)

    @property
    def meeting_hz(self) -> float:
        """Return f01 of the moved end where 11 and 20 meet."""
        return self.still_hz - self.anharmonicities_hz[0] * (1 + self.growth)

    def meeting_share(self) -> float:
        """Return the flux at which 11 and 20 meet, as a share of the arc's period."""
        charging, square = -self.anharmonicities_hz[0], self.asymmetry**2
        squid = ((self.meeting_hz + charging) / (self.top_hz + charging)) ** 4
        return float(np.arccos(np.sqrt((squid - square) / (1 - square))) / np.pi)

    def hamiltonians(self, amplitude: Array) -> tuple[Array, Array]:
        """Return those of one and of two excitations, GHz, (times, n, n), under flux (times,).

        Charges grow with the root of a transmon's frequency; between 1 and 2 they are smaller than
        the root of 2 says, by an eighth of ``sqrt(2 Ec / Ej)`` (perturbation theory, Koch et al.,
        Phys. Rev. A 76, 042319 (2007)).
        """
        f01, meeting = self.f01_hz(amplitude), self.meeting_hz
        moved, still = self.anharmonicities_hz
        apart = 1e-9 * (f01 - self.still_hz)
        bend = 1e-9 * moved * (1 + self.growth * (self.top_hz - f01) / (self.top_hz - meeting))
        second = 1e-9 * np.sqrt(2) * self.exchange_hz * np.sqrt(f01 / meeting)
        first = second / np.sqrt(2) / (1 + moved / (2 * (meeting - moved)))
        one = np.zeros((amplitude.size, 2, 2))
        one[:, 0, 0], one[:, 1, 1] = apart / 2, -apart / 2
        one[:, 0, 1] = one[:, 1, 0] = first
        two = np.zeros((amplitude.size, 3, 3))
        two[:, 1, 1], two[:, 2, 2] = apart + bend, 1e-9 * still - apart
        for k in (1, 2):
            two[:, 0, k] = two[:, k, 0] = second
        return one, two


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """One of the chips that the measured values leave possible."""

    levels: PairLevels
    line: Array
    """What arrives of the samples in each ns, (arriving, samples): a matrix."""
    offset: float = 0.0
    """Flux that is there without a pulse, of full scale."""


@dataclass(frozen=True, slots=True)
class Played:
    """Describes a pulse on one chip, without decoherence."""

    infidelity: float
    """Average, with the phases of single qubits free."""
    lost: float
    """By 11."""
    swapped: float
    """From 10 to 01."""
    conditional: float
    """Turns by which 11 runs ahead of 10 and 01, as Ramsey has it."""


class GateModel:
    """Plays samples on several chips at once."""

    def __init__(self, draws: Sequence[Draw]) -> None:
        """``draws``: all of as many samples."""
        self._draws = tuple(draws)
        self._line = np.stack([one.line for one in draws])
        self._offset = np.array([one.offset for one in draws])[:, None]
        rest = [self._matrices(np.zeros((len(draws), 1)))]
        self._one, self._two = (_dressed(both[:, 0]) for both in rest[0])

    def _matrices(self, flux: Array) -> tuple[Array, Array]:
        """Return the Hamiltonians of one and of two excitations, GHz, (draws, times, n, n)."""
        whose = [one.levels for one in self._draws]
        rows = list(flux) if len(set(whose)) > 1 else [flux.reshape(-1)]  # one chip: all at once
        found = [each.hamiltonians(own) for each, own in zip(whose, rows, strict=False)]
        one, two = (np.concatenate(some) for some in zip(*found, strict=True))
        return one.reshape(*flux.shape, 2, 2), two.reshape(*flux.shape, 3, 3)

    def played(self, samples: Array) -> tuple[Played, ...]:
        """Return what samples (n,), of full scale, do to each chip; (draws, n): its own ones."""
        found = self._run(samples)
        errors = found.errors()
        turns = np.angle(found.first * found.second * np.conj(found.both)) / (2 * np.pi)
        return tuple(
            Played(*map(float, one))
            for one in zip(
                errors,
                1 - np.abs(found.both) ** 2,
                1 - np.abs(found.first) ** 2,
                turns % 1.0,
                strict=True,
            )
        )

    def error(self, samples: Array) -> tuple[float, Array]:
        """Return the mean infidelity over the chips, and how it goes with each sample, (n,)."""
        found = self._run(samples)
        cotangents = found.cotangents() / len(self._draws)
        flux = self._flux(samples)
        above, below = self._matrices(flux + STEP), self._matrices(flux - STEP)
        one, two = ((up - down) / (2 * STEP) for up, down in zip(above, below, strict=True))
        slope = found.one.slope(one, cotangents[:2], self._one)
        slope += found.two.slope(two, cotangents[2:], self._two[:, :, :1])
        return float(np.mean(found.errors())), np.einsum("rk,rkn->n", slope, self._line)

    def _flux(self, samples: Array) -> Array:
        each = np.broadcast_to(samples, (len(self._draws), samples.shape[-1]))
        return np.asarray(np.einsum("rkn,rn->rk", self._line, each) + self._offset)

    def _run(self, samples: Array) -> "_Run":
        matrices = self._matrices(self._flux(samples))
        one, two = _Block.of(matrices[0], self._one), _Block.of(matrices[1], self._two[:, :, :1])
        return _Run(one, two, self._one, self._two)


def _dressed(matrix: Array) -> Array:
    """Return the states of a Hamiltonian (draws, n, n) at rest in the order of the bare ones."""
    _, vectors = np.linalg.eigh(matrix)
    order = np.argmax(np.abs(vectors), axis=1)  # [draw, level] -> the bare state it is most like
    own = np.take_along_axis(vectors, np.argsort(order, axis=-1)[:, None, :], axis=-1)
    return np.asarray(own)


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Holds the states of a block before each ns and behind the last, and the rotations."""

    energy: Array
    """(times, draws, n)."""
    vectors: Array
    rotations: Complex
    """(times, draws, n, n): Hamiltonians are real, so that each is its own transpose."""
    states: Complex
    """(times + 1, draws, n, columns)."""

    @classmethod
    def of(cls, matrices: Array, begin: Array) -> "_Block":
        """Return the block under Hamiltonians (draws, times, n, n), GHz, from states on."""
        energy, vectors = np.linalg.eigh(np.swapaxes(matrices, 0, 1))
        turned = np.exp(-2j * np.pi * energy)
        rotations = (vectors * turned[..., None, :]) @ np.swapaxes(vectors, -1, -2)
        states = np.empty((len(energy) + 1, *begin.shape), np.complex128)
        states[0] = begin
        for rotation, before, after in zip(rotations, states[:-1], states[1:], strict=True):
            np.matmul(rotation, before, out=after)
        return cls(energy, vectors, rotations, states)

    def amplitude(self, column: int, wanted: Array) -> Complex:
        """Return what is in the state ``wanted`` (draws, n) of a column in the end, (draws,)."""
        return np.asarray(np.einsum("ri,ri->r", wanted, self.states[-1, :, :, column]))

    def slope(self, slopes: Array, cotangents: Complex, wanted: Array) -> Array:
        """Return how a cost goes with the flux in each ns, (draws, times).

        ``slopes``: how the Hamiltonians do; ``cotangents`` (columns, draws): of the amplitudes of
        each column in its own state.
        """
        behind = np.empty(self.states[1:].shape, np.complex128)
        behind[-1] = np.einsum("cr,ric->ric", cotangents, wanted)
        back = (self.rotations[:0:-1], behind[:0:-1], behind[-2::-1])
        for rotation, after, before in zip(*back, strict=True):
            np.matmul(rotation, after, out=before)
        turned = np.exp(-2j * np.pi * self.energy)
        apart = self.energy[..., :, None] - self.energy[..., None, :]
        alike = np.abs(apart) < NEAR
        change = (turned[..., :, None] - turned[..., None, :]) / np.where(alike, 1.0, apart)
        change = np.where(alike, -2j * np.pi * turned[..., :, None], change)
        own = np.swapaxes(self.vectors, -1, -2)
        change = change * (own @ np.swapaxes(slopes, 0, 1) @ self.vectors)
        into, out = own @ self.states[:-1], own @ behind
        return np.asarray(np.einsum("kric,krij,krjc->rk", out, change, into).real)


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """Holds the amplitudes of 10, 01 and 11 in themselves, (draws,), and the blocks they are of."""

    one: _Block
    two: _Block
    rest_one: Array
    rest_two: Array

    @property
    def first(self) -> Complex:
        """Of 10."""
        return self.one.amplitude(0, self.rest_one[:, :, 0])

    @property
    def second(self) -> Complex:
        """Of 01."""
        return self.one.amplitude(1, self.rest_one[:, :, 1])

    @property
    def both(self) -> Complex:
        """Of 11."""
        return self.two.amplitude(0, self.rest_two[:, :, 0])

    def _parts(self) -> tuple[Complex, Complex, Complex, Array, Array, Array]:
        """Return the amplitudes, what 00 and 11, 10 and 01 add up to, the phase that is missed."""
        first, second, both = self.first, self.second, self.both
        even, odd = 1 + np.abs(both), np.abs(first) + np.abs(second)
        missed = np.angle(-both * np.conj(first * second)) / 2
        return first, second, both, even, odd, missed

    def errors(self) -> Array:
        """Return ``1 - (|Tr U+ M|^2 + Tr M+ M) / 20``, Pedersen, Phys. Lett. A 367, 47 (2007).

        What the conditional phase misses is shared among all four.
        """
        *_, both, even, odd, missed = self._parts()
        overlap = even**2 + odd**2 + 2 * even * odd * np.cos(missed)
        return np.asarray(1 - (overlap + 3 + np.abs(both) ** 2) / 20)

    def cotangents(self) -> Complex:
        """Return how the error goes with the amplitudes of 10, 01 and 11, (3, draws)."""
        first, second, both, even, odd, missed = self._parts()
        turn = 1j * even * odd * np.sin(missed)
        of_odd = 2 * (odd + even * np.cos(missed))
        of_even = 2 * (even + odd * np.cos(missed)) + 2 * np.abs(both)
        found = [of_odd * np.conj(one) / np.abs(one) - turn / one for one in (first, second)]
        found.append(of_even * np.conj(both) / np.abs(both) + turn / both)
        return np.asarray(-np.stack(found) / 20)
