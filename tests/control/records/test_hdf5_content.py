"""What is encoded is judged by HDF5's own library, which checks every checksum that it reads."""

import io

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.benches.thoroughness import cases

from podium.control.records.hdf5_content import (
    HEAP_OBJECTS,
    Hdf5Dataset,
    NotEncodable,
    hdf5_content,
)

KINDS = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16", "S5")


def opened(datasets: dict[str, Hdf5Dataset], **attributes: object) -> h5py.File:
    plain = {name: array(value) for name, value in attributes.items()}
    return h5py.File(io.BytesIO(hdf5_content(datasets, plain)), "r+")


def array(value: object) -> np.ndarray:
    values = np.asarray(value)
    return values.astype(object) if values.dtype.kind == "U" else values


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", "<>")
def test_numbers_of_every_kind_come_back(kind: str, order: str) -> None:
    dtype = np.dtype(kind).newbyteorder(order)
    values = np.frombuffer(bytes(range(1, 1 + 6 * dtype.itemsize)), dtype).reshape(2, 3)
    with opened({"v": Hdf5Dataset(values, {"a": values[0]})}) as file:
        for found, wanted in ((file["v"][()], values), (file["v"].attrs["a"], values[0])):
            assert found.dtype == dtype.newbyteorder("<")
            np.testing.assert_array_equal(found, wanted)


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
names = texts.filter(lambda text: text not in ("", ".") and "/" not in text)


@settings(max_examples=cases(25, 60), deadline=None)
@given(
    st.dictionaries(names, st.tuples(st.lists(st.integers(0, 3), max_size=3), texts), max_size=12),
    st.dictionaries(texts.filter(bool), texts | st.integers(-(2**63), 2**63 - 1), max_size=20),
)
def test_names_shapes_and_attributes_come_back_in_their_order(
    sizes: dict[str, tuple[list[int], str]], attributes: dict[str, object]
) -> None:
    values = {name: np.arange(np.prod(one)).reshape(one) for name, (one, _) in sizes.items()}
    datasets = {
        name: Hdf5Dataset(one, {"first": array(sizes[name][1]), "k": array(k)})
        for k, (name, one) in enumerate(values.items())
    }
    plain = {name: array(one) for name, one in attributes.items()}
    with h5py.File(io.BytesIO(hdf5_content(datasets, plain)), "r", track_order=True) as file:
        assert list(file) == list(values)
        assert list(file.attrs.items()) == list(attributes.items())
        for k, (name, one) in enumerate(values.items()):
            np.testing.assert_array_equal(file[name][()], one)
            assert dict(file[name].attrs) == {"first": sizes[name][1], "k": k}


def test_scales_are_attached_as_the_library_attaches_them() -> None:
    with opened(
        {
            "t": Hdf5Dataset(np.arange(2), {}, scale="time"),
            "v": Hdf5Dataset(np.ones((2, 3)), {}, ("t", "x")),
            "x": Hdf5Dataset(np.zeros(3, np.float32), {}, scale="alone", is_written=False),
            "w": Hdf5Dataset(np.ones(3), {}, ("x",)),
        }
    ) as file:
        assert h5py.h5ds.is_scale(file["t"].id)
        assert h5py.h5ds.get_scale_name(file["t"].id) == b"time"
        for name, axis, scale in (("v", 0, "t"), ("v", 1, "x"), ("w", 0, "x")):
            assert h5py.h5ds.is_attached(file[name].id, file[scale].id, axis)
            assert file[name].dims[axis][0] == file[scale]
        assert not h5py.h5ds.is_attached(file["w"].id, file["t"].id, 0)
        h5py.h5ds.detach_scale(file["v"].id, file["x"].id, 1)
        assert h5py.h5ds.is_attached(file["w"].id, file["x"].id, 0)


def test_what_was_never_written_reads_as_the_fill_value() -> None:
    missing = np.float64(-7.0)
    one = Hdf5Dataset(np.zeros(3), {}, fill_value=np.asarray(missing), is_written=False)
    with opened({"v": one}) as file:
        assert file["v"].fillvalue == missing
        np.testing.assert_array_equal(file["v"][()], [missing] * 3)


def test_more_texts_than_one_heap_holds_come_back() -> None:
    wanted = np.array([f"é {k}" for k in range(HEAP_OBJECTS + 10)], object)
    with opened({"v": Hdf5Dataset(wanted, {"a": array("behind them")})}) as file:
        np.testing.assert_array_equal(file["v"].asstr()[()], wanted)
        assert file["v"].attrs["a"] == "behind them"


def test_a_file_is_extended_by_the_library() -> None:
    with opened({"v": Hdf5Dataset(np.arange(3), {"a": array("x" * 100_000)})}, run="1") as file:
        for k in range(30):  # more than stay in a header
            file[f"new {k}"] = np.arange(k)
            file["v"].attrs[f"new {k}"] = file.attrs[f"new {k}"] = f"text {k}"
        file["v"][1] = 9
        file.flush()
        assert file["v"].attrs["a"] == "x" * 100_000
        assert file["v"].attrs["new 29"] == file.attrs["new 29"] == "text 29"
        np.testing.assert_array_equal(file["v"][()], [0, 9, 2])
        np.testing.assert_array_equal(file["new 29"][()], np.arange(29))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("a\0b", "byte 0"),
        ("a\udc80", "no text"),
        (np.array(["a", None], object), "None is no text"),
        (np.zeros(8192), "65536 bytes"),
        (np.longdouble(1), "no type"),
        (np.array(["2026-01-01"], "M8[ns]"), "no type"),
    ],
)
def test_what_a_file_cannot_hold_is_told(value: object, said: str) -> None:
    with pytest.raises(NotEncodable, match=said):
        opened({}, a=value)
