"""The usual way from room temperature to base, as an operator goes it: for rehearsals of a fridge.

It reads and writes the plant at the points of its own grid, so that a story with it is equal to
the bit however it is cut. A real fridge's own software has such a script, too.
"""

from collections.abc import Callable
from dataclasses import dataclass

from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.fridge_stages import STILL
from podium.sim_instruments.physics.cryostat.plant import Cryostat
from podium.sim_instruments.physics.cryostat.start import CIRCULATING_PUMPS, CIRCULATING_VALVES

LOOK_FS = 60 * FS_PER_S
"""How often it looks whether a step is done."""
ROUGH_PA, HIGH_VACUUM_PA = 100.0, 0.1
PRECOOLED_K = 5.5
EMPTY_PA = 4e3
"""In the tank, when all is condensed that will."""

Setting = tuple[str, float]


@dataclass(frozen=True, slots=True)
class CooldownStep:
    """Settings at the beginning of a step, and the condition that ends it."""

    name: str
    settings: tuple[Setting, ...]
    done: Callable[[Callable[[str], float]], bool]
    """Takes what reads an output."""


def _open(*valves: str) -> tuple[Setting, ...]:
    return tuple((signals.open_of(valve), 1.0) for valve in valves)


def _shut(*valves: str) -> tuple[Setting, ...]:
    return tuple((signals.open_of(valve), 0.0) for valve in valves)


def _on(*pumps: str) -> tuple[Setting, ...]:
    return tuple((signals.on_of(pump), 1.0) for pump in pumps)


def steps(still_heater_w: float) -> tuple[CooldownStep, ...]:
    """Return the steps of a cooldown, in order."""
    mixing_chamber = signals.temperature_of(signals.STAGES[-1])
    still = signals.temperature_of(STILL)
    return (
        CooldownStep(
            "rough the vacuum can",
            (*_open("v14"), *_on(signals.SCROLL2)),
            lambda read: read("pressure.p1") < ROUGH_PA,
        ),
        CooldownStep(
            "pump the vacuum can",
            _on(signals.TURBO2),
            lambda read: read("pressure.p1") < HIGH_VACUUM_PA,
        ),
        CooldownStep(
            "precool",
            ((signals.PULSE_TUBE, 1.0), (signals.HEAT_SWITCH, 1.0)),
            lambda read: max(read(mixing_chamber), read(still)) < PRECOOLED_K,
        ),
        CooldownStep(
            "condense",
            (
                (signals.HEAT_SWITCH, 0.0),
                *_shut("v14"),
                (signals.on_of(signals.TURBO2), 0.0),
                (signals.on_of(signals.SCROLL2), 0.0),
                *_on(*CIRCULATING_PUMPS, signals.COMPRESSOR),
                *_open(*(v for v in CIRCULATING_VALVES if v != "v10"), "v13"),
            ),
            lambda read: read("pressure.p5") < EMPTY_PA,
        ),
        CooldownStep(
            "circulate",
            (
                *_shut("v13"),
                *_open("v10"),
                (signals.on_of(signals.COMPRESSOR), 0.0),
                (signals.power_of("still"), still_heater_w),
            ),
            lambda read: read(mixing_chamber) < 0.02,
        ),
        CooldownStep("base", (), lambda read: False),
    )


class Cooldown:
    """Cools a plant down from ``begin_fs`` on."""

    def __init__(self, plant: Cryostat, begin_fs: int) -> None:
        self._plant, self._next_fs = plant, begin_fs
        self._steps = list(steps(plant.parameters.dilution.still_heater_w))
        self.began: list[tuple[str, int]] = []
        """Steps that have begun, and when, fs."""
        self._begin(begin_fs)

    def advance(self, to_fs: int) -> None:
        """Look at the plant each :data:`LOOK_FS` up to a time, and do what is due."""
        while self._next_fs + LOOK_FS <= to_fs:
            self._next_fs += LOOK_FS
            if len(self._steps) > 1 and self._steps[0].done(self._read):
                self._steps.pop(0)
                self._begin(self._next_fs)

    def _read(self, name: str) -> float:
        return self._plant.read(name, self._next_fs)

    def _begin(self, at_fs: int) -> None:
        self.began.append((self._steps[0].name, at_fs))
        for name, value in self._steps[0].settings:
            self._plant.write(name, value, at_fs)
