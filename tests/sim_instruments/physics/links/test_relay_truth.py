"""The best GHZ state over a hub, against a closed form and the pulses of pairs."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.lossy_links import LINK, LINKS, ON, PULSES, point, relay

from podium.sim_instruments.physics.links.link_truth import SechPulses
from podium.sim_instruments.physics.links.relay_truth import (
    FIGURES,
    Relay,
    averaged,
    best_of_relays,
    ghz_fidelity,
    relays_of,
    swapped_fidelity,
)


def test_without_decay_only_the_loss_of_both_links_is_left() -> None:
    long = SechPulses(7e6, 0.0, 500.0, 0)
    state = averaged(relay(1.0), (long, long))
    through = np.sqrt(0.77 * 0.9)
    assert ghz_fidelity(state) == pytest.approx((1 + through) ** 2 / 4, abs=2e-4)
    # where the second photon is lost, the hub's half of the first pair is in neither
    assert swapped_fidelity(state) == pytest.approx((1 + through) ** 2 / 4, abs=2e-4)


def test_slow_noise_of_each_atom_costs_coherence() -> None:
    here = relay(5e-6)
    found = [ghz_fidelity(averaged(here, PULSES))]
    for place in range(3):
        points = list(here.points)
        points[place] = replace(points[place], slow_sigma_hz=100e3)
        noisy = Relay(LINKS, (points[0], points[1], points[2]))
        found.append(ghz_fidelity(averaged(noisy, PULSES)))
    still, *noisy_ones = found
    assert all(0.001 < still - one < 0.1 for one in noisy_ones), found


def test_only_ways_over_one_qubit_of_a_hub_are_named() -> None:
    points = {f"{name}.q0": point(5e-6) for name in "abc"}
    assert [one.name for one in relays_of(LINKS, points)] == ["link_ab.link_bc"]
    apart = replace(ON, ends=(replace(ON.ends[0], qubit="b.q1"), ON.ends[1]))
    assert not list(relays_of((LINK, apart), points | {"b.q1": point(5e-6)}))
    closed = replace(ON, transmission=(0.0, 0.9))
    assert not list(relays_of((LINK, closed), points))
    assert not list(relays_of(LINKS, {"a.q0": point(5e-6), "b.q0": point(5e-6)}))


@pytest.mark.slow
def test_the_best_of_a_relay_is_no_less_than_what_ordinary_pulses_give() -> None:
    points = {f"{name}.q0": point(5e-6) for name in "abc"}
    best = best_of_relays(LINKS, points)
    state = averaged(relay(5e-6), PULSES)
    for name, figure in FIGURES.items():
        found = figure(state)
        assert found < best[f"link_ab.link_bc.best_{name}"].value < found + 0.05
