"""How an agent learns its guard: a host too busy for the last look gives itself more time.

The last look at clock and epochs begins at T0 - guard, and the trigger is set after it. Once in a
while it takes too long; that costs a start, and nothing is learnt of it. Where it happens again at
once, the host is slower than the guard was made for: the guard is doubled, or made as long as the
look has taken. It comes back slowly. What a run was told at PREPARE holds until its end: only the
next run has another guard.
"""

from dataclasses import replace

from podium.control.timebase.start.agent_values import AgentState, Margins
from podium.firmware_interfaces.exact_time import FS_PER_MS

WIDEST_FS = 200 * FS_PER_MS
"""A host slower than this is no host for starts: such a start is reported as late."""
KEPT = 0.8
"""What is left of a late look after each start: two in three starts are more than :data:`OFTEN`,
two in four are not."""
OFTEN = 1.5
ALLOWANCE = 1.25
"""Over what a look has taken that was too late. ASSUMED: how much longer the next one takes."""
NARROWED = 500
"""Each start in time takes this part of the guard away."""


def looked_late(state: AgentState, left_fs: int) -> AgentState:
    """Return the state after a last look that has taken too long.

    ``left_fs`` before T0 the trigger could have been set; below 0: after T0.
    """
    late = KEPT * state.late_lately + 1
    if late <= OFTEN:
        return replace(state, late_lately=late)
    guard_fs, setup_fs = state.margins.guard_fs, state.margins.setup_fs
    needed_fs = round(ALLOWANCE * (guard_fs - left_fs)) + setup_fs
    wider_fs = max(guard_fs, min(max(2 * guard_fs, needed_fs), WIDEST_FS))
    return replace(state, late_lately=0.0, margins=_with_guard(state, wider_fs))


def looked_in_time(state: AgentState) -> AgentState:
    """Return the state after a last look that was over in time."""
    guard_fs = state.margins.guard_fs
    narrower_fs = max(state.least.guard_fs, guard_fs - guard_fs // NARROWED)
    late = KEPT * state.late_lately
    return replace(state, late_lately=late, margins=_with_guard(state, narrower_fs))


def _with_guard(state: AgentState, guard_fs: int) -> Margins:
    """Return margins with this guard, and as much more before it as the least have."""
    more_fs = state.least.minimum_lead_fs - state.least.guard_fs
    return replace(state.margins, guard_fs=guard_fs, minimum_lead_fs=guard_fs + more_fs)
