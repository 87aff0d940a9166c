"""Places resets of a sequencer's latches, so that conditions see the right results.

Latches count the pulses of every address from one ``latch_rst`` to the next. What depends on some
results needs a reset before the first of them arrives and after everything else that its addresses
have sent; one reset may do for many conditions.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.guards import exclusive
from podium.control.compilers.points import IntArray, describe, where_first
from podium.control.compilers.qblox.gates import FORK_NS, Gate, gate_of
from podium.control.compilers.qblox.lower import REAL_TIME_MIN_NS, LoweredFrame, SequencerEvent
from podium.control.compilers.qblox.place import FrameTimeline, PlacedPlay
from podium.control.compilers.qblox.triggers import Arrival, Triggers
from podium.control.program.program import Axis
from podium.firmware_interfaces.qblox_cluster import limits

APART_NS = REAL_TIME_MIN_NS
"""A result and a reset, or what looks at it, are this far apart where their order matters."""
FORK_ROOM_NS = FORK_NS + 2 * REAL_TIME_MIN_NS
"""A reset keeps so far from an instant at which branches begin."""


def listen(
    lowered: LoweredFrame,
    timeline: FrameTimeline,
    triggers: Triggers,
    number: int,
    shot_ns: IntArray,
    axes: tuple[Axis, ...],
    ahead_ns: int = 0,
) -> LoweredFrame:
    """Return ``lowered`` with its guards as gates, and with instants at which it forgets.

    ``number``: which of the programs it is; ``ahead_ns``: by how much it plays ahead of the others,
    whose results come so much later to it. Raises :class:`DoesNotFit`.
    """
    triggers = triggers.later(ahead_ns)
    known: dict[object, Gate] = {}
    events: list[SequencerEvent] = []
    for event in lowered.events:
        if event.guard:
            if event.guard not in known:
                known[event.guard] = gate_of(lowered.frame, event.guard, triggers.by_capture)
            event = replace(event, gate=known[event.guard])
        events.append(event)
    _check_sounds(lowered.frame, timeline, events, axes)
    shape = np.broadcast_shapes(*[e.time_ns.shape for e in events], shot_ns.shape)
    times = np.stack([np.broadcast_to(event.time_ns, shape) for event in events])
    forked = _forked(events, times)
    made = _Forgetting(
        lowered.frame,
        events,
        times,
        forked,
        np.broadcast_to(shot_ns, shape),
        triggers,
        axes,
        ahead_ns,
    ).resets(triggers.arrivals[number])
    mask = 0
    for gate in known.values():
        mask |= gate.mask
    listens = tuple(n for n in range(1, limits.TRIGGERS + 1) if mask >> (n - 1) & 1)
    forgets = [SequencerEvent(at_ns, "forget results", forgets=True) for at_ns in made]
    return replace(lowered, events=(*events, *forgets), listens=listens)


def _forked(events: Sequence[SequencerEvent], times: IntArray) -> NDArray[np.bool_]:
    """Return which events share an instant with one of another gate, somewhere."""
    forked = np.zeros(len(events), np.bool_)
    for k, event in enumerate(events):
        if event.gate is None:
            continue
        together = (times == times[k]).reshape(len(events), -1).any(axis=1)
        for other in np.flatnonzero(together).tolist():
            if events[other].gate != event.gate:
                forked[k] = forked[other] = True
    return forked


def _check_sounds(
    frame: str, timeline: FrameTimeline, events: Sequence[SequencerEvent], axes: tuple[Axis, ...]
) -> None:
    """Refuse what would set the gain of a pulse that may or may not be playing."""
    for play in timeline.placed:
        if not isinstance(play, PlacedPlay) or not play.guard:
            continue
        for event in events:
            if event.guard == play.guard or exclusive(event.guard, play.guard):
                continue
            inside = np.asarray(
                (event.time_ns > play.start_ns) & (event.time_ns < play.start_ns + play.duration_ns)
            )
            if inside.any():
                at = where_first(inside, axes)
                raise DoesNotFit(
                    f"{frame}: {event.note!r} comes while a pulse is played, or not, according to "
                    f"what was measured (statement {play.statement}; "
                    f"{describe(at, inside.shape, axes)}): move it before or behind"
                )


class _Forgetting:
    """Finds the resets of one frame's latches."""

    def __init__(
        self,
        frame: str,
        events: Sequence[SequencerEvent],
        times: IntArray,
        forked: NDArray[np.bool_],
        shot_ns: IntArray,
        triggers: Triggers,
        axes: tuple[Axis, ...],
        ahead_ns: int,
    ) -> None:
        self._ahead_ns = ahead_ns
        self._frame = frame
        self._events = events
        self._times = times
        self._forked = forked
        self._shot_ns = shot_ns
        self._triggers = triggers
        self._axes = axes
        self._found: list[IntArray] = []
        self._needed_until: IntArray = np.zeros_like(shot_ns)
        """Until when what is latched now is looked at."""

    def resets(self, arrivals: Sequence[Arrival]) -> list[IntArray]:
        """Return when to reset, in the order of time; raise :class:`DoesNotFit`."""
        guarded = [k for k, event in enumerate(self._events) if event.gate is not None]
        guarded.sort(key=lambda k: int(self._times[k].min()))
        for k in guarded:
            self._serve(k, arrivals)
        return self._found

    def _serve(self, k: int, arrivals: Sequence[Arrival]) -> None:
        """See to it that event ``k`` finds what it depends on, and nothing else, in the latches."""
        event, looks_ns = self._events[k], self._times[k]
        assert event.gate is not None
        mask = event.gate.mask
        wanted = {(r.capture, t) for term in event.guard for r in term.results for t in r.times}
        mine = [a for a in arrivals if (a.capture, a.time) in wanted]
        first_ns = np.minimum.reduce([self._over(a.earliest_ns) for a in mine])
        around_ns = FORK_ROOM_NS if self._forked[k] else 0
        self._check_early(event, looks_ns - (FORK_NS if self._forked[k] else 0), mine)
        after_ns = np.zeros_like(looks_ns)
        for other in arrivals:
            if not mask >> (other.address - 1) & 1 or (other.capture, other.time) in wanted:
                continue
            at_ns = self._over(other.at_ns)
            if (self._over(other.earliest_ns) >= looks_ns + around_ns + APART_NS).all():
                continue
            if not (at_ns <= first_ns - 2 * APART_NS).all():
                raise DoesNotFit(
                    f"{self._frame}: {event.note!r} depends on {_names(mine)}, and the result of "
                    f"{other.capture!r} comes between, on the same trigger address (one for each "
                    "frame); capture it on a frame of its own, or later"
                )
            after_ns = np.maximum(after_ns, at_ns + APART_NS)
        overruns = [ns for n, ns in self._triggers.overrun_ns.items() if mask >> (n - 1) & 1]
        after_ns = np.maximum(after_ns, max([*overruns, 0]) + APART_NS)
        held = self._found and (
            (self._found[-1] >= after_ns) & (self._found[-1] <= first_ns - APART_NS)
        )
        if np.any(held) and np.all(held):
            self._needed_until = np.maximum(self._needed_until, looks_ns + around_ns)
            return
        low_ns = np.maximum(after_ns, self._needed_until + APART_NS)
        self._found.append(self._place(event, low_ns, first_ns - APART_NS, mine))
        self._needed_until = np.maximum(self._needed_until, looks_ns + around_ns)

    def _check_early(
        self, event: SequencerEvent, looks_ns: IntArray, mine: Sequence[Arrival]
    ) -> None:
        for one in mine:
            late_ns = self._over(one.at_ns) - looks_ns
            if (late_ns > 0).any():
                at = where_first(late_ns == late_ns.max(), self._axes)
                there_ns = one.takes_ns + self._ahead_ns
                ahead = f", as its filters make it play {self._ahead_ns} ns ahead"
                raise DoesNotFit(
                    f"{self._frame}: {event.note!r} depends on {one.capture!r}, whose result is "
                    f"there {there_ns} ns after its window has closed"
                    f"{f' (by {one.line})' if one.line else ''}"
                    f"{ahead if self._ahead_ns else ''}, which is "
                    f"{late_ns[at]} ns too late ({describe(at, late_ns.shape, self._axes)}): let "
                    f"it wait {late_ns[at]} ns longer. {there_ns + FORK_NS} ns "
                    "from the end of the window are always enough"
                )

    def _place(
        self, event: SequencerEvent, low_ns: IntArray, high_ns: IntArray, mine: Sequence[Arrival]
    ) -> IntArray:
        """Return an instant between two at which this frame has time for a reset."""
        rooms = [FORK_ROOM_NS if forked else REAL_TIME_MIN_NS for forked in self._forked]
        candidates = [low_ns]
        for time_ns, room_ns in zip(self._times, rooms, strict=True):
            candidates.append(time_ns + room_ns)
        candidates += [high_ns, high_ns - FORK_ROOM_NS]
        for at_ns in candidates:
            if (at_ns < low_ns).any() or (at_ns > high_ns).any():
                continue
            if (at_ns > self._shot_ns - REAL_TIME_MIN_NS).any():
                continue
            far = all(
                (np.abs(at_ns - time_ns) >= room_ns).all()
                for time_ns, room_ns in zip(self._times, rooms, strict=True)
            ) and all((np.abs(at_ns - other) >= REAL_TIME_MIN_NS).all() for other in self._found)
            if far:
                return np.asarray(at_ns)
        raise DoesNotFit(
            f"{self._frame}: {event.note!r} depends on {_names(mine)}; before that result comes "
            "the frame must forget older ones, and it finds no "
            f"{2 * REAL_TIME_MIN_NS} ns for it between {int(low_ns.max())} and "
            f"{int(high_ns.min())} ns of the shot: let captures of one frame, and what depends on "
            "them, follow each other with delays between"
        )

    def _over(self, at_ns: IntArray) -> IntArray:
        return np.broadcast_to(at_ns, self._shot_ns.shape)


def _names(arrivals: Sequence[Arrival]) -> str:
    return " and ".join(dict.fromkeys(repr(one.capture) for one in arrivals))
