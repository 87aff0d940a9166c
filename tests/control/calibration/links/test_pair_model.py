"""The pair that two drives make, and how that goes with their samples: beside the world's way."""

import numpy as np
import pytest
from tests.benches.links.pair_link import in_the_world, pair_model, sech_drives

from podium.control.calibration.links.link_loop import LinkLoop


@pytest.mark.parametrize(
    ("loop", "off_hz", "turned"),
    [
        (LinkLoop(), 0.0, 0.0),
        (LinkLoop(), 0.0, 1.5e6),
        (LinkLoop(0.05 - 0.06j, 1.2e6), 0.4e6, 0.0),
        (LinkLoop(-0.07j, -0.8e6), -0.8e6, -1e6),
    ],
)
def test_the_pair_is_that_of_the_world(loop: LinkLoop, off_hz: float, turned: float) -> None:
    sent, caught = sech_drives(120, turned)
    wanted = in_the_world(sent, caught, loop, off_hz)
    assert 0.5 < wanted < 0.85
    assert pair_model(loop, off_hz).fidelity(sent, caught) == pytest.approx(wanted, abs=2e-3)


def test_the_slope_is_that_of_small_steps() -> None:
    sent, caught = sech_drives(120, 0.7e6)
    pair = pair_model(LinkLoop(0.05 + 0.03j, 1e6), 0.5e6)
    _, *slopes = pair.slope(sent, caught)
    for k in (3, 50, 101):
        for way in (1.0, 1j):
            step = np.zeros(sent.size, np.complex128)
            step[k] = 1e2 * way
            for which, slope in enumerate(slopes):
                moved = [
                    pair.fidelity(sent + by * (1 - which) * step, caught + by * which * step)
                    for by in (1, -1)
                ]
                wanted = (moved[0] - moved[1]) / 2e2
                found = (slope[k] * np.conj(way)).real
                assert found == pytest.approx(wanted, rel=1e-4, abs=1e-15)
