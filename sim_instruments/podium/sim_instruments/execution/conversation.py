"""Sequencers of several instruments and the world answer each other, in the order of time.

Each sequencer says what it plays and listens to, and until when it has said everything. What all of
them have said the world plays; windows that are over by then are answered, those that overlap on
one line together (apart where somebody would wait for ever), and every answer is heard by all of
them. A sequencer that needs an answer says until when it plays nothing more; the others go on
meanwhile. Who promises and does not keep it, or waits for what nobody measures, is left behind,
with the reason: nobody waits for ever. Times are ns from the beginning of the dialogue.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.dialogue import Dialogue, MeetingDialogue
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain

FOR_EVER: Final = 1 << 62
BEHIND_NS: Final = 64
"""The world wants to know a moment more than the windows that it is asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """Plays and captures of a sequencer since it reported last."""

    drives: Sequence[PulseTrain]
    captures: Sequence[CaptureTrain]
    """Windows that the world may answer now, or as soon as they are over."""
    until_ns: int
    """Everything that it plays and that begins earlier has been said; FOR_EVER: it is over."""
    listeners: Sequence[int] | None = None
    """A number for whoever listens by each capture, no other sequencer's; None: its own."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sequencer cannot go on before it has an answer."""

    for_what: str
    until_ns: int
    """It plays nothing that begins earlier and has not been said."""
    outside: bool = False
    """Whether it waits for what no sequencer of the run measures, and may come later."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The values of windows of one listener, as all sequencers hear them."""

    sequencer: int
    """Number of who listened."""
    listener: int
    ends_ns: NDArray[np.int64]
    """When the windows close, shape (n,), ascending: those behind the ones answered before."""
    values: NDArray[np.complex128]
    """Shape (n,)."""
    trace: tuple[NDArray[np.complex128], float] | None = None
    """Of the last window, and its frequency, Hz; None: nobody asked for one."""


class Sequencer(Protocol):
    """One sequencer of any family."""

    def run_until(self, known_ns: int) -> Events | Waiting:
        """Go on; all answers to windows that end by ``known_ns`` have been fed."""
        ...

    def feed(self, answer: Answer) -> None:
        """Hear an answer."""
        ...


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A sequencer that takes part no longer."""

    sequencer: int
    why: str


@dataclass(slots=True, eq=False)
class _Part:
    number: int
    sequencer: Sequencer
    until_ns: int = 0
    waits_for: str = ""
    waits_outside: bool = False


@dataclass(slots=True, eq=False)
class _Listener:
    """Windows that are open, or will be."""

    part: _Part
    number: int
    train: CaptureTrain
    answered: int = 0
    """How many of them were."""

    def begun(self, until_ns: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return begin and end of those that are not answered and begin before a time."""
        train = self.train
        last = int(np.searchsorted(train.start_ns, until_ns))
        rows = slice(self.answered, last)
        durations = np.array([one.duration_ns for one in train.windows], np.int64)
        starts: NDArray[np.int64] = train.start_ns[rows]
        return starts, starts + durations[train.window[rows]]


class Conversation:
    """One run of several sequencers."""

    def __init__(
        self,
        sequencers: Sequence[Sequencer],
        begin: Callable[[], Dialogue],
        *,
        can_wait: bool = False,
    ) -> None:
        """``begin`` begins the dialogue with the world, once something is asked of it.

        ``can_wait``: windows may wait for what other instruments play: :attr:`waits_for_others`.
        """
        self._can_wait = can_wait
        self.waits_for_others: MeetingDialogue | None = None
        """Who tells when they have said what windows wait for; None: none waits."""
        self._parts = [_Part(number, one) for number, one in enumerate(sequencers)]
        self._begin = begin
        self._begun: Dialogue | None = None
        self._unplayed: list[PulseTrain] = []
        self._listeners: list[_Listener] = []
        self._known_ns = 0
        self.left_behind: list[LeftBehind] = []

    @property
    def has_begun(self) -> bool:
        """Tell whether something was asked of the world."""
        return self._begun is not None

    @property
    def dialogue(self) -> Dialogue:
        """Return the dialogue with the world, which is still to be ended."""
        if self._begun is None:
            self._begun = self._begin()
        return self._begun

    def run(self) -> bool:
        """Go on until every sequencer is over or left behind; tell whether that is so.

        Else somebody waits for what comes from outside, or windows do for what other instruments
        play: call it again when more has come.
        """
        self.waits_for_others = None
        while True:
            told = [part for part in self._going() if self._ask(part)]
            until_ns = min((part.until_ns for part in self._going()), default=FOR_EVER)
            answered = self._answer(until_ns, until_ns - BEHIND_NS)
            if self.waits_for_others is not None:
                return False
            if until_ns >= FOR_EVER:
                if not answered:
                    break
            elif not told and not answered and not self._answer(until_ns, until_ns, apart=True):
                if self.waits_for_others is not None:
                    return False
                if any(part.waits_outside for part in self._going()):
                    self._say(until_ns)
                    return False
                self._leave_one()
        if self._unplayed:
            self.dialogue.go_on(self._until(FOR_EVER), (), ())
        return True

    def _going(self) -> list[_Part]:
        left = {one.sequencer for one in self.left_behind}
        return [part for part in self._parts if part.number not in left]

    def _ask(self, part: _Part) -> bool:
        """Let a sequencer go on; tell whether it said more than before."""
        if part.until_ns >= FOR_EVER:
            return False
        before_ns = part.until_ns
        said = part.sequencer.run_until(self._known_ns)
        part.waits_for = said.for_what if isinstance(said, Waiting) else ""
        part.waits_outside = isinstance(said, Waiting) and said.outside
        if said.until_ns < before_ns:
            self._leave(part, f"it promised until {before_ns} ns and said {said.until_ns} ns")
            return True
        if isinstance(said, Events):
            starts = [train.start_ns for train in said.drives]
            if any(start_ns.size and start_ns.min() < before_ns for start_ns in starts):
                self._leave(part, f"it plays before {before_ns} ns, until when it had said all")
                return True
            self._unplayed += said.drives
            numbers = said.listeners or [part.number] * len(said.captures)
            for number, capture in zip(numbers, said.captures, strict=True):
                if capture.start_ns.size:
                    self._listeners.append(_Listener(part, number, capture))
        part.until_ns = said.until_ns
        return part.until_ns > before_ns

    def _answer(self, until_ns: int, over_ns: int, *, apart: bool = False) -> bool:
        """Play what was said until a time, and answer windows that are over by another.

        Tell whether there are any. ``apart``: also those that overlap with one that is not over.
        """
        due, known_ns = self._due(until_ns, over_ns, apart=apart)
        if due and self._meets:
            due, known_ns = _first_due(due, known_ns)
        captures = [one.train if whole else _part(one, count) for one, count, whole in due]
        if due and not self._may_ask(captures, until_ns):
            return False
        self._known_ns = max(self._known_ns, known_ns)
        if not due:
            return False
        numbers = [one.number for one, _, _ in due]
        found = self.dialogue.go_on(self._until(until_ns), captures, numbers)
        for (one, count, _), capture, answer in zip(due, captures, found, strict=True):
            durations = np.array([window.duration_ns for window in capture.windows], np.int64)
            trace = self.dialogue.trace(one.number) if capture.scope else None
            ends_ns = capture.start_ns + durations[capture.window]
            heard = Answer(one.part.number, one.number, ends_ns, answer.integrated, trace)
            one.answered += count
            for part in self._going():
                part.sequencer.feed(heard)
        self._listeners = [o for o in self._listeners if o.answered < len(o.train.start_ns)]
        return True

    @property
    def _meets(self) -> MeetingDialogue | None:
        """Return the dialogue; None: nobody else may share photons with this run."""
        if not self._can_wait or not (self.has_begun or self._unplayed):
            return None
        dialogue = self.dialogue
        if isinstance(dialogue, MeetingDialogue) and dialogue.meets:
            return dialogue
        self._can_wait = False
        return None

    def _say(self, until_ns: int, closes_ns: int = FOR_EVER) -> MeetingDialogue | None:
        """Let other instruments' runs know what was said until a time; return the dialogue.

        None: nobody else may share photons with this run. ``closes_ns``: when the windows close
        that are asked for next. Others hear that all has been said until shortly before: who has
        said more would be overtaken by windows that close later.
        """
        dialogue = self._meets
        if dialogue is not None:
            dialogue.say(self._until(until_ns), min(until_ns, closes_ns - 1))
        return dialogue

    def _may_ask(self, captures: Sequence[CaptureTrain], until_ns: int) -> bool:
        """Tell whether the world may be asked for windows now."""
        dialogue = self._say(until_ns, max(map(_closes_ns, captures)))
        waits = dialogue is not None and not dialogue.asks(captures)
        self.waits_for_others = dialogue if waits else None
        return not waits

    def _due(
        self, until_ns: int, over_ns: int, *, apart: bool
    ) -> tuple[list[tuple[_Listener, int, bool]], int]:
        """Return who is to be answered, how many windows, and whether those are all it has.

        Second: until when all is known then.
        """
        by_line: dict[str, list[tuple[_Listener, Any, Any]]] = defaultdict(list)
        for one in self._listeners:
            starts, ends = one.begun(until_ns)
            if starts.size:
                by_line[one.train.line].append((one, starts, ends))
        known_ns = over_ns
        due: dict[int, tuple[_Listener, int, bool]] = {}
        for ones in by_line.values():
            line_ns = _over_ns([(starts, ends) for _, starts, ends in ones], over_ns)
            for one, starts, ends in ones:
                count = int(np.searchsorted(starts, line_ns))
                if apart:
                    count = int(np.argmax(np.append(ends > over_ns, True)))
                if count:
                    due[id(one)] = one, count, count == len(one.train.start_ns)
                if count < len(ends):
                    known_ns = min(known_ns, int(ends[count:].min()) - 1)
        return [due[id(one)] for one in self._listeners if id(one) in due], known_ns

    def _until(self, played_ns: int) -> list[PulseTrain]:
        """Return what begins before a time and was not played yet."""
        found: list[PulseTrain] = []
        left: list[PulseTrain] = []
        for train in self._unplayed:
            row = int(np.searchsorted(train.start_ns, played_ns))
            if row == len(train.start_ns):
                found += [train] if row else []
                continue
            if row:
                found.append(train.only(slice(row)))
            left.append(train.only(slice(row, None)))
        self._unplayed = left
        return found

    def _leave_one(self) -> None:
        """Leave behind who holds the others up."""
        part = min(self._going(), key=lambda one: one.until_ns)
        why = f"it waits for {part.waits_for}" if part.waits_for else "it does not go on"
        self._leave(part, f"{why}, from {part.until_ns} ns on")

    def _leave(self, part: _Part, why: str) -> None:
        self.left_behind.append(LeftBehind(part.number, why))


Spans = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Begins and ends of windows, ns."""


def _over_ns(windows: Sequence[Spans], until_ns: int) -> int:
    """Return by when all windows of a line that overlap are over, the last such time."""
    over = _all_over_ns(windows)
    over = over[over <= until_ns]
    return int(over[-1]) if over.size else -FOR_EVER


def _all_over_ns(windows: Sequence[Spans]) -> NDArray[np.int64]:
    """Return when windows close that no later one overlaps with, nor with any before them."""
    starts = np.concatenate([one for one, _ in windows])
    order = np.argsort(starts, kind="stable")
    ends = np.maximum.accumulate(np.concatenate([one for _, one in windows])[order])
    apart = np.append(starts[order][1:] >= ends[:-1], True)
    return np.asarray(ends[apart], np.int64)


def _closes_ns(train: CaptureTrain) -> int:
    """Return when the last window of a train closes."""
    durations = np.array([window.duration_ns for window in train.windows], np.int64)
    return int((train.start_ns + durations[train.window]).max())


def _first_due(
    due: Sequence[tuple[_Listener, int, bool]], known_ns: int
) -> tuple[list[tuple[_Listener, int, bool]], int]:
    """Return the first of windows that are due, with all that overlap with them.

    Windows of other instruments, which may close between two of them, are answered in their turn.
    Second: until when all is known then.
    """
    begun = [(*one.begun(FOR_EVER), count) for one, count, _ in due]
    spans = [(starts[:count], ends[:count]) for starts, ends, count in begun]
    over_ns = int(_all_over_ns(spans)[0])
    found = []
    for (one, count, _), (begins, closes) in zip(due, spans, strict=True):
        first = int(np.searchsorted(begins, over_ns))
        if first < count:
            known_ns = min(known_ns, int(closes[first:].min()) - 1)
        if first:
            found.append((one, first, first == len(one.train.start_ns)))
    return found, known_ns


def _part(one: _Listener, count: int) -> CaptureTrain:
    rows = slice(one.answered, one.answered + count)
    train = one.train
    return replace(
        train,
        start_ns=train.start_ns[rows],
        window=train.window[rows],
        phase_turns=train.phase_turns[rows],
    )
