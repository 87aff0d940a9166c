"""Edges whose gate drives a plasmon: what they come to, and what is told when wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.benches.facility.fluxonium_pair import pair, written

from podium.control.facility.facility import DriveWiring
from podium.control.facility.load import load_facility, load_with_remarks
from podium.control.facility.mixers import mixer_port
from podium.control.facility.problems import FacilityError

Tree = dict[str, Any]


def test_an_edge_names_what_it_drives_and_its_port(tmp_path: Path) -> None:
    facility, remarks = load_with_remarks(written(pair(), tmp_path))
    edge = facility.edges()["node_a.q0_q1"]
    assert (edge.driven, edge.played, edge.gate_port) == ("q0", "plasmon cz", "node_a.q0.plasmon")
    assert "gate_duration" not in edge.design  # that is no matter of the exchange
    wiring = facility.wiring["node_a.q0.plasmon"]
    assert isinstance(wiring, DriveWiring)
    assert wiring.line_attenuation_db == 76
    assert not [one for one in remarks if "plasmon" in str(one)]


def test_the_mixer_of_a_plasmons_output_is_calibrated_where_it_plays(tmp_path: Path) -> None:
    facility = load_facility(written(pair(), tmp_path))
    design = facility.qubits()["node_a.q0"].design
    mixer = mixer_port(facility, "node_a.q0.plasmon")
    assert mixer is not None
    f12 = design["f01"].value + design["anharmonicity"].value
    assert mixer.intermediate_hz == pytest.approx(f12 - 3.31e9)


def edge_of(tree: Tree) -> Tree:
    return tree["nodes"]["node_a"]["edges"]["q0_q1"]


def no_output(tree: Tree) -> None:
    del tree["wiring"]["node_a.q0.plasmon"]


def nobody(tree: Tree) -> None:
    edge_of(tree)["driven"] = "q7"


def an_iswap(tree: Tree) -> None:
    edge_of(tree)["gate"] = "iswap"


def flux_too(tree: Tree) -> None:
    edge_of(tree)["pulsed"] = "q0"


def far_away(tree: Tree) -> None:
    tree["wiring"]["node_a.q0.plasmon"]["lo"] = "4.2 GHz"


def of_a_transmon(tree: Tree) -> None:
    design = {"f01": "5.0 GHz", "anharmonicity": "-200 MHz", "readout_frequency": "7.2 GHz"}
    tree["nodes"]["node_a"]["qubits"]["q1"] = {"kind": "transmon", "design": design}


WRONG = [
    (no_output, "nothing drives the plasmon of 'q0': 'node_a.q0.plasmon' is not wired"),
    (nobody, "'q7' is no end of this edge; it can be q0 or q1"),
    (an_iswap, "a drive of a plasmon makes a 'cz', not 'iswap'"),
    (flux_too, "a gate by a drive of a plasmon or a coupler pulses no flux; remove 'pulsed'"),
    (far_away, "node_a.q0's plasmon, f12 (of its energies), of 3.063"),
    (of_a_transmon, "'q1' is no fluxonium: only these shift each other's plasmons so"),
]


@pytest.mark.parametrize(("spoil", "said"), WRONG)
def test_what_cannot_be_is_said_with_what_would_be_right(
    spoil: Callable[[Tree], None], said: str, tmp_path: Path
) -> None:
    tree = pair()
    spoil(tree)
    with pytest.raises(FacilityError) as refused:
        load_facility(written(tree, tmp_path))
    assert said in str(refused.value)


def test_a_transmon_has_no_port_for_a_plasmon(tmp_path: Path) -> None:
    tree = pair()
    of_a_transmon(tree)
    tree["wiring"]["node_a.q1.plasmon"] = {
        "output": "cluster.slot4.out1",
        "lo": "3.3 GHz",
        "line_attenuation": "70 dB",
    }
    with pytest.raises(FacilityError, match=r"there is no port 'node_a\.q1\.plasmon'"):
        load_facility(written(tree, tmp_path))
