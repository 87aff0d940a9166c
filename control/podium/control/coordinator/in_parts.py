"""A run whose program does not fit as it is: played in parts, whose data are one set."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from podium.control.bus import messages
from podium.control.bus.bus import Bus
from podium.control.bus.log import event_log
from podium.control.bus.messages import RunId
from podium.control.bus.streams import AskParts, HowLong, InParts, Lasts
from podium.control.calibration.runner import RunError, RunFailed, RunRefused
from podium.control.coordinator.agents_seen import AgentSeen, unless_gone
from podium.control.coordinator.combining import Combined
from podium.control.coordinator.run_protocol import PREPARE_S, RunParts, insist, play
from podium.control.coordinator.single import Single
from podium.control.program.batches import Batch, common, does_not_compile, part_of
from podium.control.program.program import Axis, Program
from podium.control.program.serialise import digest, to_json
from podium.control.timebase.timed_program import TimedProgram, timed_to_json

log = event_log("coordinator")

NextRun = Callable[[AgentSeen], Awaitable[RunId]]
MOST = 100
"""More parts than this are not made of one run, as a compiler says of its programs."""


class PlaysAtATime(Protocol):
    """Plays a program at a time."""

    async def __call__(
        self, timed: TimedProgram, text: str, *, ticket: str = ""
    ) -> messages.RunDone:
        """``text``: JSON of ``timed``; ``ticket``: of a part."""
        ...


Known = dict[tuple[int, tuple[Axis, ...]], list[Batch]]
"""The parts of programs that differ in their shots and points only, by these."""


async def play_in_parts(
    bus: Bus,
    owner: AgentSeen,
    run: RunId,
    program: Program,
    text: str,
    next_run: NextRun,
    known: Known | None = None,
) -> RunParts:
    """Play ``program`` as it is or, where that is refused and parts fit, part after part.

    ``known``: what does not fit is noted there, and not tried again. Raises ``RunError``, the first
    refusal where parts do not fit either. Nothing is kept of a run in which a part fails, or a
    clock was reset in between.
    """
    key = program.shots, program.axes
    parts = [] if known is None else known.get(key, [])
    if not parts:
        try:
            return await play(bus, owner, run, text)
        except RunRefused as refused:
            parts = await _parts(bus, owner, text)
            if len(parts) < 2:
                raise
            log.info("run in parts", run=str(run), parts=len(parts), because=str(refused))
        if known is not None:
            known[key] = parts
    combined = Combined(program)
    played: list[RunParts] = []
    for batch in parts:
        part = await asyncio.to_thread(_text, program, batch)
        played.append(await play(bus, owner, await next_run(owner), part))
        _check_epochs(played[0].prepared.epochs, played[-1].prepared.epochs)
        combined.add(batch, played[-1].reported.captures)
    captures = await asyncio.to_thread(combined.so_far())
    name = await asyncio.to_thread(digest, program)
    quantised = _joined(one.prepared.quantised for one in played)
    prepared = replace(played[0].prepared, program_hash=name, quantised=quantised)
    return replace(played[0], prepared=prepared, reported=messages.Reported(captures))


async def how_long(bus: Bus, owner: AgentSeen, program: Program) -> Lasts:
    """Return how long ``program`` plays, as it is or in parts; raises ``RunError``."""
    text = await asyncio.to_thread(to_json, program)

    async def lasts(words: str) -> Lasts:
        asking = insist(bus, owner.key, HowLong(words), Lasts, timeout_s=PREPARE_S)
        return await unless_gone(owner, asking)

    try:
        return await lasts(text)
    except RunRefused:
        parts = await _parts(bus, owner, text)
        if len(parts) < 2:
            raise
    each = [await lasts(await asyncio.to_thread(_text, program, batch)) for batch in parts]
    total_fs = sum(one.duration_fs for one in each)
    return Lasts(total_fs, _joined(one.quantised for one in each))


async def play_at_a_time_in_parts(
    bus: Bus,
    owners: Sequence[AgentSeen],
    single: Single,
    timed: TimedProgram,
    text: str,
    play_one: PlaysAtATime,
) -> messages.RunDone:
    """Play ``timed`` (JSON ``text``) as it is or, where it does not compile, part after part.

    Each part is a run of its own that starts at a time of its own; others may have their turn in
    between. Raises as :func:`play_in_parts` does.
    """
    program = timed.program
    assert isinstance(program, Program)
    try:
        return await play_one(timed, text)
    except RunFailed as refused:
        if single.stopped or does_not_compile(program.name) not in str(refused):
            raise
        several = await asyncio.gather(*(_parts(bus, one, text, timed=True) for one in owners))
        parts = common([one for one in several if one]) if all(several) else []
        if not 2 <= len(parts) <= MOST:
            raise
        log.info("run in parts", run=single.run, parts=len(parts), because=str(refused))
    combined = Combined(program)
    done: list[messages.RunDone] = []
    for number, batch in enumerate(parts):
        part = replace(timed, program=part_of(program, batch))
        words = await asyncio.to_thread(timed_to_json, part)
        done.append(await play_one(part, words, ticket=f"{single.ticket}.{number}"))
        _check_epochs(done[0].epochs, done[-1].epochs)
        combined.add(batch, done[-1].captures)
    captures = await asyncio.to_thread(combined.so_far())
    name = await asyncio.to_thread(digest, program)
    return replace(
        done[0],
        program_hash=name,
        quantised=_joined(one.quantised for one in done),
        captures=captures,
        snapshot=done[-1].snapshot,
    )


def _joined(lists: Iterable[str]) -> str:
    inner = [one.strip()[1:-1].strip() for one in lists]
    return f"[{', '.join(one for one in inner if one)}]"


def _check_epochs(before: Mapping[str, int], epochs: Mapping[str, int]) -> None:
    if epochs != before:
        raise RunFailed(
            f"a clock was reset between two parts: epochs {dict(before)} became "
            f"{dict(epochs)}; data of both do not go together"
        )


async def _parts(bus: Bus, owner: AgentSeen, text: str, *, timed: bool = False) -> list[Batch]:
    question = AskParts(text, timed)
    try:
        asking = insist(bus, owner.key, question, InParts, timeout_s=PREPARE_S)
        answer = await unless_gone(owner, asking)
    except RunError:
        return []  # the first refusal says what is wrong
    return [
        Batch(one.first_shot, one.shots, tuple(map(slice, one.first, one.end)))
        for one in answer.parts
    ]


def _text(program: Program, batch: Batch) -> str:
    return to_json(part_of(program, batch))
