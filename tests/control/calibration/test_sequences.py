"""The pieces of programs, without hardware."""

from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from podium.control.calibration.fits.ladder import ladder_decay
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.routines.time_of_flight import find_pulse
from podium.control.calibration.sequences import (
    linear_frequencies,
    linear_times,
    on_grid_ns,
    pads,
    precession_ns,
    pulse_area_ns,
    table_times,
)
from podium.control.program.envelopes import sample_envelope
from podium.control.program.waveforms import Drag
from podium.firmware_interfaces.exact_time import FS_PER_NS

GRID_FS = 4 * FS_PER_NS


@given(
    st.lists(st.floats(2e-6, 90e-6), min_size=2, max_size=4),
    st.lists(st.integers(5, 40), min_size=4, max_size=4),
    st.integers(1, 2),
    st.booleans(),
)
def test_padded_sequences_of_all_qubits_end_together_or_on_a_common_ramp(
    reaches, pulses, times, linear
):
    names = [f"q{k}" for k in range(len(reaches))]
    delays = {
        name: linear_times("d", reach, 21)
        if linear
        else table_times("d", np.linspace(0.1, 1, 21) ** 2 * reach)
        for name, reach in zip(names, reaches, strict=True)
    }
    fixed = {name: 4 * ns for name, ns in zip(names, pulses, strict=False)}
    before = pads(delays, times, fixed)
    for k in range(21):
        totals = {
            name: before[name].value(k) + times * delays[name].value(k) + fixed[name] * FS_PER_NS
            for name in names
        }
        assert len(set(totals.values())) == 1
        assert all(before[name].value(k) >= 0 for name in names)
        assert all(before[name].value(k) % GRID_FS == 0 for name in names)


def test_the_pulse_area_is_that_of_the_envelope():
    samples = sample_envelope(Drag(52 * FS_PER_NS, 13 * FS_PER_NS, 0.0))
    assert pulse_area_ns(52) == pytest.approx(float(np.sum(samples.real)), rel=2e-3)


def test_times_go_up_to_the_grid_and_never_to_zero():
    assert on_grid_ns(5e-9) == 8
    assert on_grid_ns(8e-9) == 8
    assert on_grid_ns(0.0) == 4
    assert [table_times("d", [0.0, 1.3e-8]).value(k) for k in range(2)] == [
        2 * GRID_FS,
        4 * GRID_FS,
    ]
    assert linear_times("d", 90e-9, 5).value(4) == 5 * 4 * GRID_FS


def test_frequencies_are_centred_and_step_by_whole_kilohertz():
    scan = linear_frequencies("f", 5.123456789e9, 12e6, 61)
    values = np.array([scan.value(k) for k in range(61)])
    assert values[30] == pytest.approx(5.123456789e9, abs=500)
    assert np.all(np.diff(values) == 200_000.0)


def test_without_a_bath_the_ladder_is_one_exponential():
    decay = ladder_decay(0.0, 0.97, 1.4)
    time = np.linspace(0, 5, 30)
    np.testing.assert_allclose(decay.signal(time), np.exp(-time), atol=1e-12)
    assert decay.lifetime == pytest.approx(1.0)


def test_a_warm_ladder_agrees_with_its_rate_equations():
    thermal, ratio, second = 0.03, 0.97, 1.5
    up = thermal / (1 - thermal)
    down = np.array([[0, 1, 0], [up, 0, 2], [0, 2 * up**ratio, 0]])
    generator = down - np.diag(down.sum(axis=0))
    rest = np.linalg.matrix_power(np.eye(3) + generator * 1e-3, 60_000)[:, 0]
    state = rest[[1, 0, 2]]
    weights = np.array([0, 1, second])
    first, last = weights @ state, weights @ rest
    steps = 20_000
    for _ in range(steps):
        middle = state + generator @ state * 0.5e-4
        state = state + generator @ middle * 1e-4
    expected = (weights @ state - last) / (first - last)
    assert ladder_decay(thermal, ratio, second).signal(np.array([2.0]))[0] == pytest.approx(
        expected, abs=2e-5
    )


def test_a_pulse_is_found_where_it_begins():
    rng = np.random.default_rng(1)
    trace = 3 * (rng.normal(size=1600) + 1j * rng.normal(size=1600))
    trace[127:1127] += 2 * np.exp(0.4j)
    begin, sigma = find_pulse(trace, 1000)
    assert abs(begin - 127) < 5 * sigma


def test_noise_is_no_pulse():
    rng = np.random.default_rng(2)
    with pytest.raises(FitFailed, match="check the cables"):
        find_pulse(rng.normal(size=1600) + 1j * rng.normal(size=1600), 1000)


def test_a_faint_pulse_is_found_within_its_error():
    pulls = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        trace = 5 * (rng.normal(size=1600) + 1j * rng.normal(size=1600))
        trace[127:1127] += 2
        begin, sigma = find_pulse(trace, 1000)
        pulls.append((begin - 127) / sigma)
    assert 0.8 < np.std(pulls) < 1.2
    assert abs(np.mean(pulls)) < 0.2


def test_a_half_pi_pulse_precesses_by_so_much_of_its_length() -> None:
    """Two half pi pulses of the house's shape on a qubit that is 1 MHz off, written out."""
    duration_ns, free_ns, detuned = 52, 200, 2 * np.pi * 1e-3
    steps = 260
    height = np.exp(-8 * ((np.arange(steps) + 0.5) / steps - 0.5) ** 2) - np.exp(-2.0)
    angles = 0.5 * np.pi * height / height.sum()
    z = np.diag([1.0, -1.0])

    def pulse(axis: float) -> np.ndarray:
        flip = np.array([[0, np.exp(-1j * axis)], [np.exp(1j * axis), 0]])
        step = detuned * duration_ns / steps * z
        return reduce(
            lambda whole, one: expm(-0.5j * (one * flip + step)) @ whole, angles, np.eye(2)
        )

    wait = expm(-0.5j * detuned * free_ns * z)
    phases = 2 * np.pi * np.arange(3) / 3
    fringe = [abs((pulse(one) @ wait @ pulse(0.0))[1, 0]) ** 2 for one in phases]
    turned = abs(np.angle(np.sum(fringe * np.exp(1j * phases))))
    assert turned == pytest.approx(detuned * (free_ns + 2 * precession_ns(duration_ns)), abs=2e-3)
    assert abs(turned - detuned * (free_ns + duration_ns)) > 0.02, "not half of each"
