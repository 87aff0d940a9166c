"""From what a lab quotes of a chip back to its circuit: the inverse of :mod:`.resonator`.

A world is drawn in the lab's words (of a transmon f01, anharmonicity, readout frequency, chi at
the sweet spot; of a fluxonium its energies, readout frequency and chi). The circuit that has
exactly these is found by root finding on the dressed model, so that everything else (flux arc, chi
away from the sweet spot, higher levels) follows from it.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.fluxonium import Fluxonium
from podium.sim_instruments.physics.resonator import Dressed, Pair, dressed, pair_of, quoted_hz
from podium.sim_instruments.physics.transmon import Transmon

TOLERANCE_HZ = 1.0
"""The found circuit gives all four wanted frequencies within this."""
CIRCUITS_CACHED = 256
"""Circuits kept: to find one takes 10 ms, of a fluxonium seconds."""


class NoSuchCircuit(ValueError):
    """No atom and resonator have the frequencies asked for: change the design values."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """An atom, its resonator and their coupling: the constants of :func:`.resonator.dress`."""

    atom: Transmon | Fluxonium
    coupling_hz: float
    """Multiplies the Cooper-pair number, Hz."""
    resonator_hz: float
    """Bare, Hz."""

    def pair(self, flux: float) -> Pair:
        """Diagonalise at ``flux`` (flux quanta from the sweet spot)."""
        return pair_of(self.atom, self.coupling_hz, self.resonator_hz, flux)

    def at(self, flux: float) -> Dressed:
        """Return what follows from :meth:`pair`."""
        return dressed(self.pair(flux))

    def quoted_hz(self, flux: float) -> tuple[float, float, float, float]:
        """Return f01, anharmonicity, readout frequency and chi of :meth:`at`, sooner than it."""
        return quoted_hz(self.atom, self.coupling_hz, self.resonator_hz, flux)


@lru_cache(maxsize=CIRCUITS_CACHED)
def circuit_of(
    *,
    f01_hz: float,
    anharmonicity_hz: float,
    readout_hz: float,
    chi_hz: float,
    asymmetry: float,
) -> Circuit:
    """Find the circuit that has these dressed values at its sweet spot, within 1 Hz.

    Raises :class:`NoSuchCircuit` where the transmon regime has none (the resonator must lie
    above the qubit, chi and the anharmonicity below zero).
    """
    asked = (
        f"f01 {f01_hz:.6g} Hz, anharmonicity {anharmonicity_hz:.6g} Hz, "
        f"readout_frequency {readout_hz:.6g} Hz, chi {chi_hz:.6g} Hz"
    )
    if not (0 < f01_hz < readout_hz and anharmonicity_hz < 0 and chi_hz < 0):
        raise NoSuchCircuit(
            f"no transmon below its resonator has {asked}: "
            "0 < f01 < readout_frequency, anharmonicity < 0 and chi < 0 are needed"
        )
    wanted = np.array([f01_hz, anharmonicity_hz, readout_hz, chi_hz])

    # First guess: Koch et al. 2007, eqs. 2.11 and 3.8-3.10, the leading orders in EC/EJ and g.
    charging = -anharmonicity_hz
    josephson = (f01_hz + charging) ** 2 / (8 * charging)
    detuning = readout_hz - f01_hz
    coupling_01 = math.sqrt(chi_hz * detuning * (detuning - anharmonicity_hz) / anharmonicity_hz)
    charge_01 = (josephson / (8 * charging)) ** 0.25 / math.sqrt(2)
    start = np.array(
        [charging, josephson, coupling_01 / charge_01, readout_hz - coupling_01**2 / detuning]
    )

    def circuit(scaled: NDArray[np.float64]) -> Circuit:
        charging_hz, josephson_hz, coupling_hz, resonator_hz = (float(x) for x in scaled * start)
        return Circuit(Transmon(charging_hz, josephson_hz, asymmetry), coupling_hz, resonator_hz)

    def miss(scaled: NDArray[np.float64]) -> NDArray[np.float64]:
        if np.any(scaled <= 0):
            return np.full(4, 1e3)
        return np.asarray((np.array(circuit(scaled).quoted_hz(0.0)) - wanted) / 1e6)

    from scipy.optimize import root  # see .relaxation.lifetime_s

    found = root(miss, np.ones(4), method="hybr", options={"xtol": 1e-13})
    worst_hz = float(np.max(np.abs(miss(found.x)))) * 1e6
    if not worst_hz < TOLERANCE_HZ:
        raise NoSuchCircuit(
            f"no circuit found for {asked}: the nearest one misses by {worst_hz:.3g} Hz; "
            "a larger detuning, a smaller |chi| or a smaller |anharmonicity| has one"
        )
    return circuit(found.x)


STRONGEST_HZ = 400e6
"""No fluxonium is coupled to its resonator by more: g n01 would reach a tenth of f_r."""


@lru_cache(maxsize=CIRCUITS_CACHED)
def fluxonium_circuit(fluxonium: Fluxonium, *, readout_hz: float, chi_hz: float) -> Circuit:
    """Find coupling and resonator that give these dressed values at half a flux quantum, to 1 Hz.

    Raises :class:`NoSuchCircuit` where the pull of these energies has another sign there, or the
    resonator stands on one of the fluxonium's lines.
    """
    asked = f"readout_frequency {readout_hz:.6g} Hz, chi {chi_hz:.6g} Hz"
    weak_hz = 1e6
    weak = Circuit(fluxonium, weak_hz, readout_hz).at(0.0)
    if weak.chi_hz * chi_hz <= 0:
        raise NoSuchCircuit(
            f"no resonator has {asked} with this fluxonium: at that frequency its energies make "
            f"chi {'positive' if weak.chi_hz > 0 else 'negative'}"
        )
    coupling_hz = weak_hz * math.sqrt(chi_hz / weak.chi_hz)
    if coupling_hz > STRONGEST_HZ:
        raise NoSuchCircuit(
            f"no resonator has {asked} with this fluxonium: a coupling of {coupling_hz:.3g} Hz "
            f"would be needed; up to {STRONGEST_HZ:.3g} Hz are possible. A smaller |chi|, or a "
            "resonator nearer to one of its lines, has one"
        )
    pull_hz = (weak.readout_hz - readout_hz) * (coupling_hz / weak_hz) ** 2
    start = np.array([coupling_hz, readout_hz - pull_hz])

    def miss(scaled: NDArray[np.float64]) -> NDArray[np.float64]:
        coupling, resonator = (float(x) for x in scaled * start)
        _, _, found_hz, pull_hz = Circuit(fluxonium, coupling, resonator).quoted_hz(0.0)
        return np.array([found_hz - readout_hz, pull_hz - chi_hz]) / 1e6

    from scipy.optimize import root  # see .relaxation.lifetime_s

    found = root(miss, np.ones(2), method="hybr", options={"xtol": 1e-13})
    worst_hz = float(np.max(np.abs(miss(found.x)))) * 1e6
    if not worst_hz < TOLERANCE_HZ:
        raise NoSuchCircuit(
            f"no circuit found for {asked}: the nearest one misses by {worst_hz:.3g} Hz; a smaller "
            "|chi|, or a readout_frequency farther from the fluxonium's lines, has one"
        )
    return Circuit(fluxonium, float(found.x[0] * start[0]), float(found.x[1] * start[1]))
