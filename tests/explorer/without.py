"""Takes one guard out of the shipped machines, by compiling the function anew without it."""

import inspect
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from tests.explorer.scenario import BOTH, STRANGE, A, Scenario

from podium.control.runs import (
    agent_checks,
    agent_ends,
    agent_machine,
    agent_steps,
    attendance,
    coordinator_machine,
    run_machine,
    verdict,
)

ROOM = "podium.control.runs."
ONE_JOB, TWO_JOBS = (("job 1", A),), (("job 1", A), ("job 2", A))
OF_BOTH = (("job 1", BOTH),)


@dataclass(frozen=True, slots=True)
class Guard:
    """A guard that can be taken out, and where to look for the harm."""

    name: str
    module: ModuleType
    function: str
    """Its name; of a method, ``Class.method``."""
    before: str
    """What stands in it, exactly once."""
    after: str
    kinds: tuple[str, ...]
    """Faults that it takes to do harm; how many at most: as many as there are."""
    jobs: tuple[tuple[str, tuple[str, ...]], ...] = ONE_JOB
    faults: int = 0

    @property
    def scenario(self) -> Scenario:
        agents = tuple(sorted({agent for _, names in self.jobs for agent in names}))
        faults = self.faults or len(self.kinds)
        return Scenario(f"without {self.name}", agents, self.jobs, self.kinds, faults)


class Moved(Exception):
    """The source has moved on: the fragment is not there once."""


@contextmanager
def without(guard: Guard) -> Iterator[None]:
    """Have the machines work without a guard as long as the context is open."""
    owner: Any = guard.module
    *path, name = guard.function.split(".")
    for one in path:
        owner = getattr(owner, one)
    shipped = getattr(owner, name)
    source = textwrap.dedent(inspect.getsource(shipped))
    if source.count(guard.before) != 1:
        count = source.count(guard.before)
        raise Moved(f"{guard.name}: {guard.before!r} stands {count} times in {guard.function}")
    scope: dict[str, Any] = {}
    code = source.replace(guard.before, guard.after)
    exec(compile(code, f"<without {guard.name}>", "exec"), vars(guard.module), scope)
    places = [owner] if path else _holders(name, shipped)
    for place in places:
        setattr(place, name, scope[name])
    try:
        yield
    finally:
        for place in places:
            setattr(place, name, shipped)


def _holders(name: str, shipped: Any) -> list[Any]:
    """Return all modules of the room that have taken the function over by its name."""
    room = [one for key, one in sys.modules.items() if key.startswith(ROOM)]
    return [one for one in room if getattr(one, name, None) is shipped]


def _of(
    name: str, module: ModuleType, function: str, before: str, after: str, *kinds: str, **more: Any
) -> Guard:
    return Guard(name, module, function, before, after, kinds, **more)


AGENT_CRASH, CRASH, REPLACED = "agent crashes", "coordinator crashes", "coordinator is replaced"
LOST, REPEATED, LATE = "message is lost", "message is repeated", "message is slow"
FAILS, SLOW, RELOCK = "hardware fails", "hardware is slow", "clock re-locks"
FROZEN, PAUSED = "agent freezes", "coordinator freezes"
WITHDRAWN, AGAIN = "job is withdrawn", "job is wanted again"
NEVER = "if False:"

GUARDS_OUT = (
    # The agent: who may say anything
    _of(
        "fencing",
        agent_checks,
        "is_fenced",
        "session_of(request) < state.session",
        "False",
        REPLACED,
    ),
    _of(
        "end of an earlier session's run",
        agent_machine,
        "_new_session",
        'return give_up(replace(state, following=None), "its coordinator was replaced")',
        "return state, ()",
        CRASH,
        LATE,
    ),
    _of(
        "life that is meant",
        agent_machine,
        "_prepare",
        "if request.life != state.life:",
        NEVER,
        AGENT_CRASH,
        LATE,
    ),
    _of(
        "stale runs",
        agent_checks,
        "is_stale",
        "return state.last is not None and run <= state.last",
        "return False",
        LATE,
        WITHDRAWN,
    ),
    _of(
        "run in hand",
        agent_checks,
        "in_hand",
        "state.hand is not None and state.hand.run == run",
        "state.hand is not None",
        REPEATED,
        jobs=TWO_JOBS,
    ),
    _of("busy", agent_machine, "_prepare", "if waits or is_busy(state):", NEVER, CRASH),
    _of(
        "not safe",
        agent_ends,
        "take_on",
        "if state.unsafe and isinstance(request.plan, AtATime):",
        NEVER,
        AGENT_CRASH,
        FAILS,
        STRANGE,
    ),
    _of(
        "abort before PREPARE",
        agent_machine,
        "_abort",
        "if not checks.is_stale(state, run):",
        NEVER,
        LATE,
        WITHDRAWN,
    ),
    _of(
        "abort of the run that follows",
        agent_machine,
        "_abort",
        "if state.following is not None and state.following.run == run:",
        NEVER,
        CRASH,
        SLOW,
        WITHDRAWN,
    ),
    _of(
        "still before it says so",
        agent_machine,
        "_abort",
        "if state.unsafe:",
        NEVER,
        AGENT_CRASH,
        WITHDRAWN,
    ),
    # The agent: PREPARE and ARM
    _of(
        "prepared before it is armed",
        agent_machine,
        "_arm",
        "hand.phase is not Phase.PREPARED or hand.prepared is None",
        "hand.prepared is None",
        REPEATED,
    ),
    _of(
        "program of the token",
        agent_machine,
        "_arm",
        "if token.program_hash != prepared.program_hash:",
        NEVER,
        STRANGE,
    ),
    _of(
        "epochs of the token",
        agent_machine,
        "_arm",
        "if moved := checks.epoch_moved(token, prepared.epochs):",
        NEVER,
        STRANGE,
    ),
    _of(
        "lead of the token",
        agent_machine,
        "_arm",
        "if token.minimum_lead_fs < margins.minimum_lead_fs:",
        NEVER,
        STRANGE,
    ),
    _of(
        "epochs when armed",
        agent_steps,
        "armed_up",
        "if hand.token is None or (moved := checks.epoch_moved(hand.token, done.epochs)):",
        NEVER,
        RELOCK,
    ),
    _of(
        "answers from memory",
        agent_ends,
        "say_again",
        "return (Reply(answer),)",
        "return ()",
        REPEATED,
    ),
    # The agent: FIRE
    _of(
        "armed before it is fired",
        agent_machine,
        "_fire",
        "hand.phase is not Phase.ARMED or hand.lease_ends_s is None",
        "hand.lease_ends_s is None",
        REPEATED,
    ),
    _of(
        "lease at FIRE",
        agent_machine,
        "_fire",
        "if now_s >= hand.lease_ends_s:",
        NEVER,
        LATE,
        CRASH,
    ),
    _of(
        "lease",
        agent_machine,
        "_ticked",
        "if hand.lease_ends_s is not None and now_s >= hand.lease_ends_s:",
        NEVER,
        CRASH,
    ),
    _of(
        "one T0",
        agent_machine,
        "_fire",
        "if not again and hand.t0 not in (None, request.t0):",
        NEVER,
        STRANGE,
    ),
    _of(
        "longest lead",
        agent_steps,
        "clock_read",
        "if checking and slack_fs > margins.longest_lead_fs:",
        NEVER,
        STRANGE,
    ),
    _of(
        "least lead",
        agent_steps,
        "clock_read",
        "hand.token.minimum_lead_fs if checking else 0",
        "0",
        LATE,
        PAUSED,
    ),
    _of(
        "lateness",
        agent_checks,
        "missing_fs",
        "return max(0, needed_fs - slack_fs)",
        "return 0",
        SLOW,
    ),
    _of(
        "epochs when fired",
        agent_steps,
        "clock_read",
        "if moved := checks.epoch_moved(hand.token, read.epochs):",
        NEVER,
        RELOCK,
    ),
    # The agent: the guard
    _of(
        "not before the guard",
        agent_checks,
        "may_commit",
        "return told_fs <= guard_fs",
        "return True",
        SLOW,
    ),
    _of(
        "set-up",
        agent_steps,
        "clock_read",
        "if checks.missing_fs(margins.setup_fs, slack_fs):",
        NEVER,
        SLOW,
    ),
    _of(
        "beyond recall",
        agent_ends,
        "give_up",
        "if hand.phase not in BEYOND_RECALL:",
        "if True:",
        WITHDRAWN,
    ),
    _of(
        "hands off until T0",
        agent_steps,
        "clock_read",
        "if told_fs < -margins.after_fs:",
        "if True:",
        WITHDRAWN,
    ),
    _of(
        "what was given up since",
        agent_machine,
        "step",
        "hand is None or hand.run != event.run or hand.phase in (Phase.STANDING_DOWN, Phase.ENDED)",
        "hand is None",
        SLOW,
        WITHDRAWN,
    ),
    _of(
        "still where the trigger has not come",
        agent_steps,
        "collected",
        "if done.start is None:",
        NEVER,
        "edge lost",
        jobs=TWO_JOBS,
    ),
    # The coordinator: one run
    _of(
        "all have answered",
        run_machine,
        "_all_answered",
        "all(node.request is None for node in start.nodes)",
        "True",
        jobs=OF_BOTH,
    ),
    _of(
        "one program",
        run_machine,
        "_arm",
        "if len(hashes) > 1:",
        NEVER,
        "compiled otherwise",
        jobs=OF_BOTH,
    ),
    _of(
        "epochs agree",
        run_machine,
        "_arm",
        "except EpochMoved as error:",
        "except EpochMoved as error:\n        pass\n    for error in ():",
        RELOCK,
        jobs=OF_BOTH,
    ),
    _of(
        "a fresh time",
        run_machine,
        "_ask_time",
        "and not any(node.said_again for node in start.nodes)",
        "",
        LOST,
    ),
    _of(
        "FIRE is called back",
        run_machine,
        "_fire",
        "now_s + recall_s",
        "now_s + recall_s + 1",
    ),
    _of("deadlines", run_machine, "_time_passed", "if now_s >= start.deadline_s:", NEVER, SLOW),
    _of(
        "reports of all",
        verdict,
        "problems",
        "for problem in _of_one(",
        "for problem in () and (",
        "edge lost",
    ),
    _of(
        "start tick",
        verdict,
        "_of_one",
        "abs(off_fs) > TOLERANCE_FS + start.resolution_fs // 2",
        "False",
        "edge late",
    ),
    _of(
        "epochs of the report",
        verdict,
        "_of_one",
        "    if report.late or report.missed:",
        "    found.clear()\n    if report.late or report.missed:",
        RELOCK,
    ),
    _of(
        "no data of a run that failed",
        run_machine,
        "_fail",
        "failed=reason",
        'failed=""',
        "edge late",
    ),
    # The coordinator: agents and jobs
    _of(
        "silence",
        attendance,
        "Attendance.silent",
        "if silent_s > STALE_S and not seen.quarantined:",
        NEVER,
        FROZEN,
    ),
    _of("own pause", attendance, "Attendance.awake", "> OWN_PAUSE_S:", "> 1e9:", PAUSED),
    _of(
        "another life",
        attendance,
        "Attendance.beat",
        "before.life != beat.life",
        "False",
        AGENT_CRASH,
    ),
    _of(
        "whose greeting",
        attendance,
        "Attendance.present",
        "seen is not None and seen.life == answer.life",
        "seen is not None",
        AGENT_CRASH,
        LATE,
    ),
    _of(
        "greeted, but not safe",
        attendance,
        "Attendance.present",
        "if answer.unsafe else",
        "if False else",
        AGENT_CRASH,
    ),
    _of(
        "who does not stand down",
        run_machine,
        "_time_passed",
        "tuple(Quarantine(one, reason) for one in silent)",
        "()",
        SLOW,
        WITHDRAWN,
    ),
    _of(
        "who can be used",
        attendance,
        "Attendance.problem",
        "return seen.quarantined if at_once else seen.unwell",
        'return ""',
        CRASH,
    ),
    _of(
        "who is taken",
        coordinator_machine,
        "CoordinatorSide._allot",
        'others = bool(taken & set(job.agents)) or waiting.turn == "asked"',
        'others = waiting.turn == "asked"',
        jobs=TWO_JOBS,
    ),
    _of(
        "stand aside",
        coordinator_machine,
        "CoordinatorSide.handle",
        "if session > self.session:",
        NEVER,
        REPLACED,
    ),
    _of(
        "journal",
        coordinator_machine,
        "CoordinatorSide.__init__",
        "self._waiting[ticket] = _Waiting(entry)",
        "pass",
        CRASH,
    ),
    _of(
        "sessions go up",
        coordinator_machine,
        "CoordinatorSide.__init__",
        "session = max(session, number + 1)",
        "pass",
        CRASH,
    ),
    _of(
        "job that has ended",
        coordinator_machine,
        "CoordinatorSide._submitted",
        "if (ended := self._ended.get(job.ticket)) is not None:",
        NEVER,
        AGAIN,
    ),
    _of(
        "job that is open",
        coordinator_machine,
        "CoordinatorSide._submitted",
        "if job.ticket in self.open_tickets:",
        NEVER,
        AGAIN,
    ),
)
