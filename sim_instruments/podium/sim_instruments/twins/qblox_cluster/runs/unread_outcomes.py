"""Outcomes of acquisitions at which no sequencer looks: they branch nothing.

A sequencer that stands before ``latch_rst`` forgets what comes by then. Whether it does is not
believed: once a run was walked, these outcomes are known, and its programs are executed once more
with all triggers (:mod:`.outcome_run`).
"""

from collections.abc import Collection, Sequence

from podium.sim_instruments.twins.qblox_cluster.runs.group_playback import (
    THRESHOLD_TRIGGER_NS,
    GroupPlayback,
)
from podium.sim_instruments.twins.qblox_cluster.runs.halts import Acquired
from podium.sim_instruments.twins.qblox_cluster.trigger_network import DEAD_NS


def unread_outcomes(
    group: GroupPlayback, watched: Sequence[Collection[int] | None], until_ns: int
) -> frozenset[Acquired]:
    """Return acquisitions that are over by a time, not answered, and whose pulses nobody needs.

    ``watched``: by sequencer, addresses that it may look at; None: all. A pulse is needed, too,
    where another one may come that is, before the network is free again.
    """
    earliest = group.together.earliest_ns(group.known_ns)
    needed_ns = min(earliest[number] for number in group.senders) + THRESHOLD_TRIGGER_NS
    needed_ns = min([needed_ns, *(pulse.arrival_ns for pulse in group.pulses.waiting)])
    open_ = [(end, n) for n in group.senders for end in group.playbacks[n].unanswered_ns()]
    found: set[Acquired] = set()
    for end_ns, number in sorted(open_, reverse=True):
        arrival_ns = end_ns + THRESHOLD_TRIGGER_NS
        address = group.runs[number].configuration.trigger_address
        if (
            end_ns <= until_ns
            and arrival_ns + DEAD_NS <= needed_ns
            and _is_forgotten(group, watched, address, arrival_ns)
        ):
            found.add((number, end_ns))
        else:
            needed_ns = min(needed_ns, arrival_ns)
    return frozenset(found)


def _is_forgotten(
    group: GroupPlayback,
    watched: Sequence[Collection[int] | None],
    address: int,
    arrival_ns: int,
) -> bool:
    """Tell whether no sequencer looks at a trigger."""
    return all(
        (addresses is not None and address not in addresses) or arrival_ns <= run.forgets_ns
        for run, addresses in zip(group.together.runs, watched, strict=True)
    )
