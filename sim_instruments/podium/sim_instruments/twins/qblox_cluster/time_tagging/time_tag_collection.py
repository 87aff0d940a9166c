"""Collects edges for time-tag sequencers after a run, once all senders are known until then."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.digital_lines import LinesEnd
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import ClusterClock, world_of_subs
from podium.sim_instruments.twins.qblox_cluster.module import Module
from podium.sim_instruments.twins.qblox_cluster.outputs.sent_edges import RunLines
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerOutcome
from podium.sim_instruments.twins.qblox_cluster.time_tagging.io_channel import CHANNELS
from podium.sim_instruments.twins.qblox_cluster.time_tagging.tag_stage import (
    TaggedEdges,
    TagRecord,
    binned,
    first_tags,
    scope_entries,
    tagged,
)
from podium.sim_instruments.twins.qblox_cluster.time_tagging.time_tag_inputs import (
    TimeTagInputs,
    tag_noise_key,
)

MARGIN_FS = 1_000_000_000
"""So far around windows edges are looked for: clocks are even to much less within a run."""
TAGGED_MAX = 2 * CHANNELS
"""Records whose tags are remembered."""


class TimeTagCollector:
    """Collects the edges at inputs of all QTMs of a cluster."""

    def __init__(self, lines: LinesEnd, clock: ClusterClock, serial: str) -> None:
        self._lines = lines
        self._clock = clock
        self._serial = serial
        self._tagged: dict[int, tuple[TagRecord, tuple[object, ...], TaggedEdges]] = {}
        """By identity of a record: what was made of which edges. Each is asked for by all others of
        its module, and until all are known."""

    def finish(
        self,
        module: Module,
        outcome: SequencerOutcome,
        beside: Mapping[int, TagRecord],
        now_fs: int,
        epoch_subs: int,
    ) -> SequencerOutcome | None:
        """Return the outcome with what was heard; None while that is not known.

        ``beside``: the last records of all sequencers of the module, by number.
        """
        record, bank = outcome.listened, module.io
        if not isinstance(record, TagRecord) or bank is None:
            return outcome
        _, until_fs = record.span_fs(self._clock)
        if now_fs < until_fs:
            return None
        after_first = str((record.run.channel or {}).get("binned_acq_time_ref")).startswith("first")
        asked = beside if after_first else {outcome.sequencer: beside[outcome.sequencer]}
        heard: dict[int, TaggedEdges] = {}
        for number, one in asked.items():
            known = self._heard(module, one, until_fs, now_fs)
            if known is None:
                return None
            heard[number] = known
        mine = heard[outcome.sequencer]
        firsts = {number: first_tags(asked[number], one) for number, one in heard.items()}
        left = binned(record, mine, firsts, epoch_subs)
        bank.keep_scope(outcome.sequencer, scope_entries(record, mine, epoch_subs))
        return replace(outcome, bins=left.bins, flags=(*left.flags, *outcome.flags))

    def _heard(
        self, module: Module, record: TagRecord, until_fs: int, now_fs: int
    ) -> TaggedEdges | None:
        bank, channel = module.io, record.run.sequencer
        if bank is None:
            return None
        from_fs, _ = record.span_fs(self._clock)
        connector = f"slot{module.slot}.io{bank.heard_at(channel)}"
        self._lines.catch_up(connector, now_fs)
        edges = self._lines.heard(connector, from_fs, until_fs, self._spans(record, from_fs))
        if edges is None:
            return None
        key = tag_noise_key(self._serial, module.slot, channel, from_fs)
        quad = bank.quads[channel // 4]
        made_of = (tuple(edges), quad["timetag_oversampling"])
        known = self._tagged.get(id(record))
        if known is None or known[0] is not record or known[1] != made_of:
            if len(self._tagged) >= TAGGED_MAX:
                self._tagged.clear()
            known = record, made_of, tagged(record, edges, quad, self._clock, key)
            self._tagged[id(record)] = known
        return known[2]

    def _spans(self, record: TagRecord, from_fs: int) -> NDArray[np.int64] | None:
        """Return where windows are, fs from ``from_fs`` on; None: all of the run matters."""
        windows = record.table
        if record.traced or windows.sampled:
            return None
        begin_fs, end_fs = (
            world_of_subs(self._clock, at) for at in (record.from_subs, record.until_subs)
        )
        ticks = max(record.until_subs - record.from_subs, 1)
        after = np.stack([windows.opens, windows.closes], axis=1)
        at_fs = np.rint(after * ((end_fs - begin_fs) / ticks)).astype(np.int64)
        return np.asarray(at_fs + (begin_fs - from_fs) + np.array([-MARGIN_FS, MARGIN_FS]))

    def inputs(
        self,
        modules: Iterable[Module],
        run: RunLines,
        epoch_subs: int,
        listening: Iterable[tuple[int, int]],
    ) -> TimeTagInputs:
        """Return the inputs of modules for a run that begins.

        ``listening``: slot and channel of its time-tag sequencers.
        """
        banks = {module.slot: module.io for module in modules if module.io is not None}
        places = [(slot, channel) for slot in banks for channel in range(CHANNELS)]
        return TimeTagInputs(
            run=run,
            listening=frozenset(listening),
            serial=self._serial,
            connectors={
                (slot, channel): f"slot{slot}.io{banks[slot].heard_at(channel)}"
                for slot, channel in places
            },
            quads={
                (slot, channel): dict(banks[slot].quads[channel // 4]) for slot, channel in places
            },
            epoch_subs=epoch_subs,
        )

    def catch_up(self, inputs: TimeTagInputs, now_fs: int) -> None:
        """Bring whoever sends to the inputs up to ``now_fs``."""
        for connector in set(inputs.connectors.values()):
            self._lines.catch_up(connector, now_fs)
