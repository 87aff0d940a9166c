"""Maps of real coordinates do what the matrices do that they stand for."""

import numpy as np
import pytest
from numpy.typing import NDArray

from podium.sim_instruments.physics.hermitian_coordinates import (
    columns_of,
    fill_relaxation,
    fill_turn,
    map_columns,
    map_of_columns,
)

Complexes = NDArray[np.complex128]


def drawn(rng: np.random.Generator, *shape: int) -> Complexes:
    return np.asarray(rng.normal(size=shape) + 1j * rng.normal(size=shape))


def states(rng: np.random.Generator, count: int, levels: int) -> Complexes:
    found = drawn(rng, count, levels, levels)
    return np.asarray(found + found.conj().transpose(0, 2, 1))


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_columns_have_coordinates_and_come_back(levels: int) -> None:
    given = states(np.random.default_rng(1), 5, levels)
    coordinates, found = np.empty((levels**2, 5)), np.empty_like(given)
    map_of_columns(given, coordinates)
    columns_of(coordinates, found)
    assert np.array_equal(found, given)


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_the_map_of_a_unitary_turns_both_sides(levels: int) -> None:
    rng = np.random.default_rng(2)
    unitary = np.ascontiguousarray(np.linalg.qr(drawn(rng, levels, levels))[0])
    found = states(rng, 5, levels)
    wanted = unitary @ found @ unitary.conj().T
    turn = np.empty((levels**2, levels**2))
    fill_turn(unitary, turn)
    map_columns(turn, found)
    assert np.abs(found - wanted).max() < 1e-13


@pytest.mark.parametrize("levels", [2, 4])
def test_the_map_of_a_relaxation_jumps_and_turns_each_coherence(levels: int) -> None:
    rng = np.random.default_rng(3)
    jumps, fade = rng.random((levels, levels)), drawn(rng, levels, levels)
    fade = (fade + fade.conj().T) / 2
    found = states(rng, 5, levels)
    wanted = fade * found
    level = np.arange(levels)
    wanted[:, level, level] = found[:, level, level] @ jumps.T
    relaxed = np.full((levels**2, levels**2), np.nan)
    fill_relaxation(jumps, fade, relaxed)
    map_columns(relaxed, found)
    assert np.abs(found - wanted).max() < 1e-13
