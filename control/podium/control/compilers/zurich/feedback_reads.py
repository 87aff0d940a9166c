"""Places reads of results in a generator's code, so that feedback comes in time.

A result is read by ``getFeedback`` at a time from the start on. The sequencer stands there while
what is queued plays: all that begins by then is said before, all that begins a little later behind.
What depends on several results has a variable that counts them together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.points import IntArray
from podium.control.compilers.zurich.results import COUPLE, CYCLE, CoreFeedback
from podium.control.compilers.zurich.steps import FixedText, Kind, NumberedText, Silence
from podium.firmware_interfaces.zurich.awg_limits import GRANULARITY, WAVE_MIN

LEVEL = 2
"""The digital trigger whose level is read; the first one takes the start."""
OWN, FORWARDED = "QA_DATA_PROCESSED", "ZSYNC_DATA_PROCESSED_A"
"""Words that SeqC reads: of the instrument's analyser, and of a PQSC."""
TIME, READ = "t", "x"
"""Variables: cycles from the start to the shot's begin; what was just read."""
KEYS_MAX = 5
"""Variables that count results together; there are as many again for all else."""
READ_CYCLES, COUNT_CYCLES = 6, 4
"""Of reading one result, and of counting it in a variable: more instructions than they compile to.
ASSUMED: each takes a cycle."""
ACT_CYCLES = 11
"""From there to the first sample of what depends on it: three (LabOne Q, Apache-2.0,
``EXECUTETABLEENTRY_LATENCY``), the instruction itself, and some to spare."""


@dataclass(frozen=True, slots=True)
class TimedPlay:
    """Something that is played, and what is said while it is."""

    begin: int
    """In samples from the multiple of 16 at or before the shot's start, as all times here."""
    last: int
    """When the last of it begins."""
    said: tuple[tuple[Kind, IntArray], ...]
    names: tuple[str, ...] = ()
    """The results on which it hangs."""


@dataclass(frozen=True, slots=True)
class ResultWord:
    """Holds the results of one readout that a generator reads."""

    heard: int
    """When it can be read."""
    slots: Mapping[str, int]
    """By capture that somebody looks at: its integrator, 0 of a level."""
    until: int | None = None
    """Of a level at a trigger input: until when it can be read; None: it is a word."""
    source: str = OWN
    """Of a word: which one SeqC reads."""
    latest: bool = False
    """Of a level: whether it is read as late as what depends on it allows."""


@dataclass(slots=True)
class Keys:
    """The variables of one program that count results together."""

    frames: str
    names: dict[tuple[str, ...], str] = field(default_factory=dict)
    """By results, in the order in which they are read."""

    def variable(self, names: tuple[str, ...]) -> str:
        """Return the variable for these results, the first of them the highest bit."""
        known = self.names.setdefault(names, f"k{len(self.names)}")
        if len(self.names) > KEYS_MAX:
            raise DoesNotFit(
                f"{self.frames}: more than {KEYS_MAX} different sets of results on which something "
                "depends; let fewer pulses depend on several results"
            )
        return known

    @property
    def declared(self) -> list[str]:
        """Return how they are declared."""
        return [f"var {name} = 0;" for name in (READ, *self.names.values())]


def words_of(
    heard: Mapping[str, int],
    slots: Mapping[str, int],
    levels: Mapping[str, int],
    hearing: CoreFeedback,
) -> list[ResultWord]:
    """Return the words of a shot, and levels of trigger inputs, in time.

    ``slots``: of those that somebody looks at; ``levels``: until when levels can be read;
    ``hearing`` says which are forwarded, and which levels are read as late as they can.
    """
    sources = {name: FORWARDED if name in hearing.forwarded else OWN for name in heard}
    comes = {(time, sources[name]) for name, time in heard.items() if name not in levels}
    words = [
        ResultWord(
            time,
            {n: slots[n] for n in sorted(slots) if (heard[n], sources[n]) == (time, source)},
            source=source,
        )
        for time, source in comes
    ]
    words += [
        ResultWord(heard[name], {name: 0}, until, latest=name in hearing.latest)
        for name, until in levels.items()
    ]
    return sorted(words, key=lambda one: (one.heard, *one.slots))


def with_feedback_reads(
    plays: Sequence[TimedPlay], words: Sequence[ResultWord], keys: Keys
) -> list[TimedPlay]:
    """Return plays with the reading of words between them; raises :class:`DoesNotFit`."""
    made = list(plays)
    used = {one.names: keys.names[one.names] for one in plays if one.names}
    place, free = 1, 0
    for number, word in enumerate(words):
        if not any(name in one.names for one in made for name in word.slots):
            continue
        lasting = _cycles(word, used) * CYCLE
        if word.until is None:
            behind = (
                one
                for one in words[number + 1 :]
                if one.until is None and one.source == word.source
            )
            until = next((one.heard for one in behind), None)
            found = _place(made, word, place, free, lasting + ACT_CYCLES * CYCLE)
        else:
            until = word.until + lasting
            read = _quiet_late if word.latest else _quiet
            found = read(made, word, place, free, lasting + ACT_CYCLES * CYCLE)
        first = next(k for k, one in enumerate(made) if set(one.names) & word.slots.keys())
        if found is None or first < found[0]:
            _refuse(made[first], word, free, lasting + ACT_CYCLES * CYCLE, keys.frames)
        assert found is not None
        place, at = found
        free = at + lasting
        if until is not None and free > until:
            gone = "that of the next readout has come" if word.until is None else "it is gone"
            raise DoesNotFit(
                f"{keys.frames}: the result of {', '.join(word.slots)} can be read from "
                f"{word.heard / 2:g} ns on, and is read {(at - word.heard) / 2:g} ns later, when "
                f"{gone}; read out later, or play less between"
            )
        before = made[place - 1]
        count = len(before.said[0][1])
        made[place - 1] = replace(before, said=(*before.said, *_reading(word, at, used, count)))
    return made


def _cycles(word: ResultWord, used: Mapping[tuple[str, ...], str]) -> int:
    return sum(
        READ_CYCLES + COUNT_CYCLES * sum(name in names for names in used) for name in word.slots
    )


def _place(
    plays: Sequence[TimedPlay], word: ResultWord, first: int, free: int, needed: int
) -> tuple[int, int] | None:
    """Return before which play, and when, a word is read; ``needed``: samples until that play."""
    for k in range(first, len(plays)):
        at = max(word.heard, plays[k - 1].last, free)
        if plays[k].begin >= at + needed:
            return k, at
    return None


def _quiet(
    plays: list[TimedPlay], word: ResultWord, first: int, free: int, needed: int
) -> tuple[int, int] | None:
    """Return before which play, and when, a level is read: as a silence of ``plays`` begins.

    A longer one is cut in two there: what is said behind a silence happens as that begins.
    ``needed``: samples until the play behind it.
    """
    earliest = _on_grid(max(word.heard, free))
    for k in range(first - 1, len(plays) - 1):
        one, end = plays[k], plays[k + 1].begin
        if not isinstance(one.said[0][0], Silence):
            continue
        if one.begin >= earliest and end >= one.begin + needed:
            return k + 1, one.begin
        at = max(earliest, one.begin + WAVE_MIN)
        if one.begin < earliest and end >= at + max(needed, WAVE_MIN):
            return _cut(plays, k, at), at
    return None


def _quiet_late(
    plays: list[TimedPlay], word: ResultWord, first: int, free: int, needed: int
) -> tuple[int, int] | None:
    """Return before which play, and when, a level is read as late as that play allows.

    The silence before it is cut in two there.
    """
    act = next(k for k, one in enumerate(plays) if set(one.names) & word.slots.keys())
    at = (plays[act].begin - max(needed, WAVE_MIN)) // GRANULARITY * GRANULARITY
    before = plays[act - 1]
    earliest = max(_on_grid(max(word.heard, free)), before.begin + WAVE_MIN)
    if act < first or at < earliest or not isinstance(before.said[0][0], Silence):
        return None
    return _cut(plays, act - 1, at), at


def _cut(plays: list[TimedPlay], number: int, at: int) -> int:
    """Cut a silence in two at an instant; return which play is behind both."""
    one, end = plays[number], plays[number + 1].begin
    kind, samples = one.said[0]
    rest = np.full(len(samples), end - at)
    plays[number] = replace(one, said=((kind, samples - rest), *one.said[1:]))
    plays.insert(number + 1, TimedPlay(at, at, ((Silence(), rest),)))
    return number + 2


def _on_grid(sample: int) -> int:
    """Return the first sample from one on at which a silence may begin."""
    return -(-sample // GRANULARITY) * GRANULARITY


def _refuse(play: TimedPlay, word: ResultWord, free: int, needed: int, frames: str) -> None:
    names = ", ".join(name for name in word.slots if name in play.names)
    at = max(word.heard, free)
    early = (at if word.until is None else _on_grid(at)) + needed - play.begin
    if early > 0:
        raise DoesNotFit(
            f"{frames}: what depends on {names} begins {play.begin / 2:g} ns into the shot, "
            f"{early / 2:g} ns too early: the result is there {word.heard / 2:g} ns into it, and "
            f"it takes {needed / 2:g} ns to act on it; wait as much longer"
        )
    raise DoesNotFit(
        f"{frames}: what depends on {names} begins {play.begin / 2:g} ns into the shot, less than "
        f"{needed / 2:g} ns after the pulse before it: the result is read between them; wait "
        "longer between the two, or between the readout and both"
    )


def _reading(
    word: ResultWord, at: int, used: Mapping[tuple[str, ...], str], count: int
) -> list[tuple[Kind, IntArray]]:
    """Return the reading of a word's results at a time, in samples."""
    none = np.zeros(count, np.int64)
    said: list[tuple[Kind, IntArray]] = []
    cycles = at // CYCLE
    for name, slot in word.slots.items():
        mine = [(names, variable) for names, variable in used.items() if name in names]
        if word.until is None:
            config = f"configureFeedbackProcessing({word.source}, {COUPLE * slot}, 1, 0);"
            said.append((FixedText(config), none))
            text = f"{READ} = getFeedback({word.source}, {TIME} + {{}});"
            said.append((NumberedText(text), np.full(count, cycles)))
        else:
            said.append((FixedText(f"{READ} = 0;"), none))
            said.append((FixedText(f"if (getDigTrigger({LEVEL})) {{ {READ} = 1; }}"), none))
        for names, variable in mine:
            before = "" if names[0] == name else f"{variable} + {variable} + "
            said.append((FixedText(f"{variable} = {before}{READ};"), none))
        cycles += READ_CYCLES + COUNT_CYCLES * len(mine)
    return said


__all__ = ["Keys", "ResultWord", "TimedPlay", "with_feedback_reads", "words_of"]
