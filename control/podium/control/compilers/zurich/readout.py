"""Reads out by one quantum analyzer channel: what is read together is one start.

The channel plays readout waveforms and integrates, both from one instant on. The carriers are in
the waveforms and in the weights, so that readouts at many frequencies are played and heard at once;
they begin anew with each start, in waveforms and weights alike, which is why their common phase
does not show in a result. What differs from point to point takes a waveform or a set of weights
for each point. Where that is too many, what all frames play together is one waveform; or they ride
on oscillators, see ``modulation``.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from podium.control.compilers.errors import DoesNotFit, TooLarge
from podium.control.compilers.placing import PlacedFrame, PlacedPulse, PlacedWindow
from podium.control.compilers.points import IntArray
from podium.control.compilers.zurich.channel_readout import CaptureLocation, ChannelReadout
from podium.control.compilers.zurich.modulation import Modulation, modulation_of
from podium.control.compilers.zurich.readout_contents import (
    FramePulses,
    IntegrationWindow,
    ReadoutPulse,
    numbers_of,
    waveform_of,
    weights_of,
)
from podium.control.compilers.zurich.readout_groups import groups_of, too_long
from podium.control.compilers.zurich.readout_items import Item, items_of
from podium.control.compilers.zurich.readout_pieces import different, largest_piece
from podium.control.compilers.zurich.readout_steps import Group, steps_of
from podium.control.compilers.zurich.results import ResultAvailability
from podium.control.compilers.zurich.shots import Number, Shots, combined
from podium.control.program.conditions import Discriminator
from podium.control.program.program import Axis
from podium.control.program.waveforms import Waveform
from podium.firmware_interfaces.zurich.awg_limits import (
    INTEGRATION_STEP,
    READOUT_SAMPLES,
    SHF_RATE_HZ,
)

DIGITS = 12
"""Amplitudes and phases of waveforms, to so many digits: equal ones are stored once."""
Content = TypeVar("Content", FramePulses, IntegrationWindow)


def read(
    frames: Sequence[PlacedFrame],
    lo_hz: float,
    shots: Shots,
    axes: tuple[Axis, ...],
    slots_max: int,
    rest_fs: int = 0,
    modulates: bool = False,
    register: int = 0,
) -> ChannelReadout:
    """Return what a channel does; raises :class:`DoesNotFit` and :class:`TooLarge`.

    ``rest_fs``: of a skew, below a sample; it moves soft pulses. ``modulates``: whether readouts
    can ride on oscillators; ``register``: of a PQSC, into which results are written.
    """

    items = [item for frame in frames for item in items_of(frame, lo_hz, axes, rest_fs)]
    names = ", ".join(one.frame.name for one in frames)

    def channel(together: bool, modulation: Modulation | None) -> _Channel:
        return _Channel(names, items, shots, slots_max, together, modulation, register)

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


class _LoggedCapture:
    """Results of a capture at all points of a channel."""

    def __init__(self, entry: int, points: int) -> None:
        """``entry``: of the shot's results, which is its."""
        self.entry = entry
        self.content = np.zeros(points, np.int64)
        """The weights, by their number among those that are stored."""
        self.begin = np.zeros(points, np.int64)
        """When the start that serves it begins."""


def _common_discriminators(items: Sequence[Item]) -> dict[str, Discriminator]:
    """Return the discriminator of each frame whose windows have one alone, or none.

    All its windows are turned by it: weights of one that tells results, and of one that does not,
    are then the same, and take one integrator.
    """
    found: dict[str, set[Discriminator]] = {}
    for one in items:
        if isinstance(one.what, PlacedWindow) and one.what.discriminator is not None:
            found.setdefault(one.frame, set()).add(one.what.discriminator)
    return {frame: next(iter(ones)) for frame, ones in found.items() if len(ones) == 1}


class _Channel:
    def __init__(
        self,
        names: str,
        items: Sequence[Item],
        shots: Shots,
        slots_max: int,
        together: bool,
        modulation: Modulation | None,
        register: int,
    ) -> None:
        """``together``: what all frames play at a start is one waveform."""
        self._register = register
        self._together, self._modulation = together, modulation
        self._shots, self._slots_max = shots, slots_max
        self._names, self._items = names, items
        self._common = _common_discriminators(items)
        arrays = [
            a for one in self._items for a in (one.start, one.late_fs, one.turns, one.offset_hz)
        ]
        arrays += [one.what.amplitude for one in self._items if isinstance(one.what, PlacedPulse)]
        self._shape = shots.shape_of([*arrays, shots.samples])
        self._offset = shots.offsets(self._shape)
        self._flats: dict[int, NDArray[Any]] = {}
        """Arrays of the items at all points, by ``id`` of what they are made of."""
        self._waves: dict[FramePulses, int] = {}
        self._weights: dict[IntegrationWindow, int] = {}
        self._first: dict[str, int] = {}
        """By frame that rides on an oscillator: its first slot."""
        self._played: dict[tuple[str, int], IntArray] = {}
        """By frame and start: the waveform at all points, below 0 where there is none."""

    def readout(self) -> ChannelReadout:
        shots, shape = self._shots, self._shape
        flat = [shots.flat(one.start, shape) for one in self._items]
        rows = [*flat, shots.flat(shots.samples, shape), self._offset]
        columns, pattern = combined(np.stack(rows))
        groups = [groups_of(self._names, self._items, one) for one in columns.T.tolist()]
        self._delay, self._length = self._integration(groups)
        logged = self._store(groups, pattern)
        entries = self._entries(groups)
        silence = min((all_of[0].begin for all_of in groups if all_of), default=0)
        self._allot({name: one.content for name, one in logged.items()}, silence)
        waves = np.array([self._slot(one, self._waves) for one in self._waves], np.int64)
        weights = np.array([self._slot(one, self._weights) for one in self._weights], np.int64)
        carriers = None if self._modulation is None else self._modulation.oscillators
        steps = steps_of(
            self._names,
            self._shape,
            columns,
            pattern,
            groups,
            [
                [
                    self._mask(place, np.flatnonzero(pattern == number), waves)
                    for place in range(len(all_of))
                ]
                for number, all_of in enumerate(groups)
            ],
            int(np.bitwise_or.reduce(1 << weights, initial=0)),
            carriers,
            self._register,
        )
        integrators = list(zip(self._weights, weights.tolist(), strict=True))
        return ChannelReadout(
            steps,
            tuple(waveform_of(*one) for one in zip(self._waves, waves.tolist(), strict=True)),
            tuple(weights_of(*one, self._length, self._delay) for one in integrators),
            self._locations(logged, weights),
            entries,
            self._length,
            self._delay,
            carriers,
            self._availability(logged, weights),
            next((group.begin for group in groups[pattern[0]] if group.windows), None),
            tuple(
                (slot, content.discriminator.threshold_v * content.samples)
                for content, slot in integrators
                if content.discriminator is not None
            ),
        )

    def _integration(self, groups: Sequence[Sequence[Group]]) -> tuple[int, int]:
        """Return samples from a start to the integration, and samples that are integrated."""
        listening = [group for all_of in groups for group in all_of]
        delay = min((one.listens for one in listening if one.listens is not None), default=0)
        length = max((one.deaf - delay for one in listening if one.windows), default=0)
        length = -(-length // INTEGRATION_STEP) * INTEGRATION_STEP
        if length > READOUT_SAMPLES:
            raise too_long(self._names, "windows that are open", length)
        return delay, length

    def _store(
        self, groups: Sequence[Sequence[Group]], pattern: IntArray
    ) -> dict[str, _LoggedCapture]:
        """Store waveforms and weights of all points; return captures by name."""
        logged: dict[str, _LoggedCapture] = {}
        for number, all_of in enumerate(groups):
            points = np.flatnonzero(pattern == number)
            for place, group in enumerate(all_of):
                self._generate(group, place, points)
            listening = [group for group in all_of if group.windows]
            for place, group in enumerate(listening):
                for k in group.windows:
                    name = self._name(k)
                    one = logged.setdefault(name, _LoggedCapture(place, len(pattern)))
                    if one.entry != place:
                        raise DoesNotFit(
                            f"{self._names}: capture {name!r} is readout {one.entry} of a shot "
                            f"at some points and {place} at others; let the captures of one "
                            "channel keep their order"
                        )
                    one.content[points] = self._listened(group, k, points)
                    one.begin[points] = group.begin
        return logged

    def _entries(self, groups: Sequence[Sequence[Group]]) -> int:
        """Return how many results are logged in a shot, alike at all points."""
        entries = {len([g for g in all_of if g.windows]) for all_of in groups}
        if len(entries) > 1:
            raise DoesNotFit(
                f"{self._names}: captures are one readout at some points and several at others; "
                "keep them together or apart"
            )
        return entries.pop() if entries else 0

    def _locations(
        self, logged: Mapping[str, _LoggedCapture], weights: IntArray
    ) -> tuple[CaptureLocation, ...]:
        found = []
        for name, frame, samples, tells in self._captures():
            turned = tells or self._common.get(frame)
            found.append(
                CaptureLocation(
                    name,
                    frame,
                    self._of_points(weights[logged[name].content]),
                    logged[name].entry,
                    samples,
                    turned.rotation_turns if turned else 0.0,
                    tells.threshold_v if tells else None,
                )
            )
        return tuple(found)

    def _availability(
        self, logged: Mapping[str, _LoggedCapture], weights: IntArray
    ) -> dict[str, ResultAvailability]:
        """Return when and where the result of each capture can be heard."""
        return {
            name: ResultAvailability(
                (logged[name].begin - self._offset).reshape(self._shape),
                self._shots.first,
                weights[logged[name].content].reshape(self._shape),
                self._delay + self._length,
                tells is not None,
            )
            for name, _, _, tells in self._captures()
        }

    def _slot(self, content: Content, known: dict[Content, int]) -> int:
        """Return where a waveform or a set of weights lies."""
        if self._modulation is None:
            return known[content]
        mine = [one for one in known if one.frame == content.frame]
        return self._first[content.frame] + mine.index(content)

    def _mask(self, place: int, points: IntArray, slots: IntArray) -> IntArray:
        """Return which waveforms a start plays, as bits, at each of ``points``."""
        bits = np.zeros(len(points), np.int64)
        for (_, at), row in self._played.items():
            plays = row[points] >= 0
            if at == place:
                bits[plays] |= 1 << slots[row[points][plays]]
        return bits

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
        """Return the item of the group from which the phases of item ``k`` count.

        The first on its frame; where that restarts, the pulse that has begun last by then.
        """
        mine, at = self._items[k], group.at
        alike = [one for one in at if self._items[one].frame == mine.frame]
        begun = [one for one in alike if one in group.sounds and at[one] <= at[k]]
        return max(begun, key=at.__getitem__) if mine.restarts and begun else alike[0]

    def _carried(self, group: Group, k: int, points: IntArray) -> tuple[list[float], list[float]]:
        """Return phases at the group's start, and carriers; the frame's first item begins at 0."""
        reference = self._reference(group, k)
        item, first = self._items[k], self._items[reference]
        hz = self._flat(item.offset_hz, points)
        first_hz = self._flat(first.offset_hz, points)
        since = (group.begin - self._offset[points]) / SHF_RATE_HZ
        turns = self._flat(item.turns, points) - self._flat(first.turns, points)
        turns = turns + (hz - first_hz) * since
        # Wherever a shot lies on the grid, its tones have the same phases about each other: what
        # a window hears of the others is then the same. A tone that rides has them in the middle.
        rides = self._modulation is not None
        about_hz = np.mean(first.offset_hz) if rides else first_hz
        turns = turns - about_hz * (group.at[reference] / SHF_RATE_HZ)
        carried = np.zeros_like(hz) if rides else hz
        return (np.round(turns % 1.0, DIGITS) % 1.0).tolist(), carried.tolist()

    def _flat(self, array: NDArray[Number], points: IntArray) -> NDArray[Number]:
        """Return an array of an item at some points."""
        whole = self._flats.get(id(array))
        if whole is None:
            whole = self._flats[id(array)] = self._shots.flat(array, self._shape)
        return whole[points]

    def _generate(self, group: Group, place: int, points: IntArray) -> None:
        """Store what a start plays at each of ``points``."""
        frames = list(dict.fromkeys(self._items[k].frame for k in group.sounds))
        parts = [frames] if self._together and frames else [[frame] for frame in frames]
        for part in parts:
            frame = ", ".join(part)
            row = self._played.setdefault((frame, place), np.full(len(self._offset), -1, np.int64))
            these = [k for k in group.sounds if self._items[k].frame in part]
            row[points] = self._sounds(frame, group, these, points)
        self._check_sum(group, frames, points)

    def _sounds(self, frame: str, group: Group, these: list[int], points: IntArray) -> list[int]:
        """Return the waveform in which these items play at each of ``points``; -1: none does."""
        pulses: list[tuple[Waveform, int]] = []
        of_pulse: list[Iterable[tuple[float, float, float, int]]] = []
        for k in these:
            item = self._items[k]
            assert isinstance(item.what, PlacedPulse)
            louds = np.round(self._flat(item.what.amplitude, points), DIGITS).tolist()
            late_fs = self._flat(item.late_fs, points).tolist()
            pulses.append((item.what.waveform, group.at[k]))
            of_pulse.append(zip(louds, *self._carried(group, k, points), late_fs, strict=True))

        def stored(each: tuple[tuple[float, float, float, int], ...]) -> int:
            both = zip(pulses, each, strict=True)
            sounds = tuple(
                ReadoutPulse(waveform, at, loud, turns, hz, late_fs)
                for (waveform, at), (loud, turns, hz, late_fs) in both
                if loud
            )
            content = FramePulses(frame, sounds)
            return self._waves.setdefault(content, len(self._waves)) if sounds else -1

        return numbers_of(zip(*of_pulse, strict=True), stored)

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
        closes = group.at[k] + item.samples
        for other in group.sounds if item.restarts else ():
            if self._items[other].frame == item.frame and group.at[k] < group.at[other] < closes:
                raise DoesNotFit(
                    f"{item.frame}: a pulse begins while capture {self._name(k)!r} is open, and "
                    "the frame's carrier restarts with it; capture on a frame of its own, or after"
                )
        turns, hz = self._carried(group, k, points)
        at = group.at[k] - self._delay
        assert isinstance(item.what, PlacedWindow)
        turned = item.what.discriminator or self._common.get(item.frame)

        def stored(carried: tuple[float, float]) -> int:
            window = IntegrationWindow(item.frame, at, item.samples, *carried, turned)
            return self._weights.setdefault(window, len(self._weights))

        return np.array(numbers_of(zip(turns, hz, strict=True), stored))

    def _allot(self, slots: dict[str, IntArray], silence: int) -> None:
        """Give everything stored its place, or raise :class:`TooLarge`.

        ``slots``: by capture, its weights at all points; ``silence``: samples before the first
        readout of a shot.
        """
        frame_of = {name: frame for name, frame, *_ in self._captures()}
        shape, limit = self._shape, self._slots_max
        played = [(frame, row) for (frame, _), row in self._played.items()]
        heard = [(frame_of[name], row) for name, row in slots.items()]

        def taken(piece: tuple[int, ...], of: str | None) -> int:
            """Return the waveforms or weights that a piece takes, whichever are more."""
            return max(
                different([row for frame, row in rows if of in (None, frame)], shape, piece, things)
                for rows, things in ((played, len(self._waves)), (heard, len(self._weights)))
            )

        frames: list[str | None]
        frames = [None] if self._modulation is None else list(self._modulation.number)
        if self._modulation is not None:
            limit = min(limit, self._modulation.slots_in(silence))

        def needed(piece: tuple[int, ...]) -> int:
            return sum(taken(piece, frame) for frame in frames)

        counts = self._shots.counts
        everything = shape[len(shape) - len(counts) :]
        if needed(everything) <= limit:
            if self._modulation is not None:
                stored = {f: taken(everything, f) for f in self._modulation.number}
                self._first = self._modulation.allot(stored)
            return
        raise TooLarge(
            f"{self._names}: needs {needed(everything)} readout waveforms or integrators, at most "
            f"{limit} in one channel: each frequency, amplitude or place on the grid of 16 samples "
            "takes one; ask for fewer points at once",
            needed(everything),
            limit,
            piece=largest_piece(shape, counts, needed, limit),
        )

    def _of_points(self, slots: IntArray) -> tuple[int, ...]:
        """Return the integrators of a capture at all points of a round, or the one of all."""
        if (slots == slots[0]).all():
            return (int(slots[0]),)
        counted = self._shots.counted(self._shape)
        return tuple(np.broadcast_to(slots.reshape(self._shape), counted).ravel().tolist())
