"""Condense: from a precooled fridge, the mixture in its tank, to base temperature."""

from podium.control.supervision.procedure_steps import Procedure, Step
from podium.control.supervision.procedures.heater_powers import heater_powers
from podium.control.supervision.procedures.mixture_steps import SAFE, circulate, condense_steps

CONDENSE_H = 12.0


def steps(model: str) -> tuple[Step, ...]:
    """Return the steps for a model of fridge."""
    return (*condense_steps(CONDENSE_H), *circulate(heater_powers(model)))


CONDENSE = Procedure(
    "condense",
    "bring the mixture from the tank into a fridge that is at 4 K, and circulate to base",
    2,
    steps,
    SAFE,
)
