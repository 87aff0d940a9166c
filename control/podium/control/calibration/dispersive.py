"""Derives pulls and critical photon numbers of a resonator from its qubit's design."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench
from podium.control.calibration.polarisation import is_hot, polarisation
from podium.control.facility.design_values import ENERGIES
from podium.control.facility.facility import Qubit
from podium.control.facility.fluxonium import HALF_FLUX, Energies, Spectrum, spectrum

Shape = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Something over the flux, by the distance from a sweet spot in flux quanta; period 1."""

STEPS = 400
"""Points of such a shape in half a period; between them it is interpolated."""
FAINT = 1e-2
"""A charge element below this much of the 0-1 one bears no photons away."""


def critical_photons(bench: Bench, qubit: Qubit) -> float:
    """Return the critical photon number that the design values imply.

    Of a transmon from chi = (g**2 / d) a / (d + a) and n_crit = d**2 / (4 g**2), d = f01 - f_r, a
    the anharmonicity (Koch et al., Phys. Rev. A 76, 042319 (2007), Sec. III E). Of a fluxonium the
    same d**2 / (4 g**2) of the transition out of 0 or 1 that has the least.
    """
    if qubit.kind == "fluxonium":
        here, coupling_hz = _fluxonium(bench, qubit)
        resonator_hz = bench.best(qubit, "readout_frequency")
        strongest = float(here.charge[0, 1])
        return min(
            (resonator_hz - abs(float(here.levels_hz[n] - here.levels_hz[m]))) ** 2
            / (4 * (coupling_hz * float(here.charge[n, m])) ** 2)
            for n in (0, 1)
            for m in range(here.levels_hz.size)
            if n != m and here.charge[n, m] > FAINT * strongest
        )
    alpha = bench.best(qubit, "anharmonicity")
    gap = bench.best(qubit, "f01") - bench.best(qubit, "readout_frequency")
    chi = bench.best(qubit, "chi")
    return abs(alpha * gap / (4 * chi * (gap + alpha)))


def expected_pull(bench: Bench, qubit: Qubit) -> float:
    """Return how far the qubit, in 0 at its sweet spot, pulls the resonator, signed, Hz."""
    if qubit.kind == "fluxonium":
        here, coupling_hz = _fluxonium(bench, qubit)
        return bounded_pull(here, coupling_hz, bench.best(qubit, "readout_frequency"))
    gap = bench.best(qubit, "readout_frequency") - bench.best(qubit, "f01")
    return gap / (4 * critical_photons(bench, qubit))


def expected_levels(bench: Bench, qubit: Qubit) -> tuple[tuple[float, float], ...]:
    """Return the share of each level of a qubit at rest, and its pull, of that in 0.

    Of one that no heat moves much, 0 alone.
    """
    if not is_hot(bench, qubit):
        return ((1.0, 1.0),)
    here, coupling_hz = _fluxonium(bench, qubit)
    resonator_hz = bench.best(qubit, "readout_frequency")
    pulls = here.pulls(resonator_hz) * coupling_hz**2
    in_one = (1 - polarisation(bench, qubit)) / 2
    return ((1 - in_one, 1.0), (in_one, float(pulls[1] / pulls[0])))


def expected_swing(bench: Bench, qubit: Qubit, filled: float) -> float:
    """Return how far the resonator moves over all fluxes, at most, Hz; as :func:`pull_shape`."""
    if qubit.kind == "fluxonium":
        return float(np.ptp(pull_shape(bench, qubit, filled)(np.linspace(0, 0.5, STEPS + 1))))
    return abs(expected_pull(bench, qubit))


def pull_shape(bench: Bench, qubit: Qubit, filled: float) -> Shape:
    """Return a fluxonium's pull in 0 over the flux, Hz.

    ``filled``: photons in the resonator, of the critical number at the sweet spot. Where one of its
    lines comes near the resonator they are more of the critical number there, which is as the
    inverse square of the pull, and leave 1 / sqrt(1 + n / n_crit) of it.
    """
    resonator_hz = bench.best(qubit, "readout_frequency")
    here, coupling_hz = _fluxonium(bench, qubit)
    least_hz = bounded_pull(here, coupling_hz, resonator_hz)

    def pull(at: Spectrum) -> float:
        bare_hz = bounded_pull(at, coupling_hz, resonator_hz)
        return float(bare_hz / np.sqrt(1 + filled * (bare_hz / least_hz) ** 2))

    return _shape(_energies(qubit), pull)


def bounded_pull(at: Spectrum, coupling_hz: float, resonator_hz: float) -> float:
    """Return how far a fluxonium in 0 pulls a resonator, also where a line is near it, Hz."""
    lines_hz, couplings_hz = at.levels_hz[1:], coupling_hz * at.charge[0, 1:]
    apart_hz = lines_hz - resonator_hz
    near = np.sqrt(apart_hz**2 / 4 + couplings_hz**2) - np.abs(apart_hz) / 2
    far = couplings_hz**2 / (lines_hz + resonator_hz)
    return float(np.sum(-np.sign(apart_hz) * near - far))


def line_shape(qubit: Qubit) -> Shape:
    """Return a fluxonium's f01 over the flux, 1 at its sweet spot."""
    return _line_shape(_energies(qubit))


@lru_cache(maxsize=64)
def _line_shape(energies: Energies) -> Shape:
    from scipy.interpolate import CubicSpline

    lines = np.array([at.f01_hz for at in _over_flux(energies)])
    # Even about half a flux quantum and about none: level at both ends.
    line = CubicSpline(_APART, lines / lines[0], bc_type="clamped")
    return lambda flux: np.asarray(line(np.abs(flux - np.rint(flux))))


_APART = np.linspace(0, 0.5, STEPS + 1)


@lru_cache(maxsize=64)
def _over_flux(energies: Energies) -> tuple[Spectrum, ...]:
    """Return the spectra from half a flux quantum to none: once for all shapes of a qubit."""
    return tuple(spectrum(energies, HALF_FLUX + float(flux)) for flux in _APART)


def _shape(energies: Energies, value: Callable[[Spectrum], float]) -> Shape:
    values = np.array([value(at) for at in _over_flux(energies)])

    def shape(flux: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.interp(np.abs(flux - np.rint(flux)), _APART, values))

    return shape


def _energies(qubit: Qubit) -> Energies:
    return Energies(*(qubit.design[name].value for name in ENERGIES))


def _fluxonium(bench: Bench, qubit: Qubit) -> tuple[Spectrum, float]:
    """Return the spectrum at the sweet spot, and the coupling that makes chi, Hz.

    From chi = g**2 (pull of 1 - pull of 0) / 2, pulls for a coupling of 1.
    """
    here = spectrum(_energies(qubit))
    pulls = here.pulls(bench.best(qubit, "readout_frequency"))
    square = 2 * bench.best(qubit, "chi") / float(pulls[1] - pulls[0])
    return here, float(np.sqrt(abs(square)))
