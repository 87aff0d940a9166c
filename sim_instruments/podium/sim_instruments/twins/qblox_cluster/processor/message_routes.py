"""Routes a sequencer's message to its receivers by its id."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

SELF_CAST_MAX: Final = 15
"""Ids 1 to 15 come back to who sent them; the others go where they are routed (LINQ tutorials,
docs.qblox.com). Id 0 sends nothing."""


@dataclass(frozen=True, slots=True)
class Route:
    """The receivers of a message; sequencers are numbers within the run."""

    receivers: tuple[int, ...]
    self_cast: bool = False
    """It does not leave the sequencer: faster, and nothing to join it with."""
    near: frozenset[int] = frozenset()
    """Receivers in the sender's own module."""


Routes = Callable[[int, int], Route]
"""Of what a sequencer (its number) sends under an id."""


def self_cast_only(sender: int, id_: int) -> Route:
    """Route nothing: as after power-on."""
    return Route((sender,), self_cast=True) if id_ <= SELF_CAST_MAX else Route(())
