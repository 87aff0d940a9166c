"""Sequencers of several instruments and the world answer each other, in the order of time.

Each sequencer says what it plays and listens to, and until when it has said everything. What all of
them have said the world plays; windows that are over by then are answered, and every answer is
heard by all of them. A sequencer that needs an answer says until when it plays nothing more; the
others go on meanwhile. Who promises and does not keep it, or waits for what nobody measures, is
left behind, with the reason: nobody waits for ever. Times are ns from the start of the run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np

from podium.sim_instruments.physics.dialogue import Dialogue
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain

FOR_EVER: Final = 1 << 62
BEHIND_NS: Final = 64
"""The world wants to know a moment more than the windows that it is asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """Plays and captures of a sequencer since it reported last."""

    drives: Sequence[PulseTrain]
    captures: Sequence[CaptureTrain]
    until_ns: int
    """Everything that begins earlier has been said; FOR_EVER: it is over."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sequencer cannot go on before it has an answer."""

    for_what: str
    until_ns: int
    """It plays nothing that begins earlier and has not been said."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The value of one window, as all sequencers hear it."""

    sequencer: int
    """Number of who listened."""
    index: int
    """How many windows of that sequencer were answered before."""
    end_ns: int
    value: complex


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
    answered: int = 0
    open: list[CaptureTrain] = field(default_factory=list)
    """One window each."""


class Conversation:
    """One run of several sequencers."""

    def __init__(self, sequencers: Sequence[Sequencer], dialogue: Dialogue) -> None:
        self._parts = [_Part(number, one) for number, one in enumerate(sequencers)]
        self._dialogue = dialogue
        self._unplayed: list[PulseTrain] = []
        self._played_ns = 0
        self._known_ns = 0
        self.left_behind: list[LeftBehind] = []

    def run(self) -> None:
        """Go on until every sequencer is over or left behind."""
        while True:
            told = [part for part in self._going() if self._ask(part)]
            until_ns = min((part.until_ns for part in self._going()), default=FOR_EVER)
            answered = self._answer(until_ns)
            if all(part.until_ns >= FOR_EVER for part in self._going()):
                if not answered and not any(part.open for part in self._parts):
                    return
            elif not told and not answered:
                self._leave_one()

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
        if said.until_ns < before_ns:
            self._leave(part, f"it promised until {before_ns} ns and said {said.until_ns} ns")
            return True
        if isinstance(said, Events):
            starts = [train.start_ns for train in said.drives]
            starts += [train.start_ns for train in said.captures]
            if any(np.any(start_ns < before_ns) for start_ns in starts):
                self._leave(part, f"it plays before {before_ns} ns, until when it had said all")
                return True
            self._unplayed += said.drives
            for capture in said.captures:
                part.open += [_window(capture, k) for k in range(len(capture.start_ns))]
        part.until_ns = said.until_ns
        return part.until_ns > before_ns

    def _answer(self, until_ns: int) -> bool:
        """Play what was said until a time and answer what is over by then; tell whether any is."""
        windows = [
            (_end_ns(capture), part, capture)
            for part in self._parts
            for capture in part.open
            if _end_ns(capture) + BEHIND_NS <= until_ns
        ]
        windows.sort(key=lambda one: (one[0], one[1].number))
        for end_ns, part, capture in windows:
            number = part.number
            part.open.remove(capture)
            played_ns = max(self._played_ns, end_ns + BEHIND_NS)
            (found,) = self._dialogue.go_on(self._until(played_ns), [capture], [number])
            answer = Answer(number, part.answered, end_ns, complex(found.integrated[0]))
            part.answered += 1
            for one in self._going():
                one.sequencer.feed(answer)
        self._known_ns = max(self._known_ns, self._known(until_ns))
        return bool(windows)

    def _known(self, until_ns: int) -> int:
        """Return until when windows that end were answered, if all was said until a time."""
        ends = [_end_ns(capture) for part in self._parts for capture in part.open]
        return min([until_ns - BEHIND_NS, *(end_ns - 1 for end_ns in ends)])

    def _until(self, played_ns: int) -> list[PulseTrain]:
        """Return what begins before a time and was not played yet."""
        found: list[PulseTrain] = []
        left: list[PulseTrain] = []
        for train in self._unplayed:
            row = int(np.searchsorted(train.start_ns, played_ns))
            if row:
                found.append(_elements(train, 0, row))
            if row < len(train.start_ns):
                left.append(_elements(train, row, len(train.start_ns)))
        self._unplayed, self._played_ns = left, played_ns
        return found

    def _leave_one(self) -> None:
        """Leave behind who holds the others up."""
        part = min(self._going(), key=lambda one: one.until_ns)
        why = f"it waits for {part.waits_for}" if part.waits_for else "it does not go on"
        self._leave(part, f"{why}, from {part.until_ns} ns on")

    def _leave(self, part: _Part, why: str) -> None:
        self.left_behind.append(LeftBehind(part.number, why))


def _end_ns(capture: CaptureTrain) -> int:
    window = capture.windows[int(capture.window[0])]
    return int(capture.start_ns[0]) + window.duration_ns


def _window(train: CaptureTrain, row: int) -> CaptureTrain:
    one = slice(row, row + 1)
    return replace(
        train,
        start_ns=train.start_ns[one],
        window=train.window[one],
        phase_turns=train.phase_turns[one],
    )


def _elements(train: PulseTrain, begin: int, end: int) -> PulseTrain:
    rows = slice(begin, end)
    return replace(
        train,
        start_ns=train.start_ns[rows],
        piece=train.piece[rows],
        phase_turns=train.phase_turns[rows],
    )
