"""What flux lines take: the real part of what an output plays, carriers written out."""

import numpy as np

from podium.sim_instruments.physics.signals import Piece, PulseTrain
from podium.sim_instruments.servers.flux_signals import flux_signal


def train(*pieces: Piece, start: list[int], number: list[int], turns: list[float]) -> PulseTrain:
    return PulseTrain(
        "node_a.q0.flux",
        np.array(start, np.int64),
        np.array(number, np.int32),
        np.array(turns),
        pieces,
    )


def written(one: PulseTrain, end: int) -> np.ndarray:
    signal = np.zeros(end, np.complex128)
    for start, number, turns in zip(one.start_ns, one.piece, one.phase_turns, strict=True):
        piece = one.pieces[number]
        held = np.full(piece.duration_ns - len(piece.samples), piece.level)
        both = np.concatenate([piece.samples, held])
        carried = turns + piece.carrier_hz * 1e-9 * np.arange(len(both))
        signal[start : start + len(both)] += both * np.exp(2j * np.pi * carried)
    return signal


def test_a_flux_line_takes_the_real_part_whatever_the_carrier_and_the_phase() -> None:
    shaped = Piece(80e6, np.linspace(0, 1, 9) + 0j, 0.4 + 0j, 30)
    level = Piece(0.0, np.zeros(0, np.complex128), 0.5 + 0.1j, 20)
    played = train(
        shaped, level, start=[0, 40, 70, 200], number=[0, 1, 0, 0], turns=[0.1, 0.5, 0.1, 0.7]
    )
    found = flux_signal(played)
    assert {piece.carrier_hz for piece in found.pieces} == {0.0}
    assert not found.phase_turns.any()
    assert len(found.pieces) == 3, "equal pulses at equal phases are one piece"
    assert np.allclose(written(found, 240), written(played, 240).real)


def test_pulses_without_carrier_and_phase_pass_as_they_are() -> None:
    level = Piece(0.0, np.zeros(0, np.complex128), 0.5 + 0j, 20)
    played = train(level, start=[0, 40], number=[0, 0], turns=[0.0, 0.0])
    assert flux_signal(played) is played
