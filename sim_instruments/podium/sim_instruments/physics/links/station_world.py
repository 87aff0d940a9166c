"""Draws herald stations, reads them from the twin file, and tells their hidden truth."""

from typing import Any, Self

from pydantic import model_validator

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.draw import draw
from podium.sim_instruments.physics.known_truth import Truth
from podium.sim_instruments.physics.links.herald_station import (
    HeraldStation,
    StationArm,
    StationDetector,
)
from podium.sim_instruments.physics.links.station_design import DrawnPart, StationDesign
from podium.sim_instruments.physics.world_quantities import Hertz, Known, Number, Part, Seconds

END_LABELS = ("a", "b")


class ArmWorld(Part):
    """An arm: the fields of :class:`.herald_station.StationArm`."""

    transducer: Number
    added_noise: Number
    noise_bandwidth: Hertz
    transmission: Number
    delay: Seconds

    def arm(self) -> StationArm:
        """Return it as the engine takes it."""
        return StationArm(
            self.transducer.value,
            self.added_noise.value,
            self.noise_bandwidth.value,
            self.transmission.value,
            round(self.delay.value * FS_PER_S),
        )


class DetectorWorld(Part):
    """A detector: the fields of :class:`.herald_station.StationDetector`, and its cable."""

    efficiency: Number
    dark_rate: Hertz
    dead_time: Seconds
    jitter: Seconds
    delay: Seconds
    """Of the cable from it to the time tagger."""

    def detector(self) -> StationDetector:
        """Return it as the engine takes it."""
        return StationDetector(
            self.efficiency.value,
            self.dark_rate.value,
            round(self.dead_time.value * FS_PER_S),
            round(self.jitter.value * FS_PER_S),
        )


class StationWorld(Part):
    """A herald station: the fields of :class:`.herald_station.HeraldStation`."""

    arms: tuple[ArmWorld, ArmWorld]
    detectors: dict[str, DetectorWorld]
    phase_drift: Number
    """Standard deviation of the phase between the arms, rad."""
    phase_time: Seconds

    @model_validator(mode="after")
    def _two_detectors(self) -> Self:
        if len(self.detectors) != len(self.arms):
            raise ValueError(f"a station has two detectors, not {len(self.detectors)}")
        if self.phase_time.value <= 0:
            raise ValueError("phase_time is longer than 0 s")
        return self

    def station(self) -> HeraldStation:
        """Return it as the engine takes it."""
        first, second = (arm.arm() for arm in self.arms)
        one, other = (detector.detector() for detector in self.detectors.values())
        return HeraldStation(
            (first, second),
            (one, other),
            self.phase_drift.value,
            round(self.phase_time.value * FS_PER_S),
        )


def draw_station(
    design: StationDesign, link: str, ends: tuple[str, str], seed: int
) -> StationWorld:
    """Return the station of a link in the world of ``seed``; ``ends``: keys of their draws."""
    first, second = (
        ArmWorld(**_drawn(arm, f"{end}.arm", seed))
        for end, arm in zip(ends, design.arms, strict=True)
    )
    detectors = {
        name: DetectorWorld(**_drawn(one, f"{design.element}.{name}", seed))
        for name, one in design.detectors.items()
    }
    phase = _drawn(design.phase, link, seed)
    return StationWorld(arms=(first, second), detectors=detectors, **phase)


def _drawn(part: DrawnPart, element: str, seed: int) -> dict[str, Any]:
    return {key: _known(part, element, key, seed) for key in part.values}


def _known(part: DrawnPart, element: str, key: str, seed: int) -> Known:
    spread, origin = part.values[key], part.origin[key]
    value = draw(spread, seed, element, key)
    if origin is None:
        return Known(value=value, unit=spread.unit, assumed=True)
    return Known(value=value, unit=spread.unit, source=f"drawn: {origin}")


def station_truth(
    link: str, world: StationWorld, through: tuple[float, float] = (1.0, 1.0)
) -> dict[str, Truth]:
    """Tell what a perfect measurement of a station finds.

    ``link_ab.a.arm_efficiency`` is that of transducer, fibre and switch, ``link_ab.d0.background``
    the clicks a second that no emitter makes. ``through``: what switches in both arms let through.
    """
    station = world.station().seen_through(through)
    told = {
        f"{link}.phase_drift": Truth(world.phase_drift.value, "rad"),
        f"{link}.phase_time": Truth(world.phase_time.value, "s"),
    }
    for label, arm in zip(END_LABELS, station.arms, strict=True):
        told[f"{link}.{label}.arm_efficiency"] = Truth(arm.efficiency, "1")
        told[f"{link}.{label}.arm_delay"] = Truth(arm.delay_fs / FS_PER_S, "s")
        told[f"{link}.{label}.added_noise"] = Truth(arm.added_noise, "1")
    for number, (name, detector) in enumerate(world.detectors.items()):
        told[f"{link}.{name}.efficiency"] = Truth(detector.efficiency.value, "1")
        told[f"{link}.{name}.background"] = Truth(station.background_hz(number), "Hz")
        told[f"{link}.{name}.dead_time"] = Truth(detector.dead_time.value, "s")
    return told
