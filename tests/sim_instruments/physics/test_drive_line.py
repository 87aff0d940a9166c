import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.benches.physics.small_chip import NONE, train

from podium.sim_instruments.physics.drive_line import Shape, added, drives_of, without_silence
from podium.sim_instruments.physics.signals import Piece

LINE = "node_a.q0.drive"


def signal(shape: Shape, turns: float, at_ns: np.ndarray) -> np.ndarray:
    """The shape's signal at times from its start, over a carrier of 6 GHz at the origin."""
    index = np.floor(at_ns / shape.step_ns).astype(int)
    values = np.full(at_ns.size, shape.level, np.complex128)
    held = (index >= 0) & (index < shape.samples.size)
    values[held] = shape.samples[index[held]]
    values[(at_ns < 0) | (at_ns >= shape.duration_ns)] = 0
    return values * np.exp(2j * np.pi * (turns + shape.carrier_hz * 1e-9 * at_ns))


def test_overlapping_shapes_add_up_on_the_first_carrier() -> None:
    random = np.random.default_rng(1)
    first = Shape(6.0e9, random.standard_normal(30) + 0j, 1.0, 0.3 - 0.2j, 45)
    second = Shape(5.83e9, 1j * random.standard_normal(20), 1.0, 0j, 20)
    both = added([first, second], [0, 33], [0.0, 0.37])
    assert (both.duration_ns, both.carrier_hz) == (53, 6.0e9)
    middle = (np.arange(both.samples.size) + 0.5) * both.step_ns
    wanted = signal(first, 0.0, middle) + signal(second, 0.37, middle - 33)
    assert np.max(np.abs(signal(both, 0.0, middle) - wanted)) < 1e-3


@given(
    st.lists(st.integers(0, 300), max_size=8, unique=True),
    st.lists(st.integers(0, 300), max_size=8, unique=True),
)
def test_what_the_line_carries_never_overlaps_and_covers_all_that_is_played(
    first: list[int], second: list[int]
) -> None:
    piece = Piece(6e9, np.ones(5, np.complex128), 0.5 + 0j, 12)
    silent = Piece(6e9, np.zeros(3, np.complex128), 0j, 400)
    other = Piece(6e9, NONE, 0.25j, 7)
    first, second = sorted(first)[::2], sorted(second)[::2]
    trains = [
        train(LINE, first, [piece, silent], [0] * len(first), [0.0] * len(first)),
        train(LINE, second, [other], [0] * len(second), [0.0] * len(second)),
        train(LINE, [0], [silent], [0], [0.0]),
    ]
    drives = drives_of(trains)
    assert np.all(drives.start_ns[1:] >= drives.end_ns[:-1])
    played = np.zeros(400, np.complex128)
    for start, kind, turns in zip(drives.start_ns, drives.shape, drives.phase_turns, strict=True):
        shape = drives.shapes[kind]
        at = np.arange(shape.duration_ns)
        # on one carrier the phases at the starts say how the samples add up
        carrier = np.exp(-2j * np.pi * 6.0 * (start + at))
        played[start + at] += signal(shape, turns, at + 0.5 * shape.step_ns) * carrier
    wanted = np.zeros(400, np.complex128)
    for starts, each in ((first, piece), (second, other)):
        for start in starts:
            values = np.full(each.duration_ns, each.level, np.complex128)
            values[: each.samples.size] = each.samples
            at = np.arange(each.duration_ns)
            wanted[start + at] += values * np.exp(-2j * np.pi * 6.0 * start)
    assert np.max(np.abs(np.abs(played) - np.abs(wanted))) < 1e-9


def test_equal_overlaps_share_a_shape() -> None:
    pieces = [Piece(6e9, NONE, 1e-3 + 0j, 50)]
    starts = [0, 1000, 2000]
    trains = [
        train(LINE, starts, pieces, [0] * 3, [0.1, 0.2, 0.3]),
        train(LINE, [s + 20 for s in starts], pieces, [0] * 3, [0.5, 0.6, 0.7001]),
    ]
    drives = drives_of(trains)
    assert drives.shape.tolist()[0] == drives.shape.tolist()[1] != drives.shape.tolist()[2]
    np.testing.assert_array_equal(drives.start_ns, starts)
    assert drives.phase_turns.tolist() == [0.1, 0.2, 0.3]


def test_what_fills_a_block_of_samples_up_is_no_part_of_a_pulse() -> None:
    held = Piece(6.1e9, np.zeros(0), 0.1, 16)
    pulse = Piece(6.1e9, np.array([0, 1e-7, 3e-6, 5e-5, *[0.2] * 9, 0, 0, 0], complex), 0.0, 16)
    onwards = Piece(6.1e9, np.array([0, 0, 0.1, 0.2], complex), 0.2, 16)
    starts, kinds = [0, 100, 200, 300], [0, 1, 0, 2]
    drives = drives_of([train(LINE, starts, [pulse, held, onwards], kinds, [0.3] * 4)])
    found = without_silence(drives)
    assert found.start_ns.tolist() == [4, 100, 204, 302]
    assert found.end_ns.tolist() == [13, 116, 213, 316]
    assert [shape.samples.size for shape in found.shapes] == [9, 0, 2]
    for k in range(4):  # what is heard is the same, its phase too
        at = np.arange(found.start_ns[k], found.end_ns[k]) + 0.5
        one, other = (
            signal(all_.shapes[all_.shape[k]], all_.phase_turns[k], at - all_.start_ns[k])
            for all_ in (drives, found)
        )
        assert np.abs(one - other).max() < 1e-9
