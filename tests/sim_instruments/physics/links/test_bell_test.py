"""CHSH of pairs that lose photons, and the loss that published figures ask for."""

import numpy as np
import pytest

from podium.sim_instruments.physics.links.bell_test import (
    PUBLISHED_FIDELITY,
    PUBLISHED_S,
    as_read,
    chsh,
    contrast,
    loss_alone,
    losses_asked,
    pair_by_loss,
    storz_link,
)
from podium.sim_instruments.physics.links.dephasing import number_operator
from podium.sim_instruments.physics.links.link_channel import evolve_window
from podium.sim_instruments.physics.links.link_experiment import bell_fidelity, bell_state


def lossy_pair(eta: float, kept: float = 1.0) -> np.ndarray:
    """``|eg> + sqrt(eta) |ge>``, the rest in gg, coherence times ``kept``."""
    state = np.zeros((9, 9), np.complex128)
    state[3, 3], state[1, 1], state[0, 0] = 0.5, eta / 2, (1 - eta) / 2
    state[1, 3] = state[3, 1] = kept * np.sqrt(eta) / 2
    return state


def test_chsh_of_a_pair_that_lost_photons() -> None:
    assert chsh(lossy_pair(1.0)) == pytest.approx(2 * np.sqrt(2))
    assert chsh(lossy_pair(0.6)) == pytest.approx(2 * np.sqrt(2 * 0.6))
    assert chsh(lossy_pair(0.8, 0.8)) == pytest.approx(2 * np.hypot(0.8, 0.8 * np.sqrt(0.8)))


def test_s_and_fidelity_are_those_of_the_pair_that_they_ask_for() -> None:
    eta, kept = loss_alone(PUBLISHED_S, PUBLISHED_FIDELITY)
    pair = lossy_pair(eta, kept)
    assert contrast() * chsh(pair) == pytest.approx(PUBLISHED_S)
    assert bell_fidelity(pair) == pytest.approx(PUBLISHED_FIDELITY)
    assert 1 - eta == pytest.approx(0.355, abs=1e-3)


def test_a_fidelity_as_read_is_less_by_the_contrast() -> None:
    assert as_read(lossy_pair(1.0)) == pytest.approx((1 + 3 * contrast()) / 4)


@pytest.mark.parametrize("loss", [0.0, 0.13, 0.5])
def test_three_channels_are_enough_for_every_loss(loss: float) -> None:
    link = storz_link(1 - loss, 2.0)
    window = link.window(number_operator, 2.0)
    exact = bell_state(window, evolve_window(window).channel, link.turn_ns)
    assert pair_by_loss(number_operator, 2.0, 2.0)(loss) == pytest.approx(exact, abs=1e-7)


@pytest.mark.slow
def test_the_losses_asked_for_are_those_of_the_page() -> None:
    found = list(losses_asked())
    by = {one.by: one.loss for one in found}
    assert by["S alone, lifetimes of Magnard 2020, number operator"] == pytest.approx(
        0.176, abs=2e-3
    )
    assert by["F corrected alone, lifetimes of Magnard 2020, two sigma_z"] == pytest.approx(
        0.268, abs=2e-3
    )
    together = [one.loss for one in found if one.by.startswith("S and F corrected")]
    assert together == [pytest.approx(0.336, abs=3e-3), pytest.approx(0.335, abs=3e-3)]
    assert [one.loss for one in found if "as read together" in one.by] == [None, None]
