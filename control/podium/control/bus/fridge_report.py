"""Defines the report of a fridge's temperature, published by the thermometer's agent."""

from dataclasses import dataclass


def fridge_key(facility: str, agent: str) -> str:
    """Key under which an agent publishes the :class:`FridgeReport` of its thermometers."""
    return f"podium/{facility}/fridge/{agent}"


@dataclass(frozen=True, slots=True)
class FridgeReport:
    """One reading of a fridge's thermometer, or why there is none."""

    fridge: str
    kelvin: float | None
    problem: str = ""
    """Why it could not be read; empty: it was."""
