"""Estimates of an optical link are the exact states' figures, and never kinder for their sigmas."""

from dataclasses import replace

import pytest

from podium.control.links.heralded_estimate import (
    HeraldedFigures,
    Measured,
    chance_and_fidelity,
    heralded_link,
)
from podium.control.timebase.epochs import Epochs
from podium.sim_instruments.physics.links.heralded_link import Arm, Detector, HeraldedLink, Scheme
from podium.sim_instruments.physics.links.heralded_states import heralded_states, success

EPOCHS = Epochs.of({"station": 1})


@pytest.mark.parametrize("two_clicks", [False, True])
@pytest.mark.parametrize("eta", [0.01, 0.4, 0.95])
def test_chance_and_fidelity_are_those_of_the_exact_states(two_clicks: bool, eta: float) -> None:
    alpha = 0.5 if two_clicks else 0.07
    figures = HeraldedFigures(
        two_clicks, Measured(eta), 1e-5, Measured(alpha), Measured(1e-3), Measured(0.9)
    )
    world = HeraldedLink(
        Scheme.TWO_CLICKS if two_clicks else Scheme.ONE_CLICK,
        (Arm(eta), Arm(eta)),
        (Detector(1.0, 1e-3), Detector(1.0, 1e-3)),
        alpha,
        0.9,
    )
    found, true = chance_and_fidelity(figures, 0.0), success(heralded_states(world))
    assert found == pytest.approx(true, abs=1e-12)


def test_a_link_s_fidelity_is_that_of_the_worst_within_its_sigmas() -> None:
    sure = HeraldedFigures(True, Measured(0.1), 1e-5, visibility=Measured(0.95))
    doubted = replace(sure, visibility=Measured(0.95, 0.01), dark=Measured(0.0, 1e-4))
    assert heralded_link("l", ("b", "a"), sure, EPOCHS).fidelity == pytest.approx(0.975)
    found = heralded_link("l", ("b", "a"), doubted, EPOCHS)
    assert found.fidelity < (1 + 0.92) / 2
    assert found.ends == ("a", "b")
    assert found.pairs_per_s == pytest.approx(0.1**2 / 2 / (1 + 0.5 * 0.1 + 0.25 * 0.19) / 1e-5)
