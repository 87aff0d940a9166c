"""Turns acquisitions into windows to integrate, and the answers into bins and scope records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.messages import ScopePath
from podium.sim_instruments.physics.deduplicate import distinct_rows
from podium.sim_instruments.physics.signals import (
    CaptureAnswer,
    CaptureTrain,
    Window,
    within_a_turn,
)
from podium.sim_instruments.twins.clipping import clipped_tone
from podium.sim_instruments.twins.qblox_cluster.inputs.scope import (
    full_scale,
    not_heard,
    pedestals,
    scope_records,
    too_long,
)
from podium.sim_instruments.twins.qblox_cluster.outputs.output_stage import lo_turns
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    EventKind,
    RealTimeTrace,
)
from podium.sim_instruments.twins.qblox_cluster.processor.row_store import constant
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun, empty_bins

AT_A_TIME = 1 << 15
"""Acquisitions that are digitised and binned at a time: some megabytes."""
NCO_DELAY_NS = 146
"""Delay that compensation adds to ``nco_prop_delay_comp`` on a QRM (its docstring)."""


@dataclass(frozen=True, slots=True, eq=False)
class SequencerAcquisitions:
    """All acquisitions of one sequencer in one run."""

    run: SequencerRun
    acquisition: NDArray[np.int32]
    """Shape (n,): acquisition index."""
    bin: NDArray[np.int32]
    duration_ns: NDArray[np.int64]
    start_ns: NDArray[np.int64]
    end_ns: int
    """When the last integration ends."""
    trains: tuple[CaptureTrain, ...]
    """None (no input connected), one, or two: the second for path 1 where its weights differ.
    Where the scope needs every acquisition, the first is cut into one for each."""
    turning: NDArray[np.bool_]
    """Whether each is demodulated at a frequency other than 0."""
    pedestal: NDArray[np.complex128]
    """Shape (2, n): what the input offset adds to the mean of each path, in full scales."""
    single: bool = False
    """Whether the first train is cut."""
    unheard: str = ""
    """Why the scope's record is not simulated."""


def listening(run: SequencerRun, trace: RealTimeTrace) -> SequencerAcquisitions | None:
    """Return what the sequencer listens to, None if it acquires nothing."""
    weighed = trace.kind == EventKind.ACQUIRE_WEIGHED
    rows = np.flatnonzero((trace.kind == EventKind.ACQUIRE) | weighed)
    if not run.afe.model.readout or not len(rows):
        return None
    # a slice where all rows are meant: nothing is copied
    picked = slice(None) if len(rows) == len(trace) else rows
    configuration = run.configuration
    frequency = trace.nco_freq[picked]
    phase = trace.nco_phase[picked] * 1e-9
    if configuration.nco_delay_ns is not None:
        delay_s = (NCO_DELAY_NS + configuration.nco_delay_ns) * 1e-9
        phase = phase - frequency / limits.NCO_STEPS_PER_HZ * delay_s
    if not configuration.demodulate:
        frequency = np.zeros_like(frequency)
        phase = np.zeros_like(phase)
    weights: tuple[NDArray[np.int32], ...] = (trace.weight0[picked], trace.weight1[picked])
    if not weighed[picked].all():
        weights = tuple(np.where(weighed[picked], one, np.int32(-1)) for one in weights)
    kinds, number = _kinds((frequency, *weights))
    del weights
    start = trace.time_ns[picked]
    lo_hz = run.afe.lo_hz[run.rf_input] if run.afe.model.rf else 0
    lo_at_start = run.afe.turns_of_lo(run.rf_input) if run.afe.model.rf else 0.0
    turns = lo_turns(lo_hz, start)
    turns += phase
    turns += lo_at_start
    turns = within_a_turn(turns)
    lasts = np.array([_duration(run, kind) for kind in kinds], np.int64)
    durations = lasts[number] if len(kinds) > 1 else np.broadcast_to(lasts, number.shape)
    trains: list[CaptureTrain] = []
    line = input_line(run)
    if line is not None:
        for path in (0, 1) if np.any(kinds[:, 1] != kinds[:, 2]) else (0,):
            windows = tuple(_window(run, kind, path, lo_hz) for kind in kinds)
            scope = run.scope and path == 0
            trains.append(CaptureTrain(line, start, number, turns, windows, scope))
    single = bool(trains) and run.scope and run.afe.scope.needs_all
    unheard = too_long(run, durations) if single else ""
    if unheard:
        single = False
        trains[0] = replace(trains[0], scope=False)
    elif single:
        trains[:1] = _one_by_one(trains[0])
    return SequencerAcquisitions(
        run=run,
        acquisition=trace.acq[picked],
        bin=trace.bin[picked],
        duration_ns=durations,
        start_ns=start,
        end_ns=int((start + durations).max()),
        trains=tuple(trains),
        turning=frequency != 0,
        pedestal=pedestals(run, kinds, number, np.asarray(phase, np.float64)),
        single=single,
        unheard=unheard,
    )


def _one_by_one(train: CaptureTrain) -> list[CaptureTrain]:
    """Return a train for each acquisition, each with its raw trace."""
    return [
        CaptureTrain(
            train.line,
            train.start_ns[n : n + 1],
            np.zeros(1, np.int32),
            train.phase_turns[n : n + 1],
            (train.windows[train.window[n]],),
            scope=True,
        )
        for n in range(len(train.start_ns))
    ]


def _kinds(
    columns: Sequence[NDArray[np.signedinteger]],
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the distinct rows, ascending, and which of them each row is."""
    if all(np.all(column == column[0]) for column in columns):
        one = np.array([[column[0] for column in columns]], np.int64)
        return one, constant(0, len(columns[0]), np.int32)
    first, number = distinct_rows(columns)
    kinds = np.stack([column[first] for column in columns], axis=1)
    return kinds.astype(np.int64), number.astype(np.int32)


def input_line(run: SequencerRun) -> str | None:
    """Return the connector, or pair of them, that a sequencer listens to; None: none."""
    path_i, path_q = run.inputs
    if run.afe.model.rf:
        n = run.rf_input
        connected = 2 * n in path_i and 2 * n + 1 in path_q and run.afe.lo_on[n]
        return f"slot{run.slot}.in{n}" if connected else None
    names = [str(channel) for path in (path_i, path_q) for channel in path[:1]]
    return f"slot{run.slot}.in{'_'.join(names)}" if names else None


def _duration(run: SequencerRun, kind: NDArray[np.int64]) -> int:
    if kind[1] < 0:
        return run.configuration.integration_ns
    return max(len(run.weights[int(kind[1])]), len(run.weights[int(kind[2])]))


def _window(run: SequencerRun, kind: NDArray[np.int64], path: int, lo_hz: int) -> Window:
    demod_hz = lo_hz + int(kind[0]) / limits.NCO_STEPS_PER_HZ
    duration = _duration(run, kind)
    if kind[1] < 0:
        return Window(demod_hz, duration, None)
    words = run.weights[int(kind[1 + path])]
    weights = np.zeros(duration, np.complex128)
    weights[: len(words)] = words / limits.WEIGHT_MAX
    return Window(demod_hz, duration, weights)


@dataclass(frozen=True, slots=True, eq=False)
class AcquiredData:
    """Bins, scope records and flags of one sequencer's acquisitions."""

    bins: Mapping[int, NDArray[np.void]]
    scope: tuple[ScopePath, ...] | None
    flags: tuple[str, ...]


def heard(listened: SequencerAcquisitions, captured: tuple[CaptureAnswer, ...]) -> AcquiredData:
    """Return bins, scope and flags from the answers to ``listened.trains``, in their order."""
    run = listened.run
    n = len(listened.bin)
    traces = captured[:n] if listened.single else captured[:1]
    mean = _means(listened, captured)
    bins = {
        index: empty_bins(run.acquisitions[index])
        for index in np.unique(listened.acquisition).tolist()
        if index in run.acquisitions
    }
    clipped = [False, False]
    for first in range(0, n, AT_A_TIME):
        part = slice(first, first + AT_A_TIME)
        sums, over = _sums(listened, mean, part)
        clipped = [before or now for before, now in zip(clipped, over, strict=True)]
        _accumulate(run, listened, part, sums, bins)
    for table in bins.values():
        table["valid"] = table["average_count"] > 0
    flags: list[str] = []
    scope = None
    if run.scope:
        scope = scope_records(run, traces)
        if listened.unheard:
            scope = not_heard(n, listened.unheard)
        for path, record in enumerate(scope):
            if not record.average_count:
                continue
            flags.append(f"ACQ SCOPE DONE PATH {path}")
            if record.out_of_range:
                flags.append(f"ACQ SCOPE OUT-OF-RANGE PATH {path}")
            if n > 1 and not run.afe.scope.averages[2 * run.rf_input + path]:
                flags.append(f"ACQ SCOPE OVERWRITTEN PATH {path}")
    flags.append("ACQ BINNING DONE")
    flags += [f"ACQ INTEGRATOR OUT-OF-RANGE PATH {p}" for p in range(2) if clipped[p]]
    return AcquiredData(bins, scope, tuple(flags))


def measured(
    listened: SequencerAcquisitions, captured: Sequence[CaptureAnswer]
) -> tuple[NDArray[np.bool_], NDArray[np.complex128]]:
    """Return bit and integral of each acquisition, as :func:`heard` bins them.

    Integrals are in full scales of one sample: path 0 and path 1 as real and imaginary part.
    """
    sums = _sums(listened, _means(listened, captured), slice(None))[0]
    return _above(listened.run, sums), sums


def _means(
    listened: SequencerAcquisitions, captured: Sequence[CaptureAnswer]
) -> NDArray[np.complex128]:
    """Return the mean signal of each acquisition, sqrt(W), shape (n,)."""
    n = len(listened.bin)
    if not captured:
        return np.zeros(n, np.complex128)
    traces = captured[:n] if listened.single else captured[:1]
    one_train = len(traces) == 1
    mean = traces[0].integrated if one_train else np.concatenate([t.integrated for t in traces])
    if len(captured) > len(traces):
        # path 0 took the first weights, path 1 the second: keep what belongs to each
        mean = mean.real + 1j * captured[-1].integrated.imag
    return mean


def _sums(
    listened: SequencerAcquisitions, mean: NDArray[np.complex128], part: slice
) -> tuple[NDArray[np.complex128], tuple[bool, bool]]:
    """Return integrals in full scales of one sample, and whether each path was clipped.

    Of the acquisitions ``part``; ``mean`` (n,): of all, as :func:`_means` has it.
    """
    fraction, clipped = _digitise(listened, mean[part], part)
    return fraction * listened.duration_ns[part], clipped


def _above(run: SequencerRun, sums: NDArray[np.complex128]) -> NDArray[np.bool_]:
    a11, a12 = run.configuration.rotation
    # The client sends a11 = cos(angle), a12 = -sin(angle): the real part of sum * exp(j angle).
    # ASSUMED: a value equal to the threshold counts as above it
    threshold = run.configuration.threshold * run.afe.model.integral_step
    return np.asarray(a11 * sums.real + a12 * sums.imag >= threshold)


def _digitise(
    listened: SequencerAcquisitions, signal: NDArray[np.complex128], part: slice
) -> tuple[NDArray[np.complex128], tuple[bool, bool]]:
    """Return ``signal`` (sqrt(W)) in full scales, and whether each path was out of range.

    It is that of the acquisitions ``part``.

    ASSUMED: what comes in during a window is one tone of steady amplitude. If it is demodulated
    from an intermediate frequency, the tops of its waves are cut, sample by sample, and the
    fundamental of what is left counts; else a level beyond full scale is held there.
    """
    full0, full1 = full_scale(listened.run)
    turning, pedestal = listened.turning[part], listened.pedestal[:, part]
    values = signal.real / full0 + 1j * signal.imag / full1
    size = np.abs(values)
    flat = values + pedestal[0].real + 1j * pedestal[1].imag
    clipped = tuple(
        bool(((turning & (size > 1)) | (~turning & (np.abs(path) > 1))).any())
        for path in (flat.real, flat.imag)
    )
    if not any(clipped):
        return flat, (False, False)
    level = np.clip(flat.real, -1, 1) + 1j * np.clip(flat.imag, -1, 1)
    tone = flat - values * (1 - clipped_tone(size))
    return np.where(turning, tone, level), (clipped[0], clipped[1])


def _accumulate(
    run: SequencerRun,
    listened: SequencerAcquisitions,
    part: slice,
    sums: NDArray[np.complex128],
    bins: Mapping[int, NDArray[np.void]],
) -> None:
    """Add acquisitions ``part``, with their integrals, to the bins of each index."""
    unit = limits.INTEGRATED_FULL_SCALE / run.afe.model.integral_step
    path0 = np.rint(sums.real * unit).astype(np.int64)
    path1 = np.rint(sums.imag * unit).astype(np.int64)
    above = _above(run, sums)
    acquisition, bin_ = listened.acquisition[part], listened.bin[part]
    for index, table in bins.items():
        mine = (acquisition == index) & (bin_ < len(table)) & (bin_ >= 0)
        where = bin_[mine]
        np.add.at(table["path0"], where, path0[mine])
        np.add.at(table["path1"], where, path1[mine])
        np.add.at(table["threshold"], where, above[mine].astype(np.uint32))
        np.add.at(table["average_count"], where, np.uint32(1))
