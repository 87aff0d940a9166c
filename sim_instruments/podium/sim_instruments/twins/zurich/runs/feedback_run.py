"""A run in which generators do what analysers measure: sequencers and world in turns.

Analysers depend on nothing: they are executed to their ends first, so that it is known when each of
their words can be heard. Generators go on as far as all words are known; what integrators make of
the world's answers (:mod:`...execution.conversation`) becomes words. A PQSC forwards them to other
instruments.

Results of other instruments come as levels at trigger inputs (:mod:`..triggers.trigger_levels`). A
run that waits for these, or for what others play at linked ends, goes back to its instrument
(:class:`RunWaits`) and is gone on with when more is known.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.zurich.latency import Route
from podium.sim_instruments.execution.conversation import FOR_EVER, Conversation
from podium.sim_instruments.execution.playback import Play
from podium.sim_instruments.physics.dialogue import Dialogue, MeetingDialogue
from podium.sim_instruments.physics.signals import RunSignals
from podium.sim_instruments.twins.zurich.pqsc.register_bank import (
    NOTHING,
    Forwarding,
    Port,
    written,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Integers, IntegratorSums
from podium.sim_instruments.twins.zurich.runs.feedback_sequencers import (
    Generator,
    Reader,
)
from podium.sim_instruments.twins.zurich.runs.local_time import LocalTime
from podium.sim_instruments.twins.zurich.runs.lookahead_execution import CannotPrecompute
from podium.sim_instruments.twins.zurich.runs.outcome_run import NotWalked, walk
from podium.sim_instruments.twins.zurich.runs.participants import Analyser, Key, Participant
from podium.sim_instruments.twins.zurich.runs.precomputed_run import (
    TAIL_NS,
    WORLD_TIME,
    PrecomputedRun,
    markers_of,
)
from podium.sim_instruments.twins.zurich.sequencer.image import HDAWG
from podium.sim_instruments.twins.zurich.sequencer.processor import NEVER
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    Op,
    Result,
    Source,
)
from podium.sim_instruments.twins.zurich.signals.marker_lines import MarkerEdges, MarkerOutput
from podium.sim_instruments.twins.zurich.triggers.trigger_groups import hear, in_order
from podium.sim_instruments.twins.zurich.triggers.trigger_levels import LevelInput, TriggerLevels

_ENDLESS_FS: Final = 1 << 90
"""World time behind all that is ever waited for."""
_OWN: Final = (Result.QA, Result.QA_RAW)
_FORWARDED: Final = (Result.RAW, Result.PROCESSED_A, Result.PROCESSED_B)


def depends_on_results(
    participants: Sequence[Participant],
    forwarding: Forwarding = NOTHING,
    levels: TriggerLevels | None = None,
) -> bool:
    """Tell whether a generator asks for results.

    Of its own analyser, forwarded by a PQSC, or at trigger inputs: ``levels``.
    """
    if levels is not None and any(levels.inputs(one.run) for one in participants):
        return True
    analysed = {one.run.device for one in participants if isinstance(one.analyser, Analyser)}
    heard = bool(analysed & forwarding.takes_from)
    return any(
        one.analyser is None
        and (
            (one.run.device in analysed and _asks(one, _OWN))
            or (heard and forwarding.to(one.run.device) is not None and _asks(one, _FORWARDED))
        )
        for one in participants
    )


def _asks(participant: Participant, results: tuple[Result, ...]) -> bool:
    code = participant.run.image.code
    entries = np.isin(code[code[:, 0] == Op.TABLE, 1], results)
    loads = np.isin(code[code[:, 0] == Op.LOAD_RESULT, 3], results)
    return bool(entries.any() or loads.any())


@dataclass(frozen=True, slots=True, eq=False)
class _ResultRoute:
    """The route of a reader's results to a generator."""

    reader: Reader
    generator: Generator
    at_fs: Integers
    """When each is heard, from the origin on."""
    port: Port | None = None
    """Of the PQSC; None: within the instrument."""


def _route(generator: Generator, port: Port) -> Route:
    if generator.participant.run.model is HDAWG:
        return Route.HDAWG_REGISTER if port.decoder is None else Route.HDAWG_DECODER
    return Route.SG_REGISTER if port.decoder is None else Route.SG_DECODER


@dataclass(frozen=True, slots=True, eq=False)
class RunWaits:
    """A run that has gone as far as what is known allows, with what it sends until then."""

    inputs: tuple[LevelInput, ...]
    """Trigger inputs that it waits for; none: it does not."""
    needs_fs: int
    """The world's instant before which all that arrives there must be known."""
    waits_for: MeetingDialogue | None
    """Who tells when others have said what a window waits for; None: none waits."""
    markers: tuple[MarkerEdges, ...]
    """What leaves marker outputs..."""
    until_fs: int
    """... before this instant of the world."""


class FeedbackRun:
    """One such run on its way. Belongs to one worker thread at a time."""

    def __init__(
        self,
        participants: Sequence[Participant],
        number: int,
        origin_fs: int,
        time: LocalTime = WORLD_TIME,
        forwarding: Forwarding = NOTHING,
        levels: TriggerLevels | None = None,
        *,
        can_wait: bool = False,
    ) -> None:
        """``levels`` of trigger inputs; ``can_wait``: :meth:`go_on` may be called again."""
        self._number, self._origin_fs, self._time = number, origin_fs, time
        self._participants, self._forwarding = participants, forwarding
        self._levels, self._can_wait = levels, can_wait
        self._generators: list[Generator] = []
        self._readers: list[Reader] = []
        self._conversation: Conversation | None = None
        self._outputs: dict[Key, MarkerOutput] = {}
        """Markers of sequencers, as far as they have been looked at."""
        self._play: Play

    def _set_up(self) -> None:
        """Execute analysers to their ends; raises :class:`CannotPrecompute`."""
        participants, origin_fs, levels = self._participants, self._origin_fs, self._levels
        _refuse_more_triggers(participants)
        readers = [one for one in participants if one.analyser is not None]
        self._generators = [
            Generator(
                one, origin_fs, self, None if levels is None else levels.reading(one.run, one.late)
            )
            for one in participants
            if one.analyser is None
        ]
        listener = 0
        for one in in_order(readers):
            self._readers.append(Reader(one, origin_fs, listener))
            listener = self._readers[-1].listeners.stop
        for generator in self._generators:
            self._start(generator.participant)
        self._bank = list(self._forwarding.bank)
        self._ways = [way for one in self._generators for way in self._ways_to(one)]

    def _start(self, participant: Participant) -> None:
        """Have a generator hear the triggers of analysers."""
        read = {one.participant.key: one.participant.run for one in self._readers}
        for one in participant.listens:
            hear(participant, one, read)

    def _ways_to(self, generator: Generator) -> Iterator[_ResultRoute]:
        run = generator.participant.run
        port = self._forwarding.to(run.device)
        for reader in self._readers:
            device = reader.participant.run.device
            if device == run.device:
                yield _ResultRoute(reader, generator, reader.heard_fs)
            if port is not None and device in self._forwarding.takes_from:
                at_fs = reader.forwarded_fs(_route(generator, port), run.rate_hz)
                yield _ResultRoute(reader, generator, at_fs, port)

    def go_on(self, now_fs: int, play: Play) -> PrecomputedRun | RunWaits:
        """Return what came of it, or why it waits; raises :class:`CannotPrecompute`.

        ``now_fs``: world time, by which it can be known what has arrived at inputs.
        """
        self._play = play
        if self._conversation is None:
            self._set_up()
            if (walked := self._walked()) is not None:
                return walked
            self._conversation = Conversation(
                [*self._generators, *self._readers], self._begin, can_wait=self._can_wait
            )
        for generator in self._generators:
            generator.now_fs = now_fs
        conversation = self._conversation
        over = conversation.run()
        for one in conversation.left_behind:
            both: list[Generator | Reader] = [*self._generators, *self._readers]
            sender = both[one.sequencer].participant.sender
            raise CannotPrecompute(f"{sender} is left behind: {one.why}")
        if not over:
            return self._waits(conversation.waits_for_others)
        self.settle(FOR_EVER)
        return self._precomputed(conversation.dialogue)

    def _walked(self) -> PrecomputedRun | None:
        """Play it on the tree of its outcomes; None: it has none."""
        outside = any(one.levels is not None for one in self._generators)
        if self._forwarding.takes_from or outside:
            return None
        dialogue = self._begin()
        try:
            ended = walk(self._generators, self._readers, dialogue)
        except NotWalked:
            return None
        for generator, run in ended.items():
            generator.participant = replace(generator.participant, run=run)
        return self._precomputed(dialogue)

    def _waits(self, waits_for: MeetingDialogue | None) -> RunWaits:
        """Return what the run waits for, and what it has sent until then."""
        inputs: dict[str, LevelInput] = {}
        needs_fs = 0
        for one in self._generators:
            if one.levels is not None and one.awaits is not None:
                inputs |= {each.connector: each for each in one.levels.inputs}
                needs_fs = max(needs_fs, one.levels.needs_fs(one.participant.run, one.awaits))
        said_ns = min((one.said_ns for one in self._generators), default=FOR_EVER)
        until_fs = _ENDLESS_FS
        until: dict[Key, int] = {}
        if said_ns < FOR_EVER:
            local_fs = self._origin_fs + said_ns * FS_PER_NS
            until_fs = self._time.world_fs(local_fs)
            until = {
                g.participant.key: g.participant.run.tick(local_fs) - g.participant.late
                for g in self._generators
            }
        mine = [one.participant for one in self._generators]
        markers = markers_of(mine, self._time, until=until, known=self._outputs)
        waiting = () if waits_for is not None else tuple(inputs.values())
        return RunWaits(waiting, needs_fs, waits_for, markers, until_fs)

    def _begin(self) -> Dialogue:
        return self._play.begin(self._number, self._time.world_fs(self._origin_fs))

    def known(self, generator: Generator) -> int:
        """Return up to which sample a generator knows all words that reach it."""
        next_fs = [
            int(way.at_fs[way.reader.answered])
            for way in self._ways
            if way.generator is generator and way.reader.answered < len(way.at_fs)
        ]
        if not next_fs:
            return NEVER
        return generator.participant.run.tick(self._origin_fs + min(next_fs)) - 1

    def settle(self, known_ns: int) -> None:
        """Have generators hear of all readouts that are over by a time."""
        taken: list[tuple[int, int, Reader, int]] = []
        for reader in self._readers:
            first, upto = reader.answered, reader.over(known_ns)
            if upto > first:
                told = zip(reader.ends_fs[first:upto].tolist(), reader.words(upto), strict=True)
                taken += [
                    (end_fs, first + k, reader, word) for k, (end_fs, word) in enumerate(told)
                ]
        for end_fs, k, reader, word in sorted(taken, key=lambda one: one[:2]):
            self._tell(reader, k, word)
            self._forward(reader, k, word, end_fs)

    def _tell(self, reader: Reader, k: int, word: int) -> None:
        """Have generators of the same instrument hear the word of a readout."""
        for way in self._ways:
            if way.reader is reader and way.port is None and k < len(way.at_fs):
                at_fs = self._origin_fs + int(way.at_fs[k])
                way.generator.participant.run.expect(at_fs, Source.QA, word)

    def _forward(self, reader: Reader, k: int, word: int, end_fs: int) -> None:
        """Have the PQSC take the results of a readout, and send on what it is set to."""
        forwarding = self._forwarding
        if reader.participant.run.device not in forwarding.takes_from:
            return
        if not reader.participant.run.zsync_ticks or self._origin_fs + end_fs > forwarding.until_fs:
            return
        register = int(reader.started.register[k])
        written(self._bank, register, word, int(reader.started.integrators[k]))
        for way in self._ways:
            if way.reader is reader and way.port is not None and way.port.hears(register):
                at_fs = self._origin_fs + int(way.at_fs[k])
                message = way.port.word(self._bank)
                way.generator.participant.run.expect(at_fs, Source.FORWARDED, message)

    def _precomputed(self, dialogue: Dialogue) -> PrecomputedRun:
        participants = [one.participant for one in self._generators]
        participants += [one.participant for one in self._readers]
        ends = {one.key: one.run.time_fs(one.run.trace.end) + FS_PER_NS for one in participants}
        loud: dict[Key, list[Integers]] = defaultdict(list)
        drives = [train for one in self._generators for train in one.all_plays(loud)]
        for reader in self._readers:
            loud[reader.participant.output_node] += reader.loud_out_ns
            for node in reader.participant.input_nodes:
                loud[node] += reader.loud_in_ns
        drives += [train for one in self._readers for train in one.drives]
        captures = [one.train for reader in self._readers for one in reader.listening.values()]
        duration_ns = (max(ends.values()) - self._origin_fs) // FS_PER_NS + TAIL_NS
        dialogue.end(
            RunSignals(
                self._number,
                self._time.world_fs(self._origin_fs),
                duration_ns,
                tuple(drives),
                tuple(captures),
                {},
            )
        )
        results: dict[Key, IntegratorSums] = {r.participant.key: r.results() for r in self._readers}
        traces = {
            reader.participant.key: taken
            for reader in self._readers
            if (taken := reader.traces()) is not None
        }
        when = {node: np.concatenate(times) for node, times in loud.items() if times}
        return PrecomputedRun(
            ends,
            results,
            traces,
            when,
            markers_of(participants, self._time),
            tuple(self._bank),
            levels={
                one.participant.key: tuple(one.levels.words)
                for one in self._generators
                if one.levels is not None
            },
        )


def _refuse_more_triggers(participants: Sequence[Participant]) -> None:
    """Raise :class:`CannotPrecompute` where another trigger goes on with a run."""
    for one in participants:
        if one.again_fs is not None:
            raise CannotPrecompute(
                f"{one.sender}: triggers that come one by one are not simulated where generators "
                "do what is measured"
            )
