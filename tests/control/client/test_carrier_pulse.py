"""Samples of a carrier on flux: what they hold, and what they do to two levels on paper."""

import numpy as np
import pytest
from scipy.linalg import expm

from podium.control.client.carrier_pulse import RISE_NS, carried_ns, carrier_samples


def test_a_pulse_has_soft_edges_and_the_carrier_between() -> None:
    samples = np.array(carrier_samples(230e6, 200))
    assert samples.size == 200
    assert abs(samples[0]) < 0.02
    inside = np.sin(2 * np.pi * 0.23 * (np.arange(200) + 0.5))[RISE_NS:-RISE_NS]
    assert samples[RISE_NS:-RISE_NS] == pytest.approx(inside)
    assert np.abs(samples).max() <= 1.0


def test_a_pulse_too_short_for_its_edges_is_all_edge() -> None:
    assert len(carrier_samples(100e6, 5)) == 5
    assert carrier_samples(100e6, 0) == ()


@pytest.mark.parametrize("frequency_hz", [180e6, 231.7e6])
def test_it_does_as_much_as_a_square_one_that_is_shorter_by_an_edge(frequency_hz: float) -> None:
    """At the frequency of two levels: there and back, and half a turn for who has been there."""
    rate_hz = 4e6  # of the exchange while the carrier is highest, with the other sense left out
    held = np.sinc(frequency_hz * 1e-9)  # samples of 1 ns have so much of the carrier
    lasts_ns = carried_ns(1e9 / (rate_hz * held))
    turned = np.eye(2, dtype=complex)
    for height in carrier_samples(frequency_hz, lasts_ns):
        parts = np.array([[0.0, rate_hz * height], [rate_hz * height, frequency_hz]])
        turned = expm(-2e-9j * np.pi * parts) @ turned
    assert abs(turned[0, 0]) ** 2 > 0.998
    assert np.angle(-turned[0, 0]) / (2 * np.pi) == pytest.approx(0.0, abs=0.02)
