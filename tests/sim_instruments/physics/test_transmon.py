import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.sim_instruments.physics.transmon import Transmon

TRANSMON = Transmon(charging_hz=166e6, josephson_hz=28.9e9, asymmetry=0.4)


def test_the_spectrum_agrees_with_perturbation_theory_to_a_percent_of_ec() -> None:
    levels = TRANSMON.levels(0.0, 4).energy_hz
    ec, ej = TRANSMON.charging_hz, TRANSMON.josephson_hz
    small = math.sqrt(2 * ec / ej)
    # Koch 2007 eq. 2.11 and its next orders in sqrt(2 EC / EJ): Didier et al., PRA 97, 022330
    # (2018): f01 = sqrt(8 EJ EC) - EC (1 + x/4 + 21 x**2/128), anharmonicity = -EC (1 + 9x/16).
    f01 = math.sqrt(8 * ej * ec) - ec * (1 + small / 4 + 21 * small**2 / 128)
    anharmonicity = -ec * (1 + 9 * small / 16 + 81 * small**2 / 128)
    assert levels[1] == pytest.approx(f01, abs=1e-3 * ec)
    assert levels[2] - 2 * levels[1] == pytest.approx(anharmonicity, abs=1e-2 * ec)


@given(st.floats(-2, 2))
def test_the_arc_is_even_and_periodic_in_the_flux_quantum(flux: float) -> None:
    here = TRANSMON.josephson_at(flux)[0]
    assert TRANSMON.josephson_at(-flux)[0] == pytest.approx(here, rel=1e-9)
    assert TRANSMON.josephson_at(flux + 1)[0] == pytest.approx(here, rel=1e-9)


def test_half_a_flux_quantum_leaves_the_asymmetry_of_ej() -> None:
    assert TRANSMON.josephson_at(0.5)[0] == pytest.approx(0.4 * TRANSMON.josephson_hz)
    assert TRANSMON.josephson_at(0.5)[1] == pytest.approx(0, abs=1)


@given(st.floats(-0.49, 0.49))
def test_the_slope_of_ej_is_its_derivative(flux: float) -> None:
    step = 1e-5
    numeric = (TRANSMON.josephson_at(flux + step)[0] - TRANSMON.josephson_at(flux - step)[0]) / (
        2 * step
    )
    assert TRANSMON.josephson_at(flux)[1] == pytest.approx(numeric, rel=1e-6, abs=1e4)


def test_neighbouring_levels_have_positive_charge_elements_and_parity_holds() -> None:
    charge = TRANSMON.levels(0.13, 6).charge
    assert np.all(np.diag(charge, 1) > 0)
    assert np.allclose(np.diag(charge, 2), 0, atol=1e-9)
    assert np.allclose(charge, charge.T)


@pytest.mark.parametrize(("ec", "ej", "d"), [(0, 1e9, 0), (1e8, -1, 0), (1e8, 1e9, 1.1)])
def test_an_impossible_circuit_is_refused_by_name(ec: float, ej: float, d: float) -> None:
    with pytest.raises(ValueError, match="EC > 0, EJ > 0 and an asymmetry"):
        Transmon(ec, ej, d)
