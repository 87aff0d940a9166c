"""From what sequencers do to what leaves the connectors.

A path's sample word is ``(sample * gain >> 15) + offset``, held to 16 bits. The two
paths are the real and the imaginary part of a complex envelope; with modulation on, the
NCO turns it, and on RF modules the local oscillator lifts it through a mixer
(:mod:`.mixer`). Filters and delays come last (:mod:`.shaped_output`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster import limits
from podium.sim_instruments.physics.signals import Piece, PulseTrain, within_a_turn
from podium.sim_instruments.twins.qblox_cluster.outputs.awg_modes import is_plain, voices
from podium.sim_instruments.twins.qblox_cluster.outputs.mixer import PERFECT
from podium.sim_instruments.twins.qblox_cluster.outputs.mixer_signals import with_image
from podium.sim_instruments.twins.qblox_cluster.outputs.predistortion import OutputShaping
from podium.sim_instruments.twins.qblox_cluster.outputs.segment_cutter import SegmentCutter
from podium.sim_instruments.twins.qblox_cluster.outputs.segment_kernel import (
    PHASE_TURN,
    fill_turns,
)
from podium.sim_instruments.twins.qblox_cluster.outputs.shaped_output import ShapedLine
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    RealTimeTrace,
    RepeatedTrace,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import Afe, SequencerRun

OUTPUT_OVERFLOW = "OUTPUT OVERFLOW"
PIECES_MAX: Final = 1_000
"""Of one sequencer that are kept: a sweep of envelopes has no end of them."""


@dataclass(frozen=True, slots=True, eq=False)
class SwitchTimeline:
    """Times at which an output's switch is closed: as ``on[k]`` says from ``time_ns[k]`` on."""

    time_ns: NDArray[np.int64]
    on: NDArray[np.bool_]


ALWAYS_ON = SwitchTimeline(np.zeros(1, np.int64), np.ones(1, np.bool_))


@dataclass(frozen=True, slots=True)
class OutputLine:
    """One connector (or pair of connectors) that a sequencer plays on."""

    name: str
    """``slot2.out0``, ``slot6.out0_1``, ``slot6.out2``."""
    factor: complex
    """From an envelope at digital full scale to square roots of watts."""
    lo_hz: int
    output: int
    lo_turns: float
    """Phase of the local oscillator at the start of the run."""
    real: bool
    """Only one path leaves the module: without a carrier the signal is real."""
    channels: tuple[int, int]
    """Output channels of path I and path Q; the same twice where only one leaves."""


def output_lines(run: SequencerRun) -> tuple[OutputLine, ...]:
    """Return where the sequencer's two paths leave the module."""
    afe, (path_i, path_q) = run.afe, run.outputs
    prefix = f"slot{run.slot}.out"
    if afe.model.rf:
        return tuple(
            OutputLine(
                name=f"{prefix}{n}",
                factor=limits.rf_output_full_scale(afe.output_attenuation_db[n]),
                lo_hz=afe.lo_hz[n],
                output=n,
                lo_turns=afe.turns_of_lo(n),
                real=False,
                channels=(2 * n, 2 * n + 1),
            )
            for n in range(len(afe.model.outputs))
            if 2 * n in path_i and 2 * n + 1 in path_q and afe.lo_on[n]
        )
    tone = afe.model.output_full_scale_v / np.sqrt(2 * limits.IMPEDANCE_OHM)
    pairs = list(zip(sorted(path_i), sorted(path_q), strict=False))
    lines = [OutputLine(f"{prefix}{i}_{q}", tone, 0, i, 0.0, False, (i, q)) for i, q in pairs]
    lines += [
        OutputLine(f"{prefix}{i}", tone, 0, i, 0.0, True, (i, i))
        for i in sorted(path_i)[len(pairs) :]
    ]
    lines += [
        OutputLine(f"{prefix}{q}", -1j * tone, 0, q, 0.0, True, (q, q))
        for q in sorted(path_q)[len(pairs) :]
    ]
    return tuple(lines)


def has_switches(afe: Afe) -> bool:
    """Tell whether markers close switches of its outputs. ASSUMED: those of a QRC are closed."""
    return afe.model.rf and afe.model.family != "QRC"


def switch_bit(afe: Afe, output: int) -> int:
    """Return which marker bit closes the switch of an RF output.

    QCM-RF: bit 0 for out0, bit 1 for out1; QRM-RF: bit 1 (the values that qblox-scheduler
    1.0.1 writes with ``set_mrk`` before it plays).
    """
    return 1 if afe.model.readout else output


def switch_timeline(
    afe: Afe, output: int, markers: Iterable[tuple[NDArray[np.int64], NDArray[np.int8]]]
) -> SwitchTimeline:
    """Return when an RF output's switch is closed, or always for a baseband output.

    ``markers`` holds (time_ns, marker bits from there on) of all sequencers of the module,
    whose markers are combined by OR.
    """
    if not has_switches(afe):
        return ALWAYS_ON
    changes = [
        _changes(
            time_ns + afe.marker_delay_ns[switch_bit(afe, output)],
            (marker.astype(np.int64) >> switch_bit(afe, output) & 1) == 1,
        )
        for time_ns, marker in markers
    ]
    times = np.unique(np.concatenate([time for time, _ in changes] or [np.zeros(0, np.int64)]))
    on = np.zeros(len(times), np.bool_)
    for time, value in changes:
        latest = np.searchsorted(time, times, side="right") - 1
        on |= np.where(latest >= 0, value[np.maximum(latest, 0)] if len(value) else False, False)
    return SwitchTimeline(times, on)


def _changes(
    time_ns: NDArray[np.int64], value: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Keep the rows at which ``value`` is not what it was."""
    keep = np.ones(len(value), np.bool_)
    keep[1:] = value[1:] != value[:-1]
    return time_ns[keep], value[keep]


def marker_rows(
    run: SequencerRun, trace: RealTimeTrace
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Return the sequencer's markers over time; an override holds throughout."""
    return overridden(run, trace.time_ns, trace.marker)


def overridden(
    run: SequencerRun, time_ns: NDArray[np.int64], marker: NDArray[np.int8]
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Return markers over time as they are given, or what overrides them."""
    override = run.configuration.marker_override
    if override is not None:
        return np.zeros(1, np.int64), np.array([override], np.int8)
    return time_ns, marker


def lo_turns(lo_hz: int, time_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the phase of a local oscillator, in turns from 0 to 1, that was 0 at time 0."""
    turns = np.empty(np.shape(time_ns), np.float64)
    fill_turns(np.require(time_ns, np.int64, ["C", "W"]), int(lo_hz) % PHASE_TURN, turns)
    return turns


class FilteredLines:
    """The lines of one sequencer that are behind filters, as far as a run has come."""

    def __init__(self) -> None:
        self._lines: dict[tuple[int, str], ShapedLine] = {}

    def line(self, voice: int, run: SequencerRun, line: OutputLine) -> ShapedLine:
        """Return a line on its way, or at rest where it has played nothing yet."""
        known = self._lines.get((voice, line.name))
        if known is None:
            known = ShapedLine(line.name, run.sender, shapings(run, line), line.factor, line.real)
            self._lines[voice, line.name] = known
        return known

    def has(self, voice: int, line: OutputLine) -> bool:
        """Tell whether a line has played anything."""
        return (voice, line.name) in self._lines


class PlayedPieces:
    """Pieces that one sequencer has played in a run, each made once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str, bytes], tuple[Piece, bool]] = {}

    def piece(
        self, voice: int, run: SequencerRun, line: OutputLine, key: NDArray[np.int64]
    ) -> tuple[Piece, bool]:
        """Return a piece on a line, and whether a word overflowed; see :func:`make_piece`."""
        place = voice, line.name, key.tobytes()
        if place not in self._known:
            if len(self._known) >= PIECES_MAX:
                self._known.clear()
            made = make_piece(key, run.waveforms, line, run.configuration.modulate)
            self._known[place] = made
        return self._known[place]


@dataclass(frozen=True, slots=True)
class RunPart:
    """A part of a run: what filters have come to before it, and whether another one follows."""

    filtered: FilteredLines
    pieces: PlayedPieces
    goes_on: bool
    voice: int = 0
    """Number of the voice, of a sequencer that plays as several."""


def pulse_trains(
    run: SequencerRun,
    trace: RealTimeTrace,
    switches: Mapping[int, SwitchTimeline],
    part: RunPart | None = None,
) -> tuple[tuple[PulseTrain, ...], bool]:
    """Return what the sequencer puts out on each of its lines, and whether any word overflowed.

    ``switches`` holds a timeline for each output (of an RF module); where a run comes in parts, an
    output is open before its ``part``. None: all of the run.
    """
    if is_plain(run):
        return plain_trains(run, (trace,), trace.end_ns, switches, part)
    part = part or RunPart(FilteredLines(), PlayedPieces(), goes_on=False)
    found = [
        plain_trains(voice, (heard,), heard.end_ns, switches, replace(part, voice=number))
        for number, (voice, heard) in enumerate(voices(run, trace))
    ]
    return tuple(t for trains, _ in found for t in trains), any(over for _, over in found)


def plain_trains(
    run: SequencerRun,
    traces: Iterable[RealTimeTrace | RepeatedTrace],
    end_ns: int,
    switches: Mapping[int, SwitchTimeline],
    part: RunPart | None = None,
) -> tuple[tuple[PulseTrain, ...], bool]:
    """Do as :func:`pulse_trains` does for a plain sequencer whose trace comes in parts.

    ``traces`` are gone through once for each line; ``end_ns``: of the trace.
    """
    part = part or RunPart(FilteredLines(), PlayedPieces(), goes_on=False)
    trains: list[PulseTrain] = []
    overflowed = False
    lengths = _wave_lengths(run.waveforms)
    modulated = run.configuration.modulate
    for line in output_lines(run):
        delay_ns = shapings(run, line)[0].delay_ns
        switch = switches.get(line.output, ALWAYS_ON)
        cutter = SegmentCutter(
            lengths,
            modulated,
            switch.time_ns - delay_ns if has_switches(run.afe) else switch.time_ns,
            switch.on,
        )
        start, phase, number, keys = cutter.segments(traces)
        if not len(start) and not part.filtered.has(part.voice, line):
            continue
        if is_filtered(run, line):
            train, clipped = _shaped(run, line, end_ns, (start, number, phase), keys, part)
            overflowed |= clipped
            trains += [train] if train is not None else []
            continue
        pieces: list[Piece] = []
        for key in keys:
            piece, clipped = part.pieces.piece(part.voice, run, line, key)
            overflowed |= clipped
            pieces.append(piece)
        start += delay_ns
        lo = lo_turns(line.lo_hz, start)
        lo += line.lo_turns
        turns = phase / PHASE_TURN
        turns += lo
        turns = within_a_turn(turns)
        train = PulseTrain(line.name, start, number, turns, tuple(pieces), run.sender)
        trains += [train] if line.real else with_image(train, line.lo_hz, lo, sidebands(run, line))
    return tuple(trains), overflowed


def shapings(run: SequencerRun, line: OutputLine) -> tuple[OutputShaping, OutputShaping]:
    """Return what becomes of the signals of a line's two paths."""
    path_i, path_q = line.channels
    return run.afe.shaping_of(path_i), run.afe.shaping_of(path_q)


def is_filtered(run: SequencerRun, line: OutputLine) -> bool:
    """Tell whether a line is more than delayed as a whole."""
    one, other = shapings(run, line)
    return one.filters or other.filters or one.delay_ns != other.delay_ns


def sidebands(run: SequencerRun, line: OutputLine) -> tuple[complex, complex]:
    """Return what of a sequencer's signal comes out as it is, and what as its image."""
    mixer = run.afe.mixer_of(line.output) if run.afe.model.rf else PERFECT
    return mixer.sidebands(*run.configuration.mixer_correction)


def _shaped(
    run: SequencerRun,
    line: OutputLine,
    end_ns: int,
    stretches: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]],
    keys: NDArray[np.int64],
    part: RunPart,
) -> tuple[PulseTrain | None, bool]:
    """Return what a line of a baseband module plays behind its filters."""
    bare = replace(line, factor=1 + 0j, real=False)
    corrected = (1 + 0j, 0j) if line.real else sidebands(run, line)
    envelopes: list[tuple[NDArray[np.complex128], complex, int, float]] = []
    overflowed = False
    for key in keys:
        piece, clipped = make_piece(key, run.waveforms, bare, run.configuration.modulate)
        overflowed |= clipped
        envelopes.append((piece.samples, piece.level, piece.duration_ns, piece.carrier_hz))
    shaped = part.filtered.line(part.voice, run, line)
    train, clipped = shaped.play(stretches, envelopes, corrected, end_ns, goes_on=part.goes_on)
    return train, overflowed | clipped


def switch_intervals(
    switch: SwitchTimeline, end_ns: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (start, duration) of each stretch during which a switch is closed."""
    on = np.concatenate([[False], switch.on, [False]])
    times = np.append(np.minimum(switch.time_ns, end_ns), end_ns)
    changes = times[on[1:] != on[:-1]]
    start, duration = changes[::2], changes[1::2] - changes[::2]
    return start[duration > 0], duration[duration > 0]


def _wave_lengths(waveforms: Mapping[int, NDArray[np.int16]]) -> NDArray[np.int64]:
    lengths = np.zeros(max(waveforms, default=-1) + 1, np.int64)
    for index, words in waveforms.items():
        lengths[index] = len(words)
    return lengths


def path_words(
    words: NDArray[np.int16] | None, into: int, count: int, gain: int, offset: int
) -> NDArray[np.int64]:
    """Return ``count`` output words of one path, not yet held to 16 bits."""
    result = np.zeros(count, np.int64)
    if words is not None:
        played = words[into : into + count].astype(np.int64)
        result[: len(played)] = played * gain >> limits.GAIN_SHIFT
    return result + offset


def make_piece(
    key: Sequence[int] | NDArray[np.int64],
    waveforms: Mapping[int, NDArray[np.int16]],
    line: OutputLine,
    modulated: bool,
) -> tuple[Piece, bool]:
    """Return the signal of a stretch (see ``segment_kernel``), and whether it overflowed."""
    wave0, into0, wave1, into1, gain0, gain1, offset0, offset1, frequency, duration = map(int, key)
    words0, words1 = waveforms.get(wave0), waveforms.get(wave1)
    remaining = [len(w) - i for w, i in ((words0, into0), (words1, into1)) if w is not None]
    count = min(duration, max(remaining, default=0))
    # one word more than the samples: the level that is held after them
    both = np.stack(
        [
            path_words(words0, into0, count + 1, gain0, offset0),
            path_words(words1, into1, count + 1, gain1, offset1),
        ]
    )
    both[:, count] = offset0, offset1
    held = np.clip(both, limits.DAC_MIN, limits.DAC_MAX)
    overflowed = bool((held != both).any())
    envelope = (held[0] + 1j * held[1]) / limits.DAC_MAX
    if modulated:
        # A turning envelope longer than full scale is cut on both paths in turn.
        # ASSUMED: as if its length were held to full scale (its harmonics are dropped).
        length = np.abs(envelope)
        over = length > 1.0 + 1.0 / limits.DAC_MAX
        overflowed |= bool(over.any())
        envelope[over] /= length[over]
    signal = envelope * line.factor
    if line.real and not modulated:
        # A level without a carrier counts as the peak of a tone does: V / sqrt(2 * 50).
        signal = signal.real + 0j
    piece = Piece(
        carrier_hz=line.lo_hz + frequency / limits.NCO_STEPS_PER_HZ,
        samples=signal[:count],
        level=complex(signal[count]) if duration > count else 0j,
        duration_ns=duration,
    )
    return piece, overflowed
