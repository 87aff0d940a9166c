"""Playback without a world: work is done on the spot, and nothing comes back."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np

from podium.sim_instruments.execution.playback import Play
from podium.sim_instruments.physics.signals import (
    CaptureAnswer,
    CaptureTrain,
    PulseTrain,
    RunSignals,
)

T = TypeVar("T")


class FinishedWork(Generic[T]):
    """Work that has been done on the spot."""

    def __init__(self, outcome: T) -> None:
        self._outcome = outcome

    def done(self) -> bool:
        """It is."""
        return True

    def result(self) -> T:
        """Return what came out."""
        return self._outcome


class SilentPlayback:
    """Plays for a cluster without a world: nothing comes back."""

    def submit(self, work: Callable[[Play], T]) -> FinishedWork[T]:
        """Do the work at once."""
        return FinishedWork(work(_Silence()))

    def stopped(self, run: int, sender: str, at_fs: int) -> None:
        """Nothing leaves anyway."""


class _Silence:
    """Answers, and holds dialogues, without a sound."""

    def __call__(self, signals: RunSignals, /) -> tuple[CaptureAnswer, ...]:
        return self.go_on((), signals.captures, ())

    def begin(self, run: int, start_tai_fs: int) -> "_Silence":
        return self

    def go_on(
        self,
        drives: Sequence[PulseTrain],
        captures: Sequence[CaptureTrain],
        listeners: Sequence[int],
    ) -> tuple[CaptureAnswer, ...]:
        return tuple(
            CaptureAnswer(np.zeros(len(c.start_ns), np.complex128), np.zeros(16_384, np.complex128))
            for c in captures
        )

    def trace(self, listener: int) -> None:
        return None

    def end(self, signals: RunSignals) -> None:
        pass
