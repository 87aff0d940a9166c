"""Atoms of several nodes: which of their levels are evolved with each other's photons."""

import numpy as np

from podium.sim_instruments.physics.meeting.shared_evolution import DIAGONAL, populated_levels


def held(first: list[float], second: list[float]) -> np.ndarray:
    """Two atoms of these populations, and one node of slow noise each."""
    state = np.zeros((1, 1, 1, 9, 9), np.complex128)
    state[0, 0, 0, DIAGONAL[:, None], DIAGONAL] = np.outer(first, second)
    return state


def test_the_end_that_is_seldom_in_f_catches_the_others_photon() -> None:
    """A catch that begins before the emission had sent what a reset had left in f, 1e-3 of it, and
    the other's photon was lost: scans over the lag found nothing at early lags.
    """
    sender, catcher = [0.05, 0.05, 0.9], [0.98, 0.019, 0.001]
    assert populated_levels(held(sender, catcher), both_ways=True) == (3, 2)
    assert populated_levels(held(catcher, sender), both_ways=True) == (2, 3)
    assert populated_levels(held(sender, catcher), both_ways=False) == (3, 3)


def test_ends_that_are_in_f_alike_may_both_send() -> None:
    alike = [0.5, 0.1, 0.4]
    assert populated_levels(held(alike, alike), both_ways=True) == (3, 3)


def test_levels_that_are_hardly_populated_are_left_out() -> None:
    assert populated_levels(held([1.0, 0.0, 0.0], [0.9, 0.1, 1e-4]), both_ways=True) == (1, 2)
