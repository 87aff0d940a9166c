"""Data of batches together are the data of all their shots."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from podium.control.bus.messages import CaptureData
from podium.control.coordinator.batch_data import BatchData
from podium.control.program.batches import Batch, pieces
from podium.control.program.dataset import dataset_of
from podium.control.program.program import Axis, Linear, Program, Variable

SHAPE = (4, 3)
AXES = tuple(
    Axis(f"a{n}", (Variable(f"v{n}", "1", Linear.steps(0, 1, c)),)) for n, c in enumerate(SHAPE)
)


def measured(shots, batch: Batch, keep: bool) -> dict[str, CaptureData]:
    part = shots[(slice(batch.first_shot, batch.first_shot + batch.shots), *batch.piece)]
    counts = np.ones(part.shape, np.int64)
    if not keep:
        part, counts = part.mean(axis=0), counts.sum(axis=0)
    told = counts if batch.first_shot % 2 else int(counts.flat[0])  # one number: so many everywhere
    return {"q0": CaptureData(part.real, part.imag, told, None, None, False)}


def batches(sizes, most):
    shot = 0
    for size in sizes:
        for piece in pieces(SHAPE, most) if size == 1 else [tuple(slice(0, n) for n in SHAPE)]:
            yield Batch(shot, size, piece)
        shot += size


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=6),
    st.integers(1, 20),
    st.booleans(),
    st.data(),
)
def test_however_they_are_split_the_result_is_that_of_one_run(sizes, most, keep, data) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    shots = random.normal(size=(sum(sizes), *SHAPE, 2)) @ [1, 1j]
    combined = BatchData(Program("t", (), (), AXES, shots=sum(sizes), keep_shots=keep))
    for batch in batches(sizes, most):
        combined.add(batch, measured(shots, batch, keep))
    got = combined.so_far()()["q0"]
    expected = shots if keep else shots.mean(axis=0)
    np.testing.assert_allclose(got.i + 1j * got.q, expected, rtol=1e-12, atol=1e-14)
    assert combined.shots_done == sum(sizes)
    assert combined.done == 1
    assert np.all(got.counts == (1 if keep else sum(sizes)))


def test_points_that_were_not_visited_are_nan_and_a_look_stays_as_it_was() -> None:
    for keep in (False, True):
        shots = np.arange(24.0).reshape(2, *SHAPE) + 1j
        combined = BatchData(Program("t", (), (), AXES, shots=2, keep_shots=keep))
        first, second = (Batch(0, 1, piece) for piece in pieces(SHAPE, 6))
        combined.add(first, measured(shots, first, keep))
        look = combined.so_far()
        combined.add(second, measured(shots, second, keep))
        i = look()["q0"].i.reshape(SHAPE)
        assert np.isnan(i[2:]).all()
        assert not np.isnan(i[:2]).any()
        assert not np.isnan(combined.so_far()()["q0"].i).any()
        assert combined.shots_done == 1
        assert combined.done == 0.5


def test_an_input_that_clipped_once_has_clipped() -> None:
    combined = BatchData(Program("t", (), (), (), shots=2))
    for clipped in (True, False):
        one = np.array(1.0)
        data = CaptureData(one, one, np.array(1), one, one, clipped)
        combined.add(Batch(0, 1, ()), {"q0": data})
    together = combined.so_far()()["q0"]
    assert together.out_of_range
    assert isinstance(together.i, np.ndarray)


def test_results_and_counts_that_vary_are_weighted() -> None:
    """A capture in a branch: made twice with mean 1 and result 1, then never, then once with 4."""
    combined = BatchData(Program("t", (), (), (), shots=4))
    for count, value, result in ((2, 1.0, 1.0), (0, np.nan, np.nan), (1, 4.0, 0.0)):
        one, made = np.array(value), np.array(count)
        data = CaptureData(one, -one, made, None, None, False, np.array(result))
        combined.add(Batch(0, 1, ()), {"q0": data})
    together = combined.so_far()()["q0"]
    assert (together.i, together.q, together.counts) == (2.0, -2.0, 3)
    assert together.results == 2 / 3


def test_results_of_kept_shots_stand_in_a_row() -> None:
    combined = BatchData(Program("t", (), (), (), shots=3, keep_shots=True))
    for first, results in ((0, [1.0, 0.0]), (2, [np.nan])):
        made = np.array([0 if np.isnan(one) else 1 for one in results])
        values = np.array(results)
        data = CaptureData(values, values, made, None, None, False, values)
        combined.add(Batch(first, len(results), ()), {"q0": data})
    together = combined.so_far()()["q0"]
    np.testing.assert_array_equal(together.results, [1.0, 0.0, np.nan])
    np.testing.assert_array_equal(together.counts, [1, 1, 0])


def test_data_that_were_out_of_range_once_are_marked_for_good() -> None:
    program = Program("p", (), (), AXES, shots=3)
    combined = BatchData(program)
    whole = tuple(slice(0, n) for n in SHAPE)
    for shot, clipped in enumerate((False, True, False)):
        ones = np.ones(SHAPE)
        data = CaptureData(ones, ones, ones.astype(np.int64), None, None, clipped)
        combined.add(Batch(shot, 1, whole), {"q0": data})
        assert combined.so_far()()["q0"].out_of_range == (shot >= 1)


def test_clicks_of_batches_stay_clicks_and_have_names_of_their_own() -> None:
    combined = BatchData(program := Program("t", (), (), AXES[:1], shots=4, keep_shots=True))
    counts = np.arange(16.0).reshape(4, 4)
    for first in (0, 2):
        part = counts[first : first + 2]
        first_s = np.where(part > 0, 1e-7, np.nan)
        clicks = CaptureData(part, first_s, np.ones((2, 4)), None, None, False, clicks=True)
        combined.add(Batch(first, 2, (slice(0, 4),)), {"link_ab.d0": clicks})
    data = dataset_of(program, combined.so_far()(), {})
    assert set(data.data_vars) == {"link_ab.d0_clicks", "link_ab.d0_first"}
    np.testing.assert_array_equal(data["link_ab.d0_clicks"], counts)
    assert data["link_ab.d0_first"].attrs["units"] == "s"
    assert np.isnan(data["link_ab.d0_first"].values[0, 0])
