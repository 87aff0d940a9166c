"""States after clicks at a herald station: closed forms, and Fock states worked out one by one."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from podium.sim_instruments.physics.links.heralded_link import Arm, Detector, HeraldedLink, Scheme
from podium.sim_instruments.physics.links.heralded_states import (
    announced,
    dead_windows,
    heralded_states,
    success,
    window_operators,
)

EXACT = 1e-12


def link(scheme: Scheme, eta: float, dark: float = 0.0, **more: float) -> HeraldedLink:
    arm, detector = Arm(eta), Detector(1.0, dark)
    return HeraldedLink(scheme, (arm, arm), (detector, detector), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("alpha", "eta"), [(0.05, 0.01), (0.3, 0.9), (0.5, 1.0), (0.2, 0.4)])
def test_one_click_has_the_chance_and_fidelity_of_the_closed_form(alpha: float, eta: float) -> None:
    p, fidelity = success(heralded_states(link(Scheme.ONE_CLICK, eta, alpha=alpha)))
    assert abs(p - (2 * alpha * eta - (alpha * eta) ** 2)) < EXACT
    assert abs(fidelity - (1 - alpha) / (1 - alpha * eta / 2)) < EXACT
    assert fidelity >= 1 - alpha


@pytest.mark.parametrize(("eta", "visibility"), [(0.1, 1.0), (0.01, 0.95), (1.0, 0.5), (0.7, 0.0)])
def test_two_clicks_have_the_chance_and_fidelity_of_the_closed_form(
    eta: float, visibility: float
) -> None:
    states = heralded_states(link(Scheme.TWO_CLICKS, eta, visibility=visibility))
    p, fidelity = success(states)
    assert abs(p - eta**2 / 2) < EXACT
    assert abs(fidelity - (1 + visibility) / 2) < EXACT
    assert abs(math.fsum(one.probability for one in states) - 1) < EXACT


def test_figures_with_dark_counts_are_those_of_others() -> None:
    """Worked out by enumeration elsewhere, to the digits that were given."""
    p, fidelity = success(heralded_states(link(Scheme.ONE_CLICK, 0.01, 1e-5, alpha=0.05)))
    assert abs(fidelity - 0.9325) < 5e-5
    p, fidelity = success(heralded_states(link(Scheme.TWO_CLICKS, 0.01, 1e-6, visibility=0.95)))
    assert abs(p - 5.004e-5) < 5e-9
    assert abs(fidelity - 0.97442) < 5e-6


def test_a_phase_turns_the_coherence_and_its_spread_shrinks_it() -> None:
    still = link(Scheme.ONE_CLICK, 0.01, alpha=0.05)
    moved = replace(still, phase_rad=0.3, phase_sigma_rad=0.2)
    for before, after in zip(
        announced(heralded_states(still)), announced(heralded_states(moved)), strict=True
    ):
        kept = np.exp(0.3j - 0.2**2 / 2)
        assert abs(after.rho[1, 2] - kept * before.rho[1, 2]) < EXACT
        assert after.probability == before.probability


def test_two_clicks_forget_a_phase_that_stays_and_mind_one_that_moves() -> None:
    still = replace(link(Scheme.TWO_CLICKS, 0.1), phase_rad=1.2)
    assert abs(success(heralded_states(still))[1] - 1.0) < EXACT
    moving = replace(still, phase_sigma_rad=0.4, phase_time_fs=3 * still.period_fs)
    drift = 0.4**2 * (1 - math.exp(-1 / 3))  # half of the variance of the difference
    assert abs(success(heralded_states(moving))[1] - (1 + math.exp(-drift)) / 2) < EXACT


def test_a_detector_that_is_dead_in_the_second_window_heralds_only_odd_pairs() -> None:
    alive = link(Scheme.TWO_CLICKS, 0.2)
    dead = Detector(1.0, 0.0, dead_fs=2 * alive.period_fs)
    slow = replace(alive, detectors=(dead, dead))
    assert dead_windows(slow) == (1, 1)
    assert dead_windows(
        replace(alive, detectors=(replace(dead, dead_fs=alive.period_fs),) * 2)
    ) == (0, 0)
    found = {one.pattern: one for one in announced(heralded_states(slow))}
    for pattern, one in found.items():
        usual = 0.0 if pattern[0] == pattern[1] else 0.2**2 / 8
        assert abs(one.probability - usual) < EXACT
    assert {one.sign for one in found.values() if one.probability} == {-1}


def fock_window(one: HeraldedLink, photons: tuple[int, int], clicks: tuple[bool, bool]) -> float:
    """Return a pattern's chance for photons in the arms, counted case by case without noise."""
    total = 0.0
    for lost in itertools.product((0, 1), repeat=2):
        left = [n * (1 - gone) for n, gone in zip(photons, lost, strict=True)]
        weight = 1.0
        for n, gone, arm in zip(photons, lost, one.arms, strict=True):
            weight *= (1 - arm.transmission if gone else arm.transmission) if n else float(not gone)
        if sum(left) == 2:
            together = (1 + one.visibility) / 4
            split = {(2, 0): together, (0, 2): together, (1, 1): (1 - one.visibility) / 2}
        else:
            split = {(1, 0): 0.5, (0, 1): 0.5} if sum(left) else {(0, 0): 1.0}
        for numbers, chance in split.items():
            for n, clicked, detector in zip(numbers, clicks, one.detectors, strict=True):
                silent = (1 - detector.efficiency) ** n * (1 - detector.dark)
                chance *= 1 - silent if clicked else silent
            total += weight * chance
    return total


@pytest.mark.parametrize("clicks", list(itertools.product((False, True), repeat=2)))
def test_chances_are_those_of_photons_counted_case_by_case(clicks: tuple[bool, bool]) -> None:
    one = HeraldedLink(
        Scheme.ONE_CLICK,
        (Arm(0.6), Arm(0.3)),
        (Detector(0.8, 0.01), Detector(0.5, 0.03)),
        visibility=0.7,
    )
    operator = window_operators(one)[clicks]
    for index, photons in enumerate(itertools.product((0, 1), repeat=2)):
        assert abs(operator[index, index] - fock_window(one, photons, clicks)) < EXACT


def displaced(c: complex, levels: int) -> np.ndarray:
    """Return the displacement operator, from the exponential of a matrix that is cut off."""
    lower = np.diag(np.sqrt(np.arange(1, levels)), 1)
    values, vectors = np.linalg.eigh(1j * (c * lower.conj().T - np.conj(c) * lower))
    return vectors @ np.diag(np.exp(-1j * values)) @ vectors.conj().T


def test_added_noise_is_that_of_displaced_fock_states() -> None:
    """Thermal noise is a random displacement: a quadrature over it, with the photons as vectors."""
    noise, eta, efficiency, levels = 0.02, 0.6, 0.7, 8
    arms = (Arm(eta, noise), Arm(eta, 0.0))
    one = HeraldedLink(Scheme.ONE_CLICK, arms, (Detector(efficiency), Detector(efficiency)))
    lower = np.diag(np.sqrt(np.arange(1, levels)), 1)
    a, b = np.kron(lower, np.eye(levels)), np.kron(np.eye(levels), lower)
    sides = [(a + b) / math.sqrt(2), (a - b) / math.sqrt(2)]
    silent = []
    for d in sides:
        values, vectors = np.linalg.eigh(d.conj().T @ d)
        silent.append(vectors @ np.diag((1 - efficiency) ** values) @ vectors.conj().T)
    photon = np.zeros((2, levels, levels), dtype=complex)
    photon[0, 0, 0], photon[1, 1, 1], photon[1, 0, 0] = 1.0, eta, 1 - eta
    nodes, weights = np.polynomial.hermite.hermgauss(5)
    chance = np.zeros((2, 2))
    for (x, wx), (y, wy) in itertools.product(zip(nodes, weights, strict=True), repeat=2):
        move = displaced(math.sqrt(noise) * complex(x, y), levels)
        for i, j in itertools.product(range(2), repeat=2):
            rho = np.kron(move @ photon[i] @ move.conj().T, photon[j])
            chance[i, j] += wx * wy / math.pi * np.trace(silent[0] @ rho).real
    both = window_operators(one)
    ours = np.diag(both[(False, False)] + both[(False, True)]).reshape(2, 2)
    np.testing.assert_allclose(ours, chance, atol=1e-6)


def test_noise_fills_every_mode_and_lowers_the_fidelity() -> None:
    quiet = link(Scheme.TWO_CLICKS, 0.1)
    loud = replace(quiet, arms=(Arm(0.1, 0.002), Arm(0.1, 0.002)))
    louder = replace(loud, noise_modes=5)
    fidelities = [success(heralded_states(one))[1] for one in (quiet, loud, louder)]
    assert fidelities == sorted(fidelities, reverse=True)
    for one in heralded_states(louder):
        assert np.linalg.eigvalsh(one.rho).min() > -1e-12


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"alpha": 0.3}, "alpha = 0.5"),
        ({"visibility": 1.2}, "visibility is a chance"),
        ({"noise_modes": 0}, "one mode or more"),
        ({"period_fs": 0}, "longer than 0"),
    ],
)
def test_a_link_that_cannot_be_is_refused(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(link(Scheme.TWO_CLICKS, 0.1), **wrong)  # type: ignore[arg-type]
