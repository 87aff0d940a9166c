"""Of the gaps that leave half a turn that is taken in which least passes, and least is lost."""

from dataclasses import replace

import pytest
from tests.benches.calibration.coupled_bench import EDGE, bench_of, with_a_gate
from tests.benches.calibration.coupled_pair import CoupledPair
from tests.benches.thoroughness import sampled

from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.gate_losses import GateLosses
from podium.control.calibration.routines.gate_gap import has_room

DURATION_NS = 70
PAIR = CoupledPair(half_rate_hz=0.5e9 / DURATION_NS, swap=0.05)


async def swapped(seed: int, juncture: float) -> float:
    """Return what a pulse with the gap that was found takes from 10 to 01."""
    pair = replace(PAIR, juncture=juncture)
    outcome = await with_a_gate(pair, seed, 1e-9 * DURATION_NS, "gate_gap")
    gap, level = (
        outcome.measured[f"{EDGE.name}.gate_{name}"].value for name in ("gap", "gap_level")
    )
    return pair.swapped(DURATION_NS, round(gap * 1e9), level)


@pytest.mark.parametrize("seed", sampled([1, 2], kept=[1]))
@pytest.mark.parametrize("juncture", sampled((0.1, 0.25, 0.35), kept=(0.1, 0.35)))
async def test_the_gap_in_which_less_passes_is_taken(
    juncture: float, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who does not look at it takes the shortest, in which more than twice as much does."""
    found = await swapped(seed, juncture)
    monkeypatch.setattr(GateLosses, "swapped", lambda *_: (0.0, 1e-3))
    assert found < 0.5 * await swapped(seed, juncture)


async def gap_ns(back_ns: float, juncture: float, blurred: float = 0.0) -> int:
    """Return the gap that is found where 11 has been to 20 and back after ``back_ns``."""
    pair = CoupledPair(half_rate_hz=0.5e9 / back_ns, juncture=juncture, blurred=blurred)
    bench = bench_of(pair, 1)
    p = EdgePulses.of(bench, EDGE)
    pair.place, pair.above_hz = p.resonance(), p.rest_detuning_hz
    failures = [one.failures async for one in bring_up(bench, ("chevron", "gate_gap"))]
    assert not any(failures), failures
    return round(bench.best(EDGE, "gate_gap") * 1e9)


@pytest.mark.parametrize(
    ("juncture", "shortest"), sampled([(0.112, 2), (0.55, 1)], kept=[(0.55, 1)])
)
async def test_a_gap_without_room_for_a_level_is_taken_where_its_pulse_loses_nothing_alone(
    juncture: float, shortest: int
) -> None:
    """Halves last whole ns: if 69 ns are due, 68 lose 0.2 % of 11, which a level takes back."""
    assert await gap_ns(68.0, juncture) == shortest
    assert has_room(await gap_ns(69.0, juncture))


async def test_a_gap_at_0_is_measured_by_itself_before_it_is_taken() -> None:
    """A line makes of the shortest gaps what the phases of longer ones do not say."""
    assert await gap_ns(68.0, 0.55) == 1
    assert has_room(await gap_ns(68.0, 0.55, blurred=0.03))
