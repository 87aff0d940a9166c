"""Decides at an agent which fires a client may ask of it directly. Pure: no clock, no I/O.

What may begin goes through the agent's machine as any other run. A grant holds until it is
recalled, its time is over, or another one takes its place.
"""

from dataclasses import dataclass, replace

from podium.control.bus.messages import RunId
from podium.control.runs.messages import (
    AtOnce,
    FiredProgram,
    FireGrant,
    Prepare,
    Report,
    Request,
    Token,
)


@dataclass(frozen=True, slots=True)
class GrantedFires:
    """One grant, and what became of it."""

    grant: FireGrant
    run: RunId
    """The run that has brought it; those after it are granted."""
    token: Token
    until_s: float
    """No fire begins later, wall time."""
    latest: RunId
    """The latest that was begun; ``run``: none was."""
    counted: RunId
    """The latest that was counted."""
    done: int = 0
    recalled: bool = False

    def covers(self, run: RunId, secret: str) -> bool:
        """Return whether who knows the secret may ask for a run."""
        return secret == self.grant.secret and self.run < run <= self.grant.last

    def request(self, run: RunId, life: int, values: bytes) -> Prepare:
        """Return what the coordinator would ask for the run."""
        fired = FiredProgram(self.token.program_hash, values)
        return Prepare(run, life, fired, AtOnce(self.token))


def noted(
    before: GrantedFires | None, request: Request, answer: object, now_s: float
) -> GrantedFires | None:
    """Return what is granted after an answer; one that is said again changes nothing."""
    if not (isinstance(request, Prepare) and isinstance(request.plan, AtOnce)):
        return before
    grant, token = request.plan.grant, request.plan.agreed
    if grant is None or token is None or not isinstance(answer, Report) or answer.ended:
        return before
    if before is not None and request.run <= before.run:
        return before
    run = request.run
    return GrantedFires(grant, run, token, now_s + grant.for_s, run, run)


def begun(
    granted: GrantedFires | None, run: RunId, secret: str, now_s: float
) -> GrantedFires | str:
    """Return what is granted once a run may begin or was begun before; or why it may not."""
    if granted is None or not granted.covers(run, secret):
        return f"no fire was granted as run {run}"
    if run <= granted.latest:
        return granted
    if granted.recalled:
        return "the grant was recalled"
    if now_s > granted.until_s:
        return "the time of the grant is over"
    return replace(granted, latest=run)


def counted(granted: GrantedFires, run: RunId) -> GrantedFires:
    """Count a run that was played, once."""
    if run <= granted.counted:
        return granted
    return replace(granted, counted=run, done=granted.done + 1)
