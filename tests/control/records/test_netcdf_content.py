import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.benches.thoroughness import cases

from podium.control.records.netcdf_content import netcdf_content

ENGINE = "h5netcdf"


def _load(content: bytes) -> xarray.Dataset:
    return xarray.load_dataset(io.BytesIO(content), engine=ENGINE)


def _same(data: xarray.Dataset) -> None:
    """Check what is read of our content against what is read of xarray's own."""
    theirs = io.BytesIO()
    data.to_netcdf(theirs, engine=ENGINE)
    ours, wanted = _load(netcdf_content(data)), _load(theirs.getvalue())
    xarray.testing.assert_identical(ours, wanted)
    assert list(ours.variables) == list(wanted.variables)
    for one, other in [
        (ours, wanted),
        *((ours[name], wanted[name]) for name in wanted.variables),
    ]:
        assert list(one.attrs) == list(other.attrs)
        assert [type(v) for v in one.attrs.values()] == [type(v) for v in other.attrs.values()]
    for name in wanted.variables:
        assert ours[name].dtype == wanted[name].dtype


def _run() -> xarray.Dataset:
    axis = np.linspace(7.25e9, 7.27e9, 5)
    return xarray.Dataset(
        {
            "q0_i": (("probe", "power"), np.arange(15.0).reshape(5, 3), {"units": "V"}),
            "clipped": (("probe",), np.array([True, False, False, True, False])),
            "shots": ((), np.int32(300)),
            "label": (("power",), np.array(["low", "mid °", ""])),
        },
        coords={
            "q0_probe_frequency": ("probe", axis, {"units": "Hz"}),
            "power": ("power", np.array([1, 2, 4])),
        },
        attrs={
            "run": "17-1",
            "program_json": '{"a": "µ"}',
            "epoch": 3,
            "tai_s": 1.5,
            "n": np.array([1, 2]),
        },
    )


def test_a_run_reads_as_if_xarray_had_written_it() -> None:
    _same(_run())


@pytest.mark.parametrize(
    "data",
    [
        xarray.Dataset(),
        xarray.Dataset(attrs={"run": "1"}),
        xarray.Dataset({"x": ("t", np.zeros(0), {"units": "V"})}),
        xarray.Dataset({"x": ("t", np.array([np.nan, 1.0]))}),
        xarray.Dataset(coords={"t": np.arange(3)}),
        xarray.Dataset({"m": (("a", "b", "a2"), np.zeros((2, 3, 2), np.float32))}),
    ],
    ids=["nothing", "attributes", "empty", "nan", "coordinate", "three"],
)
def test_odd_datasets_do_so_too(data: xarray.Dataset) -> None:
    _same(data)


_arrays = st.tuples(
    st.lists(st.sampled_from("abc"), max_size=3, unique=True),
    st.sampled_from(["f8", "f4", "i4", "i8", "u2", "bool"]),
)


@settings(max_examples=cases(12, 25), deadline=None)
@given(st.lists(_arrays, max_size=4), st.sets(st.sampled_from("abc")))
def test_whatever_lies_along_which_dimensions(arrays, with_coordinate) -> None:
    sizes = {"a": 2, "b": 3, "c": 1}
    used = {name for dims, _ in arrays for name in dims}
    data = xarray.Dataset(
        {
            f"v{k}": (dims, np.ones([sizes[one] for one in dims], kind), {"units": "1"})
            for k, (dims, kind) in enumerate(arrays)
        },
        coords={name: np.arange(sizes[name]) * 1.5 for name in sorted(with_coordinate & used)},
    )
    _same(data)


def test_contents_are_made_in_several_threads_at_a_time() -> None:
    with ThreadPoolExecutor(4) as threads:
        made = threads.map(lambda _: netcdf_content(_run()), range(100))
    assert len(set(made)) == 1
