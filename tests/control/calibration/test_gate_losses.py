"""Losses out of 1 are measured for every state that a pulse may empty."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.calibration.coupler_edge import FACILITY, bench_of
from tests.benches.calibration.synthetic_data import Asked

from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.gate_losses import (
    GateLosses,
    drawn_waits_ns,
)
from podium.control.calibration.outcome import Outcome

EDGE = replace(FACILITY.edges()["node_a.q0_q1"], gate="cz")
GATES, SHOTS = 5, 4000
LOST = {"q0": np.array([0.011, 0.0, 0.017]), "q1": np.array([0.0, 0.003, 0.005])}
"""Of 10, 01 and 11, in each gate."""
EXCITED = {"q0": np.array([1.0, 0.0, 1.0]), "q1": np.array([0.0, 1.0, 1.0])}


def signal(asked: Asked) -> np.ndarray:
    kept = 0.97 * (1 - GATES * LOST[asked.element]) * EXCITED[asked.element]
    return np.repeat(kept, asked.shape[0] // 3)


@pytest.mark.parametrize("seed", [3, 4, 5])
async def test_losses_of_all_states_add_up(seed: int) -> None:
    bench = bench_of(signal, seed, EDGE)
    losses = GateLosses(EdgePulses.of(bench, EDGE), GATES)
    program = losses.program(0.4, 128, 136, SHOTS)
    data = await bench.run(Outcome("leakage", "Leakage"), program)
    lost, sigma = losses.lost(losses.signal(data), SHOTS)
    wanted = 4 - 0.97 * sum(
        float(np.sum((1 - GATES * LOST[name]) * EXCITED[name])) for name in EXCITED
    )
    assert abs(lost - wanted) < 4 * sigma
    assert sigma < 0.25 * GATES * sum(one.sum() for one in LOST.values())


@pytest.mark.parametrize("off_hz", [-60e6, -20e6, 0.0, 35e6, 60e6])
@pytest.mark.parametrize("coupler_hz", [1.13e9, 1.287e9, 1.4e9])
def test_waits_spread_detunings_that_are_not_well_known(coupler_hz: float, off_hz: float) -> None:
    """Interference of five gates may add up to 5 times what they lose one by one."""
    waits = np.array(drawn_waits_ns((110e6, coupler_hz, coupler_hz + 290e6), GATES))
    for true_hz in (110e6, coupler_hz + off_hz, coupler_hz + 290e6 + off_hz):
        means = []
        for juncture in np.linspace(0, 1, 24, endpoint=False):
            begins = np.concatenate([np.zeros((1, waits.shape[1])), np.cumsum(waits, axis=0)])
            turn = juncture * np.arange(GATES)[:, None] + true_hz * begins * 1e-9
            left = np.abs(np.exp(2j * np.pi * turn).sum(axis=0)) ** 2
            means.append(float(left.mean()) / GATES)
        assert min(means) > 0.35
        assert max(means) < 1.65
