"""Heater powers of procedures, by model of fridge.

A maker states no powers but the range of the still's in usual operation, 5 to 30 mW: the numbers
here are assumed, and scaled by how much a fridge circulates.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HeaterPowers:
    """Powers for one model of fridge, W."""

    still_w: float
    """In usual operation. # ASSUMED: 25 J/mol times a circulation of 0.3 to 1.3 mmol/s."""
    boil_off_w: float
    """At the still, while the mixture is collected. # ASSUMED: 25 J/mol times what the pumps take
    at most, 0.8 to 2.4 mmol/s."""
    boil_off_chamber_w: float
    """At the mixing chamber, likewise. # ASSUMED: a third of it."""


HEATER_POWERS: Mapping[str, HeaterPowers] = {
    "LD250": HeaterPowers(8e-3, 20e-3, 7e-3),
    "LD400": HeaterPowers(12e-3, 27e-3, 9e-3),
    "XLD1000": HeaterPowers(33e-3, 60e-3, 20e-3),
}
"""By model, as the facility file names it."""
UNKNOWN_MODEL = HEATER_POWERS["LD250"]
"""The least of them."""


def heater_powers(model: str) -> HeaterPowers:
    """Return the powers for a model; for one that is not known, the least there are."""
    return HEATER_POWERS.get(model, UNKNOWN_MODEL)
