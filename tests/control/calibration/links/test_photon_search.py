"""Drives that are searched for: what they bring by another equation, within full scale."""

import numpy as np
import pytest
from tests.benches.links.pair_link import TRANSMISSION, in_the_world, pair_model, sech_drives
from tests.benches.thoroughness import cases

from podium.control.calibration.links import photon_search
from podium.control.calibration.links.link_loop import LinkLoop
from podium.control.calibration.links.photon_search import best_photon, searched
from podium.control.calibration.links.photon_shape import loss_limit

TOPS = (11.4e6, 10.8e6)


def test_a_shaped_photon_takes_a_quarter_of_what_is_not_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the world's equation, beside the best lag of the sech that routines play."""
    monkeypatch.setattr(photon_search, "STRIDES", (4, 1)[: cases(1, 2)])
    start = sech_drives(144)
    sech = max(
        in_the_world(np.pad(start[0], (0, lag)), np.pad(start[1], (lag, 0)), LinkLoop(), 0.0)
        for lag in range(3, 9)
    )
    found = best_photon(pair_model(), TOPS, start)
    sent, caught = found.shape.rates_hz()
    reached = in_the_world(sent, caught, LinkLoop(), 0.0)
    assert reached == pytest.approx(found.fidelity, abs=1e-3)
    assert (reached - sech) / (loss_limit(TRANSMISSION) - sech) > 0.25
    assert found.shape.duration_ns < 120
    for drive, top in zip((sent, caught), TOPS, strict=True):
        assert np.max(np.abs(drive)) <= top * (1 + 1e-9)


def test_what_comes_back_and_is_apart_is_taken_along() -> None:
    """A photon for such a link is better there than one that knows nothing of it."""
    loop, off_hz = LinkLoop(0.06 + 0.06j, 1.5e6), 0.0
    start = sech_drives(144)
    there = searched(pair_model(loop, off_hz), TOPS, 104, start)
    plain = searched(pair_model(), TOPS, 104, start)
    ours, other = (in_the_world(*one.shape.rates_hz(), loop, off_hz) for one in (there, plain))
    assert ours > other + 0.005


def test_a_weak_drive_is_taken_as_it_is() -> None:
    """Where full scale makes half of what is wanted pairs are worse, and heights stay below it."""
    weak, strong = (
        searched(pair_model(), (top, top), 104, sech_drives(104)) for top in (4e6, 11.4e6)
    )
    assert weak.fidelity < strong.fidelity - 0.005
    assert np.max(np.abs(weak.shape.rates_hz())) <= 4e6 * (1 + 1e-9)
