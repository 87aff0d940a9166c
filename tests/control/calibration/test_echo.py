"""An echo scan goes on until its sigma says more than the design does."""

import numpy as np
import pytest
from tests.benches.calibration.synthetic_data import (
    NODE,
    ONE_SHOT_V,
    Asked,
    MadeRunner,
    known,
)

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.enough_shots import WITHIN
from podium.control.calibration.outcome import Outcome


def echoes(t2_s: float):
    """Return what makes the mean of each point: which state a shot is in is drawn."""

    def make(asked: Asked, rng: np.random.Generator) -> np.ndarray:
        total_s = 2e-15 * asked.swept["half_delay"]
        sign = np.cos(2 * np.pi * asked.swept["phase"])
        share = 0.5 + 0.48 * sign * np.exp(-total_s / t2_s)
        ones = rng.binomial(asked.program.shots, share) / asked.program.shots
        scatter = ONE_SHOT_V / np.sqrt(asked.program.shots) * rng.normal(size=(2, *share.shape))
        return 1e-3 * (1 - 2 * ones) + scatter[0] + 1j * scatter[1]

    return make


async def measured(t2_s: float, seed: int, thoroughness: float = 1.0) -> tuple[Outcome, float]:
    """Return the outcome and the design's spread, s."""
    runner = MadeRunner(echoes(t2_s), seed)
    qubit = runner.facility.qubits()[f"{NODE}.q0"]
    record = known(runner.facility)
    bench = Bench(runner, NODE, (qubit,), record, keep=lambda _: None, thoroughness=thoroughness)
    (outcome,) = [one async for one in bring_up(bench, ("echo",))]
    assert outcome.failures == {}
    return outcome, qubit.design["t2_echo"].spread


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_long_lived_echo_is_measured_on_until_its_sigma_is_a_fifth_of_the_spread(
    seed: int,
) -> None:
    t2_s = 80e-6
    outcome, spread = await measured(t2_s, seed)
    assert len(outcome.runs) == 2
    found = outcome.measured[f"{NODE}.q0.t2_echo"]
    assert 0.15 * spread < found.sigma < 0.2 * spread
    assert found.value == pytest.approx(t2_s, abs=4 * found.sigma)


async def test_a_usual_echo_is_measured_once() -> None:
    outcome, spread = await measured(35e-6, 3)
    assert len(outcome.runs) == 1
    assert outcome.measured[f"{NODE}.q0.t2_echo"].sigma < WITHIN * spread


async def test_who_asks_for_fewer_shots_gets_no_second_scan() -> None:
    outcome, _ = await measured(80e-6, 4, thoroughness=0.5)
    assert len(outcome.runs) == 1
