"""A coupler's sweet spot is found on a pair in formulas, wherever it is, or nothing is stored."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.calibration import coupler_edge
from tests.benches.calibration.coupler_edge import FACILITY
from tests.benches.calibration.synthetic_data import Asked
from tests.benches.thoroughness import sampled

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.coupler_curve import signed_reach
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.readiness import ramp_biases
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import Validities
from podium.control.program.program import Play

EDGE = replace(FACILITY.edges()["node_a.q0_q1"], gate="cz")
COUPLER = FACILITY.couplers()["node_a.c01"]
PORT = COUPLER.flux_port


def pair(
    seed: int, sweet_v: float, arrives: float = 1.0, crooked: float = 0.0, deaf: bool = False
) -> Bench:
    """Return a pair whose coupler comes down from a sweet spot.

    ``arrives``: of a pulse, beside what the facility file says; ``crooked``: by how much farther it
    comes down to one side; ``deaf``: whether no bias arrives.
    """
    rng = np.random.default_rng(seed)
    g_hz, away_hz = rng.uniform(80e6, 110e6), rng.uniform(1.1e9, 1.6e9)
    bend = rng.uniform(0.5, 0.7)
    made: list[Bench] = []

    def signal(asked: Asked) -> np.ndarray:
        p = EdgePulses.of(made[0], EDGE)
        reach_v = abs(signed_reach(p, COUPLER, 0.0, 3.0)) * p.full_scale_v
        rest_v = (0.0 if deaf else made[0].runner.biases.get(PORT, 0.0)) - sweet_v

        def shift_hz(amplitude: float) -> float:
            at = (rest_v + arrives * amplitude * p.full_scale_v) / reach_v
            way = bend * at**2 * (1 + crooked * np.sign(at))
            return float(-(g_hz**2) / away_hz * way / (1 - way)) if way < 0.97 else 0.0

        turns = 0.21
        for one in asked.program.body:
            if isinstance(one, Play) and one.frame == "q0_q1.flux":
                moved_hz = shift_hz(float(one.amplitude)) - shift_hz(0.0)
                turns += moved_hz * one.waveform.duration_fs * 1e-15 + 0.02
        of_phase = np.array([asked.program.axes[-1].variables[0].value(k) for k in range(3)])
        return np.broadcast_to(0.5 + 0.46 * np.cos(2 * np.pi * (of_phase - turns)), asked.shape)

    made.append(coupler_edge.bench_of(signal, seed, EDGE))
    return made[0]


async def worked(bench: Bench) -> dict[str, str]:
    (outcome,) = [one async for one in bring_up(bench, ("coupler_sweet_spot",))]
    return outcome.failures


@pytest.mark.parametrize(
    ("seed", "share", "arrives"),
    sampled(
        [(41, 0.0, 1.0), (42, 0.1, 1.04), (43, -0.15, 0.95), (44, 0.02, 1.0), (45, -0.13, 1.0)],
        kept=[(43, -0.15, 0.95)],
    ),
)
async def test_it_is_found_wherever_it_is(seed: int, share: float, arrives: float) -> None:
    full_v = EdgePulses.of(pair(seed, 0.0), EDGE).full_scale_v
    sweet_v = share * full_v
    bench = pair(seed, sweet_v, arrives)
    assert await worked(bench) == {}
    found = bench.record.get("node_a.c01.sweet_spot")
    assert found is not None
    assert abs(found.value - sweet_v) < 4 * found.sigma
    assert found.sigma < 2e-3
    assert bench.runner.biases[PORT] == found.value
    levels, _ = await ramp_biases(bench.runner, bench.qubits, bench.record, Validities({}))
    assert levels[PORT] == found.value


async def test_an_off_point_that_was_measured_counts_more() -> None:
    bench = pair(46, 0.02)
    assert await worked(bench) == {}
    outcome = Outcome("coupler_off_point", "Off point")
    await bench.commit(outcome, {f"{EDGE.name}.off_point": Measured(0.07, 1e-3, "V")})
    levels, _ = await ramp_biases(bench.runner, bench.qubits, bench.record, Validities({}))
    assert levels[PORT] == 0.07


async def test_a_shift_that_is_even_about_no_bias_is_refused_and_the_bias_goes_back() -> None:
    bench = pair(47, 0.03, crooked=0.25)
    failures = await worked(bench)
    assert "node_a.c01" in failures
    assert bench.record.get("node_a.c01.sweet_spot") is None
    assert bench.runner.biases[PORT] == 0.0


async def test_a_line_that_moves_nothing_is_told() -> None:
    bench = pair(48, 0.0, arrives=1e-3)
    assert "line is dead" in (await worked(bench))["node_a.c01"]


@pytest.mark.parametrize("sweet_v", sampled([-0.012, 0.012], kept=[-0.012]))
async def test_a_bias_that_does_not_arrive_is_not_believed(sweet_v: float) -> None:
    bench = pair(49, sweet_v, deaf=True)
    assert "measured anew" in (await worked(bench))["node_a.c01"]
    assert bench.record.get("node_a.c01.sweet_spot") is None
    assert bench.runner.biases[PORT] == 0.0
