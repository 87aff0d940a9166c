"""A chip with its hidden constants, and its operating point at given flux biases.

Nothing here depends on time: what moves with time is noise, and belongs to the dynamics.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.circuit_inversion import CIRCUITS_CACHED, Circuit
from podium.sim_instruments.physics.constants import Boltzmann
from podium.sim_instruments.physics.defects import Defect, defect_rates, pushed_hz
from podium.sim_instruments.physics.dressed_register import DressedRegister, dressed_register
from podium.sim_instruments.physics.drive_crosstalk import DriveCrosstalk, ReachedQubit
from podium.sim_instruments.physics.flux_line import LineResponse
from podium.sim_instruments.physics.flux_tiles import FluxTiles
from podium.sim_instruments.physics.fluxonium import Fluxonium
from podium.sim_instruments.physics.levels import drive_elements, is_antisymmetric
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint, frozen
from podium.sim_instruments.physics.register import check_register, coupled, shift_hz
from podium.sim_instruments.physics.relaxation import (
    NO_MORE_LOSS,
    FluxoniumLoss,
    dielectric_rates,
    inductive_rates,
    jump_rates,
    quasiparticle_rates,
)
from podium.sim_instruments.physics.resonator import Dressed, dressed
from podium.sim_instruments.physics.transmon import Transmon

POINTS_CACHED = 4096
"""Operating points of one qubit kept at once: a flux scan of thousands of points, some MB."""


@dataclass(frozen=True, slots=True)
class Qubit:
    """The hidden constants of one qubit and its resonator."""

    name: str
    """``node_a.q0``; its flux line is ``node_a.q0.flux``, its drive line ``node_a.q0.drive``."""
    circuit: Circuit
    kappa_coupling_hz: float
    kappa_internal_hz: float
    quality: float
    """Of a transmon 2 pi f01 / (relaxation rate), constant along the arc; of a fluxonium one over
    the loss tangent of its capacitance. Loss into the feedline is inside (the devices have Purcell
    filters), so kappa does not change it."""
    temperature_k: float
    """Of the bath that the qubit sees: sets its thermal population."""
    white_dephasing_1_s: float
    frequency_noise_hz: float
    """Standard deviation of slow frequency noise that does not depend on flux, Hz."""
    flux_noise: float
    """Standard deviation of slow flux noise, flux quanta; acts through the arc's slope."""
    slow_memory_s: float
    drive_hz_per_sqrt_w: float
    """0-1 Rabi frequency at the source's connector for a charge element of 1, Hz per sqrt(W)."""
    drive_delay_ns: float
    defects: tuple[Defect, ...] = ()
    """Two-level defects beside a transmon."""
    more_loss: FluxoniumLoss = NO_MORE_LOSS
    """Of a fluxonium, beside that of its capacitance."""
    upper_quality: float | None = None
    """Of a transmon's transitions above 0-1, where it is not that of 0-1."""

    @property
    def flux_line(self) -> str:
        """The line of the world that biases it."""
        return f"{self.name}.flux"

    def at(self, flux: float) -> QubitPoint:
        """Its operating point at ``flux`` (flux quanta through its loop, from its sweet spot)."""
        return self.point(self.circuit.at(flux), flux)

    def point(self, dressed: Dressed, flux: float) -> QubitPoint:
        """Its operating point as its resonator, and its neighbours if it has some, dress it."""
        ladder = dressed.charge / dressed.charge[0]
        levels_hz = dressed.levels_hz + pushed_hz(self.defects, dressed.levels_hz, ladder)
        alone = min([dressed.alone, *(one.own_part(dressed.f01_hz) for one in self.defects)])
        atom, kelvin = self.circuit.atom, self.temperature_k
        quality = self.quality, self.upper_quality
        rates = rates_of(atom, dressed, quality, kelvin, self.more_loss, flux)
        white_1_s = self.white_dephasing_1_s
        lost = defect_rates(self.defects, dressed.levels_hz, ladder, white_1_s, kelvin)
        return QubitPoint(
            name=self.name,
            levels_hz=frozen(levels_hz),
            ladder=frozen(ladder),
            rabi_hz_per_sqrt_w=self.drive_hz_per_sqrt_w * float(dressed.charge[0]),
            drive_delay_ns=self.drive_delay_ns,
            rates_1_s=frozen(rates + lost),
            dephasing_1_s=self.white_dephasing_1_s,
            slow_sigma_hz=math.hypot(self.frequency_noise_hz, self.flux_noise * dressed.slope_hz),
            slow_memory_s=self.slow_memory_s,
            resonator_hz=frozen(dressed.resonator_hz),
            bare_resonator_hz=self.circuit.resonator_hz,
            kappa_hz=self.kappa_coupling_hz + self.kappa_internal_hz,
            kappa_coupling_hz=self.kappa_coupling_hz,
            n_crit=dressed.n_crit,
            level_n_crit=dressed.level_n_crit,
            alone=alone,
            drive_elements=(
                drive_elements(dressed.signed)
                if dressed.signed is not None and isinstance(self.circuit.atom, Fluxonium)
                else None
            ),
        )


def rates_of(
    atom: Transmon | Fluxonium,
    dressed: Dressed,
    quality: tuple[float, float | None],
    temperature_k: float,
    more_loss: FluxoniumLoss = NO_MORE_LOSS,
    flux: float = 0.0,
) -> NDArray[np.float64]:
    """Return the jump rates [to, from] of a dressed atom, shape (L, L), 1/s.

    ``quality``: of all lines; and of a transmon's above 0-1, where it is another. ``flux``: from
    the sweet spot, at which it is dressed so.
    """
    if isinstance(atom, Fluxonium):
        levels, charges = dressed.levels_hz, dressed.charges
        rates = dielectric_rates(levels, charges, atom.charging_hz, quality[0], temperature_k)
        return rates + more_rates(atom, dressed, more_loss, temperature_k, flux)
    ladder = dressed.charge / dressed.charge[0]
    return jump_rates(dressed.levels_hz, ladder, quality[0], temperature_k, quality[1])


def more_rates(
    atom: Fluxonium, dressed: Dressed, loss: FluxoniumLoss, temperature_k: float, flux: float
) -> NDArray[np.float64]:
    """Return jump rates [to, from] by a fluxonium's inductance and quasiparticles, (L, L), 1/s."""
    levels = dressed.levels_hz
    rates = np.zeros((levels.size, levels.size))
    if math.isfinite(loss.inductive_quality):
        own = dressed.charges, atom.charging_hz, atom.inductive_hz
        rates += inductive_rates(levels, *own, loss.inductive_quality, temperature_k)
    if loss.quasiparticles:
        sines = atom.half_sines(flux, levels.size)
        rates += quasiparticle_rates(
            levels, sines, atom.josephson_hz, loss.quasiparticles, temperature_k
        )
    return rates


@lru_cache(maxsize=CIRCUITS_CACHED)
def bare_levels(circuit: Circuit) -> FluxTiles:
    """Return levels of a circuit over flux, coupled to nothing but its resonator.

    Chips with the same circuit share them, as a world whose noise or losses are changed does.
    """

    def exact(flux: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        found = dressed(circuit.pair(flux))
        return frozen(found.levels_hz), frozen(found.charge)

    return FluxTiles(exact)


@dataclass(frozen=True, slots=True)
class Feedline:
    """The hidden constants of a feedline and the chain behind it."""

    name: str
    transmission_in: float
    gain_out: float
    delay_in_ns: float
    delay_out_ns: float
    noise_temperature_k: float
    """Of the whole chain, referred to the chip, vacuum noise included."""
    qubits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FluxPulses:
    """Responses of flux lines to pulses, other than to biases, by names of lines."""

    responses: Mapping[str, LineResponse] = field(default_factory=dict)
    """Of the lines that are not ideal."""
    quanta_per_volt: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """By a qubit and a line, where pulses bring another flux than the bias does."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Two qubits of a chip between which a gate is played; full names."""

    name: str
    ends: tuple[str, str]
    gate: str
    """``cz``, ``iswap`` or ``cnot``."""
    pulsed: str
    """The qubit or coupler whose flux the gate pulses; of a cnot its control."""
    driven: bool = False
    """Whether the gate drives the plasmon of that qubit, and pulses no flux."""
    carrier: bool = False
    """Whether a CZ is played by a carrier on that flux."""


NO_PULSES = FluxPulses()
"""Flux lines that pass pulses as they pass biases."""


class Chip:
    """Qubits on feedlines, biased through a flux matrix, some of them coupled for good.

    ``flux_per_volt`` has shape (n, n), [qubit, source of qubit]: the diagonal is one over the
    flux period, 0 of a qubit without a flux line; the rest is crosstalk. ``flux_at_zero`` (n,) is
    what is there with all sources at 0 V, in flux quanta from the sweet spot. ``couplings``: by
    the names of two qubits, what multiplies the product of their Cooper-pair numbers, Hz. Tunable
    couplers are among the qubits; no feedline reads them. ``crosstalk``: by a qubit and another
    whose drive reaches it, the ratio of :class:`.drive_crosstalk.ReachedQubit`. Immutable, safe to
    share between threads.
    Raises :class:`.register.NoRegister` for couplings that cannot be simulated.
    """

    def __init__(
        self,
        qubits: Sequence[Qubit],
        feedlines: Sequence[Feedline],
        flux_per_volt: NDArray[np.float64],
        flux_at_zero: NDArray[np.float64],
        couplings: Mapping[tuple[str, str], float] = MappingProxyType({}),
        couplers: Collection[str] = (),
        pulses: FluxPulses = NO_PULSES,
        edges: Sequence[Edge] = (),
        crosstalk: Mapping[tuple[str, str], complex] = MappingProxyType({}),
    ) -> None:
        self.qubits = tuple(qubits)
        self.drive_crosstalk = crosstalk_of(self.qubits, crosstalk)
        self.feedlines = tuple(feedlines)
        self.flux_per_volt = frozen(flux_per_volt)
        self.flux_at_zero = frozen(flux_at_zero)
        names = [qubit.name for qubit in self.qubits]
        count = len(names)
        if self.flux_per_volt.shape != (count, count) or self.flux_at_zero.shape != (count,):
            raise ValueError(
                f"{count} qubits need a flux matrix of {count} x {count} and {count} offsets, "
                f"not {self.flux_per_volt.shape} and {self.flux_at_zero.shape}"
            )
        for feedline in self.feedlines:
            for name in feedline.qubits:
                if name not in names:
                    raise ValueError(
                        f"feedline {feedline.name} reads {name}, which is not among {names}"
                    )
        self._index = {name: index for index, name in enumerate(names)}
        self._defects = {
            defect.name: (index, defect)
            for index, qubit in enumerate(self.qubits)
            for defect in qubit.defects
        }
        """By name: the place of its qubit, and what it is."""
        self._lines = {
            qubit.flux_line: index
            for index, qubit in enumerate(self.qubits)
            if self.flux_per_volt[index, index] != 0
        }
        self.flux_lines = frozenset(self._lines)
        """``node_a.q0.flux`` of each qubit that has one."""
        self.couplers = frozenset(couplers)
        """Those of the qubits that are tunable couplers, by name."""
        self._pulses = pulses
        self.edges = tuple(edges)
        self._resting = _resting(couplings, couplers, self.edges)
        self.couplings = {
            (self._index[one], self._index[other]): hz for (one, other), hz in couplings.items()
        }
        """By two qubits' places in ``qubits``."""
        self._registers = _registers(count, self.couplings)
        for register in self._registers.values():
            atoms = [self.qubits[place].circuit.atom for place in register]
            check_register([is_antisymmetric(atom.bare(0.0, 2).charge) for atom in atoms])
        self._point = lru_cache(maxsize=POINTS_CACHED)(self._diagonalise)
        self._bare = [bare_levels(one.circuit) for one in self.qubits]
        self._dressed_drives = lru_cache(maxsize=POINTS_CACHED)(self._diagonalise_drives)
        self._register_points = lru_cache(maxsize=POINTS_CACHED)(self._diagonalise_register)

    def at(
        self,
        biases_v: Mapping[str, float],
        feedlines: Collection[str] | None = None,
        more_flux: Mapping[str, float] = MappingProxyType({}),
    ) -> tuple[FeedlinePoint, ...]:
        """The operating point at these volts on the flux lines, one value for each feedline.

        ``feedlines``: the names of those that are wanted; None: all. A flux line that is not
        named is at 0 V. Raises KeyError for one that no qubit has.
        ``more_flux``: flux quanta on top, by qubit. Equal fluxes give the identical
        :class:`QubitPoint`.
        """
        flux = self.flux(biases_v) + self._by_qubit(more_flux)
        return tuple(
            FeedlinePoint(
                name=feedline.name,
                transmission_in=feedline.transmission_in,
                gain_out=feedline.gain_out,
                delay_in_ns=feedline.delay_in_ns,
                delay_out_ns=feedline.delay_out_ns,
                noise_w_per_hz=Boltzmann * feedline.noise_temperature_k * feedline.gain_out**2,
                qubits=tuple(self._point_of(self._index[name], flux) for name in feedline.qubits),
            )
            for feedline in self.feedlines
            if feedlines is None or feedline.name in feedlines
        )

    def flux(self, biases_v: Mapping[str, float]) -> NDArray[np.float64]:
        """Flux through each SQUID, flux quanta, shape (n,), in the order of ``qubits``."""
        volts = np.zeros(len(self.qubits))
        for line, level in biases_v.items():
            if line not in self._lines:
                there = ", ".join(self._lines) or "none"
                raise KeyError(f"no flux line {line!r} on this chip; it has {there}")
            volts[self._lines[line]] = level
        return self.flux_per_volt @ volts + self.flux_at_zero

    def sweet_spots_v(
        self,
        more_flux: Mapping[str, float] = MappingProxyType({}),
        held_v: Mapping[str, float] = MappingProxyType({}),
    ) -> dict[str, float]:
        """Volts on each flux line that put every qubit that has one at its highest f01.

        Those nearest to 0 V; a coupler of a driven gate is at its highest or lowest f01.
        ``more_flux``: as of :meth:`at`; ``held_v``: lines that stay at these volts.
        """
        free = [line for line in self._lines if line not in held_v]
        lines = [self._lines[line] for line in free]
        held = np.zeros(len(self.qubits))
        for line, level_v in held_v.items():
            held[self._lines[line]] = level_v
        held_flux = self.flux_per_volt @ held
        at_zero = (self.flux_at_zero + self._by_qubit(more_flux) + held_flux)[lines]
        matrix = self.flux_per_volt[np.ix_(lines, lines)]
        volts = np.linalg.solve(matrix, -at_zero)
        step = np.array([0.5 if self.qubits[k].name in self._resting else 1.0 for k in lines])
        periods = np.rint(volts * np.diag(matrix) / step) * step
        if np.any(periods):
            volts = np.linalg.solve(matrix, -periods - at_zero)
        return dict(zip(free, map(float, volts), strict=True)) | dict(held_v)

    def _by_qubit(self, more_flux: Mapping[str, float]) -> NDArray[np.float64]:
        return np.array([more_flux.get(qubit.name, 0.0) for qubit in self.qubits])

    def flux_shares(self, qubit: str) -> dict[str, float]:
        """Flux quanta that a volt of pulses on each flux line brings through a qubit's loop."""
        if qubit in self._defects:
            return {}
        index, pulsed = self._index[qubit], self._pulses.quanta_per_volt
        return {
            line: pulsed.get((qubit, line), float(self.flux_per_volt[index, k]))
            for line, k in self._lines.items()
        }

    def coupler_lines(self) -> list[str]:
        """Return the names of the flux lines of all couplers."""
        return [line for line in self._lines if line.removesuffix(".flux") in self.couplers]

    def response_of(self, line: str) -> LineResponse | None:
        """Return how a flux line distorts pulses; None: not at all."""
        return self._pulses.responses.get(line)

    def element_at(self, name: str, biases_v: Mapping[str, float]) -> QubitPoint:
        """Return the operating point of a qubit or coupler among those coupled to it, or defect."""
        if name in self._defects:
            index, defect = self._defects[name]
            f01_hz = float(self.bare_at(self.qubits[index].name, biases_v, 0.0)[0][1])
            delay_ns, kelvin = self.qubits[index].drive_delay_ns, self.qubits[index].temperature_k
            return defect.point(f01_hz, delay_ns, kelvin)
        return self._point_of(self._index[name], self.flux(biases_v))

    def moved_levels_hz(
        self, qubit: str, biases_v: Mapping[str, float], quanta: float
    ) -> NDArray[np.float64]:
        """Levels of a qubit with so many flux quanta on top of its biases, Hz, shape (L,).

        Those that it is coupled to push them as they do at the biases.
        """
        index = self._index[qubit]
        flux = self.flux(biases_v)
        moved = self._point(index, float(flux[index]) + quanta).levels_hz
        if index not in self._registers:
            return moved
        among = self._point_of(index, flux).levels_hz
        return np.asarray(among + moved - self._point(index, float(flux[index])).levels_hz)

    def coupled_to(self, qubit: str) -> dict[str, float]:
        """Return the coupled qubits, and what multiplies the product of charges, Hz, signed."""
        index = self._index[qubit]
        found = {}
        for (i, j), hz in self.couplings.items():
            if index in (i, j):
                found[self.qubits[j if index == i else i].name] = hz
        return found

    def defects_of(self, qubit: str) -> tuple[Defect, ...]:
        """Return the two-level defects beside a qubit."""
        return self.qubits[self._index[qubit]].defects

    def bare_at(
        self, qubit: str, biases_v: Mapping[str, float], quanta: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return levels (L,), Hz, and charge elements (L-1,) without what it is coupled to.

        ``quanta``: flux quanta on top of the biases.
        """
        if qubit in self._defects:
            return frozen(np.array([0.0, self._defects[qubit][1].frequency_hz])), frozen(np.ones(1))
        index = self._index[qubit]
        return self._bare[index].at(float(self.flux(biases_v)[index]) + quanta)

    def _point_of(self, index: int, flux: NDArray[np.float64]) -> QubitPoint:
        register = self._registers.get(index)
        if register is None:
            return self._point(index, float(flux[index]))
        points = self._register_points(register, tuple(float(flux[place]) for place in register))
        return points[register.index(index)]

    def _diagonalise(self, index: int, flux: float) -> QubitPoint:
        return self.qubits[index].at(flux)

    def zz_hz(self, ends: tuple[str, str], biases_v: Mapping[str, float]) -> float:
        """Return by how much excitations of two qubits shift each other at rest, signed, Hz.

        All others are in 0. Resonators, which move it by a percent, are left out. Raises
        :class:`.register.NoRegister` where atoms of both kinds have no parity.
        """
        first, second = (self._index[name] for name in ends)
        register = self._registers.get(first, (first,))
        if second not in register:
            return 0.0
        # Of a large register those count that one of the two is coupled to.
        near = {first, second}
        near |= {k for pair in self.couplings for k in pair if near & set(pair)}
        members = tuple(place for place in register if place in near)
        flux = self.flux(biases_v)
        atoms = [(self.qubits[place].circuit.atom, float(flux[place])) for place in members]
        places = members.index(first), members.index(second)
        return shift_hz(atoms, self._couplings_among(members), places)

    def dressed_drives(
        self, names: Sequence[str], biases_v: Mapping[str, float], levels: NDArray[np.int64]
    ) -> DressedRegister:
        """Return the dressed levels of coupled fluxoniums, and what drives of them move.

        ``levels`` (D, M): after which the first are named, see :func:`.dressed_register`.
        """
        places = tuple(self._index[name] for name in names)
        flux = self.flux(biases_v)
        fluxes = tuple(float(flux[place]) for place in places)
        return self._dressed_drives(places, fluxes, tuple(map(tuple, levels.tolist())))

    def _diagonalise_drives(
        self,
        places: tuple[int, ...],
        fluxes: tuple[float, ...],
        levels: tuple[tuple[int, ...], ...],
    ) -> DressedRegister:
        atoms = [self.qubits[place].circuit.atom for place in places]
        own = list(zip(atoms, fluxes, strict=True))
        return dressed_register(own, self._couplings_among(places), np.array(levels, np.int64))

    def _couplings_among(self, register: tuple[int, ...]) -> dict[tuple[int, int], float]:
        return {
            (register.index(i), register.index(j)): hz
            for (i, j), hz in self.couplings.items()
            if i in register and j in register
        }

    def _diagonalise_register(
        self, register: tuple[int, ...], flux: tuple[float, ...]
    ) -> tuple[QubitPoint, ...]:
        qubits = [self.qubits[place] for place in register]
        pairs = [qubit.circuit.pair(here) for qubit, here in zip(qubits, flux, strict=True)]
        among = coupled(pairs, self._couplings_among(register))
        stand = zip(qubits, among, flux, strict=True)
        return tuple(qubit.point(dressed, here) for qubit, dressed, here in stand)


def crosstalk_of(
    qubits: Sequence[Qubit], ratios: Mapping[tuple[str, str], complex]
) -> DriveCrosstalk:
    """Return what drive lines bring to other qubits; ``ratios``: as of :class:`Chip`."""
    delay_ns = {qubit.name: qubit.drive_delay_ns for qubit in qubits}
    reached: dict[str, list[ReachedQubit]] = {}
    for (name, source), ratio in ratios.items():
        if ratio:
            later_ns = round(delay_ns[source] - delay_ns[name])
            one = ReachedQubit(f"{name}.drive", ratio, later_ns)
            reached.setdefault(f"{source}.drive", []).append(one)
    return DriveCrosstalk(reached)


def _resting(
    couplings: Collection[tuple[str, str]], couplers: Collection[str], edges: Sequence[Edge]
) -> set[str]:
    """Return couplers of edges whose gates move no flux: they rest at either sweet spot."""
    near = {name: {one for pair in couplings if name in pair for one in pair} for name in couplers}
    return {
        name
        for name, ends in near.items()
        if any(edge.driven and ends.issuperset(edge.ends) for edge in edges)
    }


def _registers(
    count: int, couplings: Mapping[tuple[int, int], float]
) -> dict[int, tuple[int, ...]]:
    """Return, for each qubit that is coupled to another, all that hang together with it."""
    group = {place: {place} for place in range(count)}
    for i, j in couplings:
        together = group[i] | group[j]
        for place in together:
            group[place] = together
    return {place: tuple(sorted(group[place])) for place in group if len(group[place]) > 1}
