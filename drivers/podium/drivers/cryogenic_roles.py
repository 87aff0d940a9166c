"""Control asks these roles of the boxes around a fridge, beside :mod:`podium.drivers.roles`.

The same rules hold: methods block, one at a time, and raise the errors of
:mod:`podium.drivers.errors`. None of these boxes is a safety system, and nothing here makes one.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class CompressorStatus:
    """The state of a helium compressor."""

    running: bool
    """It pumps, whatever was commanded."""
    state: str
    """In the maker's words: ``running``, ``starting``, ``error``."""
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    """What stopped it, or keeps it from running."""


class HeliumCompressor(Protocol):
    """Drives a pulse tube with compressed helium."""

    def compressor(self) -> CompressorStatus:
        """Return how it is, as read from it."""
        ...

    def run_compressor(self, on: bool) -> None:
        """Start or stop it. Returns once it has accepted that: it takes seconds to be so."""
        ...


@dataclass(frozen=True, slots=True)
class ChillerStatus:
    """The state of a chiller of cooling water."""

    running: bool
    """It pumps and cools, whatever was commanded."""
    set_k: float
    """Temperature at which its water is to go out, K."""
    ready: bool
    """It says that its water is there."""
    warnings: tuple[str, ...] = ()
    """In the maker's words; it goes on with them."""
    errors: tuple[str, ...] = ()
    """What stopped it, or keeps it from running."""


class Chiller(Protocol):
    """Cools the water of a helium compressor."""

    def chiller(self) -> ChillerStatus:
        """Return how it is, as read from it."""
        ...

    def run_chiller(self, on: bool) -> None:
        """Start or stop it. Returns once it has accepted that; without it a compressor trips."""
        ...

    def set_water_k(self, kelvin: float) -> None:
        """Set the temperature of the water; returns once it is read back, minutes before it is so.

        Raises ``Refused`` for what is out of range; then nothing has changed.
        """
        ...


class Cryostat(Protocol):
    """The software or the panel of a whole fridge: what it can switch, and its heaters.

    A part is called as its maker calls it (``v4``, ``turbo1``, ``pulsetube``). The fridge's own
    interlocks stay in charge: whether a part may be switched is not known here.
    """

    def parts(self) -> tuple[str, ...]:
        """Return all that can be switched."""
        ...

    def is_on(self, part: str) -> bool:
        """Return whether a valve is open, or another part on, as it reads back."""
        ...

    def switch(self, part: str, on: bool) -> None:
        """Open a valve, start a pump ..., or the reverse; returns once that is accepted."""
        ...

    def heater_w(self, heater: str) -> float:
        """Return the power that a heater (``still``, ``mixing_chamber``) is set to; off: 0 W."""
        ...

    def set_heater_w(self, heater: str, power_w: float) -> None:
        """Set a heater's power by hand, 0 W: off; returns once it is read back at the device."""
        ...


class TurboPump(Protocol):
    """Drives a turbopump."""

    def run(self, on: bool) -> None:
        """Start or stop the pump; return once the drive has accepted it: it takes minutes."""
        ...


@dataclass(frozen=True, slots=True)
class SupplyStatus:
    """The state of a power supply with a battery."""

    on_mains: bool
    low: bool
    """It says that its battery is nearly empty."""
    charge: float | None
    """Of a full battery, 0 to 1; None: it does not say."""
    remaining_s: float | None
    """How long the battery lasts, as it estimates."""
    complaints: tuple[str, ...] = ()
    """What it reports as wrong with itself."""


class BatterySupply(Protocol):
    """Keeps others running while the mains are away."""

    def supply(self) -> SupplyStatus:
        """Return how it is, as read from it."""
        ...
