"""Samples envelopes at 1 GSa/s: the ideal, before any hardware rounds it.

Sample ``j`` stands for the nanosecond from ``j`` to ``j + 1`` and is the envelope at its
middle, so a symmetric envelope has symmetric samples. A pulse may start between two samples.
"""

from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

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
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S, OffGridError

FloatArray: TypeAlias = NDArray[np.floating[Any]]
Times = TypeVar("Times", int, NDArray[np.int64])

STEPS = 40
"""Of looking for where to sample: each makes what is left some three times smaller, or better."""


def duration_ns(waveform: Waveform) -> int:
    """Return the duration in whole nanoseconds; raise :class:`OffGridError` where it is not."""
    whole, rest = divmod(waveform.duration_fs, FS_PER_NS)
    if rest:
        raise OffGridError(
            f"{type(waveform).__name__} of {waveform.duration_fs} fs: samples are 1 ns, "
            f"so it must last {whole} ns or {whole + 1} ns"
        )
    return whole


def is_hard(waveform: Waveform) -> bool:
    """Return whether the pulse has edges shorter than a sample, whose place shows in one sample."""
    match waveform:
        case Square() | Sampled():
            return True
        case FlatTop(rise_fs=rise_fs) | NetZero(rise_fs=rise_fs):
            return rise_fs < FS_PER_NS
        case _:
            return False


def first_sample(waveform: Waveform, start_fs: Times, rest_fs: int = 0) -> tuple[Times, Times]:
    """Return the nanosecond of the first sample of a pulse, and how much later it starts, fs.

    ``start_fs``: from the start of the shot, a number or an array; the second of what is returned
    is what :func:`sample_envelope` is to be given. Soft pulses start at the nearest nanosecond and
    come up to half a sample earlier or later, so that pulses in a row never share one; hard ones
    start at the one before. ``rest_fs``: by how much the whole shot comes later than the grid, up
    to half a sample to either side: it moves soft pulses only.
    """
    early_fs = 0 if is_hard(waveform) else FS_PER_NS // 2
    moved_fs = start_fs if is_hard(waveform) else start_fs + rest_fs
    tick_ns = (moved_fs + early_fs) // FS_PER_NS
    return tick_ns, moved_fs - tick_ns * FS_PER_NS


def sample_envelope(waveform: Waveform, late_fs: int = 0) -> NDArray[np.complex128]:
    """Return the samples of ``waveform``, shape (duration in ns,), peak 1 in the real part.

    ``late_fs``: by how much it starts later than its first sample, see :func:`first_sample`. A
    soft pulse is sampled there: up to half a sample earlier or later, as many samples. Of a hard
    one each sample is the mean over its nanosecond, and there is one more. Raises
    :class:`OffGridError` where the duration is not a whole number of nanoseconds, or is that of one
    sample, which cannot say when a soft pulse comes; ValueError for more than that.
    """
    count = duration_ns(waveform)
    hard = is_hard(waveform)
    low, high = (0, FS_PER_NS - 1) if hard else (-FS_PER_NS // 2, FS_PER_NS // 2)
    if not low <= late_fs <= high:
        raise ValueError(
            f"{type(waveform).__name__}, {late_fs} fs late: from {low} to {high} fs; the rest is "
            "whole samples"
        )
    if late_fs == 0:
        return _at_fs(waveform, (np.arange(count) + 0.5) * FS_PER_NS)
    if hard:
        borders_fs = np.arange(count + 2) * float(FS_PER_NS) - late_fs
        if isinstance(waveform, Sampled) and waveform.imaginary:
            other = replace_real(waveform, waveform.imaginary)
            both = _area_fs(waveform, borders_fs) + 1j * _area_fs(other, borders_fs)
            return np.asarray(np.diff(both) / FS_PER_NS, np.complex128)
        return np.diff(_area_fs(waveform, borders_fs)).astype(np.complex128) / FS_PER_NS
    if count == 1:
        raise OffGridError(
            f"{type(waveform).__name__} of one sample, {late_fs} fs from the grid: it has no "
            "second one that would say when it comes; make it longer, or start it on the grid"
        )
    return _moved(waveform, count, late_fs)


def _at_fs(waveform: Waveform, time_fs: FloatArray) -> NDArray[np.complex128]:
    """Return the envelope at times from its start; 0 outside of its duration."""
    match waveform:
        case Square():
            found: NDArray[Any] = np.ones(len(time_fs))
        case Gaussian(duration_fs, sigma_fs):
            found = _gaussian(time_fs, duration_fs, sigma_fs)
        case Drag(duration_fs, sigma_fs, beta_s):
            envelope = _gaussian(time_fs, duration_fs, sigma_fs)
            slope_1_s = _gaussian_slope_1_fs(time_fs, duration_fs, sigma_fs) * FS_PER_S
            found = envelope + 1j * beta_s * slope_1_s
        case FlatTop(duration_fs, rise_fs):
            found = _flat_top(time_fs, duration_fs, rise_fs)
        case NetZero(ratio=ratio):
            half, behind_fs = halves(waveform)
            first, second = _at_fs(half, time_fs).real, _at_fs(half, time_fs - behind_fs).real
            found = np.sqrt(first) - ratio * np.sqrt(second)
            if waveform.gap_level:
                to_middle_fs = time_fs - waveform.duration_fs / 2
                level = waveform.gap_level * np.where(to_middle_fs < 0, 1.0, -ratio)
                found = np.where(2 * np.abs(to_middle_fs) < waveform.gap_fs, level, found)
        case Slepian():
            found = _slepian(waveform, time_fs)
        case Sampled(real=real, imaginary=imaginary, step_fs=step_fs):
            at = np.clip(np.floor(time_fs / step_fs).astype(np.int64), 0, max(len(real) - 1, 0))
            found = np.array(real)[at] if real else np.zeros(len(time_fs))
            if imaginary:
                found = found + 1j * np.array(imaginary)[at]
    within = (time_fs > 0) & (time_fs < waveform.duration_fs)
    return np.where(within, found, 0).astype(np.complex128)


def _moved(waveform: Waveform, count: int, late_fs: int) -> NDArray[np.complex128]:
    """Return the samples of a soft pulse whose middle comes exactly ``late_fs`` later.

    Where it starts or ends with a kink, as most do, sampling alone would miss by some ps (20 ps
    for edges of 2 ns), so it is looked for where to sample; that is quickly found where edges last
    a sample or more.
    """
    middle_fs = (np.arange(count) + 0.5) * FS_PER_NS
    before_fs = _middle_fs(waveform, _at_fs(waveform, middle_fs).real)
    by_fs = float(late_fs)
    for _ in range(STEPS):
        samples = _at_fs(waveform, middle_fs - by_fs)
        off_fs = _middle_fs(waveform, samples.real) - before_fs - late_fs
        if abs(off_fs) < 0.5:
            break
        by_fs = float(np.clip(by_fs - off_fs, -FS_PER_NS / 2, FS_PER_NS / 2))
    return samples


def _middle_fs(waveform: Waveform, samples: FloatArray) -> float:
    """Return where the middle of a pulse is: of a flat top, halfway between its two edges.

    Of all others it is the centre of mass. The edges of a flat top say the same of its middle
    however far they are from each other.
    """
    if isinstance(waveform, FlatTop):
        half = len(samples) // 2
        return float(np.sum(samples[-half:]) - np.sum(samples[:half])) / 2 * FS_PER_NS
    if isinstance(waveform, NetZero):  # its areas cancel, those of its square do not
        samples = samples**2
    return float(np.sum(samples * np.arange(len(samples))) / np.sum(samples)) * FS_PER_NS


def _area_fs(waveform: Waveform, time_fs: FloatArray) -> FloatArray:
    """Return the integral of the real part of a hard pulse from its start."""
    match waveform:
        case NetZero(ratio=ratio):
            half, behind_fs = halves(waveform)
            area_fs = _half_area_fs(half, time_fs)
            area_fs = area_fs - ratio * _half_area_fs(half, time_fs - behind_fs)
            if not waveform.gap_level:
                return area_fs
            length_fs = waveform.gap_fs / 2
            first_fs = np.clip(time_fs - half.duration_fs, 0, length_fs)
            second_fs = np.clip(time_fs - half.duration_fs - length_fs, 0, length_fs)
            return np.asarray(area_fs + waveform.gap_level * (first_fs - ratio * second_fs))
        case Sampled(real=real, step_fs=step_fs):
            borders_fs = np.arange(len(real) + 1) * float(step_fs)
            area_fs = np.concatenate([[0.0], np.cumsum(real) * float(step_fs)])
            return np.asarray(np.interp(time_fs, borders_fs, area_fs))
    duration_fs = float(waveform.duration_fs)
    inside_fs: FloatArray = np.clip(time_fs, 0, duration_fs)
    if not isinstance(waveform, FlatTop) or waveform.rise_fs == 0:
        return inside_fs
    rise_fs = float(waveform.rise_fs)

    def risen(since_fs: FloatArray) -> FloatArray:
        share = np.clip(since_fs / rise_fs, 0, 1)
        edge_fs = rise_fs * (share / 2 - np.sin(np.pi * share) / (2 * np.pi))
        return np.asarray(edge_fs + np.maximum(since_fs - rise_fs, 0))

    return np.asarray(risen(inside_fs) - risen(inside_fs - (duration_fs - rise_fs)))


def _half_area_fs(half: FlatTop, time_fs: FloatArray) -> FloatArray:
    """Return the integral of a net-zero pulse's half, whose edges are quarters of a sine."""
    duration_fs, rise_fs = float(half.duration_fs), float(half.rise_fs)
    if rise_fs == 0:
        return np.asarray(np.clip(time_fs, 0, duration_fs))
    edge_fs = 2 * rise_fs / np.pi
    up = np.clip(time_fs / rise_fs, 0, 1)
    down = np.clip((time_fs - (duration_fs - rise_fs)) / rise_fs, 0, 1)
    top_fs = np.clip(time_fs - rise_fs, 0, duration_fs - 2 * rise_fs)
    way = 1 - np.cos(np.pi / 2 * up) + np.sin(np.pi / 2 * down)
    return np.asarray(top_fs + edge_fs * way)


def halves(waveform: NetZero) -> tuple[FlatTop, int]:
    """Return the first half of a net-zero pulse, and how much later the second one begins, fs.

    A half's height is the square root of what is returned.
    """
    lasts_fs = (waveform.duration_fs - waveform.gap_fs) // 2
    return FlatTop(lasts_fs, waveform.rise_fs), waveform.duration_fs - lasts_fs


def replace_real(waveform: Sampled, real: tuple[float, ...]) -> Sampled:
    """Return other samples, real, in the same steps."""
    return Sampled(real, (), waveform.step_fs)


def _flat_top(time_fs: FloatArray, duration_fs: int, rise_fs: int) -> FloatArray:
    to_edge_fs = np.minimum(time_fs, duration_fs - time_fs)
    inside = np.clip(to_edge_fs / rise_fs, 0, 1) if rise_fs else np.ones(len(time_fs))
    return np.asarray(np.where(inside < 1, 0.5 - 0.5 * np.cos(np.pi * inside), 1))


def _slepian(waveform: Slepian, time_fs: FloatArray) -> FloatArray:
    """Return the share of the way to the nearest detuning, see :class:`Slepian`."""
    turn = 2 * np.pi * time_fs / waveform.duration_fs
    weights = (0.5 - waveform.lambda_3, waveform.lambda_2, waveform.lambda_3)
    way = sum(by * (1 - np.cos(n * turn)) for n, by in enumerate(weights, 1))
    first, last = waveform.theta_initial, waveform.theta_final
    theta = np.clip(first + (last - first) * np.asarray(way), first, np.pi - 1e-3)
    begin, end = 1 / np.tan(first), 1 / np.tan(last)
    moved = np.maximum((begin - 1 / np.tan(theta)) / (begin - end), 0)
    return np.asarray(np.sqrt(moved) if waveform.quadratic else moved)


def _gaussian(time_fs: FloatArray, duration_fs: int, sigma_fs: int) -> FloatArray:
    edge = np.exp(-0.5 * (duration_fs / 2 / sigma_fs) ** 2)
    bell = np.exp(-0.5 * ((time_fs - duration_fs / 2) / sigma_fs) ** 2)
    return np.asarray((bell - edge) / (1 - edge))


def _gaussian_slope_1_fs(time_fs: FloatArray, duration_fs: int, sigma_fs: int) -> FloatArray:
    """Derivative of :func:`_gaussian` by time, 1/fs."""
    edge = np.exp(-0.5 * (duration_fs / 2 / sigma_fs) ** 2)
    from_middle_fs = time_fs - duration_fs / 2
    bell = np.exp(-0.5 * (from_middle_fs / sigma_fs) ** 2)
    return np.asarray(-from_middle_fs / sigma_fs**2 * bell / (1 - edge))
