"""Compiled programs of all controller families share these values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Quantised:
    """A parameter that the hardware rounds: what was asked, what it will be, over ``axes``."""

    what: str
    """For a person, e.g. ``q0.drive: amplitude of statement 3``."""
    frame: str
    statement: int
    """Its number in the program (index in the body, where nothing depends on what is measured); -1:
    the frame's own frequency."""
    quantity: str
    """``amplitude`` (by gain), ``level`` (by offset: the constant part), ``frequency``, ``phase``
    (the sum of the shifts up to this statement, 0 to 1 turn), ``shift`` (one depending on what is
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


@dataclass(frozen=True, slots=True)
class ExternalTone:
    """The tone of a microwave source outside the controller while the program runs."""

    frequency_hz: float
    power_dbm: float


SwitchRoutes = Mapping[str, Mapping[int, int]]
"""Of each optical switch, by name, to which output the light of an input goes; both from 1."""


def routes_of(artifact: object) -> SwitchRoutes:
    """Return how optical switches lead the light that an artifact counts; empty: it counts none."""
    routes: SwitchRoutes = getattr(artifact, "routes", {})
    return routes


class Artifact(Protocol):
    """One pulse program, compiled for one controller of whatever family."""

    @property
    def name(self) -> str:
        """Of the program."""
        ...

    @property
    def duration_fs(self) -> int:
        """From the start to the last shot's end, settling included."""
        ...

    @property
    def first_shot_fs(self) -> int:
        """From the start to the start of the first shot, as this controller plays it."""
        ...

    @property
    def quantised(self) -> Sequence[Quantised]:
        """Return the rounded parameters."""
        ...

    @property
    def tones(self) -> Mapping[str, ExternalTone]:
        """Return the tones of sources outside, by the name of the instrument."""
        ...

    @property
    def told_apart_shots(self) -> int:
        """Return how many shots are played whose results, 0 or 1, are asked for; 0 if none are."""
        ...

    @property
    def listing(self) -> str:
        """All that is loaded, for a person."""
        ...
