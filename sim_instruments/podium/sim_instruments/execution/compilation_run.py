"""A short run that has the walk on a tree of outcomes compiled, into Numba's cache on disk."""

from collections.abc import Hashable, Sequence

from podium.sim_instruments.execution.firmware import Decision, Halt, Known, Reached
from podium.sim_instruments.execution.outcome_tree import OutcomeTree
from podium.sim_instruments.physics.compilation_runs import first_signals, first_world
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.session_plan import SessionPlan

AT_NS = 10_000
RULE = (1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0)


class OneReading:
    """Firmware that reads once, decides, and is over."""

    def begin(self) -> Reached:
        """Go to the halt."""
        signals = first_signals(1, 1, readout=False)
        decision = Decision(((0, 0), (0, 0)), RULE, lambda value, _: value.real >= 0)
        halt = Halt((), AT_NS, signals.drives, signals.captures, (0,), (decision,), None)
        return Reached(halt, (1,), None)

    def go_on(
        self,
        moment: object,
        bits: Sequence[int],
        counters: Sequence[int],
        setting: Hashable,
        known: Known,
        *,
        bounded: bool,
    ) -> Reached:
        """Go to the end."""
        return Reached(None, (counters[0] - 1,) if not bounded else (0,), None)


def run_tree() -> None:
    """Walk on a tree of one node."""
    firmware = OneReading()
    plan = SessionPlan(first_world().begin(RunStart(1, 0, {})))
    OutcomeTree(firmware, firmware.begin(), plan, 1, scopes=True).walk()
