import math
from pathlib import Path

import numpy as np
import pytest
from scipy.special import erfc
from tests.benches.thoroughness import sampled

from podium.sim_instruments.physics import assignment
from podium.sim_instruments.physics.assignment import assignment_at, best_assignment, separation
from podium.sim_instruments.physics.chips.krinner2022 import READOUT_ERROR
from podium.sim_instruments.physics.operating_point import FeedlinePoint
from podium.sim_instruments.physics.readout import ResponseTable
from podium.sim_instruments.physics.sampling import sample

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"


def feedline(seed: int) -> FeedlinePoint:
    chip = sample(EXAMPLE, seed).chip()
    return chip.at(chip.sweet_spots_v())[0]


def table(sigma: float, rate_1_s: float = 0.0, length: int = 400) -> ResponseTable:
    """Two levels at 0 and 1+1j; a jump to 0 at sample k leaves the share k of the window."""
    mean = np.array([0, 1 + 1j])
    jumped = np.zeros((2, 2, length), np.complex128)
    jumped[0, 1] = mean[1] * np.arange(length) / (length - 1)
    return ResponseTable(
        mean=mean,
        noise_sigma=sigma,
        photons=np.zeros((2, length)),
        exposure_ns=np.tile(np.arange(length, dtype=float), (2, 1)),
        rates_1_s=np.array([[0.0, rate_1_s], [0.0, 0.0]]),
        jumped=jumped,
    )


def test_without_jumps_the_fidelity_is_that_of_two_gaussians() -> None:
    for sigma in (0.1, 0.3, 1.0):
        expected = 1 - erfc(math.sqrt(2) / (2 * sigma) / math.sqrt(2)) / 2
        assert separation(table(sigma)) == pytest.approx(expected, abs=1e-6)


def test_decays_in_the_first_half_of_the_window_are_the_most_that_is_lost() -> None:
    # At half way, decays before half of the window are taken for 0: half of them all. Little
    # noise asks for a lower threshold and loses fewer; none at all loses next to nothing.
    lost = (1 - math.exp(-1e5 * 399e-9)) / 2
    assert separation(table(0.0, 1e5)) > 1 - lost / 20
    assert 1 - lost / 2 < separation(table(0.1, 1e5)) < 1 - lost / 20


def test_a_simulated_experiment_reaches_the_stated_fidelity() -> None:
    generator = np.random.Generator(np.random.Philox(key=7))
    shots, sigma, rate = 400_000, 0.35, 5e5
    made = table(sigma, rate)
    jump = generator.exponential(1 / rate, shots) * 1e9
    place = math.sqrt(2) * np.minimum(jump / 399, 1) + sigma * generator.standard_normal(shots)
    empty = sigma * generator.standard_normal(shots)
    edges = np.linspace(0, math.sqrt(2), 200)
    reached = max(1 - (np.mean(empty > edge) + np.mean(place < edge)) / 2 for edge in edges)
    # Standard error 4e-4; 5e-3 is more than ten of them: false alarm far below 1e-6.
    assert separation(made) == pytest.approx(reached, abs=5e-3)


def test_equal_responses_tell_nothing() -> None:
    same = table(0.1)
    same.mean[1] = same.mean[0]
    assert separation(same) == 0.5


@pytest.mark.parametrize("seed", sampled([1, 2, 3], kept=[1]))
def test_the_best_readout_of_a_drawn_world_is_as_good_as_published(seed: int) -> None:
    low, high = READOUT_ERROR
    for index in range(3):
        best = best_assignment(feedline(seed), index)
        assert low * 0.8 < 1 - best.fidelity < high
        assert 100 < best.window_ns < 1500
        assert 20 * math.log10(best.amplitude_sqrt_w) + 30 < -25, "the module's full scale"


def test_no_setting_around_the_best_is_better() -> None:
    line = feedline(4)
    best = best_assignment(line, 0)
    wait_ns = best.open_ns - math.ceil(line.delay_in_ns + line.delay_out_ns)
    for shift_hz in (-1e6, -0.3e6, 0.3e6, 1e6):
        for factor in (0.7, 0.9, 1.1, 1.4):
            for window_ns in (0.6, 0.85, 1.2, 1.6):
                other = assignment_at(
                    line,
                    0,
                    best.frequency_hz + shift_hz,
                    best.amplitude_sqrt_w * factor,
                    wait_ns,
                    round(best.window_ns * window_ns),
                )
                assert other.fidelity <= best.fidelity + 2e-4


def test_the_best_readout_is_found_with_few_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a window that opens later, which the grid does not try, reaches no more."""
    line, asked = feedline(611), []

    def counted(*setting: object) -> assignment.Assignment:
        asked.append(setting)
        return assignment_at(*setting)

    monkeypatch.setattr(assignment, "assignment_at", counted)
    best = best_assignment(line, 1)
    assert len(asked) < 240
    for opens_ns in (0, 20, 80, 160):
        late = assignment_at(
            line, 1, best.frequency_hz, best.amplitude_sqrt_w, opens_ns, best.window_ns
        )
        assert late.fidelity <= best.fidelity + 3e-6


def test_a_quieter_amplifier_reads_better() -> None:
    line = feedline(5)
    quiet = FeedlinePoint(
        **{name: getattr(line, name) for name in line.__slots__ if name != "noise_w_per_hz"},
        noise_w_per_hz=line.noise_w_per_hz / 4,
    )
    assert best_assignment(quiet, 1).fidelity > best_assignment(line, 1).fidelity + 1e-3
