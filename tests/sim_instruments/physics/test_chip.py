import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.constants import Boltzmann
from tests.benches.physics.chip import CHIP, FEEDLINE, MATRIX, QUBITS

from podium.sim_instruments.physics.chip import Chip


def test_the_sweet_spots_put_every_qubit_at_no_flux_and_no_slope() -> None:
    spots = CHIP.sweet_spots_v()
    assert np.allclose(CHIP.flux(spots), 0, atol=1e-12)
    (feedline,) = CHIP.at(spots)
    assert [point.name for point in feedline.qubits] == ["node_a.q0", "node_a.q1"]
    for point in feedline.qubits:
        assert point.slow_sigma_hz == pytest.approx(4e3, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3))
def test_no_bias_near_the_sweet_spot_gives_a_higher_f01(left: float, right: float) -> None:
    spots = CHIP.sweet_spots_v()
    top = CHIP.at(spots)[0].qubits[0].levels_hz[1]
    moved = {"node_a.q0.flux": spots["node_a.q0.flux"] + left, "node_a.q1.flux": right}
    assert CHIP.at(moved)[0].qubits[0].levels_hz[1] <= top + 1e-3


def test_the_sweet_spot_is_the_one_nearest_to_zero_volts() -> None:
    far = Chip(QUBITS, [FEEDLINE], MATRIX, np.array([2.95, -4.1]))
    period = 1 / 0.67
    assert all(abs(volts) < period / 2 for volts in far.sweet_spots_v().values())
    flux = far.flux(far.sweet_spots_v())
    assert np.allclose(flux, np.rint(flux), atol=1e-12)
    assert np.rint(flux).any()


def test_flux_noise_acts_through_the_slope_of_the_arc() -> None:
    spots = CHIP.sweet_spots_v()

    def f01(volts: float) -> float:
        return float(CHIP.at({**spots, "node_a.q0.flux": volts})[0].qubits[0].levels_hz[1])

    off, step = spots["node_a.q0.flux"] + 0.3, 1e-4
    slope = (f01(off + step) - f01(off - step)) / (2 * step * 0.67)
    point = CHIP.at({**spots, "node_a.q0.flux": off})[0].qubits[0]
    assert point.slow_sigma_hz == pytest.approx(math.hypot(4e3, 1e-5 * slope), rel=1e-4)


def test_a_neighbours_source_moves_a_qubit_by_the_crosstalk() -> None:
    spots = CHIP.sweet_spots_v()
    before = CHIP.flux(spots)
    after = CHIP.flux({**spots, "node_a.q1.flux": spots["node_a.q1.flux"] + 1.0})
    assert np.allclose(after - before, [0.003, 0.65])


def test_equal_biases_give_the_identical_qubit_points() -> None:
    first, second = (CHIP.at({"node_a.q0.flux": 0.1, "node_a.q1.flux": -0.2})[0] for _ in "ab")
    assert all(a is b for a, b in zip(first.qubits, second.qubits, strict=True))


def test_points_are_read_only() -> None:
    point = CHIP.at({})[0].qubits[0]
    for array in (point.levels_hz, point.ladder, point.rates_1_s, point.resonator_hz):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_a_point_is_made_of_the_circuits_numbers() -> None:
    (feedline,) = CHIP.at(CHIP.sweet_spots_v())
    assert feedline.noise_w_per_hz / Boltzmann == pytest.approx(2.0 * 3e3**2)
    point = feedline.qubits[0]
    assert point.levels_hz[0] == 0
    assert point.levels_hz[1] == pytest.approx(6e9, abs=1)
    assert point.kappa_hz == pytest.approx(4.1e6)
    assert point.ladder[0] == 1
    assert 1.3 < point.ladder[1] < math.sqrt(2)
    assert point.rates_1_s[0, 1] == pytest.approx(2 * math.pi * 6e9 / 1.2e6, rel=1e-6)
    assert 20 < point.n_crit < 60


def test_the_relaxation_rate_goes_with_the_frequency_along_the_arc() -> None:
    spots = CHIP.sweet_spots_v()
    top = CHIP.at(spots)[0].qubits[0]
    low = CHIP.at({**spots, "node_a.q0.flux": spots["node_a.q0.flux"] + 0.5})[0].qubits[0]
    assert low.levels_hz[1] < 0.9 * top.levels_hz[1]
    assert low.rates_1_s[0, 1] / top.rates_1_s[0, 1] == pytest.approx(
        low.levels_hz[1] / top.levels_hz[1], rel=1e-9
    )


def test_a_line_that_no_qubit_has_is_refused_by_name() -> None:
    with pytest.raises(KeyError, match=r"no flux line 'node_a.q7.flux'.*node_a.q0.flux"):
        CHIP.at({"node_a.q7.flux": 0.1})


def test_a_feedline_without_its_qubit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"reads node_a.q1, which is not among"):
        Chip(QUBITS[:1], [FEEDLINE], np.eye(1), np.zeros(1))
    with pytest.raises(ValueError, match="2 x 2"):
        Chip(QUBITS, [FEEDLINE], np.eye(3), np.zeros(2))


def test_a_new_operating_point_takes_less_than_twenty_milliseconds() -> None:
    best_s = math.inf
    for number in range(10):
        begin = time.perf_counter()
        CHIP.at({"node_a.q0.flux": 1e-3 * number, "node_a.q1.flux": 2e-3 * number})
        best_s = min(best_s, time.perf_counter() - begin)
    assert best_s < 0.020
