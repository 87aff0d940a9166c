"""Groups sequencers that one trigger starts, and plays them together on the world.

Analysers whose input has no line of the world hear a cable, and are not among them.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from podium.sim_instruments.execution.playback import WiredPlayback
from podium.sim_instruments.twins.zurich.nodes import node_settings
from podium.sim_instruments.twins.zurich.nodes.synthesizers import carried
from podium.sim_instruments.twins.zurich.pqsc.register_bank import NOTHING, Forwarding
from podium.sim_instruments.twins.zurich.quantum_analyzer.integration import BadReadout
from podium.sim_instruments.twins.zurich.quantum_analyzer.result_logger import BadLogger
from podium.sim_instruments.twins.zurich.quantum_analyzer.scope import BadScope
from podium.sim_instruments.twins.zurich.quantum_analyzer.spectroscopy import BadSpectroscopy
from podium.sim_instruments.twins.zurich.runs.participants import Key, Participant, participant_of
from podium.sim_instruments.twins.zurich.runs.precomputed_runs import PrecomputedRuns
from podium.sim_instruments.twins.zurich.runs.program_run import ProgramRun
from podium.sim_instruments.twins.zurich.sequencer.image import SHFQA
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Source
from podium.sim_instruments.twins.zurich.triggers.trigger_groups import trigger_group
from podium.sim_instruments.twins.zurich.triggers.trigger_routing import TriggerRecipient

IMPOSSIBLE: Final = (BadReadout, BadLogger, BadScope, BadSpectroscopy, node_settings.WrongNode)
"""Settings that no run can have."""


class TriggeredRuns:
    """Has runs precomputed when their trigger is known."""

    def __init__(
        self,
        runs: Mapping[Key, ProgramRun],
        playback: WiredPlayback | None,
        precomputed: PrecomputedRuns,
        complain: Callable[[str, str], None],
    ) -> None:
        """``runs``: all that were started; ``complain``: to an instrument's error log."""
        self._runs = runs
        self._playback = playback
        self._precomputed = precomputed
        self._complain = complain

    def on_a_cable(self, device: str, channel: int) -> bool:
        """Tell whether an analyser's channel has no line of the world at its input."""
        return self._playback is None or not self._playback.wired(f"{device}.qa{channel}_in")

    def hears_a_cable(self, run: ProgramRun) -> bool:
        """Tell whether it is an analyser whose input has no line of the world."""
        return run.model is SHFQA and self.on_a_cable(run.device, run.channel)

    def unheard(self, key: Key) -> str:
        """Return why no world plays what a sequencer does; empty: it does."""
        device, at = key
        if self._playback is None:
            return "no world plays what it does"
        if at.startswith("qachannels/") and self.on_a_cable(device, int(at.split("/")[1])):
            return "its input has no line of the world, so it is executed as its clients look"
        return ""

    def precompute(
        self,
        heard: Sequence[TriggerRecipient],
        at_fs: Sequence[int],
        alone: bool = False,
        forwarding: Forwarding = NOTHING,
    ) -> None:
        """Have the run worked out that triggers of instruments' own start, or those of a PQSC.

        ``alone``: generators, too, that no analyser is with. What waits already is to be brought
        up to now first, so that what else it has heard counts.
        """

        def joins(run: ProgramRun, sources: Collection[Source]) -> Participant | None:
            return self._joins(run, at_fs, sources, forwarding)

        if self._playback is not None:
            participants = trigger_group(self._runs, heard, joins)
            self._work_out(participants, at_fs[0], alone=alone, forwarding=forwarding)

    def precompute_alone(self, run: ProgramRun) -> None:
        """Have the run worked out of an analyser, or of what is to be stopped, from its start on.

        Not of one that waits for a trigger.
        """
        if self.hears_a_cable(run) or run.look_to_the_end() is None:
            return

        def joins(one: ProgramRun, _: Collection[Source]) -> Participant | None:
            return self._joins(one, (run.start_fs,), (), NOTHING)

        heard = [TriggerRecipient((run.device, run.at), run, Source.DIGITAL_1)]
        self._work_out(trigger_group(self._runs, heard, joins), run.start_fs)

    def recompute(self, key: Key) -> None:
        """Have a run worked out again that has heard of something its participants may ask for."""
        before = self._precomputed.last(key)
        run = self._runs[key]
        if before is None or not run.going_on or not run.reads_registers or run.awaits_a_trigger:
            return
        self._precomputed.drop(before.number)
        participants = [
            replace(one, run=self._runs[one.key].ahead(one.again_fs))
            for one in before.participants
            if one.key in self._runs
        ]
        self._work_out(
            participants, before.origin_fs, before.number, alone=True, forwarding=before.forwarding
        )

    def _joins(
        self,
        run: ProgramRun,
        at_fs: Sequence[int],
        sources: Collection[Source],
        forwarding: Forwarding,
    ) -> Participant | None:
        """Return a sequencer that hears triggers as it joins a run; None: it does not."""
        try:
            participant = participant_of(run, at_fs, sources, played=run.triggered)
        except IMPOSSIBLE as error:
            run.give_up()
            self._complain(run.device, f"{run.at}: {error}")
            return None
        # A PQSC forwards what is precomputed alone.
        alone = forwarding is not NOTHING or not self.hears_a_cable(run)
        return participant if alone else None

    def _work_out(
        self,
        participants: list[Participant],
        origin_fs: int,
        number: int | None = None,
        *,
        alone: bool = False,
        forwarding: Forwarding = NOTHING,
    ) -> None:
        """Submit a run, where anybody listens, or ``alone``; ``number``: of the one that it
        replaces."""
        playing = alone or any(one.analyser or one.run.stops for one in participants)
        if self._playback is not None and participants and playing:
            tuned = tuple(carried(one) for one in participants)
            self._precomputed.submit(self._playback, tuned, origin_fs, number, forwarding)
