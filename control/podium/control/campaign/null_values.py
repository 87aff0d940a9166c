"""Predicts a world's parameters without measuring anything: the nulls of a campaign.

A guess of a quantity is its design value; its spread is the design's. Where the facility file has
no design value (assignment fidelity, thermal population), the guess is the mean of the truths of
the other worlds at hand, for each qubit its own, and the spread is their scatter about these means.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from podium.control.campaign.world_record import Recovery, WorldRecord
from podium.control.facility.facility import Facility

DESIGN_NAME = {"sweet_spot": "flux_offset"}
"""Where the facility file has another name for a parameter: the bias of greatest f01 is its
offset (docs/reference/facility_file.md)."""
FEWEST_WORLDS = 3
"""The scatter of fewer truths says nothing."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A value that costs nothing, and how far off it usually is."""

    value: float
    spread: float
    """One standard deviation."""
    source: str
    """``design``, or ``truths of N worlds``."""


def design_guesses(facility: Facility, quantities: Iterable[str]) -> dict[str, Guess]:
    """Return the guesses that a facility file gives, by parameter name."""
    return {
        f"{qubit.name}.{quantity}": Guess(expected.value, expected.spread, "design")
        for quantity in quantities
        for qubit in facility.qubits().values()
        if (expected := qubit.design.get(DESIGN_NAME.get(quantity, quantity))) is not None
        and expected.spread > 0
    }


def truth_guesses(truths: Mapping[str, Sequence[float]]) -> dict[str, Guess]:
    """Return a guess for each parameter from its ``truths`` in several worlds, by name.

    The spread is one for all qubits of a quantity: the rms of the truths about their means, n - 1
    of them free. None of fewer than :data:`FEWEST_WORLDS` truths.
    """
    kept = {name: np.asarray(found) for name, found in truths.items() if len(found) > 1}
    spreads: dict[str, float] = {}
    for quantity in dict.fromkeys(name.rpartition(".")[2] for name in kept):
        own = [one for name, one in kept.items() if name.rpartition(".")[2] == quantity]
        squares = sum(float(np.sum((one - one.mean()) ** 2)) for one in own)
        spreads[quantity] = (squares / sum(len(one) - 1 for one in own)) ** 0.5
    return {
        name: Guess(
            float(found.mean()), spreads[name.rpartition(".")[2]], f"truths of {len(found)} worlds"
        )
        for name, found in kept.items()
        if len(found) >= FEWEST_WORLDS
    }


def all_guesses(facility: Facility, records: Iterable[WorldRecord]) -> dict[str, Guess]:
    """Return a guess for each parameter of the worlds, of the design where it has one."""
    truths: dict[str, list[float]] = {}
    for record in records:
        for one in record.recoveries:
            if isfinite(one.truth):
                truths.setdefault(one.name, []).append(one.truth)
    designed = design_guesses(facility, dict.fromkeys(name.rpartition(".")[2] for name in truths))
    return truth_guesses(truths) | designed


def null_with_spread(recovery: Recovery, guesses: Mapping[str, Guess]) -> Recovery:
    """Return what a routine would find that returns the guess, with its spread as sigma."""
    guess = guesses[recovery.name]
    return replace(recovery, value=guess.value, sigma=guess.spread)


def null_with_sigma(recovery: Recovery, guesses: Mapping[str, Guess]) -> Recovery:
    """Return what a routine would find that returns the guess, with the true routine's sigma."""
    return replace(recovery, value=guesses[recovery.name].value)


NULLS = {
    "the guess, with its spread as sigma": null_with_spread,
    "the guess, with the routine's sigma": null_with_sigma,
}
"""Routines that measure nothing. Every window has to refuse them."""
