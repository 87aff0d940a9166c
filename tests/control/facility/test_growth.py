"""What counts as growth of a facility file, and what asks for a restart."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.benches.nodes.ten_nodes import eleven, ten

from podium.control.commands.part import written
from podium.control.facility.facility import Facility
from podium.control.facility.growth import NotGrown, grown, what_changed
from podium.control.facility.load import load_facility
from podium.control.facility.part import Tree, part_of


def loaded(tree: Tree, folder: Path) -> Facility:
    file = folder / "facility.yaml"
    file.write_text(written(tree))
    return load_facility(file)


def test_a_node_more_is_growth(tmp_path: Path) -> None:
    before = loaded(part_of(ten(), ["node_a", "node_b"]), tmp_path)
    after = loaded(part_of(ten(), ["node_a", "node_b", "node_c"]), tmp_path)
    assert what_changed(before, after) == []
    assert what_changed(loaded(ten(), tmp_path), loaded(eleven(ten()), tmp_path)) == []


def test_a_node_less_is_none_and_all_that_is_gone_is_told(tmp_path: Path) -> None:
    before = loaded(part_of(ten(), ["node_a", "node_b", "node_c"]), tmp_path)
    after = loaded(part_of(ten(), ["node_a", "node_b"]), tmp_path)
    told = what_changed(before, after)
    assert {"nodes > node_c is gone", "instruments > lo_c0 is gone"} <= set(told)
    assert "timing > markers > node_c is gone" in told
    assert "instruments > switch is another one" in told


def _limit(tree: Tree) -> None:
    tree["wiring"]["node_a.q0.flux"]["limit"] = "1 V"


def _address(tree: Tree) -> None:
    tree["instruments"]["cluster_a"]["address"] = "192.168.1.9"


def _modules(tree: Tree) -> None:
    tree["instruments"]["cluster_a"]["modules"][6] = "QRM-RF"
    for port in [port for port in tree["wiring"] if port.endswith(".flux")]:
        tree["wiring"][port]["source"] = tree["wiring"][port]["source"].replace("slot6", "slot8")
    tree["instruments"]["cluster_a"]["modules"][8] = "QCM"
    tree["instruments"]["cluster_b"]["modules"][8] = "QCM"


def _name(tree: Tree) -> None:
    tree["facility"] = "another"


def _jitter(tree: Tree) -> None:
    tree["timing"]["phase_reference"]["jitter"] = "1 ps"


def _design(tree: Tree) -> None:
    tree["nodes"]["node_a"]["qubits"]["q0"]["design"]["t1"] = "50 us"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_limit, "wiring > node_a.q0.flux is another one"),
        (_address, "instruments > cluster_a is another one"),
        (_modules, "instruments > cluster_a is another one"),
        (_name, "the facility was called 'ten_nodes' and is called 'another'"),
        (_jitter, "timing > phase_reference is another one"),
        (_design, "nodes > node_a is another one"),
    ],
)
def test_what_is_said_otherwise_is_no_growth(
    change: Callable[[Tree], None], says: str, tmp_path: Path
) -> None:
    before, tree = (part_of(ten(), ["node_a", "node_b"]) for _ in "ab")
    change(tree)
    assert says in what_changed(loaded(before, tmp_path), loaded(tree, tmp_path))


def test_other_times_of_validity_are_no_hindrance(tmp_path: Path) -> None:
    before, after = part_of(ten(), ["node_a"]), part_of(ten(), ["node_a"])
    before["validity"], after["validity"] = {"f01": "6 h"}, {"f01": "3 h"}
    assert what_changed(loaded(before, tmp_path), loaded(after, tmp_path)) == []


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Facility, Facility]:
    return tuple(loaded(part_of(ten(), nodes), tmp_path) for nodes in (["node_a"], ["node_b"]))


def test_only_the_file_that_is_meant_is_taken_over(pair: tuple[Facility, Facility]) -> None:
    here, other = pair
    assert grown(here, here.digest, lambda: other) is here
    with pytest.raises(NotGrown, match=r"says something else \(hash .*, wanted 0123\): bring it"):
        grown(here, "0123", lambda: other)
    with pytest.raises(NotGrown, match=r"not only grown: .*node_a is gone.*start `podium up`"):
        grown(here, other.digest, lambda: other)


def test_a_copy_that_cannot_be_read_is_told(pair: tuple[Facility, Facility]) -> None:
    def gone() -> Facility:
        raise FileNotFoundError("there is no file f.yaml")

    with pytest.raises(NotGrown, match=r"its copy .* cannot be read: there is no file f.yaml"):
        grown(pair[0], "0123", gone)
