"""A run that is played piece by piece, as instruments hold it with the world."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from podium.sim_instruments.physics.signals import (
    CaptureAnswer,
    CaptureTrain,
    PulseTrain,
    RunSignals,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Dialogue(Protocol):
    """A run in which what follows depends on what was measured."""

    def go_on(
        self,
        drives: Sequence[PulseTrain],
        captures: Sequence[CaptureTrain],
        listeners: Sequence[int],
    ) -> tuple[CaptureAnswer, ...]:
        """Play on, and return one answer for each capture train: see :class:`.Session`."""
        ...

    def trace(self, listener: int) -> "tuple[NDArray[np.complex128], float] | None":
        """Return the trace of a listener's last window and its frequency, None if it has none."""
        ...

    def end(self, signals: RunSignals) -> None:
        """Hear what was played in all; nothing more is."""
        ...


@runtime_checkable
class MeetingDialogue(Protocol):
    """A dialogue whose qubits may share photons with those of other instruments' runs."""

    @property
    def meets(self) -> bool:
        """Tell whether others may share photons with it; else nothing below is asked."""
        ...

    def say(self, drives: Sequence[PulseTrain], until_ns: int) -> None:
        """Hear all that begins before a time and was not given before: others may need it."""
        ...

    def asks(self, captures: Sequence[CaptureTrain]) -> bool:
        """Tell whether windows may be answered, which are to be asked for next.

        Not before others have said what they play until then. Raises NobodyCame at its deadline.
        """
        ...

    @property
    def may_go_on(self) -> bool:
        """Tell whether :meth:`asks` would now say something else; in any thread."""
        ...
