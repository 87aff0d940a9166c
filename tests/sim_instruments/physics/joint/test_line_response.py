import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.line_response import (
    LineResponse,
    at_rest,
    respond,
    wait,
)

FOUR = LineResponse(((-0.03, 4.0), (0.02, 60.0), (-0.02, 1_500.0), (0.01, 30_000.0)))


def convolved(response: LineResponse, held: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over each ns, from the step response's integral over each ns."""
    edges = np.arange(held.size + 1.0)
    integral = edges.copy()
    for a, tau in response.exponentials:
        integral += a * tau * (1 - np.exp(-edges / tau))
    steps = np.diff(held, prepend=0.0)
    return np.convolve(steps, np.diff(integral))[: held.size]


def test_it_is_the_convolution_with_the_step_response() -> None:
    held = np.random.default_rng(2).normal(size=300)
    found, _ = respond(FOUR, held[None], 1.0, at_rest(FOUR))
    assert np.abs(found[0] - convolved(FOUR, held)).max() < 1e-10


def test_what_is_cut_in_two_is_as_it_was_whole() -> None:
    held = np.random.default_rng(2).normal(size=(2, 200))
    tee = LineResponse(FOUR.exponentials, 20_000.0)
    whole, end = respond(tee, held, 1.0, at_rest(tee, 2))
    first, middle = respond(tee, held[:, :77], 1.0, at_rest(tee, 2))
    second, last = respond(tee, held[:, 77:], 1.0, middle)
    assert np.abs(np.concatenate([first, second], axis=1) - whole).max() < 1e-14
    assert np.abs(last.tails - end.tails).max() < 1e-14


def test_a_wait_is_as_many_steps_at_zero() -> None:
    tee = LineResponse(FOUR.exponentials, 20_000.0)
    held = np.full((1, 100), 0.3)
    _, state = respond(tee, held, 1.0, at_rest(tee))
    jumped = wait(tee, 5_000, state)
    _, walked = respond(tee, np.zeros((1, 5_000)), 1.0, state)
    assert np.abs(jumped.tails - walked.tails).max() < 1e-12
    assert np.abs(jumped.tails - walked.tails).max() < 1e-6


def test_a_bias_tee_lets_a_level_sink() -> None:
    tee = LineResponse((), 1_000.0)
    found, _ = respond(tee, np.ones((1, 3_000)), 1.0, at_rest(tee))
    middle = np.arange(3_000) + 0.5
    assert np.abs(found[0] - np.exp(-middle / 1_000)).max() < 1e-6
