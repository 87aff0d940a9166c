"""Runs of instruments at the ends of links meet: each waits until it is known who else comes.

A run that plays on a link's sideband enters with the span of world time in which it does so. It is
played together with those at other ends whose spans overlap its own; the last one that was missing
has all of them played. An instrument may still come while it is armed for a start that could fall
into the span, or computes; one that is idle, stopped or beyond the span is silent, and the others
go on without it. Runs wait in worker threads; whether somebody may still come is looked up in the
server's (:meth:`Meetings.look`), which owns the instruments. A run that would change what another
has been answered already is refused.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from threading import Event, Lock
from typing import TYPE_CHECKING, Final

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.twins.twin import Horizon

if TYPE_CHECKING:
    from podium.sim_instruments.physics.links.link_point import Link
    from podium.sim_instruments.physics.meeting.meeting_run import MeetingRun
    from podium.sim_instruments.physics.signals import CaptureAnswer, PulseTrain

    Answers = tuple[CaptureAnswer, ...]
    PlayTogether = Callable[[Sequence[MeetingRun]], list[Answers]]

WAITS_S: Final = 30.0
"""Wall time after which a run gives up on a partner that is armed, or computes, all the while."""
DEADLINE_FS: Final = 30 * FS_PER_S
"""World time behind a run's last pulse at which it gives up on a partner that still computes."""
REMEMBERED: Final = 64
"""Spans of answered runs, and stops of runs that have not come, that are remembered."""


class NobodyCame(RuntimeError):
    """A run waited for another until its deadline; the message says for which."""


class CameTooLate(RuntimeError):
    """A run shares a span with one at a linked end that has its answers; start both together."""


@dataclass(frozen=True, slots=True, eq=False)
class _Span:
    """When a run plays on links' sidebands: all that is remembered of one that has its answers."""

    instrument: str
    number: int
    """Of the run, by the instrument's own count."""
    from_fs: int
    until_fs: int
    """World time of its first sideband pulse's begin and its last one's end."""
    partners: frozenset[str]
    """Instruments at the other ends."""
    senders: frozenset[str]
    """Of its sideband pulses."""
    stopped_fs: dict[str, int] = field(default_factory=dict)
    """By sender of its run: from when on nothing of it leaves. It grows."""

    @property
    def key(self) -> tuple[str, int]:
        """Return whose run it is, and which."""
        return self.instrument, self.number

    @property
    def silent_fs(self) -> int:
        """Return from when on it plays nothing."""
        ends = [self.stopped_fs.get(sender, self.until_fs) for sender in self.senders]
        return min(max(ends), self.until_fs)

    def overlaps(self, other: "_Span") -> bool:
        """Tell whether both play at one time."""
        return self.from_fs <= other.until_fs and other.from_fs <= self.until_fs

    def is_linked(self, other: "_Span") -> bool:
        """Tell whether either is at the other's far end."""
        return self.instrument in other.partners or other.instrument in self.partners


@dataclass(slots=True, eq=False)
class _Participant:
    """A run that waits, or is being played."""

    span: _Span
    run: "MeetingRun"
    awaited: set[str]
    """Instruments at the other ends that may still come."""
    turn: Event = field(default_factory=Event)
    """Set when it is to play a meeting, or when it has its answers."""
    meeting: "list[_Participant]" = field(default_factory=list)
    """Whom it is to play, itself among them."""
    answers: "Answers | None" = None
    error: Exception | None = None

    @property
    def instrument(self) -> str:
        """Return whose run it is."""
        return self.span.instrument


class Meetings:
    """All runs that wait for others, or are played with them. Thread-safe."""

    def __init__(
        self,
        links: "Sequence[Link]",
        instrument_of: Callable[[], Mapping[str, str]],
        together: "PlayTogether",
        waits_s: float = WAITS_S,
        deadline_fs: int = DEADLINE_FS,
    ) -> None:
        """``instrument_of``: who drives each line now; ``together`` plays a meeting."""
        self._instrument_of = instrument_of
        self._links = links
        self._lines = frozenset(end.sideband for link in links for end in link.ends)
        self._deadline_fs = deadline_fs
        self._playing: list[_Participant] = []
        self._answered: deque[_Span] = deque(maxlen=REMEMBERED)
        self._stops: dict[tuple[str, int], dict[str, int]] = {}
        self._together = together
        self._waits_s = waits_s
        self._waiting: list[_Participant] = []
        self._closed = False
        self._lock = Lock()

    @property
    def lines(self) -> frozenset[str]:
        """Return the sidebands' lines of all links."""
        return self._lines

    @property
    def waits(self) -> bool:
        """Tell whether any run waits."""
        return bool(self._waiting)

    @property
    def waiting(self) -> frozenset[str]:
        """Return the instruments whose runs wait."""
        return frozenset(one.instrument for one in tuple(self._waiting))

    def play(
        self,
        instrument: str,
        run: "MeetingRun",
        rest: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> "Answers":
        """Return a run's answers, once everybody has come who comes; in a worker thread.

        ``rest``: entered while it waits. Raises NobodyCame at its deadline, CameTooLate for a run
        that another one's answers do without, and what the world raises for the meeting.
        """
        mine = self._participant(instrument, run)
        if mine is None:
            return self._together([run])[0]
        with self._lock:
            if self._closed:
                raise NobodyCame(f"{instrument}'s run was to wait as the simulation ended")
            mine.span.stopped_fs.update(self._stops.pop(mine.span.key, {}))
            self._check_in_time(mine.span)
            self._waiting.append(mine)
            self._gather()
        with rest():
            self._wait(mine)
        group, mine.meeting = mine.meeting, []  # else it would hold itself, and all its signals
        if group:
            self._play(group)
        if mine.error is not None:
            raise mine.error
        if mine.answers is None:
            raise RuntimeError(f"{instrument}'s run was played and has no answers")
        return mine.answers

    def look(self, now_fs: int, horizon: Callable[[str], Horizon]) -> None:
        """Find out who may still come; ``horizon`` tells an instrument's. In the server's thread.

        It brings the instrument up to now.
        """
        with self._lock:
            waiting = list(self._waiting)
        if not waiting:
            return
        absent: list[tuple[_Participant, str]] = []
        over = [one for one in waiting if now_fs > one.span.until_fs + self._deadline_fs]
        for one in waiting:
            for name in sorted(one.awaited):
                here = [other.span for other in waiting if other.instrument == name]
                if any(one.span.overlaps(other) for other in here):
                    continue
                if any(other.from_fs > one.span.until_fs for other in here):
                    absent.append((one, name))
                    continue
                seen = horizon(name)
                if not seen.computing and not (seen.armed and now_fs <= one.span.until_fs):
                    absent.append((one, name))
        with self._lock:
            for one, name in absent:
                spans = [o.span for o in self._waiting if o.instrument == name]
                came = any(one.span.overlaps(other) for other in spans)
                if not came:
                    one.awaited.discard(name)
            self._gather()
            for one in over:
                self._give_up(one, f"{self._deadline_fs / FS_PER_S:g} s of world time")

    def stopped(self, instrument: str, run: int, sender: str, at_fs: int) -> None:
        """Hear that nothing of a sender of a run leaves its instrument from an instant on."""
        with self._lock:
            if not self._links:
                return
            present = [one.span for one in (*self._waiting, *self._playing)]
            known = *present, *self._answered
            here = [one for one in known if one.key == (instrument, run)]
            stops = [one.stopped_fs for one in here]
            if not here:  # it may still come
                stops.append(self._stops.setdefault((instrument, run), {}))
                while len(self._stops) > REMEMBERED:
                    del self._stops[next(iter(self._stops))]
            for one in stops:
                one[sender] = min(at_fs, one.get(sender, at_fs))

    def close(self) -> None:
        """Let nobody wait any longer: those who do raise NobodyCame."""
        with self._lock:
            self._closed = True
            for one in self._waiting:
                one.error = NobodyCame(f"{one.instrument}'s run waited as the simulation ended")
                one.turn.set()
            self._waiting.clear()

    def _participant(self, instrument: str, run: "MeetingRun") -> _Participant | None:
        """Return a run as it takes part; None: it plays nothing on a sideband."""
        from podium.sim_instruments.physics.meeting.window_pairs import reach_fs

        trains = [t for t in run.signals.drives if t.line in self._lines and not t.spur]
        trains = [t for t in trains if t.start_ns.size]
        if not trains:
            return None
        drivers = self._instrument_of()
        reach = max(reach_fs(link) for link in self._links)
        begins = min(int(train.start_ns[0]) for train in trains)
        ends = max(train.end_ns for train in trains)
        played = {train.line for train in trains}
        awaited = {
            drivers[other.sideband]
            for link in self._links
            for end, other in (link.ends, link.ends[::-1])
            if end.sideband in played and other.sideband in drivers
        }
        first, last = run.at_fs(begins) - reach, run.at_fs(ends) + reach
        awaited -= {instrument}
        senders = frozenset(train.sender for train in trains)
        number = run.signals.run
        span = _Span(instrument, number, first, last, frozenset(awaited), senders)
        return _Participant(span, run, awaited)

    def _check_in_time(self, mine: _Span) -> None:
        """Raise CameTooLate for a run whose photons others should have been answered with."""
        for other in (*(one.span for one in self._playing), *self._answered):
            met = mine.is_linked(other) and mine.overlaps(other)
            if met and mine.from_fs <= other.silent_fs:
                raise CameTooLate(
                    f"{mine.instrument}'s run drives a link at whose other end a run of "
                    f"{other.instrument}, which nobody was armed to meet, has been played until "
                    f"{other.silent_fs} fs: start both with one trigger, or this one behind that"
                )

    def _give_up(self, mine: _Participant, waited: str) -> None:
        """Let a run fail that has waited long enough; the lock is held."""
        if mine in self._waiting:
            self._waiting.remove(mine)
            missing = ", ".join(sorted(mine.awaited))
            mine.error = NobodyCame(
                f"{mine.instrument}'s run drives a link and waited {waited} for {missing}, which "
                "is armed or computes and plays nothing: abort it, or start both with one trigger"
            )
            mine.turn.set()

    def _gather(self) -> None:
        """Give each meeting that is complete to one of its runs to play; the lock is held."""
        for one in list(self._waiting):
            if one not in self._waiting:
                continue
            group = self._group(one)
            here = {member.instrument for member in group}
            if all(member.awaited <= here for member in group):
                self._waiting = [o for o in self._waiting if o not in group]
                self._playing += group
                group.sort(key=lambda member: member.instrument)
                group[0].meeting = group
                group[0].turn.set()

    def _group(self, one: _Participant) -> list[_Participant]:
        """Return all that are connected with a run by spans that overlap at linked ends."""
        found = [one]
        for member in found:
            for other in self._waiting:
                linked = other.instrument in member.awaited or member.instrument in other.awaited
                if other not in found and linked and member.span.overlaps(other.span):
                    found.append(other)
        return found

    def _wait(self, mine: _Participant) -> None:
        """Wait until a run has something to play, or its answers."""
        deadline_s = time.monotonic() + self._waits_s
        while not mine.turn.wait(max(deadline_s - time.monotonic(), 0.0)):
            with self._lock:
                self._give_up(mine, f"{self._waits_s:g} s")
            deadline_s = time.monotonic() + self._waits_s  # it is being played by another run

    def _play(self, group: list[_Participant]) -> None:
        """Play a meeting and hand out the answers; once more where a run was stopped meanwhile."""
        while True:
            with self._lock:
                stops = [dict(member.span.stopped_fs) for member in group]
                runs = [_as_stopped(member) for member in group]
            found: list[Answers] = []
            error: Exception | None = None
            try:
                found = self._together(runs)
            except Exception as failed:
                error = failed
            with self._lock:
                if stops != [member.span.stopped_fs for member in group]:
                    continue
                self._playing = [one for one in self._playing if one not in group]
                if error is None:
                    self._answered += [member.span for member in group]
            break
        for number, member in enumerate(group):
            member.error = error
            member.answers = None if error else found[number]
            member.turn.set()


def _as_stopped(one: _Participant) -> "MeetingRun":
    """Return a run without what its stopped senders would have played later.

    ASSUMED: what has begun when a sender is stopped is played to its end.
    """
    if not one.span.stopped_fs:
        return one.run
    drives = tuple(_cut(train, one) for train in one.run.signals.drives)
    return replace(one.run, signals=replace(one.run.signals, drives=drives))


def _cut(train: "PulseTrain", one: _Participant) -> "PulseTrain":
    at_fs = one.span.stopped_fs.get(train.sender)
    if at_fs is None:
        return train
    starts = train.start_ns.tolist()
    low, high = 0, len(starts)
    while low < high:
        middle = (low + high) // 2
        if one.run.at_fs(starts[middle]) < at_fs:
            low = middle + 1
        else:
            high = middle
    return train.only(slice(low))
