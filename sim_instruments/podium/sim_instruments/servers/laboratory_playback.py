"""Takes what instruments play to the laboratory's world."""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.physics.output_log import EDGES_KEPT, ConnectorOutput
from podium.sim_instruments.servers.cabling import Cabling

if TYPE_CHECKING:
    from podium.sim_instruments.execution.playback import Play
    from podium.sim_instruments.physics.dialogue import Dialogue
    from podium.sim_instruments.physics.meeting.meeting_run import Lateness
    from podium.sim_instruments.physics.signals import CaptureAnswer, RunSignals
    from podium.sim_instruments.servers.laboratory import Laboratory

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LaboratoryPlay:
    """The world as one piece of work of an instrument reaches it, by its cables of that time."""

    laboratory: "Laboratory"
    instrument: str
    cabling: Cabling

    def __call__(self, signals: "RunSignals", /) -> "tuple[CaptureAnswer, ...]":
        """Play a whole run and return the answers to its captures."""
        from podium.sim_instruments.servers.signal_routing import leaking, routed, silence

        self._note_pulses(signals)
        cabling, inputs = self.cabling, self.laboratory.plan.inputs[self.instrument]
        turns = self.laboratory.carrier_turns_of(self.instrument, signals.start_tai_fs)
        arriving = replace(
            signals,
            drives=(
                *routed(cabling, self.instrument, signals.drives, turns),
                *leaking(cabling, self.instrument, signals.duration_ns),
            ),
            captures=tuple(
                replace(c, line=inputs[c.line]) for c in signals.captures if c.line in inputs
            ),
            biases_v=dict(cabling.biases_v),
            baths=cabling.baths,
        )
        self._heat(arriving)
        self.laboratory.workers.spare.limit(is_left=False)
        answers = iter(self._answered(arriving))
        self.laboratory.ran(signals.duration_ns * FS_PER_NS)
        return tuple(next(answers) if c.line in inputs else silence(c) for c in signals.captures)

    def begin(self, run: int, start_tai_fs: int) -> "Dialogue":
        """Begin a run that is played piece by piece."""
        from podium.sim_instruments.physics.feedline_session import RunStart
        from podium.sim_instruments.servers.dialogue import CabledDialogue
        from podium.sim_instruments.servers.signal_routing import routed

        cabling = self.cabling
        session = self.laboratory.world.begin(
            RunStart(
                run,
                start_tai_fs,
                dict(cabling.biases_v),
                cabling.baths,
                frozenset(one.line for one in cabling.plan.outputs[self.instrument].values()),
                self.instrument,
                self._late_fs(start_tai_fs),
            )
        )
        turns = self.laboratory.carrier_turns_of(self.instrument, start_tai_fs)

        def ended(signals: "RunSignals") -> None:
            self._note_pulses(signals)
            if self.laboratory.plants:
                drives = tuple(routed(cabling, self.instrument, signals.drives, turns))
                self._heat(replace(signals, drives=drives))
            self.laboratory.ran(signals.duration_ns * FS_PER_NS)

        return CabledDialogue(session, self.instrument, cabling, turns, ended)

    def turn(self) -> AbstractContextManager[object]:
        """Let one long run after the other make its signals and play them."""
        return self.laboratory.workers.turn()

    def _answered(self, arriving: "RunSignals") -> "tuple[CaptureAnswer, ...]":
        """Return the world's answers to a run; where it drives a link, with whom it meets."""
        world, meetings = self.laboratory.world, self.laboratory.meetings
        meets = any(train.line in meetings.lines for train in arriving.drives)
        if not meets and not world.kept.any:
            return world.play(arriving)
        from podium.sim_instruments.physics.meeting.meeting_run import MeetingRun, ideal_run

        late = self._late_fs(arriving.start_tai_fs)
        run = ideal_run(arriving) if late is None else MeetingRun(arriving, late)
        cut = self.laboratory.links & self.cabling.unplugged
        run = replace(run, cut=cut, light=self.cabling.light)
        if not meets:
            return world.meet([run])[0]
        return meetings.play(self.instrument, run, self.laboratory.workers.without_turn)

    def _late_fs(self, start_fs: int) -> "Lateness | None":
        """Return by how much later than ``start_fs`` says the instrument has times of a run.

        None: it has no clock that could be off.
        """
        from podium.sim_instruments.physics.clock_instants import lateness_fs

        counter = self.laboratory.timed.counters.get(self.instrument)
        if counter is None:
            return None
        return partial(lateness_fs, counter, counter.to_ticks(start_fs), start_fs)

    def _note_pulses(self, signals: "RunSignals") -> None:
        laboratory = self.laboratory
        when = laboratory.timed.instants(self.instrument, signals.start_tai_fs)
        laboratory.signals.note(self.instrument, signals, when)
        now_fs = laboratory.clock.now_fs()
        for train in signals.drives:
            if train.spur or train.goes_on:
                continue
            turns = train.phase_turns[:EDGES_KEPT].tolist()
            sending = ConnectorOutput(self.instrument, train.line, train.start_ns, when, turns)
            laboratory.played.note(sending, (self.instrument, signals.run, train.sender), now_fs)

    def _heat(self, arriving: "RunSignals") -> None:
        """Have the plants of its nodes' fridges take up what a run dissipates in their lines."""
        plants, plan = self.laboratory.plants, self.laboratory.plan
        if not plants:
            return
        from podium.sim_instruments.servers.line_heat import heat_of

        begin_fs = arriving.start_tai_fs
        end_fs = begin_fs + arriving.duration_ns * FS_PER_NS
        heat = heat_of(arriving.drives, plan.attenuation_db, arriving.duration_ns)
        for node, senders in heat.items():
            plant = plants.get(plan.fridge_of_node.get(node, ""))
            if plant is None:
                continue
            for sender, watts in senders.items():
                run = (self.instrument, arriving.run, sender)
                plant.played.add(run, begin_fs, end_fs, watts)


@dataclass(frozen=True, slots=True)
class LaboratoryPlayback:
    """Takes the signals of one instrument to the world."""

    laboratory: "Laboratory"
    instrument: str

    def submit(self, work: "Callable[[Play], T]") -> "Future[T]":
        """Run ``work(play)`` in a worker thread and return at once."""
        return self.laboratory.submit(self.instrument, work)

    def wired(self, connector: str) -> bool:
        """Tell whether a line of the world is connected to an input of the instrument."""
        return connector in self.laboratory.plan.inputs[self.instrument]

    def stopped(self, run: int, sender: str, at_fs: int) -> None:
        """Hear that a sender of a run was stopped."""
        self.laboratory.stopped(self.instrument, run, sender, at_fs)
