"""Maps of populations are exponentials of their generator, whatever the span."""

import numpy as np
import pytest
from scipy.linalg import expm

from podium.sim_instruments.physics.jump_maps import jump_maps
from podium.sim_instruments.physics.relaxation import generator

SPANS_NS = np.array([0.0, 1.0, 60.0, 2_000.5, 1e5, 3e6])


@pytest.mark.parametrize("levels", [2, 4, 6])
def test_each_span_has_the_exponential_of_its_generator(levels: int) -> None:
    rng = np.random.default_rng(levels)
    rates = 1e-4 * rng.random((levels, levels))
    np.fill_diagonal(rates, 0.0)
    found = np.empty((SPANS_NS.size, levels, levels))
    jump_maps(rates, SPANS_NS, found)
    wanted = np.array([expm(generator(rates) * span) for span in SPANS_NS])
    assert np.abs(found - wanted).max() < 1e-12
    assert np.array_equal(found[0], np.eye(levels))


def test_without_rates_nothing_jumps() -> None:
    found = np.empty((SPANS_NS.size, 4, 4))
    jump_maps(np.zeros((4, 4)), SPANS_NS, found)
    assert np.array_equal(found, np.broadcast_to(np.eye(4), found.shape))
