"""How far a coupler's flux shifts an end is found on a pair in formulas, or refused."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.calibration import coupler_edge
from tests.benches.calibration.coupler_edge import FACILITY
from tests.benches.calibration.synthetic_data import Asked
from tests.benches.thoroughness import sampled

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.coupler_curve import SHIFT_HZ, coupler_curve, signed_reach
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.outcome import Outcome
from podium.control.program.program import Play
from podium.control.program.waveforms import Square

EDGE = replace(FACILITY.edges()["node_a.q0_q1"], gate="cz")
COUPLER = FACILITY.couplers()["node_a.c01"]


def bench_of(shift_hz: Callable[[float], float], seed: int) -> Bench:
    def signal(asked: Asked) -> np.ndarray:
        turns = 0.21
        for one in asked.program.body:
            if isinstance(one, Play) and one.frame == "q0_q1.flux":
                assert isinstance(one.waveform, Square)
                assert isinstance(one.amplitude, float)
                turns += shift_hz(one.amplitude) * one.waveform.duration_fs * 1e-15 + 0.02
        of_phase = np.array([asked.program.axes[-1].variables[0].value(k) for k in range(3)])
        return np.broadcast_to(0.5 + 0.46 * np.cos(2 * np.pi * (of_phase - turns)), asked.shape)

    return coupler_edge.bench_of(signal, seed, EDGE)


def pushed(place: float, seed: int) -> Callable[[float], float]:
    """Return the shift of an end by a coupler that comes down from its flank."""
    rng = np.random.default_rng(seed)
    g_hz, away_hz = rng.uniform(80e6, 110e6), rng.uniform(1.1e9, 1.6e9)
    slope, bend = rng.uniform(0.0, 0.3), rng.uniform(0.45, 0.7)

    def shift(amplitude: float) -> float:
        way = slope * amplitude / place + bend * (amplitude / place) ** 2
        return float(-(g_hz**2) / away_hz * way / (1 - way))

    return shift


@pytest.mark.parametrize("seed", sampled([31, 32, 33, 34], kept=[31]))
async def test_the_shift_over_the_flux_is_found(seed: int) -> None:
    bench = bench_of(lambda amplitude: 0.0, seed)
    p = EdgePulses.of(bench, EDGE)
    shift = pushed(signed_reach(p, COUPLER, 0.0, 3.0), seed)
    bench = bench_of(shift, seed)
    p = EdgePulses.of(bench, EDGE)
    curve = await coupler_curve(p, Outcome("cryoscope", "Cryoscope"), COUPLER, 0.0)
    level = np.linspace(-1.05, 1.05, 41)
    wanted = np.array([shift(one * curve.amplitude) for one in level.tolist()])
    assert np.abs(curve.shift_hz(level) - wanted).max() < 0.03 * SHIFT_HZ
    near = np.array([0.97, 1.03])
    slope = np.diff([shift(one * curve.amplitude) for one in near.tolist()])[0]
    assert np.diff(curve.shift_hz(near))[0] == pytest.approx(slope, rel=0.08)


async def test_a_line_that_moves_no_coupler_is_told() -> None:
    bench = bench_of(lambda amplitude: 2e5 * amplitude, 35)
    (outcome,) = [one async for one in bring_up(bench, ("cryoscope",))]
    said = outcome.failures["node_a.c01"]
    assert "node_a.c01.flux" in said
    assert "line is dead" in said
    assert not any("flux_" in name for name in bench.record.all())
