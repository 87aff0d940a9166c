"""Words of a converter at 2 GSa/s become means of nanoseconds."""

import numpy as np

from podium.sim_instruments.twins.zurich.signals.nanoseconds import each_ns


def dense(at: np.ndarray, values: np.ndarray, length: int) -> np.ndarray:
    found = np.zeros(length)
    for begin, value in zip(at, values, strict=True):
        found[begin:] = value
    return found


def test_a_nanosecond_is_the_mean_of_its_two_samples() -> None:
    rng = np.random.default_rng(0)
    for count in [0, 1, 2, *rng.integers(3, 25, 200)]:
        time = np.unique(rng.integers(0, 40, count))
        words = np.cumsum(rng.choice([-2, -1, 1, 2], time.size))
        ns, doubled = each_ns(time, words, 0)
        samples = dense(time, words, 50)
        np.testing.assert_array_equal(dense(ns, doubled, 25), samples[0::2] + samples[1::2])
        assert (np.diff(ns) > 0).all()
