"""One run on one agent: PREPARE, ARM, FIRE, REPORT, and ABORT whatever goes wrong.

The contract: never a pulse of a run that was given up, and never its data. Requests are
repeated when their answer is lost; an agent does each step of a run once.
"""

import asyncio
from dataclasses import dataclass
from typing import TypeVar

from podium.control.bus import messages
from podium.control.bus.bus import Bus
from podium.control.bus.log import event_log
from podium.control.bus.messages import Failed, RunId, ask
from podium.control.calibration.runner import RunError, RunFailed, RunRefused
from podium.control.coordinator.agents_seen import AgentSeen, unless_gone

PREPARE_S = 150.0
STEP_S = 40.0
"""Deadlines for answers; above the agent's own, so that its message is heard."""
REPORT_S = 2.0
"""One question for the data waits so long; it is asked again until the run is over."""
ABORT_S = 60.0
LEASE_S = 10.0
"""An armed agent that hears nothing for so long stands down."""
TRIES = 3
"""A request whose answer is lost is asked so often."""
AGAIN_S = 0.1
"""Pause before that: a connection that was cut is not back at once."""

UNSAFE = "could not be made safe: "
"""How the note of an error begins after which outputs may not be safe."""

Answer = TypeVar("Answer")
log = event_log("coordinator")


@dataclass(frozen=True, slots=True, eq=False)
class RunParts:
    """What a run gave."""

    prepared: messages.Prepared
    fired: messages.Fired
    reported: messages.Reported


async def play(bus: Bus, seen: AgentSeen, run: RunId, program: str) -> RunParts:
    """Play ``program`` (JSON) on an agent and return its data; raises ``RunError``.

    If it raises or is cancelled, the agent has been told to abort and has made its outputs
    safe; where it could not be reached or could not do so, :func:`unsafe_after` says it.
    """
    try:
        return await unless_gone(seen, _play(bus, seen, run, program))
    except BaseException as error:
        reason = str(error) or "given up by the coordinator"
        unsafe = await asyncio.shield(_abort(bus, seen, run, reason))
        if unsafe:
            error.add_note(f"{UNSAFE}{unsafe}")
        raise


async def _play(bus: Bus, seen: AgentSeen, run: RunId, program: str) -> RunParts:
    key = seen.key
    prepare = messages.Prepare(run, program)
    prepared = await insist(bus, key, prepare, messages.Prepared, timeout_s=PREPARE_S)
    arm = messages.Arm(run, prepared.program_hash, prepared.epochs, LEASE_S)
    await insist(bus, key, arm, messages.Armed, timeout_s=STEP_S)
    fired = await insist(bus, key, messages.Fire(run), messages.Fired, timeout_s=STEP_S)
    report, long_s = messages.Report(run, REPORT_S), REPORT_S + STEP_S
    while True:
        answer: object = await insist(
            bus, key, report, messages.Reported, messages.Pending, timeout_s=long_s
        )
        if isinstance(answer, messages.Reported):
            return RunParts(prepared, fired, answer)


async def _abort(bus: Bus, seen: AgentSeen, run: RunId, reason: str) -> str:
    """Return what could not be made safe, with the reason; empty: all is."""
    if not seen.here:  # its own end, or its lease, stops it; else it is told when it comes back
        seen.given_up = messages.Abort(run, reason)
        return f"agent {seen.name} is gone"
    answer = await ask(bus, seen.key, messages.Abort(run, reason), messages.Done, timeout_s=ABORT_S)
    if isinstance(answer, Failed):
        log.error("abort failed", run=str(run), agent=seen.name, problem=answer.message)
        return answer.message
    return ""


def unsafe_after(error: BaseException) -> str:
    """Return what could not be made safe when a run ended with ``error``; empty: all is."""
    notes = [note for note in getattr(error, "__notes__", ()) if note.startswith(UNSAFE)]
    return "; ".join(note.removeprefix(UNSAFE) for note in notes)


async def insist(
    bus: Bus, key: str, request: object, *expected: type[Answer], timeout_s: float
) -> Answer:
    """Return the answer to ``request``; raises ``RunRefused`` or ``RunFailed``."""
    attempt = 1
    while True:
        answer = await ask(bus, key, request, *expected, timeout_s=timeout_s)
        if not isinstance(answer, Failed):
            return answer
        if answer.kind != "no answer" or attempt == TRIES:
            raise as_error(answer)
        log.warning("no answer", request=type(request).__name__, to=key, attempt=attempt)
        attempt += 1
        await asyncio.sleep(AGAIN_S)


def as_error(failed: Failed) -> RunError:
    """Return the error that stands for ``failed``."""
    return RunRefused(failed.message) if failed.kind == "refused" else RunFailed(failed.message)


def as_failed(error: RunError) -> Failed:
    """Return what goes over the bus for ``error``."""
    return Failed("refused" if isinstance(error, RunRefused) else "failed", str(error))
