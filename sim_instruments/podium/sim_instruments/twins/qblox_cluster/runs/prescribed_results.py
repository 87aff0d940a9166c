"""Runs sequencers with prescribed results of their measurements; no world is asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import Q1Group
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import Trigger
from podium.sim_instruments.twins.qblox_cluster.processor.q1_state import FOR_EVER
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import EventKind
from podium.sim_instruments.twins.qblox_cluster.runs.group_playback import (
    THRESHOLD_TRIGGER_NS,
    Pulse,
    PulsesUnderWay,
)


@dataclass(frozen=True, slots=True)
class ResultSender:
    """A sequencer that sends its results."""

    number: int
    """Within the program."""
    address: int
    integration_ns: int
    sends: Callable[[int], bool]
    """Whether an acquisition of this index does."""


def result_senders(program: ClusterProgram, results: Mapping[str, int]) -> list[ResultSender]:
    """Return the senders where captures have these results every time; 0 where none is named."""
    senders = []
    for number, entry in enumerate(program.sequencers):
        if not entry.sends_to:
            continue
        sending = {
            one.index for one in entry.acquisitions if results.get(one.name, 0) == entry.sends_at
        }
        senders.append(
            ResultSender(number, entry.sends_to, entry.integration_ns, sending.__contains__)
        )
    return senders


def proceed_with(
    together: Q1Group, senders: Sequence[ResultSender], external: Sequence[Trigger] = ()
) -> None:
    """Go on to the ends; triggers that find the network busy are lost, as on a cluster."""
    rows_read = dict.fromkeys((one.number for one in senders), 0)
    pulses, known_ns = PulsesUnderWay(external), -1
    while True:
        delivered = pulses.deliver(known_ns)
        together.proceed([Trigger(one.arrival_ns, one.address) for one in delivered], known_ns)
        for sender in senders:
            rows = together.runs[sender.number].rows(rows_read[sender.number], FOR_EVER)
            rows_read[sender.number] += len(rows)
            for k in np.flatnonzero(rows.kind == EventKind.ACQUIRE):
                if sender.sends(int(rows.acq[k])):
                    end_ns = int(rows.time_ns[k]) + sender.integration_ns
                    arrival_ns = end_ns + THRESHOLD_TRIGGER_NS
                    pulses.add([Pulse(arrival_ns, sender.number, sender.address)])
        if not together.waits_for_triggers:
            return
        earliest = together.earliest_ns(known_ns)
        to_come = [earliest[one.number] + THRESHOLD_TRIGGER_NS for one in senders]
        if known_ns == FOR_EVER:
            return
        upto_ns = min([FOR_EVER, *to_come])
        known_ns = upto_ns if upto_ns > known_ns else FOR_EVER
