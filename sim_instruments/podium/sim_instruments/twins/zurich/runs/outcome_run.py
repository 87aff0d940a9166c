"""A run in which generators do what is measured, played by a walk on the tree of its outcomes.

What was walked is not believed: generators are executed once more from start to end with the words
that came of the values, and every row of every generator, and every window, must be what the world
was told. A run for which that does not hold, or whose shots are hardly ever alike, is played as it
comes (:mod:`.feedback_run`), with the same random numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from podium.sim_instruments.execution.conversation import FOR_EVER
from podium.sim_instruments.execution.firmware import CannotBranch, Planned
from podium.sim_instruments.execution.outcome_tree import OutcomeTree, Walked
from podium.sim_instruments.execution.walked_rows import gathered
from podium.sim_instruments.physics.dialogue import Dialogue
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.session_plan import CannotPlan
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Integers
from podium.sim_instruments.twins.zurich.runs.feedback_sequencers import Generator, Reader
from podium.sim_instruments.twins.zurich.runs.generator_ways import GeneratorWays
from podium.sim_instruments.twins.zurich.runs.live_generator import LiveGenerator, ReadsUndecided
from podium.sim_instruments.twins.zurich.runs.live_routes import live_routes
from podium.sim_instruments.twins.zurich.runs.lookahead_execution import CannotPrecompute
from podium.sim_instruments.twins.zurich.runs.outcome_firmware import Done, OutcomeFirmware
from podium.sim_instruments.twins.zurich.runs.readout_pattern import ReadoutPattern
from podium.sim_instruments.twins.zurich.runs.readout_words import ReadoutWords
from podium.sim_instruments.twins.zurich.runs.result_routes import ResultRoutes
from podium.sim_instruments.twins.zurich.sequencer.processor import NEVER
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Row, Status

_IMPOSSIBLE = (CannotBranch, CannotPlan, NotSimulated, CannotPrecompute)


class NotWalked(Exception):
    """The run has no tree of outcomes that is worth walking on: play it as it comes."""


def walk(
    generators: Sequence[Generator], routes: ResultRoutes, begin: Callable[[], Dialogue]
) -> Dialogue:
    """Play a run on the tree of its outcomes; return the dialogue, still to be ended.

    Generators are at their ends then, readers have their values, and all words have come.
    ``begin`` begins a dialogue. Raises :class:`NotWalked`: all are where they were.
    """
    if any(one.participant.run.stops for one in generators):
        raise NotWalked("somebody wants to look at a generator on its way")
    before = [one.participant for one in generators]
    for sparing in (True, False):
        dialogue = begin()
        if not isinstance(dialogue, Planned):
            raise NotWalked("this world does not plan")
        try:
            _play(generators, routes, dialogue, sparing=sparing)
        except _IMPOSSIBLE as error:
            routes.forget()
            for one, participant in zip(generators, before, strict=True):
                one.participant = participant
            if not isinstance(error, ReadsUndecided):
                raise NotWalked(str(error)) from error
        else:
            return dialogue
    raise AssertionError("all bits are decided")


def _play(
    generators: Sequence[Generator], routes: ResultRoutes, dialogue: Planned, *, sparing: bool
) -> None:
    readers = routes.readers
    live = [GeneratorWays(LiveGenerator(one.participant, one.begin_ns)) for one in generators]
    patterns = [ReadoutPattern(one) for one in readers]
    carriers = _carriers(generators, readers)
    plan = dialogue.planned(carriers)
    if plan is None:
        raise CannotBranch("a carrier leaks for a part of the run")
    words = ReadoutWords(live, live_routes(routes, live), routes.bank, sparing=sparing)
    firmware = OutcomeFirmware(live, patterns, words, carriers)
    places = max(reader.listeners.stop for reader in readers)
    tree = OutcomeTree(firmware, firmware.begin(), plan, places, scopes=False)
    found = tree.walk()
    for reader in readers:
        _take_values(reader, tree)
    for generator in generators:
        run = generator.participant.run.again()
        generator.participant = replace(generator.participant, run=run)
    routes.settle(FOR_EVER)
    for number, generator in enumerate(generators):
        run = generator.participant.run
        run.proceed(NEVER)
        if run.trace.status is not Status.ENDED:
            raise CannotBranch("it does not come to its end")
        if not np.array_equal(_rows(found, number, generator.begin_ns), run.trace.rows):
            raise CannotBranch("a generator does not do what was walked")


def _carriers(generators: Sequence[Generator], readers: Sequence[Reader]) -> dict[str, float]:
    """Return the frequency of the synthesizer behind each output and input, Hz."""
    found = {one.participant.connector: one.participant.centre_hz for one in generators}
    found |= {flux.connector: 0.0 for one in generators for flux in one.participant.flux}
    for reader in readers:
        for side in ("out", "in"):
            found[f"{reader.participant.connector}_{side}"] = reader.participant.centre_hz
    return found


def _take_values(reader: Reader, tree: OutcomeTree) -> None:
    """Have an analyser take what was walked; raises CannotBranch where windows are others."""
    for place, (unit, one) in zip(reader.listeners, reader.listening.items(), strict=False):
        reader.values[unit][:] = tree.values(place, one.train.start_ns)


def _rows(found: Walked, number: int, begin_ns: int) -> Integers:
    """Return all rows of a generator as they were walked; its rest after the last halt included."""
    dones = [one for one in (found.begun, *found.done) if isinstance(one, Done)]
    sizes = np.array([len(one.rows[number]) for one in dones], np.int64)
    rows, counts, at_ns = gathered(sizes, found, 0)
    all_rows = np.concatenate([one.rows[number] for one in dones])[rows]
    all_rows[:, Row.TIME] += np.repeat(2 * (at_ns - begin_ns), counts)
    return all_rows
