"""Drives that are bent for a known link, against the sech photon."""

from dataclasses import replace

import numpy as np
import pytest

from podium.sim_instruments.physics.links.dephasing import number_operator
from podium.sim_instruments.physics.links.link_channel import evolve_window
from podium.sim_instruments.physics.links.link_experiment import pair_fidelity
from podium.sim_instruments.physics.links.link_window import LinkWindow
from podium.sim_instruments.physics.links.published_links import (
    KURPIERS_2018,
    MAGNARD_2020,
    PublishedLink,
)
from podium.sim_instruments.physics.links.pulse_search import (
    STRONGEST,
    bent_pulses,
    loss_limit,
)


def test_bent_drives_make_a_better_pair_and_keep_their_limits() -> None:
    window = replace(KURPIERS_2018, pulse_ns=120.0).window(number_operator, 6.0)
    found = bent_pulses(window, 90, knots=6, rounds=6)
    limit = loss_limit(KURPIERS_2018.transmission)
    assert found.before < found.bell_fidelity < limit
    assert found.bell_fidelity - found.before > 0.1 * (limit - found.before)
    assert pair_fidelity(evolve_window(found.window)) == pytest.approx(found.bell_fidelity)
    for end in found.window.ends:
        samples = end.sideband.samples_hz
        assert samples.size == 90
        assert np.all(samples.imag == 0)
        assert 0 <= samples.real.min() <= samples.real.max() <= STRONGEST * end.resonator.kappa_hz


def best_sech(link: PublishedLink) -> tuple[float, LinkWindow]:
    """The best pair of sech photons over width, length and lag."""
    found = []
    for width in (1.0, 0.8):
        for length_ns in np.arange(100, 261, 20):
            for lag_ns in (0, 3, 6, 9, 12):
                own = replace(link, gamma_hz=width * link.gamma_hz, pulse_ns=float(length_ns))
                window = own.window(number_operator, lag_ns)
                found.append((pair_fidelity(evolve_window(window)), window))
    return max(found, key=lambda one: one[0])


@pytest.mark.slow
@pytest.mark.parametrize(("link", "length_ns"), [(KURPIERS_2018, 80), (MAGNARD_2020, 170)])
def test_bent_drives_take_a_quarter_of_what_the_best_sech_photon_misses(
    link: PublishedLink, length_ns: float
) -> None:
    sech, window = best_sech(link)
    found = bent_pulses(window, length_ns)
    assert found.bell_fidelity - sech > 0.25 * (loss_limit(link.transmission) - sech)
