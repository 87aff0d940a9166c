"""Which sequencers play together on the world: those that hear a trigger, and those that hear the
trigger outputs of these, as the generators of an SHFQC do when its analyser sets the pace.

When outputs change is known only when their programs are executed: talkers first.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from podium.sim_instruments.twins.zurich.analyser_run import OUTPUTS
from podium.sim_instruments.twins.zurich.executed import CannotForetell
from podium.sim_instruments.twins.zurich.members import Key, Listens, Member
from podium.sim_instruments.twins.zurich.program_run import ProgramRun
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import trigger_edges
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Source
from podium.sim_instruments.twins.zurich.triggering import Heard, hearing
from podium.sim_instruments.twins.zurich.zsync import late_samples

Joins = Callable[[ProgramRun, Collection[Source]], Member | None]
"""Makes a member of a run, which hears the trigger as some sources; None: it does not play."""


def listeners_of(runs: Mapping[Key, ProgramRun], key: Key) -> list[tuple[int, Heard]]:
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


def joined(runs: Mapping[Key, ProgramRun], heard: Sequence[Heard], joins: Joins) -> list[Member]:
    """Return all that a trigger makes play, whoever hears of it first."""
    members: dict[Key, Member] = {}

    def join(one: Heard, sources: Collection[Source]) -> None:
        if one.run.going_on and one.key not in members:
            member = joins(one.run, sources)
            if member is not None:
                members[one.key] = member

    for one in heard:
        join(one, [other.source for other in heard if other.key == one.key])
    todo = list(members)
    for talker in todo:
        for output, one in listeners_of(runs, talker):
            if not one.run.waits_for(one.source):
                continue
            known = one.key in members
            join(one, ())
            if one.key not in members:
                continue
            member = members[one.key]
            late = late_samples(one.run, member.channel) if members[talker].late else 0
            members[one.key] = replace(
                member,
                listens=(*member.listens, Listens(talker, output, one.source)),
                late=member.late or late,
            )
            todo += [] if known else [one.key]
    return list(members.values())


def in_order(members: Sequence[Member]) -> Iterator[Member]:
    """Yield members, talkers before those that hear them; each is to be executed before the next
    is taken, which hears it then. Raises :class:`CannotForetell` where two hear each other, or
    one hears who is not among them."""
    left = {one.key: one for one in members}
    talkers: dict[Key, ProgramRun] = {}
    while left:
        ready = [
            one for one in left.values() if not any(other.talker in left for other in one.listens)
        ]
        if not ready:
            names = " and ".join(one.sender for one in left.values())
            raise CannotForetell(f"{names} start each other, which is not simulated")
        for one in ready:
            for other in one.listens:
                hear(one, other, talkers)
            yield one
            talkers[one.key] = left.pop(one.key).run


def hear(member: Member, listens: Listens, talkers: Mapping[Key, ProgramRun]) -> None:
    """Have a member hear a trigger output of a sequencer that was executed.

    Raises :class:`CannotForetell` where it is none of these.
    """
    talker = talkers.get(listens.talker)
    if talker is None:
        raise CannotForetell(
            f"{member.sender} is started by {'/'.join(listens.talker)}, which is not simulated here"
        )
    at_fs = map(talker.time_fs, trigger_edges(talker.trace, listens.output).tolist())
    since_fs = member.again_fs
    fresh = (one for one in at_fs if since_fs is None or one >= since_fs)
    member.run.expect_all(fresh, listens.source, later=since_fs is not None)
