"""Takes what instruments play to the laboratory's world."""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from podium.sim_instruments.servers.cabling import Cabling

if TYPE_CHECKING:
    from podium.sim_instruments.execution.playback import Play
    from podium.sim_instruments.physics.dialogue import Dialogue
    from podium.sim_instruments.physics.signals import CaptureAnswer, RunSignals
    from podium.sim_instruments.servers.laboratory import Laboratory

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LaboratoryPlay:
    """The world as one piece of work of an instrument reaches it."""

    laboratory: "Laboratory"
    instrument: str
    cabling: Cabling

    def __call__(self, signals: "RunSignals", /) -> "tuple[CaptureAnswer, ...]":
        """Play a whole run and return the answers to its captures."""
        return self.laboratory.play(self.instrument, self.cabling, signals)

    def begin(self, run: int, start_tai_fs: int) -> "Dialogue":
        """Begin a run that is played piece by piece."""
        return self.laboratory.begin(self.instrument, self.cabling, run, start_tai_fs)

    def turn(self) -> AbstractContextManager[object]:
        """Let one long run after the other make its signals and play them."""
        return self.laboratory.turn_of_long_run()


@dataclass(frozen=True, slots=True)
class LaboratoryPlayback:
    """Takes the signals of one instrument to the world."""

    laboratory: "Laboratory"
    instrument: str

    def submit(self, work: "Callable[[Play], T]") -> "Future[T]":
        """Run ``work(play)`` in a worker thread and return at once."""
        return self.laboratory.submit(self.instrument, work)

    def wired(self, connector: str) -> bool:
        """Tell whether a line of the world is connected to an input of the instrument."""
        return connector in self.laboratory.plan.inputs[self.instrument]

    def stopped(self, run: int, sender: str, at_fs: int) -> None:
        """Hear that a sender of a run was stopped."""
        self.laboratory.stopped(self.instrument, run, sender, at_fs)
