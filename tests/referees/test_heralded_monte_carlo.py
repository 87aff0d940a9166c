"""A plain Monte Carlo of single photons judges rate and fidelity of heralding."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.heralding import plain_monte_carlo

from podium.sim_instruments.physics.links.heralded_link import Arm, Detector, HeraldedLink, Scheme
from podium.sim_instruments.physics.links.heralded_states import heralded_states, success

TWO = HeraldedLink(
    Scheme.TWO_CLICKS, (Arm(0.5), Arm(0.5)), (Detector(0.8, 0.01),) * 2, visibility=0.8
)
SIGMAS = 4.5


@pytest.mark.parametrize("link", [TWO, replace(TWO, scheme=Scheme.ONE_CLICK, alpha=0.2)])
def test_rate_and_fidelity_are_those_of_single_photons(link: HeraldedLink) -> None:
    p, fidelity = success(heralded_states(link))
    counted = plain_monte_carlo(link, 60_000, 4)
    assert abs(counted.heralds / counted.attempts - p) < SIGMAS * np.sqrt(p / counted.attempts)
    assert abs(counted.fidelity - fidelity) < SIGMAS * counted.sigma
