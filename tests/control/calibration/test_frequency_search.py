"""f01 is found again within 12 MHz of where it was, with an honest sigma, or not at all."""

import numpy as np
import pytest
from tests.benches.calibration.qubits_on_a_bench import design, worked
from tests.benches.calibration.synthetic_data import NODE, Asked
from tests.benches.thoroughness import cases

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.oscillation import ramsey
from podium.control.calibration.routines.frequency_search import (
    FARTHEST_HZ,
    LONGEST,
    POINTS,
    SHORTEST_S,
    find_detuning,
)
from podium.control.calibration.routines.ramsey import QUADRATURES

NOISE = 0.045
T2_S = 31e-6


def points(t2_s: float) -> tuple[np.ndarray, np.ndarray]:
    delays = np.round(np.geomspace(SHORTEST_S, LONGEST * t2_s, POINTS) * 1e9) * 1e-9
    delay, phase = np.meshgrid(delays, np.array(QUADRATURES), indexing="ij")
    return delay.ravel(), phase.ravel()


def test_every_detuning_is_found_whatever_became_of_coherence() -> None:
    rng = np.random.default_rng(20)
    pulls = []
    for _ in range(cases(50, 200)):
        t2_s = 10 ** rng.uniform(-5.5, -3.9)
        detuning = rng.uniform(-0.95, 0.95) * FARTHEST_HZ
        shape = {"decay": t2_s * rng.uniform(0.4, 1.2), "gaussian": rng.uniform(0, 1)}
        shape |= {"amplitude": rng.uniform(0.3, 0.49), "offset": 0.5, "detuning": detuning}
        shape |= {"shift": detuning * rng.uniform(15e-9, 30e-9)}  # the pulses last, too
        delay, phase = points(t2_s)
        seen = ramsey(delay, -phase, shape) + rng.normal(0, NOISE, delay.size)
        expected = {"decay": t2_s, "gaussian": shape["gaussian"]}
        found = find_detuning(delay, phase, seen, np.full(delay.size, NOISE), expected)
        pulls.append((found.values["detuning"] - detuning) / found.sigmas["detuning"])
    assert np.max(np.abs(pulls)) < 5.0
    assert 0.7 < float(np.std(pulls)) < 1.35


def test_noise_has_no_frequency() -> None:
    rng = np.random.default_rng(21)
    delay, phase = points(T2_S)
    for _ in range(200):
        with pytest.raises(FitFailed, match="none stands out"):
            find_detuning(
                delay,
                phase,
                rng.normal(0.5, NOISE, delay.size),
                np.full(delay.size, NOISE),
                {"decay": T2_S, "gaussian": 0.5},
            )


@pytest.mark.parametrize("away_hz", [-6.2e6, 0.0, 3.1e6])
async def test_the_routine_follows_a_qubit_that_a_bias_has_moved(away_hz: float) -> None:
    f01 = design("q1", "f01") + away_hz

    def make(asked: Asked, rng: np.random.Generator) -> np.ndarray:
        """Return fringes between the places of 0 and 1, 1 mV and -1 mV."""
        drive = next(one for one in asked.program.frames if one.name == "q1.drive")
        delay, phase = (asked.swept[name].astype(float).ravel() for name in ("delay", "phase"))
        shape = {"amplitude": 0.49, "offset": 0.5, "decay": 0.6 * T2_S, "gaussian": 0.3}
        shape |= {"detuning": f01 - drive.frequency_hz}
        shape |= {"shift": shape["detuning"] * 25e-9}
        excited = ramsey(1e-15 * delay, -phase, shape).reshape(asked.shape)
        noise = 0.5 / np.sqrt(asked.program.shots)
        return 1e-3 * (1 - 2 * (excited + rng.normal(0, noise, asked.shape))) + 0j

    outcome, bench, runner = await worked(
        "frequency_search", lambda _: make, ("q1",), t2_ramsey=T2_S, t2_gaussian=0.3
    )
    assert not outcome.failures, outcome.failures
    assert len(runner.datasets) == 1
    found = bench.known(bench.qubits[0], "f01")
    assert found.name == f"{NODE}.q1.f01"
    assert abs(found.value - f01) < 4 * found.sigma
    assert found.sigma < 15e3
