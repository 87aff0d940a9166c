"""Parts of recorded data are read without the rest."""

import time

import h5py
import numpy as np
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st
from tests.benches.web.recorded import decay, facts, run_name

from podium.control.bus.records import KeepRun, RecordedFile
from podium.control.records.datasets import dataset_content
from podium.control.records.records_error import NoRun, RecordsError
from podium.control.records.run_reader import SLICE_BYTES, RunReader, WrongSlice, slices_of

number = st.integers(-12, 12)
words = st.one_of(
    st.integers(-7, 6).map(str),
    st.tuples(st.none() | number, st.none() | number, st.none() | st.integers(1, 5)).map(
        lambda parts: ":".join("" if one is None else str(one) for one in parts)
    ),
)


@given(st.lists(words, max_size=2))
def test_a_slice_selects_what_numpy_selects(chosen):
    array = np.arange(7 * 7).reshape(7, 7)
    found = array[tuple(slices_of(", ".join(chosen), array.shape))]
    expected = eval(f"array[{', '.join(chosen)}]", {"array": array}) if chosen else array
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("wrong", ["a", "1:2:0", "1:2:3:4", "7", "-8", "0,0,0", "1;2", ",", "1:-"])
def test_what_is_no_slice_is_refused(wrong):
    with pytest.raises(WrongSlice):
        slices_of(wrong, (7, 7))


def kept(records, data: xarray.Dataset, number: int = 1) -> RecordedFile:
    content, digest = dataset_content(data)
    records.keep(KeepRun(facts(number, 1), content, digest))
    return records.located(run_name(number))


@pytest.fixture
def records(tmp_path):
    from podium.control.records.record_folder import RecordFolder

    with RecordFolder(tmp_path / "records") as records:
        yield records


def test_a_slice_of_eight_gigabytes_costs_what_the_slice_costs(tmp_path):
    path = tmp_path / "large.nc"
    shape = (1000, 1_000_000)
    with h5py.File(path, "w") as file:
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)  # the file has holes in place of zeros
        space = h5py.h5s.create_simple(shape)
        h5py.h5d.create(file.id, b"x", h5py.h5t.IEEE_F64LE, space, layout)
        file["x"][7, 5] = 2.5
    assert path.stat().st_size >= 8e9
    place = RecordedFile("1-1", "data", 1, str(path), "", path.stat().st_size, "", 0.0)
    began = time.monotonic()
    found = RunReader().slice_of(place, "x", "7, 3:8")
    assert found.values.tolist() == [0.0, 0.0, 2.5, 0.0, 0.0]
    assert found.shape == shape
    assert time.monotonic() - began < 2.0
    with pytest.raises(WrongSlice, match="at most"):
        RunReader().slice_of(place, "x", "0:20")
    assert SLICE_BYTES < 20 * 8e6


def test_a_changed_file_is_told_and_not_opened(records):
    file = kept(records, decay(1))
    with open(file.file, "r+b") as handle:
        handle.seek(100)
        handle.write(b"damaged")
    with pytest.raises(RecordsError, match="hash differs"):
        RunReader().preview(file)


def test_shots_are_shown_as_their_mean_and_some_of_them(records):
    shots = np.random.default_rng(1).normal(size=(3000, 2))
    data = xarray.Dataset(
        {
            "q0_i": (("shot", "state"), shots, {"units": "V"}),
            "q0_q": (("shot", "state"), shots + 1.0, {"units": "V"}),
        },
        attrs={"run": run_name(1), "program": "single_shot", "complete": 0},
    )
    seen = records.preview(kept(records, data).run)
    np.testing.assert_allclose(seen.captures["q0"].i, shots.mean(axis=0))
    assert seen.captures["q0"].cloud_q.shape == (1000, 2)
    assert [axis.name for axis in seen.axes] == ["state"]
    assert not seen.complete


def test_traces_long_lines_and_other_variables_are_thinned(records):
    line = np.linspace(0.0, 1.0, 100_001)
    data = xarray.Dataset(
        {
            "temperature": ("time", line, {"units": "K"}),
            "cube": (("a", "b", "c"), np.ones((3, 4, 5)), {"units": "V"}),
        },
        coords={"time": ("time", line * 10, {"units": "s"})},
        attrs={"run": run_name(1), "program": "log"},
    )
    seen = records.preview(kept(records, data).run)
    assert seen.values["temperature"].values.size <= 2000
    assert seen.axes[0].variables[0].values.size == seen.values["temperature"].values.size
    assert seen.values["cube"].values.shape == (4, 5)
    assert seen.values["cube"].axes == ("b", "c")


def test_what_is_known_of_a_run_and_its_settings(records):
    kept(records, decay(1))
    found = records.description(run_name(1))
    assert (found.run.run, found.files[0].name, found.outcome_json) == (run_name(1), "data", "")
    assert "node_a.q0.f01" in found.in_use_json
    with pytest.raises(NoRun, match="names no snapshot"):
        records.snapshot(run_name(1))
