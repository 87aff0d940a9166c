import numpy as np
import pytest

from podium.sim_instruments.physics.resonator import LEVELS, dress, quoted_hz
from podium.sim_instruments.physics.transmon import Transmon

TRANSMON = Transmon(charging_hz=166e6, josephson_hz=28.9e9, asymmetry=0.4)
COUPLING_HZ, RESONATOR_HZ = 68e6, 7.25e9


@pytest.mark.parametrize("flux", [0.0, 0.1, 0.25, 0.4])
def test_more_product_states_move_nothing_by_a_kilohertz(flux: float) -> None:
    kept = dress(TRANSMON, COUPLING_HZ, RESONATOR_HZ, flux)
    more = dress(TRANSMON, COUPLING_HZ, RESONATOR_HZ, flux, atom_levels=12, photon_levels=10)
    assert np.allclose(kept.levels_hz, more.levels_hz, rtol=0, atol=1e3)
    assert np.allclose(kept.resonator_hz, more.resonator_hz, rtol=0, atol=1e3)
    assert kept.f01_hz == pytest.approx(more.f01_hz, abs=1)
    assert kept.chi_hz == pytest.approx(more.chi_hz, abs=1)


def test_the_slope_is_the_derivative_of_the_dressed_f01() -> None:
    step = 1e-5
    for flux in (0.05, 0.2, -0.3):
        above, below = (
            dress(TRANSMON, COUPLING_HZ, RESONATOR_HZ, flux + side).f01_hz for side in (step, -step)
        )
        slope = dress(TRANSMON, COUPLING_HZ, RESONATOR_HZ, flux).slope_hz
        assert slope == pytest.approx((above - below) / (2 * step), rel=1e-6)


def test_a_weak_coupling_shifts_as_second_order_perturbation_theory_says() -> None:
    coupling = COUPLING_HZ / 20
    bare = TRANSMON.levels(0.2, 8)
    gap = bare.energy_hz[:4, None] - bare.energy_hz
    # Blais et al., RMP 93, 025005 (2021), eq. 37, with the counter-rotating terms.
    shift = coupling**2 * np.sum(
        bare.charge[:4] ** 2 * 2 * gap / (gap**2 - RESONATOR_HZ**2), axis=1
    )
    dressed = dress(TRANSMON, coupling, RESONATOR_HZ, 0.2)
    assert np.allclose(dressed.resonator_hz[:3] - RESONATOR_HZ, shift[:3], rtol=0.01)


def test_without_coupling_nothing_is_dressed() -> None:
    dressed = dress(TRANSMON, 1e-3, RESONATOR_HZ, 0.2)
    assert np.allclose(dressed.resonator_hz, RESONATOR_HZ, rtol=0, atol=1e-3)
    assert np.allclose(dressed.levels_hz, TRANSMON.levels(0.2, LEVELS).energy_hz, rtol=0, atol=1e-3)


def test_the_resonator_stands_above_its_bare_frequency_and_falls_with_the_level() -> None:
    dressed = dress(TRANSMON, COUPLING_HZ, RESONATOR_HZ, 0.0)
    assert dressed.resonator_hz[0] > dressed.resonator_hz[1] > RESONATOR_HZ
    assert dressed.chi_hz < 0


@pytest.mark.parametrize("flux", [0.0, 0.2, 0.5])
def test_what_a_lab_quotes_is_that_of_the_dressed_atom(flux: float) -> None:
    one = dress(TRANSMON, COUPLING_HZ, RESONATOR_HZ, flux)
    assert quoted_hz(TRANSMON, COUPLING_HZ, RESONATOR_HZ, flux) == (
        one.f01_hz,
        one.anharmonicity_hz,
        one.readout_hz,
        one.chi_hz,
    )
