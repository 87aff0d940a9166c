"""Describes an optical link with a herald station in its middle: emitters, arms, detectors.

Each of two qubits is left in ``sqrt(1 - alpha) |0>|no photon> + sqrt(alpha) |1>|photon>``. Both
photons meet on a balanced beam splitter, behind which two detectors click or do not: they cannot
count. What is lost, in an arm or in a detector, is one number each.

Two schemes:

- *one click* (Cabrillo et al., Phys. Rev. A 59, 1025 (1999)): one window with a small alpha. The
  phase of the whole way counts.
- *two clicks* (Barrett and Kok, Phys. Rev. A 71, 060310 (2005)): a window with alpha = 1/2, both
  qubits are flipped, a second window. Only what the phase moves between the two counts.
"""

import math
from dataclasses import dataclass
from enum import Enum


class Scheme(Enum):
    """Which clicks herald a pair."""

    ONE_CLICK = "one click"
    TWO_CLICKS = "two clicks"


@dataclass(frozen=True, slots=True)
class Arm:
    """The way of a photon from one emitter to the beam splitter."""

    transmission: float
    """Chance that a photon that was emitted reaches the beam splitter, 0 ... 1."""
    noise_photons: float = 0.0
    """Mean number of photons that a transducer adds, in each mode of a window, as they arrive at
    the beam splitter; thermal. An added noise of N at the transducer's input arrives as N times
    its and the arm's efficiency."""


@dataclass(frozen=True, slots=True)
class Detector:
    """A single-photon detector that clicks once in a window, however many photons come."""

    efficiency: float = 1.0
    dark: float = 0.0
    """Chance of a click in a window without any photon."""
    dead_fs: int = 0
    """For so long after a click it sees nothing."""


@dataclass(frozen=True, slots=True)
class HeraldedLink:
    """Two emitters and the herald station between them."""

    scheme: Scheme
    arms: tuple[Arm, Arm]
    detectors: tuple[Detector, Detector]
    alpha: float = 0.5
    """Chance that an emitter is left in |1> with its photon; 1/2 for two clicks."""
    visibility: float = 1.0
    """Of the photons' interference (Hong, Ou, Mandel): the squared overlap of their modes."""
    phase_rad: float = 0.0
    """Mean phase between the arms that nobody corrects."""
    phase_sigma_rad: float = 0.0
    """How far the phase strays in the long run, as an Ornstein-Uhlenbeck process."""
    phase_time_fs: int = 10**12
    """Correlation time of that process: the time constant of the phase lock."""
    noise_modes: int = 1
    """How many modes of a window the transducers' noise fills: bandwidth times duration."""
    period_fs: int = 10**10
    """From one window's beginning to the next: emitters made ready, photons and answer on their
    way. An attempt of two clicks takes two of them, one where the first window heralds nothing."""

    def __post_init__(self) -> None:
        """Refuse what no link can be; the message says which and what would be right."""
        chances = {
            "alpha": self.alpha,
            "visibility": self.visibility,
            **{f"transmission of arm {i}": arm.transmission for i, arm in enumerate(self.arms)},
            **{f"efficiency of detector {i}": d.efficiency for i, d in enumerate(self.detectors)},
            **{f"dark counts of detector {i}": d.dark for i, d in enumerate(self.detectors)},
        }
        for name, value in chances.items():
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"{name} is a chance, 0 ... 1; got {value}")
        if self.scheme is Scheme.TWO_CLICKS and self.alpha != 0.5:
            raise ValueError(f"two clicks want alpha = 0.5, a balanced start; got {self.alpha}")
        if min(arm.noise_photons for arm in self.arms) < 0.0 or self.noise_modes < 1:
            raise ValueError("noise is a number of photons >= 0, in one mode or more")
        if self.period_fs <= 0 or self.phase_time_fs <= 0:
            raise ValueError("the period and the phase's correlation time are longer than 0")

    @property
    def drift_rad(self) -> float:
        """Standard deviation of what the phase moves from a window to the next.

        Of an Ornstein-Uhlenbeck process: ``sigma sqrt(2 (1 - exp(-t/tau)))``.
        """
        forgotten = -math.expm1(-self.period_fs / self.phase_time_fs)
        return self.phase_sigma_rad * math.sqrt(2.0 * forgotten)
