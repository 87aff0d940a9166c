"""Counting of triggers at the analogue inputs of a QRM: windows of ``acquire_ttl``, and bins.

Descriptions of the parameters: qblox-instruments 1.4.1, ``sequencer.py`` (``ttl_acq_*``). ASSUMED:
a trigger is a sample at or above the threshold behind one below it, one that is above it when the
window opens is none; a window that is never closed ends with the program; a bin's count is all that
is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.signals import Captured, CaptureTrain, Window
from podium.sim_instruments.twins.qblox_cluster.input_stage import input_line
from podium.sim_instruments.twins.qblox_cluster.q1_abilities import NotEmulated
from podium.sim_instruments.twins.qblox_cluster.q1_state import FLAG_ACQ_BIN, FLAG_NAMES
from podium.sim_instruments.twins.qblox_cluster.real_time_trace import EventKind, RealTimeTrace
from podium.sim_instruments.twins.qblox_cluster.scope import full_scale
from podium.sim_instruments.twins.qblox_cluster.sequencer_run import SequencerRun, empty_bins

SAMPLES_MAX = 4_000_000
"""Of all windows of a run: the input is simulated sample by sample within them."""
WINDOWS_MAX = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class Counting:
    """The windows of one sequencer in one run."""

    run: SequencerRun
    places: tuple[tuple[int, int], ...]
    """Acquisition and bin of each window."""
    trains: tuple[CaptureTrain, ...]
    """One for each window, or none: no input connected."""
    end_ns: int


def counting(run: SequencerRun, trace: RealTimeTrace) -> Counting | None:
    """Return the windows in which a sequencer counts, None if there are none.

    Raises :class:`NotEmulated` for windows that are too many or too long to be simulated.
    """
    windows = _windows(trace)
    if not windows:
        return None
    samples = sum(close_ns - open_ns for open_ns, close_ns, _, _ in windows)
    if len(windows) > WINDOWS_MAX or samples > SAMPLES_MAX:
        raise NotEmulated(
            f"{run.sender}: acquire_ttl counts in {len(windows)} windows of {samples} ns together; "
            f"this twin simulates up to {WINDOWS_MAX} windows, {SAMPLES_MAX} ns together"
        )
    line = input_line(run)
    trains: list[CaptureTrain] = []
    for open_ns, close_ns, _, _ in windows if line is not None else ():
        window = Window(0.0, close_ns - open_ns, None)
        start = np.array([open_ns], np.int64)
        kind, phase = np.zeros(1, np.int32), np.zeros(1)
        trains.append(CaptureTrain(str(line), start, kind, phase, (window,), scope=True))
    places = tuple((acquisition, bin_) for _, _, acquisition, bin_ in windows)
    return Counting(run, places, tuple(trains), max(close_ns for _, close_ns, _, _ in windows))


def _windows(trace: RealTimeTrace) -> list[tuple[int, int, int, int]]:
    """Return beginning, end, acquisition and bin of each window."""
    found: list[tuple[int, int, int, int]] = []
    opened: tuple[int, int, int] | None = None
    kinds = (EventKind.OPEN_TTL, EventKind.CLOSE_TTL)
    for row in np.flatnonzero(np.isin(trace.kind, kinds)).tolist():
        time_ns = int(trace.time_ns[row])
        if opened is not None:
            found.append((opened[0], time_ns, *opened[1:]))
            opened = None
        if trace.kind[row] == EventKind.OPEN_TTL:
            opened = time_ns, int(trace.acq[row]), int(trace.bin[row])
    if opened is not None and trace.end_ns > opened[0]:
        found.append((opened[0], trace.end_ns, *opened[1:]))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """What the windows of one sequencer left."""

    bins: dict[int, NDArray[np.void]]
    flags: tuple[str, ...]


def counted(windows: Counting, captured: Sequence[Captured]) -> Counted:
    """Return bins and flags from the answers to ``windows.trains``, in their order.

    With automatic increment each trigger of a window goes to a bin of its own, from the window's
    on; a bin then counts in how many windows there were so many triggers.
    """
    run = windows.run
    bins: dict[int, NDArray[np.void]] = {}
    beyond = False
    for number, (acquisition, bin_) in enumerate(windows.places):
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
    return Counted(bins, ("ACQ BINNING DONE", *flags))


def _triggers(run: SequencerRun, heard: Captured) -> int:
    if heard.trace is None:
        return 0
    duration = len(heard.trace)
    turns = heard.trace_hz * 1e-9 * np.arange(duration) % 1.0
    signal = heard.trace * np.exp(2j * np.pi * turns)
    path = run.configuration.ttl_input
    level = (signal.imag if path else signal.real) / full_scale(run)[path]
    above = level >= run.configuration.ttl_threshold
    return int(np.count_nonzero(above[1:] & ~above[:-1]))


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
