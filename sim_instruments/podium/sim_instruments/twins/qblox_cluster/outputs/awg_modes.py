"""Settings of a sequencer change how a program's waveforms are played.

- **Upsampling.** ASSUMED: a rate of n holds each sample of a path for n + 1 ns; nothing but the
  client's word for it was found.
- **Continuous mode.** A path plays one waveform over and over, whatever the program plays on it.
  ASSUMED: from the start of the run, with the gain and the offset that hold at each time.
- **Real mode** (docs.qblox.com, baseband sequencer modes). The oscillator turns path 0 only; path 1
  passes it by and is added, on every output that is connected to path I. ASSUMED: each of the two
  is held to full scale by itself, and RF modules know no such mode.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.twins.qblox_cluster.processor.q1_abilities import NotEmulated
from podium.sim_instruments.twins.qblox_cluster.processor.q1_state import WAVEFORMS
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    EventKind,
    RealTimeTrace,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun

REPEATS_MAX: Final = 500_000
"""Of waveforms in continuous mode in one run."""


def is_plain(run: SequencerRun) -> bool:
    """Tell whether a sequencer plays its waveforms as they are."""
    configuration = run.configuration
    modes = configuration.upsampling != (0, 0) or configuration.continuous != (None, None)
    return not modes and not _is_real(run)


def _is_real(run: SequencerRun) -> bool:
    return run.configuration.real_mode and not run.afe.model.rf


def longest_ns(run: SequencerRun) -> int:
    """Return how long the longest waveform lasts."""
    return max((len(words) for words in _held(run).values()), default=0)


def voices(run: SequencerRun, trace: RealTimeTrace) -> Iterator[tuple[SequencerRun, RealTimeTrace]]:
    """Return sequencers that play together, as they are, what one plays by its settings.

    Raises :class:`NotEmulated` for more repeats in continuous mode than are simulated.
    """
    plain = replace(run.configuration, upsampling=(0, 0), continuous=(None, None), real_mode=False)
    trace, is_real = _repeated(run, _own_waves(trace)), _is_real(run)
    run = replace(run, waveforms=_held(run), configuration=plain)
    if not is_real:
        yield run, trace
        return
    path_i, path_q = run.outputs
    run = replace(run, outputs=(tuple(sorted({*path_i, *path_q})), ()))
    none, zero = np.full_like(trace.wave0, -1), np.zeros_like(trace.offs0)
    yield run, replace(trace, wave1=none, offs1=zero)
    level = replace(run, configuration=replace(plain, modulate=False))
    yield (
        level,
        replace(
            trace,
            wave0=trace.wave1,
            gain0=trace.gain1,
            offs0=trace.offs1,
            wave1=none,
            offs1=zero,
        ),
    )


def _held(run: SequencerRun) -> Mapping[int, NDArray[np.int16]]:
    """Return the waveforms of path 0, and behind all indices those of path 1."""
    found: dict[int, NDArray[np.int16]] = {}
    for path, rate in enumerate(run.configuration.upsampling):
        for index, words in run.waveforms.items():
            found[index + path * WAVEFORMS] = np.repeat(words, rate + 1)
    return found


def _own_waves(trace: RealTimeTrace) -> RealTimeTrace:
    """Return a trace whose path 1 has waveforms of its own, see :func:`_held`."""
    return replace(trace, wave1=np.where(trace.wave1 >= 0, trace.wave1 + WAVEFORMS, -1))


def _repeated(run: SequencerRun, trace: RealTimeTrace) -> RealTimeTrace:
    """Return a trace in which paths in continuous mode play their waveforms over and over."""
    held = _held(run)
    for path, index in enumerate(run.configuration.continuous):
        if index is None or not len(trace):
            continue
        wave = index + path * WAVEFORMS
        length = len(held.get(wave, ()))
        begin = int(trace.time_ns[0])
        starts = np.arange(begin, trace.end_ns, length) if length else np.zeros(0, np.int64)
        if len(starts) > REPEATS_MAX:
            raise NotEmulated(
                f"{run.sender}: path {path} in continuous mode repeats waveform {index} "
                f"{len(starts)} times; this twin plays up to {REPEATS_MAX} repeats"
            )
        trace = _with_plays(trace, path, wave, starts)
    return trace


def _with_plays(
    trace: RealTimeTrace, path: int, wave: int, starts: NDArray[np.int64]
) -> RealTimeTrace:
    """Return a trace in which a path plays one waveform at given times, and nothing else."""
    count = len(trace)
    held = np.searchsorted(trace.time_ns, starts, side="right") - 1
    times = np.concatenate([trace.time_ns, starts])
    order = np.argsort(times, kind="stable")
    source = np.concatenate([np.arange(count), held])[order]
    added = order >= count
    columns = {
        name: getattr(trace, name)[source]
        for name in (
            *("gain0", "gain1", "offs0", "offs1", "nco_freq", "marker"),
            *("acq", "bin", "weight0", "weight1"),
        )
    }
    waves = [np.where(added, -1, one[source]) for one in (trace.wave0, trace.wave1)]
    waves[path] = np.where(added, wave, -1)
    kind = np.where(added, EventKind.PLAY, trace.kind[source]).astype(np.int8)
    since = times[order] - trace.time_ns[source]
    turned = columns["nco_freq"].astype(np.int64) * (since % (4 * 10**9)) // 4
    return replace(
        trace,
        time_ns=times[order],
        kind=kind,
        wave0=waves[0].astype(np.int32),
        wave1=waves[1].astype(np.int32),
        nco_phase=(trace.nco_phase[source] + turned) % 10**9,
        **columns,
    )
