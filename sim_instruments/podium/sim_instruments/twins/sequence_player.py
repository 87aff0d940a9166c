"""Where a sequence of waveforms is at any sample: steps, repeats, waits, jumps.

Between two events (a trigger, a jump by command) everything follows from where it was after the
first: that is kept, and walked from. Rounds without an event are not walked one by one.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from podium.firmware_interfaces.tektronix_waveform_files import Sequence, Step, Waveform

EVENTS_MAX = 10_000
"""Older ones are forgotten, and with them what was played before."""


class NotPlayable(ValueError):
    """A sequence cannot be played; the message says why."""


@dataclass(frozen=True, slots=True)
class Position:
    """At a step, since a sample."""

    step: int
    """From 0 up."""
    since: int
    waiting: bool = False
    ended: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A stretch of one track with the same doing: samples of a waveform, or a value held."""

    count: int
    waveform: Waveform | None
    """None: nothing is played."""
    at: npt.NDArray[np.int64]
    """Of the waveform's samples; while it waits: of its first."""
    waiting: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Laid:
    """A step's track: waveforms one after the other, each repeated."""

    waveforms: tuple[Waveform, ...]
    begins: npt.NDArray[np.int64]
    """Sample at which each begins, and at last the end."""

    @property
    def length(self) -> int:
        return int(self.begins[-1])


class SequencePlayer:
    """Plays one sequence on its tracks, from sample 0 on."""

    def __init__(
        self,
        sequence: Sequence,
        sequences: Mapping[str, Sequence],
        waveforms: Mapping[str, Waveform],
    ) -> None:
        """Look everything up; raises :class:`NotPlayable`."""
        self._steps = list(sequence.steps)
        self._laid = [
            [_laid(step, track, sequences, waveforms) for track in range(sequence.tracks)]
            for step in sequence.steps
        ]
        for number, tracks in enumerate(self._laid, 1):
            if len({laid.length for laid in tracks}) != 1:
                raise NotPlayable(f"step {number} of {sequence.name}: waveforms differ in length")
        self._from: list[int] = [0]
        self._kept: list[Position] = [self._enter(0, 0)]
        """By event: since which sample, and where it was then."""

    def position(self, at: int) -> Position:
        """Return where it is at a sample; raises :class:`NotPlayable` for one long past."""
        number = bisect_right(self._from, at) - 1
        if number < 0:
            raise NotPlayable(f"sample {at} is forgotten: there were {EVENTS_MAX} events since")
        return self._walk(self._kept[number], at)

    def trigger(self, source: str, at: int) -> None:
        """Hear a trigger (``TrigA``, ``TrigB``, ``Internal``) at a sample."""
        now = self.position(at)
        step = self._steps[now.step]
        if now.ended:
            return
        if now.waiting and step.wait == source:
            self._keep(at, Position(now.step, at))
        elif not now.waiting and step.jump_on == source:
            self._keep(at, self._towards(now.step, step.jump_to, at))

    def jump(self, number: int, at: int) -> None:
        """Go to a step (from 1 up) at once; raises :class:`NotPlayable` where there is none."""
        if number > len(self._steps):
            raise NotPlayable(f"there are {len(self._steps)} steps")
        self._keep(at, self._enter(number - 1, at))

    def set_jump(self, number: int, target: int | str) -> None:
        """Let a step (from 1 up) jump elsewhere from now on."""
        self._steps[number - 1] = replace(self._steps[number - 1], jump_to=target)

    def pieces(self, track: int, first: int, count: int) -> Iterator[Piece]:
        """Tell what a track (from 0 up) plays from a sample on, for so many samples."""
        at, end = first, first + count
        position = self.position(at)
        while at < end:
            event = bisect_right(self._from, at)
            until = min(end, self._from[event]) if event < len(self._from) else end
            laid = self._laid[position.step][track]
            length = until - at
            if position.ended:
                yield Piece(length, None, np.zeros(0, np.int64), waiting=False)
            elif position.waiting:
                yield Piece(length, laid.waveforms[0], np.zeros(1, np.int64), waiting=True)
            else:
                whole = self._end(position)
                length = length if whole is None else min(length, whole - at)
                inside = (at - position.since) % laid.length
                number = int(np.searchsorted(laid.begins, inside, "right")) - 1
                length = min(length, int(laid.begins[number + 1]) - inside)
                waveform = laid.waveforms[number]
                begin = inside - int(laid.begins[number])
                where = np.arange(begin, begin + length) % len(waveform.samples)
                yield Piece(length, waveform, where, waiting=False)
            at += length
            if at < end:
                is_event = event < len(self._from) and self._from[event] == at
                position = self._kept[event] if is_event else self._walk(position, at)

    def _keep(self, at: int, position: Position) -> None:
        if self._from[-1] == at:
            self._kept[-1] = position
            return
        self._from.append(at)
        self._kept.append(position)
        if len(self._from) > EVENTS_MAX:
            del self._from[0], self._kept[0]

    def _end(self, position: Position) -> int | None:
        """Return the sample after the last of the step; None: it goes on without end."""
        repeats = self._steps[position.step].repeats
        if repeats is None:
            return None
        return position.since + repeats * self._laid[position.step][0].length

    def _walk(self, position: Position, at: int) -> Position:
        seen: dict[int, int] = {}
        while not position.waiting and not position.ended:
            end = self._end(position)
            if end is None or end > at:
                break
            if position.step in seen:  # once round without an event: so it goes on
                period = position.since - seen[position.step]
                rounds = (at - position.since) // period
                position = replace(position, since=position.since + rounds * period)
                seen = {}
                if rounds:
                    continue
            seen[position.step] = position.since
            position = self._towards(position.step, self._steps[position.step].go_to, end)
        return position

    def _towards(self, step: int, target: int | str, at: int) -> Position:
        last = len(self._steps) - 1
        match target:
            case int():
                return self._enter(target - 1, at)
            case "Next":  # ASSUMED: after the last comes the first
                return self._enter(0 if step == last else step + 1, at)
            case "First":
                return self._enter(0, at)
            case "Last":
                return self._enter(last, at)
        return Position(step, at, ended=True)

    def _enter(self, step: int, at: int) -> Position:
        return Position(step, at, waiting=self._steps[step].wait != "None")


def looping(name: str) -> Sequence:
    """Return the sequence that plays one waveform without end."""
    return Sequence(name, (Step((name,), repeats=None),), tracks=1)


def _laid(
    step: Step, track: int, sequences: Mapping[str, Sequence], waveforms: Mapping[str, Waveform]
) -> _Laid:
    try:
        if step.is_sequence:
            inner = sequences[step.assets[0]]
            if track >= inner.tracks:
                raise NotPlayable(f"{inner.name} has {inner.tracks} tracks")
            steps = [(waveforms[one.assets[track]], one.repeats) for one in inner.steps]
        else:
            steps = [(waveforms[step.assets[track]], 1)]
    except KeyError as error:
        raise NotPlayable(f"{error.args[0]} is in no list") from None
    lengths = []
    for waveform, repeats in steps:
        if repeats is None:
            raise NotPlayable(f"{step.assets[0]} inside a sequence has no end")
        lengths.append(repeats * len(waveform.samples))
    begins = np.cumsum([0, *lengths], dtype=np.int64)
    return _Laid(tuple(waveform for waveform, _ in steps), begins)
