"""S21 of a feedline in the steady state, against theory and against the field in time."""

import numpy as np
import pytest
from tests.benches.physics.small_chip import feedline_point, qubit_point

from podium.sim_instruments.physics.bath import Bath
from podium.sim_instruments.physics.feedline_transmission import (
    photon_numbers,
    taken_share,
    transmission,
)
from podium.sim_instruments.physics.readout import photons, photons_per, ring_up, tones_of
from podium.sim_instruments.physics.world import NotSimulated, World

FREQUENCY_HZ = np.linspace(7.24e9, 7.28e9, 161)
FAINT_W = np.full(FREQUENCY_HZ.size, 1e-24)


def ground(**words):
    return qubit_point(thermal=0.0, **words)


def test_a_faint_tone_sees_the_hanger_of_each_level_by_its_population():
    qubit = qubit_point(thermal=0.2, levels=3, anharmonicity=-300e6)
    two = 0.0
    up = qubit.rates_1_s[1, 0] / qubit.rates_1_s[0, 1]
    up2 = qubit.rates_1_s[2, 1] / qubit.rates_1_s[1, 2]
    weights = np.array([1, up, up * up2]) / (1 + up + up * up2)
    for weight, at_hz in zip(weights, qubit.resonator_hz, strict=True):
        loaded, coupled = at_hz / qubit.kappa_hz, at_hz / qubit.kappa_coupling_hz
        two = two + weight * (loaded / coupled) / (1 + 2j * loaded * (FREQUENCY_HZ / at_hz - 1))
    feedline = feedline_point(qubit)
    delay_s = 1e-9 * (feedline.delay_in_ns + feedline.delay_out_ns)
    expected = (1 - two) * np.exp(-2j * np.pi * FREQUENCY_HZ * delay_s)
    expected *= feedline.transmission_in * feedline.gain_out
    found = transmission(feedline, FREQUENCY_HZ, FAINT_W)
    np.testing.assert_allclose(found, expected, atol=2e-6 * abs(expected).max())


@pytest.mark.parametrize("at_hz", [7.2545e9, 7.2585e9, 7.2612e9, 7.265e9])
@pytest.mark.parametrize("photons_wanted", [0.5, 12.0])
def test_photons_are_those_that_the_field_comes_to(at_hz, photons_wanted):
    qubit = ground()
    half_kappa = 1e-9 * np.pi * qubit.kappa_hz
    power_w = photons_wanted * half_kappa**2 / photons_per(qubit)
    envelope = np.full((1, 3000), np.sqrt(power_w), np.complex128)
    playing = tones_of(envelope, np.array([at_hz]), np.zeros(1))
    held = photons(qubit, ring_up(qubit, playing, 0, 0.0, 3000))[-1]
    low = 2e-9 * np.pi * (qubit.resonator_hz[0] - qubit.bare_resonator_hz)
    found = photon_numbers(
        np.array([2e-9 * np.pi * (at_hz - qubit.bare_resonator_hz)]),
        np.array([photons_per(qubit) * power_w]),
        low,
        half_kappa,
        qubit.n_crit,
    )
    assert found[0] == pytest.approx(held, rel=2e-3)


def test_the_dip_moves_to_the_bare_resonator_with_power():
    qubit = ground()
    dips = [
        FREQUENCY_HZ[abs(1 - taken_share(qubit, FREQUENCY_HZ, np.full(161, watts))).argmin()]
        for watts in (1e-20, 1e-15, 1e-13, 1e-10)
    ]
    assert dips[0] == pytest.approx(qubit.resonator_hz[0], abs=0.2e6)
    assert dips == sorted(dips, reverse=True)
    assert dips[-1] == pytest.approx(qubit.bare_resonator_hz, abs=0.3e6)


@pytest.mark.parametrize("seed", range(5))
def test_no_smaller_photon_number_solves_the_equation(seed):
    drawn = np.random.default_rng(seed)
    half_kappa, pull, n_crit = 0.0126, -0.06, 20.0
    detuning = drawn.uniform(-0.09, 0.03, 40)
    strength = 10 ** drawn.uniform(-3, 1.3, 40)
    found = photon_numbers(detuning, strength, pull, half_kappa, n_crit)

    def excess(number):
        off = detuning - pull / np.sqrt(1 + number / n_crit)
        return number * (half_kappa**2 + off**2) - strength

    np.testing.assert_allclose(excess(found), 0, atol=1e-8 * strength.max())
    for share in np.linspace(0, 0.995, 1500):
        assert (excess(found * share) < 0).all()


def test_a_warm_bath_spreads_a_dip_over_the_levels():
    feedline = feedline_point(qubit_point())
    world = World(lambda biases_v, lines: (feedline,), seed=1)
    cold = world.point_of(feedline.name, {}, {}, 0.0, 1.0)
    warm = world.point_of(feedline.name, {}, {"node_a": Bath(0.25, 0.01)}, 0.0, 1.0)
    at_rest, heated = (abs(transmission(one, FREQUENCY_HZ, FAINT_W)) for one in (cold, warm))
    assert heated.min() > at_rest.min() + 0.1 * at_rest.max()
    with pytest.raises(NotSimulated, match="no feedline 'other'"):
        world.point_of("other", {}, {}, 0.0, 1.0)


def test_a_tone_of_any_power_is_never_made_stronger_by_the_resonators():
    feedline = feedline_point(qubit_point(), qubit_point(name="node_a.q1", resonator=7.4e9))
    most = feedline.transmission_in * feedline.gain_out
    for watts in (1e-18, 1e-8, 1e-3):
        found = transmission(feedline, FREQUENCY_HZ, np.full(161, watts))
        assert np.isfinite(found).all()
        assert (abs(found) < 1.02 * most).all()
