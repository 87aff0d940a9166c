"""Judges what bring-ups find by windows: of a campaign, and of a single world."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from podium.control.campaign.null_values import NULLS, Guess
from podium.control.campaign.pull_statistics import (
    WORLD_CHANCE,
    Limits,
    PullStatistics,
    broken_limits,
    broken_sigmas,
    campaign_limits,
    chance_limits,
    statistics,
)
from podium.control.campaign.world_record import Recovery, WorldRecord, by_quantity

FOUND_SHARE = 0.95
"""So many of a campaign's qubits are found, all of their listed parameters."""

Null = Callable[[Recovery, Mapping[str, Guess]], Recovery]


@dataclass(frozen=True, slots=True)
class QuantityVerdict:
    """Judges one quantity in a campaign or in a world."""

    quantity: str
    unit: str
    pulls: PullStatistics
    median_sigma: float
    spread: float
    """Median over the qubits; NaN: not known."""
    spread_source: str
    sigma_of_spread: float
    """Median of sigma / spread."""
    broken: tuple[str, ...]
    """What the window complains about; empty: it is kept."""


def judge_quantity(
    quantity: str,
    recoveries: Sequence[Recovery],
    guesses: Mapping[str, Guess],
    limits: Callable[[int], Limits] = campaign_limits,
) -> QuantityVerdict:
    """Return whether the values of one quantity keep its window.

    Each sigma is at most a fifth of the spread, and the pulls keep the ``limits`` of their number.
    A value that was not found is not judged here (:func:`found_share` counts it).
    """
    found = [one for one in recoveries if one.found and isfinite(one.truth)]
    pulls = statistics([one.pull for one in found])
    sigmas = np.array([one.sigma for one in found])
    spreads = np.array(
        [guesses[one.name].spread if one.name in guesses else np.nan for one in found]
    )
    known = sorted({guesses[one.name].source for one in found if one.name in guesses})
    broken = [*broken_limits(pulls, limits(pulls.count))]
    if np.isfinite(spreads).all() and len(found):
        broken += broken_sigmas(sigmas / spreads, 1.0)
    elif len(found):
        broken.append("its spread is not known: no design value, and too few worlds")
    return QuantityVerdict(
        quantity,
        recoveries[0].unit if recoveries else "",
        pulls,
        float(np.median(sigmas)) if len(found) else np.nan,
        float(np.median(spreads)) if len(found) else np.nan,
        ", ".join(known),
        float(np.median(sigmas / spreads)) if len(found) else np.nan,
        tuple(broken),
    )


def judge_campaign(
    records: Iterable[WorldRecord], guesses: Mapping[str, Guess]
) -> tuple[QuantityVerdict, ...]:
    """Return the verdict on each quantity over all worlds."""
    return tuple(
        judge_quantity(quantity, rows, guesses) for quantity, rows in by_quantity(records).items()
    )


def judge_nulls(
    records: Iterable[WorldRecord], guesses: Mapping[str, Guess]
) -> dict[str, tuple[QuantityVerdict, ...]]:
    """Return, for each null, what the campaign's windows say of it: each has to be broken."""
    listed = tuple(records)
    return {
        name: tuple(
            judge_quantity(quantity, guessed(rows, guesses, null), guesses)
            for quantity, rows in by_quantity(listed).items()
        )
        for name, null in NULLS.items()
    }


def judge_world(
    recoveries: Iterable[Recovery], guesses: Mapping[str, Guess], chance: float = WORLD_CHANCE
) -> dict[str, tuple[str, ...]]:
    """Return what the values of one world break, by quantity; ``world``: of all together.

    An honest bring-up breaks anything here with probability ``chance``, whatever the seed, so no
    seed has to be chosen that happens to pass. That share is divided over the windows; within 3
    sigma of three values lies the limit of a quantity's rms, 3.4.
    """
    listed = tuple(recoveries)
    quantities = tuple(dict.fromkeys(one.quantity for one in listed))
    each = chance / (3 * (len(quantities) + 1))  # three limits each, and of all values together

    def limits(count: int) -> Limits:
        return chance_limits(max(1, count), each)

    said: dict[str, tuple[str, ...]] = {}
    for quantity in quantities:
        own = [one for one in listed if one.quantity == quantity]
        missing = [f"{one.name} was not found" for one in own if not one.found]
        said[quantity] = (*missing, *judge_quantity(quantity, own, guesses, limits).broken)
    together = statistics([one.pull for one in listed])
    said["world"] = broken_limits(together, limits(together.count))
    return {name: complaints for name, complaints in said.items() if complaints}


def guessed(
    recoveries: Iterable[Recovery], guesses: Mapping[str, Guess], null: Null
) -> list[Recovery]:
    """Return what a null would have found where the bring-up has found something."""
    return [null(one, guesses) for one in recoveries if one.found and one.name in guesses]


def found_share(records: Iterable[WorldRecord]) -> tuple[int, int]:
    """Return how many qubits were found, and how many there are."""
    found = [one for record in records for one in record.qubits.values()]
    return sum(found), len(found)
