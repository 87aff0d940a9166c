"""A herald station as plain numbers: two arms with transducers, a beam splitter, two detectors.

Each end's microwave photon is made optical by a transducer and goes down a fibre; both meet on a
balanced beam splitter, behind which two detectors click. ASSUMED: transducers and detectors take
all of a photon's band alike, and the two transducers have one pump, so that photons that agree in
frequency before them do so behind them. What a transducer adds is white over its band and clicks
like dark counts: that it is bunched, and what it does to a photon that is there, goes with its
photons in each mode, times those of the other kind.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.links.heralded_states import BEAM_SPLITTER, Clicks


@dataclass(frozen=True, slots=True)
class StationArm:
    """The way from one transfer resonator to the beam splitter."""

    transducer: float
    """Chance that a photon at the transducer's input leaves it as an optical one."""
    added_noise: float
    """Mean number of photons that it adds in each mode, referred to its input."""
    band_hz: float
    """Width of the noise behind its filter: modes a second."""
    transmission: float
    """Chance that an optical photon reaches the beam splitter."""
    delay_fs: int
    """From the resonator to the beam splitter."""

    @property
    def efficiency(self) -> float:
        """Return the chance that a photon of the resonator reaches the beam splitter."""
        return self.transducer * self.transmission

    @property
    def noise_hz(self) -> float:
        """Return the photons a second that the transducer adds, at the beam splitter."""
        return self.added_noise * self.efficiency * self.band_hz


@dataclass(frozen=True, slots=True)
class StationDetector:
    """A single-photon detector whose clicks leave it as pulses."""

    efficiency: float
    dark_hz: float
    """Clicks a second without any light."""
    dead_fs: int
    """For so long after a click it sees nothing."""
    jitter_fs: int
    """Standard deviation of a click's instant."""


@dataclass(frozen=True, slots=True)
class HeraldStation:
    """Where the photons of both ends of a link meet."""

    arms: tuple[StationArm, StationArm]
    detectors: tuple[StationDetector, StationDetector]
    phase_sigma_rad: float = 0.0
    """How far the phase between the arms strays, as an Ornstein-Uhlenbeck process."""
    phase_time_fs: int = 10**12
    """Correlation time of that process."""

    def seen_through(self, parts: tuple[float, float]) -> "HeraldStation":
        """Return it with these parts of the light of both arms."""
        first, second = (
            replace(arm, transmission=arm.transmission * part)
            for arm, part in zip(self.arms, parts, strict=True)
        )
        return replace(self, arms=(first, second))

    def seen(self, silent: Clicks) -> NDArray[np.complex128]:
        """Return what the ``silent`` detectors would see of both resonators.

        Shape (2, 2): see :class:`.link_window.LinkWindow`.
        """
        ways = np.sqrt([arm.efficiency for arm in self.arms])
        amplitudes = BEAM_SPLITTER * ways
        weights = [d.efficiency if s else 0.0 for d, s in zip(self.detectors, silent, strict=True)]
        return np.asarray(amplitudes.T @ np.diag(weights) @ amplitudes, np.complex128)

    def background_hz(self, detector: int) -> float:
        """Return the clicks a second of a detector that no emitter makes."""
        one = self.detectors[detector]
        noise_hz = sum(arm.noise_hz for arm in self.arms) / 2
        return one.dark_hz + one.efficiency * noise_hz
