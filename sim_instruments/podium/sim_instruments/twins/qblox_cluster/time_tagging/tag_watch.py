"""Inputs of time-tag sequencers while a run goes on: what edges in their windows send.

All sequencers of a QTM that take part are followed together, up to one time. ASSUMED, as no source
tells: pulses on the trigger network take as long as those of counted triggers (:mod:`.ttl_watch`);
``sampled-high`` and ``sampled-low`` mean what ``acquire_digital`` finds; a truth table is looked up
when a window of its own channel is closed, with the last that the other channels have found; a tag
is shared as the lower 32 bits of the cluster's time, in 1/128 ns or in ns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

from podium.sim_instruments.physics.digital_lines import Edge
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import SUBS_PER_TICK, subs
from podium.sim_instruments.twins.qblox_cluster.outputs.sent_edges import BEFORE_NS, SentEdges
from podium.sim_instruments.twins.qblox_cluster.processor.q1_messages import (
    Measurement,
    Message,
    TagIds,
    tag_message,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_run import Q1Run
from podium.sim_instruments.twins.qblox_cluster.processor.q1_state import FOR_EVER
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun
from podium.sim_instruments.twins.qblox_cluster.time_tagging.tag_stage import (
    TAG_SUBS,
    TaggedEdges,
    TagRecord,
    Window,
    WindowReader,
    first_tags,
    found_in,
    level_at,
    listens,
    outcome_of,
    tagged,
)
from podium.sim_instruments.twins.qblox_cluster.time_tagging.time_tag_inputs import (
    TimeTagInputs,
    tag_noise_key,
)

MARGIN_NS: Final = 2
"""Tags within so much of the time that is known may still move: their jitter is drawn."""
LEVELS: Final = ("low", "mid", "high", "invalid")
"""Digits of an index into the truth table, the first input's the lowest (``truth_table.py`` of
qblox-instruments 1.4.1)."""


class Messenger(Protocol):
    """Takes the messages of a run: :class:`.Q1Group`."""

    def send(self, number: int, message: Message) -> None:
        """Put a message on its way."""
        ...

    def tag_ids(self, number: int, opened_ns: int) -> TagIds:
        """Return under which ids the tags of a window are shared."""
        ...

    def measured(self, number: int, acquired_ns: int, found: Measurement) -> None:
        """Say what a window came to."""
        ...


@dataclass(frozen=True, slots=True)
class TagPulse:
    """A pulse for the trigger network."""

    at_ns: int
    """When its cause was at the input, from the start of the run."""
    number: int
    address: int


@dataclass(slots=True, eq=False)
class _Member:
    """One time-tag sequencer of the run."""

    number: int
    run: SequencerRun
    processor: Q1Run
    reader: WindowReader
    looked: int = 0
    windows: list[Window] = field(default_factory=list)
    """Closed, not reported."""
    recent: list[Window] = field(default_factory=list)
    """Closed, and not yet past."""
    all_windows: list[Window] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    window_ids: dict[int, TagIds] = field(default_factory=dict)
    """By when windows were opened."""
    heard: TaggedEdges | None = None

    @property
    def channel(self) -> Any:
        return self.run.channel or {}

    def within(self, at_subs: int) -> Window | None:
        """Return the window that an instant lies in; its end is not known if it is still open."""
        for window in self.recent:
            if not window.sampled and window.open_subs <= at_subs < window.close_subs:
                return window
        opened = self.reader.opened_subs
        if opened is not None and at_subs >= opened:
            return Window(opened, opened, 0, 0, 0, (), False, self.reader.opened_ns)
        return None


class TagWatch:
    """The inputs of all time-tag sequencers of a run."""

    def __init__(
        self,
        runs: Sequence[SequencerRun],
        processors: Sequence[Q1Run],
        inputs: TimeTagInputs,
        edges: SentEdges,
    ) -> None:
        """``edges``: the run's own."""
        self._edges = edges
        self._inputs = inputs
        self._start = inputs.start_tick * SUBS_PER_TICK
        self._members = [
            _Member(number, run, processor, WindowReader(self._start))
            for number, (run, processor) in enumerate(zip(runs, processors, strict=True))
            if run.channel is not None
        ]
        self._heard_ns = -MARGIN_NS
        """Until when it is known what arrives."""
        self._found: dict[tuple[int, int, str], str] = {}
        """What channels found last, by slot, channel and kind of measurement."""

    @property
    def numbers(self) -> list[int]:
        """Return who is watched, as numbers within the run."""
        return [member.number for member in self._members]

    @property
    def has_listened(self) -> bool:
        """Tell whether own edges were sent, and inputs listened to."""
        return self._edges.told_ns > -BEFORE_NS

    @property
    def listened_ns(self) -> int:
        """Return until when inputs were listened to."""
        return self._heard_ns

    @property
    def known_ns(self) -> int:
        """Return until when it is known what was tagged."""
        return self._heard_ns - MARGIN_NS

    def next_ns(self) -> int:
        """Return from when on it is not known what comes of windows; FOR_EVER: none is open."""
        found = FOR_EVER
        for member in self._members:
            self._read(member)
            if member.windows:
                window = member.windows[0]
                opened_ns = window.closed_ns if window.sampled else window.opened_ns
                found = min(found, max(self.known_ns, opened_ns), window.closed_ns)
            elif member.reader.opened_subs is not None:
                found = min(found, max(self.known_ns, member.reader.opened_ns))
        return found

    def _read(self, member: _Member) -> None:
        rows = member.processor.rows(member.looked, FOR_EVER)
        if not len(rows):
            return
        member.looked += len(rows)
        closed = member.reader.read(rows)
        member.windows += closed
        member.recent += closed
        member.all_windows += closed

    def advance(self, until_ns: int, messenger: Messenger) -> list[TagPulse] | None:
        """Listen until a time before which all is known that the run does.

        Returns pulses for the trigger network; messages go to ``messenger``. None: what arrives is
        not known yet, nothing was done.
        """
        self._edges.tell(until_ns)  # they may come to its own inputs
        arrived: list[list[Edge]] = []
        for member in self._members:
            place = member.run.slot, member.run.sequencer
            edges = self._inputs.heard(*place, self._heard_ns, until_ns)
            if edges is None:
                return None
            arrived.append(edges)
        before_ns, self._heard_ns = self.known_ns, until_ns
        sent: list[TagPulse] = []
        for member, edges in zip(self._members, arrived, strict=True):
            self._read(member)
            member.edges += edges
            if edges or member.heard is None:
                member.heard = self._tagged(member)
            self._share(member, before_ns, messenger)
            sent += self._forwarded(member, before_ns)
        for member in self._members:
            sent += self._closed(member, messenger)
            limit = self._start + self.known_ns * SUBS_PER_TICK
            member.recent = [one for one in member.recent if one.close_subs > limit]
        return sent

    def _tagged(self, member: _Member) -> TaggedEdges:
        inputs, slot, channel = self._inputs, member.run.slot, member.run.sequencer
        record = self._record(member)
        key = tag_noise_key(inputs.serial, slot, channel, record.span_fs(inputs.clock)[0])
        return tagged(record, member.edges, inputs.quads[slot, channel], inputs.clock, key)

    def _record(self, member: _Member) -> TagRecord:
        until = self._start + self._heard_ns * SUBS_PER_TICK
        return TagRecord(member.run, tuple(member.all_windows), self._start, until, False)

    def _from_start_ns(self, at_subs: int) -> int:
        """Return a time from the start of the run, in whole ns, not before it."""
        return -(-(at_subs - self._start) // SUBS_PER_TICK)

    def _span(self, before_ns: int) -> tuple[int, int]:
        """Return from when to when it has become known what was tagged."""
        return (
            self._start + before_ns * SUBS_PER_TICK,
            self._start + self.known_ns * SUBS_PER_TICK,
        )

    def _new_edges(self, member: _Member, before_ns: int) -> list[tuple[int, bool]]:
        """Return edges that have become known for good, ascending."""
        first, last = self._span(before_ns)
        found: list[tuple[int, bool]] = []
        for at_fs, up in reversed(member.edges):
            at = subs(self._inputs.clock, at_fs)
            if at < first:
                break
            if at < last:
                found.append((at, up))
        return found[::-1]

    def _share(self, member: _Member, before_ns: int, messenger: Messenger) -> None:
        """Send messages with the tags of windows that share them."""
        if member.heard is None:
            return
        tags = member.heard.tags  # from the start: TAI in such units is beyond 64 bits
        low, high = np.searchsorted(tags, [at - self._start for at in self._span(before_ns)])
        fast = []
        if listens(member.channel):
            fast = [at for at, up in self._new_edges(member, before_ns) if up]
        fine = [tag + self._start for tag in tags[low:high].tolist()]
        for times, is_fast in ((fine, False), (fast, True)):
            for tag in times:
                window = member.within(tag)
                if window is None:
                    continue
                if window.opened_ns not in member.window_ids:
                    ids = messenger.tag_ids(member.number, window.opened_ns)
                    member.window_ids[window.opened_ns] = ids
                ids = member.window_ids[window.opened_ns]
                id_ = ids.fast if is_fast else ids.fine
                if id_:
                    unit = SUBS_PER_TICK if is_fast else TAG_SUBS
                    word = (tag + self._inputs.epoch_subs) // unit
                    at_ns = self._from_start_ns(tag)
                    messenger.send(member.number, tag_message(id_, at_ns, word, is_fast))

    def _forwarded(self, member: _Member, before_ns: int) -> list[TagPulse]:
        """Return the pulses of edges within windows."""
        channel = member.channel
        mode = channel["in_trigger_mode"]
        if not channel["in_trigger_en"] or mode not in ("rising", "falling"):
            return []
        if not listens(channel):
            return []
        address = int(channel["in_trigger_address"])
        return [
            TagPulse(self._from_start_ns(at), member.number, address)
            for at, up in self._new_edges(member, before_ns)
            if up == (mode == "rising") and member.within(at)
        ]

    def _closed(self, member: _Member, messenger: Messenger) -> list[TagPulse]:
        """Return the pulses of windows that are over, and tell what they came to."""
        limit = self._start + self.known_ns * SUBS_PER_TICK
        channel, heard = member.channel, member.heard
        found: list[TagPulse] = []
        while heard is not None and member.windows and member.windows[0].close_subs <= limit:
            window = member.windows.pop(0)
            if window.sampled:
                high = level_at(heard, window.close_subs) == 1
                outcome, kind = "high" if high else "low", "digital"
                wanted = "sampled-high" if high else "sampled-low"
                address = int(channel["in_trigger_address"])
                if not channel["in_trigger_en"] or channel["in_trigger_mode"] != wanted:
                    address = 0
            else:
                firsts = {
                    one.run.sequencer: first_tags(self._record(one), one.heard)
                    for one in self._members
                    if one.run.slot == member.run.slot
                    and one.heard is not None
                    and channel["binned_acq_time_ref"].startswith("first")
                }
                record, epoch = self._record(member), self._inputs.epoch_subs
                told = found_in(window, record, heard, firsts, epoch)
                outcome, kind = outcome_of(window, told.count), "count"
                delta = 0 if told.delta is None else told.delta // TAG_SUBS
                messenger.measured(
                    member.number, window.closed_ns, Measurement(count=told.fast, delta=delta)
                )
                member.window_ids.pop(window.opened_ns, None)
                address = int(channel[f"thresholded_acq_trigger_address_{outcome}"])
                if not channel["thresholded_acq_trigger_en"]:
                    address = 0
            self._found[member.run.slot, member.run.sequencer, kind] = outcome
            if channel["thresholded_acq_lut_en"]:
                address = self._looked_up(member)
            if address:
                found.append(TagPulse(window.closed_ns, member.number, address))
        return found

    def _looked_up(self, member: _Member) -> int:
        """Return the address that the truth table has for what its channels found last.

        ASSUMED: a channel that has found nothing yet is invalid.
        """
        channel = member.channel
        table = channel["thresholded_acq_lut_data"]
        if not (channel["thresholded_acq_trigger_en"] or channel["in_trigger_en"]):
            return 0
        index = 0
        for place, source in enumerate(table.get("src", ())):
            key = member.run.slot, int(source["ch"]), str(source["cfg"])
            index += LEVELS.index(self._found.get(key, "invalid")) * len(LEVELS) ** place
        addresses = table.get("lut", ())
        return int(addresses[index]) if index < len(addresses) else 0
