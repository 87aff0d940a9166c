"""Holds start settings of controllers, as found when their skew was measured."""

from collections.abc import Mapping
from dataclasses import dataclass

from podium.control.timebase.epochs import Epochs
from podium.control.timebase.skew import SkewMeasured
from podium.firmware_interfaces.tai import Tai


@dataclass(frozen=True, slots=True)
class StartSetting:
    """Of one controller, for one run."""

    delay_ns: int
    """The trigger's edge rises so long after T0: where the controller's input samples it safely."""
    offset_ns: int = 0
    """Whole ticks by which its program is held back."""
    late_fs: int = 0
    """The rest of the skew, up to half a tick later, or earlier (negative)."""
    start_after_fs: int | None = None
    """Its record of its start lies so long after T0, offset left out. None: not measured; what
    the wiring makes one expect."""
    resolution_fs: int | None = None
    """Width of the bin of that record, sampling of the edge included; None: as expected."""
    epochs: Epochs | None = None
    """Of this controller's and its trigger node's clocks, under which it holds; None: any."""


@dataclass(frozen=True, slots=True)
class StartFound:
    """Holds a measurement's findings about the start of one controller."""

    delay_ns: int
    start_after_fs: int
    resolution_fs: int
    epochs: Epochs


@dataclass(frozen=True, slots=True)
class StartKept:
    """Holds the latest findings about the start of one controller, and their time."""

    controller: str
    found: StartFound
    at: Tai


@dataclass(frozen=True, slots=True)
class SkewsMeasured:
    """One measurement of all: the starts, and the skews that hold for these delays only."""

    reference: str
    """The controller against which the others were measured."""
    starts: Mapping[str, StartFound]
    """By controller."""
    skews: tuple[SkewMeasured, ...]
    """Of each other controller against the reference; ports are the controllers' names."""
