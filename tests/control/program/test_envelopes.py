import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.control.program.envelopes import first_sample, sample_envelope
from podium.control.program.waveforms import (
    Drag,
    FlatTop,
    Gaussian,
    NetZero,
    Slepian,
    Square,
    Waveform,
)
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


def test_a_net_zero_pulse_without_a_top_is_one_period_of_a_sine() -> None:
    samples = sample_envelope(NetZero(60 * NS, 15 * NS))
    assert samples == pytest.approx(np.sin(2 * np.pi * (np.arange(60) + 0.5) / 60))


def test_edges_shorter_than_a_sample_have_the_area_of_their_quarter_sines() -> None:
    pulse, late = NetZero(8 * NS, 700_000, NS, 0.9), 300_000
    fine = (np.arange(9000) + 0.5) * 1e3 - late
    half = 3.5e6

    def quarter(since: np.ndarray) -> np.ndarray:
        inside = (since > 0) & (since < half)
        edge = np.clip(np.minimum(since, half - since) / 7e5, 0, 1)
        return np.where(inside, np.sin(np.pi / 2 * edge), 0)

    wanted = (quarter(fine) - 0.9 * quarter(fine - 4.5e6)).reshape(9, 1000).mean(axis=1)
    assert sample_envelope(pulse, late).real == pytest.approx(wanted, abs=1e-5)


def middle_fs(samples: np.ndarray) -> float:
    """Return the centre of mass of the real part."""
    heights = samples.real
    return float(np.sum(heights * (np.arange(len(heights)) + 0.5)) / np.sum(heights)) * NS


SOFT = (
    Gaussian(20 * NS, 5 * NS),  # cut at two sigma: it begins with a kink
    Gaussian(41 * NS, 7 * NS),
    Drag(20 * NS, 5 * NS, 0.8e-9),
    FlatTop(60 * NS, 1 * NS),
    FlatTop(60 * NS, 2 * NS),
    FlatTop(60 * NS, 12_500_000),
    FlatTop(40 * NS, 20 * NS),
)


@pytest.mark.parametrize("wave", SOFT)
@pytest.mark.parametrize("late_fs", [-500_000, -499_999, -123_456, -1_000, 777, 250_000, 499_999])
def test_the_middle_of_a_soft_pulse_moves_by_femtoseconds(wave: Waveform, late_fs: int) -> None:
    moved = sample_envelope(wave, late_fs)
    assert len(moved) == wave.duration_fs // NS
    assert middle_fs(moved) - middle_fs(sample_envelope(wave)) == pytest.approx(late_fs, abs=1000)


@pytest.mark.parametrize("wave", [Gaussian(NS, NS // 5), Slepian(NS), Drag(NS, NS // 5, 1e-9)])
@pytest.mark.parametrize("late_fs", [-500_000, 1, 250_000])
def test_a_soft_pulse_of_one_sample_starts_on_the_grid_or_is_refused(
    wave: Waveform, late_fs: int
) -> None:
    assert sample_envelope(wave).real == pytest.approx([1])
    with pytest.raises(OffGridError, match=r"of one sample, .* fs from the grid"):
        sample_envelope(wave, late_fs)


@pytest.mark.parametrize("wave", [Square(20 * NS), FlatTop(20 * NS, 0), Square(1 * NS)])
@pytest.mark.parametrize("late_fs", [1, 1_000, 250_000, 999_999])
def test_a_hard_pulse_moves_by_what_is_in_its_first_and_last_sample(
    wave: Waveform, late_fs: int
) -> None:
    moved = sample_envelope(wave, late_fs)
    assert len(moved) == wave.duration_fs // NS + 1
    assert moved[0] == pytest.approx(1 - late_fs / NS)
    assert moved[-1] == pytest.approx(late_fs / NS)
    assert (moved[1:-1] == 1).all()
    assert middle_fs(moved) - middle_fs(sample_envelope(wave)) == pytest.approx(late_fs, abs=1)


def test_edges_shorter_than_a_sample_move_by_some_ps_at_most() -> None:
    wave = FlatTop(20 * NS, 700_000)
    whole = sample_envelope(wave)
    for late_fs in range(1, NS, 49_999):
        moved = sample_envelope(wave, late_fs)
        assert np.sum(moved.real) == pytest.approx(19.3)
        assert middle_fs(moved) - middle_fs(whole) == pytest.approx(late_fs, abs=4000)


@given(st.sampled_from(SOFT), st.integers(-500_000, 499_999))
def test_as_the_fraction_goes_to_nothing_so_does_the_change(wave: Waveform, late_fs: int) -> None:
    small_fs = late_fs // 1000
    assert sample_envelope(wave, small_fs) == pytest.approx(sample_envelope(wave), abs=2e-3)


@given(st.integers(0, 10**12), st.integers(-500_000, 499_999))
def test_a_soft_pulse_starts_at_the_nearest_sample_and_a_hard_one_before(
    start_fs: int, rest_fs: int
) -> None:
    tick, late_fs = first_sample(SOFT[0], start_fs, rest_fs)
    assert tick * NS + late_fs == start_fs + rest_fs
    assert -500_000 <= late_fs < 500_000
    tick, late_fs = first_sample(Square(4 * NS), start_fs, rest_fs)
    assert (tick, late_fs) == divmod(start_fs, NS)


@pytest.mark.parametrize(("wave", "late_fs"), [(SOFT[0], 500_001), (Square(4 * NS), -1)])
def test_a_whole_sample_later_is_refused(wave: Waveform, late_fs: int) -> None:
    with pytest.raises(ValueError, match=f"{late_fs} fs late: from .* the rest is whole samples"):
        sample_envelope(wave, late_fs)


def test_a_duration_between_two_samples_is_refused_with_both() -> None:
    with pytest.raises(OffGridError, match="12 ns or 13 ns"):
        sample_envelope(Square(12_500_000))
