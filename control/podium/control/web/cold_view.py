"""Shows the supervisor's news in rows and words: alarms, countdowns, procedures, findings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf

from podium.control.bus.cold import (
    AlarmNews,
    ColdFinding,
    ColdProcedureNews,
    Countdown,
    Priority,
)
from podium.control.facility.facility import Fridge
from podium.control.web import synoptic_view
from podium.control.web.cold_picture import ColdPicture, seconds_of
from podium.control.web.synoptic_view import is_good

PRIORITIES: tuple[Priority, ...] = ("critical", "high", "medium", "low")
MARKS: Mapping[Priority, str] = {"critical": "bad", "high": "bad", "medium": "warn", "low": "warn"}
STATE_WORDS = {
    "unacknowledged": "not acknowledged",
    "acknowledged": "acknowledged",
    "returned": "gone by itself, not acknowledged",
    "latched": "latched",
    "shelved": "shelved",
    "suppressed": "suppressed",
    "out_of_service": "out of service",
    "normal": "normal",
}
WAITING = ("unacknowledged", "returned")
"""States of alarms that nobody has acknowledged."""
QUIET = ("shelved", "suppressed", "out_of_service", "normal")
"""States of alarms that call nobody."""
URGENT_S = 600.0
"""A countdown that ends within so many s of the facility's time is urgent."""
PROCEDURE_SIGNS = {"running": "▶", "asking": "?", "done": "✓", "failed": "✕", "stopped": "■"}
STEP_SIGNS = {
    "waiting": "○",
    "asking": "?",
    "running": "▶",
    "done": "✓",
    "skipped": "–",
    "failed": "✕",
}
ENDED = ("done", "failed", "stopped")
FRIDGES_SHOWN = 3
"""So many fridges are drawn whole on a page that names none; of the others there is a line."""
LAST_MOMENT = "last_moment"
"""The event of a countdown after which acting is too late."""


@dataclass(frozen=True, slots=True)
class AlarmShown:
    """An alarm with those that follow it."""

    alarm: AlarmNews
    followers: tuple[AlarmNews, ...]
    since_tai_s: float | None
    until_tai_s: float | None
    """When shelving ends."""

    @property
    def mark(self) -> str:
        """Return the severity, as the page marks it."""
        return "unknown" if self.quiet else MARKS[self.alarm.priority]

    @property
    def state_words(self) -> str:
        """Its state, for people."""
        gone = "" if self.alarm.active or self.alarm.state == "returned" else ", its cause is gone"
        return STATE_WORDS[self.alarm.state] + ("" if self.quiet else gone)

    @property
    def waits(self) -> bool:
        """Return whether nobody has acknowledged it."""
        return self.alarm.state in WAITING

    @property
    def can_reset(self) -> bool:
        """Return whether it stays only because it latches."""
        return self.alarm.state == "latched" and not self.alarm.active

    @property
    def quiet(self) -> bool:
        """Return whether it calls nobody."""
        return self.alarm.state in QUIET


@dataclass(frozen=True, slots=True)
class CountdownShown:
    """Tells what will happen, and when."""

    countdown: Countdown
    left: str
    """``10:34``: minutes and seconds of the facility's time, with hours before them."""
    between: str
    urgent: bool
    last_moment: bool
    """Whether acting is too late after it."""


@dataclass(frozen=True, slots=True)
class ProcedureShown:
    """A procedure with its steps."""

    procedure: ColdProcedureNews
    sign: str
    done: int
    """Steps that are done or skipped."""
    over: bool
    began_tai_s: float | None


@dataclass(frozen=True, slots=True)
class FridgeState:
    """A fridge in a line."""

    name: str
    mark: str
    told: str
    """Its alarms and what is not known of it."""
    temperatures: str


@dataclass(frozen=True, slots=True)
class ColdHeadline:
    """The cold side in one line."""

    mark: str
    word: str
    active: int
    """Alarms that call somebody, without those that follow another."""
    doubtful: int
    """Readings that are not good."""
    old: bool
    """Whether the supervisor is silent, or was never heard."""
    notes: tuple[str, ...]


def alarms(picture: ColdPicture) -> tuple[AlarmShown, ...]:
    """Return the alarms, the most urgent first, each with those that follow it."""
    told = () if picture.news is None else picture.news.alarms
    names = {one.name for one in told}
    followers: dict[str, list[AlarmNews]] = {}
    for one in told:
        if one.leader in names and one.leader != one.name:
            followers.setdefault(one.leader, []).append(one)
    leaders = [one for one in told if one.leader not in names or one.leader == one.name]
    shown = {one.name: _shown(one, _following(one.name, followers)) for one in leaders}
    covered = {*shown, *(each.name for one in shown.values() for each in one.followers)}
    # Those that follow each other in a ring have no leader: none is lost.
    shown |= {one.name: _shown(one, ()) for one in told if one.name not in covered}
    return tuple(sorted(shown.values(), key=lambda one: _urgency(one.alarm)))


def _shown(one: AlarmNews, followers: Iterable[AlarmNews]) -> AlarmShown:
    return AlarmShown(
        one,
        tuple(sorted(followers, key=_urgency)),
        None if one.since is None else seconds_of(one.since),
        None if one.until is None else seconds_of(one.until),
    )


def _following(name: str, followers: dict[str, list[AlarmNews]]) -> list[AlarmNews]:
    """Return all that follow an alarm, also by way of others; each once."""
    found: dict[str, AlarmNews] = {}
    ask = [name]
    while ask:
        for one in followers.get(ask.pop(), ()):
            if one.name not in found and one.name != name:
                found[one.name] = one
                ask.append(one.name)
    return list(found.values())


def _urgency(one: AlarmNews) -> tuple[bool, int, bool, tuple[int, int], str]:
    """Return by what alarms are sorted: the latest first among equals."""
    since = (0, 0) if one.since is None else (-one.since[0], -one.since[1])
    priority = PRIORITIES.index(one.priority)
    return (one.state in QUIET, priority, one.state not in WAITING, since, one.name)


def countdowns(picture: ColdPicture) -> tuple[CountdownShown, ...]:
    """Return what will happen, the soonest first; times go on from the latest news."""
    news = picture.news
    if news is None:
        return ()
    passed_s = picture.pace * (picture.silent_s() or 0.0)
    shown = []
    for one in news.countdowns:
        left_s = one.at_s - passed_s
        low = clock(one.low_s - passed_s)
        between = f"between {low} and {clock(one.high_s - passed_s)}"
        if one.high_s == inf:
            between = f"not before {low}, perhaps not at all"
        shown.append(
            CountdownShown(one, clock(left_s), between, left_s < URGENT_S, one.event == LAST_MOMENT)
        )
    return tuple(sorted(shown, key=lambda one: (one.countdown.fridge, one.countdown.at_s)))


def clock(seconds: float) -> str:
    """Return a duration as clocks show it, ``10:34`` or ``1:02:09``; what is past: ``now``."""
    if not seconds > 0:
        return "now"
    if seconds >= 100 * 3600:
        return f"{seconds / 86400:.1f} d"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def procedures(picture: ColdPicture) -> tuple[ProcedureShown, ...]:
    """Return the procedures, those that are on first."""
    told = () if picture.news is None else picture.news.procedures
    shown = [
        ProcedureShown(
            one,
            PROCEDURE_SIGNS[one.state],
            sum(step.state in ("done", "skipped") for step in one.steps),
            one.state in ENDED,
            None if one.began is None else seconds_of(one.began),
        )
        for one in told
    ]
    return tuple(sorted(shown, key=lambda one: (one.over, -(one.began_tai_s or 0.0))))


def findings(picture: ColdPicture) -> tuple[tuple[ColdFinding, float | None], ...]:
    """Return what the observer has found, each with the TAI in s since when it is so."""
    told = () if picture.news is None else picture.news.findings
    return tuple((one, None if one.since is None else seconds_of(one.since)) for one in told)


def fridge_state(picture: ColdPicture, fridge: Fridge) -> FridgeState:
    """Return a fridge in a line."""
    shown = synoptic_view.fridge(picture, fridge)
    calling = _calling(picture, fridge.name)
    doubtful = sum(one.quality != "good" for one in shown.readings)
    mark = "warn" if doubtful else "good" if shown.readings else "unknown"
    said = [f"{len(calling)} alarm{'s' * (len(calling) > 1)}" if calling else "no alarm"]
    if doubtful:
        said.append(f"{doubtful} of {len(shown.readings)} readings not good")
    if not shown.readings:
        said = ["nothing is heard of it"]
    return FridgeState(
        fridge.name, calling[0].mark if calling else mark, ", ".join(said), shown.temperatures
    )


def shown_first(picture: ColdPicture, fridges: tuple[str, ...]) -> tuple[str, ...]:
    """Return the fridges that a page shows which names none: those with alarms first.

    They stand in the order of ``fridges``.
    """
    by_need = sorted(fridges, key=lambda one: _need(picture, one))
    chosen = by_need[:FRIDGES_SHOWN]
    return tuple(one for one in fridges if one in chosen)


def _need(picture: ColdPicture, fridge: str) -> int:
    """Return how urgent a fridge's first alarm is; less is more urgent."""
    calling = _calling(picture, fridge)
    return PRIORITIES.index(calling[0].alarm.priority) if calling else len(PRIORITIES)


def _calling(picture: ColdPicture, fridge: str) -> list[AlarmShown]:
    """Return a fridge's alarms that call somebody, without those that follow another."""
    return [one for one in alarms(picture) if not one.quiet and one.alarm.fridge == fridge]


def headline(picture: ColdPicture) -> ColdHeadline:
    """Return how the cold side is."""
    silent_s, old = picture.silent_s(), picture.is_old()
    news = picture.news
    calling = [one for one in alarms(picture) if not one.quiet]
    doubtful = 0 if news is None else sum(not is_good(one, old) for one in news.readings)
    notes = () if news is None else news.notes
    if silent_s is None:
        mark, word = "unknown", "The supervisor has not been heard"
    elif old:
        mark, word = "bad", f"No news for {silent_s:.0f} s: all of this is old"
    elif calling:
        mark = calling[0].mark
        word = f"{len(calling)} alarm{'s' * (len(calling) > 1)}"
    elif doubtful or notes:
        mark, word = "warn", "No alarm, not all is known"
    else:
        mark, word = "good", "No alarm"
    return ColdHeadline(mark, word, len(calling), doubtful, old, notes)
