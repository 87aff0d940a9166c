"""A run that one instrument plays piece by piece, over its cables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.signals import (
    CaptureAnswer,
    CaptureTrain,
    PulseTrain,
    RunSignals,
)
from podium.sim_instruments.servers.cabling import Cabling
from podium.sim_instruments.servers.signal_routing import leaking, routed, silence
from podium.sim_instruments.wiring import Carrier

if TYPE_CHECKING:
    from podium.sim_instruments.physics.session import Session

LEAKS_NS: Final = 1_000_000
"""Carriers through modulators are given once: what matters is whether they are felt at all."""


@dataclass(frozen=True, slots=True)
class CabledDialogue:
    """From connectors of an instrument to lines of the world and back."""

    session: "Session"
    instrument: str
    cabling: Cabling
    turns_of: Callable[[str, Carrier], float]
    """Phase of a microwave source at the run's time 0."""
    ended: Callable[[RunSignals], None]
    begun: list[bool] = field(default_factory=list)
    """Not empty once something was played."""

    def go_on(
        self,
        drives: Sequence[PulseTrain],
        captures: Sequence[CaptureTrain],
        listeners: Sequence[int],
    ) -> tuple[CaptureAnswer, ...]:
        """Play on, and return one answer for each capture train."""
        inputs = self.cabling.plan.inputs[self.instrument]
        leaks = () if self.begun else tuple(leaking(self.cabling, self.instrument, LEAKS_NS))
        self.begun.append(True)
        wired = [number for number, one in enumerate(captures) if one.line in inputs]
        answers = self.session.go_on(
            (*routed(self.cabling, self.instrument, drives, self.turns_of), *leaks),
            [replace(captures[n], line=inputs[captures[n].line]) for n in wired],
            [listeners[n] for n in wired],
        )
        heard = dict(zip(wired, answers, strict=True))
        return tuple(
            heard[number] if number in heard else silence(one)
            for number, one in enumerate(captures)
        )

    def trace(self, listener: int) -> tuple[NDArray[np.complex128], float] | None:
        """Return the trace of a listener's last window, None where no cable is plugged in."""
        return self.session.trace(listener)

    def end(self, signals: RunSignals) -> None:
        """Hear what was played in all."""
        self.ended(signals)
