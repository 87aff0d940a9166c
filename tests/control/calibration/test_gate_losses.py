"""Losses out of 1, and what passes from end to end, are measured for every state it concerns."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.calibration.coupler_edge import FACILITY, bench_of
from tests.benches.calibration.synthetic_data import Asked
from tests.benches.thoroughness import sampled

from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.gate_losses import (
    COUPLER_WAITS,
    DOUBT_HZ,
    KNOWN_HZ,
    WAITS,
    GateLosses,
    drawn_waits_ns,
    interference,
)
from podium.control.calibration.outcome import Outcome

EDGE = replace(FACILITY.edges()["node_a.q0_q1"], gate="cz")
GATES, SHOTS = 5, 4000
LOST = {"q0": np.array([0.011, 0.0, 0.017]), "q1": np.array([0.0, 0.003, 0.005])}
"""To the coupler and to 20, of 10, 01 and 11, in each gate."""
SWAPPED = 0.007
"""From 10 to 01 and back, in each gate."""
EXCITED = {"q0": np.array([1.0, 0.0, 1.0]), "q1": np.array([0.0, 1.0, 1.0])}
PASSES = {"q0": np.array([-1.0, 1.0, 0.0]), "q1": np.array([1.0, -1.0, 0.0])}
HEAT = 0.03


def signal(asked: Asked) -> np.ndarray:
    name = asked.element
    here = EXCITED[name] * (1 - GATES * LOST[name]) + GATES * SWAPPED * PASSES[name]
    return np.repeat(HEAT + (1 - 2 * HEAT) * here, asked.shape[0] // 3)


@pytest.mark.parametrize("seed", sampled([3, 4, 5], kept=[3]))
async def test_losses_and_swaps_of_all_states_add_up(seed: int) -> None:
    """Heat takes from ends in 1 and gives to ends in 0: of six populations four are of 1."""
    bench = bench_of(signal, seed, EDGE)
    losses = GateLosses(EdgePulses.of(bench, EDGE), GATES)
    program = losses.program(0.4, 128, 136, SHOTS)
    data = losses.signal(await bench.run(Outcome("leakage", "Leakage"), program))
    seen = 1 - 2 * HEAT
    away = seen * GATES * sum(float(one.sum()) for one in LOST.values())
    lost, sigma = losses.lost(data, SHOTS)
    assert abs(lost - away - (4 - 2) * HEAT) < 4 * sigma
    assert sigma < 0.25 * away
    across, of_swap = losses.swapped(data, SHOTS)
    assert abs(across - seen * GATES * SWAPPED - HEAT) < 4 * of_swap
    assert of_swap < 0.25 * GATES * SWAPPED
    spent, of_both = losses.spent(data, SHOTS)
    assert spent == pytest.approx(lost + 4 * 0.4 * across)
    assert of_both < 0.9 * sigma  # what passes is taken off at one end, and is added again


@pytest.mark.parametrize("off_hz", [-60e6, -20e6, 0.0, 35e6, 60e6])
@pytest.mark.parametrize("coupler_hz", [1.13e9, 1.287e9, 1.4e9])
def test_waits_spread_detunings_that_are_not_well_known(coupler_hz: float, off_hz: float) -> None:
    """Interference of five gates may add up to 5 times what they lose one by one."""
    known_hz = 110e6, 290e6
    doubted_hz = coupler_hz, coupler_hz + 290e6
    apart_hz = [(hz, KNOWN_HZ) for hz in known_hz] + [(hz, DOUBT_HZ) for hz in doubted_hz]
    waits = np.array(drawn_waits_ns(tuple(apart_hz), GATES, COUPLER_WAITS))
    for true_hz in (*known_hz, *(one + off_hz for one in doubted_hz)):
        means = []
        for juncture in np.linspace(0, 1, 24, endpoint=False):
            begins = np.concatenate([np.zeros((1, waits.shape[1])), np.cumsum(waits, axis=0)])
            turn = juncture * np.arange(GATES)[:, None] + true_hz * begins * 1e-9
            left = np.abs(np.exp(2j * np.pi * turn).sum(axis=0)) ** 2
            means.append(float(left.mean()) / GATES)
        assert min(means) > 0.35
        assert max(means) < 1.65


@pytest.mark.parametrize(("gates", "most"), [(3, 0.25), (4, 0.33), (6, 0.5)])
@pytest.mark.parametrize(
    "apart_hz", [89e6, 131e6, 207.8e6, 208.4e6, 310e6, 445e6, 497e6, 501e6, 503e6, 555e6, 610e6]
)
def test_waits_take_out_interference_of_a_detuning_that_is_a_megahertz_off(
    apart_hz: float, gates: int, most: float
) -> None:
    """Equal waits of 26 ns, best at 207.8 MHz, add up 0.43 of it at a megahertz beside."""
    waits = np.array(drawn_waits_ns(((apart_hz, KNOWN_HZ),), gates, max(WAITS, gates + 1))).T
    off_hz = np.linspace(-1e6, 1e6, 9)
    assert max(float(interference(waits, apart_hz + one)) for one in off_hz) < most


def test_a_detuning_that_no_wait_spreads_does_not_decide_for_the_others() -> None:
    """Waits are whole nanoseconds: a coupler 1 GHz above an end turns whole turns in each."""
    known_hz = -200e6, 100e6
    apart_hz = (*((hz, KNOWN_HZ) for hz in known_hz), (0.99e9, DOUBT_HZ), (1.09e9, DOUBT_HZ))
    waits = np.array(drawn_waits_ns(apart_hz, GATES, COUPLER_WAITS)).T
    assert interference(waits, 1e9) > 3.9
    assert max(float(interference(waits, one)) for one in known_hz) < 0.6
