"""A run in which generators do what is measured, played by a walk on the tree of its outcomes.

What was walked is not believed: generators are executed once more from start to end with the words
that came of the values, and every row of every generator, and every window, must be what the world
was told. A run for which that does not hold, or whose shots are hardly ever alike, is played as it
comes (:mod:`.feedback_run`), with the same random numbers.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from podium.sim_instruments.execution.firmware import CannotBranch, Planned
from podium.sim_instruments.execution.outcome_tree import OutcomeTree, Walked
from podium.sim_instruments.execution.walked_rows import gathered
from podium.sim_instruments.physics.dialogue import Dialogue
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.session_plan import CannotPlan
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Integers
from podium.sim_instruments.twins.zurich.runs.feedback_sequencers import Generator, Reader
from podium.sim_instruments.twins.zurich.runs.generator_ways import GeneratorWays
from podium.sim_instruments.twins.zurich.runs.live_generator import LiveGenerator
from podium.sim_instruments.twins.zurich.runs.lookahead_execution import CannotPrecompute
from podium.sim_instruments.twins.zurich.runs.outcome_firmware import Done, OutcomeFirmware
from podium.sim_instruments.twins.zurich.runs.program_run import ProgramRun
from podium.sim_instruments.twins.zurich.runs.readout_pattern import ReadoutPattern
from podium.sim_instruments.twins.zurich.sequencer.image import HDAWG
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Row, Status

_IMPOSSIBLE = (CannotBranch, CannotPlan, NotSimulated, CannotPrecompute)


class NotWalked(Exception):
    """The run has no tree of outcomes that is worth walking on: play it as it comes."""


def walk(
    generators: Sequence[Generator], readers: Sequence[Reader], dialogue: Dialogue
) -> Mapping[Generator, ProgramRun]:
    """Play a run on the tree of its outcomes; return the generators' runs, at their ends.

    Readers have their values then. Raises :class:`NotWalked`: generators are where they were.
    """
    if any(one.participant.run.model is HDAWG for one in generators):
        raise NotWalked("an HDAWG takes part")
    if any(one.participant.run.stops for one in generators):
        raise NotWalked("somebody wants to look at a generator on its way")
    if not isinstance(dialogue, Planned):
        raise NotWalked("this world does not plan")
    try:
        return _walked(generators, readers, dialogue)
    except _IMPOSSIBLE as error:
        for reader in readers:
            reader.forget()
        raise NotWalked(str(error)) from error


def _walked(
    generators: Sequence[Generator], readers: Sequence[Reader], dialogue: Planned
) -> Mapping[Generator, ProgramRun]:
    patterns = [ReadoutPattern(one) for one in readers]
    live = [GeneratorWays(LiveGenerator(one.participant, one.begin_ns)) for one in generators]
    plan = dialogue.planned(_carriers(generators, readers))
    if plan is None:
        raise CannotBranch("a carrier leaks for a part of the run")
    firmware = OutcomeFirmware(live, patterns)
    places = max(reader.listeners.stop for reader in readers)
    tree = OutcomeTree(firmware, firmware.begin(), plan, places, scopes=False)
    found = tree.walk()
    for reader in readers:
        _take_values(reader, tree)
    words = {reader.participant.key: reader.words(reader.count) for reader in readers}
    anew: dict[Generator, ProgramRun] = {}
    for number, generator in enumerate(generators):
        run = anew[generator] = generator.participant.run.again()
        mine = [one for one in readers if one.participant.run.device == run.device]
        heard = [(one.heard_fs, words[one.participant.key]) for one in mine]
        run.proceed_to_the_end(*_in_order(heard, run.start_fs - generator.origin_fs))
        if run.trace.status is not Status.ENDED:
            raise CannotBranch("it does not come to its end")
        if not np.array_equal(_rows(found, number, generator.begin_ns), run.trace.rows):
            raise CannotBranch("a generator does not do what was walked")
    return anew


def _carriers(generators: Sequence[Generator], readers: Sequence[Reader]) -> dict[str, float]:
    """Return the frequency of the synthesizer behind each output, Hz."""
    found = {one.participant.connector: one.participant.centre_hz for one in generators}
    for reader in readers:
        found[f"{reader.participant.connector}_out"] = reader.participant.centre_hz
    return found


def _in_order(
    heard: Sequence[tuple[Integers, list[int]]], start_fs: int
) -> tuple[Integers, Integers]:
    """Return the words of all analysers in the order of time: when, from a start on, and which."""
    none = np.zeros(0, np.int64)
    at_fs = np.concatenate([none, *(when for when, _ in heard)]) - start_fs
    words = np.concatenate([none, *(np.array(told, np.int64) for _, told in heard)])
    order = np.argsort(at_fs, kind="stable")
    order = order[at_fs[order] >= 0]
    return at_fs[order], words[order]


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
