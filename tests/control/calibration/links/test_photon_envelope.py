"""The photon that the page draws at both ends: what is measured goes before what is designed."""

from pathlib import Path

import numpy as np
import pytest
from tests.benches.facility.loaded_examples import loaded
from tests.benches.web.page import entry

from podium.control.calibration.links.photon_envelope import photon_envelope
from podium.control.calibration.links.photon_pulses import (
    DECAY_WEIGHT,
    PHOTON_LIFETIMES,
    photon_lifetimes,
)
from podium.control.calibration.links.shaped_photon import KNOTS, ShapedPhoton

EXAMPLES = Path(__file__).parents[4] / "examples"
LINKED = loaded(EXAMPLES / "linked" / "facility.yaml")
LINK = LINKED.links["link_ab"]


def test_the_photon_is_a_sech_that_carries_what_leaves() -> None:
    found = photon_envelope(LINKED, LINK, {})
    gamma = 2 * np.pi * 10.4e6
    middle = found.time_s[int(np.argmax(found.sent_1_s))]
    wanted = gamma / 4 / np.cosh(gamma * (found.time_s - middle) / 2) ** 2
    # The pulse is cut off, f decays, and the drive is held for 1 ns each.
    assert np.max(np.abs(found.sent_1_s - wanted)) < 0.06 * np.max(wanted)
    assert 0.9 < found.sent_1_s.sum() * 1e-9 <= 1
    assert (found.delay_s, found.lag_s, found.transmission) == (4.5e-9, 4.5e-9, 0.77)


def test_what_is_measured_goes_before_what_is_designed() -> None:
    measured = (
        entry("link_ab.delay", 6e-9, 1e-10, "s"),
        entry("link_ab.best_lag", 7e-9, 1e-10, "s"),
        entry("link_ab.transmission", 0.7, 0.01, "1"),
        entry("link_ab.a.sideband_rate", 6e6, 1e4, "Hz"),
    )
    found = photon_envelope(LINKED, LINK, {one.name: one for one in measured})
    assert (found.delay_s, found.lag_s, found.transmission) == (6e-9, 7e-9, 0.7)
    assert np.allclose(found.pulse, 2 * photon_envelope(LINKED, LINK, {}).pulse)
    weak = entry("link_ab.a.sideband_rate", 2e6, 1e4, "Hz")
    with pytest.raises(ValueError, match="of full scale"):
        photon_envelope(LINKED, LINK, {weak.name: weak})


def test_a_shaped_photon_is_drawn_as_it_is_played() -> None:
    """Caught as it arrives; where full scale no longer makes it, the sech is back."""
    heights = np.zeros((2, 2, KNOTS))
    heights[:, 0] = 8e6 * np.hanning(KNOTS)
    stored = [
        entry(f"link_ab.{name}", value, 1.0, "1")
        for name, value in ShapedPhoton(heights, 104).quantities().items()
    ]
    stored.append(entry("link_ab.best_lag", 7e-9, 1e-10, "s"))
    known = {one.name: one for one in stored}
    found = photon_envelope(LINKED, LINK, known)
    assert found.pulse.size == found.catch.size == 104
    assert found.lag_s == found.delay_s == 4.5e-9
    assert np.max(found.pulse) == pytest.approx(8 / 12, rel=0.05)
    weak = {"link_ab.a.sideband_rate": entry("link_ab.a.sideband_rate", 7e6, 1e4, "Hz")}
    assert photon_envelope(LINKED, LINK, known | weak).lag_s == 7e-9


def test_ends_of_which_nothing_is_told_have_no_photon() -> None:
    facility = loaded(EXAMPLES / "two_nodes" / "facility.yaml")
    with pytest.raises(ValueError, match="links > link_ab > transfer is not in the facility file"):
        photon_envelope(facility, facility.links["link_ab"], {})


def test_photons_last_longer_where_atoms_do() -> None:
    """What is cut off and what decays are least together: 1.7 % are cut off of a photon of 9.5."""
    short, long = (photon_lifetimes(10.4e6, 2 / t1_s) for t1_s in (4.5e-6, 300e-6))
    assert short == PHOTON_LIFETIMES

    def lost(lifetimes: float) -> float:
        decay = DECAY_WEIGHT * 2 / 300e-6 / (2 * np.pi * 10.4e6)
        return 2 * np.exp(-lifetimes / 2) + decay * lifetimes

    assert lost(long) < min(lost(long - 1), lost(long + 1), 0.2 * lost(PHOTON_LIFETIMES))
