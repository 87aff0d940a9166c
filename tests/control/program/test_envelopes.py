import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.control.program.envelopes import sample_envelope
from podium.control.program.waveforms import Drag, FlatTop, Gaussian, Square
from podium.firmware_interfaces.exact_time import OffGridError

NS = 1_000_000
durations = st.integers(1, 300).map(lambda k: k * NS)


def test_a_square_is_one_throughout() -> None:
    assert (sample_envelope(Square(7 * NS)) == np.ones(7)).all()


@given(durations, st.integers(1, 100).map(lambda k: k * NS))
def test_a_gaussian_is_symmetric_and_stays_between_0_and_1(duration: int, sigma: int) -> None:
    samples = sample_envelope(Gaussian(duration, sigma))
    assert samples == pytest.approx(samples[::-1], abs=1e-12)
    assert samples.imag.any() == np.False_
    assert samples.real.min() >= 0
    assert samples.real.max() <= 1


def test_a_gaussian_of_odd_length_peaks_at_1_and_has_its_sigma() -> None:
    samples = sample_envelope(Gaussian(401 * NS, 20 * NS)).real
    assert samples[200] == 1
    assert samples[200 + 20] == pytest.approx(np.exp(-0.5), abs=1e-9)
    assert samples[0] == pytest.approx(0, abs=1e-12)


def test_the_quadrature_of_a_drag_is_beta_times_the_slope() -> None:
    beta_s = 0.9e-9
    samples = sample_envelope(Drag(4001 * NS, 600 * NS, beta_s))
    slope_1_s = np.gradient(samples.real, 1e-9)
    assert samples.imag[1:-1] == pytest.approx(beta_s * slope_1_s[1:-1], abs=1e-8)
    assert (samples.real == sample_envelope(Gaussian(4001 * NS, 600 * NS)).real).all()


@given(durations, st.data())
def test_a_flat_top_rises_and_falls_within_its_edges(duration: int, data: st.DataObject) -> None:
    rise = data.draw(st.integers(0, duration // 2))
    samples = sample_envelope(FlatTop(duration, rise))
    assert samples == pytest.approx(samples[::-1])
    middle = (np.arange(len(samples)) + 0.5) * NS
    inside = (middle >= rise) & (middle <= duration - rise)
    assert (samples[inside] == 1).all()
    assert (samples[~inside].real < 1).all()


def test_a_raised_cosine_edge_is_at_half_height_in_its_middle() -> None:
    samples = sample_envelope(FlatTop(100 * NS, 21 * NS))
    assert samples[10] == pytest.approx(0.5)


def test_a_duration_between_two_samples_is_refused_with_both() -> None:
    with pytest.raises(OffGridError, match="12 ns or 13 ns"):
        sample_envelope(Square(12_500_000))
