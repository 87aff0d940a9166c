"""A twin whose sequencers can be stopped while they execute a program."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from podium.sim_instruments.execution.breakpoints import Breakpoint, Halted

if TYPE_CHECKING:
    from podium.sim_instruments.physics.signals import RunSignals


@runtime_checkable
class StopsPrograms(Protocol):
    """A twin of a controller whose sequencers stop before an instruction."""

    def signals_until_now(self, sequencer: str) -> "tuple[RunSignals, int] | None":
        """Return what a run plays until a sequencer of it stands at a breakpoint, and that time.

        ns of the run. None: it stands at none, or it is not known.
        """
        ...

    def stop_at(self, sequencer: str, breakpoints: Sequence[Breakpoint], halted: Halted) -> str:
        """Stop a sequencer at these from its next start on, and nowhere else; return its name.

        ``halted`` is called where it stands. Raises ValueError for a sequencer or a condition that
        there is not.
        """
        ...
