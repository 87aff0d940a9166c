"""Defines skew: the edges' distance at two connectors for the same nominal time."""

import math
from dataclasses import dataclass
from typing import Self

from podium.control.timebase.epochs import Epochs
from podium.firmware_interfaces.tai import Tai

LOOPBACK = "loopback"
"""Markers of both nodes, through cables, on one time-tagging module."""
PHOTON_SCAN = "photon scan"
"""The start of one node swept until a photon of the other is caught best."""


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """Two output ports."""

    port: str
    reference: str

    def __post_init__(self) -> None:
        if self.port == self.reference:
            raise ValueError(f"a skew is between two ports, got {self.port} twice")

    def __str__(self) -> str:
        return f"{self.port} against {self.reference}"


@dataclass(frozen=True, slots=True)
class Cable:
    """A cable from a marker to the time tagger."""

    delay_fs: int
    sigma_fs: float
    """One standard deviation: how well the delay is known."""


@dataclass(frozen=True, slots=True)
class SkewMeasured:
    """One measurement of a skew."""

    pair: Pair
    value_fs: int
    """Edge of the port minus edge of the reference."""
    random_fs: float
    """One sigma of what is drawn anew at each measurement."""
    systematic_fs: float
    """One sigma of what all measurements along the same way share, e.g. of the cables' delays."""
    at: Tai
    temperature_k: float
    """Of the room."""
    epochs: Epochs
    """Of the clock domains of both ports."""
    way: str = LOOPBACK
    """What measurements with the same systematic error have in common: a name."""
    delays_ns: tuple[int, int] | None = None
    """The delays of the triggers of both ports, for which alone it holds; None: not known."""

    def __post_init__(self) -> None:
        sigmas = (self.random_fs, self.systematic_fs)
        if not (self.random_fs > 0 and self.systematic_fs >= 0 and all(map(math.isfinite, sigmas))):
            raise ValueError(
                f"skew of {self.pair}: a random error above 0 fs and a systematic one of at least "
                f"0 fs are needed, got {self.random_fs} and {self.systematic_fs}"
            )
        if not self.temperature_k > 0:
            raise ValueError(f"skew of {self.pair}: a temperature in K, got {self.temperature_k}")

    @classmethod
    def by_loopback(
        cls,
        pair: Pair,
        tagged_fs: int,
        random_fs: float,
        cables: tuple[Cable, Cable],
        at: Tai,
        temperature_k: float,
        epochs: Epochs,
        delays_ns: tuple[int, int] | None = None,
    ) -> Self:
        """Return the skew from the difference of two time tags, marker of the port first.

        The cables (of the port, of the reference) are taken off; how badly they are known does
        not average out, however often it is measured.
        """
        port, reference = cables
        return cls(
            pair,
            tagged_fs - port.delay_fs + reference.delay_fs,
            random_fs,
            math.hypot(port.sigma_fs, reference.sigma_fs),
            at,
            temperature_k,
            epochs,
            delays_ns=delays_ns,
        )


@dataclass(frozen=True, slots=True)
class Skew:
    """A skew as it is believed to be at one time."""

    pair: Pair
    value_fs: int
    sigma_fs: float
    at: Tai
    temperature_k: float
    epochs: Epochs
