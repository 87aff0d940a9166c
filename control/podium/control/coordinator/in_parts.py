"""A run whose program does not fit as it is: played in parts, whose data are one set."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from podium.control.bus import messages
from podium.control.bus.bus import Bus
from podium.control.bus.log import event_log
from podium.control.bus.messages import RunId
from podium.control.bus.streams import AskParts, InParts
from podium.control.calibration.runner import RunError, RunFailed, RunRefused
from podium.control.coordinator.agents_seen import AgentSeen
from podium.control.coordinator.combining import Combined
from podium.control.coordinator.run_protocol import PREPARE_S, RunParts, insist, play
from podium.control.program.batches import Batch, part_of
from podium.control.program.program import Program
from podium.control.program.serialise import digest, to_json

log = event_log("coordinator")

NextRun = Callable[[AgentSeen], Awaitable[RunId]]


async def play_in_parts(
    bus: Bus, owner: AgentSeen, run: RunId, program: Program, text: str, next_run: NextRun
) -> RunParts:
    """Play ``program`` as it is or, where that is refused and parts fit, part after part.

    Raises ``RunError``, the first refusal where parts do not fit either. Nothing is kept of a run
    in which a part fails, or a clock was reset in between.
    """
    try:
        return await play(bus, owner, run, text)
    except RunRefused as refused:
        parts = await _parts(bus, owner, text)
        if len(parts) < 2:
            raise
        log.info("run in parts", run=str(run), parts=len(parts), because=str(refused))
    combined = Combined(program)
    played: list[RunParts] = []
    for batch in parts:
        part = await asyncio.to_thread(_text, program, batch)
        played.append(await play(bus, owner, await next_run(owner), part))
        epochs, before = played[-1].prepared.epochs, played[0].prepared.epochs
        if epochs != before:
            raise RunFailed(
                f"a clock was reset between two parts: epochs {dict(before)} became "
                f"{dict(epochs)}; data of both do not go together"
            )
        combined.add(batch, played[-1].reported.captures)
    captures = await asyncio.to_thread(combined.so_far())
    name = await asyncio.to_thread(digest, program)
    lists = [one.prepared.quantised.strip()[1:-1].strip() for one in played]
    quantised = f"[{', '.join(one for one in lists if one)}]"
    prepared = replace(played[0].prepared, program_hash=name, quantised=quantised)
    return replace(played[0], prepared=prepared, reported=messages.Reported(captures))


async def _parts(bus: Bus, owner: AgentSeen, text: str) -> list[Batch]:
    try:
        answer = await insist(bus, owner.key, AskParts(text), InParts, timeout_s=PREPARE_S)
    except RunError:
        return []  # the first refusal says what is wrong
    return [
        Batch(one.first_shot, one.shots, tuple(map(slice, one.first, one.end)))
        for one in answer.parts
    ]


def _text(program: Program, batch: Batch) -> str:
    return to_json(part_of(program, batch))
