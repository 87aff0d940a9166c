"""A chip at one setting of its flux biases, as plain numbers: what the dynamics start from.

The circuit model (:mod:`.chip`) makes these values by diagonalising each qubit together with its
resonator, and with what is coupled to it for good; the dynamics (:mod:`.world`) read them and
know nothing of circuits. All arrays are read-only.

Conventions: frequencies and linewidths are divided by 2 pi (Hz), decay rates are
not (1/s). Level 0 is the ground state; ``L`` is the number of levels kept.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class QubitPoint:
    """One qubit and its readout resonator at one flux."""

    name: str
    """``node_a.q0``; its drive line is ``node_a.q0.drive``."""
    levels_hz: NDArray[np.float64]
    """Shape (L,), L >= 3: dressed energies over h above ground, resonator in vacuum, Hz."""
    ladder: NDArray[np.float64]
    """Shape (L-1,): |<n|drive|n+1>| over |<0|drive|1>|; the first entry is 1."""
    rabi_hz_per_sqrt_w: float
    """Frequency of full 0-1 Rabi oscillations, on resonance, for a drive of 1 sqrt(W) at the
    source's connector: attenuation and coupling are inside."""
    drive_delay_ns: float
    """From the source's connector to the qubit."""
    rates_1_s: NDArray[np.float64]
    """Shape (L, L), [to, from]: incoherent jump rates, 1/s; the diagonal is zero."""
    dephasing_1_s: float
    """White pure dephasing: the coherence between n and m decays at ``dephasing * (n - m)**2``
    on top of what the jumps take."""
    slow_sigma_hz: float
    """Standard deviation of the slow, Gaussian noise of the 0-1 frequency, constant within a
    shot; level n moves by n times that."""
    slow_memory_s: float
    """Correlation time of the slow noise, s."""
    resonator_hz: NDArray[np.float64]
    """Shape (L,): dressed frequency of the resonator at low power with the qubit in level n, Hz."""
    bare_resonator_hz: float
    """Where the resonator goes at high power, Hz."""
    kappa_hz: float
    """Total energy decay rate of the resonator over 2 pi, Hz."""
    kappa_coupling_hz: float
    """The part of ``kappa_hz`` that goes into the feedline (both directions together), Hz."""
    n_crit: float
    """Critical photon number of the dispersive shift in 0 and 1, (f_r - f01)**2 / (4 g**2)."""
    alone: float = 1.0
    """How much of level 1 is this qubit's own excitation, where others are coupled to it."""
    drive_elements: NDArray[np.complex128] | None = None
    """Shape (L, L): what the drive moves over its 0-1 element, where the rotating-wave
    approximation does not hold (a fluxonium, :mod:`.lab_frame`); None: it does."""
    stray_hz: float = 0.0
    """Standard deviation by which the 0-1 frequency drifts about its mean over the run; it counts
    as slow noise does."""
    level_n_crit: tuple[float, ...] = ()
    """Critical photon numbers in each level, where they differ: L of them, or none."""

    @property
    def n_crits(self) -> NDArray[np.float64]:
        """Return the critical photon number in each level, shape (L,)."""
        if self.level_n_crit:
            return np.array(self.level_n_crit)
        return np.full(self.levels_hz.size, self.n_crit)

    def drives_to_2(self, carrier_hz: float) -> bool:
        """Tell whether a carrier is nearer to 1-2 than to the 0-1 line."""
        f01_hz, f12_hz = np.diff(self.levels_hz[:3])
        return bool(abs(carrier_hz - f12_hz) < abs(carrier_hz - f01_hz))

    def exchanged(self) -> "QubitPoint":
        """Return the qubit with levels 1 and 2 under each other's names, for a readout of both."""
        order = np.array([0, 2, 1, *range(3, self.levels_hz.size)])
        return replace(
            self,
            levels_hz=frozen(self.levels_hz[order]),
            rates_1_s=frozen(self.rates_1_s[np.ix_(order, order)]),
            resonator_hz=frozen(self.resonator_hz[order]),
            level_n_crit=tuple(self.n_crits[order].tolist()),
        )


@dataclass(frozen=True, slots=True, eq=False)
class FeedlinePoint:
    """One feedline with all resonators that couple to it, and the chain behind it."""

    name: str
    """``node_a.feedline``: also the name of its line in and out."""
    transmission_in: float
    """Amplitude factor from the source's connector to the chip."""
    gain_out: float
    """Amplitude factor from the chip to the listener's connector."""
    delay_in_ns: float
    delay_out_ns: float
    """Cables and electronics there and back; the sum is the time of flight."""
    noise_w_per_hz: float
    """Noise power spectral density at the listener's connector (one-sided in absolute
    frequency: a band of B hertz about the carrier carries ``noise_w_per_hz * B`` watts), W/Hz."""
    qubits: tuple[QubitPoint, ...]


def frozen(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``values`` as a contiguous float64 array that nobody can write to."""
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array
