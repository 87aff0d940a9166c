"""Published links come out of their device tables; both models of dephasing make the bracket."""

import numpy as np
import pytest

from podium.sim_instruments.physics.links.dephasing import number_operator, two_sigma_z
from podium.sim_instruments.physics.links.link_channel import evolve_window
from podium.sim_instruments.physics.links.link_experiment import PairFigures, figures
from podium.sim_instruments.physics.links.published_links import (
    KURPIERS_2018,
    MAGNARD_2020,
    PublishedLink,
)


def by_scan(link: PublishedLink, model: object) -> PairFigures:
    """The figures at the delay of greatest absorption, as a laboratory would set it."""
    assert callable(model)
    windows = [link.window(model, lag) for lag in np.arange(-4.0, 13.0, 2.0)]
    photons = [evolve_window(one).photon for one in windows]
    absorbed = [0.0 if one is None else one.absorption for one in photons]
    found = windows[int(np.argmax(absorbed))]
    return figures(found, link.turn_ns)


PUBLISHED = [
    (KURPIERS_2018, "bell_fidelity", 0.789, 0.03),
    (KURPIERS_2018, "process_fidelity", 0.800, 0.05),
    (KURPIERS_2018, "absorption", 0.981, 0.025),
    (MAGNARD_2020, "bell_fidelity", 0.795, 0.03),
    (MAGNARD_2020, "average_state_fidelity", 0.858, 0.035),
    (MAGNARD_2020, "concurrence", 0.746, 0.05),
    (MAGNARD_2020, "absorption", 0.958, 0.03),
]


@pytest.fixture(scope="module")
def ours() -> dict[tuple[str, str], PairFigures]:
    """The figures of both links with both models."""
    return {
        (link.name, model.__name__): by_scan(link, model)
        for link in (KURPIERS_2018, MAGNARD_2020)
        for model in (number_operator, two_sigma_z)
    }


@pytest.mark.parametrize(("link", "quantity", "published", "within"), PUBLISHED)
def test_both_models_of_dephasing_come_near_what_was_published(
    ours: dict[tuple[str, str], PairFigures],
    link: PublishedLink,
    quantity: str,
    published: float,
    within: float,
) -> None:
    for model in ("number_operator", "two_sigma_z"):
        assert getattr(ours[link.name, model], quantity) == pytest.approx(published, abs=within)


def test_the_models_bracket_what_was_published_of_the_first_link(
    ours: dict[tuple[str, str], PairFigures],
) -> None:
    for quantity, published in (("bell_fidelity", 0.789), ("process_fidelity", 0.8002)):
        low, high = (
            getattr(ours["kurpiers2018", model], quantity)
            for model in ("number_operator", "two_sigma_z")
        )
        assert low < published < high


def test_without_decay_only_loss_and_the_cut_pulse_are_left() -> None:
    perfect = PublishedLink(
        "perfect", 10e6, (10e6, 10e6), 600.0, 0.0, 0.77, 5.0, (1, 1), (1, 1), (2, 2), (1, 1)
    )
    found = figures(perfect.window(number_operator), 0.0)
    assert found.bell_fidelity == pytest.approx(0.88125, abs=4e-5)
    assert found.concurrence == pytest.approx(np.sqrt(0.77), abs=4e-5)
    assert found.process_fidelity == pytest.approx(0.88125, abs=4e-5)
    assert found.absorption == pytest.approx(1, abs=4e-5)
