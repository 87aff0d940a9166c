"""Signals on their way from an instrument's connectors to lines of the world.

Only what plays pulses needs it; a :class:`.cabling.Cabling` alone needs no NumPy, and boxes on a
bench start without.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.limits import (
    IMPEDANCE_OHM,
    QCM_OUTPUT_FULL_SCALE_V,
    tone_amplitude,
)
from podium.sim_instruments.physics.signals import CaptureAnswer, CaptureTrain, Piece, PulseTrain
from podium.sim_instruments.servers.cabling import Cabling
from podium.sim_instruments.servers.flux_signals import flux_signal
from podium.sim_instruments.twins.qblox_cluster.outputs.mixer import FULL_SCALE_MV, PERFECT
from podium.sim_instruments.twins.qblox_cluster.outputs.mixer_signals import with_image
from podium.sim_instruments.wiring import Cable, Carrier


def routed(
    cabling: Cabling,
    instrument: str,
    trains: Iterable[PulseTrain],
    turns_of: Callable[[str, Carrier], float] = lambda source, carrier: 0.0,
) -> Iterator[PulseTrain]:
    """Return what leaves an instrument's connectors as it arrives at the world's lines.

    ``turns_of`` says which phase a microwave source has at the run's time 0.
    """
    for train in trains:
        cable = cabling.plan.outputs[instrument].get(train.line)
        if cable is None or cable.line in cabling.unplugged:
            continue
        carrier = cabling.carriers.get(cable.modulator) if cable.modulator else None
        turns = 0.0
        if cable.modulator is not None and carrier is not None:
            turns = turns_of(cable.modulator, carrier)
        arriving = route(train, cable, carrier, turns)
        if arriving is None:
            continue
        if cable.line in cabling.plan.biases:
            yield flux_signal(arriving)
            continue
        if carrier is None:
            yield arriving
            continue
        lo = (phase_turns(carrier.frequency_hz, arriving.start_ns) + turns) % 1.0
        mixer = cabling.mixers.get(cable.modulator or "", PERFECT)
        yield from with_image(arriving, carrier.frequency_hz, lo, mixer.sidebands(1.0, 0.0))


def leaking(cabling: Cabling, instrument: str, duration_ns: int) -> Iterator[PulseTrain]:
    """Return the carriers that come through modulators of an instrument during a run.

    Static levels of its outputs are offsets at the modulator's inputs. ASSUMED: as much of a
    carrier leaks as its full scale would at such a level.
    """
    for connector, cable in cabling.plan.outputs[instrument].items():
        carrier = cabling.carriers.get(cable.modulator) if cable.modulator else None
        if carrier is None or cable.line in cabling.unplugged or duration_ns <= 0:
            continue
        mixer = cabling.mixers.get(cable.modulator or "", PERFECT)
        i_mv, q_mv = (
            FULL_SCALE_MV * level / QCM_OUTPUT_FULL_SCALE_V
            for level in cabling.levels_of_pair(instrument, connector)
        )
        level = mixer.leak((i_mv, q_mv)) * tone_amplitude(carrier.power_dbm)
        if level:
            piece = Piece(carrier.frequency_hz, np.zeros(0, np.complex128), level, duration_ns)
            at = np.zeros(1, np.int64)
            yield PulseTrain(
                cable.line, at, np.zeros(1, np.int32), np.zeros(1), (piece,), spur="carrier"
            )


def route(
    train: PulseTrain, cable: Cable, carrier: Carrier | None, turns_at_start: float = 0.0
) -> PulseTrain | None:
    """Return ``train`` as it arrives at the line of the world; None where nothing arrives.

    Through a modulator, the baseband I + jQ moves up by the carrier (upper sideband), and full
    scale of the baseband outputs gives the source's set power (ASSUMED: matched IQ pads).
    ``turns_at_start``: phase of the carrier at the run's time 0.
    """
    if cable.modulator is None:
        if cable.factor == 1.0:
            return replace(train, line=cable.line)
        weaker = tuple(
            replace(piece, samples=piece.samples * cable.factor, level=piece.level * cable.factor)
            for piece in train.pieces
        )
        return replace(train, line=cable.line, pieces=weaker)
    if carrier is None:
        return None
    full_scale = QCM_OUTPUT_FULL_SCALE_V / sqrt(2 * IMPEDANCE_OHM)
    factor = tone_amplitude(carrier.power_dbm) / full_scale
    pieces = tuple(
        Piece(
            piece.carrier_hz + carrier.frequency_hz,
            piece.samples * factor,
            piece.level * factor,
            piece.duration_ns,
        )
        for piece in train.pieces
    )
    turns = train.phase_turns + phase_turns(carrier.frequency_hz, train.start_ns) + turns_at_start
    return replace(train, line=cable.line, pieces=pieces, phase_turns=turns)


def phase_turns(frequency_hz: float, time_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the phase of an oscillator at ``time_ns`` (n,), in turns modulo 1.

    Exact, then rounded once, for frequencies on a grid of 1 mHz (an SGS100A's) and any time:
    f t in mHz ns modulo 10**12, from two products that stay within 64 bits.
    """
    high, low = divmod(round(frequency_hz * 1000) % 10**12, 10**6)
    first = (high * (time_ns % 10**6)) % 10**6 * 10**6
    second = (low * (time_ns % 10**12)) % 10**12
    return np.asarray(((first + second) % 10**12) / 1e12)


def silence(capture: CaptureTrain) -> CaptureAnswer:
    """Return what an input that no cable is plugged into hears: nothing."""
    longest = max((window.duration_ns for window in capture.windows), default=0)
    trace = np.zeros(longest, dtype=np.complex128) if capture.scope else None
    return CaptureAnswer(np.zeros(len(capture.start_ns), dtype=np.complex128), trace)
