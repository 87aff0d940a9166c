"""Runs of a cluster: who starts with whom, when it ends, and what is left.

Sequencers with ``sync_en`` begin together, when the last armed one of the cluster has been
started; the others begin at once. All that one command starts, or that begins together,
is one run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.messages import SequencerState
from podium.sim_instruments.twins.qblox_cluster.execution import execute
from podium.sim_instruments.twins.qblox_cluster.module import Module
from podium.sim_instruments.twins.qblox_cluster.playback import Playback, Ticket
from podium.sim_instruments.twins.qblox_cluster.refusal import DEVICE_ERROR, Refusal
from podium.sim_instruments.twins.qblox_cluster.sequencer import Sequencer
from podium.sim_instruments.twins.qblox_cluster.sequencer_run import RunOutcome, SequencerOutcome
from podium.sim_instruments.twins.twin import Horizon


@dataclass(slots=True)
class _Member:
    """One sequencer taking part in a run."""

    module: Module
    sequencer: Sequencer
    outcome: SequencerOutcome | None = None


@dataclass(slots=True)
class _Run:
    start_fs: int
    ticket: Ticket[RunOutcome]
    members: list[_Member]
    """Those that still run."""
    known: bool = field(default=False)
    """Whether the outcome has come."""


class Runs:
    """All runs of a cluster that have begun or are about to."""

    def __init__(self, playback: Playback, modules: Callable[[], Sequence[Module]]) -> None:
        self._playback = playback
        self._modules = modules
        self._waiting: list[_Member] = []
        self._active: list[_Run] = []
        self._count = 0

    def arm(self, sequencers: Sequence[Sequencer]) -> None:
        """Arm sequencers; one that is running is stopped first."""
        for sequencer in sequencers:
            self._release(sequencer)
            sequencer.arm()

    def start(self, module: Module, sequencers: Sequence[Sequencer], now_fs: int) -> None:
        """Start those of ``sequencers`` that are armed."""
        started = [_Member(module, sequencer) for sequencer in sequencers if sequencer.start()]
        alone = [member for member in started if not member.sequencer.configuration.sync]
        self._waiting += [m for m in started if m.sequencer.configuration.sync]
        if alone:
            self._begin(alone, now_fs)
        self._begin_together(now_fs)

    def stop(self, sequencers: Sequence[Sequencer], now_fs: int) -> None:
        """Stop sequencers at once."""
        for sequencer in sequencers:
            self._release(sequencer)
            sequencer.stop()
        self._begin_together(now_fs)

    def reset(self) -> None:
        """Forget everything that runs; the modules are reset by others."""
        self._waiting.clear()
        self._active.clear()

    def _release(self, sequencer: Sequencer) -> None:
        """Take a sequencer out of whatever it takes part in."""
        self._waiting = [m for m in self._waiting if m.sequencer is not sequencer]
        for run in self._active:
            run.members = [m for m in run.members if m.sequencer is not sequencer]
        self._active = [run for run in self._active if run.members]

    def _begin_together(self, now_fs: int) -> None:
        """Begin the synchronised run once nobody of it is missing.

        ASSUMED: a sequencer with ``sync_en`` that is not armed holds nobody up; the real
        party line would wait for it for ever.
        """
        missing = any(
            sequencer.state is SequencerState.ARMED and sequencer.configuration.sync
            for module in self._modules()
            for sequencer in module.sequencers
        )
        if self._waiting and not missing:
            members, self._waiting = self._waiting, []
            self._begin(members, now_fs)

    def _begin(self, members: list[_Member], now_fs: int) -> None:
        members.sort(key=lambda member: (member.module.slot, member.sequencer.number))
        frozen = tuple(
            member.sequencer.frozen(
                member.module.afe(), member.module.scope_listens_to(member.sequencer.number)
            )
            for member in members
        )
        self._count += 1
        work = partial(execute, frozen, self._count, now_fs)
        self._active.append(_Run(now_fs, self._playback.submit(work), members))

    def settle(self, now_fs: int) -> None:
        """Take in what has been computed, and end what is over by ``now_fs``."""
        for run in self._active:
            if not run.known and run.ticket.done():
                self._take_in(run)
            if run.known:
                self._end_due(run, now_fs)
        self._active = [run for run in self._active if run.members]

    @staticmethod
    def _take_in(run: _Run) -> None:
        run.known = True
        try:
            outcome = run.ticket.result()
        except Exception as error:
            # Whatever the simulation raised: the client must see it, and nobody must wait.
            for member in run.members:
                member.sequencer.fail(f"{type(error).__name__}: {error}")
                text = f"the simulated world failed: {type(error).__name__}: {error}"
                member.module.errors.put(Refusal(DEVICE_ERROR, text))
            run.members = []
            return
        by_place = {(one.slot, one.sequencer): one for one in outcome.sequencers}
        for member in run.members:
            member.outcome = by_place[member.module.slot, member.sequencer.number]

    @staticmethod
    def _end_due(run: _Run, now_fs: int) -> None:
        for member in run.members:
            outcome = member.outcome
            end_ns = outcome.end_ns if outcome is not None else None
            if outcome is None or end_ns is None or now_fs < run.start_fs + end_ns * FS_PER_NS:
                continue
            if outcome.scope is not None:
                member.module.scope_memory = outcome.scope
            member.sequencer.finish(outcome)
        run.members = [m for m in run.members if m.sequencer.state is SequencerState.RUNNING]

    def horizon(self, now_fs: int) -> Horizon:
        """Return how far world time may leap as far as this cluster is concerned."""
        armed = bool(self._waiting) or any(
            sequencer.state is SequencerState.ARMED
            for module in self._modules()
            for sequencer in module.sequencers
        )
        ends = [
            run.start_fs + member.outcome.end_ns * FS_PER_NS
            for run in self._active
            for member in run.members
            if member.outcome is not None and member.outcome.end_ns is not None
        ]
        return Horizon(
            armed=armed,
            busy_until_fs=max(ends, default=None),
            computing=any(not run.known for run in self._active),
        )
