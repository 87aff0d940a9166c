"""A gate's amplitude and level are those of the pairs that leave half a turn that lose nothing."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.calibration.coupled_bench import EDGE, bench_of
from tests.benches.calibration.coupled_pair import LEVELS_V, CoupledPair, populations
from tests.benches.calibration.synthetic_data import Asked
from tests.benches.thoroughness import cases, sampled

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.routines import gate_level
from podium.control.calibration.routines.gate_level import AWAY
from podium.control.program.program import Program, variables

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


@pytest.mark.parametrize(
    ("back_ns", "juncture", "seed"),
    sampled([(68.6, 0.2, 1), (69.0, 0.1, 1)], kept=[(69.0, 0.1, 1)]),
)
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


async def test_a_length_whose_edges_lose_everywhere_is_not_taken_for_one_that_loses_nothing() -> (
    None
):
    """Between five pairs there are two where the formula has 0: what edges take is not in it."""
    pair = CoupledPair(half_rate_hz=0.5e9 / 68.6, juncture=0.2)
    bench = bench_of(pair, 2)
    p = EdgePulses.of(bench, EDGE)
    pair.place, pair.above_hz = p.resonance(), p.rest_detuning_hz

    def lossy(asked: Asked, rng: np.random.Generator) -> np.ndarray:
        signal, program = pair(asked, rng), asked.program
        from_11 = "leakage" in program.name and variables(program.axes)["q1_preparation"].value(0)
        if asked.element == "q1" and "70 ns" in program.name and from_11:
            signal = signal + 0.02 * (LEVELS_V[0] - LEVELS_V[1])
        return signal

    await carried_out(bench, BEFORE)
    assert bench.best(EDGE, "gate_duration") == pytest.approx(68e-9)
    bench.runner.make = lossy  # type: ignore[attr-defined]
    await carried_out(bench, ("gate_level",))
    assert bench.best(EDGE, "gate_duration") == pytest.approx(68e-9)


async def test_points_on_no_curve_of_two_halves_store_nothing_and_say_so() -> None:
    """Both halves meet 20 at places of their own: five pairs have a best one all the same."""
    pair = CoupledPair(half_rate_hz=0.5e9 / 68.6, juncture=0.2)
    bench = bench_of(pair, 4)
    p = EdgePulses.of(bench, EDGE)
    pair.place, pair.above_hz = p.resonance(), p.rest_detuning_hz
    await carried_out(bench, BEFORE)
    before = bench.record.all()
    pair.farther = 0.005
    (outcome,) = [one async for one in bring_up(bench, ("gate_level",))]
    assert (outcome.measured, bench.record.all()) == ({}, before)
    assert "on no curve of two halves" in outcome.failures[EDGE.name]
    assert all(length in outcome.failures[EDGE.name] for length in ("68 ns", "70 ns"))
    [panel] = outcome.panels
    assert panel.failed
    assert len(panel.series) == 2


async def test_one_length_whose_points_lie_on_no_curve_is_left_out_and_named() -> None:
    pair = CoupledPair(half_rate_hz=0.5e9 / 68.6, juncture=0.2)
    bench = bench_of(pair, 5)
    p = EdgePulses.of(bench, EDGE)
    pair.place, pair.above_hz = p.resonance(), p.rest_detuning_hz

    def crooked(asked: Asked, rng: np.random.Generator) -> np.ndarray:
        pair.farther = 0.005 if asked.program.name == "leakage, 70 ns" else 0.0
        return pair(asked, rng)

    await carried_out(bench, BEFORE)
    bench.runner.make = crooked  # type: ignore[attr-defined]
    (outcome,) = [one async for one in bring_up(bench, ("gate_level",))]
    assert outcome.failures == {}
    assert bench.best(EDGE, "gate_duration") == pytest.approx(68e-9)
    [note] = outcome.notes
    assert "goes without gates of 70 ns: what is lost lies on no curve" in note


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


def test_where_few_amplitudes_have_a_level_pairs_are_taken_closer() -> None:
    bench = bench_of(CoupledPair(), 3)
    some = next(iter(bench.record.all().values()))
    known = {"gate_amplitude": 0.55, "gate_duration": 70e-9, "exchange": 5e6}
    known |= {"gate_gap": 4e-9, "gate_gap_level": 0.69}
    bench.record.put(
        [replace(some, name=f"{EDGE.name}.{k}", value=v, sigma=1e-9) for k, v in known.items()]
    )
    few = 0
    for turns in np.linspace(-2000, 2000, cases(81, 161)).tolist():
        line = gate_level._Line(EdgePulses.of(bench, EDGE), 7e6, turns)
        fine = [a for a in np.linspace(*gate_level.AWAY[:: len(AWAY) - 1], 53) if line.at(a)]
        if fine and fine[-1] - fine[0] > 0.15:
            few += sum(line.at(away) is not None for away in AWAY) < gate_level.FEWEST
            assert len(line.pairs()) >= gate_level.FEWEST
    assert few
