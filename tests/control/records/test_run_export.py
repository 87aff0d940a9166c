import csv
import io

import numpy as np
import xarray

from podium.control.records.run_export import csv_text, free_place


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_each_point_is_a_row_and_units_stand_behind_names() -> None:
    data = xarray.Dataset(
        {"v": (("a", "b"), np.arange(6.0).reshape(2, 3), {"units": "V"})},
        coords={"gain": ("a", [0.5, 1.0], {"units": "1"})},
    )
    table = rows(csv_text(data))
    assert table[0] == ["a", "b", "gain [1]", "v [V]"]
    assert table[1:3] == [["0", "0", "0.5", "0.0"], ["0", "1", "0.5", "1.0"]]
    assert table[-1] == ["1", "2", "1.0", "5.0"]


def test_numbers_come_back_to_the_bit_and_other_dimensions_have_a_block_of_their_own() -> None:
    values = np.array([np.pi, 1 / 3, np.nan])
    data = xarray.Dataset({"v": ("a", values), "trace": ("t", np.arange(2.0))})
    table = rows(csv_text(data))
    back = np.array([float(row[1]) for row in table[1:4]])
    np.testing.assert_array_equal(back, values)
    assert table[4] == []
    assert table[5] == ["t", "trace"]


def test_a_free_place_takes_nobodys(tmp_path) -> None:
    assert free_place(tmp_path, "a.csv") == tmp_path / "a.csv"
    (tmp_path / "a.csv").touch()
    assert free_place(tmp_path, "a.csv") == tmp_path / "a-2.csv"
