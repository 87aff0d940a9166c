import numpy as np
import pytest
from scipy.stats import kstest, truncnorm

from podium.sim_instruments.physics.draw import draw
from podium.sim_instruments.physics.spread import CUT, Spread


def test_draws_follow_the_cut_normal_distribution() -> None:
    spread = Spread(10.0, 2.0, "V")
    drawn = [draw(spread, seed, "node_a.q0", "flux_offset") for seed in range(3000)]
    # Kolmogorov-Smirnov with fixed seeds; false alarm 1e-6 if the seeds were redrawn.
    assert kstest(drawn, truncnorm(-CUT, CUT, 10.0, 2.0).cdf).pvalue > 1e-6
    assert max(abs(np.array(drawn) - 10.0)) <= CUT * 2.0


def test_a_draw_depends_on_its_seed_and_names_alone() -> None:
    spread = Spread(0.0, 1.0, "V")
    first = draw(spread, 1, "node_a.q0", "f01")
    others = [
        draw(spread, 2, "node_a.q0", "f01"),
        draw(spread, 1, "node_a.q1", "f01"),
        draw(spread, 1, "node_a.q0", "t1"),
        draw(spread, 1, "node_a.q0", "f01", attempt=1),
    ]
    assert draw(spread, 1, "node_a.q0", "f01") == first
    assert len({first, *others}) == 5


def test_limits_cut_and_no_spread_gives_the_value() -> None:
    cut = Spread(1.0, 10.0, "Hz", low=0.9, high=1.1)
    assert all(0.9 <= draw(cut, seed, "a", "b") <= 1.1 for seed in range(50))
    assert draw(Spread(3.0, 0.0, "s"), 7, "a", "b") == 3.0
    with pytest.raises(ValueError, match=r"a.b: no number fits"):
        draw(Spread(1.0, 0.1, "Hz", low=5.0), 1, "a", "b")
