"""The halves of a net-zero pulse are found to differ as far as an end rests beside its spot."""

import numpy as np
import pytest
from tests.benches.calibration.coupled_bench import EDGE, bench_of
from tests.benches.calibration.coupled_pair import CoupledPair
from tests.benches.thoroughness import sampled

from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.program.program import Play
from podium.control.program.waveforms import NetZero


@pytest.mark.parametrize(
    ("offset", "seed"),
    sampled(((0.0, 1), (0.004, 2), (-0.006, 3), (0.002, 4)), kept=((0.004, 2), (-0.006, 3))),
)
async def test_the_ratio_is_that_of_the_heights_at_which_levels_meet(offset, seed) -> None:
    pair = CoupledPair()
    bench = bench_of(pair, seed)
    pair.place = EdgePulses.of(bench, EDGE).resonance()
    pair.offset = offset * pair.place
    outcomes = [one async for one in bring_up(bench, ("chevron", "gate_ratio"))]
    assert {one.routine: one.failures for one in outcomes if one.failures} == {}
    ratio = bench.record.all()[f"{EDGE.name}.gate_ratio"]
    true = (np.hypot(1, offset) + offset) / (np.hypot(1, offset) - offset)
    assert abs(ratio.value - true) < 4 * ratio.sigma
    assert ratio.sigma < 1.5e-3
    pulse = EdgePulses.of(bench, EDGE).pulse(0.5, 40)
    assert isinstance(pulse, Play)
    assert isinstance(pulse.waveform, NetZero)
    assert pulse.waveform.ratio == ratio.value


async def test_pulses_of_other_durations_have_to_agree() -> None:
    pair = CoupledPair()
    bench = bench_of(pair, 5)
    pair.place = EdgePulses.of(bench, EDGE).resonance()
    made, runs = pair.__call__, 0

    def moving(asked, rng):  # type: ignore[no-untyped-def]
        nonlocal runs
        runs += 1
        pair.offset = 0.0 if runs <= 12 else 0.01 * pair.place  # two readouts of six programs
        return made(asked, rng)

    (_,) = [one async for one in bring_up(bench, ("chevron",))]
    bench.runner.make = moving  # type: ignore[attr-defined]
    (outcome,) = [one async for one in bring_up(bench, ("gate_ratio",))]
    assert "measured anew" in outcome.failures[EDGE.name]
    assert f"{EDGE.name}.gate_ratio" not in bench.record.all()
