"""Numbers made one by one are those that the kernels make."""

import numpy as np
import pytest

from podium.sim_instruments.physics.counter_based_random import gaussian, key, uniform, words
from podium.sim_instruments.physics.noise import gaussians, philox, unit

KEYS = [0, 1, 2**64 - 1, key(7, "node_a.q0", "levels")]
NUMBERS = [0, 1, 2**32, 2**63 + 5]


@pytest.mark.parametrize("one", KEYS)
@pytest.mark.parametrize("number", NUMBERS)
def test_words_are_those_of_the_kernel(one, number) -> None:
    expected = philox(np.uint64(one), np.uint64(number), np.uint64(number ^ 3))
    assert words(one, number, number ^ 3) == tuple(map(int, expected))
    word, _ = philox(np.uint64(one), np.uint64(number), np.uint64(0))
    assert uniform(one, number) == unit(np.uint64(word))
    assert gaussian(one, number) == pytest.approx(
        gaussians(one, number, 1)[0].real, rel=1e-14, abs=1e-15
    )
