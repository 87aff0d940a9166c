"""Runs that come piece by piece meet at links: who has said what, and who may be answered.

Each session says until when it has said all that it plays. One that asks for windows is answered
once all sessions that it may share photons with, over one link or several, have said what they play
until the last window closes; of two that ask, the one whose windows close first. So the order in
which threads get there changes no bit. Nobody can know the result of a window before it closes: a
session that depends on it says as much as the other one waits for, and none waits for ever.
An instrument that is idle says nothing, and is taken as silent; whether it is, its owner finds out
(:meth:`SessionMeetings.look`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Final

from podium.sim_instruments.physics.episodes import NotSimulated

if TYPE_CHECKING:
    from podium.sim_instruments.physics.meeting.photon_session import PhotonSession

WAITS_S: Final = 30.0
"""Wall time after which a session gives up on others that do not go on."""


@dataclass(slots=True, eq=False)
class _Entry:
    """One session, as the others see it."""

    session: "PhotonSession"
    said_fs: int
    """World time before which all that it plays has been said."""
    closes_fs: int | None = None
    """When the last of the windows closes that it asks for; None: it asks for none."""
    answered_fs: int = 0
    """When the last window closed that was answered."""
    waits_since_s: float | None = None
    """When it was seen first that it waits; None: it was not."""
    late: bool = False
    """Whether it has waited too long."""
    over: bool = False
    silent: set[str] = field(default_factory=set)
    """Lines that nobody has begun to play on since the latest window was asked for."""
    whole: set[str] = field(default_factory=set)
    """Lines on which a run plays that is known as a whole, and waits for this one's."""

    @property
    def gives_up(self) -> bool:
        """Tell whether it is waited no longer for what is missing."""
        return self.late or bool(self.whole)


class SessionMeetings:
    """All sessions of a world at ends of links. Thread-safe."""

    def __init__(self, waits_s: float = WAITS_S) -> None:
        self.lock = RLock()
        """Held while a window is answered, too: it changes what others have not played yet."""
        self._entries: dict[str, _Entry] = {}
        """By instrument: its latest."""
        self._waits_s = waits_s

    def say(self, session: "PhotonSession", until_fs: int) -> None:
        """Hear until when a session has said all."""
        with self.lock:
            self._entry(session).said_fs = until_fs

    def asks(self, session: "PhotonSession", closes_fs: int) -> bool:
        """Tell whether a session's windows may be answered; raises NotSimulated at its deadline.

        Until they close it has said all; what it has said before it asks, others may go by.
        """
        with self.lock:
            mine = self._entry(session)
            self._check_in_turn(mine, closes_fs)
            mine.said_fs = max(mine.said_fs, closes_fs)
            if mine.closes_fs != closes_fs:
                mine.closes_fs, mine.waits_since_s, mine.late = closes_fs, None, False
                mine.silent.clear()
                mine.whole.clear()
            missing = self._missing(mine)
            if missing and mine.gives_up:
                lines = ", ".join(missing)
                why = f"waited {self._waits_s:g} s for {lines}, on which nobody plays"
                if mine.whole:
                    why = f"one on {lines} depends on no result: both have to, or neither"
                raise NotSimulated(
                    f"{session.instrument}'s run, in which what is played depends on what was "
                    f"measured, shares photons with another instrument's: {why}; start both with "
                    "one trigger"
                )
            return not missing

    def answered(self, session: "PhotonSession") -> None:
        """Hear that a session's windows have been answered."""
        with self.lock:
            mine = self._entry(session)
            mine.answered_fs, mine.closes_fs = mine.closes_fs or mine.answered_fs, None

    def may_go_on(self, session: "PhotonSession") -> bool:
        """Tell whether the windows of a session that waits may be answered, or it is too late."""
        with self.lock:
            mine = self._entry(session)
            return not self._missing(mine) or mine.gives_up

    def end(self, session: "PhotonSession", at_fs: int) -> None:
        """Hear that a session's run is over by an instant: it asks for nothing more."""
        with self.lock:
            mine = self._entries.get(session.instrument)
            if mine is not None and mine.session is session:
                mine.over, mine.said_fs, mine.closes_fs = True, at_fs, None

    def others(self, session: "PhotonSession") -> list["PhotonSession"]:
        """Return whom a session may share photons with, over one link or several."""
        with self.lock:
            return [one.session for one in self._group(self._entry(session))[1:]]

    def look(
        self, is_silent: Callable[[str], bool], is_whole: Callable[[str], bool], now_s: float
    ) -> None:
        """Find out about lines on which others say nothing: what each function tells of one.

        Whether nobody plays there, and whether one does whose run is known as a whole. ``now_s``:
        time of the wall, from any instant on.
        """
        with self.lock:
            for mine in list(self._entries.values()):
                if mine.closes_fs is not None:
                    missing = self._missing(mine)
                    mine.silent |= {line for line in missing if is_silent(line)}
                    mine.whole |= {line for line in missing if is_whole(line)}
                    since_s = mine.waits_since_s = mine.waits_since_s or now_s
                    mine.late = now_s > since_s + self._waits_s

    @property
    def going(self) -> frozenset[str]:
        """Return the instruments whose sessions have said something and are not over."""
        return frozenset(
            one.session.instrument for one in tuple(self._entries.values()) if not one.over
        )

    @property
    def waits(self) -> bool:
        """Tell whether any session waits."""
        return any(one.closes_fs is not None for one in tuple(self._entries.values()))

    def check_in_time(self, session: "PhotonSession", begins_fs: int) -> None:
        """Raise NotSimulated for a photon that another session was answered without."""
        with self.lock:
            for other in self._entries.values():
                late = begins_fs < other.answered_fs and not other.over
                if late and other.silent & session.reached:
                    raise NotSimulated(
                        f"{session.instrument}'s run drives a link at whose other end a run of "
                        f"{other.session.instrument}, which nobody was armed to meet, has been "
                        f"answered until {other.answered_fs} fs: start both with one trigger"
                    )

    def _check_in_turn(self, mine: _Entry, closes_fs: int) -> None:
        """Raise NotSimulated for windows behind which others' were answered that close later.

        What is read in them has been played by then. Those that nobody was armed to meet are not
        waited for.
        """
        for other in self._group(mine)[1:]:
            met = not other.over and not other.silent & mine.session.reached
            if met and closes_fs < other.answered_fs:
                raise NotSimulated(
                    f"{mine.session.instrument}'s run asks for a window that closes at {closes_fs} "
                    f"fs, and {other.session.instrument}'s, with which it shares photons, has been "
                    f"answered until {other.answered_fs} fs: that is not simulated; ask for "
                    "windows in the order in which they close"
                )

    def _entry(self, session: "PhotonSession") -> _Entry:
        known = self._entries.get(session.instrument)
        if known is None or known.session is not session:
            known = _Entry(session, 0)
            self._entries[session.instrument] = known
        return known

    def _missing(self, mine: _Entry) -> list[str]:
        """Return the lines on which others have not said enough, or are to be answered first."""
        closes_fs = mine.closes_fs
        if closes_fs is None:
            return []
        found: list[str] = []
        for one in self._group(mine):
            for line in sorted(one.session.remote):
                other = self._at(line)
                if other is None or other is mine:
                    missing = other is None and line not in mine.silent
                elif other.over:
                    missing = other.said_fs < closes_fs and line not in mine.silent
                else:
                    missing = other.said_fs < closes_fs or _is_first(other, mine)
                found += [line] if missing else []
        return list(dict.fromkeys(found))

    def _at(self, line: str) -> _Entry | None:
        ones = (one for one in self._entries.values() if line in one.session.reached)
        return next(ones, None)

    def _group(self, mine: _Entry) -> list[_Entry]:
        """Return all that are connected with a session by links, itself first."""
        found = [mine]
        for one in found:
            others: Iterable[_Entry | None] = map(self._at, sorted(one.session.remote))
            found += [o for o in others if o is not None and o not in found]
        return found


def _is_first(other: _Entry, mine: _Entry) -> bool:
    """Tell whether another session's windows are to be answered before those of one."""
    if other.closes_fs is None or mine.closes_fs is None:
        return False
    return (other.closes_fs, other.session.instrument) < (
        mine.closes_fs,
        mine.session.instrument,
    )
