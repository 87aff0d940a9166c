"""Defines readings as news: each agent publishes what its instruments read, at a pace they allow.

Who listens never asks an instrument twice. A listener counts an instrument's readings as stale
once :data:`LOST_AFTER` of its paces went by in silence. Every channel that is known of an
instrument is in each of its readings, whether it has a value or not; none is 0 instead.
"""

from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

Quality = Literal["good", "stale", "out_of_range", "disconnected"]
"""``good``: read now, valid. ``stale``: an old value, no newer one came. ``out_of_range``: the
instrument answers, and has no valid value. ``disconnected``: the instrument does not answer."""
LOST_AFTER = 3
"""So many paces without a word, and what was read counts as stale."""


def readings_key(facility: str, agent: str) -> str:
    """Key under which an agent publishes :class:`InstrumentReadings` (``*``: all agents)."""
    return f"podium/{facility}/readings/{agent}"


def clock_key(facility: str, agent: str) -> str:
    """Key under which an agent that owns a clock tells others the time.

    It answers :class:`~podium.control.bus.messages.Now` with ``Time``, and nothing else.
    """
    return f"podium/{facility}/clock/{agent}"


@dataclass(frozen=True, slots=True)
class ChannelReading:
    """One channel of an instrument, or why it has no value."""

    channel: str
    value: float | None
    """In SI units; a switch reads 1 or 0. None: there is none, and it is never shown as 0."""
    unit: str
    quality: Quality
    problem: str = ""
    """Why there is no good value, in words."""
    below: float | None = None
    """The instrument says that it is below this, in ``unit``, and has no number: a gauge under its
    range. None: it says no such thing."""


@dataclass(frozen=True, slots=True)
class InstrumentReadings:
    """All that one instrument read at one time."""

    instrument: str
    number: int
    """Counts the readings of this instrument since its agent has started."""
    tai_fs: tuple[int, int] | None
    """When it was asked, by the facility's clock: TAI in seconds and femtoseconds. None: no clock
    answers. In a facility in which no instrument tells the time (role ``Clock``), it is that of
    the agent's computer."""
    every_s: float
    """It is read again within this, by the wall's clock."""
    readings: tuple[ChannelReading, ...]
    complaints: tuple[str, ...] = ()
    """What the instrument says is wrong with itself, in words."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A channel's readings over time: least, mean and greatest value of what each stands for.

    Times in s, by the clock of whoever has kept them: TAI of the supervisor, Unix time of the
    records.
    """

    unit: str
    at_s: NDArray[Any]
    low: NDArray[Any]
    mean: NDArray[Any]
    high: NDArray[Any]

    def columns(self) -> dict[str, list[float]]:
        """Return it for JSON: ``at_s``, ``value`` (the mean), ``least`` and ``most``."""
        columns = {"at_s": self.at_s, "value": self.mean, "least": self.low, "most": self.high}
        return {name: one.tolist() for name, one in columns.items()}
