"""Phase factors against the exponential function."""

import numpy as np
import pytest

from podium.sim_instruments.physics.phase_factors import phase_factors


@pytest.mark.parametrize("size", [1.0, 1e3, 1e9])
def test_factors_are_the_exponential_of_turns(size: float) -> None:
    turns = size * np.random.default_rng(0).normal(size=(7, 11, 13))
    found = phase_factors(turns)
    assert found.shape == turns.shape
    np.testing.assert_allclose(found, np.exp(2j * np.pi * (turns % 1.0)), rtol=0, atol=2e-15)


def test_eighths_of_a_turn_have_their_signs() -> None:
    """Where the quarter changes that a turn is counted from, on either side of 0."""
    eighths = np.arange(-33, 34) / 8
    np.testing.assert_allclose(phase_factors(eighths), np.exp(2j * np.pi * eighths), atol=4e-15)
    quarters = phase_factors(np.arange(-4.0, 5.0) / 4)
    assert set(quarters.tolist()) == {1, 1j, -1, -1j}


def test_what_is_not_contiguous_is_taken_as_it_lies() -> None:
    turns = np.linspace(-1, 1, 24).reshape(4, 6)
    np.testing.assert_array_equal(phase_factors(turns[:, ::2].T), phase_factors(turns)[:, ::2].T)
