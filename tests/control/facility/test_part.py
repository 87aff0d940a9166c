"""A part of a facility is a facility: nothing that it needs is missing, nothing else is there."""

from pathlib import Path

import pytest
from tests.benches.nodes.ten_nodes import eleven, ten

from podium.control.agent.owners import owners_of
from podium.control.cli import main
from podium.control.commands.part import written
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.facility.part import NoSuchNode, Tree, part_of

TEN = Path(__file__).parents[3] / "examples" / "ten_nodes" / "facility.yaml"


def loaded(tree: Tree, folder: Path) -> Facility:
    file = folder / "facility.yaml"
    file.write_text(written(tree))
    return load_facility(file)


def test_the_part_of_all_nodes_is_the_facility(tmp_path: Path) -> None:
    tree = ten()
    assert loaded(part_of(tree, tree["nodes"]), tmp_path).digest == load_facility(TEN).digest


@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_a_part_is_sound_and_has_its_own_instruments_alone(count: int, tmp_path: Path) -> None:
    tree = ten()
    nodes = list(tree["nodes"])[:count]
    part, whole = loaded(part_of(tree, nodes), tmp_path), load_facility(TEN)
    assert list(part.nodes) == nodes
    assert all(part.nodes[node] == whole.nodes[node] for node in nodes)
    owned = owners_of(whole)
    gone = [box for node in whole.nodes if node not in nodes for box in owned[node]]
    assert not part.instruments.keys() & set(gone)
    assert part.instruments.keys() >= {box for node in nodes for box in owned[node]}
    assert {"switch", "rubidium", "tagger", "wrtd_room"} <= part.instruments.keys()
    assert part.timing.markers.keys() == set(nodes)
    assert part.timing.triggers.keys() == {"tagger", *(f"cluster_{node[-1]}" for node in nodes)}
    assert {link.ends[0] for link in part.links.values()} == set(nodes)
    switch = part.instruments["switch"].options["links"]
    assert {name for name in switch.values() if name != "wrtd_room"} == {
        f"wrtd_{node[-1]}" for node in nodes
    }
    assert {node.fridge for node in part.nodes.values()} == part.fridges.keys()


def test_nodes_from_the_middle_keep_what_they_share(tmp_path: Path) -> None:
    part = loaded(part_of(ten(), ["node_h", "node_c"], "two_of_them"), tmp_path)
    assert part.name == "two_of_them"
    assert list(part.nodes) == ["node_c", "node_h"]
    assert part.hubs.keys() == {"exchange"}


def test_a_hub_that_nobody_is_linked_to_goes(tmp_path: Path) -> None:
    tree = ten()
    tree["links"] = {"link_a": tree["links"]["link_a"]}
    assert not loaded(part_of(tree, ["node_b", "node_e"]), tmp_path).hubs


def test_validity_of_what_is_gone_goes(tmp_path: Path) -> None:
    tree = ten()
    tree["validity"] = {"f01": "6 h", "node_a.q0.t1": "1 h", "node_b.q0.t1": "2 h"}
    part = loaded(part_of(tree, ["node_a"]), tmp_path)
    assert dict(part.validity) == {"f01": 21600.0, "node_a.q0.t1": 3600.0}


def test_a_node_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(NoSuchNode, match="there is no node 'node_z'; did you mean 'node_"):
        part_of(ten(), ["node_a", "node_z"])


def test_the_eleventh_node_of_the_tests_is_like_the_first(tmp_path: Path) -> None:
    facility = loaded(eleven(ten()), tmp_path)
    assert list(facility.nodes)[10:] == ["node_k"]
    assert owners_of(facility)["node_k"] == ("cluster_k", "wrtd_k")
    assert facility.nodes["node_k"].qubits["q0"].design == (
        facility.nodes["node_a"].qubits["q0"].design
    )


def test_the_command_writes_a_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "part.yaml"
    assert main(["part", str(TEN), "--nodes", "2", "--name", "pair", "--out", str(out)]) == 0
    assert load_facility(out).name == "pair"
    assert main(["part", str(TEN), "node_c"]) == 0
    assert "facility: ten_nodes\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["--nodes", "11"], 2, "--nodes 11: the facility has 10 nodes"),
        ([], 2, "say which nodes: their names, or --nodes N"),
        (["node_a", "--nodes", "2"], 2, "say which nodes"),
        (["node_y"], 2, "there is no node 'node_y'"),
        (["node_a", "--out", "/"], 2, "give another --out"),
    ],
)
def test_wrong_words_are_refused(
    words: list[str], status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["part", str(TEN), *words]) == status
    assert says in capsys.readouterr().err


def test_a_file_that_is_not_sound_is_not_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "facility.yaml"
    file.write_text(TEN.read_text().replace("cold_below: 30 mK", "cold_below: 30", 1))
    assert main(["part", str(file), "--nodes", "2"]) == 1
    assert "30 has no unit" in capsys.readouterr().err
