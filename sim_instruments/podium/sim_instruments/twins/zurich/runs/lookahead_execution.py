"""Executes a sequencer ahead of its time: to its end, or from one trigger to the next.

Triggers that come one by one, of a client's software or of another train, each start what the
program does until it waits again: that is known when the trigger is given, and is played on the
world as a run of its own. ASSUMED: the chip has come to rest between them.
"""

from typing import Final

from podium.sim_instruments.twins.zurich.runs.program_run import IN_PIECES, TRIGGERS, ProgramRun
from podium.sim_instruments.twins.zurich.sequencer.processor import NEVER
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Row, Status

LONGEST_FS: Final = 3 * 3600 * 10**15
"""Runs are precomputed so far: int64 nanoseconds hold more, kernels' femtoseconds 2.56 h."""


class CannotPrecompute(RuntimeError):
    """A program waits for what is not known when it starts, or has done what it cannot."""


def to_the_end(run: ProgramRun) -> None:
    """Execute a program; raises :class:`CannotPrecompute`."""
    _go_on(run)
    check_ended(run)


def to_the_next_trigger(run: ProgramRun, again: bool) -> int:
    """Execute a program to its end, or to where it waits for a trigger that is not known yet.

    Returns the first sample that was not played before: 0; or with ``again``, of a copy that is to
    recall triggers, the first after these; NEVER, where nothing comes of them. Raises
    :class:`CannotPrecompute`.
    """
    _go_on(run)
    if not again:
        _check_waits(run)
        return 0
    before = run.trace
    run.recall()
    _go_on(run)
    _check_waits(run)
    fresh = run.trace.rows[len(before.rows) :]
    if not len(fresh):
        return NEVER
    since = int(fresh[:, Row.TIME].min())
    if since < before.end:
        raise CannotPrecompute(
            f"{run.device}/{run.at}: a trigger came {before.end - since} samples before the end "
            "of what the one before it started, which is not simulated"
        )
    return since


def check_ended(run: ProgramRun) -> None:
    """Raise :class:`CannotPrecompute` where a program has not come to its end."""
    if run.trace.status is not Status.ENDED:
        waiting = run.trace.waiting
        wait = run.trace.status.name if waiting is None else f"it waits for {waiting.name}"
        why = run.fault() or wait
        raise CannotPrecompute(
            f"{run.device}/{run.at}: what the world answers is not simulated here: {why}"
        )


def _check_waits(run: ProgramRun) -> None:
    if not (run.trace.status is Status.WAITING and run.trace.waiting in TRIGGERS):
        check_ended(run)


def _go_on(run: ProgramRun) -> None:
    while True:
        run.advance(run.start_fs + LONGEST_FS)
        if run.trace.status not in IN_PIECES:
            break
