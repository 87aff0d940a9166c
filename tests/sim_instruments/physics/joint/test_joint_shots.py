"""Shots of a cluster that repeat are played once, and drawn as if each were played."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.coupled_chip import (
    PERIOD_NS,
    flip,
    quanta_where,
    run,
    square,
    world,
)

from podium.sim_instruments.physics import shot_kinds
from podium.sim_instruments.physics.feedline_run import FeedlineRun

SHOTS = 96
AT_NS = PERIOD_NS * np.arange(SHOTS, dtype=np.int64)


def repeated(turns):
    """11 to 20 and halfway back, twice in other phases; ``turns`` (SHOTS,): q1's ahead of q0's."""
    odd = AT_NS[1::2]
    drives = [flip(0, AT_NS + 20, 0.5), flip(1, AT_NS + 20), flip(1, odd + 150, 0.5)]
    phases = [np.zeros(SHOTS), turns, turns[1::2] + 0.2]
    fluxes = square(AT_NS + 70, quanta_where(1), 30)
    played = [replace(one, phase_turns=p) for one, p in zip(drives, phases, strict=True)]
    signals = run([*played, fluxes], (AT_NS + 400).tolist(), PERIOD_NS * SHOTS + 1000)
    tones = [replace(one, phase_turns=np.zeros(SHOTS)) for one in signals.drives[len(played) + 1 :]]
    return replace(signals, drives=(*played, fluxes, *tones))


@pytest.fixture
def grouped(monkeypatch):
    """Whether each run was played by kinds of shots."""
    said: list[bool] = []
    plain = FeedlineRun._grouped

    def watched(self, *given):
        found = plain(self, *given)
        said.append(found is not None)
        return found

    monkeypatch.setattr(FeedlineRun, "_grouped", watched)
    return said


@pytest.mark.parametrize("steps", [1, 3])
def test_shots_that_repeat_come_out_as_one_by_one(steps: int, grouped, monkeypatch) -> None:
    signals = repeated(0.3 * (np.arange(SHOTS) % steps))
    found = world().play(signals)
    monkeypatch.setattr(shot_kinds, "LEAST_SHOTS", 10_000)
    alone = world().play(signals)
    assert grouped == [True, False]
    for one, other in zip(found, alone, strict=True):
        assert (
            np.abs(one.integrated - other.integrated).max() < 1e-9 * np.abs(other.integrated).max()
        )


def test_phases_of_one_member_against_the_other_tell_shots_apart(grouped) -> None:
    world().play(repeated(np.random.default_rng(1).random(SHOTS)))
    assert grouped == [False]
