"""The length of a gate is the even one that loses least of 11."""

import pytest
from tests.benches.calibration.coupled_bench import EDGE, with_a_gate
from tests.benches.calibration.coupled_pair import CoupledPair


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("back_ns", "chosen_ns"), [(68.4, 68), (69.6, 70), (71.5, 72)])
async def test_the_even_length_nearest_to_where_11_is_back_is_taken(
    back_ns: float, chosen_ns: int, seed: int
) -> None:
    """``back_ns``: after that 11 has been to 20 and back; what passes to 01 is no matter."""
    pair = CoupledPair(half_rate_hz=0.5e9 / back_ns, swap=0.02, juncture=0.0)
    outcome = await with_a_gate(pair, seed, 70e-9, "leakage")
    found = outcome.measured[f"{EDGE.name}.gate_duration"].value
    assert found == pytest.approx(1e-9 * chosen_ns)
