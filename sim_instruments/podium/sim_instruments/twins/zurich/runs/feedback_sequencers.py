"""The sequencers of a run that goes to the world in pieces; see :mod:`.feedback_run`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

import numpy as np

from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.zurich.latency import SHORTEST_READOUT, Route
from podium.sim_instruments.execution.conversation import FOR_EVER, Answer, Events, Waiting
from podium.sim_instruments.physics.signals import CaptureAnswer, PulseTrain
from podium.sim_instruments.twins.zurich.quantum_analyzer.input_saturation import digitised
from podium.sim_instruments.twins.zurich.quantum_analyzer.integration import discriminate
from podium.sim_instruments.twins.zurich.quantum_analyzer.multistate import (
    states_of,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    Integers,
    IntegratorSums,
    busy,
    part_of,
    readouts,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.results import (
    forwarded_at,
    heard_at,
    words,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.scope_trains import (
    Traces,
)
from podium.sim_instruments.twins.zurich.runs.generator_output import (
    GeneratorOutput,
    flux_of,
    sent,
)
from podium.sim_instruments.twins.zurich.runs.lookahead_execution import (
    CannotPrecompute,
    check_ended,
    to_the_end,
)
from podium.sim_instruments.twins.zurich.runs.participants import Analyser, Key, Participant
from podium.sim_instruments.twins.zurich.runs.readout_signals import readout_signals
from podium.sim_instruments.twins.zurich.sequencer.image import HDAWG
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    CYCLE,
    Status,
)
from podium.sim_instruments.twins.zurich.signals.pulse_compaction import compacted
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import results_of
from podium.sim_instruments.twins.zurich.triggers.trigger_levels import LevelReading


class Words(Protocol):
    """The words that generators hear of readouts."""

    def settle(self, known_ns: int) -> None:
        """Have generators hear of all readouts that are over by a time."""
        ...

    def known(self, generator: "Generator") -> int:
        """Return up to which sample a generator knows all words that reach it."""
        ...


class Generator:
    """A sequencer that plays, and may depend on words. Times are from the origin of the run."""

    def __init__(
        self,
        participant: Participant,
        origin_fs: int,
        words: Words,
        levels: LevelReading | None = None,
    ) -> None:
        """``levels``: of trigger inputs that it reads; None: of none that a cable ends at."""
        self.participant = participant
        self.levels = levels
        self.now_fs = 0
        """World time, by which it can be known what has arrived at inputs."""
        self.awaits: int | None = None
        """The sample up to which levels must be known before it goes on; None: all are."""
        self._words = words
        self._said_ns = -1
        self.origin_fs = origin_fs
        self.begin_ns = (participant.run.start_fs - origin_fs) // FS_PER_NS
        self._output = GeneratorOutput(participant, self.begin_ns)
        self._rows_said = 0

    def run_until(self, known_ns: int) -> Events | Waiting:
        """Go on as far as all words are known; raises :class:`CannotPrecompute`."""
        run = self.participant.run
        self._words.settle(known_ns)
        if run.trace.status is not Status.ENDED:
            self._proceed(self._words.known(self))
        until_ns = self._waits_until_ns()
        if until_ns == self._said_ns:
            if self.awaits is not None:
                return Waiting("the level of a trigger input", until_ns, outside=True)
            return Waiting("the result of a readout", until_ns)
        self._said_ns = until_ns
        fresh = replace(run.trace, rows=run.trace.rows[self._rows_said :])
        self._rows_said = len(run.trace.rows)
        plays = [compacted(train) for train in self._output.plays(fresh, until_ns)]
        return Events(plays, (), until_ns)

    def _proceed(self, words: int) -> None:
        """Go on where words are known up to a sample, as far as levels are."""
        run, levels = self.participant.run, self.levels
        self.awaits = None
        if levels is None:
            run.proceed(words)
            return
        while True:
            run.proceed(min(words, levels.known))
            if run.trace.status is Status.UNKNOWN:
                needs = run.trace.needs
            elif run.trace.status is Status.WAITING and run.next_due_fs is not None:
                needs = run.tick(run.next_due_fs)
            else:
                return
            if needs > words:
                return
            if not levels.hear(run, needs, self.now_fs):
                self.awaits = needs
                return

    @property
    def said_ns(self) -> int:
        """Return until when it has said all that it plays."""
        return self._said_ns

    def feed(self, answer: Answer) -> None:
        """Hear nothing of a window: words come when they are ready."""

    def _waits_until_ns(self) -> int:
        """Return until when all that leaves its connectors is known; FOR_EVER: it is at its end.

        What it plays is there later than its sequencer, which waits for a word.
        """
        run = self.participant.run
        if run.trace.status is Status.UNKNOWN:
            waits_fs = run.time_fs(run.trace.needs)
        elif run.trace.status is Status.WAITING and run.next_due_fs is not None:
            waits_fs = run.next_due_fs
        else:
            check_ended(run)
            return FOR_EVER
        return (waits_fs - self.origin_fs) // FS_PER_NS + (self.participant.late >> 1)

    def all_plays(self, loud: Mapping[Key, list[Integers]]) -> list[PulseTrain]:
        """Return all that has left its connectors; ``loud`` takes when it was beyond full scale,
        by the node that counts it."""
        participant, run = self.participant, self.participant.run
        if run.model is HDAWG:
            return flux_of(participant, self.begin_ns, loud=loud)
        beyond = loud[participant.output_node].append
        return sent(participant, run.trace, participant.oscillators, self.begin_ns, loud=beyond)


class Reader:
    """A sequencer of an analyser: all that it starts is known beforehand."""

    def __init__(self, participant: Participant, origin_fs: int, first_listener: int) -> None:
        run, at = participant.run, participant.analyser
        if not isinstance(at, Analyser):
            raise CannotPrecompute(
                f"{participant.sender}: spectroscopy is not simulated where generators do what "
                "another channel measures"
            )
        self.participant, self.at = participant, at
        to_the_end(run)
        begin_ns = (run.start_fs - origin_fs) // FS_PER_NS
        started = readouts(run.trace)
        duration = at.settings.delay + at.settings.length
        self.count = len(started.time)
        self.kept = np.flatnonzero(~busy(started.time, duration))
        """Which readouts are integrated; the others come during another one."""
        self.started = part_of(started, self.kept)
        self.heard_fs = np.zeros(0, np.int64)
        self._duration, self._origin_fs = duration, origin_fs
        begin_fs, step_fs = run.start_fs - origin_fs, FS_PER_S // run.rate_hz
        self.ends_fs: Integers = begin_fs + step_fs * (self.started.time + duration)
        """When integration ends of those that are kept."""
        if duration >= SHORTEST_READOUT and len(self.kept):
            ticks = heard_at(self.started.time, duration, run.route)
            self.heard_fs = begin_fs + step_fs * ticks
        self.loud_out_ns: list[Integers] = []
        self.loud_in_ns: list[Integers] = []
        """When its output, and its input, were beyond full scale."""
        self._signals = readout_signals(
            participant, at, started, begin_ns, self.loud_out_ns.append, self.kept
        )
        late = self.started.time + participant.late
        self.closes_ns = begin_ns + (late + duration >> 1) + 1
        self.opens_ns, self.full = self._signals.opens_ns, self._signals.full
        self.drives, self.listening = self._signals.drives, self._signals.listening
        self._first_listener = first_listener
        self.values = {
            unit: np.zeros(len(one.readouts), np.complex128) for unit, one in self.listening.items()
        }
        self._units = dict(zip(range(first_listener, FOR_EVER), self.listening, strict=False))
        """By listener: its integrator. Listeners behind them are records of the scope."""
        self._heard = dict.fromkeys(self.listening, 0)
        """By integrator: how many of its windows were answered."""
        self._scoped: list[CaptureAnswer] = []
        """What the first records of the scope have taken."""
        self.answered = 0
        """How many of those that are kept have become words."""

    def run_until(self, known_ns: int) -> Events:
        """Say all that it plays and listens to."""
        return Events(self.drives, self._signals.captures, FOR_EVER, self.listeners)

    def feed(self, answer: Answer) -> None:
        """Keep the values of its own windows."""
        if answer.listener not in self.listeners:
            return
        unit = self._units.get(answer.listener)
        if unit is None:
            shown = answer.trace or (None, 0.0)
            self._scoped.append(CaptureAnswer(np.zeros(1, np.complex128), *shown))
            return
        first = self._heard[unit]
        self._heard[unit] = first + len(answer.values)
        self.values[unit][first : self._heard[unit]] = answer.values

    def forwarded_fs(self, route: Route, rate_hz: int) -> Integers:
        """Return when words are heard that a PQSC forwards to a generator with so many samples a
        second; nothing, where no PQSC has started the analyser before its first readout."""
        run = self.participant.run
        triggers = np.array(run.zsync_ticks, np.int64)
        if not len(self.heard_fs) or not len(triggers) or triggers[0] > self.started.time[0]:
            return np.zeros(0, np.int64)
        last, cycles = forwarded_at(self.started.time, self._duration, triggers, route)
        at_fs = run.start_fs - self._origin_fs + last * (FS_PER_S // run.rate_hz)
        return np.asarray(at_fs + cycles * (CYCLE * FS_PER_S // rate_hz), np.int64)

    def over(self, known_ns: int) -> int:
        """Return how many readouts are over by a time."""
        return int(np.searchsorted(self.closes_ns, known_ns, side="right"))

    @property
    def listeners(self) -> range:
        """The numbers of all that listens here: integrators, then each record of the scope."""
        first = self._first_listener
        return range(first, first + len(self._signals.captures))

    def words(self, upto: int) -> list[int]:
        """Return the words of the next readouts up to one, whose windows were answered."""
        first, self.answered = self.answered, upto
        rows = {
            unit: slice(*np.searchsorted(one.readouts, (first, upto)).tolist())
            for unit, one in self.listening.items()
        }
        part = {
            unit: replace(one, readouts=one.readouts[rows[unit]] - first)
            for unit, one in self.listening.items()
        }
        answers = [CaptureAnswer(self.values[unit][rows[unit]], None) for unit in part]
        mine, over = digitised(upto - first, part, answers, self.full)
        self.loud_in_ns.append(self.opens_ns[first:upto][over])
        for unit, answer in zip(part, mine, strict=True):
            self.values[unit][rows[unit]] = answer.integrated
        found = results_of(upto - first, self.at.units, part, mine).all()
        states = (
            states_of(found, self.at.qudits, self.at.units)
            if self.at.qudits
            else discriminate(found, self.at.settings)
        )
        told: list[int] = words(states, self.started.integrators[first:upto]).tolist()
        return told

    def forget(self) -> None:
        """Forget all values, as if nothing had been asked."""
        self.answered, self.loud_in_ns = 0, []
        for values in self.values.values():
            values[:] = 0
        self._heard = dict.fromkeys(self.listening, 0)

    def traces(self) -> Traces | None:
        """Return what the scope has taken; None: it was not triggered."""
        return self._signals.traces(self._scoped)

    def results(self) -> IntegratorSums:
        """Return the sums of all readouts, those that were lost 0."""
        answers = tuple(CaptureAnswer(values, None) for values in self.values.values())
        return results_of(self.count, self.at.units, self.listening, answers, self.kept)
