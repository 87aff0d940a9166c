"""Defines messages about the epochs of clocks outside of runs."""

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
