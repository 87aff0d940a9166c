"""Plans the trigger network: frames that send results, their addresses and arrivals.

Every acquisition of such a frame sends, where its result is the one at which it sends. One pulse
at a time travels the network, so results that end less than 252 ns apart cannot all be used.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.guards import Guard, GuardTerm, exclusive
from podium.control.compilers.points import IntArray, describe, where_first
from podium.control.compilers.qblox.gates import FORK_NS, Sender
from podium.control.compilers.qblox.place import PlacedCapture, PlacedTuning, Timeline
from podium.control.compilers.qblox.result_lines import ResultRoutes
from podium.control.program.program import Axis
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster import limits

NO_ROUTES = ResultRoutes()
LEAST_DELAY_FS = (limits.THRESHOLD_TRIGGER_NS + FORK_NS) * FS_PER_NS
"""From the end of a capture's window to an ``If`` on it: a delay of this much is always enough."""


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """Gives a result's arrival at all sequencers, if it is sent."""

    capture: str
    time: int
    """Which of the times that it is made in the shot."""
    at_ns: IntArray
    """From the start of the shot."""
    address: int
    guard: Guard
    takes_ns: int = limits.THRESHOLD_TRIGGER_NS
    """From the end of the window."""
    doubt_ns: int = 0
    """It may come so much earlier."""
    line: str = ""
    """What carries it from another cluster; empty: it is measured here."""

    @property
    def earliest_ns(self) -> IntArray:
        """When it comes at the earliest."""
        return self.at_ns - self.doubt_ns


@dataclass(frozen=True, slots=True, eq=False)
class Triggers:
    """The trigger network of a program."""

    senders: tuple[Sender, ...]
    by_capture: Mapping[str, Sender]
    arrivals: tuple[tuple[Arrival, ...], ...]
    """Of each program that is played."""
    overrun_ns: Mapping[int, int]
    """By address: until when results of the shot before may still arrive, from a shot's start."""

    def of(self, frame: str) -> Sender | None:
        """Return what the sequencer of a frame sends."""
        return next((one for one in self.senders if one.frame == frame), None)

    def later(self, by_ns: int) -> "Triggers":
        """Return the network as a sequencer meets it that plays so much ahead of the others."""
        if not by_ns:
            return self
        arrivals = tuple(
            tuple(replace(one, at_ns=one.at_ns + by_ns) for one in some) for some in self.arrivals
        )
        overrun_ns = {address: ns + by_ns for address, ns in self.overrun_ns.items()}
        return replace(self, arrivals=arrivals, overrun_ns=overrun_ns)


def triggers_of(
    timelines: Sequence[Timeline],
    here: Collection[str],
    reserved: Collection[int] = (),
    after_ns: int | None = None,
    routes: ResultRoutes = NO_ROUTES,
) -> Triggers:
    """Return who sends to whom.

    ``here``: frames on this controller; ``reserved``: addresses that are in use already;
    ``after_ns``: from the end of a window to a result's arrival, None: as manuals and lines have
    it; ``routes``: of results that travel from and to others. Raises :class:`DoesNotFit`.
    """
    frame_of = {
        item.name: one.frame.name
        for timeline in timelines
        for one in timeline.frames
        for item in one.placed
        if isinstance(item, PlacedCapture)
    }
    wants, needed = _asked(timelines, frame_of, routes)
    asked = {frame: wanted for frame, wanted in wants.items() if frame in needed}
    for frame, wanted in asked.items():
        if frame not in here and frame not in routes.incoming:
            raise DoesNotFit(
                f"{frame}: something depends on its results, and another controller measures them: "
                "results do not travel from one cluster to another"
            )
        if len(wanted) > 1:
            raise DoesNotFit(
                f"{frame}: {wanted[0]!r} is repeated until it is 0, {wanted[1]!r} until it is 1; "
                "a sequencer sends at one of them: capture one on a frame of its own"
            )
    free = [n for n in range(1, limits.TRIGGERS + 1) if n not in reserved]
    if len(asked) > len(free):
        raise DoesNotFit(
            f"results of {len(asked)} frames are used ({', '.join(asked)}), and the trigger "
            f"network has {len(free)} addresses for them; use fewer, or capture one after the "
            "other on one frame"
        )
    order = [one.frame.name for one in timelines[0].frames if one.frame.name in asked]
    senders = tuple(
        Sender(frame, address, next(iter(asked[frame]), 1))
        for frame, address in zip(order, free, strict=False)
    )
    by_frame = {one.frame: one for one in senders}
    by_capture = {name: by_frame[at] for name, at in frame_of.items() if at in by_frame}
    arrivals = tuple(
        tuple(_arrivals(timeline, by_frame, after_ns, routes)) for timeline in timelines
    )
    for timeline, some in zip(timelines, arrivals, strict=True):
        _check_network(some, timeline.shot_ns, timeline.axes)
    overrun: dict[int, int] = {}
    for timeline, some in zip(timelines, arrivals, strict=True):
        for one in some:
            late_ns = int((one.at_ns - timeline.shot_ns).max())
            overrun[one.address] = max(overrun.get(one.address, late_ns), late_ns)
    return Triggers(senders, by_capture, arrivals, overrun)


def _asked(
    timelines: Sequence[Timeline], frame_of: Mapping[str, str], routes: ResultRoutes
) -> tuple[dict[str, dict[int, str]], set[str]]:
    """Return which results of frames are waited for, by frame, and which frames matter here.

    Those matter that something here depends on, or that travel from here.
    """
    asked: dict[str, dict[int, str]] = {}
    needed = {one.frame for one in routes.outgoing}
    for timeline in timelines:
        for consumer, term in _terms(timeline):
            for result in term.results:
                frame = frame_of[result.capture]
                wanted = asked.setdefault(frame, {})
                if result.wanted is not None:
                    wanted[result.wanted] = result.capture
                if consumer not in routes.elsewhere:
                    needed.add(frame)
    return asked, needed


def _terms(timeline: Timeline) -> Iterator[tuple[str, GuardTerm]]:
    """Yield all conditions, with the frames on which something depends on them."""
    for one in timeline.frames:
        for item in one.placed:
            if not isinstance(item, PlacedTuning):
                for term in item.guard:
                    yield one.frame.name, term


def _arrivals(
    timeline: Timeline,
    senders: Mapping[str, Sender],
    after_ns: int | None,
    routes: ResultRoutes,
) -> Iterator[Arrival]:
    for one in timeline.frames:
        if one.frame.name not in senders:
            continue
        carried = routes.incoming.get(one.frame.name)
        takes_ns = limits.THRESHOLD_TRIGGER_NS if carried is None else carried.takes_ns
        takes_ns = takes_ns if after_ns is None else after_ns
        doubt_ns = 0 if carried is None or after_ns is not None else carried.doubt_ns
        line = "" if carried is None else carried.line.name
        times: dict[str, int] = {}
        for item in one.placed:
            if isinstance(item, PlacedCapture):
                time = times.get(item.name, 0)
                times[item.name] = time + 1
                at_ns = np.asarray(item.start_ns + item.duration_ns + takes_ns)
                address = senders[one.frame.name].address
                yield Arrival(item.name, time, at_ns, address, item.guard, takes_ns, doubt_ns, line)


def _check_network(arrivals: Sequence[Arrival], shot_ns: IntArray, axes: tuple[Axis, ...]) -> None:
    """Raise :class:`DoesNotFit` where a pulse would find the network busy, and be lost."""
    for one, other in combinations(arrivals, 2):
        if exclusive(one.guard, other.guard):
            continue
        apart_ns = _apart_ns(one, other)
        if (near := apart_ns < limits.TRIGGER_DEAD_NS).any():
            at = where_first(near, axes)
            raise DoesNotFit(
                f"captures {one.capture!r} and {other.capture!r} end {_apart(one, other, at)} "
                f"({describe(at, near.shape, axes)}), and something depends on both their results: "
                f"the trigger network takes one result each {limits.TRIGGER_DEAD_NS} ns; "
                f"let one end {limits.TRIGGER_DEAD_NS - apart_ns[at]} ns later"
            )
    for late in arrivals:
        from_ns = int(np.min(late.earliest_ns - shot_ns))
        to_ns = int(np.max(late.at_ns - shot_ns))
        for early in arrivals:
            first_ns, last_ns = int(early.earliest_ns.min()), int(early.at_ns.max())
            dead_ns = limits.TRIGGER_DEAD_NS
            if first_ns - to_ns < dead_ns and from_ns - last_ns < dead_ns:
                raise DoesNotFit(
                    f"capture {late.capture!r} ends so late that its result comes less than "
                    f"{dead_ns} ns from that of {early.capture!r} in the next shot; the trigger "
                    f"network takes one result each {dead_ns} ns: add a Delay of {dead_ns} ns at "
                    "the end of the shot"
                )


def _apart_ns(one: Arrival, other: Arrival) -> IntArray:
    """Return how far two results are apart at the least; on one line both are as late."""
    if one.line == other.line:
        return np.asarray(np.abs(one.at_ns - other.at_ns))
    return np.asarray(np.maximum(one.earliest_ns - other.at_ns, other.earliest_ns - one.at_ns))


def _apart(one: Arrival, other: Arrival, at: tuple[int, ...]) -> str:
    """Return in words how far two results are apart at a point."""
    apart_ns = _apart_ns(one, other)
    if one.line == other.line == "":
        return f"{apart_ns[at]} ns apart"
    lines = " and ".join(f"{a.capture!r} by {a.line}" for a in (one, other) if a.line)
    return f"so that results are there {apart_ns[at]} ns apart at the least ({lines})"
