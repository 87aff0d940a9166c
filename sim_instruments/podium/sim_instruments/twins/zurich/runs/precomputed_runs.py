"""Runs are precomputed on the world; the last run of each sequencer is kept."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.execution.playback import Ticket, WiredPlayback
from podium.sim_instruments.physics.signals import RunSignals
from podium.sim_instruments.twins.zurich.pqsc.register_bank import NOTHING, Forwarding
from podium.sim_instruments.twins.zurich.runs.feedback_run import (
    FeedbackRun,
    RunWaits,
    depends_on_results,
)
from podium.sim_instruments.twins.zurich.runs.local_time import LocalTime
from podium.sim_instruments.twins.zurich.runs.participants import Key, Participant
from podium.sim_instruments.twins.zurich.runs.precomputed_run import (
    PrecomputedRun,
    precompute_run,
    signals_of,
)
from podium.sim_instruments.twins.zurich.runs.program_run import START_GRID_FS
from podium.sim_instruments.twins.zurich.signals.marker_lines import MarkerLines
from podium.sim_instruments.twins.zurich.triggers.trigger_levels import TriggerLevels


@dataclass(slots=True)
class PendingRun:
    """A run that is being precomputed."""

    number: int
    origin_fs: int
    participants: tuple[Participant, ...]
    keys: tuple[Key, ...]
    """Of participants that nobody has stopped."""
    playback: WiredPlayback
    """Works it out."""
    ticket: Ticket[PrecomputedRun | RunWaits] | None
    """None: it waits."""
    forwarding: Forwarding
    """Of results, by a PQSC."""
    feedback: FeedbackRun | None = None
    """Goes on with a run that depends on results."""
    waits: RunWaits | None = None
    """For what it waits; None: it does not."""


class PrecomputedRuns:
    """Keeps the runs that are being precomputed."""

    def __init__(
        self,
        time: LocalTime,
        markers: MarkerLines | None,
        levels: TriggerLevels | None = None,
    ) -> None:
        """``markers``, ``levels``: the ends of cables at marker outputs and at trigger inputs."""
        self._time = time
        self._marker_lines = markers
        self._levels = levels
        self._going: list[PendingRun] = []
        self._last: dict[Key, PendingRun] = {}
        """By sequencer, what was precomputed of it last."""
        self._count = 0
        """Of runs that were precomputed."""

    @property
    def keys(self) -> set[Key]:
        """The sequencers that are being worked out."""
        return {key for one in self._going for key in one.keys}

    @property
    def busy(self) -> bool:
        """Tell whether any run is, and does not wait for what others do."""
        return any(one.ticket is not None for one in self._going)

    @property
    def waits(self) -> bool:
        """Tell whether any run waits for what others play or send."""
        return any(one.waits is not None for one in self._going)

    def last(self, key: Key) -> PendingRun | None:
        """Return what was precomputed of a sequencer last."""
        return self._last.get(key)

    def signals_until(self, key: Key, samples: int) -> tuple[RunSignals, int] | None:
        """Return what the last run of a sequencer plays, executed once more, and a time in it.

        In ns, when its sample so-and-so many is at the connector. None: the run depends on what
        it measures, or there is none.
        """
        last = self._last.get(key)
        if last is None or last.feedback is not None:
            return None
        (one,) = (one for one in last.participants if one.key == key)
        at_fs = one.run.time_fs(samples + one.late) - last.origin_fs
        anew = [replace(each, run=each.run.again(each.again_fs)) for each in last.participants]
        signals = signals_of(anew, last.number, last.origin_fs, self._time)
        return signals, at_fs // FS_PER_NS

    def submit(
        self,
        playback: WiredPlayback,
        participants: tuple[Participant, ...],
        origin_fs: int,
        number: int | None,
        forwarding: Forwarding = NOTHING,
    ) -> None:
        """Have a run worked out; ``number``: of the one that it replaces."""
        self._count += number is None
        number = self._count if number is None else number
        # Synthesizers go on meanwhile: only in whole steps of this are they at phase 0.
        begin_fs = origin_fs - origin_fs % START_GRID_FS
        keys = tuple(one.key for one in participants)
        pending = PendingRun(number, begin_fs, participants, keys, playback, None, forwarding)
        world_fs = self._time.world_fs(origin_fs)
        if self._marker_lines is not None:
            self._marker_lines.begun(number, world_fs)
        if depends_on_results(participants, forwarding, self._levels):
            can_wait = self._marker_lines is not None
            pending.feedback = FeedbackRun(
                participants, number, begin_fs, self._time, forwarding, self._levels,
                can_wait=can_wait,
            )  # fmt: skip
            pending.ticket = playback.submit(partial(pending.feedback.go_on, world_fs))
        else:
            work = partial(precompute_run, participants, number, begin_fs, time=self._time)
            pending.ticket = playback.submit(work)
        self._going.append(pending)
        replaced = {self._last[key].number for key in keys if key in self._last}
        self._last |= dict.fromkeys(keys, pending)
        for one in replaced:
            self._over(one)

    def known(self, now_fs: int) -> Iterator[tuple[PendingRun, PrecomputedRun | Exception]]:
        """Yield results of runs known by now, or their errors, each once.

        Those of one sequencer come in the order of its runs. Runs that wait are gone on with as
        soon as what they wait for is known; ``now_fs``: world time.
        """
        behind: set[Key] = set()
        for one in tuple(self._going):
            told = None if behind.intersection(one.keys) else self._outcome(one, now_fs)
            if told is None:
                behind.update(one.keys)
                continue
            self._going.remove(one)
            one.ticket = None  # whoever takes the results has them
            if isinstance(told, RunWaits):
                self._abandon(one)
                continue
            if self._marker_lines is not None:
                markers = () if isinstance(told, Exception) else told.markers
                self._marker_lines.known(one.number, markers)
            yield one, told

    def _outcome(
        self, one: PendingRun, now_fs: int
    ) -> PrecomputedRun | RunWaits | Exception | None:
        """Return what came of a run, or why it waits if nobody does so any longer.

        None: it computes, or waits; it is gone on with once that is over.
        """
        while one.ticket is not None or self._go_on(one, now_fs):
            if one.ticket is None or not one.ticket.done():
                return None
            try:
                told = one.ticket.result()
            except Exception as error:
                return error
            if not isinstance(told, RunWaits) or not one.keys:
                return told
            if self._marker_lines is not None:
                self._marker_lines.so_far(one.number, told.markers, told.until_fs)
            one.ticket, one.waits = None, told
        return None

    def _go_on(self, one: PendingRun, now_fs: int) -> bool:
        """Go on with a run whose wait is over; tell whether it is."""
        waits, feedback = one.waits, one.feedback
        if waits is None or feedback is None or not self._may_go_on(waits, now_fs):
            return False
        one.waits = None
        one.ticket = one.playback.submit(partial(feedback.go_on, now_fs))
        return True

    def _abandon(self, one: PendingRun) -> None:
        """Let a run be over that waited, and whose sequencers were all stopped."""
        if self._marker_lines is not None:
            self._marker_lines.abandoned(one.number)

    def _may_go_on(self, waits: RunWaits, now_fs: int) -> bool:
        if waits.waits_for is not None:
            return waits.waits_for.may_go_on
        return self._levels is not None and not self._levels.awaits(
            waits.inputs, waits.needs_fs, now_fs
        )

    def drop(self, number: int) -> None:
        """Forget a run that is to be worked out anew; nobody stands in it any longer."""
        for one in self._going:
            if one.number == number:
                for participant in one.participants:
                    participant.run.unwatch()
        self._going = [one for one in self._going if one.number != number]

    def forget(self, key: Key, now_fs: int) -> None:
        """Drop what was precomputed of a sequencer that ends, or begins anew."""
        last = self._last.pop(key, None)
        if last is None:
            return
        at_fs = self._time.world_fs(now_fs)
        sender = "/".join(key)
        last.playback.stopped(last.number, sender, at_fs)
        if self._marker_lines is not None:
            self._marker_lines.stopped(last.number, sender, at_fs)
        self._over(last.number)
        for one in tuple(self._going):
            one.keys = tuple(other for other in one.keys if other != key)
            if one.waits is not None and not one.keys:
                self._going.remove(one)
                self._abandon(one)
        if self._marker_lines is None:  # else others wait to hear what has left markers till then
            self._going = [one for one in self._going if one.keys]

    def _over(self, number: int) -> None:
        """Let the markers of a run be forgotten that is the last one of no sequencer."""
        if self._marker_lines is not None and number not in (
            one.number for one in self._last.values()
        ):
            self._marker_lines.over(number)
