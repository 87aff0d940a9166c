"""Runs are precomputed on the world; the last run of each sequencer is kept."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.execution.playback import Ticket, WiredPlayback
from podium.sim_instruments.physics.signals import RunSignals
from podium.sim_instruments.twins.zurich.pqsc.register_bank import NOTHING, Forwarding
from podium.sim_instruments.twins.zurich.runs.feedback_run import (
    depends_on_results,
    run_with_feedback,
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
    ticket: Ticket[PrecomputedRun]
    forwarding: Forwarding
    """Of results, by a PQSC."""


class PrecomputedRuns:
    """Keeps the runs that are being precomputed."""

    def __init__(self, time: LocalTime, markers: MarkerLines | None) -> None:
        self._time = time
        self._marker_lines = markers
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
        """Tell whether any run is."""
        return bool(self._going)

    def last(self, key: Key) -> PendingRun | None:
        """Return what was precomputed of a sequencer last."""
        return self._last.get(key)

    def signals_until(self, key: Key, samples: int) -> tuple[RunSignals, int] | None:
        """Return what the last run of a sequencer plays, executed once more, and a time in it.

        In ns, when its sample so-and-so many is at the connector. None: the run depends on what
        it measures, or there is none.
        """
        last = self._last.get(key)
        if last is None or depends_on_results(last.participants, last.forwarding):
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
        work = partial(precompute_run, participants, number, begin_fs, time=self._time)
        if depends_on_results(participants, forwarding):
            work = partial(
                run_with_feedback,
                participants,
                number,
                begin_fs,
                time=self._time,
                forwarding=forwarding,
            )
        keys = tuple(one.key for one in participants)
        if self._marker_lines is not None:
            self._marker_lines.begun(number, self._time.world_fs(origin_fs))
        ticket = playback.submit(work)
        pending = PendingRun(number, begin_fs, participants, keys, playback, ticket, forwarding)
        self._going.append(pending)
        replaced = {self._last[key].number for key in keys if key in self._last}
        self._last |= dict.fromkeys(keys, pending)
        for one in replaced:
            self._over(one)

    def known(self) -> Iterator[tuple[PendingRun, PrecomputedRun | Exception]]:
        """Yield results of runs known by now, or their errors, each once.

        Those of one sequencer come in the order of its runs.
        """
        behind: set[Key] = set()
        for one in tuple(self._going):
            if behind.intersection(one.keys) or not one.ticket.done():
                behind.update(one.keys)
                continue
            self._going.remove(one)
            told: PrecomputedRun | Exception
            try:
                told = one.ticket.result()
            except Exception as error:
                told = error
            if self._marker_lines is not None:
                markers = () if isinstance(told, Exception) else told.markers
                self._marker_lines.known(one.number, markers)
            yield one, told

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
        for one in self._going:
            one.keys = tuple(other for other in one.keys if other != key)
        if self._marker_lines is None:  # else others wait to hear what has left markers till then
            self._going = [one for one in self._going if one.keys]

    def _over(self, number: int) -> None:
        """Let the markers of a run be forgotten that is the last one of no sequencer."""
        if self._marker_lines is not None and number not in (
            one.number for one in self._last.values()
        ):
            self._marker_lines.over(number)
