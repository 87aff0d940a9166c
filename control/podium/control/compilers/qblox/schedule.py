"""Pass 3: the order of a frame's events, the gaps between them, and where the two change.

Events of one instant act together. In a sweep of delays their order, or which of them
coincide, can change from point to point, and so can the waveforms that are played: points of the
same *pattern* can share code.
"""

from dataclasses import dataclass

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.guards import exclusive
from podium.control.compilers.points import BoolArray, IntArray, describe, where_first
from podium.control.compilers.qblox.gates import FORK_NS
from podium.control.compilers.qblox.lower import REAL_TIME_MIN_NS, Event, LoweredFrame
from podium.control.compilers.qblox.place import PlacedCapture
from podium.control.program.program import Axis

ACQUISITION_SPACING_NS = 300
"""Shortest time between the starts of two acquisitions (qblox-scheduler 1.0.1 constants)."""
SHORT_GAP_NS = 2 * REAL_TIME_MIN_NS
"""A gap that varies is an instruction of at least 4 ns and a wait of at least 4 ns; shorter
gaps get code of their own."""
GUARDED_GAP_NS = SHORT_GAP_NS + FORK_NS + 2 * REAL_TIME_MIN_NS
"""The same where both of its ends may be instants at which two branches begin (see ``gates``)."""


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """A frame's events in time, at all points."""

    frame: str
    events: tuple[Event, ...]
    order: IntArray
    """Shape (n + 1, ...): which event comes k-th at a point; n stands for the shot's end."""
    gap_ns: IntArray
    """Shape (n, ...): time from the k-th to the next."""
    pattern: IntArray
    """Shape (...): points with the same number can share code."""


def schedule(lowered: LoweredFrame, shot_ns: IntArray, axes: tuple[Axis, ...]) -> Schedule:
    """Return the events of ``lowered`` in order; raise :class:`DoesNotFit`."""
    check_captures(lowered, shot_ns, axes)
    events = lowered.events
    chosen = [event.which for event in events if event.which is not None]
    same_shape = np.broadcast_arrays(*[event.time_ns for event in events], shot_ns, *chosen)
    times = np.stack(same_shape[: len(events) + 1])
    order = np.argsort(times, axis=0, kind="stable")
    in_time = np.take_along_axis(times, order, axis=0)
    gap_ns = np.diff(in_time, axis=0)
    close = (gap_ns > 0) & (gap_ns < REAL_TIME_MIN_NS)
    if close.any():
        _refuse_close(lowered, order, gap_ns, close, axes)
    short_ns = GUARDED_GAP_NS if any(event.gate for event in events) else SHORT_GAP_NS
    varies = (gap_ns != gap_ns[(slice(None), *(slice(0, 1),) * len(axes))]).any(
        axis=tuple(range(1, gap_ns.ndim)), keepdims=True
    )
    code = np.concatenate(
        [
            order,
            np.where(varies, np.minimum(gap_ns, short_ns), gap_ns > 0),
            *[one[None] for one in same_shape[len(events) + 1 :]],
        ]
    )
    shape = code.shape[1:]
    columns = code.reshape(len(code), -1)
    if (columns == columns[:, :1]).all():
        pattern = np.zeros((1,) * len(shape), np.int64)
    else:
        _, numbers = np.unique(columns, axis=1, return_inverse=True)
        pattern = numbers.reshape(shape)
    return Schedule(lowered.frame, events, order, gap_ns, pattern)


def _refuse_close(
    lowered: LoweredFrame,
    order: IntArray,
    gap_ns: IntArray,
    close: BoolArray,
    axes: tuple[Axis, ...],
) -> None:
    k, *rest = where_first(close, axes)
    at = tuple(rest)
    notes = [event.note for event in lowered.events] + ["the end of the shot"]
    first, second = notes[order[(k, *at)]], notes[order[(k + 1, *at)]]
    raise DoesNotFit(
        f"{lowered.frame}: {second!r} comes {gap_ns[(k, *at)]} ns after {first!r} "
        f"({describe(at, gap_ns.shape[1:], axes)}); a sequencer needs {REAL_TIME_MIN_NS} ns "
        f"between two instructions: move one by {REAL_TIME_MIN_NS - gap_ns[(k, *at)]} ns, "
        "or let them coincide"
    )


def check_captures(lowered: LoweredFrame, shot_ns: IntArray, axes: tuple[Axis, ...]) -> None:
    """Raise :class:`DoesNotFit` where a window meets the shot's end, another, or a new phase."""
    frame = lowered.frame
    for capture in lowered.captures:
        opens, closes = capture.start_ns, capture.start_ns + capture.duration_ns
        if (late := closes > shot_ns).any():
            at = where_first(late, axes)
            over = np.broadcast_to(closes - shot_ns, late.shape)[at]
            raise DoesNotFit(
                f"{frame}: capture {capture.name!r} is open {over} ns beyond the end of the shot "
                f"({describe(at, late.shape, axes)}); add a Delay of {over} ns at the end"
            )
        for other in lowered.captures:
            if other is capture or exclusive(other.guard, capture.guard):
                continue
            spacing = np.asarray(other.start_ns - opens)
            needed = max(capture.duration_ns, ACQUISITION_SPACING_NS)
            if (near := (spacing >= 0) & (spacing < needed)).any():
                at = where_first(near, axes)
                raise DoesNotFit(
                    f"{frame}: capture {other.name!r} opens {spacing[at]} ns after "
                    f"{capture.name!r} ({describe(at, near.shape, axes)}); windows of one "
                    f"sequencer do not overlap and start {ACQUISITION_SPACING_NS} ns apart: "
                    f"at least {needed} ns here"
                )
        _check_oscillator(lowered, capture, axes)


def _check_oscillator(
    lowered: LoweredFrame, capture: PlacedCapture, axes: tuple[Axis, ...]
) -> None:
    """Refuse a change of the frame's carrier while it demodulates."""
    opens, closes = capture.start_ns, capture.start_ns + capture.duration_ns
    mine = next(
        event
        for event in lowered.events
        if event.window is not None and lowered.captures[event.window] is capture
    )
    for event in lowered.events[1:]:
        if exclusive(event.guard, capture.guard):
            continue
        inside = (event.time_ns > opens) & (event.time_ns < closes)
        if event.phase is not None and mine.phase is not None:
            changes = inside & (event.phase != mine.phase)
        elif event.tune is not None or event.delta is not None or event.reset:
            changes = inside
        else:
            continue
        if changes.any():
            at = where_first(changes, axes)
            raise DoesNotFit(
                f"{lowered.frame}: {event.note!r} changes the frame's oscillator while capture "
                f"{capture.name!r} is open ({describe(at, changes.shape, axes)}); "
                "capture on a frame of its own, or after"
            )
