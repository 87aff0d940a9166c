"""What compiled programs of all controller families have in common."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Quantised:
    """A parameter that the hardware rounds: what was asked, what it will be, over ``axes``."""

    what: str
    """For a person, e.g. ``q0.drive: amplitude of statement 3``."""
    frame: str
    statement: int
    """Its number in the program (index in the body, where nothing hangs on what is measured); -1:
    the frame's own frequency."""
    quantity: str
    """``amplitude`` (by gain), ``level`` (by offset: the constant part), ``frequency``, ``phase``
    (the sum of the shifts up to this statement, 0 to 1 turn), ``shift`` (one that hangs on what is
    measured)."""
    unit: str
    step: float
    """Spacing of the values that the hardware can hold; |got - asked| <= step / 2."""
    axes: tuple[str, ...]
    """The axes over which it changes; empty where it is one number."""
    shape: tuple[int, ...]
    asked: tuple[float, ...]
    """One value for each point of ``axes``, the last axis fastest."""
    got: tuple[float, ...]


def tuples(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``plain`` with its lists as the tuples that they were before JSON or msgpack."""
    return {key: tuple(v) if isinstance(v, list) else v for key, v in plain.items()}
