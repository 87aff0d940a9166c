"""Places times on paper, with long uneventful times cut out.

What is cut are times during which nothing changes on any lane: silence, a held level, a window that
stays open. They are cut where they would crowd out what happens.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from podium.control.pictures.view import Stretch, View

CUT_FROM = 3
"""A time in which nothing changes is cut if it is longer than so many times all that is shown."""
LEAST_NS = 100
"""No shorter time is cut."""
MARGIN = 0.12
"""Of what is shown, kept on either side of a cut."""
HELD_NS = 8
"""So many equal samples in a row are a level that is held."""
CUT_WIDTH = 40.0
"""Of a cut on paper, in the units of the picture."""
TICK_APART = 85.0
"""Ticks with their words are at least so far from each other."""
STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Part:
    """A time that is shown, and where."""

    start_ns: float
    end_ns: float
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Cut:
    """A time that is left out, and where."""

    start_ns: float
    end_ns: float
    x: float


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Parts from left to right, with a cut between each two."""

    parts: tuple[Part, ...]
    cuts: tuple[Cut, ...]

    @property
    def per_ns(self) -> float:
        """Units of the picture for a nanosecond."""
        return self.parts[0].width / max(1e-9, self.parts[0].end_ns - self.parts[0].start_ns)

    def x(self, time_ns: float) -> float:
        """Return the place of an instant; one within a cut lies on it in proportion."""
        starts = [part.start_ns for part in self.parts]
        at = max(0, bisect_right(starts, time_ns) - 1)
        part = self.parts[at]
        if time_ns <= part.end_ns or at >= len(self.cuts):
            return part.x + (time_ns - part.start_ns) * self.per_ns
        cut = self.cuts[at]
        return cut.x + CUT_WIDTH * (time_ns - cut.start_ns) / (cut.end_ns - cut.start_ns)

    def ticks(self) -> list[float]:
        """Return the instants to be marked, ns: the ends of parts, and round times within."""
        step = _round_up(TICK_APART / self.per_ns)
        marked: list[float] = []
        last_x = -np.inf
        for part in self.parts:
            first = step * np.ceil(part.start_ns / step)
            inside = np.arange(first, part.end_ns + step / 1e6, step).tolist()
            if not inside and part.width > TICK_APART / 3:
                inside = [part.start_ns]
            for time_ns in inside:
                if self.x(time_ns) - last_x >= TICK_APART * 0.6:
                    marked.append(float(time_ns))
                    last_x = self.x(time_ns)
        return marked


def time_axis(views: Sequence[View], x: float, width: float) -> TimeAxis:
    """Return an axis for all of ``views`` from ``x`` on, ``width`` wide."""
    end_ns = max(1, *(view.duration_ns for view in views))
    busy = _merged(_busy(views, end_ns))
    gaps = sorted(b[0] - a[1] for a, b in pairwise(busy))
    shown = max(float(LEAST_NS), sum(b - a for a, b in busy))
    longest = float("inf")
    for gap in gaps:
        if gap > max(LEAST_NS, CUT_FROM * shown):
            longest = gap
            break
        shown += gap
    margin = MARGIN * shown
    spans: list[list[float]] = []
    for begin, end in busy:
        if spans and begin - spans[-1][1] < longest:
            spans[-1][1] = end
        else:
            spans.append([begin, end])
    spans = [[max(0.0, a - margin), min(float(end_ns), b + margin)] for a, b in spans]
    per_ns = (width - CUT_WIDTH * (len(spans) - 1)) / sum(b - a for a, b in spans)
    parts: list[Part] = []
    for begin, end in spans:
        parts.append(Part(begin, end, x, (end - begin) * per_ns))
        x += (end - begin) * per_ns + CUT_WIDTH
    cuts = [Cut(a.end_ns, b.start_ns, a.x + a.width) for a, b in pairwise(parts)]
    return TimeAxis(tuple(parts), tuple(cuts))


def say_time(time_ns: float) -> str:
    """Return a time for a person, e.g. ``40 ns``, ``1.204 µs``, ``200 µs``."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if abs(time_ns) >= size:
            return f"{time_ns / size:.7g} {unit}"
    return f"{time_ns:.7g} ns"


def _busy(views: Sequence[View], end_ns: int) -> Iterable[tuple[float, float]]:
    """Yield the times in which something changes; the two ends of the shot are among them."""
    yield 0.0, 0.0
    yield float(end_ns), float(end_ns)
    for view in views:
        for lane in view.lanes:
            for one in lane.stretches:
                yield from _changes(one)
            for window in lane.openings:
                yield float(window.start_ns), float(window.start_ns)
                yield float(window.end_ns), float(window.end_ns)


def _changes(one: Stretch) -> Iterable[tuple[float, float]]:
    """Yield the parts of a stretch in which its samples change, its two ends included."""
    edges = np.flatnonzero(np.diff(one.samples)) + 1
    begin = end = 0
    for edge in [*edges.tolist(), len(one.samples)]:
        if edge - end > HELD_NS:
            yield float(one.start_ns + begin), float(one.start_ns + end)
            begin = edge
        end = edge
    yield float(one.start_ns + begin), float(one.start_ns + end)


def _merged(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _round_up(step_ns: float) -> float:
    """Return the next larger step of 1, 2, 5, 10 ... ns."""
    size = 1.0
    while True:
        for one in STEPS:
            if one * size >= step_ns:
                return one * size
        size *= 10
