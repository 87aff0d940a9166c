"""What goes over the bus about the epochs of clocks, while no run asks for them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AskEpochs:
    """Under which epochs would you start now? Reads what the instruments show."""


@dataclass(frozen=True, slots=True)
class EpochsNow:
    """The epochs of one agent's clock domains."""

    epochs: Mapping[str, int]
    """Of all controllers that a trigger starts, and of what raises their triggers."""
