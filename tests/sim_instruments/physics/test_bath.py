"""A warm mixing chamber excites qubits and shortens their lives; a cold one changes no bit."""

from pathlib import Path

import numpy as np
import pytest

from podium.sim_instruments.physics.bath import (
    HOTTEST_K,
    Bath,
    photons,
    quasiparticle_rate_1_s,
    warmed,
)
from podium.sim_instruments.physics.constants import Boltzmann, Planck
from podium.sim_instruments.physics.relaxation import equilibrium, lifetime_s
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.truth import truth

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
COLD_K = 0.007


@pytest.fixture(scope="module")
def chip():
    return sample(EXAMPLE, 1).chip()


@pytest.fixture(scope="module")
def points(chip):
    return chip.at(chip.sweet_spots_v())


def at(points, now_k: float):
    return warmed(points, {"node_a": Bath(now_k, COLD_K)})


def test_a_cold_bath_gives_back_the_very_point(points) -> None:
    assert warmed(points, {}) is points
    for now_k in (0.001, COLD_K, 0.0075):
        assert all(new is old for new, old in zip(at(points, now_k), points, strict=True))
    elsewhere = warmed(points, {"node_b": Bath(0.2, COLD_K)})
    assert all(new is old for new, old in zip(elsewhere, points, strict=True))


def test_populations_and_decay_grow_with_the_bath(points) -> None:
    excited, lives = [], []
    for now_k in (COLD_K, 0.03, 0.06, 0.1, 0.15, 0.2):
        qubit = at(points, now_k)[0].qubits[0]
        excited.append(float(equilibrium(qubit.rates_1_s)[1]))
        lives.append(lifetime_s(qubit.rates_1_s))
    assert excited == sorted(excited)
    assert lives == sorted(lives, reverse=True)
    assert excited[-1] > 0.15
    assert lives[-1] < lives[0] / 10


def test_far_above_its_own_temperature_a_qubit_takes_the_baths(points) -> None:
    qubit = at(points, 0.15)[0].qubits[0]
    ratio = float(qubit.rates_1_s[1, 0] / qubit.rates_1_s[0, 1])
    line_hz = float(qubit.levels_hz[1])
    assert ratio == pytest.approx(np.exp(-Planck * line_hz / (Boltzmann * 0.15)), rel=0.15)


def test_quasiparticles_limit_a_transmon_as_published() -> None:
    """Catelani et al. and Paik et al., both 2011: tens of us at 150 mK, 1 us near 200 mK."""
    assert 10e-6 < 1 / quasiparticle_rate_1_s(5e9, 0.15) < 100e-6
    assert 0.3e-6 < 1 / quasiparticle_rate_1_s(5e9, 0.2) < 3e-6
    assert 1 / quasiparticle_rate_1_s(5e9, 0.02) > 1


def test_photons_are_plancks() -> None:
    assert photons(5e9, 0.01) == pytest.approx(np.exp(-23.996), rel=1e-3)
    assert photons(5e9, 10.0) == pytest.approx(Boltzmann * 10 / (Planck * 5e9), rel=0.02)
    assert photons(5e9, 1e-9) == 0.0


def test_hotter_than_anything_coherent_is_one_bath(points) -> None:
    hot, hotter = (at(points, now_k)[0].qubits[0].rates_1_s for now_k in (HOTTEST_K, 295.0))
    assert (hot == hotter).all()


def test_the_truth_tells_it(chip) -> None:
    cold = truth(chip, optima=False)
    warm = truth(chip, optima=False, baths={"node_a": Bath(0.15, COLD_K)})
    assert warm["node_a.q0.t1"].value < cold["node_a.q0.t1"].value / 1.2
    assert warm["node_a.q0.thermal_population"].value > 0.05
    assert warm["node_a.q0.f01"] == cold["node_a.q0.f01"]
