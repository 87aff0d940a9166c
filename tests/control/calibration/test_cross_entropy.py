"""Cross-entropy benchmarking finds the error that a pair in formulas has, with honest sigmas."""

import numpy as np
import pytest
from tests.benches.calibration.benchmarked_bench import measured
from tests.benches.calibration.benchmarked_pair import BenchmarkedPair
from tests.benches.thoroughness import cases

from podium.control.calibration.fits.cross_entropy import draw_circuit, ideal_left
from podium.control.calibration.fits.two_qubit_state import CZ, ISWAP, Confusion


def test_what_is_left_of_a_circuit_is_told_through_a_poor_readout() -> None:
    rng = np.random.default_rng(3)
    confusion = Confusion((0.03, 0.08), (0.1, 0.05)).matrix()
    pulls = []
    for number in range(400):
        gate = (CZ, ISWAP)[number % 2]
        chances = draw_circuit(1 + number % 9, gate, (4, number)).chances(gate)
        counts = rng.multinomial(800, confusion @ (0.6 * chances + 0.1))
        left, variance = ideal_left(counts.astype(float), chances, confusion)
        pulls.append((left - 0.6) / np.sqrt(variance))
    assert abs(np.mean(pulls)) < 0.2
    assert 0.9 < np.std(pulls) < 1.1


def test_circuits_are_drawn_that_tell() -> None:
    drawn = [draw_circuit(5, CZ, (1, k)) for k in range(50)]
    assert all(np.sum((one.chances(CZ) - 0.25) ** 2) > 0.1 for one in drawn)
    assert all(np.all(np.diff(one.phases, axis=0) != 0) for one in drawn)
    assert len({one.phases.tobytes() for one in drawn}) == 50


async def pull_of(pair: BenchmarkedPair, seed: int) -> float:
    outcome, found = await measured("cross_entropy", pair, seed)
    assert outcome.failures == {}
    assert "gate_error" not in found  # nobody has measured what pulses cost
    error = found["cycle_error"]
    return (error.value - pair.gate_error) / error.sigma


async def test_the_error_of_a_pair_in_formulas_is_found() -> None:
    found = [
        await pull_of(BenchmarkedPair(left=0.97, leakage=0.0), seed) for seed in range(cases(1, 2))
    ]
    assert np.all(np.abs(found) < 4), found


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_errors_scatter_as_their_sigmas_say() -> None:
    found = [await pull_of(BenchmarkedPair(left=0.97, leakage=0.0), k) for k in range(500, 540)]
    assert 0.7 < np.std(found) < 1.4
    assert abs(np.mean(found)) < 0.7
