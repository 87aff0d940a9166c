"""A chip with its hidden constants, and its operating point at given flux biases.

Nothing here depends on time: what moves with time is noise, and belongs to the dynamics.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.constants import Boltzmann

from podium.sim_instruments.physics.inverse import Circuit
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint, frozen
from podium.sim_instruments.physics.relaxation import jump_rates

POINTS_CACHED = 4096
"""Operating points of one qubit kept at once: a flux scan of thousands of points, some MB."""


@dataclass(frozen=True, slots=True)
class Qubit:
    """The hidden constants of one transmon and its resonator."""

    name: str
    """``node_a.q0``; its flux line is ``node_a.q0.flux``, its drive line ``node_a.q0.drive``."""
    circuit: Circuit
    kappa_coupling_hz: float
    kappa_internal_hz: float
    quality: float
    """2 pi f01 / (relaxation rate): constant along the arc. Loss into the feedline is inside
    (the device has Purcell filters), so kappa does not change it."""
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

    @property
    def flux_line(self) -> str:
        """The line of the world that biases it."""
        return f"{self.name}.flux"

    def at(self, flux: float) -> QubitPoint:
        """Its operating point at ``flux`` (flux quanta through its SQUID)."""
        dressed = self.circuit.at(flux)
        ladder = dressed.charge / dressed.charge[0]
        return QubitPoint(
            name=self.name,
            levels_hz=frozen(dressed.levels_hz),
            ladder=frozen(ladder),
            rabi_hz_per_sqrt_w=self.drive_hz_per_sqrt_w * float(dressed.charge[0]),
            drive_delay_ns=self.drive_delay_ns,
            rates_1_s=frozen(
                jump_rates(dressed.levels_hz, ladder, self.quality, self.temperature_k)
            ),
            dephasing_1_s=self.white_dephasing_1_s,
            slow_sigma_hz=math.hypot(self.frequency_noise_hz, self.flux_noise * dressed.slope_hz),
            slow_memory_s=self.slow_memory_s,
            resonator_hz=frozen(dressed.resonator_hz),
            bare_resonator_hz=self.circuit.resonator_hz,
            kappa_hz=self.kappa_coupling_hz + self.kappa_internal_hz,
            kappa_coupling_hz=self.kappa_coupling_hz,
            n_crit=dressed.n_crit,
        )


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


class Chip:
    """Qubits on feedlines, biased through a flux matrix.

    ``flux_per_volt`` has shape (n, n), [qubit, source of qubit]: the diagonal is one over the
    flux period, the rest is crosstalk. ``flux_at_zero`` (n,) is what is there with all sources
    at 0 V, in flux quanta. Immutable, safe to share between threads.
    """

    def __init__(
        self,
        qubits: Sequence[Qubit],
        feedlines: Sequence[Feedline],
        flux_per_volt: NDArray[np.float64],
        flux_at_zero: NDArray[np.float64],
    ) -> None:
        self.qubits = tuple(qubits)
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
        self._lines = {qubit.flux_line: index for index, qubit in enumerate(self.qubits)}
        self._point = lru_cache(maxsize=POINTS_CACHED)(self._diagonalise)

    def at(self, biases_v: Mapping[str, float]) -> tuple[FeedlinePoint, ...]:
        """The operating point at these volts on the flux lines, one value for each feedline.

        A line that is not named is at 0 V. Raises KeyError for a line that no qubit has.
        Equal fluxes give the identical :class:`QubitPoint`.
        """
        flux = self.flux(biases_v)
        return tuple(
            FeedlinePoint(
                name=feedline.name,
                transmission_in=feedline.transmission_in,
                gain_out=feedline.gain_out,
                delay_in_ns=feedline.delay_in_ns,
                delay_out_ns=feedline.delay_out_ns,
                noise_w_per_hz=Boltzmann * feedline.noise_temperature_k * feedline.gain_out**2,
                qubits=tuple(
                    self._point(self._index[name], float(flux[self._index[name]]))
                    for name in feedline.qubits
                ),
            )
            for feedline in self.feedlines
        )

    def flux(self, biases_v: Mapping[str, float]) -> NDArray[np.float64]:
        """Flux through each SQUID, flux quanta, shape (n,), in the order of ``qubits``."""
        volts = np.zeros(len(self.qubits))
        for line, level in biases_v.items():
            if line not in self._lines:
                raise KeyError(
                    f"no flux line {line!r} on this chip; it has {', '.join(self._lines)}"
                )
            volts[self._lines[line]] = level
        return self.flux_per_volt @ volts + self.flux_at_zero

    def sweet_spots_v(self) -> dict[str, float]:
        """Volts on each flux line that put every qubit at its highest f01, nearest to 0 V."""
        volts = np.linalg.solve(self.flux_per_volt, -self.flux_at_zero)
        periods = np.rint(volts * np.diag(self.flux_per_volt))
        if np.any(periods):
            volts = np.linalg.solve(self.flux_per_volt, -periods - self.flux_at_zero)
        return {line: float(volts[index]) for line, index in self._lines.items()}

    def _diagonalise(self, index: int, flux: float) -> QubitPoint:
        return self.qubits[index].at(flux)
