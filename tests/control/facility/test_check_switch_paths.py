"""Optical switches in the arms of stations: what links share by them, and what is refused."""

from pathlib import Path

import pytest
from tests.benches.facility.edited_example import refusal_of

from podium.control.agent.owners import owners_of
from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError
from podium.control.families.qblox.targets import targets_of

SWITCHED = Path(__file__).parents[3] / "examples" / "linked" / "facility_switched.yaml"
OF_A = "switch: {input: matrix.in1, output: matrix.out1}"
OF_B = "switch: {input: matrix.in2, output: matrix.out2}"
CASES = [
    ("an instrument that is none", OF_A, OF_A.replace("matrix", "matri"), "'matri'; did you mean"),
    (
        "an instrument that switches nothing",
        OF_A,
        OF_A.replace("matrix", "tagger"),
        "tagger is no optical switch; those that are: matrix",
    ),
    (
        "a port that is none",
        OF_A,
        OF_A.replace("in1", "slot1"),
        "'matrix.slot1' is no input of a switch, e.g. matrix.in1",
    ),
    (
        "a port beyond its size",
        OF_A,
        OF_A.replace("in1", "in5"),
        "matrix is 4x4: it has no input 5",
    ),
    (
        "out of another switch",
        OF_A,
        OF_A.replace("matrix.out1", "tagger.out1"),
        "it goes into matrix and comes out of tagger: one switch is wanted",
    ),
    (
        "two fibres at one input",
        OF_B,
        OF_B.replace("in2", "in1"),
        "in1 of matrix takes the fibre of node_a",
    ),
    (
        "two fibres at one output",
        OF_B,
        OF_B.replace("out2", "out1"),
        "node_b and node_a share an output: each arm has one of its own",
    ),
    (
        "detectors shared without a switch",
        f"          {OF_B}\n",
        "",
        "its detectors are those of link_ab",
    ),
    (
        "an arm that is described otherwise",
        "noise_bandwidth: {value: 20 MHz",
        "noise_bandwidth: {value: 21 MHz",
        "it is the arm of link_ab",
    ),
    (
        "a resonator that is described otherwise",
        "kappa: {value: 10.8 MHz",
        "kappa: {value: 10.9 MHz",
        "it is the resonator of link_ab",
    ),
    (
        "detectors that are described otherwise",
        "efficiency: {value: 0.9",
        "efficiency: {value: 0.8",
        "these are the detectors of link_ab",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    told = refusal_of(SWITCHED, old, new, tmp_path)
    assert said in told, told


def test_one_resonator_of_two_links_needs_a_switch(tmp_path: Path) -> None:
    """Other detectors make another station: then nothing leads a photon to one or the other."""
    text = SWITCHED.read_text()
    at = text.index("  link_ac:")
    link = text[at:].replace("io0", "io2", 1).replace("io1", "io3", 1)
    file = tmp_path / "facility.yaml"
    file.write_text(text[:at] + link)
    with pytest.raises(FacilityError, match="its sideband would drive both; tune one away"):
        load_facility(file)


def test_links_share_detectors_and_each_has_its_own_way_there() -> None:
    facility = load_facility(SWITCHED)
    ports = targets_of(facility)["station"].ports
    assert {port: one.routes for port, one in ports.items() if port.endswith("d0")} == {
        "link_ab.d0": (("matrix", 1, 1), ("matrix", 2, 2)),
        "link_ac.d0": (("matrix", 1, 1), ("matrix", 3, 2)),
        "link_bc.d0": (("matrix", 2, 1), ("matrix", 3, 2)),
    }
    assert {one.input for port, one in ports.items() if port.endswith("d0")} == {"io0"}


def test_who_counts_the_clicks_owns_the_switch(tmp_path: Path) -> None:
    """The agent of a node whose controller the tagger's trigger node starts as well."""
    assert "matrix" in owners_of(load_facility(SWITCHED))["room"]
    text = SWITCHED.read_text()
    file = tmp_path / "facility.yaml"
    file.write_text(
        text.replace("station: {output: wrtd_station.LC-O1", "station: {output: wrtd_a.LC-O2")
    )
    owned = owners_of(load_facility(file))
    assert {"station", "matrix", "cluster_a"} <= set(owned["node_a"])
