"""Windows over what passes the resonators, against sums that are written out."""

import numpy as np
import pytest

from podium.sim_instruments.physics.field import changed
from podium.sim_instruments.physics.window_sums import gather_tones

SPAN = 300


@pytest.mark.parametrize("open_at", [-40, 0, 25, 399, 500])
@pytest.mark.parametrize("weighted", [False, True])
def test_tones_are_summed_sample_by_sample(open_at: int, weighted: bool) -> None:
    rng = np.random.default_rng(7)
    envelope = np.repeat(rng.normal(size=(5, 4)), 100, axis=1).astype(np.complex128)
    envelope[:, 170:190] *= np.exp(1j * rng.random((5, 20)))
    start, step = np.exp(2j * np.pi * rng.random((2, 5)))
    weights = np.exp(1j * np.arange(SPAN)) if weighted else np.zeros(0, np.complex128)
    found = gather_tones(envelope, changed(envelope), open_at, start, step, weights, SPAN)
    wanted = 0j
    for j in range(SPAN):
        if 0 <= open_at + j < envelope.shape[1]:
            heard = complex(np.sum(envelope[:, open_at + j] * start * step**j))
            wanted += heard * (weights[j] if weighted else 1.0)
    assert abs(found - wanted) < 1e-11
