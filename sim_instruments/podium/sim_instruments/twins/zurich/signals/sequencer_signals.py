"""Turns a sequencer's output into signals for the world, and answers into results.

The world counts nanoseconds, these instruments half of them: two samples are averaged about the
pulse's own carrier: a line with a bandwidth below 1 GHz does that to them. Phases are those of a
synthesizer at phase 0 when a run begins (:mod:`.synthesizers` tells by how much it is ahead); runs
begin on a grid of 20 ns, in which centre frequencies, multiples of 200 MHz, turn whole turns.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import gcd, sqrt
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.limits import IMPEDANCE_OHM, tone_amplitude
from podium.sim_instruments.physics.deduplicate import distinct_rows, numbered
from podium.sim_instruments.physics.signals import (
    CaptureAnswer,
    CaptureTrain,
    PulseTrain,
    Window,
    within_a_turn,
)
from podium.sim_instruments.physics.waveform_tones import demodulated, split_tones
from podium.sim_instruments.twins.zurich.quantum_analyzer.integration import ReadoutSettings
from podium.sim_instruments.twins.zurich.quantum_analyzer.oscillator_modulation import Carriers
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    Complexes,
    IntegratorSums,
    Readouts,
)
from podium.sim_instruments.twins.zurich.sequencer.image import Image, Integers
from podium.sim_instruments.twins.zurich.sequencer.processor import Trace
from podium.sim_instruments.twins.zurich.sequencer.render import (
    Oscillators,
    oscillator_at,
)
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    PHASE_TURN,
    Kind,
    Row,
)
from podium.sim_instruments.twins.zurich.signals.drive_plays import DrivePlay, DrivePlays
from podium.sim_instruments.twins.zurich.signals.nanoseconds import (
    in_nanoseconds,
    weights_in_nanoseconds,
)
from podium.sim_instruments.twins.zurich.signals.output_saturation import loud_masks
from podium.sim_instruments.twins.zurich.signals.signal_pieces import (
    ALIKE,
    piece_of,
    sounding,
    trains_of,
)

RATE_HZ: Final = 2e9
MIDDLE: Final = 0.5
"""Of a sample. Digital modulation multiplies samples with an oscillator's (SHFSG+ user manual,
Digital Modulation Tab): one value of it for each, as of a carrier that stands in the samples. The
world's carriers turn while a sample is held; both are the same where they meet in its middle."""
AnyTrain = TypeVar("AnyTrain", PulseTrain, CaptureTrain)
Loud = Callable[[Integers], object]
"""Hears at which nanoseconds of the run a channel went beyond its full scale."""
_KEY: Final = (Row.KIND, Row.A, Row.B, Row.CONFIG, Row.AMPLITUDES_01, Row.AMPLITUDES_23)
_COLUMNS: Final = list(map(int, _KEY))


@dataclass(frozen=True, slots=True, eq=False)
class IntegratorCapture:
    """The windows of one integrator."""

    readouts: Integers
    """Which of them."""
    factor: complex
    """Of what the world integrates."""
    train: CaptureTrain


def drive_trains(
    line: str,
    sender: str,
    trace: Trace,
    image: Image,
    oscillators: Oscillators,
    centre_hz: float,
    range_dbm: float,
    begin_ns: int,
    late: int = 0,
    since: int = 0,
    loud: Loud | None = None,
    made: DrivePlays | None = None,
) -> Iterator[PulseTrain]:
    """Yield what a signal generator's channel sends; ``begin_ns``: its sample 0.

    ``loud`` hears when anything went beyond full scale. ``made`` keeps the plays of this channel
    that were made before.

    ``late``: samples from the sequencer to the connector. ``since``: rows that begin earlier have
    been sent, they show in what they leave to hold.
    """
    rows, before, longer = played_rows(trace, since)
    if not len(rows):
        return
    time, which = rows[:, Row.TIME].copy(), rows[:, Row.CONFIG] >> 32
    turns, hz = np.empty(len(rows)), np.empty(len(rows))
    if which.min() == which.max():
        turns, hz = oscillator_at(trace, oscillators, int(which[0]), RATE_HZ, time)
    else:
        for number in np.unique(which).tolist():
            here = which == number
            turns[here], hz[here] = oscillator_at(trace, oscillators, number, RATE_HZ, time[here])
    # Oscillators and phases turn in the sequencer, the synthesizer at the connector.
    time = time + late
    phase = (rows[:, Row.PHASES] & 0xFFFF_FFFF).astype(np.uint32).view(np.int32) / PHASE_TURN
    key = (*(rows[:, one] for one in _KEY), before, longer, hz.view(np.int64), time & 1)
    first, piece = distinct_rows(key)
    piece = piece.reshape(-1)
    # There may be a million rows, and few kinds of them.
    rows, before, longer = rows[first], before[first], longer[first]
    del key, which
    full = tone_amplitude(range_dbm)
    start_ns = begin_ns + (time >> 1)
    made = {} if made is None else made
    plays = []
    for row, held_for, lasting, k in zip(
        rows, before.tolist(), longer.tolist(), first.tolist(), strict=True
    ):
        content = (*row[_COLUMNS].tolist(), held_for, lasting, float(hz[k]), int(time[k] & 1))
        if content not in made:
            lasts = int(time[k] & 1), lasting
            made[content] = DrivePlay(row, held_for, lasts, image, float(hz[k]))
        plays.append(made[content])
    over = np.array([one.beyond for one in plays])
    if loud is not None and over.any():
        loud(start_ns[over[piece]])
    for number, side in enumerate((1, -1)):
        if not any(one.sounds[number] for one in plays):
            continue
        pieces = [
            one.piece(number, centre_hz + side * own_hz, full)
            for one, own_hz in zip(plays, hz[first].tolist(), strict=True)
        ]
        half = side * hz[first] * ((time[first] & 1) + MIDDLE) / RATE_HZ
        at_start = side * (turns + phase) - half[piece] + turns_at(centre_hz, start_ns)
        yield from trains_of(line, sender, pieces, piece, start_ns, at_start)


def played_rows(trace: Trace, since: int) -> tuple[Integers, Integers, Integers]:
    """Return the plays and holds of a sequencer, from a sample on, in the order of time.

    Also, of each, how long the play was that it is or repeats, and for how long its last sample is
    held. Earlier rows show in what they leave to hold.
    """
    rows = trace.kinds(Kind.WAVE, Kind.HOLD)
    if np.any(np.diff(rows[:, Row.TIME]) < 0):
        rows = rows[np.argsort(rows[:, Row.TIME], kind="stable")]
    if not len(rows) or rows[-1, Row.TIME] < since:
        none = np.zeros(0, np.int64)
        return rows[:0], none, none
    waves = np.maximum.accumulate(np.where(rows[:, Row.KIND] == Kind.WAVE, np.arange(len(rows)), 0))
    held = rows[:, Row.KIND] == Kind.HOLD
    # What a hold repeats is the last sample of the play before it.
    rows[held, Row.B] = rows[waves[held], Row.B]
    low = rows[waves, Row.CONFIG] & 0xFFFF_FFFF
    rows[:, Row.CONFIG] = rows[:, Row.CONFIG] >> 32 << 32 | low
    before = rows[waves, Row.A]
    if rows[0, Row.TIME] < since:
        later = rows[:, Row.TIME] >= since
        rows, before = rows[later], before[later]
    kept, longer = _joined(rows)
    if not kept.all():
        rows, before, longer = rows[kept], before[kept], longer[kept]
    return rows, before, longer


def _joined(rows: Integers) -> tuple[NDArray[np.bool_], Integers]:
    """Join holds to the plays that they go on from.

    Returns which rows are left, and for how long each is held.
    """
    longer = np.zeros(len(rows), np.int64)
    if not np.any(rows[:, Row.KIND] == Kind.HOLD):
        return np.ones(len(rows), np.bool_), longer
    same = [Row.AMPLITUDES_01, Row.AMPLITUDES_23, Row.PHASES]
    first, second = rows[:-1], rows[1:]
    joins = (
        (first[:, Row.KIND] == Kind.WAVE)
        & (second[:, Row.KIND] == Kind.HOLD)
        & (first[:, Row.TIME] + first[:, Row.A] == second[:, Row.TIME])
        & (first[:, Row.CONFIG] >> 32 == second[:, Row.CONFIG] >> 32)
        & np.all(first[:, same] == second[:, same], axis=1)
    )
    longer[:-1][joins] = second[joins, Row.A]
    return np.concatenate([[True], ~joins]), longer


def readout_trains(
    line: str,
    sender: str,
    started: Readouts,
    waves: dict[int, Complexes],
    delay: int,
    centre_hz: float,
    range_dbm: float,
    begin_ns: int,
    carriers: Carriers | None = None,
    loud: Loud | None = None,
    samples_per_ns: int = 1,
) -> Iterator[PulseTrain]:
    """Yield what the pulse generator of an analyser's channel sends, each slot by itself.

    ``carriers``: what waveforms ride on, None: nothing. What is cut of pulses that add up beyond
    full scale is missing of the loudest of them, unless they ride. ``loud`` hears when that was.
    """
    full = tone_amplitude(range_dbm)
    cut = {} if carriers is not None else loud_masks(started, waves)
    if loud is not None and cut:
        loud(begin_ns + (started.time[np.isin(started.generators, list(cut))] + delay >> 1))
    for slot, wave in waves.items():
        plays = (started.generators >> slot & 1) == 1
        mine, time = started.generators, started.time + delay
        if not plays.all():
            mine, time = mine[plays], time[plays]
        if not len(time):
            continue
        masks = [mask for mask, (loudest, _) in cut.items() if loudest == slot]
        content = np.zeros(len(time), np.int64)
        for place, mask in enumerate(masks):
            content[mine == mask] = place + 1
        tones = [
            _tones(full * one, samples_per_ns) for one in (wave, *(cut[mask][1] for mask in masks))
        ]
        heard = _heard(tones, samples_per_ns)
        turns, ridden_hz = _ridden(carriers, slot, time)
        every = np.arange(len(time))
        for number in range(max(map(len, tones))):
            has = np.array([number < len(one) for one in tones])
            there = slice(None) if has.all() else every[has[content]]
            own_hz = np.array([one[number][0] if number < len(one) else 0.0 for one in tones])
            parity, hz = time[there] & 1, (own_hz[content] + ridden_hz)[there]
            of_tone = content[there]
            first, piece = distinct_rows((hz, of_tone, parity))
            of_first = zip(
                hz[first].tolist(), of_tone[first].tolist(), parity[first].tolist(), strict=True
            )
            pieces = tuple(
                piece_of(centre_hz + own, heard(one, number, late), samples_per_ns)
                for own, one, late in of_first
            )
            start_ns = begin_ns + (time[there] >> 1)
            at_start = turns_at(centre_hz, start_ns) + turns[there] - hz * parity / RATE_HZ
            which = piece.reshape(-1).astype(np.int32)
            played = (start_ns, which, within_a_turn(at_start), pieces)
            train = PulseTrain(line, *played, f"{sender}/{slot}", samples_per_ns=samples_per_ns)
            yield sounding(train) if samples_per_ns == 1 else train


def _tones(wave: Complexes, samples_per_ns: int) -> tuple[tuple[float, Complexes], ...]:
    """Return the tones of a waveform, carriers in Hz and envelopes; a cable takes it as one."""
    if samples_per_ns > 1:
        return (demodulated(wave, RATE_HZ),)
    return split_tones(wave, RATE_HZ)


def _heard(
    tones: Sequence[Sequence[tuple[float, Complexes]]], samples_per_ns: int
) -> Callable[[int, int, int], Complexes]:
    """Return a function of waveform, tone and samples after the nanosecond: what a line takes."""
    return cache(lambda one, tone, late: in_nanoseconds(tones[one][tone][1], late, samples_per_ns))


def _ridden(
    carriers: Carriers | None, slot: int, times: Integers
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return phase and frequency of what a slot rides on at ``times``."""
    if carriers is None:
        return np.zeros(len(times)), np.zeros(len(times))
    return carriers.at(slot, times)


def capture_trains(
    line: str,
    started: Readouts,
    settings: ReadoutSettings,
    centre_hz: float,
    begin_ns: int,
    carriers: Carriers | None = None,
    samples_per_ns: int = 1,
) -> dict[int, IntegratorCapture]:
    """Return what integrators listen to, by integrator; ``carriers``: what weights ride on."""
    found: dict[int, IntegratorCapture] = {}
    instants: dict[bytes, _Instants] = {}
    for unit, given in enumerate(settings.weights):
        integrates = (started.integrators >> unit & 1) == 1
        weights = given[: settings.length]
        if not integrates.any() or not np.any(weights):
            continue
        content = integrates.tobytes()
        if content not in instants:
            instants[content] = _instants(started, integrates, settings.delay, begin_ns, centre_hz)
        at = instants[content]
        hz, envelope = demodulated(weights, RATE_HZ)
        whole = np.zeros(settings.length, np.complex128)
        whole[: len(envelope)] = envelope
        # Two samples of the instrument's in each nanosecond, of which answers are the mean.
        weights = weights_in_nanoseconds(whole) if samples_per_ns == 1 else 2 * whole
        even = bool(np.all(np.abs(weights - weights[0]) <= ALIKE * np.abs(weights).max()))
        turns, ridden_hz = _ridden(carriers, unit, at.time)
        several_hz, window = numbered(ridden_hz)
        in_window = at.first if len(several_hz) == 1 else window.astype(np.int32)
        windows = tuple(
            Window(centre_hz - hz + one, settings.length // 2, None if even else weights)
            for one in several_hz.tolist()
        )
        found[unit] = IntegratorCapture(
            at.readouts,
            complex(weights[0]) if even else 1.0,
            CaptureTrain(
                line,
                at.start_ns,
                in_window,
                within_a_turn(at.turns + turns),
                windows,
                samples_per_ns=samples_per_ns,
            ),
        )
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Instants:
    """When some readouts are integrated: integrators that share them share these arrays.

    The world takes trains that share arrays as one, where it looks for shots that are alike.
    """

    readouts: Integers
    """Which of them."""
    time: Integers
    """Samples."""
    start_ns: Integers
    turns: NDArray[np.float64]
    """Phase of the synthesizer."""
    first: NDArray[np.int32]
    """Zeros: the only window of each."""


def _instants(
    started: Readouts, which: NDArray[np.bool_], delay: int, begin_ns: int, centre_hz: float
) -> _Instants:
    readouts = np.flatnonzero(which)
    time = (started.time if which.all() else started.time[readouts]) + delay
    start_ns = begin_ns + (time >> 1)
    none = np.zeros(len(readouts), np.int32)
    return _Instants(readouts, time, start_ns, turns_at(centre_hz, start_ns), none)


def results_of(
    readouts: int,
    units: int,
    trains: dict[int, IntegratorCapture],
    answers: tuple[CaptureAnswer, ...],
    of: Integers | None = None,
) -> IntegratorSums:
    """Return the sums of the integrators, V.

    ``of``: which of the ``readouts`` those are that trains count; None: all.
    """
    found: dict[int, Complexes] = {}
    for (unit, one), answer in zip(trains.items(), answers, strict=True):
        volts = answer.integrated * sqrt(2 * IMPEDANCE_OHM)
        volts *= one.train.windows[0].duration_ns
        volts *= one.factor
        if of is None and len(volts) == readouts:
            found[unit] = volts
            continue
        which = one.readouts if of is None else of[one.readouts]
        sums = found[unit] = np.zeros(readouts, np.complex128)
        sums[which] = volts
    return IntegratorSums(readouts, units, found)


def turned(train: AnyTrain, turns: float) -> AnyTrain:
    """Return a train whose carriers, or the oscillators it is held against, are so much ahead."""
    if turns == 0.0:
        return train
    return replace(train, phase_turns=within_a_turn(train.phase_turns + turns))


def later(train: AnyTrain, centre_hz: float, later_ns: int) -> AnyTrain:
    """Return a train as it would be at a later time; the synthesizer turns meanwhile."""
    if not later_ns:
        return train
    start_ns = train.start_ns + later_ns
    turns = train.phase_turns - turns_at(centre_hz, train.start_ns) + turns_at(centre_hz, start_ns)
    return replace(train, start_ns=start_ns, phase_turns=turns % 1.0)


def turns_at(centre_hz: float, start_ns: Integers) -> NDArray[np.float64]:
    """Return the phase of a synthesizer; exact, as centre frequencies are whole 200 MHz.

    It is the same again after 5 ns.
    """
    step = round(centre_hz) % 10**9
    period_ns = 10**9 // gcd(step, 10**9)
    turns = np.arange(period_ns) * step % 10**9 / 1e9
    return np.asarray(turns[start_ns % period_ns], np.float64)
