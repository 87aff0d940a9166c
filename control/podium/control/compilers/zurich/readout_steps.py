"""Turns groups of readouts into the steps of a quantum analyzer's sequencer."""

from dataclasses import dataclass

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.points import IntArray
from podium.control.compilers.zurich.layout import floor
from podium.control.compilers.zurich.oscillators import Oscillators
from podium.control.compilers.zurich.shots import combined
from podium.control.compilers.zurich.steps import FixedText, Kind, Silence, Steps
from podium.firmware_interfaces.zurich.awg_limits import PLAY_MAX, WAVE_MIN

START_SPACING = 96
"""Samples from one start to the next, and to the end of the shot: a start compiles to six
instructions of 4 ns, the silence after it and the end of a loop to some more."""


@dataclass(frozen=True, slots=True)
class Group:
    """Pulses and windows that one start of the channel serves."""

    begin: int
    """Of the start, from the multiple of 16 samples at or before the shot's begin."""
    at: dict[int, int]
    """By item, in time: how long after the start it begins."""
    sounds: tuple[int, ...]
    windows: tuple[int, ...]
    listens: int | None
    """When its first window opens, on the grid of integration delays."""
    deaf: int
    """When its last window closes."""


def steps_of(
    names: str,
    shape: tuple[int, ...],
    columns: IntArray,
    pattern: IntArray,
    groups: list[list[Group]],
    masks: list[list[IntArray]],
    integrators: int,
    carriers: Oscillators | None = None,
    register: int = 0,
) -> Steps:
    """Return what the sequencer does at all points of ``shape``.

    ``columns``: by pattern instants, and last length of the shot and its offset on the grid;
    ``groups`` and ``masks``: by pattern what is started, and with which waveforms at each of its
    points; ``integrators``: those that run, as bits; ``carriers``: what readouts ride on, set in
    the silence before the first of a shot; ``register``: of a PQSC, for results. Raises
    :class:`DoesNotFit` where starts are too close to the end of the shot, or that silence is too
    short.
    """
    kinds: dict[tuple[Kind, ...], int] = {}
    class_of = np.zeros(len(pattern), np.int64)
    rows: list[list[tuple[IntArray, list[IntArray]]]] = []
    for number, column in enumerate(columns.T.tolist()):
        points = np.flatnonzero(pattern == number)
        *_, shot, offset = column
        bits = np.array(masks[number], np.int64).reshape(len(groups[number]), len(points))
        # Without a start all points are alike.
        unique, inverse = combined(bits) if len(bits) else (bits[:, :1], np.zeros(len(points)))
        for which in range(unique.shape[1]):
            played = unique[:, which].tolist()
            alike = points[inverse == which]
            for these in [alike] if carriers is None else carriers.alike(shape, alike):
                made, numbers = _point(
                    names, shot, offset, groups[number], played, integrators, register
                )
                if carriers is not None and groups[number]:
                    free = groups[number][0].begin
                    made, tuned = _tuned(names, made, numbers, free, carriers, shape, these)
                else:
                    tuned = [np.full(len(these), one) for one in numbers]
                known = kinds.setdefault(made, len(kinds))
                if known == len(rows):
                    rows.append([])
                class_of[these] = known
                rows[known].append((these, tuned))
    numbers_of = []
    for parts in rows:
        points = np.concatenate([these for these, _ in parts])
        numbers_here = np.concatenate([np.stack(one, axis=1) for _, one in parts])
        numbers_of.append(numbers_here[np.argsort(points, kind="stable")])
    return Steps(shape, class_of, tuple(kinds), tuple(numbers_of))


def _point(
    names: str,
    shot: int,
    offset: int,
    groups: list[Group],
    masks: list[int],
    integrators: int,
    register: int,
) -> tuple[tuple[Kind, ...], list[int]]:
    """Return kinds and numbers of one point: a start is said after the silence that begins then."""
    kinds: list[Kind] = []
    numbers: list[int] = []
    at, end = 0, floor(offset + shot)
    begun: FixedText | None = None
    for group, mask in [*zip(groups, masks, strict=True), (None, 0)]:
        begin = end if group is None else group.begin
        gap = begin - at
        if gap < WAVE_MIN and (gap or begun is not None):
            raise DoesNotFit(
                f"{names}: {gap / 2:g} ns from the start of a readout to the next, or to the end "
                f"of the shot; at least {START_SPACING / 2:g} ns: add a Delay"
            )
        times = max(0, gap - WAVE_MIN) // PLAY_MAX
        rest = gap - times * PLAY_MAX
        if gap:
            kinds.append(Silence())
            numbers.append(rest)
            if begun is not None:
                kinds.append(begun)
                numbers.append(0)
            if times:
                kinds.append(FixedText(f"repeat ({times}) {{ playZero({PLAY_MAX}); }}"))
                numbers.append(0)
        asked = 0 if group is None or not group.windows else integrators
        begun = None if group is None else _start(mask, asked, register)
        at = begin
    return tuple(kinds), numbers


def _tuned(
    names: str,
    kinds: tuple[Kind, ...],
    numbers: list[int],
    free: int,
    carriers: Oscillators,
    shape: tuple[int, ...],
    points: IntArray,
) -> tuple[tuple[Kind, ...], list[IntArray]]:
    """Return kinds and numbers of points with the same start, in which carriers are set at first.

    ``free``: silence before the first readout, in samples. What is said after a playZero happens
    when that begins.
    """
    every = [np.full(len(points), one) for one in numbers]
    said = carriers.tune(shape, points)
    needed = carriers.tuning
    if free < needed + WAVE_MIN:
        raise DoesNotFit(
            f"{names}: a shot has {free / 2:g} ns of silence before its first readout; its "
            f"carriers are set in at least {(needed + WAVE_MIN) / 2:g} ns: add a Delay"
        )
    first = np.full(len(points), needed)
    rest = np.full(len(points), numbers[0] - needed)
    none = np.zeros(len(points), np.int64)
    said.append((FixedText("resetOscPhase();"), none))
    made = (Silence(), *(kind for kind, _ in said), Silence(), *kinds[1:])
    return made, [first, *(number for _, number in said), rest, *every[1:]]


def _start(mask: int, integrators: int, register: int) -> FixedText:
    waves = _bits("QA_GEN_", mask)
    weights = _bits("QA_INT_", integrators)
    return FixedText(f"startQA({waves}, {weights}, true, {register}, 0b0);")


def _bits(name: str, mask: int) -> str:
    bits = [f"{name}{k}" for k in range(mask.bit_length()) if mask >> k & 1]
    return " | ".join(bits) if bits else "0"
