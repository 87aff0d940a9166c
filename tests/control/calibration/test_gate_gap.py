"""Of the gaps that leave half a turn that is taken in which least passes from 10 to 01."""

from dataclasses import replace

import pytest
from tests.benches.calibration.coupled_bench import EDGE, with_a_gate
from tests.benches.calibration.coupled_pair import CoupledPair
from tests.benches.thoroughness import sampled

from podium.control.calibration.gate_losses import GateLosses

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
@pytest.mark.parametrize("juncture", [0.1, 0.25, 0.35])
async def test_the_gap_in_which_less_passes_is_taken(
    juncture: float, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who does not look at it takes the shortest, in which more than twice as much does."""
    found = await swapped(seed, juncture)
    monkeypatch.setattr(GateLosses, "swapped", lambda *_: (0.0, 1e-3))
    assert found < 0.5 * await swapped(seed, juncture)
