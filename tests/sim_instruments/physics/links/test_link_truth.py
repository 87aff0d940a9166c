"""The best that a link's world allows, against closed forms and neighbours of what was found."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.lossy_links import END, LINK, point

from podium.sim_instruments.physics.links.link_channel import evolve_window
from podium.sim_instruments.physics.links.link_experiment import bell_fidelity
from podium.sim_instruments.physics.links.link_truth import (
    BestLink,
    SechPulses,
    best_link,
    best_of_links,
    window_of,
    with_slow_noise,
)


@pytest.fixture(scope="module")
def perfect() -> BestLink:
    """The best of atoms that hardly decay."""
    return best_link(LINK, (point(1.0), point(1.0)))


def test_without_decay_only_loss_is_left(perfect: BestLink) -> None:
    best = perfect
    assert best.absorption == pytest.approx(1, abs=1e-4)
    assert best.bell_fidelity == pytest.approx((1 + np.sqrt(0.77)) ** 2 / 4, abs=1e-4)
    assert best.transfer == pytest.approx(0.77, abs=1e-3)
    assert best.bell_concurrence == pytest.approx(np.sqrt(0.77), abs=1e-3)
    # a lost photon leaves gg: correlations X X and Y Y are sqrt(0.77), Z Z is -0.77
    assert best.chsh_s == pytest.approx(2 * np.sqrt(2 * 0.77), abs=2e-3)
    assert abs(best.absorption_pulses.lag_fs) < 200_000


def test_with_decay_shorter_pulses_and_less_than_that_are_best() -> None:
    points = tuple(replace(point(5e-6), dephasing_1_s=2e5) for _ in range(2))
    points = points[0], points[1]
    best = best_link(LINK, points)
    assert 0.9 < best.absorption < 0.995
    assert best.bell_fidelity < 0.87
    assert best.bell_pulses.length_ns < 350
    for lag_fs in (-3_000_000, 3_000_000):
        moved = replace(best.absorption_pulses, lag_fs=best.absorption_pulses.lag_fs + lag_fs)
        record = evolve_window(window_of(LINK, points, 0, moved)).photon
        assert record is not None
        assert record.absorption < best.absorption


def test_resonators_that_differ_by_half_a_width_still_make_good_pairs(perfect: BestLink) -> None:
    apart = replace(LINK, ends=(END, replace(LINK.ends[1], transfer_hz=8.405e9)))
    points = point(1.0), point(1.0)
    worse = best_link(apart, points)
    assert worse.bell_fidelity == pytest.approx(perfect.bell_fidelity, abs=3e-3)


def test_slow_noise_of_the_receiver_costs_more_than_the_senders() -> None:
    """The sender's e waits for as long as its f, which moves twice as far, lives twice."""
    pulses = SechPulses(10.4e6, 0.0, 200.0, 0)
    points = point(1.0), point(1.0)
    window, sigma = window_of(LINK, points, 0, pulses), 40e3
    still, sender, receiver = (
        bell_fidelity(with_slow_noise(window, sigmas).pair)
        for sigmas in ((0.0, 0.0), (sigma, 0.0), (0.0, sigma))
    )
    # of f of the receiver, for half the window, a Gaussian phase of 2 pi 2 sigma T / 2
    turned = 1 - np.exp(-0.5 * (2 * np.pi * sigma * 200e-9) ** 2)
    assert still - receiver == pytest.approx(0.5 * np.sqrt(0.77) * turned, rel=0.2)
    assert still - sender < 0.3 * (still - receiver)


def test_the_names_of_what_is_known_are_those_of_the_link() -> None:
    found = best_of_links((LINK,), {"a.q0": point(20e-6), "b.q0": point(20e-6)})
    assert set(found) == {
        "link_ab.best_absorption",
        "link_ab.best_transfer",
        "link_ab.best_bell_fidelity",
        "link_ab.best_bell_concurrence",
        "link_ab.best_chsh_s",
        "link_ab.best_photon_width",
        "link_ab.best_lag",
    }
    assert best_of_links((LINK,), {"a.q0": point(20e-6)}) == {}


def test_a_way_that_transmits_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"link_ab transmits nothing from b\.q0"):
        best_link(LINK, (point(1.0), point(1.0)), sender=1)
