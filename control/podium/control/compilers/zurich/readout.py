"""One quantum analyzer channel: what is read out together is one start of the channel.

The channel plays readout waveforms and integrates, both from one instant on. The carriers are in
the waveforms and in the weights, so that readouts at many frequencies are played and heard at once;
they begin anew with each start, in waveforms and weights alike, which is why their common phase
does not show in a result. What differs from point to point takes a waveform or a set of weights
for each point. Where that is too many, what all frames play together is one waveform; or they ride
on oscillators, see ``modulation``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from podium.control.compilers.errors import DoesNotFit, TooLarge
from podium.control.compilers.placing import PlacedFrame, PlacedPulse, PlacedWindow
from podium.control.compilers.points import FloatArray, IntArray
from podium.control.compilers.zurich.modulation import Modulation, bits_of, modulation_of
from podium.control.compilers.zurich.oscillators import Oscillators
from podium.control.compilers.zurich.readout_contents import (
    Listening,
    Sound,
    Sounds,
    waveform_of,
    weights_of,
)
from podium.control.compilers.zurich.readout_groups import groups_of, too_long
from podium.control.compilers.zurich.readout_items import items_of
from podium.control.compilers.zurich.readout_pieces import Share, largest_piece
from podium.control.compilers.zurich.readout_steps import Group, steps_of
from podium.control.compilers.zurich.results import Told
from podium.control.compilers.zurich.shots import Shots, combined
from podium.control.compilers.zurich.steps import Steps
from podium.control.program.conditions import Discriminator
from podium.control.program.program import Axis
from podium.firmware_interfaces.zurich.awg_limits import (
    INTEGRATION_STEP,
    READOUT_SAMPLES,
    SHF_RATE_HZ,
)
from podium.firmware_interfaces.zurich.program import IntegrationWeights, ReadoutWaveform

DIGITS = 12
"""Amplitudes and phases of waveforms, to so many digits: equal ones are stored once."""
MASK_BITS = 62
"""Slots that a mask of 64 bits tells apart; there are fewer, and more are refused later."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Where a capture is found."""

    name: str
    frame: str
    slots: tuple[int, ...]
    entry: int
    samples: int
    discriminator: Discriminator | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Readout:
    """What the channel does at all points."""

    steps: Steps
    waveforms: tuple[ReadoutWaveform, ...]
    weights: tuple[IntegrationWeights, ...]
    heard: tuple[Heard, ...]
    entries: int
    """Of the result logger, in a shot."""
    length: int
    """Samples that are integrated."""
    delay: int
    """From a start to the integration, in samples."""
    oscillators: Oscillators | None
    """That waveforms and weights ride on; None: their carriers are in them."""
    told: Mapping[str, Told]
    """By capture: when and where its result can be heard."""
    thresholds: tuple[tuple[int, float], ...] = ()
    """By integrator that tells results: what its sum is compared with, V."""


def read(
    frames: Sequence[PlacedFrame],
    lo_hz: float,
    shots: Shots,
    axes: tuple[Axis, ...],
    slots_max: int,
    rest_fs: int = 0,
    modulates: bool = False,
) -> Readout:
    """Return what a channel does; raises :class:`DoesNotFit` and :class:`TooLarge`.

    ``rest_fs``: of a skew, below a sample; it moves soft pulses. ``modulates``: whether readouts
    can ride on oscillators.
    """

    def channel(together: bool, modulation: Modulation | None) -> _Channel:
        return _Channel(frames, lo_hz, shots, axes, slots_max, rest_fs, together, modulation)

    problems: list[TooLarge] = []
    for together in (False, True):
        try:
            return channel(together, None).readout()
        except TooLarge as error:
            problems.append(error)
    if modulates:
        try:
            return channel(False, modulation_of(frames, lo_hz, axes)).readout()
        except TooLarge as error:
            problems.append(error)
        except DoesNotFit:
            pass  # what the others say is of more help
    raise max(problems, key=lambda error: (math.prod(error.piece), -error.needed // error.limit))


class _Channel:
    def __init__(
        self,
        frames: Sequence[PlacedFrame],
        lo_hz: float,
        shots: Shots,
        axes: tuple[Axis, ...],
        slots_max: int,
        rest_fs: int,
        together: bool,
        modulation: Modulation | None,
    ) -> None:
        """``together``: what all frames play at a start is one waveform."""
        self._together, self._modulation = together, modulation
        self._shots, self._slots_max = shots, slots_max
        self._names = ", ".join(one.frame.name for one in frames)
        self._items = [item for frame in frames for item in items_of(frame, lo_hz, axes, rest_fs)]
        arrays = [
            a for one in self._items for a in (one.start, one.late_fs, one.turns, one.offset_hz)
        ]
        arrays += [one.what.amplitude for one in self._items if isinstance(one.what, PlacedPulse)]
        self._shape = shots.shape_of([*arrays, shots.samples])
        self._offset = shots.offsets(self._shape)
        self._waves: dict[Sounds, int] = {}
        self._weights: dict[Listening, int] = {}
        self._played: dict[tuple[str, int], IntArray] = {}
        """By frame and start: the waveform at all points, below 0 where there is none."""

    def readout(self) -> Readout:
        shots, shape = self._shots, self._shape
        flat = [shots.flat(one.start, shape) for one in self._items]
        rows = [*flat, shots.flat(shots.samples, shape), self._offset]
        columns, pattern = combined(np.stack(rows))
        groups = [groups_of(self._names, self._items, one) for one in columns.T.tolist()]
        delay = min(
            (group.listens for all_of in groups for group in all_of if group.listens is not None),
            default=0,
        )
        length = max(
            (group.deaf - delay for all_of in groups for group in all_of if group.windows),
            default=0,
        )
        length = -(-length // INTEGRATION_STEP) * INTEGRATION_STEP
        if length > READOUT_SAMPLES:
            raise too_long(self._names, "windows that are open", length)
        self._delay = delay
        slots: dict[str, IntArray] = {}
        begins: dict[str, IntArray] = {}
        entry: dict[str, int] = {}
        starts: list[list[IntArray]] = []
        for number, all_of in enumerate(groups):
            points = np.flatnonzero(pattern == number)
            starts.append(
                [self._generated(group, place, points) for place, group in enumerate(all_of)]
            )
            listening = [group for group in all_of if group.windows]
            for place, group in enumerate(listening):
                for k in group.windows:
                    name = self._name(k)
                    if entry.setdefault(name, place) != place:
                        raise DoesNotFit(
                            f"{self._names}: capture {name!r} is readout {entry[name]} of a shot "
                            f"at some points and {place} at others; let the captures of one "
                            "channel keep their order"
                        )
                    row = slots.setdefault(name, np.zeros(len(pattern), np.int64))
                    row[points] = self._listened(group, k, points)
                    begun = begins.setdefault(name, np.zeros(len(pattern), np.int64))
                    begun[points] = group.begin
        entries = {len([g for g in all_of if g.windows]) for all_of in groups}
        if len(entries) > 1:
            raise DoesNotFit(
                f"{self._names}: captures are one readout at some points and several at others; "
                "keep them together or apart"
            )
        self._check_slots(slots)
        every = bits_of([self._slot(one.frame, k) for one, k in self._weights.items()])
        carriers = None if self._modulation is None else self._modulation.oscillators
        steps = steps_of(
            self._names, self._shape, columns, pattern, groups, starts, every, carriers
        )
        heard = tuple(
            Heard(name, frame, self._of_points(slots[name], frame), entry[name], samples, tells)
            for name, frame, samples, tells in self._captures()
        )
        told = {
            name: Told(
                (begins[name] - self._offset).reshape(self._shape),
                self._shots.first,
                self._slots(slots[name], frame).reshape(self._shape),
                delay + length,
                tells is not None,
            )
            for name, frame, _, tells in self._captures()
        }
        return Readout(
            steps,
            tuple(waveform_of(one, self._slot(one.frame, k)) for one, k in self._waves.items()),
            tuple(
                weights_of(one, self._slot(one.frame, k), length, delay)
                for one, k in self._weights.items()
            ),
            heard,
            entries.pop() if entries else 0,
            length,
            delay,
            carriers,
            told,
            tuple(
                (self._slot(one.frame, k), one.discriminator.threshold_v * one.samples)
                for one, k in self._weights.items()
                if one.discriminator is not None
            ),
        )

    def _slot(self, frame: str, number: int) -> int:
        """Return where a frame's waveform or weights lie, of which it is the ``number``th."""
        return number if self._modulation is None else self._modulation.number[frame]

    def _slots(self, numbers: IntArray, frame: str) -> IntArray:
        """Return where each of a frame's weights lies."""
        if self._modulation is None:
            return numbers
        return np.full(len(numbers), self._modulation.number[frame])

    def _captures(self) -> list[tuple[str, str, int, Discriminator | None]]:
        return [
            (one.what.name, one.frame, one.samples, one.what.discriminator)
            for one in self._items
            if isinstance(one.what, PlacedWindow)
        ]

    def _name(self, k: int) -> str:
        what = self._items[k].what
        assert isinstance(what, PlacedWindow)
        return what.name

    def _reference(self, group: Group, k: int) -> int:
        """Return the group's first item on the frame of item ``k``: phases count from it."""
        return next(one for one in group.at if self._items[one].frame == self._items[k].frame)

    def _carried(self, group: Group, k: int, points: IntArray) -> tuple[list[float], list[float]]:
        """Return phases at the group's start, about the frame's first item there, and carriers."""
        item, first = self._items[k], self._items[self._reference(group, k)]
        hz = self._flat(item.offset_hz, points)
        first_hz = self._flat(first.offset_hz, points)
        since = (group.begin - self._offset[points]) / SHF_RATE_HZ
        turns = self._flat(item.turns, points) - self._flat(first.turns, points)
        turns = (turns + (hz - first_hz) * since) % 1.0
        in_waveform = np.zeros_like(hz) if self._modulation is not None else hz
        return (np.round(turns, DIGITS) % 1.0).tolist(), in_waveform.tolist()

    def _flat(self, array: FloatArray, points: IntArray) -> FloatArray:
        return self._shots.flat(array, self._shape)[points]

    def _generated(self, group: Group, place: int, points: IntArray) -> IntArray:
        """Return which waveforms a group plays, as bits, at each of ``points``."""
        bits = np.zeros(len(points), np.int64)
        frames = list(dict.fromkeys(self._items[k].frame for k in group.sounds))
        parts = [frames] if self._together and frames else [[frame] for frame in frames]
        for part in parts:
            frame = ", ".join(part)
            sounds_of = self._sounds(
                group, [k for k in group.sounds if self._items[k].frame in part], points
            )
            row = self._played.setdefault((frame, place), np.full(len(self._offset), -1, np.int64))
            for number, sounds in enumerate(sounds_of):
                if sounds:
                    content = Sounds(frame, tuple(sounds))
                    known = self._waves.setdefault(content, len(self._waves))
                    row[points[number]] = known
                    bits[number] |= 1 << min(MASK_BITS, self._slot(frame, known))
        self._check_sum(group, frames, points)
        return bits

    def _sounds(self, group: Group, these: list[int], points: IntArray) -> list[list[Sound]]:
        """Return what these items play, at each of ``points``."""
        sounds_of: list[list[Sound]] = [[] for _ in points]
        for k in these:
            item = self._items[k]
            assert isinstance(item.what, PlacedPulse)
            louds = np.round(self._flat(item.what.amplitude, points), DIGITS).tolist()
            turns, hz = self._carried(group, k, points)
            late_fs = self._shots.flat(item.late_fs, self._shape)[points].tolist()
            for sounds, a, t, f, late in zip(sounds_of, louds, turns, hz, late_fs, strict=True):
                if a:
                    sounds.append(Sound(item.what.waveform, group.at[k], a, t, f, late))
        return sounds_of

    def _check_sum(self, group: Group, frames: Sequence[str], points: IntArray) -> None:
        """Raise :class:`DoesNotFit` where waveforms that are played together are too loud."""
        total = np.zeros(len(points))
        for frame in frames:
            loud = [
                np.abs(self._flat(what.amplitude, points))
                for k in group.sounds
                if self._items[k].frame == frame
                and isinstance(what := self._items[k].what, PlacedPulse)
            ]
            total += np.max(loud, axis=0)
        loudest = total.max(initial=0.0)
        if loudest > 1 + 1e-9:
            raise DoesNotFit(
                f"{self._names}: readout pulses played together add up to {loudest:.4g} of "
                "full scale, at most 1; make them smaller, or play them apart"
            )

    def _listened(self, group: Group, k: int, points: IntArray) -> IntArray:
        """Return the integrator of a window at each of ``points``."""
        item = self._items[k]
        turns, hz = self._carried(group, k, points)
        at = group.at[k] - self._delay
        assert isinstance(item.what, PlacedWindow)
        tells = item.what.discriminator
        found = [
            Listening(item.frame, at, item.samples, t, f, tells)
            for t, f in zip(turns, hz, strict=True)
        ]
        return np.array([self._weights.setdefault(one, len(self._weights)) for one in found])

    def _check_slots(self, slots: dict[str, IntArray]) -> None:
        """Raise :class:`TooLarge`; ``slots``: by capture, its weights at all points."""
        if self._modulation is None:
            needed, limit = max(len(self._waves), len(self._weights)), self._slots_max
            shares = [
                Share(tuple(self._played.values()), limit),
                Share(tuple(slots.values()), limit),
            ]
        else:
            number = self._modulation.number
            waves = [one.frame for one in self._waves]
            heard = [one.frame for one in self._weights]
            needed, limit = max(max(waves.count(f), heard.count(f)) for f in number), 1
            frame_of = {name: frame for name, frame, *_ in self._captures()}
            shares = [
                Share(tuple(row for (of, _), row in self._played.items() if of == frame), 1)
                for frame in number
            ]
            shares += [
                Share(tuple(row for name, row in slots.items() if frame_of[name] == frame), 1)
                for frame in number
            ]
        if needed <= limit:
            return
        counts = self._shots.counts
        piece = largest_piece(self._shape, counts, shares) if self._shots.even else ()
        raise TooLarge(
            f"{self._names}: needs {needed} readout waveforms or integrators, at most "
            f"{limit} {'in one channel' if self._modulation is None else 'of each frame'}: each "
            "frequency, amplitude or place on the grid of 16 samples takes one; ask for fewer "
            "points at once",
            needed,
            limit,
            piece=piece,
        )

    def _of_points(self, slots: IntArray, frame: str) -> tuple[int, ...]:
        """Return the integrators of a capture at all points of a round, or the one of all."""
        if (slots == slots[0]).all():
            return (self._slot(frame, int(slots[0])),)
        counted = self._shots.counted(self._shape)
        return tuple(np.broadcast_to(slots.reshape(self._shape), counted).ravel().tolist())
