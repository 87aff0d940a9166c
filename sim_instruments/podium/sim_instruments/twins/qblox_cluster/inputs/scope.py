"""The converters of a readout module, sample by sample, and the scope that records them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.messages import ScopePath
from podium.sim_instruments.physics.signals import CaptureAnswer
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun

AVERAGES_MAX = 2_000
AVERAGED_SAMPLES_MAX = 8_000_000
"""Of all acquisitions of a run that the scope averages: each is simulated sample by sample."""


@dataclass(frozen=True, slots=True, eq=False)
class UnsimulatedRecord(ScopePath):
    """A record that is not simulated, with the reason; the bins are sound."""

    why: str = ""


def too_long(run: SequencerRun, durations_ns: NDArray[np.int64]) -> str:
    """Say why the scope's average is not simulated; empty: it is."""
    count, samples = len(durations_ns), int(durations_ns.sum())
    if count <= AVERAGES_MAX and samples <= AVERAGED_SAMPLES_MAX:
        return ""
    return (
        f"{run.sender}: the scope has averaged {count} acquisitions of {samples} ns together; this "
        f"twin simulates up to {AVERAGES_MAX}, {AVERAGED_SAMPLES_MAX} ns together"
    )


def not_heard(count: int, why: str) -> tuple[ScopePath, ...]:
    """Return the records of both paths where they are not simulated."""
    empty = np.zeros(limits.SCOPE_SAMPLES, np.int32)
    return (UnsimulatedRecord(empty, False, count, why),) * 2


def full_scale(run: SequencerRun) -> tuple[float, float]:
    """Return the amplitude, sqrt(W), at the connector that fills the ADC of each path."""
    afe = run.afe
    if afe.model.rf:
        full = limits.rf_input_full_scale(afe.attenuation_of(run.rf_input))
        return full, full
    tone = limits.QRM_INPUT_FULL_SCALE_V / np.sqrt(2 * limits.IMPEDANCE_OHM)
    gain0, gain1 = afe.input_gain_db[:2]
    return tone / 10 ** (gain0 / 20), tone / 10 ** (gain1 / 20)


def offsets(run: SequencerRun) -> tuple[float, float]:
    """Return what is added to each path, in full scales of its converter.

    ASSUMED: the offset is added behind attenuator and amplifier, at the converter.
    """
    offset_v = run.afe.input_offset_v[2 * run.rf_input :] or (0.0, 0.0)
    return offset_v[0] / limits.QRM_INPUT_FULL_SCALE_V, offset_v[1] / limits.QRM_INPUT_FULL_SCALE_V


def pedestals(
    run: SequencerRun,
    kinds: NDArray[np.int64],
    number: NDArray[np.int32],
    phase_turns: NDArray[np.float64],
) -> NDArray[np.complex128]:
    """Return the mean that the input offset leaves in each acquisition, for both paths' weights.

    ``kinds`` holds frequency (0.25 Hz) and weights of each kind (-1: none), ``number`` the kind of
    each acquisition. Shape (2, n), in full scales.
    """
    offset = complex(*offsets(run))
    if not offset:
        return np.broadcast_to(np.zeros(1, np.complex128), (2, len(number)))
    left = np.zeros((2, len(number)), np.complex128)
    for path in range(2):
        means = np.array([_mean_of_one(run, kind, path) for kind in kinds])
        left[path] = offset * means[number] * np.exp(-2j * np.pi * phase_turns)
    return left


def _mean_of_one(run: SequencerRun, kind: NDArray[np.int64], path: int) -> complex:
    """Return what is left of a level of 1 behind demodulation and weights."""
    weighed = kind[1] >= 0
    words = [run.weights[int(index)] for index in kind[1:]] if weighed else []
    duration = max(map(len, words)) if weighed else run.configuration.integration_ns
    turns = int(kind[0]) / limits.NCO_STEPS_PER_HZ * 1e-9 * np.arange(duration)
    turned = np.exp(-2j * np.pi * (turns % 1.0))
    if weighed:
        turned = turned[: len(words[path])] * words[path] / limits.WEIGHT_MAX
    return complex(turned.sum() / duration)


def digitised(
    run: SequencerRun, heard: CaptureAnswer
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return the words of both converters during one acquisition, and where they clip.

    Shapes (2, m). The input at the local oscillator. ASSUMED: its first sample has the phase that
    the world gives it; only the frequency of the trace is moved to the oscillator's.
    """
    trace = heard.trace if heard.trace is not None else np.zeros(0, np.complex128)
    lo_hz = run.afe.lo_hz[run.rf_input] if run.afe.model.rf else 0
    most = 1 << (run.afe.model.scope_bits - 1)
    turns = (heard.trace_hz - lo_hz) * 1e-9 * np.arange(len(trace))
    raw = trace * np.exp(2j * np.pi * (turns % 1.0))
    paths = zip((raw.real, raw.imag), full_scale(run), offsets(run), strict=True)
    words = np.rint([(part / full + more) * most for part, full, more in paths])
    held = np.clip(words, -most, most - 1)
    return held.astype(np.int32), words != held


def scope_records(run: SequencerRun, heard: Sequence[CaptureAnswer]) -> tuple[ScopePath, ...]:
    """Return what the scope holds after a run, path by path.

    With averaging each acquisition is added to the last, and their number counted; else the last
    one stays. ASSUMED: a run begins with empty memory; with the level trigger a record begins
    with the first sample at or above the level, and without one there is no record.
    """
    settings = run.afe.scope
    kept = heard if settings.needs_all else heard[-1:]
    digital = [digitised(run, one) for one in kept]
    paths: list[ScopePath] = []
    first, most = 2 * run.rf_input, 1 << (run.afe.model.scope_bits - 1)
    averages = settings.averages[first : first + 2]
    levels = settings.levels[first : first + 2]
    for path in range(2):
        total, count, out_of_range = np.zeros(limits.SCOPE_SAMPLES, np.int32), 0, False
        for words, over in digital if averages[path] else digital[-1:]:
            begin = _begin(words[path], levels[path], most)
            if begin is None:
                continue
            mine = words[path][begin : begin + limits.SCOPE_SAMPLES]
            total[: len(mine)] += mine
            out_of_range |= bool(over[path][begin : begin + limits.SCOPE_SAMPLES].any())
            count += 1
        if not heard and levels[path] is None:
            count = 1  # nothing is connected: it records silence
        paths.append(ScopePath(total, out_of_range, count))
    return tuple(paths)


def _begin(words: NDArray[np.int32], level: float | None, most: int) -> int | None:
    if level is None:
        return 0
    reached = np.flatnonzero(words >= level * most)
    return int(reached[0]) if len(reached) else None
