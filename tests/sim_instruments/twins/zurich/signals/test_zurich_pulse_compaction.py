"""What is left out and joined is the same signal, sample by sample."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from podium.sim_instruments.physics.signals import Piece, PulseTrain
from podium.sim_instruments.twins.zurich.signals.pulse_compaction import compacted

HZ = 5.1e9


def signal(train: PulseTrain, until: int) -> np.ndarray:
    """About a carrier of 5 GHz, 1 ns a sample."""
    made = np.zeros(until, np.complex128)
    for start, which, turns in zip(train.start_ns, train.piece, train.phase_turns, strict=True):
        piece = train.pieces[which]
        held = np.full(piece.duration_ns - len(piece.samples), piece.level)
        samples = np.concatenate([piece.samples, held])
        phase = turns + piece.carrier_hz * 1e-9 * np.arange(len(samples))
        made[start : start + len(samples)] += samples * np.exp(2j * np.pi * phase)
    return made


def placed(*elements: tuple[int, Piece]) -> PulseTrain:
    """Pieces of one oscillator that never stands still."""
    pieces: list[Piece] = []
    for _, piece in elements:
        if not any(piece is one for one in pieces):
            pieces.append(piece)
    start = np.array([at for at, _ in elements], np.int64)
    which = [next(k for k, one in enumerate(pieces) if one is p) for _, p in elements]
    turns = (0.3 + HZ * 1e-9 * start) % 1.0
    return PulseTrain("line", start, np.array(which, np.int32), turns, tuple(pieces), "sender")


def a_pulse(at: int, length: int, level: complex = 0.5) -> tuple[tuple[int, Piece], ...]:
    """A square pulse as a sequencer plays it: from multiples of 8 ns on, held in the middle."""
    begin, end = at // 8 * 8, (at + length) // 8 * 8
    head = Piece(HZ, np.zeros(at - begin, np.complex128), level, end - begin)
    tail = np.full(at + length - end, level, np.complex128)
    if not len(tail):
        return ((begin, head),)
    return (begin, head), (end, Piece(HZ, tail, 0j, 16))


@given(st.lists(st.integers(0, 15), min_size=1, max_size=5), st.integers(20, 60))
def test_a_pulse_is_one_piece_wherever_it_lies_on_the_grid(offsets: list[int], length: int):
    elements = [e for k, at in enumerate(offsets) for e in a_pulse(100 * k + at, length)]
    train = placed(*elements)
    made = compacted(train)
    until = 100 * len(offsets) + 100
    assert np.abs(signal(made, until) - signal(train, until)).max() < 1e-5
    used = {made.pieces[k].duration_ns for k in made.piece}
    assert used == {length}
    assert len(set(made.piece.tolist())) == 1
    assert made.start_ns.tolist() == [100 * k + at for k, at in enumerate(offsets)]


def test_what_does_not_go_on_is_left_apart():
    low, high = (Piece(HZ, np.zeros(0, np.complex128), level, 20) for level in (0.5, 0.6))
    far = Piece(HZ + 1e6, np.zeros(0, np.complex128), 0.5, 20)
    train = placed((0, low), (20, high), (60, low), (80, far))
    made = compacted(train)
    assert made.start_ns.tolist() == [0, 20, 60, 80]
    turned = placed((0, low), (20, low))
    turned.phase_turns[1] += 0.25
    assert compacted(turned).start_ns.tolist() == [0, 20]


def test_silence_alone_stays_as_it_is():
    silent = Piece(HZ, np.zeros(8, np.complex128), 0j, 16)
    made = compacted(placed((8, silent)))
    assert made.start_ns.tolist() == [8]
    assert made.pieces[made.piece[0]].duration_ns == 16
