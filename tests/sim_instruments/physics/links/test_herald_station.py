"""A herald station's numbers: what detectors see, and noise of transducers as dark counts."""

import numpy as np
import pytest
from tests.benches.physics.heralding_station import station

from podium.sim_instruments.physics.links.heralded_link import Arm, Detector, HeraldedLink, Scheme
from podium.sim_instruments.physics.links.heralded_states import heralded_states, success

SILENT = ((False, False), (True, False), (False, True), (True, True))


def test_both_detectors_together_see_what_comes_out_of_both_arms() -> None:
    of = station((0.7, 0.4), (1.0, 1.0))
    nothing, first, second, both = (of.seen(one) for one in SILENT)
    assert not nothing.any()
    np.testing.assert_allclose(first + second, both, atol=1e-12)
    np.testing.assert_allclose(both, np.diag([0.7, 0.4]), atol=1e-12)  # no interference is lost
    assert first[0, 1] == pytest.approx(np.sqrt(0.28) / 2)
    assert second[0, 1] == pytest.approx(-np.sqrt(0.28) / 2)


@pytest.mark.parametrize("scheme", list(Scheme))
@pytest.mark.parametrize("photons", [3e-4, 3e-3])
def test_noise_that_clicks_like_dark_counts_is_wrong_by_its_photons_in_a_mode(
    scheme: Scheme, photons: float
) -> None:
    """Against thermal states, which bunch and stimulate: eight modes of a window."""
    modes, way, eta = 8, 0.5, 0.9
    alpha = 0.1 if scheme is Scheme.ONE_CLICK else 0.5
    detectors = Detector(eta), Detector(eta)
    thermal = Arm(way, photons)
    exact = success(
        heralded_states(
            HeraldedLink(scheme, (thermal, thermal), detectors, alpha, noise_modes=modes)
        )
    )
    dark = Detector(eta, float(-np.expm1(-eta * photons * modes)))
    counted = HeraldedLink(scheme, (Arm(way), Arm(way)), (dark, dark), alpha)
    ours = success(heralded_states(counted))
    assert abs(ours[0] - exact[0]) < 3 * photons * exact[0]
    assert abs(ours[1] - exact[1]) < 3 * photons
    quiet = success(heralded_states(HeraldedLink(scheme, (Arm(way), Arm(way)), detectors, alpha)))
    assert abs(quiet[0] - exact[0]) > 3 * photons * exact[0]  # the null: no noise at all
