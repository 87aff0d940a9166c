"""Counting of triggers at the analogue inputs of a QRM: windows of ``acquire_ttl``, and bins.

Descriptions of the parameters: qblox-instruments 1.4.1, ``sequencer.py`` (``ttl_acq_*``). ASSUMED:
a trigger is a sample at or above the threshold behind one below it, one that is above it when the
window opens is none; a window that is never closed ends with the program; a bin's count is all that
is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.signals import CaptureAnswer, CaptureTrain, Window
from podium.sim_instruments.twins.qblox_cluster.inputs.input_stage import input_line
from podium.sim_instruments.twins.qblox_cluster.inputs.scope import full_scale
from podium.sim_instruments.twins.qblox_cluster.processor.q1_abilities import NotEmulated
from podium.sim_instruments.twins.qblox_cluster.processor.q1_state import FLAG_ACQ_BIN, FLAG_NAMES
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    EventKind,
    RealTimeTrace,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun, empty_bins

SAMPLES_MAX = 4_000_000
"""Of all windows of a run: the input is simulated sample by sample within them."""
WINDOWS_MAX = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class CountingWindows:
    """The windows of one sequencer in one run."""

    run: SequencerRun
    places: tuple[tuple[int, int], ...]
    """Acquisition and bin of each window."""
    trains: tuple[CaptureTrain, ...]
    """One for each window, or none: no input connected, or counted while the run went on."""
    end_ns: int
    triggers: tuple[int, ...] | None = None
    """Of each window, where they were counted while the run went on."""


def counting(run: SequencerRun, trace: RealTimeTrace) -> CountingWindows | None:
    """Return the windows in which a sequencer counts, None if there are none.

    Raises :class:`NotEmulated` for windows that are too many or too long to be simulated.
    """
    windows = _windows(trace)
    if not windows:
        return None
    samples = sum(one.close_ns - one.open_ns for one in windows)
    if len(windows) > WINDOWS_MAX or samples > SAMPLES_MAX:
        raise NotEmulated(
            f"{run.sender}: acquire_ttl counts in {len(windows)} windows of {samples} ns together; "
            f"this twin simulates up to {WINDOWS_MAX} windows, {SAMPLES_MAX} ns together"
        )
    line = input_line(run)
    trains: list[CaptureTrain] = []
    for one in windows if line is not None else ():
        trains.append(raw_capture(str(line), one.open_ns, one.close_ns))
    places = tuple((one.acquisition, one.bin) for one in windows)
    return CountingWindows(run, places, tuple(trains), max(one.close_ns for one in windows))


def raw_capture(line: str, from_ns: int, until_ns: int) -> CaptureTrain:
    """Return what asks for the samples of an input."""
    window = Window(0.0, until_ns - from_ns, None)
    start = np.array([from_ns], np.int64)
    return CaptureTrain(line, start, np.zeros(1, np.int32), np.zeros(1), (window,), scope=True)


@dataclass(frozen=True, slots=True)
class TtlWindow:
    """A window in which triggers are counted."""

    open_ns: int
    close_ns: int
    acquisition: int
    bin: int


class TtlReader:
    """Reads windows off the rows of a sequencer, in one piece or in several."""

    def __init__(self) -> None:
        self.opened: TtlWindow | None = None
        """That is not closed yet; its end is its beginning."""

    def read(self, trace: RealTimeTrace) -> list[TtlWindow]:
        """Return the windows that are closed by more rows."""
        found: list[TtlWindow] = []
        kinds = (EventKind.OPEN_TTL, EventKind.CLOSE_TTL)
        for row in np.flatnonzero(np.isin(trace.kind, kinds)).tolist():
            time_ns = int(trace.time_ns[row])
            found += self.end(time_ns)
            if trace.kind[row] == EventKind.OPEN_TTL:
                place = int(trace.acq[row]), int(trace.bin[row])
                self.opened = TtlWindow(time_ns, time_ns, *place)
        return found

    def end(self, time_ns: int) -> list[TtlWindow]:
        """Return the window that is open, if there is one, as closed at a time."""
        opened, self.opened = self.opened, None
        return [] if opened is None else [replace(opened, close_ns=time_ns)]


def _windows(trace: RealTimeTrace) -> list[TtlWindow]:
    reader = TtlReader()
    found = reader.read(trace)
    return found + [one for one in reader.end(trace.end_ns) if one.close_ns > one.open_ns]


@dataclass(frozen=True, slots=True, eq=False)
class TriggerBins:
    """Bins and flags of one sequencer's windows."""

    bins: dict[int, NDArray[np.void]]
    flags: tuple[str, ...]


def counted(windows: CountingWindows, captured: Sequence[CaptureAnswer]) -> TriggerBins:
    """Return bins and flags from the answers to ``windows.trains``, in their order.

    With automatic increment each trigger of a window goes to a bin of its own, from the window's
    on; a bin then counts in how many windows there were so many triggers.
    """
    run = windows.run
    bins: dict[int, NDArray[np.void]] = {}
    beyond = False
    for number, (acquisition, bin_) in enumerate(windows.places):
        if windows.triggers is not None:
            triggers = windows.triggers[number]
        else:
            triggers = _triggers(run, captured[number]) if captured else 0
        size = run.acquisitions[acquisition]
        table = bins.setdefault(acquisition, empty_bins(size))
        if run.configuration.ttl_increments:
            last = min(bin_ + triggers, size)
            beyond |= bin_ + triggers > size
            table["average_count"][bin_:last] += 1
        else:
            table["average_count"][bin_] += triggers
        table["valid"] = table["average_count"] > 0
    flags = (FLAG_NAMES[FLAG_ACQ_BIN],) if beyond else ()
    return TriggerBins(bins, ("ACQ BINNING DONE", *flags))


def _triggers(run: SequencerRun, heard: CaptureAnswer) -> int:
    if heard.trace is None:
        return 0
    above = above_threshold(run, heard.trace, heard.trace_hz)
    return int(np.count_nonzero(above[1:] & ~above[:-1]))


def above_threshold(
    run: SequencerRun, trace: NDArray[np.complex128], trace_hz: float
) -> NDArray[np.bool_]:
    """Return at which samples the chosen input is at or above the threshold."""
    turns = trace_hz * 1e-9 * np.arange(len(trace)) % 1.0
    signal = trace * np.exp(2j * np.pi * turns)
    path = run.configuration.ttl_input
    level = (signal.imag if path else signal.real) / full_scale(run)[path]
    return np.asarray(level >= run.configuration.ttl_threshold)


def joined(
    left: dict[int, NDArray[np.void]], right: dict[int, NDArray[np.void]]
) -> dict[int, NDArray[np.void]]:
    """Return the sum of two sets of bins."""
    both = dict(left)
    for index, table in right.items():
        if index not in both:
            both[index] = table
            continue
        total = both[index].copy()
        total["average_count"] += table["average_count"]
        total["valid"] = total["average_count"] > 0
        both[index] = total
    return both
