"""Groups sequencers that play together on the world after one trigger.

These are the ones that receive it, and those that receive their trigger outputs in turn, as the
generators of an SHFQC do when its analyser sets the pace. Changes of outputs are known only when
programs are executed: emitters first.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from podium.sim_instruments.twins.zurich.pqsc.zsync import late_samples
from podium.sim_instruments.twins.zurich.quantum_analyzer.analyser_run import OUTPUTS
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import trigger_edges
from podium.sim_instruments.twins.zurich.runs.lookahead_execution import CannotPrecompute
from podium.sim_instruments.twins.zurich.runs.participants import Key, Participant, TriggerRoute
from podium.sim_instruments.twins.zurich.runs.program_run import ProgramRun
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Source
from podium.sim_instruments.twins.zurich.triggers.trigger_routing import TriggerRecipient, hearing

Joins = Callable[[ProgramRun, Collection[Source]], Participant | None]
"""Makes a participant of a run, which hears the trigger as some sources; None: it does not play."""


def listeners_of(runs: Mapping[Key, ProgramRun], key: Key) -> list[tuple[int, TriggerRecipient]]:
    """Return which trigger output of a sequencer is heard, and by whom: those of analysers are."""
    device, at = key
    if not at.startswith("qachannels/"):
        return []
    channel = runs[key].channel
    return [
        (output, one)
        for output, first in enumerate(OUTPUTS)
        for one in hearing(runs, device, first + channel, but=key)
    ]


def trigger_group(
    runs: Mapping[Key, ProgramRun], heard: Sequence[TriggerRecipient], joins: Joins
) -> list[Participant]:
    """Return all that a trigger makes play, whoever hears of it first."""
    participants: dict[Key, Participant] = {}

    def join(one: TriggerRecipient, sources: Collection[Source]) -> None:
        if one.run.going_on and one.key not in participants:
            participant = joins(one.run, sources)
            if participant is not None:
                participants[one.key] = participant

    for one in heard:
        join(one, [other.source for other in heard if other.key == one.key])
    todo = list(participants)
    for emitter in todo:
        for output, one in listeners_of(runs, emitter):
            if not one.run.waits_for(one.source):
                continue
            known = one.key in participants
            join(one, ())
            if one.key not in participants:
                continue
            participant = participants[one.key]
            late = late_samples(one.run, participant.channel) if participants[emitter].late else 0
            participants[one.key] = replace(
                participant,
                listens=(*participant.listens, TriggerRoute(emitter, output, one.source)),
                late=participant.late or late,
            )
            todo += [] if known else [one.key]
    return list(participants.values())


def in_order(participants: Sequence[Participant]) -> Iterator[Participant]:
    """Yield participants, those that emit triggers before those that receive them.

    Each is to be executed before the next is taken, which receives its triggers then. Raises
    :class:`CannotPrecompute` where two start each other, or one is started by none of these.
    """
    left = {one.key: one for one in participants}
    emitters: dict[Key, ProgramRun] = {}
    while left:
        ready = [
            one for one in left.values() if not any(other.emitter in left for other in one.listens)
        ]
        if not ready:
            names = " and ".join(one.sender for one in left.values())
            raise CannotPrecompute(f"{names} start each other, which is not simulated")
        for one in ready:
            for other in one.listens:
                hear(one, other, emitters)
            yield one
            emitters[one.key] = left.pop(one.key).run


def hear(
    participant: Participant, listens: TriggerRoute, emitters: Mapping[Key, ProgramRun]
) -> None:
    """Have a participant hear a trigger output of a sequencer that was executed.

    Raises :class:`CannotPrecompute` where it is none of these.
    """
    emitter = emitters.get(listens.emitter)
    if emitter is None:
        raise CannotPrecompute(
            f"{participant.sender} is started by {'/'.join(listens.emitter)}, "
            "which is not simulated here"
        )
    at_fs = map(emitter.time_fs, trigger_edges(emitter.trace, listens.output).tolist())
    since_fs = participant.again_fs
    fresh = (one for one in at_fs if since_fs is None or one >= since_fs)
    participant.run.expect_all(fresh, listens.source, later=since_fs is not None)
