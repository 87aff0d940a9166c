import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from podium.sim_instruments.physics.circuit_inversion import NoSuchCircuit, fluxonium_circuit
from podium.sim_instruments.physics.fluxonium import Fluxonium
from podium.sim_instruments.physics.levels import BareLevels
from podium.sim_instruments.physics.relaxation import dielectric_rates, equilibrium
from podium.sim_instruments.physics.resonator import dress

FLUXONIUM = Fluxonium(charging_hz=1.572e9, josephson_hz=2.086e9, inductive_hz=0.537e9)

WIDE = 260
"""Oscillator levels that every circuit of this file fits in."""


def in_a_wide_basis(circuit: Fluxonium, flux: float, count: int) -> BareLevels:
    """Diagonalise by the exponential of phi, with as many levels of the oscillator as can matter.

    The functions of phi are taken in twice as many levels and cut down to :data:`WIDE`.
    """
    lower = np.diag(np.sqrt(np.arange(1.0, 2 * WIDE)), 1)
    width = (8 * circuit.charging_hz / circuit.inductive_hz) ** 0.25
    place, vectors = np.linalg.eigh((lower + lower.T) * width / math.sqrt(2))
    within = slice(WIDE)
    shifted = place - 2 * math.pi * (0.5 + flux)

    def of_phi(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(((vectors * values) @ vectors.T)[within, within])

    quantum_hz = math.sqrt(8 * circuit.charging_hz * circuit.inductive_hz)
    matrix = np.diag(quantum_hz * np.arange(float(WIDE)))
    matrix -= circuit.josephson_hz * of_phi(np.cos(shifted))
    energy, states = np.linalg.eigh(matrix)
    kept = states[:, :count]
    charge = ((lower - lower.T) / (math.sqrt(2) * width))[within, within]
    slope = -2 * math.pi * circuit.josephson_hz * of_phi(np.sin(shifted))
    return BareLevels(energy[:count] - energy[0], kept.T @ charge @ kept, kept.T @ slope @ kept)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    josephson_ghz=st.floats(1.0, 15.0),
    charging=st.floats(0.04, 0.6),
    ratio=st.floats(1.05, 20.0),
    flux=st.floats(-1.0, 1.0),
    count=st.integers(2, 12),
)
@example(josephson_ghz=8.0, charging=0.025, ratio=16.0, flux=0.12, count=12)
@example(josephson_ghz=20.0, charging=0.05, ratio=20.0, flux=-0.37, count=6)
@example(josephson_ghz=4.0, charging=1.25, ratio=13.3, flux=0.124, count=6)
@example(josephson_ghz=3.4, charging=0.14, ratio=20.0, flux=0.5, count=6)
def test_levels_and_operators_are_those_of_a_wide_basis_at_any_flux(
    josephson_ghz: float, charging: float, ratio: float, flux: float, count: int
) -> None:
    """EC is from a fortieth of EJ (heavy) to more than EJ (light); EJ / EL as files may have it."""
    josephson_hz = josephson_ghz * 1e9
    circuit = Fluxonium(charging * josephson_hz, josephson_hz, josephson_hz / ratio)
    found, wanted = circuit.bare(flux, count), in_a_wide_basis(circuit, flux, count)
    assert np.allclose(found.energy_hz, wanted.energy_hz, rtol=0, atol=0.1)
    apart_hz = np.abs(wanted.energy_hz[:, None] - wanted.energy_hz)
    told_apart = (apart_hz > 1e3) | np.eye(count, dtype=bool)
    near = np.asarray(
        told_apart.all(axis=1)
    )  # of levels within a kilohertz rounding mixes the wide ones
    near = near[:, None] & near
    assert np.allclose(np.abs(found.charge)[near], np.abs(wanted.charge)[near], atol=3e-7)
    scale_hz = 2 * math.pi * josephson_hz
    for ours, theirs in (
        (np.abs(found.by_flux_hz), np.abs(wanted.by_flux_hz)),
        (found.charge * found.by_flux_hz, wanted.charge * wanted.by_flux_hz),  # their signs too
    ):
        assert np.allclose(ours[near] / scale_hz, theirs[near] / scale_hz, atol=3e-7)


def test_a_flux_and_its_opposite_have_the_same_levels_and_charges_turned_around() -> None:
    here, there = FLUXONIUM.bare(0.17, 5), FLUXONIUM.bare(-1.17, 5)
    assert np.allclose(here.energy_hz, there.energy_hz, rtol=0, atol=1e-2)
    assert np.allclose(here.charge, -there.charge, atol=1e-9)
    assert np.allclose(here.by_flux_hz, -there.by_flux_hz, rtol=1e-9, atol=10)


def test_levels_of_a_heavy_circuit_keep_their_parity_where_they_hardly_tunnel() -> None:
    """f01 is below a hertz, and yet 0 is even and 1 odd."""
    heavy = Fluxonium(0.05e9, 10e9, 1e9).bare(0.0, 4)
    assert heavy.energy_hz[1] < 1.0
    assert np.all(np.abs(np.diag(heavy.by_flux_hz)) < 1e-3)
    assert abs(heavy.by_flux_hz[0, 1]) > 1e9


def test_a_circuit_that_is_too_heavy_for_any_basis_is_refused() -> None:
    with pytest.raises(ValueError, match="with a larger EC, or a smaller EJ / EL"):
        Fluxonium(1e3, 20e9, 1e9).bare(0.0, 4)


def test_a_weak_junction_leaves_the_oscillator_of_capacitance_and_inductance() -> None:
    oscillator = Fluxonium(1.0e9, 1.0, 0.5e9).bare(0.2, 6)
    quantum_hz = math.sqrt(8 * 1.0e9 * 0.5e9)
    assert np.allclose(oscillator.energy_hz, quantum_hz * np.arange(6), rtol=0, atol=10)
    # n = (a - a+) / (i sqrt 2 width), width**4 = 8 EC / EL
    expected = np.sqrt(np.arange(1, 6) / 2) / (8 * 1.0 / 0.5) ** 0.25
    assert np.allclose(np.abs(np.diag(oscillator.charge, 1)), expected, atol=1e-6)


def test_f01_is_least_and_without_slope_at_the_sweet_spot_and_the_same_on_both_sides() -> None:
    f01 = [FLUXONIUM.bare(flux, 2).energy_hz[1] for flux in (-0.1, -0.01, 0.0, 0.01, 0.1)]
    assert f01[0] > f01[1] > f01[2] < f01[3] < f01[4]
    assert f01[0] == pytest.approx(f01[4], abs=1)
    assert f01[2] == pytest.approx(FLUXONIUM.bare(1.0, 2).energy_hz[1], abs=1)
    assert dress(FLUXONIUM, 100e6, 7.2e9, 0.0).slope_hz == pytest.approx(0, abs=1e3)


def test_at_the_sweet_spot_charge_joins_levels_of_opposite_parity_only() -> None:
    charge = np.abs(FLUXONIUM.bare(0.0, 4).charge)
    assert charge[0, 2] < 1e-9 < charge[0, 1]
    assert charge[1, 3] < 1e-9 < charge[0, 3]


@pytest.mark.parametrize("flux", [0.05, 0.2, -0.3])
def test_the_slope_is_the_derivative_of_the_dressed_f01(flux: float) -> None:
    step = 1e-5
    above, below = (dress(FLUXONIUM, 100e6, 7.2e9, flux + side).f01_hz for side in (step, -step))
    slope = dress(FLUXONIUM, 100e6, 7.2e9, flux).slope_hz
    assert slope == pytest.approx((above - below) / (2 * step), rel=1e-6)


def test_more_product_states_move_nothing_by_a_kilohertz() -> None:
    for flux in (0.0, 0.15, 0.4):
        kept = dress(FLUXONIUM, 110e6, 7.2e9, flux)
        more = dress(FLUXONIUM, 110e6, 7.2e9, flux, atom_levels=20, photon_levels=10)
        assert np.allclose(kept.levels_hz, more.levels_hz, rtol=0, atol=1e3)
        assert np.allclose(kept.resonator_hz, more.resonator_hz, rtol=0, atol=1e3)


def test_the_circuit_found_has_the_readout_asked_for() -> None:
    found = fluxonium_circuit(FLUXONIUM, readout_hz=7.0e9, chi_hz=0.8e6).at(0.0)
    assert found.readout_hz == pytest.approx(7.0e9, abs=1)
    assert found.chi_hz == pytest.approx(0.8e6, abs=1)


@pytest.mark.parametrize(
    ("readout_hz", "chi_hz", "wrong"),
    [
        (7.0e9, -0.8e6, r"at that frequency its energies make chi positive"),
        (5.6e9, 15e6, r"a coupling of .* would be needed"),
    ],
)
def test_a_readout_that_no_circuit_has_is_refused(
    readout_hz: float, chi_hz: float, wrong: str
) -> None:
    with pytest.raises(NoSuchCircuit, match=wrong):
        fluxonium_circuit(FLUXONIUM, readout_hz=readout_hz, chi_hz=chi_hz)


def test_energies_that_are_not_above_zero_are_refused() -> None:
    with pytest.raises(ValueError, match=r"EL > 0"):
        Fluxonium(1e9, 4e9, 0.0)


def test_dielectric_jumps_lead_to_the_boltzmann_distribution_of_their_temperature() -> None:
    dressed = dress(FLUXONIUM, 100e6, 7.2e9, 0.1)
    rates = dielectric_rates(dressed.levels_hz, dressed.charges, 1.572e9, 4e5, 0.03)
    thermal_hz = 1.380649e-23 * 0.03 / 6.62607015e-34
    wanted = np.exp(-dressed.levels_hz / thermal_hz)
    assert np.allclose(equilibrium(rates), wanted / wanted.sum(), atol=1e-9)


def test_the_cold_rate_is_that_of_a_lossy_capacitance() -> None:
    """Fermi's rule in the phase operator, by itself (Nguyen et al. 2019, Eq. 8)."""
    bare = FLUXONIUM.bare(0.0, 4)
    rates = dielectric_rates(bare.energy_hz, np.abs(bare.charge), 1.572e9, 4e5, 0.0)
    line_hz = bare.energy_hz[1]
    phase = 8 * 1.572e9 * abs(bare.charge[0, 1]) / line_hz
    wanted = 2 * math.pi * line_hz**2 / (4 * 1.572e9) * phase**2 / 4e5
    assert rates[0, 1] == pytest.approx(wanted, rel=1e-9)
    assert rates[1, 0] == 0
