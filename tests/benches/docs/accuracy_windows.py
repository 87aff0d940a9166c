"""Windows for a single bring-up, for the end-to-end tests."""

import json
from pathlib import Path

from podium.control.campaign.bring_up_world import record_of
from podium.control.campaign.null_values import NULLS, Guess, design_guesses
from podium.control.campaign.windows import guessed, judge_world
from podium.control.campaign.world_record import Recovery
from podium.control.campaign.world_task import WorldTask
from podium.control.facility.facility import Facility

KEPT = Path(__file__).parents[3] / "docs" / "reference" / "accuracy.json"

NOT_YET: frozenset[str] = frozenset()
"""Sigmas of these are above a fifth of the spread, and are said to be: take a name out when its
routine measures better (the test that expects it to fail then says so)."""


def recoveries_of(folder: Path) -> tuple[Recovery, ...]:
    """Return what a demo has left in ``folder``, beside the truth."""
    return record_of(WorldTask("bring-up", 0, (), ""), folder).recoveries


def guesses_for(facility: Facility, recoveries: tuple[Recovery, ...]) -> dict[str, Guess]:
    """Return a guess for each parameter: the design, else what the kept campaign's truths give.

    A qubit that the kept campaign does not have is guessed like the others of its quantity.
    """
    kept = {
        name: Guess(**one)
        for name, one in json.loads(KEPT.read_text(encoding="utf-8"))["guesses"].items()
    }
    by_quantity = {name.rpartition(".")[2]: one for name, one in kept.items()}
    without = {one.name: kept.get(one.name, by_quantity[one.quantity]) for one in recoveries}
    return without | design_guesses(facility, by_quantity)


def broken_windows(
    folder: Path, facility: Facility, null: str | None = None
) -> dict[str, tuple[str, ...]]:
    """Return what the bring-up in ``folder``, or a null in its place, breaks, by quantity."""
    rows = recoveries_of(folder)
    guesses = guesses_for(facility, rows)
    if null is not None:
        rows = tuple(guessed(rows, guesses, NULLS[null]))
    return judge_world(rows, guesses)
