"""Which clocks parameters stand on, by their owner."""

from pathlib import Path

import pytest

from podium.control.facility.load import load_facility
from podium.control.facility.owner_clocks import epoch_number, owner_clocks

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (
            "linked/facility.yaml",
            {"node_a": ("ticks_a",), "node_b": ("ticks_b",), "link_ab": ("ticks_a", "ticks_b")},
        ),
        ("linked/facility_optical.yaml", {"link_ab": ("ticks_a", "ticks_b", "ticks_station")}),
        (
            "linked/facility_hub.yaml",
            {
                "link_bc": ("ticks_b", "ticks_c"),
                "link_ab.link_bc": ("ticks_a", "ticks_b", "ticks_c"),
            },
        ),
        ("ten_nodes/facility.yaml", {"node_a": ("ticks_a",), "link_a": ("ticks_a",)}),
    ],
)
def test_a_link_stands_on_the_clocks_of_all_that_takes_part(file: str, expected: dict) -> None:
    found = owner_clocks(load_facility(EXAMPLES / file))
    assert {name: found[name] for name in expected} == expected


def test_one_number_goes_up_with_each_of_the_clocks() -> None:
    both = ("a", "b")
    assert epoch_number({"a": 1, "b": 1, "c": 7}, both) == 1
    assert epoch_number({"a": 5, "b": 1}, both) == 5
    assert epoch_number({"a": 5, "b": 2}, both) == 6
    assert epoch_number({"a": 5}, both) is None
    assert epoch_number({"a": 5}, ("a",)) == 5
    assert epoch_number({"a": 5}, ()) is None
