"""Instruments have their signals played on the world, off the socket's loop.

The laboratory implements :class:`Playback`. A twin hands it a piece of work; the work runs in a
worker thread, where it emulates sequencers, calls ``play`` with the signals that leave the
instrument, and makes results of what comes back. Lines are connectors: ``slot2.out0``,
``slot6.out0_1`` (I on out0 and Q on out1), ``slot2.in0``; ``dev12000.sg0``, ``dev12000.qa0_in``.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol, TypeVar, runtime_checkable

from podium.sim_instruments.physics.dialogue import Dialogue
from podium.sim_instruments.physics.signals import CaptureAnswer, RunSignals

LONG_RUN_ROWS: Final = 100_000
"""A run in which sequencers do so many things is long: it takes some tens of megabytes."""
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Play(Protocol):
    """Plays runs on the world.

    ``biases_v`` of signals is empty: the wiring fills it from all flux sources.
    """

    def __call__(self, signals: RunSignals, /) -> tuple[CaptureAnswer, ...]:
        """Play one run and return one answer for each capture train, in their order."""
        ...

    def begin(self, run: int, start_tai_fs: int) -> Dialogue:
        """Begin a run that is played piece by piece."""
        ...


@runtime_checkable
class TakesTurns(Protocol):
    """A way to the world on which long runs go one after the other."""

    def turn(self) -> AbstractContextManager[object]:
        """Return the turn of a long run; whoever enters it waits until no other one has it."""
        ...


def long_run_turn(play: Play, rows: int) -> AbstractContextManager[object]:
    """Return the turn in which a run of so many rows makes its signals and is played.

    What two long runs need for that is most of the memory of a simulation; emulated they are side
    by side. A short run takes no turn.
    """
    if rows >= LONG_RUN_ROWS and isinstance(play, TakesTurns):
        return play.turn()
    return nullcontext()


class Ticket(Protocol[T_co]):
    """A piece of work under way."""

    def done(self) -> bool:
        """Tell whether :meth:`result` would return (or raise) at once."""
        ...

    def result(self) -> T_co:
        """Return what the work returned, or raise what it raised. Only after :meth:`done`."""
        ...


class Playback(Protocol):
    """Runs work for an instrument in a worker thread."""

    def submit(self, work: Callable[[Play], T]) -> Ticket[T]:
        """Start ``work(play)`` in a worker thread and return at once."""
        ...

    def stopped(self, run: int, sender: str, at_fs: int) -> None:
        """Hear that a sender of a run was stopped: nothing of it leaves from ``at_fs`` on.

        It may be said before what the run plays is known.
        """
        ...


class WiredPlayback(Playback, Protocol):
    """A playback that knows which inputs listen to the world."""

    def wired(self, connector: str) -> bool:
        """Tell whether a line of the world is connected to an input: ``dev12000.qa0_in``."""
        ...
