"""A parser of what strangers send: where their text stands, and how the parser says no."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parser:
    """One way in."""

    name: str
    read: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...] = ()
    """What it may raise. Anything else is a fault."""
    frames: tuple[bytes, ...] = (b"%s",)
    """Texts around what the stranger writes, which takes the place of ``%s``."""
    samples: tuple[bytes, ...] = ()
    """Sound texts, for mutants."""
    written: bool = False
    """A file that its user writes: libyaml scans deep lists in the square of their length, so only
    what four kilobytes take is bounded."""

    def try_to_read(self, text: bytes) -> None:
        """Read; what may be raised is let pass."""
        with suppress(*self.refusals):
            self.read(text)
