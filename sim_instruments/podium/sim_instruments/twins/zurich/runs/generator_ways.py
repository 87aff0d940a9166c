"""Ways of one generator from one halt of its run to the next; each is gone once.

What a generator does next depends on what it goes on from, seen from the halt (its state), and on
what happens to it until the next one: the words that it hears, until when all of them are known,
how far it may go. Sequencers of one run depend on each other through nothing else. So a way of all
of them is put together of ways that each has gone by itself: where three qubits are flipped or not,
two ways of each generator stand for all eight.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from podium.sim_instruments.execution.conversation import FOR_EVER
from podium.sim_instruments.physics.signals import PulseTrain
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Integers
from podium.sim_instruments.twins.zurich.runs.live_generator import GeneratorMoment, LiveGenerator
from podium.sim_instruments.twins.zurich.runs.participants import Participant
from podium.sim_instruments.twins.zurich.sequencer.processor import NEVER
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Source
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import later

_HEAR, _COUNT, _PAUSE, _GO, _HALT, _END = range(6)
_Act = tuple[int, int, tuple[int, ...]]
"""Something that happens to a generator: what, when (samples or ns, seen from the halt) or how far,
and further numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """Everything that a generator has done from one halt to the next, or to its end."""

    rows: Integers
    """Times are against the first halt, samples."""
    state: int
    """Number of what it goes on from."""
    shown: int
    """Number of what was played: equal numbers sound alike, seen from the second halt."""
    drives: tuple[PulseTrain, ...]
    at_ns: int
    """The second halt, when this way was gone."""


@dataclass(slots=True, eq=False)
class _Step:
    """A generator has come to this by what happened to it behind a halt; times are seen from it."""

    state: "_State"
    before: "_Step | None" = None
    act: _Act = (_GO, 0, ())
    """That led here."""
    waits_ns: int = FOR_EVER
    paused_ns: int | None = None
    reads_next: int = -NEVER
    reads: Mapping[Source, int] = field(default_factory=dict)
    counted: tuple[int, ...] = ()
    cut: Cut | None = None
    following: dict[_Act, "_Step"] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _State:
    """A generator goes on from this behind halts, as it was at the first of them."""

    number: int
    moment: GeneratorMoment
    at_ns: int
    place: tuple[int, bytes]
    first: _Step = field(init=False)

    def __post_init__(self) -> None:
        self.first = _Step(self)


class GeneratorWays:
    """One generator; times are ns from the beginning of the run where nothing else is said."""

    def __init__(self, generator: LiveGenerator) -> None:
        self._live = generator
        self._states: list[_State] = [_State(0, generator.moment(), 0, generator.place)]
        self._numbers: dict[object, int] = {None: 0}
        """Of states, by content; no halt is like the beginning."""
        self._shown: dict[object, int] = {}
        """Numbers of what was played."""
        self._at_ns = 0
        """The halt that it goes on from."""
        self._step = self._states[0].first
        """What it has come to."""
        self._is_at: _Step | None = self._step
        """Where the generator itself stands; None: nowhere."""

    @property
    def participant(self) -> Participant:
        """Return the sequencer."""
        return self._live.participant

    @property
    def begin_ns(self) -> int:
        """Return when its sample 0 is."""
        return self._live.begin_ns

    @property
    def counters(self) -> tuple[int, ...]:
        """Return the registers that may count."""
        return self._live.counters

    def go_back(self, state: int, at_ns: int) -> None:
        """Return to a halt at which it had come to a state."""
        self._at_ns = at_ns
        self._step = self._states[state].first

    def place(self, state: int) -> tuple[int, bytes]:
        """Return where in its program a state is: the instruction, and registers that show."""
        return self._states[state].place

    # --- what happens to it ---------------------------------------------------------------

    def hear(self, at_fs: int, source: Source, word: int, undecided: int) -> None:
        """Have a word reach it; ``at_fs``: from the origin of the run.

        ``undecided``: a mask of the bits that are 0 or 1.
        """
        value = self._live.heard(source, word, undecided)
        self._take((_HEAR, self.sample(at_fs) - self._since, (source, value)))

    def count(self, counters: tuple[int, ...], far: int) -> None:
        """Have other counters, and triggers to come; ``far`` of them: many."""
        self._take((_COUNT, far, counters))

    def pause(self, until_ns: int) -> bool:
        """Let one that asks for nothing go on to a time; tell whether it waits for that."""
        before = self._step
        if not self._live.asks:
            self._take((_PAUSE, until_ns - self._at_ns, ()))
        return self._step is not before

    def go_on(self, known: int, *, bounded: bool) -> None:
        """Go on where all is known that comes up to a sample."""
        self._take((_GO, NEVER if known >= NEVER else known - self._since, (bounded,)))

    def halt(self, at_ns: int, coming: Mapping[Source, int]) -> Cut:
        """Take what it has played until a time for done, and everything else as what comes.

        ``coming``: by source, when the last word comes of those that come before it reads next.
        """
        words = [(source, at - self._since) for source, at in sorted(coming.items())]
        return self._cut((_HALT, at_ns - self._at_ns, tuple(k for one in words for k in one)))

    def end(self) -> Cut:
        """Take all that it has done, at its end."""
        return self._cut((_END, 0, ()))

    def _cut(self, act: _Act) -> Cut:
        self._take(act)
        if self._step.cut is None:
            raise AssertionError("whoever halts has done something")
        return self._step.cut

    @property
    def _since(self) -> int:
        """Return the sample of the halt."""
        return 2 * (self._at_ns - self.begin_ns)

    # --- what it has come to --------------------------------------------------------------

    @property
    def paused_ns(self) -> int | None:
        """Return until when it has been let go on, None: it was not stopped there."""
        paused_ns = self._step.paused_ns
        return None if paused_ns is None else self._at_ns + paused_ns

    def waits_ns(self) -> int:
        """Return until when words must be known for it to go on; FOR_EVER: it does not wait."""
        waits_ns = self._step.waits_ns
        return FOR_EVER if waits_ns >= FOR_EVER else self._at_ns + waits_ns

    @property
    def said_ns(self) -> int:
        """Return until when all that leaves its connector is known: later than what it waits for.

        FOR_EVER: it does not wait.
        """
        return min(self.waits_ns() + (self.participant.late >> 1), FOR_EVER)

    @property
    def read(self) -> Mapping[Source, int]:
        """Return by what it hears words as: the bits that it reads of them."""
        return self._live.read

    def reads(self, source: Source) -> int:
        """Return the bits that it reads next of the last word from a source, or may read later."""
        return self._step.reads[source]

    def reads_next(self) -> int:
        """Return the sample up to which all that comes is there when it reads next.

        -NEVER: it is not known.
        """
        reads_next = self._step.reads_next
        return -NEVER if reads_next <= -NEVER else reads_next + self._since

    def sample(self, at_fs: int) -> int:
        """Return the sample of an instant, counted from the origin of the run."""
        return self._live.sample(at_fs)

    def counted(self) -> tuple[int, ...]:
        """Return its counters, those that are none now as far from their ends; then its triggers to
        come."""
        return self._step.counted

    def drives(self, cut: Cut, at_ns: int) -> Sequence[PulseTrain]:
        """Return what has left its connector before a halt, at which it was cut off."""
        centre_hz = self.participant.centre_hz
        return [later(train, centre_hz, at_ns - cut.at_ns) for train in cut.drives]

    # --- ways -----------------------------------------------------------------------------

    def _take(self, act: _Act) -> None:
        """Have something happen."""
        found = self._step.following.get(act)
        if found is None:
            found = self._step.following[act] = self._worked_out(self._step, act)
        self._step = found

    def _worked_out(self, before: _Step, act: _Act) -> _Step:
        """Return what comes of it, worked out; ``before`` itself: nothing does."""
        self._stand_at(before)
        self._is_at = None  # if anything is refused
        found = before
        if self._happens(before.state, act):
            found = self._step_of(before, act)
        self._is_at = found
        return found

    def _step_of(self, before: _Step, act: _Act) -> _Step:
        """Return what the generator has come to."""
        live, state = self._live, before.state
        found = _Step(state, before, act)
        if act[0] == _GO:
            waits_ns, paused_ns = live.waits_ns(), live.paused_ns
            found.waits_ns = FOR_EVER if waits_ns >= FOR_EVER else waits_ns - state.at_ns
            found.paused_ns = None if paused_ns is None else paused_ns - state.at_ns
            reads_next = live.reads_next()
            if reads_next > -NEVER:
                found.reads_next = reads_next - self._sample_of(state)
            found.reads = {source: live.reads(source) for source in live.read}
            return found
        if act[0] == _HALT:
            found.cut = self._cut_off(state, state.at_ns + act[1], act[2])
        elif act[0] == _END:
            found.cut = Cut(live.rows(self._sample_of(state)), -1, -1, (), state.at_ns)
        if act[0] in (_COUNT, _HALT, _END):
            found.counted = live.counted()
        return found

    def _cut_off(self, state: _State, at_ns: int, words: tuple[int, ...]) -> Cut:
        live, since = self._live, self._sample_of(state)
        drives, rows = tuple(live.plays(at_ns)), live.rows(since)
        shown = self._shown.setdefault(live.shown(at_ns), len(self._shown))
        both = zip(words[::2], words[1::2], strict=True)
        coming = {Source(source): at + since for source, at in both}
        number = self._numbers.setdefault(live.content(at_ns, coming), len(self._states))
        if number == len(self._states):
            self._states.append(_State(number, live.moment(), at_ns, live.place))
        return Cut(rows, number, shown, drives, at_ns)

    def _stand_at(self, step: _Step) -> None:
        """Have the generator come to a step."""
        if self._is_at is step:
            return
        acts: list[_Act] = []
        one = step
        while one.before is not None:
            acts.append(one.act)
            one = one.before
        self._live.go_back(step.state.moment)
        for act in reversed(acts):
            self._happens(step.state, act)

    def _happens(self, state: _State, act: _Act) -> bool:
        """Have something happen behind the first halt of a state; tell whether it does."""
        kind, at, more = act
        live, since = self._live, self._sample_of(state)
        if kind == _HEAR:
            live.hear(at + since, Source(more[0]), more[1])
        elif kind == _COUNT:
            live.count(more, at)
        elif kind == _PAUSE:
            return live.pause(at + state.at_ns)
        elif kind == _GO:
            live.go_on(NEVER if at >= NEVER else at + since, bounded=bool(more[0]))
        return True

    def _sample_of(self, state: _State) -> int:
        """Return the sample of the first halt of a state."""
        return 2 * (state.at_ns - self.begin_ns)
