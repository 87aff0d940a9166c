"""What control asks of the boxes around a fridge, beside :mod:`podium.drivers.roles`.

The same rules hold: methods block, one at a time, and raise the errors of
:mod:`podium.drivers.errors`. None of these boxes is a safety system, and nothing here makes one.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class CompressorStatus:
    """How a helium compressor is."""

    running: bool
    """Whether it pumps, whatever it was told."""
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
