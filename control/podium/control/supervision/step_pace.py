"""Tells when deadlines of the facility's time count for a step, by the wall's clock. Pure.

A procedure waits in the facility's time, of which ten minutes pass in a second of the wall at a
rate of 600. What a step needs of this software passes by the wall: supervision looks once a second,
an agent answers within seconds, a process that died is there again within half a minute. A
deadline of an hour would be over before that. So no deadline ends a procedure, and no person is
asked, before the wall's clock has left the software time for it, counted from the last disturbance.
At a rate of 1 deadlines are hours: nothing changes.
"""

from dataclasses import dataclass, replace

from podium.control.bus.cold import TaiFs
from podium.control.records.latest_readings import FridgeView
from podium.control.supervision.procedure_run import ProcedureRun

CALM_S = 30.0
"""A deadline counts once a step was looked at for so long without a disturbance.

# ASSUMED: a step has up to five groups of settings, each of which takes a look, an answer and a
reading; looks are a second apart, some seconds on a loaded machine."""
LONGEST_S = 600.0
"""It counts after so long, whatever disturbs."""
ASK_S = 60.0
"""A person is asked once operations have failed for so long. # ASSUMED: an agent that was killed
is there again within it."""
STILL_S = 5.0
"""The facility's time stood still for so long: nothing was read. Readings come once a second."""


@dataclass(frozen=True, slots=True)
class CountedDeadlines:
    """Which deadlines count at a look."""

    timeout: bool = True
    """Of a step that fails when it is late."""
    person: bool = True
    """Of the patience with what is refused or lost."""


ALL_COUNT = CountedDeadlines()
NONE_COUNTS = CountedDeadlines(timeout=False, person=False)


@dataclass(frozen=True, slots=True)
class StepPace:
    """Holds the times at which this process looked at a step, s of the wall."""

    step: tuple[int, bool]
    """Which, and whether the run makes safe."""
    began_s: float
    """When it was first looked at."""
    calm_s: float
    """When the last disturbance was over."""
    failing_s: float | None
    """Since when operations fail; None: they do not."""
    tai: TaiFs
    tai_s: float
    """The facility's time, and when it came on last."""

    def counted(self, wall_s: float) -> CountedDeadlines:
        """Return which deadlines count now."""
        long = wall_s - self.began_s >= LONGEST_S
        asks = self.failing_s is not None and wall_s - self.failing_s >= ASK_S
        return CountedDeadlines(long or wall_s - self.calm_s >= CALM_S, long or asks)


def looked(before: StepPace | None, run: ProcedureRun, view: FridgeView, wall_s: float) -> StepPace:
    """Return the pace of a run's step after a look; None: this process has not looked yet."""
    step = run.at, run.making_safe
    if before is None or before.step != step:
        return StepPace(step, wall_s, wall_s, wall_s if _fails(run) else None, view.tai, wall_s)
    after = before
    if view.tai != before.tai:
        still = wall_s - before.tai_s >= STILL_S
        after = replace(after, tai=view.tai, tai_s=wall_s)
        after = replace(after, calm_s=wall_s) if still else after
    if not _fails(run):
        return after if after.failing_s is None else replace(after, failing_s=None)
    since_s = wall_s if after.failing_s is None else after.failing_s
    return replace(after, failing_s=since_s, calm_s=wall_s)


def _fails(run: ProcedureRun) -> bool:
    """Tell whether an operation was refused, lost or not answered, and is not done since."""
    return any(one.tries and one.state in ("due", "asked", "refused") for one in run.operations)
