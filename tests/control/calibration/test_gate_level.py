"""A gate's amplitude and level are those of the pairs that leave half a turn that lose nothing."""

from dataclasses import replace

import pytest
from tests.benches.calibration.coupled_bench import EDGE, bench_of
from tests.benches.calibration.coupled_pair import CoupledPair, populations

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.program.program import Program

BEFORE = ("chevron", "gate_gap", "conditional_phase")
PHASE = ("conditional_phase", "conditional_phase_fine")


async def carried_out(bench: Bench, routines: tuple[str, ...]) -> None:
    failures = [one.failures async for one in bring_up(bench, routines)]
    assert not any(failures), failures


def loses(pair: CoupledPair, bench: Bench) -> float:
    """Return what one gate takes from 11."""
    p = EdgePulses.of(bench, EDGE)
    body = [*(one.pi() for one in p.both), p.pulse(p.gate_amplitude, p.gate_ns)]
    return float(1 - populations(pair, Program("once", p.frames(), tuple(body)))[0, 4])


@pytest.mark.parametrize(("back_ns", "juncture", "seed"), [(68.6, 0.2, 1), (69.0, 0.1, 1)])
async def test_a_length_between_even_ones_loses_next_to_nothing(
    back_ns: float, juncture: float, seed: int
) -> None:
    """``back_ns``: after that 11 has been to 20 and back, on resonance, without a gap."""
    pair = CoupledPair(half_rate_hz=0.5e9 / back_ns, juncture=juncture)
    bench = bench_of(pair, seed)
    p = EdgePulses.of(bench, EDGE)
    pair.place, pair.above_hz = p.resonance(), p.rest_detuning_hz
    await carried_out(bench, BEFORE)
    before = loses(pair, bench)
    await carried_out(bench, ("gate_level", *PHASE))
    assert loses(pair, bench) < 6e-4 < 2e-3 < before


async def test_a_gap_without_a_level_stays_as_it_is() -> None:
    bench = bench_of(CoupledPair(), 3)
    some = next(iter(bench.record.all().values()))
    known = {"gate_amplitude": 0.55, "gate_duration": 70e-9, "exchange": 5e6}
    known |= {"gate_gap": 3e-9, "gate_gap_level": 0.0}
    bench.record.put(
        [replace(some, name=f"{EDGE.name}.{k}", value=v, sigma=1e-9) for k, v in known.items()]
    )
    (outcome,) = [one async for one in bring_up(bench, ("gate_level",))]
    assert (outcome.failures, outcome.measured) == ({}, {})
