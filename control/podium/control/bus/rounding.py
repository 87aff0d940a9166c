"""Parameters of a program that the hardware has rounded, as they go over the bus."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Rounding:
    """One parameter that the hardware cannot hold as it was asked for."""

    what: str
    """For a person, e.g. ``q0.drive: amplitude of statement 3``."""
    unit: str
    step: float
    """Spacing of the values that the hardware can hold."""
    values: int
    """How many values it takes in the program's sweeps."""
    worst: float
    """The largest error of one of them."""


Roundings = tuple[Rounding, ...]


def roundings_to_json(roundings: Iterable[Rounding]) -> str:
    """Return the attribute ``quantised`` of a dataset: a list of objects."""
    return json.dumps([asdict(one) for one in roundings])
