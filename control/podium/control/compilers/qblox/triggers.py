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
from podium.control.program.program import Axis
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster import limits

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
    after_ns: int = limits.THRESHOLD_TRIGGER_NS,
) -> Triggers:
    """Return who sends to whom.

    ``here``: frames on this controller; ``reserved``: addresses that are in use already;
    ``after_ns``: from the end of a window to a result's arrival. Raises :class:`DoesNotFit`.
    """
    frame_of = {
        item.name: one.frame.name
        for timeline in timelines
        for one in timeline.frames
        for item in one.placed
        if isinstance(item, PlacedCapture)
    }
    asked: dict[str, dict[int, str]] = {}
    for timeline in timelines:
        for term in _terms(timeline):
            for result in term.results:
                wanted = asked.setdefault(frame_of[result.capture], {})
                if result.wanted is not None:
                    wanted[result.wanted] = result.capture
    for frame, wanted in asked.items():
        if frame not in here:
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
    arrivals = tuple(tuple(_arrivals(timeline, by_frame, after_ns)) for timeline in timelines)
    for timeline, some in zip(timelines, arrivals, strict=True):
        _check_network(some, timeline.shot_ns, timeline.axes)
    overrun: dict[int, int] = {}
    for timeline, some in zip(timelines, arrivals, strict=True):
        for one in some:
            late_ns = int((one.at_ns - timeline.shot_ns).max())
            overrun[one.address] = max(overrun.get(one.address, late_ns), late_ns)
    return Triggers(senders, by_capture, arrivals, overrun)


def _terms(timeline: Timeline) -> Iterator[GuardTerm]:
    for one in timeline.frames:
        for item in one.placed:
            if not isinstance(item, PlacedTuning):
                yield from item.guard


def _arrivals(
    timeline: Timeline, senders: Mapping[str, Sender], after_ns: int
) -> Iterator[Arrival]:
    for one in timeline.frames:
        if one.frame.name not in senders:
            continue
        times: dict[str, int] = {}
        for item in one.placed:
            if isinstance(item, PlacedCapture):
                time = times.get(item.name, 0)
                times[item.name] = time + 1
                at_ns = item.start_ns + item.duration_ns + after_ns
                address = senders[one.frame.name].address
                yield Arrival(item.name, time, np.asarray(at_ns), address, item.guard)


def _check_network(arrivals: Sequence[Arrival], shot_ns: IntArray, axes: tuple[Axis, ...]) -> None:
    """Raise :class:`DoesNotFit` where a pulse would find the network busy, and be lost."""
    for one, other in combinations(arrivals, 2):
        if exclusive(one.guard, other.guard):
            continue
        apart_ns = np.abs(np.asarray(one.at_ns - other.at_ns))
        if (near := apart_ns < limits.TRIGGER_DEAD_NS).any():
            at = where_first(near, axes)
            raise DoesNotFit(
                f"captures {one.capture!r} and {other.capture!r} end {apart_ns[at]} ns apart "
                f"({describe(at, near.shape, axes)}), and something depends on both their results: "
                f"the trigger network takes one result each {limits.TRIGGER_DEAD_NS} ns; "
                f"let one end {limits.TRIGGER_DEAD_NS - apart_ns[at]} ns later"
            )
    for late in arrivals:
        from_ns, to_ns = (int(f(late.at_ns - shot_ns)) for f in (np.min, np.max))
        for early in arrivals:
            first_ns, last_ns = int(early.at_ns.min()), int(early.at_ns.max())
            dead_ns = limits.TRIGGER_DEAD_NS
            if first_ns - to_ns < dead_ns and from_ns - last_ns < dead_ns:
                raise DoesNotFit(
                    f"capture {late.capture!r} ends so late that its result comes less than "
                    f"{dead_ns} ns from that of {early.capture!r} in the next shot; the trigger "
                    f"network takes one result each {dead_ns} ns: add a Delay of {dead_ns} ns at "
                    "the end of the shot"
                )
