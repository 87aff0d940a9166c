"""Faults in meetings: nobody hangs, nobody fails without a reason, and no result is impossible."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pytest
from tests.benches.servers.meeting_faults import (
    NAMES,
    Case,
    Outcome,
    case_of,
    contradictions,
    played,
)

from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.servers.meetings import CameTooLate, NobodyCame

LIKELY = 0.85
"""Share of what is likely that is so: 0.88 of photons are found (decay of f and e meanwhile)."""


def wrong_with(outcome: Outcome) -> list[str]:
    """Return what should not have happened."""
    case = outcome.case
    found = [f"{name} hangs" for name in outcome.hung]
    for end, error in enumerate(outcome.errors):
        other = case.parts[1 - end]
        if isinstance(error, NobodyCame) and other.fate == "hangs":
            continue
        if isinstance(error, CameTooLate) and comes_late(case, end):
            continue
        if isinstance(error, NotSimulated) and case.swapped:
            continue  # it drives a qubit that nobody reads: refused by name
        if error is not None:
            found.append(f"{NAMES[end]}: {error!r}")
    return found + contradictions(outcome)[0]


def comes_late(case: Case, end: int) -> bool:
    """Tell whether a run enters at a look at which the other's may be over."""
    return case.parts[end].enters > case.parts[1 - end].enters


def judged(seeds: Iterable[int]) -> None:
    fates, arrived = Counter[str](), list[bool]()
    for seed in seeds:
        outcome = played(case_of(seed), seed)
        assert wrong_with(outcome) == [], (seed, outcome.case)
        fates.update(type(e).__name__ if e else "answered" for e in outcome.errors)
        arrived += contradictions(outcome)[1]
    assert len(arrived) > 20
    assert fates["answered"] > sum(fates.values()) / 2
    assert fates["CameTooLate"]
    assert fates["NobodyCame"]
    assert np.mean(arrived) > LIKELY, fates


def test_faults_hang_no_meeting_and_contradict_no_result() -> None:
    judged(range(40))


@pytest.mark.slow
def test_five_hundred_faults_hang_no_meeting_and_contradict_no_result() -> None:
    judged(range(1_000, 1_500))
