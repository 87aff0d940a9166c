"""A run in which generators do what their own analyser measures: sequencers and world in turns.

Analysers depend on nothing: they are executed to their ends first, so that it is known when each of
their words can be heard. Generators go on as far as all words are known; what integrators make of
the world's answers (:mod:`...execution.conversation`) becomes words. A PQSC forwards them to other
instruments.
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
from podium.sim_instruments.physics.dialogue import Dialogue
from podium.sim_instruments.physics.signals import RunSignals
from podium.sim_instruments.twins.zurich.pqsc.register_bank import (
    NOTHING,
    Forwarding,
    Port,
    written,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Complexes, Integers
from podium.sim_instruments.twins.zurich.runs.feedback_sequencers import (
    Generator,
    Reader,
)
from podium.sim_instruments.twins.zurich.runs.local_time import LocalTime
from podium.sim_instruments.twins.zurich.runs.lookahead_execution import (
    CannotPrecompute,
    to_the_end,
)
from podium.sim_instruments.twins.zurich.runs.outcome_run import NotWalked, walk
from podium.sim_instruments.twins.zurich.runs.participants import Analyser, Key, Participant
from podium.sim_instruments.twins.zurich.runs.precomputed_run import (
    TAIL_NS,
    WORLD_TIME,
    PrecomputedRun,
    flux_of,
    markers_of,
)
from podium.sim_instruments.twins.zurich.sequencer.image import HDAWG
from podium.sim_instruments.twins.zurich.sequencer.processor import NEVER
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    Op,
    Result,
    Source,
)
from podium.sim_instruments.twins.zurich.triggers.trigger_groups import hear, in_order

_OWN: Final = (Result.QA, Result.QA_RAW)
_FORWARDED: Final = (Result.RAW, Result.PROCESSED_A, Result.PROCESSED_B)


def depends_on_results(
    participants: Sequence[Participant], forwarding: Forwarding = NOTHING
) -> bool:
    """Tell whether a generator asks for results: of its own analyser, or forwarded by a PQSC."""
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


def run_with_feedback(
    participants: Sequence[Participant],
    number: int,
    origin_fs: int,
    play: Play,
    time: LocalTime = WORLD_TIME,
    forwarding: Forwarding = NOTHING,
) -> PrecomputedRun:
    """Execute and play a run in pieces; raises :class:`CannotPrecompute`."""
    return _FeedbackRun(participants, number, origin_fs, time, forwarding).held(play)


class _FeedbackRun:
    def __init__(
        self,
        participants: Sequence[Participant],
        number: int,
        origin_fs: int,
        time: LocalTime,
        forwarding: Forwarding,
    ) -> None:
        self._number, self._origin_fs, self._time = number, origin_fs, time
        _refuse_more_triggers(participants)
        readers = [one for one in participants if one.analyser is not None]
        self._generators = [
            Generator(one, origin_fs, self) for one in participants if one.analyser is None
        ]
        _refuse_flux(self._generators)
        self._readers: list[Reader] = []
        listener = 0
        for one in in_order(readers):
            self._readers.append(Reader(one, origin_fs, listener))
            listener = self._readers[-1].listeners.stop
        for generator in self._generators:
            self._start(generator.participant)
        self._forwarding, self._bank = forwarding, list(forwarding.bank)
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

    def held(self, play: Play) -> PrecomputedRun:
        """Return what came of it."""
        if not self._forwarding.takes_from:
            dialogue = self._begin(play)
            try:
                ended = walk(self._generators, self._readers, dialogue)
            except NotWalked:
                pass
            else:
                for generator, run in ended.items():
                    generator.participant = replace(generator.participant, run=run)
                return self._precomputed(dialogue)
        participants: list[Generator | Reader] = [*self._generators, *self._readers]
        conversation = Conversation(participants, lambda: self._begin(play))
        conversation.run()
        for one in conversation.left_behind:
            sender = participants[one.sequencer].participant.sender
            raise CannotPrecompute(f"{sender} is left behind: {one.why}")
        self.settle(FOR_EVER)
        return self._precomputed(conversation.dialogue)

    def _begin(self, play: Play) -> Dialogue:
        return play.begin(self._number, self._time.world_fs(self._origin_fs))

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
        drives = [
            train
            for one in self._generators
            for train in one.all_plays(loud[one.participant.output_node].append)
        ]
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
        results: dict[Key, Complexes] = {r.participant.key: r.results() for r in self._readers}
        traces = {
            reader.participant.key: taken
            for reader in self._readers
            if (taken := reader.traces()) is not None
        }
        when = {node: np.concatenate(times) for node, times in loud.items() if times}
        return PrecomputedRun(
            ends, results, traces, when, markers_of(participants, self._time), tuple(self._bank)
        )


def _refuse_more_triggers(participants: Sequence[Participant]) -> None:
    """Raise :class:`CannotPrecompute` where another trigger goes on with a run."""
    for one in participants:
        if one.again_fs is not None:
            raise CannotPrecompute(
                f"{one.sender}: triggers that come one by one are not simulated where generators "
                "do what is measured"
            )


def _refuse_flux(generators: Sequence[Generator]) -> None:
    """Raise :class:`CannotPrecompute` where an HDAWG plays: its flux is taken as a whole only."""
    for one in generators:
        if one.participant.run.model is HDAWG:
            to_the_end(one.participant.run)
            if flux_of(one.participant, one.begin_ns):
                raise CannotPrecompute(
                    f"{one.participant.sender}: it plays on flux lines, which is not simulated "
                    "where generators do what is measured"
                )
