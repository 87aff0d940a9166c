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
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.execution.conversation import FOR_EVER, Conversation
from podium.sim_instruments.execution.playback import Play
from podium.sim_instruments.physics.dialogue import Dialogue, MeetingDialogue
from podium.sim_instruments.physics.signals import RunSignals
from podium.sim_instruments.twins.zurich.pqsc.register_bank import NOTHING, Forwarding
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
from podium.sim_instruments.twins.zurich.runs.result_routes import ResultRoutes
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Op, Result
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
        self._participants = participants
        self._levels, self._can_wait = levels, can_wait
        self._routes = ResultRoutes(origin_fs, forwarding)
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
                one,
                origin_fs,
                self._routes,
                None if levels is None else levels.reading(one.run, one.late),
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
        self._routes.connect(self._generators, self._readers)

    def _start(self, participant: Participant) -> None:
        """Have a generator hear the triggers of analysers."""
        read = {one.participant.key: one.participant.run for one in self._readers}
        for one in participant.listens:
            hear(participant, one, read)

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
        self._routes.settle(FOR_EVER)
        return self._precomputed(conversation.dialogue)

    def _walked(self) -> PrecomputedRun | None:
        """Play it on the tree of its outcomes; None: it has none."""
        if any(one.levels is not None for one in self._generators):
            return None
        try:
            dialogue = walk(self._generators, self._routes, self._begin)
        except NotWalked:
            return None
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
            tuple(self._routes.bank),
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
