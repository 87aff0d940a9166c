"""Samples of envelopes at 1 GSa/s: the ideal, before any hardware rounds it.

Sample ``j`` stands for the nanosecond from ``j`` to ``j + 1`` and is the envelope at its
middle, so a symmetric envelope has symmetric samples.
"""

import numpy as np
from numpy.typing import NDArray

from podium.control.program.waveforms import Drag, FlatTop, Gaussian, Square, Waveform
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S, OffGridError


def duration_ns(waveform: Waveform) -> int:
    """Return the duration in whole nanoseconds; raise :class:`OffGridError` where it is not."""
    whole, rest = divmod(waveform.duration_fs, FS_PER_NS)
    if rest:
        raise OffGridError(
            f"{type(waveform).__name__} of {waveform.duration_fs} fs: samples are 1 ns, "
            f"so it must last {whole} ns or {whole + 1} ns"
        )
    return whole


def sample_envelope(waveform: Waveform, late_fs: int = 0) -> NDArray[np.complex128]:
    """Return the samples of ``waveform``, shape (duration in ns,), peak 1 in the real part.

    ``late_fs``: by how much a Gaussian or a Drag comes later within its time, less than a sample;
    what would come after its end is cut, where it is all but 0. The edges of the others stay on
    whole nanoseconds. Raises :class:`OffGridError` where the duration is not a whole number of
    nanoseconds.
    """
    count = duration_ns(waveform)
    middle_fs = np.asarray((np.arange(count) + 0.5) * FS_PER_NS, np.float64)
    begun_fs = middle_fs - late_fs
    match waveform:
        case Square():
            return np.ones(count, np.complex128)
        case Gaussian(duration_fs, sigma_fs):
            bell = _gaussian(begun_fs, duration_fs, sigma_fs)
            return np.where(begun_fs >= 0, bell, 0).astype(np.complex128)
        case Drag(duration_fs, sigma_fs, beta_s):
            envelope = _gaussian(begun_fs, duration_fs, sigma_fs)
            slope_1_s = _gaussian_slope_1_fs(begun_fs, duration_fs, sigma_fs) * FS_PER_S
            return np.where(begun_fs >= 0, envelope + 1j * beta_s * slope_1_s, 0)
        case FlatTop(duration_fs, rise_fs):
            to_edge_fs = np.minimum(middle_fs, duration_fs - middle_fs)
            inside = np.clip(to_edge_fs / rise_fs, 0, 1) if rise_fs else np.ones(count)
            return np.where(inside < 1, 0.5 - 0.5 * np.cos(np.pi * inside), 1).astype(np.complex128)


def _gaussian(time_fs: NDArray[np.float64], duration_fs: int, sigma_fs: int) -> NDArray[np.float64]:
    edge = np.exp(-0.5 * (duration_fs / 2 / sigma_fs) ** 2)
    bell = np.exp(-0.5 * ((time_fs - duration_fs / 2) / sigma_fs) ** 2)
    return np.asarray((bell - edge) / (1 - edge))


def _gaussian_slope_1_fs(
    time_fs: NDArray[np.float64], duration_fs: int, sigma_fs: int
) -> NDArray[np.float64]:
    """Derivative of :func:`_gaussian` by time, 1/fs."""
    edge = np.exp(-0.5 * (duration_fs / 2 / sigma_fs) ** 2)
    from_middle_fs = time_fs - duration_fs / 2
    bell = np.exp(-0.5 * (from_middle_fs / sigma_fs) ** 2)
    return np.asarray(-from_middle_fs / sigma_fs**2 * bell / (1 - edge))
