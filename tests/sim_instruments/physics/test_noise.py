import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.sim_instruments.physics.counter_based_random import key
from podium.sim_instruments.physics.noise import (
    WORDS_AT_ONCE,
    SlowNoise,
    gaussian_at,
    gaussians,
    log_of,
    philox,
    quadrature,
    unit,
    unit_circle,
)


def words(key_words: tuple[int, int], counter: tuple[int, int, int, int]) -> list[int]:
    a, b = philox(
        np.uint64(key_words[0] | key_words[1] << 32),
        np.uint64(counter[2] | counter[3] << 32),
        np.uint64(counter[0] | counter[1] << 32),
    )
    mask = 0xFFFFFFFF
    return [int(a) & mask, int(a) >> 32, int(b) & mask, int(b) >> 32]


def test_philox_gives_the_published_vectors() -> None:
    """Known answers of Random123, file kat_vectors, philox4x32 10."""
    full = 0xFFFFFFFF
    assert words((0, 0), (0, 0, 0, 0)) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    assert words((full, full), (full,) * 4) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
    assert words((0xA4093822, 0x299F31D0), (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)) == [
        0xD16CFE09,
        0x94FDCCEB,
        0x5001E420,
        0x24126EA1,
    ]


def test_a_number_depends_on_its_place_not_on_how_many_are_asked_for() -> None:
    few, many = gaussians(key(3, "q0", "a"), 5, 10), gaussians(key(3, "q0", "a"), 5, 1000)
    np.testing.assert_array_equal(few, many[:10])
    others = [
        gaussians(key(3, "q0", "a"), 6, 10),
        gaussians(key(4, "q0", "a"), 5, 10),
        gaussians(key(3, "q1", "a"), 5, 10),
        gaussians(key(3, "q0", "b"), 5, 10),
    ]
    assert all(not np.any(few == other) for other in others)


def test_numbers_made_in_rows_are_those_made_one_by_one() -> None:
    one, run, count = np.uint64(key(2, "x", "rows")), np.uint64(9), 2 * WORDS_AT_ONCE + 3
    single = [gaussian_at(one, run, np.uint64(i)) for i in range(count)]
    np.testing.assert_array_equal(gaussians(int(one), int(run), count), single)


def test_gaussians_are_those_of_box_and_muller_to_the_last_digits() -> None:
    count = 20_000
    words_ = [philox(np.uint64(5), np.uint64(6), np.uint64(i)) for i in range(count)]
    radius = np.sqrt(-2 * np.log([unit(np.uint64(a)) for a, _ in words_]))
    angle = 2 * np.pi * np.array([unit(np.uint64(b)) for _, b in words_])
    np.testing.assert_allclose(gaussians(5, 6, count), radius * np.exp(1j * angle), rtol=2e-15)


@given(st.floats(min_value=2.0**-1000, max_value=2.0**1000))
def test_the_logarithm_is_right_to_the_next_digit(x: float) -> None:
    assert log_of(x) == pytest.approx(np.log(x), rel=4e-16, abs=0)


@given(st.floats(min_value=0.0, max_value=1.0))
def test_the_unit_circle_is_right_to_the_next_digit(turns: float) -> None:
    found, quarter = unit_circle(turns), round(4 * turns)
    apart = 2 * np.pi * (turns - quarter / 4)  # what is left is exact, and small
    expected = complex(np.cos(apart), np.sin(apart)) * 1j**quarter
    assert abs(found - expected) < 4e-16


def test_gaussians_are_standard_normal() -> None:
    """Fixed numbers; for other seeds each bound fails with less than 1e-6."""
    values = gaussians(key(1, "x", "test"), 0, 200_000)
    parts = np.concatenate([values.real, values.imag])
    n = parts.size
    assert abs(np.mean(parts)) < 5 / np.sqrt(n)
    assert abs(np.var(parts) - 1) < 5 * np.sqrt(2 / n)
    assert abs(np.mean(parts**4) - 3) < 5 * np.sqrt(96 / n)
    assert abs(np.mean(values.real * values.imag)) < 5 / np.sqrt(n / 2)


@given(st.floats(0, 40))
def test_the_quadrature_averages_a_phase_as_the_gaussian_integral_does(phase: float) -> None:
    rule = quadrature(phase)
    assert np.sum(rule.weight) == pytest.approx(1)
    for part in (1.0, 0.7, 0.2):
        found = np.sum(rule.weight * np.exp(1j * part * phase * rule.node))
        assert abs(found - np.exp(-0.5 * (part * phase) ** 2)) < 1e-6


def test_slow_noise_has_its_variance_whatever_the_stretch() -> None:
    """1500 noises: the variance of the means is known to 3.7 % (1 sigma), bound at 5 sigma."""
    memory = 1e-3
    for duration in (1e-6, 1e-3, 30e-3):
        found = [SlowNoise(8e3, memory, k).over(17.0, duration) for k in range(1500)]
        means = np.array([mean for mean, _ in found])
        stray = found[0][1]
        x = duration / memory
        wanted = 2 / x**2 * (x - 1 + np.exp(-x))  # variance of an exponential process's mean
        assert np.var(means) == pytest.approx(8e3**2 * wanted, rel=0.19)
        assert stray**2 == pytest.approx(8e3**2 * (1 - wanted), rel=0.02, abs=0.01 * 8e3**2)


def test_slow_noise_forgets_with_its_memory() -> None:
    """Correlations of 1500 noises are known to 0.026 (1 sigma), bound at 5 sigma."""
    memory = 1e-3
    now = [SlowNoise(1.0, memory, k).over(17.0, 1e-7)[0] for k in range(1500)]
    for later in (0.1, 1.0, 3.0):
        then = [SlowNoise(1.0, memory, k).over(17.0 + later * memory, 1e-7)[0] for k in range(1500)]
        assert np.mean(np.multiply(now, then)) == pytest.approx(np.exp(-later), abs=0.13)


def test_runs_that_share_a_stretch_of_time_share_its_noise() -> None:
    noise = SlowNoise(5.0, 0.01, 42)
    first, second = noise.over(3.0, 0.02)[0], noise.over(3.02, 0.02)[0]
    assert noise.over(3.0, 0.04)[0] == pytest.approx(0.5 * (first + second), rel=1e-6)
