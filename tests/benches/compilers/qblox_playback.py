"""What a compiled program plays, by the emulator: samples and windows of each shot.

Slow and obvious: rows of the emulator's trace become words sample by sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram, SequencerProgram
from podium.firmware_interfaces.qblox_cluster.q1asm import assemble
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import run_together
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import (
    Q1Processor,
    SequencerSetup,
    Trigger,
)
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    Ending,
    EventKind,
    RealTimeTrace,
)


@dataclass(frozen=True, slots=True, eq=False)
class PlayedWindow:
    start_ns: int
    """From the start of the shot."""
    frequency_hz: float
    """Of the NCO."""
    phase_turns: float
    acquisition: int
    bin: int


@dataclass(frozen=True, slots=True, eq=False)
class PlayedShot:
    words: NDArray[np.complex128]
    """Shape (duration in ns,): path 0 + 1j path 1, before the NCO."""
    nco_turns: NDArray[np.float64]
    """Phase of the NCO at each sample."""
    windows: tuple[PlayedWindow, ...]


def processors(program: ClusterProgram) -> list[Q1Processor]:
    """Return what executes each sequencer's program."""
    return [
        Q1Processor(
            assemble(sequencer.text),
            SequencerSetup(
                waveform_lengths={w.index: len(w.samples) for w in sequencer.waveforms},
                acquisition_bins={a.index: a.bins for a in sequencer.acquisitions},
                readout=sequencer.input is not None,
                sync=sequencer.sync,
                nco_freq=round(sequencer.nco_hz * 4),
            ),
            name=sequencer.frame,
        )
        for sequencer in program.sequencers
    ]


def emulate(
    program: ClusterProgram, triggers: Sequence[Trigger] | None = None
) -> tuple[RealTimeTrace, ...]:
    """Run all sequencers; they must come to a clean end. ``triggers``: what they are told."""
    traces = run_together(processors(program), triggers=triggers)
    for sequencer, trace in zip(program.sequencers, traces, strict=True):
        assert trace.ending is Ending.STOPPED, sequencer.frame
        assert trace.flags == (), (sequencer.frame, trace.flags, trace.log)
        assert trace.log == (), (sequencer.frame, trace.log)
    return traces


def shot(
    sequencer: SequencerProgram, trace: RealTimeTrace, start_ns: int, duration_ns: int
) -> PlayedShot:
    """Return what happens from ``start_ns`` of the run on, for ``duration_ns``."""
    memory = {
        w.index: np.floor(np.array(w.samples) * 32767 + 0.5).astype(np.int64)
        for w in sequencer.waveforms
    }
    end_ns = start_ns + duration_ns
    first, last = np.searchsorted(trace.time_ns, [start_ns, end_ns])
    assert trace.time_ns[first] == start_ns, "a shot begins with a row of its own"
    words = np.zeros((2, duration_ns), np.int64)
    turns = np.zeros(duration_ns)
    windows = []
    playing: list[tuple[int, NDArray[np.int64]]] = [(0, np.zeros(0, np.int64))] * 2
    for k in range(first, last):
        time = int(trace.time_ns[k])
        until = int(trace.time_ns[k + 1]) if k + 1 < len(trace) else end_ns
        until = min(until, end_ns)
        if trace.kind[k] == EventKind.PLAY:
            playing = [
                (time, memory[int(trace.wave0[k])]),
                (time, memory[int(trace.wave1[k])]),
            ]
        settings = ((trace.gain0[k], trace.offs0[k]), (trace.gain1[k], trace.offs1[k]))
        for path, (gain, offset) in enumerate(settings):
            since, wave = playing[path]
            rest = wave[time - since : until - since]
            here = words[path, time - start_ns : until - start_ns]
            here[: len(rest)] += (rest * int(gain)) >> 15
            here += int(offset)
        sample = np.arange(until - time)
        turns[time - start_ns : until - start_ns] = (
            trace.nco_phase[k] * 1e-9 + trace.nco_freq[k] * 0.25e-9 * sample
        )
        if trace.kind[k] == EventKind.ACQUIRE:
            windows.append(
                PlayedWindow(
                    start_ns=time - start_ns,
                    frequency_hz=trace.nco_freq[k] * 0.25,
                    phase_turns=trace.nco_phase[k] * 1e-9,
                    acquisition=int(trace.acq[k]),
                    bin=int(trace.bin[k]),
                )
            )
    assert np.abs(words).max(initial=0) <= 32768
    return PlayedShot(words[0] + 1j * words[1], turns, tuple(windows))
