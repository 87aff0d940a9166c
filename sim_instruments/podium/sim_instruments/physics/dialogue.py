"""A run that is played piece by piece, as instruments hold it with the world."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

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
