"""A fridge by itself through a story: heaters, faults and switches at their times."""

from dataclasses import dataclass, field

from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.fridge_stages import GAUGES
from podium.sim_instruments.physics.cryostat.cooldown import Cooldown
from podium.sim_instruments.physics.cryostat.parameters import CryostatParameters
from podium.sim_instruments.physics.cryostat.plant import Cryostat

USUAL = (
    *(signals.temperature_of(stage) for stage in signals.STAGES),
    *(f"pressure.{gauge}" for gauge in GAUGES),
    "flow.circulation",
    "compressor.running",
    "turbo1.speed",
)
"""Outputs that a story shows unless others are named."""


@dataclass(frozen=True, slots=True)
class FaultChange:
    """A fault that happens, or is put right."""

    at_s: float
    fault: str
    size: float | None = None
    """In the fault's unit; None: its usual size."""
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class InputChange:
    """An input that is written."""

    at_s: float
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Story:
    """Events of a fridge, and the signals that are looked at."""

    start: str = "cold"
    for_s: float = 86400.0
    every_s: float = 600.0
    changes: tuple[FaultChange | InputChange, ...] = ()
    shown: tuple[str, ...] = USUAL
    operated: bool = True
    """Whether a fridge that starts warm is cooled down."""
    magnet: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Series:
    """Readings of a story."""

    times_s: tuple[float, ...]
    values: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """By output, in SI units: as many as times."""
    steps: tuple[tuple[str, float], ...] = ()
    """Of the cooldown: names, and when each began, s."""


def play(parameters: CryostatParameters, story: Story) -> Series:
    """Play a story from time 0 on; KeyError and ValueError for what cannot be.

    Writes are events at their exact times, so that ``every_s`` changes no value.
    """
    plant = Cryostat(parameters, 0, start=story.start, seed=story.seed, magnet=story.magnet)
    for name in story.shown:
        plant.read(name, 0)
    for change in story.changes:
        at_fs = round(change.at_s * FS_PER_S)
        match change:
            case InputChange(name=name, value=value):
                plant.write(name, value, at_fs)
            case FaultChange(fault=fault, repaired=True):
                plant.repair(fault, at_fs)
            case FaultChange(fault=fault, size=size):
                plant.fault(fault, at_fs, size)
    operator = Cooldown(plant, 0) if story.start == "warm" and story.operated else None
    count = int(story.for_s / story.every_s + 1e-9)
    times = tuple(index * story.every_s for index in range(count + 1))
    rows = []
    for time_s in times:
        now_fs = round(time_s * FS_PER_S)
        if operator is not None:
            operator.advance(now_fs)
        rows.append([plant.read(name, now_fs) for name in story.shown])
    columns = zip(*rows, strict=True)
    steps = () if operator is None else tuple((n, at / FS_PER_S) for n, at in operator.began)
    return Series(times, dict(zip(story.shown, columns, strict=True)), steps)
