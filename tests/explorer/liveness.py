"""What the machines come to once nothing goes wrong any longer."""

from random import Random

from tests.explorer.jobs import Wanted
from tests.explorer.machines import APPEAR_S, PATIENCE, PER_S
from tests.explorer.parts import State
from tests.explorer.rest import healed, in_words, not_idle
from tests.explorer.world import World

STEPS = 400
"""Within so many steps all is idle again, for two jobs on up to three nodes."""
OF_A_RUN_S = (
    PATIENCE.prepare_s
    + PATIENCE.arm_s
    + PATIENCE.time_s
    + PATIENCE.report_s
    + PATIENCE.abort_s
    + 0.5
)
"""The longest that a run can take: all its stages, and the lead."""
WITHIN_S = APPEAR_S + 3 * OF_A_RUN_S
"""Within this time: agents appear, two jobs run, after the run that was on."""


class NotIdle(AssertionError):
    """Something goes on, or can go on no more. Says what happened since the faults ended."""


LAST = 40
"""Of the steps since the faults ended the last ones are said."""


def _said(words: list[str], problem: str) -> str:
    return "\n".join((words[0], *words[1:][-LAST:], problem))


def at_rest(world: World, state: State, draw: Random) -> State:
    """Return a state after all has come to rest by itself; raises :class:`NotIdle`.

    What is due at once happens in an order that is drawn.
    """
    words: list[str] = [in_words(world, state)]
    passed = 0
    for _ in range(STEPS):
        found = list(world.next(state))
        if not found:
            break
        now = [one for one in found if not one.quanta]
        step = draw.choice(now) if now else found[0]
        passed += step.quanta
        words.append(step.what)
        state = step.state
        for name, how in step.broken:
            raise NotIdle(_said(words, f"{name}: {how}"))
    else:
        raise NotIdle(_said(words, f"after {STEPS} steps something still happens"))
    if problem := not_idle(world, state):
        raise NotIdle(_said(words, problem))
    if passed > WITHIN_S * PER_S:
        raise NotIdle(_said(words, f"it took {passed / PER_S} s"))
    return state


def goes_on(world: World, state: State, draw: Random) -> None:
    """Have the faults end: all comes to rest, and a next job is played. Raises ``NotIdle``."""
    state = at_rest(world, healed(world, state), draw)
    agents = world.scenario.agents
    for job in (Wanted("next job", agents), Wanted("next job, at once", agents[:1], True)):
        before = world.wanting(state, (job,))
        state = at_rest(world, before, draw)
        told = world.outside(state).job(job.ticket).told
        if told is None or told.failed:
            raise NotIdle(f"the {job.ticket} comes to nothing, from\n{in_words(world, before)}")
