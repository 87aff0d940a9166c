"""A channel in spectroscopy mode sends signals to the world, and makes results of the answers.

A pulse, or the oscillator as it is, goes out on one carrier for as long as the oscillator keeps its
frequency and phase: windows and tones are cut where a program changes either.

ASSUMED: an oscillator that goes out as it is, without an envelope, is on all the time; the world
plays it while it is integrated, and for :data:`LEAD` before. What it does to a qubit between two
integrations that are farther apart is left out.
"""

from dataclasses import dataclass, replace
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.limits import IMPEDANCE_OHM, tone_amplitude
from podium.sim_instruments.physics.deduplicate import distinct_rows
from podium.sim_instruments.physics.signals import (
    CaptureAnswer,
    CaptureTrain,
    Piece,
    PulseTrain,
    Window,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Complexes, busy
from podium.sim_instruments.twins.zurich.quantum_analyzer.spectroscopy import (
    OSCILLATOR,
    SpectroscopySettings,
)
from podium.sim_instruments.twins.zurich.sequencer.image import Integers
from podium.sim_instruments.twins.zurich.sequencer.processor import Trace
from podium.sim_instruments.twins.zurich.sequencer.render import Oscillators, oscillator_at
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Kind, Row
from podium.sim_instruments.twins.zurich.signals.nanoseconds import in_nanoseconds
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import RATE_HZ, turns_at
from podium.sim_instruments.twins.zurich.signals.signal_pieces import piece_of

LEAD: Final = 40_000
"""Samples: 20 us, in which every resonator has come to rest."""

LONGEST: Final = 6_000_000
"""Samples, 3 ms: the world plays 4 ms without a pause..."""
PART: Final = 1 << 21
PAUSE: Final = 4096
"""... ASSUMED: what is integrated for longer has a pause of 2 us in each millisecond."""


@dataclass(frozen=True, slots=True, eq=False)
class ProbeSettings:
    """Settings of a channel in spectroscopy mode when a run begins."""

    settings: SpectroscopySettings
    oscillators: Oscillators
    output: int | None
    """Which trigger output of the channel's own sequencer triggers it; None: none does."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """Parts of intervals in which the oscillator turns evenly; shape (s,) each."""

    of: Integers
    """Which interval."""
    begin: Integers
    """Samples from the program's start."""
    end: Integers
    turns: NDArray[np.float64]
    """Of the oscillator where a part begins."""
    hz: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ProbeWindows:
    """Windows of one run in spectroscopy mode."""

    triggers: int
    """How many there were, those too early included."""
    kept: Integers
    """Which of them began an integration."""
    stretches: Stretches
    """Of the integrations that were kept."""
    train: CaptureTrain


def _kept(triggers: Integers, settings: SpectroscopySettings) -> Integers:
    """Return which triggers begin an integration: none that comes while another goes on."""
    return np.flatnonzero(~busy(triggers, settings.delay + settings.length))


def probing_trains(
    line: str,
    sender: str,
    trace: Trace,
    probing: ProbeSettings,
    triggers: Integers,
    centre_hz: float,
    range_dbm: float,
    begin_ns: int,
    late: int = 0,
) -> tuple[PulseTrain, ...]:
    """Return what goes out, nothing or one train; ``begin_ns``: sample 0 of the program;
    ``late``: samples from there to the connector."""
    settings, envelope = probing.settings, probing.settings.envelope
    times = triggers[_kept(triggers, settings)]
    if envelope is None:
        of, begins, ends = _divided(times + settings.delay, settings.length)
        before = np.concatenate([np.zeros(1, np.int64), ends])[: len(ends)]
        lead = np.where(np.diff(of, prepend=-1), LEAD, 0)
        begins = np.maximum(begins - lead, np.where(lead, before, 0))
    else:
        begins = times + settings.envelope_delay
        ends = begins + len(envelope)
    parts = stretches_of(trace, probing.oscillators, begins, ends)
    if not len(parts.begin) or not settings.gain:
        return ()
    first = 0 * parts.begin if envelope is None else parts.begin - begins[parts.of]
    count = parts.end - parts.begin
    key = np.stack([first, count, parts.hz.view(np.int64)])
    kinds, piece = distinct_rows(key)
    full = tone_amplitude(range_dbm) * settings.gain
    pieces = []
    for start, samples, word in key[:, kinds].T.tolist():
        hz = float(np.int64(word).view(np.float64))
        if envelope is None:
            nothing = np.zeros(0, np.complex128)
            pieces.append(Piece(centre_hz + hz, nothing, complex(full), samples >> 1))
        else:
            shape = in_nanoseconds(full * envelope[start : start + samples], late & 1)
            pieces.append(piece_of(centre_hz + hz, shape))
    start_ns, at_start = _begun(parts, centre_hz, begin_ns, late)
    number = piece.reshape(-1).astype(np.int32)
    return (PulseTrain(line, start_ns, number, at_start, tuple(pieces), sender),)


def probed(
    line: str,
    trace: Trace,
    probing: ProbeSettings,
    triggers: Integers,
    centre_hz: float,
    begin_ns: int,
    late: int = 0,
    samples_per_ns: int = 1,
) -> ProbeWindows:
    """Return what is integrated: the oscillator itself is what everything is held against."""
    settings = probing.settings
    which = _kept(triggers, settings)
    of, begins, ends = _divided(triggers[which] + settings.delay, settings.length)
    parts = stretches_of(trace, probing.oscillators, begins, ends)
    parts = replace(parts, of=of[parts.of])
    key = np.stack([np.maximum(parts.end - parts.begin, 2) >> 1, parts.hz.view(np.int64)])
    kinds, number = distinct_rows(key)
    windows = tuple(
        Window(centre_hz + float(np.int64(word).view(np.float64)), count, None)
        for count, word in key[:, kinds].T.tolist()
    )
    start_ns, turns = _begun(parts, centre_hz, begin_ns, late)
    which_window = number.reshape(-1).astype(np.int32)
    train = CaptureTrain(
        line, start_ns, which_window, turns, windows, samples_per_ns=samples_per_ns
    )
    return ProbeWindows(len(triggers), which, parts, train)


def points_of(one: ProbeWindows, answer: CaptureAnswer) -> Complexes:
    """Return the results, V, shape (triggers, 1); zero for triggers that came too early."""
    volts = answer.integrated * sqrt(2 * IMPEDANCE_OHM)
    samples = one.stretches.end - one.stretches.begin
    share = samples / np.bincount(one.stretches.of, samples)[one.stretches.of]
    found = np.zeros((one.triggers, 1), np.complex128)
    np.add.at(found[:, 0], one.kept[one.stretches.of], volts * share)
    return found


def _divided(begins: Integers, samples: int) -> tuple[Integers, Integers, Integers]:
    """Return which interval each part belongs to, and where parts begin and end.

    Intervals are whole unless they are longer than the world plays without a pause.
    """
    count = 1 if samples <= LONGEST else -(-samples // PART)
    of = np.repeat(np.arange(len(begins)), count)
    place = np.tile(np.arange(count), len(begins))
    first = begins[of] + place * PART
    last = place == count - 1
    end = np.where(last, begins[of] + samples, first + PART - PAUSE)
    return of, first, end


def _begun(
    parts: Stretches, centre_hz: float, begin_ns: int, late: int
) -> tuple[Integers, NDArray[np.float64]]:
    """Return when parts begin, in whole nanoseconds, and the phase of their carriers then.

    The oscillator turns in the channel, the synthesizer at the connector.
    """
    begin = parts.begin + late
    start_ns = begin_ns + (begin >> 1)
    turns = parts.turns - parts.hz * (begin & 1) / RATE_HZ + turns_at(centre_hz, start_ns)
    return start_ns, np.asarray(turns % 1.0)


def stretches_of(
    trace: Trace, oscillators: Oscillators, begins: Integers, ends: Integers
) -> Stretches:
    """Cut intervals where the oscillator is changed or reset within them."""
    rows = trace.oscillator_rows()
    changes = np.where(
        rows[:, Row.KIND] == Kind.FREQUENCY,
        rows[:, Row.A] == OSCILLATOR,
        rows[:, Row.A] >> OSCILLATOR & 1 == 1,
    )
    cuts = np.unique(rows[changes, Row.TIME])
    low = np.searchsorted(cuts, begins, side="right")
    inside = np.searchsorted(cuts, ends, side="left") - low
    of = np.repeat(np.arange(len(begins)), inside + 1)
    place = np.arange(len(of)) - np.repeat(np.cumsum(inside + 1) - inside - 1, inside + 1)
    around = np.concatenate([cuts, np.zeros(1, np.int64)])
    begin = np.where(place == 0, begins[of], around[low[of] + place - 1])
    end = np.where(place == inside[of], ends[of], around[(low[of] + place) % len(around)])
    turns, hz = oscillator_at(trace, oscillators, OSCILLATOR, RATE_HZ, begin)
    return Stretches(of, begin, end, turns, hz)
