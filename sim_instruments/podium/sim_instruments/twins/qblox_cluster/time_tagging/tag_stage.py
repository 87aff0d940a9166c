"""From the windows of a time-tag sequencer and the edges at its input to bins and traces.

All times of a window are in units of the cluster's time, 1/2048 ns. A tag is the instant of a
rising edge as the time-to-digital converter has it: with its jitter, in steps of 1/128 ns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.digital_lines import Edge
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import (
    SUBS_PER_TICK,
    ClusterClock,
    world_of_subs,
)
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    EventKind,
    RealTimeTrace,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun, empty_bins
from podium.sim_instruments.twins.qblox_cluster.time_tagging.edge_times import edge_subs

TAG_SUBS = 16
"""Resolution of a tag: 1/128 ns (docs.qblox.com, LINQ with QTM)."""
FINE_SUBS = 16
"""One unit of a fine delay: 1/128 ns (qblox-scheduler 1.0.1 constants)."""
JITTER_PS = {"disabled": 20.0, "x2": 15.0, "x4": 10.0}
"""RMS of one tag: docs.qblox.com (20 ps), docstring of ``timetag_oversampling`` (15, 10 ps)."""
DEAD_NS = {"disabled": 22, "x2": 44, "x4": 88}
"""From one tag to the next. 44 ns: docs.qblox.com, time-tag tutorial; the others are ASSUMED to
follow the number of samples, and bursts are not modelled."""
HIGH_V = 1.65
"""A TTL output into the 50 ohms of an input: half of 3.3 V (docs.qblox.com, QTM)."""
THRESHOLDS = 4
_WRAP = 1 << 64

TIME_INVALID = "DIO TIME DELTA INVALID"
COUNT_INVALID = "DIO COUNT INVALID"
THRESHOLD_INVALID = "DIO THRESHOLD INVALID"


@dataclass(frozen=True, slots=True)
class Window:
    """One acquisition window, or one sample of the level (then it has no width)."""

    open_subs: int
    close_subs: int
    acquisition: int
    bin: int
    reference_subs: int
    """The last ``set_time_ref`` before it closed."""
    thresholds: tuple[int, ...]
    sampled: bool
    opened_ns: int = 0
    closed_ns: int = 0
    """When its instructions were executed, from the start of the run."""


@dataclass(frozen=True, slots=True, eq=False)
class WindowTable:
    """Windows of a record, n of them, as arrays; times from its start."""

    opens: NDArray[np.int64]
    closes: NDArray[np.int64]
    acquisition: NDArray[np.int64]
    bin: NDArray[np.int64]
    thresholds: NDArray[np.int64]
    """Shape (n, 4)."""
    sampled: bool
    """Whether any of them is a sample of the level."""


def window_table(windows: Sequence[Window], from_subs: int) -> WindowTable:
    """Return windows as arrays."""
    rows = [
        (w.open_subs - from_subs, w.close_subs - from_subs, w.acquisition, w.bin, *w.thresholds)
        for w in windows
    ]
    table = np.array(rows, np.int64).reshape(len(rows), -1 if rows else 4 + THRESHOLDS)
    opens, closes, acquisition, bin_ = (table[:, k].copy() for k in range(4))
    sampled = any(window.sampled for window in windows)
    return WindowTable(opens, closes, acquisition, bin_, table[:, 4:], sampled)


@dataclass(frozen=True, slots=True, eq=False)
class TagRecord:
    """Windows in which a time-tag sequencer listened in one run."""

    run: SequencerRun
    windows: tuple[Window, ...]
    from_subs: int
    until_subs: int
    traced: bool
    """Whether its program enables the scope."""
    known_table: WindowTable | None = None
    """Where it was worked out with the run; else :attr:`table` does."""

    @property
    def table(self) -> WindowTable:
        """Return its windows as arrays."""
        known = self.known_table
        return window_table(self.windows, self.from_subs) if known is None else known

    def span_fs(self, clock: ClusterClock) -> tuple[int, int]:
        """Return from when to when edges matter: jitter may bring a later one in."""
        margin = 2 * SUBS_PER_TICK
        return (
            world_of_subs(clock, self.from_subs - margin),
            world_of_subs(clock, self.until_subs + margin),
        )


class WindowReader:
    """Reads windows off the rows of a time-tag sequencer, in one piece or in several."""

    def __init__(self, start_subs: int) -> None:
        self._start = start_subs
        self._thresholds = [0] * THRESHOLDS
        self._reference, self._taken = start_subs, 0
        self.opened_ns = 0
        self.opened_subs: int | None = None
        """When the window was opened that is not closed yet."""

    def read(self, trace: RealTimeTrace) -> list[Window]:
        """Return the windows that are closed by more rows."""
        start = self._start
        at = (trace.time_ns * SUBS_PER_TICK).tolist()
        fine = (trace.weight0.astype(np.int64) * FINE_SUBS).tolist()
        windows: list[Window] = []
        for k in range(len(trace)):
            if int(trace.offs1[k]) != self._taken:
                self._reference, self._taken = start + at[k], int(trace.offs1[k])
            kind, opened = trace.kind[k], self.opened_subs
            if kind == EventKind.THRESHOLD:
                self._thresholds[int(trace.bin[k]) % THRESHOLDS] = int(trace.weight0[k])
            elif kind == EventKind.OPEN_WINDOW:
                self.opened_subs = start + at[k] + fine[k]
                self.opened_ns = int(trace.time_ns[k])
            elif kind == EventKind.LEVEL or (kind == EventKind.CLOSE_WINDOW and opened is not None):
                sampled = kind == EventKind.LEVEL
                closes = start + at[k] + (0 if sampled else fine[k])
                windows.append(
                    Window(
                        closes if sampled or opened is None else opened,
                        closes,
                        int(trace.acq[k]),
                        int(trace.bin[k]),
                        self._reference,
                        tuple(self._thresholds),
                        sampled,
                        self.opened_ns,
                        int(trace.time_ns[k]),
                    )
                )
                self.opened_subs = opened if sampled else None
        return windows


def tag_record(run: SequencerRun, trace: RealTimeTrace, start_tick: int, traced: bool) -> TagRecord:
    """Return the windows of a run. A window that is never closed leaves nothing."""
    start = start_tick * SUBS_PER_TICK
    windows = WindowReader(start).read(trace)
    until = start + trace.end_ns * SUBS_PER_TICK
    return TagRecord(run, tuple(windows), start, until, traced, window_table(windows, start))


@dataclass(frozen=True, slots=True, eq=False)
class TaggedEdges:
    """The edges at one input, as the two counters of a channel see them."""

    tags: NDArray[np.int64]
    """Ascending: rising edges as the converter tagged them, from the record's start."""
    rising: NDArray[np.int64]
    """Ascending: all rising edges; the low-latency counter sees these, to the ns."""
    edges: tuple[tuple[int, bool], ...]
    """All edges, absolute, rising or falling."""


def listens(channel: Mapping[str, Any]) -> bool:
    """Tell whether a channel hears pulses at its connector."""
    return channel.get("out_mode") == "disabled" and 0 < channel["in_threshold_primary"] < HIGH_V


def tagged(
    record: TagRecord, edges: Sequence[Edge], quad: Mapping[str, Any], clock: ClusterClock, key: int
) -> TaggedEdges:
    """Digitise the edges at an input. ``key`` keys the jitter: the same key, the same noise.

    ASSUMED: the input idles at 0 V and pulses are 1.65 V there; a threshold that is not between
    sees nothing. A tag within the dead time of the one before it is lost.
    """
    if not listens(record.run.channel or {}):
        edges = ()
    times = edge_subs(clock, [at_fs for at_fs, _ in edges])
    exact = tuple((at, up) for at, (_, up) in zip(times, edges, strict=True))
    rising = np.array([at - record.from_subs for at, up in exact if up], np.int64)
    oversampling = quad["timetag_oversampling"]
    noise = np.random.Generator(np.random.Philox(key=key)).standard_normal(len(rising))
    jitter = noise * JITTER_PS[oversampling] * SUBS_PER_TICK / 1000
    tags = np.sort((rising + np.rint(jitter).astype(np.int64)) // TAG_SUBS * TAG_SUBS)
    dead = DEAD_NS[oversampling] * SUBS_PER_TICK
    kept: list[int] = []
    for tag in tags.tolist():
        if not kept or tag - kept[-1] >= dead:
            kept.append(tag)
    return TaggedEdges(np.array(kept, np.int64), rising, exact)


First = list[tuple[int, int]]
"""Of one channel: when each window closed, and its first tag, absolute; in order."""


def first_tags(record: TagRecord, heard: TaggedEdges) -> First:
    """Return the first tag of each window that has one."""
    low, high = _within(record.table, heard)
    return [
        (record.windows[k].close_subs, int(heard.tags[low[k]]) + record.from_subs)
        for k in np.flatnonzero(high > low).tolist()
    ]


def _within(table: WindowTable, heard: TaggedEdges) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return which tags each window holds, from and to, shape (windows,) each."""
    return np.searchsorted(heard.tags, table.opens), np.searchsorted(heard.tags, table.closes)


@dataclass(frozen=True, slots=True, eq=False)
class TagBins:
    """Bins and flags of one sequencer's windows."""

    bins: Mapping[int, NDArray[np.void]]
    flags: tuple[str, ...]


Verdict = Literal["keep", "drop"]


def binned(
    record: TagRecord, heard: TaggedEdges, firsts: Mapping[int, First], epoch_subs: int
) -> TagBins:
    """Return bins and flags. ``firsts``: of all channels of the module, by number.

    ASSUMED: sums are kept in a bin, beside the count of windows; after ``error`` nothing of the
    window is kept; a threshold is met by a count at or above it.
    """
    channel = record.run.channel or {}
    at_once = all(channel.get(key) == value for key, value in COUNTED_AT_ONCE.items())
    if at_once and not record.table.sampled:
        return TagBins(_counted_at_once(record, heard), ("ACQ BINNING DONE",))
    bins: dict[int, NDArray[np.void]] = {}
    flags: list[str] = []
    for window in record.windows:
        if window.acquisition not in record.run.acquisitions:
            continue
        if window.sampled:
            level = level_at(heard, window.close_subs)
            values = level, 0, level
        else:
            found = _measured(window, record, heard, channel, firsts, epoch_subs, flags)
            if found is None:
                continue
            values = found
        size = record.run.acquisitions[window.acquisition]
        table = bins.setdefault(window.acquisition, empty_bins(size))
        entry = table[window.bin]
        entry["path0"] += values[0]
        entry["path1"] += values[1]
        entry["threshold"] += values[2]
        entry["average_count"] += 1
        entry["valid"] = 1
    return TagBins(bins, ("ACQ BINNING DONE", *dict.fromkeys(flags)))


COUNTED_AT_ONCE: Mapping[str, str] = {
    "binned_acq_count_source": "timetags",
    "binned_acq_time_source": "first",
    "binned_acq_time_ref": "start",
    "binned_acq_on_invalid_time_delta": "record_0",
}
"""Settings with which no window depends on another, and none is left out: those of many shots."""


def _counted_at_once(record: TagRecord, heard: TaggedEdges) -> dict[int, NDArray[np.void]]:
    """Return the bins of windows with :data:`COUNTED_AT_ONCE`, all windows at once."""
    windows = record.table
    low, high = _within(windows, heard)
    counts = high - low
    tags = np.append(heard.tags, 0)
    deltas = np.where(counts > 0, tags[np.minimum(low, heard.tags.size)] - windows.opens, 0)
    which = int((record.run.channel or {})["binned_acq_threshold_source"][-1])
    above = counts >= windows.thresholds[:, which]
    found: dict[int, NDArray[np.void]] = {}
    for number in np.unique(windows.acquisition).tolist():
        if number not in record.run.acquisitions:
            continue
        mine = np.flatnonzero(windows.acquisition == number)
        bins = windows.bin[mine]
        table = empty_bins(record.run.acquisitions[number])
        for field, values in (
            ("path0", counts),
            ("path1", deltas),
            ("threshold", above.astype(np.int64)),
            ("average_count", np.ones_like(counts)),
        ):
            np.add.at(table[field], bins, values[mine].astype(table[field].dtype))
        table["valid"][bins] = 1
        found[number] = table
    return found


def level_at(heard: TaggedEdges, at_subs: int) -> int:
    """Return the level of an input."""
    before = [up for at, up in heard.edges if at <= at_subs]
    return int(before[-1]) if before else 0


@dataclass(frozen=True, slots=True)
class WindowOutcome:
    """Count, time difference and tags of one window. None: that cannot be known."""

    fast: int
    """Edges, as the low-latency path counts them."""
    count: int | None
    """Edges, as the chosen source counts them."""
    delta: int | None
    """From reference to tag, in 1/2048 ns."""
    tags: tuple[int, ...]
    """Absolute, in 1/2048 ns."""


def found_in(
    window: Window,
    record: TagRecord,
    heard: TaggedEdges,
    firsts: Mapping[int, First],
    epoch_subs: int,
) -> WindowOutcome:
    """Return what a window came to. ``firsts``: of all channels of the module, by number."""
    channel = record.run.channel or {}
    opens, closes = window.open_subs - record.from_subs, window.close_subs - record.from_subs
    low, high = np.searchsorted(heard.tags, [opens, closes])
    tags = heard.tags[low:high]
    whole = opens // SUBS_PER_TICK * SUBS_PER_TICK, closes // SUBS_PER_TICK * SUBS_PER_TICK
    fast = int(np.diff(np.searchsorted(heard.rising, whole))[0])
    source = channel["binned_acq_count_source"]
    count: int | None = fast if source == "low-latency" else len(tags)
    if source == "combined" and fast != len(tags):
        count = None
    index = {"first": 0, "second": 1, "last": -1}[channel["binned_acq_time_source"]]
    tag = int(tags[index]) + record.from_subs if len(tags) > max(index, 0) else None
    reference = _reference(window, channel["binned_acq_time_ref"], record, firsts, epoch_subs)
    delta = None if tag is None or reference is None else tag - reference
    return WindowOutcome(fast, count, delta, tuple(int(one) + record.from_subs for one in tags))


def outcome_of(window: Window, count: int | None) -> str:
    """Return the level of a count between the thresholds 0 and 1: a word of the truth table.

    ASSUMED: it is low below threshold 0, high from threshold 1 on, and mid between.
    """
    if count is None:
        return "invalid"
    low, high = window.thresholds[:2]
    if count < low:
        return "low"
    return "high" if count >= high else "mid"


def _measured(
    window: Window,
    record: TagRecord,
    heard: TaggedEdges,
    channel: Mapping[str, Any],
    firsts: Mapping[int, First],
    epoch_subs: int,
    flags: list[str],
) -> tuple[int, int, int] | None:
    """Return count, time difference and threshold of a window; None: it is not binned."""
    found = found_in(window, record, heard, firsts, epoch_subs)
    count = found.count
    threshold = window.thresholds[int(channel["binned_acq_threshold_source"][-1])]
    above = None if count is None else int(count >= threshold)
    kept: list[int] = []
    for value, key, flag in (
        (count, "binned_acq_on_invalid_count", COUNT_INVALID),
        (found.delta, "binned_acq_on_invalid_time_delta", TIME_INVALID),
        (above, "binned_acq_on_invalid_threshold", THRESHOLD_INVALID),
    ):
        if value is None and channel[key] == "error":
            flags.append(flag)
        if value is None and channel[key] != "record_0":
            return None
        kept.append(value or 0)
    wrapped = (kept[1] + _WRAP // 2) % _WRAP - _WRAP // 2  # a bin holds 64 bits
    return kept[0], wrapped, kept[2]


def _reference(
    window: Window,
    name: str,
    record: TagRecord,
    firsts: Mapping[int, First],
    epoch_subs: int,
) -> int | None:
    match name:
        case "start":
            return window.open_subs
        case "end":
            return window.close_subs
        case "sequencer":
            return window.reference_subs
        case "epoch":
            return -epoch_subs
        case _:
            # ASSUMED: "first" alone means the channel's own window before this one.
            channel = int(name[5:]) if name != "first" else record.run.sequencer
            own = channel == record.run.sequencer
            closed = [
                first
                for at, first in firsts.get(channel, ())
                if at < window.close_subs or (at == window.close_subs and not own)
            ]
            return closed[-1] if closed else None


def scope_entries(record: TagRecord, heard: TaggedEdges, epoch_subs: int) -> list[list[Any]]:
    """Return the trace of a channel: words and times, as ``get_scope_data`` has them.

    ASSUMED: ``scope`` holds all edges of the run, ``timetags`` all tags, ``timetags-windowed``
    the tags within windows and the windows themselves. With the external trigger the trace begins
    once the input is at the level, or with the edge, that is chosen.
    """
    begins = _trace_begins(record, heard)
    if not record.traced or begins is None:
        return []
    entries: list[tuple[int, str]] = []
    tags = [(int(tag) + record.from_subs, "RISE") for tag in heard.tags]
    match (record.run.channel or {})["scope_mode"]:
        case "scope":
            entries = [(at, "RISE" if up else "FALL") for at, up in heard.edges]
        case "timetags":
            entries = tags
        case _:
            for window in record.windows:
                if not window.sampled:
                    entries += [(window.open_subs, "OPEN"), (window.close_subs, "CLOSE")]
                    entries += [t for t in tags if window.open_subs <= t[0] < window.close_subs]
    return [[word, at + epoch_subs] for at, word in sorted(entries) if at >= begins]


def _trace_begins(record: TagRecord, heard: TaggedEdges) -> int | None:
    """Return from when on a trace is recorded, None: never."""
    channel = record.run.channel or {}
    level = channel["scope_trigger_level"]
    if channel["scope_trigger_mode"] == "sequencer" or level == "any":
        return record.from_subs
    wanted = level in ("high", "rising")
    if level in ("low", "high") and bool(level_at(heard, record.from_subs)) == wanted:
        return record.from_subs
    return next((at for at, up in heard.edges if at >= record.from_subs and up == wanted), None)
