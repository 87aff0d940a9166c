"""Finds where machine code plays something else than its program means, beyond rounding.

The threshold comes from the steps of the instrument. The product of sample and gain is floored to a
word of the converter: one step on each path, I and Q. The oscillator's phase has steps of 1e-9
turns, in its own register, in the operand of ``set_ph`` and in the emulator's last digit.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.compilers.qblox.rounding import FULL_SCALE_WORD
from podium.control.pictures.view import Lane, Opening, Stretch
from podium.control.program.render import RenderedCapture

PHASE_SLACK_TURNS = 3e-9
SLACK_WORDS = 1 + 2 * math.pi * PHASE_SLACK_TURNS * FULL_SCALE_WORD
"""What rounding alone can make between two samples, on each path."""
WINDOW_SLACK_TURNS = 1e-7
"""Of a window's phase: the sum of frequency times time over a shot, in floating point."""
THRESHOLD = "one step of the converter (1/32766 of full scale) on each of I and Q"
APART_NS = 64
"""Differences that are nearer to each other than this are reported as one; as far a pulse is looked
for that comes too early or too late."""
ALIKE = 0.002
"""Two shapes are the same where they differ by less than this share of their height."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the two are not the same."""

    frame: str
    start_ns: int
    """From the start of the shot."""
    end_ns: int
    what: str
    """In words, e.g. ``play 3, Drag 40 ns: its amplitude is 1.05 times what is meant``."""


def differences_of(
    meant: Lane,
    played: Lane,
    expected: NDArray[np.complex128],
    captures: tuple[RenderedCapture, ...],
    integration_ns: int,
) -> Iterator[Difference]:
    """Yield where ``played`` is not what is ``expected``, with the words of ``meant`` for it.

    ``expected``: samples of the frame by the reference renderer about the local oscillator, shape
    (duration of the shot in ns,); ``captures``: those of this frame.
    """
    got, turning = _dense(played, len(expected))
    heard = np.flatnonzero((got != 0) | (expected != 0))
    between = (got[heard] - expected[heard] * FULL_SCALE_WORD) * turning[heard].conj()
    off = (np.abs(between.real) > SLACK_WORDS) | (np.abs(between.imag) > SLACK_WORDS)
    for pulse, where in _of_pulses(meant.stretches, heard[off]):
        named, first, last = "", int(where[0]), int(where[-1]) + 1
        begin, end = first, last
        if pulse is not None:
            named = f"statement {pulse.statement}, {pulse.name}: "
            begin, end = pulse.start_ns, min(pulse.end_ns, len(expected))
        how = _how(expected, got, begin, end)
        yield Difference(meant.frame, first, last, f"{named}{how}")
    yield from _windows(meant.frame, played.openings, captures, integration_ns)


def _dense(lane: Lane, count: int) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Return what a lane plays about the local oscillator, in words, and how far its own has turned
    then (1 where nothing is played); both of shape (count,).
    """
    words, turned = np.zeros(count, np.complex128), np.ones(count, np.complex128)
    for one in lane.stretches:
        samples = one.samples[: max(0, count - one.start_ns)]
        turns = one.turns + lane.carrier_turns(one.start_ns)
        nco_hz = one.frequency_hz - lane.lo_hz
        turning = np.exp(2j * np.pi * (turns + nco_hz * 1e-9 * np.arange(len(samples))))
        here = slice(one.start_ns, one.start_ns + len(samples))
        words[here] += samples * turning * FULL_SCALE_WORD
        turned[here] = turning
    return words, turned


def _of_pulses(
    pulses: tuple[Stretch, ...], off: NDArray[np.int64]
) -> Iterator[tuple[Stretch | None, NDArray[np.int64]]]:
    """Yield the samples that are off, pulse by pulse; those beside a pulse that is off go with it.

    The rest comes in groups of samples that are near each other, with no pulse.
    """
    left = np.ones(len(off), np.bool_)
    groups: list[tuple[Stretch | None, NDArray[np.int64]]] = []
    for pulse in pulses:
        inside = (off >= pulse.start_ns) & (off < pulse.end_ns) & left
        if inside.any():
            left &= ~inside
            groups.append((pulse, off[inside]))
    for number, (near, where) in enumerate(groups):
        if near is None:
            continue
        first, last = near.start_ns, near.end_ns
        while True:
            beside = (off >= first - APART_NS) & (off < last + APART_NS) & left
            if not beside.any():
                break
            left &= ~beside
            where = np.union1d(where, off[beside])
            first, last = min(first, int(where[0])), max(last, int(where[-1]) + 1)
        groups[number] = (near, where)
    rest = off[left]
    breaks = np.flatnonzero(np.diff(rest) > APART_NS) + 1
    groups += [(None, part) for part in np.split(rest, breaks) if len(part)]
    yield from sorted(groups, key=lambda group: int(group[1][0]))


def _how(
    expected: NDArray[np.complex128], got: NDArray[np.complex128], begin: int, end: int
) -> str:
    """Say in words how ``got`` (words) differs from ``expected`` from ``begin`` to ``end``."""
    here, there = expected[begin:end] * FULL_SCALE_WORD, got[begin:end]
    height = float(np.abs(here).max(initial=0))
    reach = np.abs(got[max(0, begin - APART_NS) : end + APART_NS])
    if height == 0:
        played = float(np.abs(there).max(initial=0))
        return f"{played / FULL_SCALE_WORD:.4g} of full scale is played where nothing is meant"
    if reach.max(initial=0) == 0:
        return f"nothing is played where {height / FULL_SCALE_WORD:.4g} of full scale is meant"
    alike = max(4 * SLACK_WORDS, ALIKE * height)
    factor = complex(np.vdot(here, there) / np.vdot(here, here))
    if np.abs(there - factor * here).max() <= alike:
        turned = math.degrees(math.atan2(factor.imag, factor.real))
        told = []
        if abs(abs(factor) - 1) * height > SLACK_WORDS / 2:
            told.append(
                f"its amplitude is {abs(factor) * height / FULL_SCALE_WORD:.5g} of full scale, "
                f"meant is {height / FULL_SCALE_WORD:.5g}"
            )
        if math.radians(abs(turned)) * height > SLACK_WORDS:
            told.append(f"its phase is {turned:+.3f} degrees off")
        return " and ".join(told) or "some samples are off"
    lengths = np.pad(np.abs(got), APART_NS)
    for late_ns in sorted(range(-APART_NS, APART_NS + 1), key=abs):
        moved = lengths[begin + late_ns + APART_NS : end + late_ns + APART_NS]
        if np.abs(np.abs(here) - moved).max() <= alike:
            if late_ns == 0:
                return "its phase changes otherwise than is meant"
            return f"it comes {abs(late_ns)} ns too {'late' if late_ns > 0 else 'early'}"
    most = float(np.abs(there - here).max()) / FULL_SCALE_WORD
    return f"it has another shape, off by up to {most:.4g} of full scale"


def _windows(
    frame: str,
    openings: tuple[Opening, ...],
    captures: tuple[RenderedCapture, ...],
    integration_ns: int,
) -> Iterator[Difference]:
    left = list(openings)
    for capture in captures:
        mine = next((one for one in left if one.name == capture.name), None)
        begin, end = capture.start_ns, capture.start_ns + capture.duration_ns
        if mine is None:
            what = f"capture {capture.name}: no window opens"
            yield Difference(frame, begin, end, what)
            continue
        left.remove(mine)
        phase = (mine.turns - capture.phase_turns + 0.5) % 1 - 0.5
        told = []
        if mine.start_ns != begin:
            told.append(f"opens at {mine.start_ns} ns, meant is {begin} ns")
        if integration_ns != capture.duration_ns:
            told.append(f"is open {integration_ns} ns, meant are {capture.duration_ns} ns")
        if abs(mine.frequency_hz - capture.frequency_hz) > 1e-3:
            told.append(
                f"demodulates at {mine.frequency_hz:.12g} Hz, meant are {capture.frequency_hz:.12g}"
            )
        elif abs(phase) > WINDOW_SLACK_TURNS:
            told.append(f"demodulates {phase * 360:+.4f} degrees off")
        if told:
            where = min(begin, mine.start_ns), max(end, mine.end_ns)
            yield Difference(frame, *where, f"capture {capture.name}: {'; '.join(told)}")
    for one in left:
        yield Difference(
            frame, one.start_ns, one.end_ns, f"capture {one.name}: a window opens that is not meant"
        )
