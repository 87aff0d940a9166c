"""One quantum analyzer channel: what is read out together is one start of the channel.

The channel plays readout waveforms and integrates, both from one instant on. The carriers are in
the waveforms and in the weights, so that readouts at many frequencies are played and heard at once;
they begin anew with each start, in waveforms and weights alike, which is why their common phase
does not show in a result. What differs from point to point takes a waveform or a set of weights
for each point.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from podium.control.compilers.errors import DoesNotFit, TooLarge
from podium.control.compilers.placing import (
    Carrier,
    PlacedFrame,
    PlacedPulse,
    PlacedWindow,
    in_ticks,
)
from podium.control.compilers.points import FloatArray, IntArray, describe, where_first
from podium.control.compilers.zurich.layout import floor
from podium.control.compilers.zurich.readout_contents import (
    Listening,
    Sound,
    Sounds,
    waveform_of,
    weights_of,
)
from podium.control.compilers.zurich.readout_steps import START_SPACING, Group, steps_of
from podium.control.compilers.zurich.shots import Shots, combined
from podium.control.compilers.zurich.starts import check_apart, check_retuned, first_ticks
from podium.control.compilers.zurich.steps import Steps
from podium.control.program.program import Axis
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.zurich.awg_limits import (
    BAND_HZ,
    INTEGRATION_STEP,
    READOUT_SAMPLES,
    SHF_RATE_HZ,
    WAVE_MIN,
)
from podium.firmware_interfaces.zurich.program import IntegrationWeights, ReadoutWaveform

DIGITS = 12
"""Amplitudes and phases of waveforms, to so many digits: equal ones are stored once."""
MASK_BITS = 62
"""Slots that a mask of 64 bits tells apart; there are fewer, and more are refused later."""


@dataclass(frozen=True, slots=True, eq=False)
class _Item:
    """A pulse or a window in ticks."""

    frame: str
    what: PlacedPulse | PlacedWindow
    start: IntArray
    late_fs: IntArray
    """By how much it begins later, see ``starts``."""
    samples: int
    turns: FloatArray
    """Phase of its carrier continued back to the shot's start; of no use by itself."""
    offset_hz: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Where a capture is found."""

    name: str
    frame: str
    slots: tuple[int, ...]
    entry: int
    samples: int


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
    first: int | None = None
    """When the first shot starts its first integration, from the multiple of 16 samples at or
    before the shot's begin; None: it listens to nothing."""


def read(
    frames: Sequence[PlacedFrame],
    lo_hz: float,
    shots: Shots,
    axes: tuple[Axis, ...],
    slots_max: int,
    rest_fs: int = 0,
) -> Readout:
    """Return what a channel does; raises :class:`DoesNotFit` and :class:`TooLarge`.

    ``rest_fs``: of a skew, below a sample; it moves soft pulses.
    """
    return _Channel(frames, lo_hz, shots, axes, slots_max, rest_fs).readout()


class _Channel:
    def __init__(
        self,
        frames: Sequence[PlacedFrame],
        lo_hz: float,
        shots: Shots,
        axes: tuple[Axis, ...],
        slots_max: int,
        rest_fs: int,
    ) -> None:
        self._rest_fs = rest_fs
        self._axes, self._shots, self._slots_max = axes, shots, slots_max
        self._names = ", ".join(one.frame.name for one in frames)
        self._items = [item for frame in frames for item in self._of(frame, lo_hz)]
        arrays = [
            a for one in self._items for a in (one.start, one.late_fs, one.turns, one.offset_hz)
        ]
        arrays += [one.what.amplitude for one in self._items if isinstance(one.what, PlacedPulse)]
        self._shape = shots.shape_of([*arrays, shots.samples])
        self._offset = shots.offsets(self._shape)
        self._waves: dict[Sounds, int] = {}
        self._weights: dict[Listening, int] = {}

    def _of(self, placed: PlacedFrame, lo_hz: float) -> list[_Item]:
        made = []
        name = placed.frame.name
        these: tuple[PlacedPulse | PlacedWindow, ...] = (*placed.pulses, *placed.windows)
        for one in these:
            where = f"{name}: statement {one.statement}"
            late_fs = np.zeros((1,) * len(self._axes), np.int64)
            if isinstance(one, PlacedPulse):
                what = f"{where} (Play)"
                start, late_fs, length = first_ticks(
                    one, SHF_RATE_HZ, what, self._axes, self._rest_fs
                )
            else:
                what = f"{where} (Capture)"
                check_retuned(one.carrier, SHF_RATE_HZ, what, self._axes)
                start = in_ticks(one.start_fs, SHF_RATE_HZ, what, self._axes)
                duration = np.array(one.duration_fs)
                length = int(in_ticks(duration, SHF_RATE_HZ, f"{where}, its duration", ()))
            hz = one.carrier.frequency_hz - lo_hz
            far = np.abs(hz) > BAND_HZ
            if far.any():
                at = where_first(far, self._axes)
                raise DoesNotFit(
                    f"{name}: {one.carrier.frequency_hz[at]:.12g} Hz is {hz[at] / 1e6:+.6g} MHz "
                    f"from the local oscillator at {lo_hz:.12g} Hz "
                    f"({describe(at, far.shape, self._axes)}); at most {BAND_HZ / 1e6:g} MHz"
                )
            made.append(_Item(name, one, start, late_fs, length, _turns(one.carrier), hz))
        pulses = [one for one in made if isinstance(one.what, PlacedPulse)]
        apart = [(one.what.statement, one.start, one.late_fs, one.samples) for one in pulses]
        check_apart(name, apart, self._axes)
        return made

    def readout(self) -> Readout:
        shots, shape = self._shots, self._shape
        flat = [shots.flat(one.start, shape) for one in self._items]
        rows = [*flat, shots.flat(shots.samples, shape), self._offset]
        columns, pattern = combined(np.stack(rows))
        groups = [self._groups(column) for column in columns.T.tolist()]
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
            self._too_long("windows that are open", length)
        self._delay = delay
        slots: dict[str, IntArray] = {}
        entry: dict[str, int] = {}
        starts: list[list[IntArray]] = []
        for number, all_of in enumerate(groups):
            points = np.flatnonzero(pattern == number)
            starts.append([self._generated(group, points) for group in all_of])
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
        entries = {len([g for g in all_of if g.windows]) for all_of in groups}
        if len(entries) > 1:
            raise DoesNotFit(
                f"{self._names}: captures are one readout at some points and several at others; "
                "keep them together or apart"
            )
        self._check_slots()
        every = (1 << len(self._weights)) - 1
        steps = steps_of(self._names, self._shape, columns, pattern, groups, starts, every)
        heard = tuple(
            Heard(name, frame, self._of_points(slots[name]), entry[name], samples)
            for name, frame, samples in self._captures()
        )
        return Readout(
            steps,
            tuple(waveform_of(one, slot) for one, slot in self._waves.items()),
            tuple(weights_of(one, slot, length, delay) for one, slot in self._weights.items()),
            heard,
            entries.pop() if entries else 0,
            length,
            delay,
            next((group.begin for group in groups[pattern[0]] if group.windows), None),
        )

    def _captures(self) -> list[tuple[str, str, int]]:
        return [
            (one.what.name, one.frame, one.samples)
            for one in self._items
            if isinstance(one.what, PlacedWindow)
        ]

    def _name(self, k: int) -> str:
        what = self._items[k].what
        assert isinstance(what, PlacedWindow)
        return what.name

    def _groups(self, column: list[int]) -> list[Group]:
        """Return what is read out together, in time, with instants on the grid of the run."""
        *starts, shot, offset = column
        order = sorted(range(len(starts)), key=lambda k: starts[k])
        made: list[list[int]] = []
        until = -1
        for k in order:
            begin, end = offset + starts[k], offset + starts[k] + self._items[k].samples
            if made and floor(begin) < max(
                until, floor(offset + starts[made[-1][0]]) + START_SPACING
            ):
                made[-1].append(k)
                until = max(until, end)
            else:
                made.append([k])
                until = end
            if (
                isinstance(self._items[k].what, PlacedWindow)
                and starts[k] + self._items[k].samples > shot
            ):
                over = (starts[k] + self._items[k].samples - shot) / 2
                raise DoesNotFit(
                    f"{self._items[k].frame}: capture {self._name(k)!r} is open {over:g} ns beyond "
                    f"the end of the shot; add a Delay of {over:g} ns at the end"
                )
        groups: list[Group] = []
        for one in made:
            begin = floor(offset + starts[one[0]])
            begin = min(begin, floor(offset + shot) - START_SPACING)
            free = groups[-1].begin + START_SPACING if groups else 0
            if begin < free or (not groups and begin < WAVE_MIN):
                begin = free
            groups.append(self._group(begin, one, starts, offset))
        return groups

    def _group(self, begin: int, these: list[int], starts: list[int], offset: int) -> Group:
        at = {k: offset + starts[k] - begin for k in these}
        sounds = [k for k in these if isinstance(self._items[k].what, PlacedPulse)]
        windows = [k for k in these if k not in sounds]
        played = max((at[k] + self._items[k].samples for k in sounds), default=0)
        if played > READOUT_SAMPLES:
            self._too_long("pulses that are played", played)
        listens = min((at[k] for k in windows), default=None)
        deaf = max((at[k] + self._items[k].samples for k in windows), default=0)
        return Group(
            begin,
            at,
            tuple(sounds),
            tuple(windows),
            None if listens is None else listens // INTEGRATION_STEP * INTEGRATION_STEP,
            deaf,
        )

    def _too_long(self, what: str, samples: int) -> None:
        raise DoesNotFit(
            f"{self._names}: {what} in one readout last {samples / 2:g} ns, at most "
            f"{READOUT_SAMPLES / 2:g} ns: the channel holds {READOUT_SAMPLES} samples; make them "
            "shorter"
        )

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
        return (np.round(turns, DIGITS) % 1.0).tolist(), hz.tolist()

    def _flat(self, array: FloatArray, points: IntArray) -> FloatArray:
        return self._shots.flat(array, self._shape)[points]

    def _generated(self, group: Group, points: IntArray) -> IntArray:
        """Return which waveforms a group plays, as bits, at each of ``points``."""
        bits = np.zeros(len(points), np.int64)
        for frame in dict.fromkeys(self._items[k].frame for k in group.sounds):
            mine = [k for k in group.sounds if self._items[k].frame == frame]
            sounds_of: list[list[Sound]] = [[] for _ in points]
            for k in mine:
                item = self._items[k]
                assert isinstance(item.what, PlacedPulse)
                amplitudes = self._flat(item.what.amplitude, points)
                turns, hz = self._carried(group, k, points)
                late_fs = self._shots.flat(item.late_fs, self._shape)[points].tolist()
                louds = np.round(amplitudes, DIGITS).tolist()
                for sounds, a, t, f, late in zip(sounds_of, louds, turns, hz, late_fs, strict=True):
                    if a:
                        sounds.append(Sound(item.what.waveform, group.at[k], a, t, f, late))
            for place, sounds in enumerate(sounds_of):
                if sounds:
                    content = Sounds(frame, tuple(sounds))
                    slot = self._waves.setdefault(content, len(self._waves))
                    bits[place] |= 1 << min(MASK_BITS, slot)
        self._check_sum(bits)
        return bits

    def _check_sum(self, bits: IntArray) -> None:
        """Raise :class:`DoesNotFit` where waveforms that are played together are too loud."""
        for mask in np.unique(bits).tolist():
            loudest = sum(
                max(abs(one.amplitude) for one in content.sounds)
                for content, slot in self._waves.items()
                if slot < MASK_BITS and mask >> slot & 1
            )
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
        found = [
            Listening(item.frame, at, item.samples, t, f) for t, f in zip(turns, hz, strict=True)
        ]
        return np.array([self._weights.setdefault(one, len(self._weights)) for one in found])

    def _check_slots(self) -> None:
        needed = max(len(self._waves), len(self._weights))
        if needed > self._slots_max:
            raise TooLarge(
                f"{self._names}: needs {needed} readout waveforms or integrators, at most "
                f"{self._slots_max} in one channel: each frequency, amplitude or place on the grid "
                "of 16 samples takes one; ask for fewer points at once",
                needed,
                self._slots_max,
            )

    def _of_points(self, slots: IntArray) -> tuple[int, ...]:
        """Return the integrators of a capture at all points of a round, or the one of all."""
        if (slots == slots[0]).all():
            return (int(slots[0]),)
        counted = self._shots.counted(self._shape)
        return tuple(np.broadcast_to(slots.reshape(self._shape), counted).ravel().tolist())


def _turns(carrier: Carrier) -> FloatArray:
    """Return the phase of a carrier continued back to the shot's start."""
    turns = carrier.turns
    for one in carrier.retuned:
        moved_hz = one.from_hz - one.to_hz
        turns = turns + np.where(one.counts, moved_hz * (one.at_fs / FS_PER_S), 0.0)
    return turns
