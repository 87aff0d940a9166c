"""A carrier's phase is followed from start to start, and what that leaves has an honest sigma."""

import contextlib

import numpy as np
import pytest
from tests.benches.calibration.honest_sigmas import assert_honest

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.links.carrier_tracking import (
    CHECKED,
    STARTS,
    StartPhases,
    off_track,
    track_of,
)

CARRIER_HZ = 8.4e9
SHOTS_TURNS = 0.004


def phases(
    rng: np.random.Generator,
    residual_turns: float,
    *,
    rate: float = 0.001,
    relocks: tuple[int, ...] = (),
    count: int = STARTS + CHECKED,
) -> StartPhases:
    """Starts a second apart, of a phase that drifts, scatters, and is another one after a lock."""
    at_s = np.arange(count) + rng.uniform(-0.2, 0.2, count)
    lock = np.searchsorted(relocks, np.arange(count), side="right").astype(np.int64)
    height = rng.uniform(0, 1, len(relocks) + 1)[lock]
    sigma = np.full(count, SHOTS_TURNS)
    seen = height + rate * at_s + np.hypot(residual_turns, sigma) * rng.normal(size=count)
    return StartPhases.of(at_s, seen % 1.0, sigma, lock)


@pytest.mark.parametrize("residual_ps", [0.8, 2.0])
@pytest.mark.parametrize("relocks", [(), (5, 11)])
def test_the_residual_and_the_drift_scatter_as_their_sigmas_say(
    residual_ps: float, relocks: tuple[int, ...]
) -> None:
    """False alarm 1e-6 a bound; a residual's square is what scatters evenly."""
    rng, residual = np.random.default_rng(3), residual_ps * 1e-12 * CARRIER_HZ
    found: dict[str, list[float]] = {"variance": [], "drift": []}
    for _ in range(400):
        track = track_of(phases(rng, residual, relocks=relocks, count=STARTS))
        value, sigma = track.residual()
        assert value >= 0
        assert sigma > 0
        # of its own true scatter: the estimate of a sigma from few starts scatters with it
        truth = residual**2 + SHOTS_TURNS**2
        width = truth * np.sqrt(2 / track.degrees)
        found["variance"].append((track.scatter**2 - truth) / width)
        own = np.sqrt(track.covariance[-1, -1]) * np.sqrt(truth) / track.scatter
        found["drift"].append((track.turns_1_s - 0.001) / own)
    assert_honest({name: np.array(values) for name, values in found.items()})


def test_what_is_stored_of_a_residual_has_a_pull_of_about_one() -> None:
    rng, residual = np.random.default_rng(4), 1.2e-12 * CARRIER_HZ
    pulls = []
    for _ in range(600):
        value, sigma = track_of(phases(rng, residual, count=STARTS)).residual()
        pulls.append((value - residual) / sigma)
    assert 0.7 < np.std(pulls) < 1.4
    assert abs(np.mean(pulls)) < 0.5


def test_a_clock_without_jitter_leaves_a_residual_within_its_sigma() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        value, sigma = track_of(phases(rng, 0.0, count=STARTS)).residual()
        assert value < 5 * sigma
        assert sigma < 3 * SHOTS_TURNS


def test_a_lock_that_nobody_counts_is_taken_for_jitter() -> None:
    """So tries that fail are counted: each makes outputs safe, and oscillators lock anew."""
    rng = np.random.default_rng(6)
    known = phases(rng, 0.005, relocks=(8,), count=STARTS)
    other = np.where(known.lock == 1, known.turns - known.turns[8] + known.turns[7] + 0.2, 0.0)
    moved = np.where(known.lock == 1, other, known.turns)
    counted = StartPhases(known.at_s, moved, known.sigma, known.lock)
    hidden = StartPhases(known.at_s, moved, known.sigma, np.zeros(STARTS, np.int64))
    assert track_of(counted).residual()[0] < 0.01
    assert track_of(hidden).residual()[0] > 0.03


def test_a_phase_that_jumps_by_half_a_turn_is_refused() -> None:
    rng = np.random.default_rng(7)
    jumps = phases(rng, 0.3, count=STARTS)
    with pytest.raises(FitFailed, match="are both controllers locked to one clock"):
        track_of(jumps)


def test_so_many_locks_leave_no_track() -> None:
    rng = np.random.default_rng(8)
    with pytest.raises(FitFailed, match="oscillators have locked 12 times in 16 starts"):
        track_of(phases(rng, 0.005, relocks=tuple(range(1, 12)), count=STARTS))


def test_further_starts_are_foretold_and_a_drift_that_turns_is_found() -> None:
    rng, scatter = np.random.default_rng(9), float(np.hypot(0.008, SHOTS_TURNS))
    seen, refused = [], 0
    for _ in range(300):
        every = phases(rng, 0.008, relocks=(6, 22))
        track = track_of(every.of_first(STARTS))
        off, rms = off_track(track, every, STARTS)
        assert off.shape == (CHECKED,)
        seen.append(rms)
        turned = every.turns.copy()
        turned[STARTS:] += 0.02 * np.arange(1, CHECKED + 1)
        other = StartPhases(every.at_s, turned, every.sigma, every.lock)
        with contextlib.suppress(FitFailed):
            off_track(track, other, STARTS)
            refused -= 1
        refused += 1
    assert scatter < np.mean(seen) < 1.6 * scatter
    assert refused > 250


def test_starts_of_which_each_has_its_own_lock_foretell_nothing() -> None:
    every = phases(np.random.default_rng(10), 0.005, relocks=tuple(range(16, 24)))
    with pytest.raises(FitFailed, match="none could be foretold"):
        off_track(track_of(every.of_first(STARTS)), every, STARTS)
