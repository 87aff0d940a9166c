"""Splitting a program's shots: nothing is left out, nothing is done twice, the order stays."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.control.program.batches import Batch, common, part_of, pieces, whole
from podium.control.program.program import Axis, Frame, Linear, Play, Program, Table, Variable
from podium.control.program.waveforms import Square

shapes = st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple)


def program(shape=(5, 3), shots=4) -> Program:
    axes = tuple(
        Axis(
            f"axis{n}",
            (
                Variable(f"wait{n}", "fs", Linear.steps(10**6, 4 * 10**6, count)),
                Variable(f"level{n}", "1", Table(tuple(k / 10 for k in range(count)))),
            ),
        )
        for n, count in enumerate(shape)
    )
    return Program(
        "trial",
        (Frame("d", "node_a.q0.drive", 6e9),),
        (Play("d", Square(10**8), 0.1),),
        axes,
        shots=shots,
        settle_fs=10**12,
    )


def visited(shape, piece):
    ranges = [range(one.start, one.stop) for one in piece]
    points = [[]]
    for one in ranges:
        points = [[*point, k] for point in points for k in one]
    return [sum(k * math.prod(shape[n + 1 :]) for n, k in enumerate(point)) for point in points]


@given(shapes, st.integers(1, 300))
def test_pieces_visit_every_point_once_in_the_order_of_the_whole(shape, most) -> None:
    parts = list(pieces(shape, most))
    assert [k for piece in parts for k in visited(shape, piece)] == list(range(math.prod(shape)))
    assert all(Batch(0, 1, piece).points <= most for piece in parts)


@given(shapes, st.integers(1, 300))
def test_the_values_of_pieces_are_those_of_the_whole(shape, most) -> None:
    given = program(shape)
    for piece in pieces(shape, most):
        part = part_of(given, Batch(0, 1, piece))
        for axis, cut, one in zip(given.axes, part.axes, piece, strict=True):
            for variable, short in zip(axis.variables, cut.variables, strict=True):
                values = [variable.value(k) for k in range(one.start, one.stop)]
                assert [short.value(k) for k in range(short.values.count)] == values
                assert short.name == variable.name


def test_a_batch_of_everything_is_the_program_itself() -> None:
    given = program()
    assert part_of(given, Batch(0, given.shots, whole(given))) == given


@pytest.mark.parametrize(
    ("batch", "settles"),
    [
        (Batch(0, 1, (slice(0, 2), slice(0, 3))), True),
        (Batch(0, 1, (slice(2, 5), slice(0, 3))), False),
        (Batch(1, 1, (slice(0, 2), slice(0, 3))), False),
    ],
)
def test_only_the_very_first_shot_waits_for_biases_to_settle(batch, settles) -> None:
    assert bool(part_of(program(), batch).settle_fs) is settles


def test_a_program_without_axes_is_one_piece() -> None:
    assert list(pieces((), 1)) == [()]


@settings(max_examples=40)
@given(shapes, st.lists(st.integers(1, 100), min_size=1, max_size=3), st.integers(1, 3))
def test_common_parts_lie_in_one_part_of_each_and_cover_all_once(shape, most, shots) -> None:
    several = [
        [Batch(0, shots, piece) for piece in pieces(shape, one)]
        if number % 2
        else [Batch(k, 1, piece) for k in range(shots) for piece in pieces(shape, one)]
        for number, one in enumerate(most)
    ]
    owners = np.zeros((len(several), shots, *shape), int)
    for numbers, parts in zip(owners, several, strict=True):
        for k, part in enumerate(parts):
            numbers[held(part)] += k
    seen = np.zeros((shots, *shape), int)
    for one in common(several):
        seen[held(one)] += 1
        for numbers in owners:
            assert len(set(numbers[held(one)].flat)) == 1, "it lies in one part of each"
    assert (seen == 1).all()


def held(part: Batch) -> tuple[slice, ...]:
    return (slice(part.first_shot, part.first_shot + part.shots), *part.piece)
