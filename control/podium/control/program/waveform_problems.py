"""Checks pulses: durations are whole femtoseconds, samples are numbers within full scale."""

from collections.abc import Iterator
from math import hypot, isfinite, pi
from numbers import Integral

from podium.control.program.waveforms import (
    Drag,
    FlatTop,
    Gaussian,
    NetZero,
    Sampled,
    Slepian,
    Square,
    Waveform,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_US

SAMPLE_TOLERANCE = 1e-9
"""By so much a sample may exceed full scale: rounding of numbers."""


def whole_problems(time_fs: object, what: str) -> Iterator[str]:
    """Yield that a time is no whole number of femtoseconds, where it is none."""
    if not isinstance(time_fs, Integral):
        yield f"{what} is {time_fs!r}; times are whole femtoseconds, 1 us is {FS_PER_US}"


def waveform_problems(waveform: Waveform) -> Iterator[str]:
    """Yield what is wrong with a pulse, with the place and the limit."""
    yield from whole_problems(waveform.duration_fs, "duration_fs")
    if waveform.duration_fs <= 0:
        yield f"{waveform} lasts {waveform.duration_fs} fs; more than 0"
    match waveform:
        case Gaussian(_, sigma_fs) | Drag(_, sigma_fs, _):
            yield from whole_problems(sigma_fs, "sigma_fs")
            if sigma_fs <= 0:
                yield f"sigma_fs is {sigma_fs}; more than 0"
        case FlatTop(duration_fs, rise_fs):
            yield from whole_problems(rise_fs, "rise_fs")
            if not 0 <= 2 * rise_fs <= duration_fs:
                yield f"rise_fs is {rise_fs}; from 0 to half of the duration, {duration_fs // 2}"
        case NetZero(duration_fs, rise_fs, gap_fs, ratio, gap_level):
            yield from whole_problems(rise_fs, "rise_fs")
            yield from whole_problems(gap_fs, "gap_fs")
            if not 0 <= gap_fs < duration_fs:
                yield f"gap_fs is {gap_fs}; from 0 to less than the duration, {duration_fs}"
            elif not 0 <= 4 * rise_fs <= duration_fs - gap_fs:
                most = (duration_fs - gap_fs) // 4
                yield f"rise_fs is {rise_fs}; from 0 to half of a half, {most}"
            if not 0 < ratio <= 1:
                yield (
                    f"ratio of a NetZero is {ratio!r}; above 0 and at most 1: its first half is at "
                    "1, which no sample is beyond (a Sampled pulse has its higher half anywhere)"
                )
            if not abs(gap_level) <= 1:
                yield f"gap_level of a NetZero is {gap_level!r}; from -1 to 1, of its halves"
        case Slepian():
            yield from _slepian(waveform)
        case Sampled():
            yield from _samples(waveform)
        case Square():
            pass


def _slepian(waveform: Slepian) -> Iterator[str]:
    first, last = waveform.theta_initial, waveform.theta_final
    if not 0 < first < last < pi:
        yield f"the angles of a Slepian go from {first} to {last} rad; from above 0 up, below pi"
    for what in ("lambda_2", "lambda_3"):
        if not isfinite(getattr(waveform, what)):
            yield f"{what} of a Slepian is {getattr(waveform, what)}; a finite number"


def _samples(waveform: Sampled) -> Iterator[str]:
    """Yield what is wrong with samples; of many the first one."""
    real, imaginary, step_fs = waveform.real, waveform.imaginary, waveform.step_fs
    yield from whole_problems(step_fs, "step_fs")
    whole, rest = divmod(step_fs, FS_PER_NS)
    if rest or whole < 1:
        least = max(whole, 1)
        yield (
            f"its samples are {step_fs} fs apart, off the grid: whole nanoseconds, nearest "
            f"{least * FS_PER_NS} fs or {(least + 1) * FS_PER_NS} fs"
        )
    if imaginary and len(imaginary) != len(real):
        yield f"it has {len(real)} real samples and {len(imaginary)} imaginary ones; as many wanted"
        return
    for place, (one, other) in enumerate(zip(real, imaginary or (0.0,) * len(real), strict=True)):
        if not isfinite(one) or not isfinite(other):
            shown = one if not isfinite(one) else other
            yield f"sample {place} of {len(real)} is {shown}; a finite number from -1 to 1"
            return
        height = hypot(one, other)
        if height > 1 + SAMPLE_TOLERANCE:
            yield f"sample {place} of {len(real)} is {height:.6g} of full scale; at most 1"
            return
