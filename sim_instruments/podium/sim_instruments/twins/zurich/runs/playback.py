"""Instruments have their signals played on the world, off the socket's loop.

The laboratory implements it. Lines are connectors: ``dev12000.sg0``, ``dev12000.qa0_out``,
``dev12000.qa0_in``.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from podium.sim_instruments.physics.dialogue import Dialogue
from podium.sim_instruments.physics.signals import CaptureAnswer, RunSignals

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Play(Protocol):
    """Plays runs on the world."""

    def __call__(self, signals: RunSignals, /) -> tuple[CaptureAnswer, ...]:
        """Play one run and return one answer for each capture train, in their order."""
        ...

    def begin(self, run: int, start_tai_fs: int) -> Dialogue:
        """Begin a run that is played piece by piece."""
        ...


class Ticket(Protocol[T_co]):
    """A piece of work under way."""

    def done(self) -> bool:
        """Tell whether :meth:`result` would return (or raise) at once."""
        ...

    def result(self) -> T_co:
        """Return what the work returned, or raise what it raised. Only after :meth:`done`."""
        ...


class Playback(Protocol):
    """Runs work in a worker thread."""

    def submit(self, work: Callable[[Play], T]) -> Ticket[T]:
        """Start ``work(play)`` in a worker thread and return at once."""
        ...

    def wired(self, connector: str) -> bool:
        """Tell whether a line of the world is connected to an input: ``dev12000.qa0_in``."""
        ...

    def stopped(self, run: int, sender: str, at_fs: int) -> None:
        """Hear that a sender of a run was stopped: nothing of it leaves from ``at_fs`` on."""
        ...
